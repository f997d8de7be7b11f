"""The interlock on the relay's model: what sticks, lies, bounces, is cut or is weak. Prints `OK <points>`.

Under either Python: the real decision, driver and model; the courses of the sensors in a slice.
"""

import asyncio

from box.access.evidence import Evidence
from box.access.interlock import Interlock
from box.config import Settings
from box.drivers.relay import Relay
from box.faults import Faults
from box.protocols import codes
from chips.latching_relay import ALLOW, INHIBIT, MIN_PULSE_US, LatchingRelay
from support_chip_bench import Clock
from support_interlock import POINTS_A_COURSE, check_course, iterate_courses, sweep_rule

WANT = {ALLOW: codes.CONTACT_ALLOW, INHIBIT: codes.CONTACT_INHIBIT}
DISAGREES = codes.FAULT_RELAY_CONTACT_DISAGREES
NOT_INHIBITED = codes.FAULT_PARKED_NOT_INHIBITED
TICK_MS = 100


class PowerCut(BaseException):
    """The box lost its supply in the middle of a pulse."""


class _Coil:
    def __init__(self, bench, coil):
        self._bench = bench
        self._coil = coil

    def value(self, level):
        bench = self._bench
        bench.model.drive(self._coil, bool(level), bench.clock.now_us)
        if level:
            bench.pulses += 1
            assert bench.supply_mv >= 9_000, "a pulse was begun below 9 V"


class _Contact:
    def __init__(self, bench):
        self._bench = bench

    def value(self):
        self._bench.model.advance(self._bench.clock.now_us)
        return self._bench.model.contact_level()


