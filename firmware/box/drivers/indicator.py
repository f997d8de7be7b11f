"""Light ring and buzzer: one table of patterns, told apart by shape and sound alone; colour only helps.

A pattern is `(colour, rounds, steps)`; a step is `(shape, tone_hz, ms)`. A shape is the set of lit pixels
of the ring of 8, pixel 0 at the top, clockwise. A tone of 0 is silence.

    0xFF full   0x11 top and bottom   0x44 right and left   0x55 cross   0xAA saltire   0x0F right half
    0xF0 left half 0x83 upper three   0x38 lower three

Every refusal begins with the saltire and two low tones; what follows says which: one blink shape of its
own, and the number of its short tones. So a driver tells "too early" from "held by another" without seeing
colours, or at night without looking.
"""

import asyncio

from micropython import const

PIXELS = const(8)
_DUTY = const(32768)  # half: the loudest of a piezo buzzer
_BRIGHTNESS = const(48)  # of 255: seen in the sun behind the windscreen, not blinding at night

_GREEN = (0, 1, 0)
_RED = (1, 0, 0)
_BLUE = (0, 0, 1)
_AMBER = (1, 1, 0)
_WHITE = (1, 1, 1)

_LOW = const(440)
_MIDDLE = const(880)
_HIGH = const(1760)


def _refusal(shape, beeps):
    """The saltire with two low tones, then `beeps` short middle tones under a shape of its own."""
    steps = [(0xAA, _LOW, 200), (0x00, 0, 60), (0xAA, _LOW, 200), (0x00, 0, 150)]
    for _ in range(beeps):
        steps.append((shape, _MIDDLE, 120))
        steps.append((0x00, 0, 120))
    steps.append((shape, 0, 900))
    return (_RED, 1, tuple(steps))


PATTERNS = {
    # welcome, and good-bye: up and down
    "welcome": (_GREEN, 1, ((0x83, _MIDDLE, 120), (0xC7, 1175, 120), (0xFF, _HIGH, 700))),
    "welcome_battery_low": (
        _GREEN,
        1,
        ((0x83, _MIDDLE, 120), (0xC7, 1175, 120), (0xFF, _HIGH, 400), (0x38, _LOW, 300), (0x38, 0, 700)),
    ),
    "ended": (_WHITE, 1, ((0xFF, _HIGH, 120), (0x7C, 1175, 120), (0x38, _MIDDLE, 500), (0x00, 0, 100))),
    "stopover": (_BLUE, 2, ((0x0F, 1175, 150), (0xF0, 1175, 150), (0x0F, 0, 300))),
    "taken_back": (
        _GREEN,
        1,
        ((0x38, _MIDDLE, 120), (0xFF, _MIDDLE, 120), (0x38, _MIDDLE, 120), (0xFF, _HIGH, 600)),
    ),
    "bag": (_WHITE, 1, ((0x44, 1175, 150), (0x00, 0, 80), (0x44, 1175, 150), (0x55, 0, 900))),
    "service": (
        _AMBER,
        1,
        ((0x55, _HIGH, 80), (0x00, 0, 60), (0x55, _HIGH, 80), (0x00, 0, 60), (0x55, _HIGH, 300)),
    ),
    "garage": (_AMBER, 1, ((0x44, _HIGH, 80), (0x11, _HIGH, 80), (0x44, _HIGH, 80), (0x11, 0, 600))),
    # while waiting: a light that goes round, a tick each turn; longer than the longest wait
    "asking": (
        _BLUE,
        14,
        tuple([(1 << pixel, 1175 if pixel == 0 else 0, 80) for pixel in range(PIXELS)]),
    ),
    # an answer to every card until the installer has been: two halves in turn, one low tone
    "unprovisioned": (_AMBER, 3, ((0xE0, _LOW, 200), (0x0E, 0, 200))),
    # not an answer to a card
    "ignored": (_AMBER, 1, ((0x11, _LOW, 80), (0x11, 0, 200))),
    "warning": (_AMBER, 3, ((0xFF, _MIDDLE, 150), (0x00, 0, 150))),
    "find": (_WHITE, 10, ((0xFF, 0, 300), (0x00, 0, 300))),
    "track": (_WHITE, 1, ((0x01, 0, 100),)),  # tracking a stolen car does not tell the thief
    "self_test": (
        _WHITE,
        1,
        tuple([(1 << pixel, 500 + 250 * pixel, 100) for pixel in range(PIXELS)] + [(0xFF, 0, 400)]),
    ),
    # refusals, by the names of their codes
    "unknown_badge": _refusal(0xAA, 1),
    "too_early": _refusal(0x0F, 2),
    "too_late": _refusal(0xF0, 2),
    "another_car": _refusal(0x44, 3),
    "held_by_another": _refusal(0xFF, 3),
    "revoked": _refusal(0xAA, 4),
    "yields_to_reservation": _refusal(0x0F, 4),
    "rights_lapsed": _refusal(0xF0, 4),
    "clock_unknown": _refusal(0x01, 5),
    "door_open": _refusal(0x44, 1),
    "key_missing": _refusal(0x38, 1),
    "ignition_on": _refusal(0x11, 1),
    "several_badges": _refusal(0x11, 2),
    "random_uid": _refusal(0x55, 2),
    "journal_full": _refusal(0xFF, 5),
    "expired": _refusal(0xF0, 3),
    "not_parked": _refusal(0x11, 3),
    "no_proof_of_standstill": _refusal(0x38, 3),
    "battery_low": _refusal(0x38, 4),
    "driving": _refusal(0x11, 4),
    "not_fitted": _refusal(0x55, 5),
}
UNKNOWN = "warning"  # what is shown for a name that is not in the table


