"""Light ring and buzzer: one table of patterns, told apart by shape and sound alone; colour only helps.

A row is a name, a colour, how often the steps are played, and the steps `shape:tone:ms`. A shape is the set
of lit pixels of the ring of 8 in hex, pixel 0 at the top, clockwise. A tone is in Hz; 0 is silence. The
table is text, because text is read where it lies in the flash and tuples would fill the heap; a row is taken
apart when it is played.

    FF full     11 top and bottom   44 right and left   55 cross   AA saltire   0F right half
    F0 left half   83 upper three   38 lower three

A refusal's row is its shape and a number. Every refusal begins with the saltire and two low tones; what
follows says which: one blink shape of its own, and the number of its short tones. So a driver tells "too
early" from "held by another" without seeing colours, or at night without looking.
"""

import asyncio

from micropython import const

PIXELS = const(8)
_DUTY = const(32768)  # half: the loudest of a piezo buzzer
_BRIGHTNESS = const(48)  # of 255: seen in the sun behind the windscreen, not blinding at night

_LOW = const(440)
_MIDDLE = const(880)

_COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "amber": (1, 1, 0), "white": (1, 1, 1)}

# Rows start in the first column; "# " starts a remark.
_PATTERNS = """
# welcome, and good-bye: up and down
welcome                green  1 83:880:120 C7:1175:120 FF:1760:700
welcome_battery_low    green  1 83:880:120 C7:1175:120 FF:1760:400 38:440:300 38:0:700
ended                  white  1 FF:1760:120 7C:1175:120 38:880:500 00:0:100
stopover               blue   2 0F:1175:150 F0:1175:150 0F:0:300
taken_over             green  1 FF:1760:120 38:880:120 83:880:120 C7:1175:120 FF:1760:700
taken_back             green  1 38:880:120 FF:880:120 38:880:120 FF:1760:600
bag                    white  1 44:1175:150 00:0:80 44:1175:150 55:0:900
service                amber  1 55:1760:80 00:0:60 55:1760:80 00:0:60 55:1760:300
garage                 amber  1 44:1760:80 11:1760:80 44:1760:80 11:0:600
# while waiting: a light that goes round, a tick each turn; longer than the longest wait
asking                 blue  14 01:1175:80 02:0:80 04:0:80 08:0:80 10:0:80 20:0:80 40:0:80 80:0:80
# an answer to every card until the installer has been: two halves in turn, one low tone
unprovisioned          amber  3 E0:440:200 0E:0:200
# not an answer to a card
ignored                amber  1 11:440:80 11:0:200
warning                amber  3 FF:880:150 00:0:150
find                   white 10 FF:0:300 00:0:300
self_test              white  1 01:500:100 02:750:100 04:1000:100 08:1250:100 10:1500:100 20:1750:100 \
 40:2000:100 80:2250:100 FF:0:400
# refusals, by the names of their codes
unknown_badge          refusal AA 1
too_early              refusal 0F 2
too_late               refusal F0 2
another_car            refusal 44 3
held_by_another        refusal FF 3
revoked                refusal AA 4
yields_to_reservation  refusal 0F 4
rights_lapsed          refusal F0 4
clock_unknown          refusal 01 5
door_open              refusal 44 1
key_missing            refusal 38 1
ignition_on            refusal 11 1
several_badges         refusal 11 2
random_uid             refusal 55 2
journal_full           refusal FF 5
expired                refusal F0 3
not_parked             refusal 11 3
no_proof_of_standstill refusal 38 3
battery_low            refusal 38 4
driving                refusal 11 4
not_fitted             refusal 55 5
"""
UNKNOWN = "warning"  # what is shown for a name that is not in the table


def iterate_names():
    """Yield the name of every pattern."""
    for row in _PATTERNS.split("\n"):
        if row and row[0] != "#":
            yield row.split(None, 1)[0]


def get_pattern(name):
    """Return `(colour, rounds, steps)`, a step being `(shape, tone_hz, ms)`; an unknown name is `UNKNOWN`."""
    start = _PATTERNS.find("\n" + name + " ")
    if start < 0:
        start = _PATTERNS.find("\n" + UNKNOWN + " ")
    _, kind, count, *words = _PATTERNS[start : _PATTERNS.find("\n", start + 1)].split()
    if kind == "refusal":
        return _COLOURS["red"], 1, _make_refusal(int(count, 16), int(words[0]))
    steps = []
    for word in words:
        shape, tone_hz, ms = word.split(":")
        steps.append((int(shape, 16), int(tone_hz), int(ms)))
    return _COLOURS[kind], int(count), tuple(steps)


def _make_refusal(shape, beeps):
    """The saltire with two low tones, then `beeps` short middle tones under a shape of its own."""
    steps = [(0xAA, _LOW, 200), (0x00, 0, 60), (0xAA, _LOW, 200), (0x00, 0, 150)]
    for _ in range(beeps):
        steps.append((shape, _MIDDLE, 120))
        steps.append((0x00, 0, 120))
    steps.append((shape, 0, 900))
    return tuple(steps)


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
        self._pattern = get_pattern(name)
        self.playing = name
        self._show(self._pattern[0], self._pattern[2][0])
        self._asked.set()

    def stop(self):
        """Dark and silent."""
        self._pattern = None
        self.playing = None
        self._show((0, 0, 0), (0x00, 0, 0))

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