class Bench:
    """A car that stands with its ignition off, its relay and a box; `boot` is a box that has just started."""

    def __init__(self, position=ALLOW, kind=1):
        self.clock = Clock()
        self.model = LatchingRelay(position)
        self.clock.chips.append(self.model)
        self.supply_mv = 12_600
        self.kind = kind
        self.pulses = 0
        self.records = []
        self.on_sleep = None  # called each ms of a pulse with how long it has lasted
        self.boot()

    def boot(self):
        for coil in (ALLOW, INHIBIT):
            self.model.drive(coil, False, self.clock.now_us)  # pins float at a reset: the pull-downs hold
        self.evidence = Evidence()
        self.faults = Faults(self.clock.ticks_ms)
        self.faults.attach(self._write)
        relay = Relay(_Coil(self, ALLOW), _Coil(self, INHIBIT), _Contact(self), self._sleep_ms)
        self.interlock = Interlock(
            relay,
            self.evidence,
            Settings({"interlock_kind": self.kind}),
            self.faults,
            self._write,
            lambda: self.supply_mv,
        )

    def _write(self, kind, *values):
        self.records.append((kind,) + values)  # noqa: RUF005 - MicroPython has no other way

    async def _sleep_ms(self, ms):
        for spent_ms in range(ms):
            if self.on_sleep is not None:
                self.on_sleep(spent_ms)
            self.clock.sleep_ms(1)

    def set_supply(self, mv):
        self.supply_mv = mv
        self.model.set_supply(mv, self.clock.now_us)

    def live(self, seconds, target=None):
        """Stand still; the box looks each 100 ms, as it does, and keeps the relay at `target`."""

        async def run():
            for _ in range(seconds * 1000 // TICK_MS):
                self.clock.sleep_ms(TICK_MS)
                self.evidence.advance(TICK_MS)
                self.evidence.note_ignition(False)
                self.evidence.note_accelerometer(0, 0, 1000)
                if target is not None:
                    await self.interlock.hold(WANT[target], codes.RELAY_SOURCE_PARKED, False, 0, TICK_MS)

        asyncio.run(run())

    def ask(self, target):
        return asyncio.run(self.interlock.set(WANT[target], codes.RELAY_SOURCE_SESSION, False, 7))

    def count(self, kind):
        return len([record for record in self.records if record[0] == kind])


def _break(bench, fault):
    model = bench.model
    if fault == "chatters":
        model.set_chatter(True, bench.clock.now_us)
    elif fault != "sound":
        setattr(model, fault, True)


FAULTS = ("sound", "is_stuck", "is_wire_broken", "is_wire_shorted", "is_reversed", "chatters")
MINUTES = 4
POINTS = [0]


def _check_broken(fault, position, target, kind, supply_mv):
    """One relay, broken in one way, asked once and held at that target for four minutes."""
    case = (fault, position, target, kind, supply_mv)
    bench = Bench(position, kind)
    bench.live(62)
    _break(bench, fault)
    bench.set_supply(supply_mv)
    bench.ask(target)
    bench.live(60 * MINUTES, target)
    POINTS[0] += 1
    bench.live(0)
    model = bench.model
    if supply_mv < 9_000 or kind == 0:
        assert (model.coil_on_us, model.position) == (0, position), case
        assert not bench.faults.is_set(DISAGREES) or (kind and fault == "chatters"), case
    elif target == ALLOW:  # nobody is left before a car that does not start, whatever the contact says
        assert model.position == (position if fault == "is_stuck" else ALLOW), case
    elif fault in ("sound", "is_wire_broken", "chatters"):
        assert model.position == (INHIBIT if kind <= 3 else position), case
    if kind != 0 and supply_mv >= 9_000:
        known = target == ALLOW or kind <= 3
        lies = {"is_stuck": position != target, "is_wire_broken": target == INHIBIT}
        lies["is_wire_shorted"] = target == ALLOW
        lies["is_reversed"] = target == ALLOW or position == INHIBIT
        if fault == "chatters":
            assert not known or bench.faults.is_set(DISAGREES), case
        else:
            assert bench.faults.is_set(DISAGREES) == (known and lies.get(fault, False)), case
    assert model.short_pulses == model.weak_pulses == 0, case
    assert bench.pulses <= 3 + 6 * MINUTES, case
    assert bench.count(codes.RECORD_RELAY) <= 5 + 2 * MINUTES, case
    assert bench.count(codes.RECORD_FAULT_SET) <= 2, case


def test_every_broken_relay_ends_in_the_right_act_and_a_fault():
    for fault in FAULTS:
        for position in (ALLOW, INHIBIT):
            for target in (ALLOW, INHIBIT):
                for kind, supply_mv in (
                    (1, 12_600),
                    (1, 8_900),
                    (2, 9_000),
                    (3, 8_999),
                    (0, 12_600),
                    (9, 12_600),
                ):
                    _check_broken(fault, position, target, kind, supply_mv)


def test_a_mended_relay_loses_its_fault_by_a_pulse_that_it_answers():
    for fault in FAULTS[1:]:
        bench = Bench(INHIBIT)
        bench.live(62)
        _break(bench, fault)
        for target in (ALLOW, INHIBIT, ALLOW):
            bench.ask(target)
            bench.live(70, target)
        assert bench.faults.is_set(DISAGREES), fault
        bench.model.set_chatter(False, bench.clock.now_us)
        if fault != "chatters":
            setattr(bench.model, fault, False)
        for target in (INHIBIT, ALLOW, INHIBIT, ALLOW):
            bench.ask(target)
            bench.live(70, target)
            POINTS[0] += 1
        assert not bench.faults.is_set(DISAGREES), fault


def test_a_stuck_relay_is_not_pulsed_day_and_night():
    bench = Bench(ALLOW)
    bench.model.is_stuck = True
    bench.live(62)
    bench.live(24 * 3600 // 20, INHIBIT)
    assert bench.faults.is_set(DISAGREES)
    assert bench.faults.is_set(NOT_INHIBITED)
    assert bench.pulses <= 3 * 7, bench.pulses
    POINTS[0] += 1


def test_a_pulse_cut_by_power_loss_is_made_good_after_the_next_start():
    for throw_us in (10_000, 20_000, MIN_PULSE_US):
        for cut_ms in range(52):
            for target in (ALLOW, INHIBIT):
                bench = Bench(INHIBIT if target == ALLOW else ALLOW)
                bench.model.throw_us = throw_us
                bench.live(62)

                def cut(spent_ms, cut_ms=cut_ms):
                    if spent_ms == cut_ms:
                        raise PowerCut

                bench.on_sleep = cut
                try:
                    bench.ask(target)
                except PowerCut:
                    pass
                bench.on_sleep = None
                bench.boot()
                moved = bench.model.position
                bench.live(1, target)
                # Allow at once; inhibit not before the box has seen a minute and ten seconds of its own.
                assert bench.model.position == (ALLOW if target == ALLOW else moved), (
                    throw_us,
                    cut_ms,
                    target,
                )
                bench.live(61, target)
                assert bench.model.position == target, (throw_us, cut_ms, target)
                assert not bench.faults.is_set(DISAGREES)
                POINTS[0] += 1


def test_a_blow_at_any_moment_of_a_pulse_or_of_a_session_ends_at_the_target():
    for blow in (ALLOW, INHIBIT):
        for at_ms in range(0, 50, 3):
            for target in (ALLOW, INHIBIT):
                bench = Bench(INHIBIT if target == ALLOW else ALLOW)
                bench.live(62)

                def strike(spent_ms, blow=blow, at_ms=at_ms, bench=bench):
                    if spent_ms == at_ms and bench.pulses == 1:
                        bench.model.shock(blow, bench.clock.now_us)

                bench.on_sleep = strike
                outcome = bench.ask(target)
                bench.on_sleep = None
                told = bench.records[-1]
                assert (told[2] == codes.RELAY_OUTCOME_DONE) == (told[3] == WANT[target]), told
                assert outcome == told[2]
                bench.live(2, target)
                assert bench.model.position == target, (blow, at_ms, target)
                POINTS[0] += 1
    bench = Bench(ALLOW)
    bench.live(62, ALLOW)
    bench.model.shock(INHIBIT, bench.clock.now_us)
    bench.live(1, ALLOW)
    assert bench.model.position == ALLOW
    assert bench.records[-1][6] == codes.RELAY_SOURCE_SHOCK


def test_a_relay_that_is_thrown_again_and_again_is_told_and_pulsed_once_a_minute():
    for target, blow in ((ALLOW, INHIBIT), (INHIBIT, ALLOW)):
        bench = Bench(target)
        bench.live(62, target)
        for _ in range(120):
            bench.model.shock(blow, bench.clock.now_us)
            bench.live(2, target)
            POINTS[0] += 1
        assert bench.faults.is_set(DISAGREES)
        assert 3 < bench.pulses <= 3 + 5, bench.pulses
        assert bench.count(codes.RECORD_RELAY) == bench.pulses
        bench.live(60 * 9, target)
        assert bench.model.position == target
        assert not bench.faults.is_set(DISAGREES)


def test_cranking_at_8900_mv_at_any_moment_of_a_pulse_begins_no_other_and_is_made_good():
    for at_ms in range(52):
        for target in (ALLOW, INHIBIT):
            bench = Bench(INHIBIT if target == ALLOW else ALLOW)
            bench.live(62)

            def sag(spent_ms, at_ms=at_ms, bench=bench):
                if spent_ms == at_ms:
                    bench.set_supply(8_900)

            bench.on_sleep = sag
            if at_ms == 51:
                bench.set_supply(8_900)
            outcome = bench.ask(target)
            bench.on_sleep = None
            assert bench.pulses <= 1
            at_target = bench.model.position == target
            if bench.supply_mv < 9_000:
                wanted = codes.RELAY_OUTCOME_DONE if at_target else codes.RELAY_OUTCOME_BATTERY_LOW
                assert outcome == wanted, (at_ms, target)
            bench.live(2, target)
            assert bench.pulses <= 1  # the coil asserts that none is begun below 9 V
            bench.set_supply(12_400)
            bench.live(1, target)
            assert bench.model.position == target, (at_ms, target)
            POINTS[0] += 1


def test_the_rule_and_the_courses_in_a_slice():
    points, wrong = sweep_rule(stride=37)
    assert wrong is None, wrong
    POINTS[0] += points
    for course in iterate_courses(101):
        wrong = check_course(course)
        assert wrong is None, wrong
        POINTS[0] += POINTS_A_COURSE


for name in sorted(globals()):
    if name.startswith("test_"):
        globals()[name]()
print("OK", POINTS[0], "points")