class Indicator:
    """`light_pin` of the ring, `buzzer_pwm` a silent PWM channel. `pixels` replaces the ring's driver
    (tests).
    """

    def __init__(self, light_pin, buzzer_pwm, pixels=None, sleep_ms=None):
        if pixels is None:
            from neopixel import NeoPixel

            pixels = NeoPixel(light_pin, PIXELS)
        self._pixels = pixels
        self._buzzer = buzzer_pwm
        self._sleep_ms = sleep_ms or asyncio.sleep_ms
        self._asked = asyncio.Event()
        self._pattern = None
        self.playing = None

    def play(self, name):
        """Show a pattern from its first step on, at once; it replaces the one that is playing."""
        self._pattern = PATTERNS.get(name) or PATTERNS[UNKNOWN]
        self.playing = name
        self._show(self._pattern[0], self._pattern[2][0])
        self._asked.set()

    def stop(self):
        """Dark and silent."""
        self._pattern = None
        self.playing = None
        self._show(_WHITE, (0x00, 0, 0))

    async def run(self):
        """Play what `play` asks for; never returns. Light and buzzer are off when it is cancelled."""
        try:
            while True:
                await self._asked.wait()
                await self._play_out()
        finally:
            self.stop()

    async def _play_out(self):
        while self._asked.is_set():
            self._asked.clear()
            pattern = self._pattern
            if pattern is None:
                return
            colour, rounds, steps = pattern
            for _ in range(rounds):
                for step in steps:
                    self._show(colour, step)
                    await self._sleep_slice(step[2])
                    if self._asked.is_set():
                        break
                if self._asked.is_set() or self._pattern is not pattern:
                    break
            else:
                self.stop()

    async def _sleep_slice(self, ms):
        # In slices, so that the next pattern has not to wait for the end of a long step.
        while ms > 0 and not self._asked.is_set():
            part_ms = min(ms, 50)
            await self._sleep_ms(part_ms)
            ms -= part_ms

    def _show(self, colour, step):
        shape, tone_hz, _ = step
        lit = (colour[0] * _BRIGHTNESS, colour[1] * _BRIGHTNESS, colour[2] * _BRIGHTNESS)
        for pixel in range(PIXELS):
            self._pixels[pixel] = lit if shape & 1 << pixel else (0, 0, 0)
        self._pixels.write()
        if tone_hz:
            self._buzzer.freq(tone_hz)
            self._buzzer.duty_u16(_DUTY)
        else:
            self._buzzer.duty_u16(0)
