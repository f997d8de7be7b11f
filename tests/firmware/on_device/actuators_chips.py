"""Relay, doors, light, buzzer, inputs and battery, under either Python. Prints `OK <tests>`."""

import asyncio
import sys

from box.drivers import indicator
from box.drivers.battery import Battery
from box.drivers.doors import PULSE_MS as DOOR_PULSE_MS
from box.drivers.doors import Doors
from box.drivers.indicator import Indicator, get_pattern, iterate_names
from box.drivers.inputs import DEBOUNCE_MS, Inputs
from box.drivers.relay import PULSE_MS, Relay
from box.protocols.codes import CONTACT_ALLOW, CONTACT_INHIBIT
from chips.latching_relay import ALLOW, INHIBIT, LatchingRelay
from support_chip_bench import Clock, Pin, run_all

PATTERNS = {name: get_pattern(name) for name in iterate_names()}


class CoilPin:
    """Drives one coil of the relay's model."""

    def __init__(self, clock, relay, coil):
        self._clock = clock
        self._relay = relay
        self._coil = coil
        self.level = 0

    def value(self, level):
        self.level = level
        self._relay.drive(self._coil, bool(level), self._clock.now_us)


class ContactPin:
    def __init__(self, relay):
        self._relay = relay

    def value(self):
        return self._relay.contact_level()


def make_relay(position=ALLOW):
    clock = Clock()
    model = LatchingRelay(position)
    clock.chips.append(model)
    coils = CoilPin(clock, model, ALLOW), CoilPin(clock, model, INHIBIT)
    return clock, model, coils, Relay(coils[0], coils[1], ContactPin(model), clock.sleep_ms_async)


def test_a_pulse_moves_the_relay_and_no_coil_carries_current_after_it():
    _, model, coils, relay = make_relay()
    for pulse, position, contact in (
        (relay.pulse_inhibit, INHIBIT, CONTACT_INHIBIT),
        (relay.pulse_inhibit, INHIBIT, CONTACT_INHIBIT),
        (relay.pulse_allow, ALLOW, CONTACT_ALLOW),
    ):
        asyncio.run(pulse())
        assert model.position == position
        assert relay.read_contact() == contact
        assert (coils[0].level, coils[1].level) == (0, 0)
    assert model.short_pulses == 0
    assert model.coil_on_us == 3 * PULSE_MS * 1000


def test_making_the_driver_moves_nothing():
    for position in (ALLOW, INHIBIT):
        _, model, _, _ = make_relay(position)
        assert model.position == position
        assert model.coil_on_us == 0


def test_the_coil_is_off_also_when_the_pulse_is_broken_off():
    _, _, coils, relay = make_relay()

    async def break_off(_ms):
        raise RuntimeError("a task was cancelled")

    relay._sleep_ms = break_off
    for pulse in (relay.pulse_allow, relay.pulse_inhibit):
        try:
            asyncio.run(pulse())
            raise AssertionError("nothing was raised")
        except RuntimeError:
            pass
        assert (coils[0].level, coils[1].level) == (0, 0)


def test_two_pulses_at_once_come_one_after_the_other():
    _, model, _, relay = make_relay()

    async def both():
        await asyncio.gather(relay.pulse_inhibit(), relay.pulse_allow())

    asyncio.run(both())  # the model raises if both coils are driven
    assert model.moves == 2
    assert model.short_pulses == 0


def test_the_contact_is_believed_and_a_broken_wire_reads_allow():
    clock, model, _, relay = make_relay(INHIBIT)
    assert relay.read_contact() == CONTACT_INHIBIT
    model.shock(ALLOW, clock.now_us)
    assert relay.read_contact() == CONTACT_ALLOW
    model.shock(INHIBIT, clock.now_us)
    model.is_wire_broken = True
    assert relay.read_contact() == CONTACT_ALLOW


def test_doors_get_one_pulse_each_and_never_two_at_once():
    clock = Clock()
    unlock, lock = Pin(clock), Pin(clock)
    doors = Doors(unlock, lock, clock.sleep_ms_async)

    async def both():
        await asyncio.gather(doors.unlock(), doors.lock())

    asyncio.run(both())
    assert [level for _, level in unlock.history] == [1, 0]
    assert [level for _, level in lock.history] == [1, 0]
    assert unlock.history[1][0] - unlock.history[0][0] == DOOR_PULSE_MS
    assert lock.history[0][0] > unlock.history[1][0]
    assert (unlock.level, lock.level) == (0, 0)


def test_an_input_counts_once_it_has_stood():
    clock = Clock()
    kl15, doors, key = Pin(clock, 0), Pin(clock, 1), Pin(clock, 0)
    inputs = Inputs(kl15, doors, key)
    assert (inputs.kl15_on, inputs.door_open, inputs.key_in_holder) == (None, None, None)
    inputs.update(0)
    assert (inputs.kl15_on, inputs.door_open, inputs.key_in_holder) == (False, False, True)
    for now_ms in range(10, 190, 10):  # a contact that bounces is not a contact
        kl15.level = now_ms // 10 % 2
        inputs.update(now_ms)
        assert inputs.kl15_on is False
    kl15.level, doors.level, key.level = 1, 0, 1
    inputs.update(200)
    inputs.update(200 + DEBOUNCE_MS - 1)
    assert (inputs.kl15_on, inputs.door_open, inputs.key_in_holder) == (False, False, True)
    inputs.update(200 + DEBOUNCE_MS)
    assert (inputs.kl15_on, inputs.door_open, inputs.key_in_holder) == (True, True, False)


def test_the_battery_is_in_millivolts_before_the_divider():
    class Adc:
        def __init__(self, values):
            self._values = values

        def read_uv(self):
            return self._values.pop(0)

    assert Battery(Adc([1_145_455] * 4)).read_mv() == 12600
    assert Battery(Adc([1_000_000, 1_200_000, 1_000_000, 1_200_000])).read_mv() == 12100
    assert Battery(Adc([0] * 4)).read_mv() == 0


class Pixels:
    """A ring that remembers its frames as sets of lit pixels."""

    def __init__(self, clock):
        self._clock = clock
        self._now = [(0, 0, 0)] * 8
        self.frames = []

    def __setitem__(self, index, colour):
        self._now[index] = colour

    def write(self):
        shape = 0
        for index, colour in enumerate(self._now):
            shape |= (1 if any(colour) else 0) << index
        self.frames.append((self._clock.now_us // 1000, shape))


class Pwm:
    def __init__(self, clock):
        self._clock = clock
        self._hz = 0
        self.tones = []
        self.is_on = False

    def freq(self, hz):
        self._hz = hz

    def duty_u16(self, duty):
        self.is_on = duty > 0
        self.tones.append((self._clock.now_us // 1000, self._hz if duty else 0))


def make_indicator():
    clock = Clock()
    pixels, pwm = Pixels(clock), Pwm(clock)
    return clock, pixels, pwm, Indicator(None, pwm, pixels, clock.sleep_ms_async)


def play(name, ms, and_then=None):
    """Play for so long; returns the ring's frames and the tones."""
    clock, pixels, pwm, light = make_indicator()

    async def main():
        task = asyncio.create_task(light.run())
        await asyncio.sleep(0)
        light.play(name)
        until_us = clock.now_us + 1000 * ms
        while clock.now_us < until_us:
            before_us = clock.now_us
            await asyncio.sleep(0)
            if clock.now_us == before_us:
                await clock.sleep_ms_async(1)
        if and_then:
            and_then(clock, light)
            for _ in range(5):
                await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    asyncio.run(main())
    return pixels.frames, pwm.tones


def as_seen_and_heard(name):
    """A pattern without its colour: equal neighbours are one."""
    _, rounds, steps = PATTERNS[name]
    seen = []
    for _ in range(rounds):
        for shape, tone_hz, ms in steps:
            if seen and seen[-1][:2] == (shape, tone_hz):
                seen[-1] = (shape, tone_hz, seen[-1][2] + ms)
            else:
                seen.append((shape, tone_hz, ms))
    return tuple([step[:2] for step in seen])


def test_every_pattern_is_told_from_every_other_without_colour():
    seen = {}
    for name in PATTERNS:
        key = as_seen_and_heard(name)
        assert key not in seen, (name, seen.get(key))
        seen[key] = name


def test_refusals_are_told_apart_by_eye_alone_or_by_ear_and_eye():
    shapes = {}
    for name in PATTERNS:
        shape = tuple([step[0] for step in as_seen_and_heard(name)])
        shapes.setdefault(shape, []).append(name)
    for names in shapes.values():
        assert len(names) == 1, names


def test_every_pattern_is_bounded_and_shows_something_at_once():
    for name, (_, rounds, steps) in PATTERNS.items():
        assert steps[0][0], name
        assert sum([step[2] for step in steps]) * rounds <= 10_000, name
        for shape, tone_hz, ms in steps:
            assert 0 <= shape <= 0xFF, name
            assert tone_hz == 0 or 200 <= tone_hz <= 4000, name
            assert ms > 0, name


def test_a_pattern_begins_at_once_and_ends_dark_and_silent():
    frames, tones = play("welcome", 1500)
    began_ms = frames[0][0]
    assert frames[0][1] == PATTERNS["welcome"][2][0][0]
    assert tones[0] == (began_ms, PATTERNS["welcome"][2][0][1])
    shapes = [shape for _, shape in frames]
    assert [step[0] for step in PATTERNS["welcome"][2]] == [s for s in shapes if s][-3:]
    assert shapes[-1] == 0
    assert tones[-1][1] == 0


def test_the_next_pattern_replaces_the_one_that_plays_at_once():
    shown = []

    def then(clock, light):
        light.play("ended")
        shown.append(clock.now_us // 1000)

    frames, _ = play("asking", 300, then)
    assert (shown[0], PATTERNS["ended"][2][0][0]) in frames


def test_a_name_that_is_not_in_the_table_is_a_warning():
    frames, _ = play("no such pattern", 50)
    assert frames[0][1] == PATTERNS[indicator.UNKNOWN][2][0][0]


def test_light_and_buzzer_are_off_when_the_task_ends():
    frames, tones = play("asking", 200)
    assert frames[-1][1] == 0
    assert tones[-1][1] == 0


def run(_folder):
    """Everything; returns how much."""
    return run_all(globals())


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
