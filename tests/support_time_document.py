"""What `firmware/TIME.md` says: who may set the clock, and what each level of trust permits.

All of it is taken from a clock and a controller led to each cell. `python tests/write_time_document.py`
writes it.
"""

import asyncio
from pathlib import Path

from box import clock as clocks
from box.protocols import codes
from support_access import DRIVER, NEXT, SERVICE, Box

ROOT = Path(__file__).resolve().parents[1]
PATH = ROOT / "firmware" / "TIME.md"
DAY = 86_400
WORD_S = 1_100_000_000  # the cloud's word
SOURCES = {
    clocks.BY_CLOUD: "the cloud",
    clocks.BY_SATELLITES: "satellites",
    clocks.BY_CHIP: "the clock chip",
}
KINDS = {
    clocks.UNKNOWN: "unknown",
    clocks.UNVOUCHED: "the satellites' alone",
    clocks.VOUCHED: "the cloud's",
    clocks.FRESH: "the cloud's, less than a day ago",
}
DATES = {
    clocks.IMPOSSIBLE: "before 2025, or past 32 bits",
    clocks.PAST: "more than an hour before the bound",
    clocks.NEAR: "at most an hour off the clock, trims not counted",
    clocks.LAGGING: "at most an hour before the bound",
    clocks.BEYOND: "more than three years past the bound",
    clocks.PLAUSIBLE: "any other",
}
EFFECTS = {
    clocks.REFUSE: "refused, counted",
    clocks.SET: "sets time, bound and chip; `cloud`",
    clocks.KEEP: "goes on, standing at the bound until past it; `kept`",
    clocks.AGREE: "agrees, nothing to do",
    clocks.TRIM: "trims the time; `gnss`",
    clocks.BELIEVE: "sets time and chip, marked as theirs; `gnss`",
    clocks.DOUBT: "refused, until it has been said for ten minutes",
}
LEFT = "left"  # while one waits the date becomes one of another kind
LEVELS = {clocks.NONE: "none", clocks.KEPT: "kept", clocks.GNSS: "gnss", clocks.CLOUD: "cloud"}
CASES = (
    (
        "a month without power",
        "the chip has counted: `kept`; a drift of 100 ppm is four minutes and is believed",
        "clock_vectors.py",
    ),
    (
        "its backup battery is empty or was changed",
        "`none`, until satellites or the cloud speak",
        "clock_vectors.py",
    ),
    (
        "setting the chip is cut off by a loss of power",
        "the old time, the new one or `none`, never a mixture",
        "sensors_chips.py",
    ),
    ("a week number rolled over, back or ahead", "refused", "test_clock.py"),
    (
        "a date forged years ahead, the clock being unknown",
        "up to three years it is believed, moves no bound, and ten minutes of other satellites undo it",
        "test_clock_sweep.py",
    ),
    (
        "a date forged, the clock being the cloud's",
        "an hour at most, whatever is said how often",
        "test_clock_sweep.py",
    ),
    (
        "the cloud corrects, forwards or back",
        "at once, the bound too, durably within ten minutes",
        "test_clock.py",
    ),
    ("the cloud's own clock is lost", "a date before 2025 is refused", "test_clock.py"),
    (
        "the time request is forged, replayed, for another box, cut, too long, late, without end",
        "refused, counted",
        "time_request_vectors.py",
    ),
    (
        "2034, 2038, leap days, 2068, 2099, 2136",
        "nothing happens; past 2099 the chip no longer helps",
        "clock_vectors.py",
    ),
)


class Chip:
    """A clock chip that says what it is given."""

    def __init__(self, said=None):
        self.said = said

    def read(self):
        """Return what it says."""
        return self.said

    def write(self, time_s, is_vouched):
        """Set it."""
        self.said = (time_s, is_vouched)


class Desk:
    """A clock led to a kind."""

    def __init__(self, kind, chip_said=None):
        self.ticks = 0
        self.chip = Chip(chip_said)
        stored = clocks.struct.pack("<II", WORD_S, WORD_S)
        if kind == clocks.UNVOUCHED:
            self.chip.said = (WORD_S + 30 * DAY, False)
        if kind == clocks.VOUCHED:
            self.chip.said = (WORD_S + 30 * DAY, True)
        self.clock = clocks.Clock(lambda: self.ticks, self.chip, lambda: stored, None, None)
        if kind == clocks.FRESH:
            self.clock.set_from_cloud(WORD_S)
        if chip_said is None:
            assert self.clock.get_kind() == kind

    def list_dates(self, kind):
        """Return dates of that kind, dense around its limits."""
        clock, bound_s = self.clock, self.clock.bound_s
        limits = [clocks.FIRST_S, clocks.LAST_S, bound_s, bound_s - 3600, bound_s + clocks.REACH_S]
        limits += [0, bound_s + 7 * DAY, bound_s - 1024 * 7 * DAY, bound_s + 1024 * 7 * DAY]
        if clock.trust != clocks.NONE:
            limits += [clock.now_s() + off_s for off_s in (-3600, 0, 3600)]
        near = sorted({limit + off_s for limit in limits for off_s in (-1, 0, 1)})
        return [time_s for time_s in near if clock.classify(time_s) == kind]

    def observe(self, source, time_s):
        """Say a date and return which effect is seen."""
        clock = self.clock
        before = clock.now_s(), clock.trust, clock.bound_s, self.chip.said, clock.refused
        if source == clocks.BY_CLOUD:
            if not clock.set_from_cloud(time_s):
                return clocks.REFUSE if clock.refused == before[4] + 1 else None
            said = clock.now_s(), clock.bound_s, clock.trust, self.chip.said[1]
            is_near = abs(self.chip.said[0] - time_s) < 2
            return clocks.SET if is_near and said == (time_s, time_s, clocks.CLOUD, True) else None
        clock.set_from_gnss(time_s)
        after = clock.now_s(), clock.trust, clock.bound_s, self.chip.said, clock.refused
        if after[:4] == before[:4]:
            return clocks.AGREE if after[4] == before[4] else self._wait_out(time_s)
        if clock.trust != clocks.GNSS:
            return None
        is_trim = before[0] is not None
        return clocks.TRIM if is_trim else clocks.BELIEVE if self.chip.said == (time_s, False) else None

    def _wait_out(self, time_s):
        kind = self.clock.classify(time_s)
        for _ in range(2):
            self.ticks += 600_000
            time_s += 600
            if self.clock.classify(time_s) != kind:
                return LEFT
            if self.clock.set_from_gnss(time_s):
                return clocks.DOUBT if self.chip.said == (time_s, False) else None
        return clocks.REFUSE


def observe_chip(date):
    """Return the effects seen when the box starts with a chip that says such dates."""
    seen = set()
    for time_s in Desk(clocks.UNKNOWN).list_dates(date):
        desk = Desk(clocks.UNKNOWN, (time_s, True))
        is_kept = desk.clock.trust == clocks.KEPT and desk.clock.now_s() == max(time_s, WORD_S)
        is_refused = desk.clock.trust == clocks.NONE and desk.clock.refused == 1
        seen.add(clocks.KEEP if is_kept else clocks.REFUSE if is_refused else None)
    return seen


def observe(source, kind, date):
    """Return the effects seen for every date of a kind said to such a clock; empty if it cannot be."""
    if source == clocks.BY_CHIP:
        return observe_chip(date) if kind == clocks.UNKNOWN else set()
    return {Desk(kind).observe(source, time_s) for time_s in Desk(kind).list_dates(date)} - {LEFT}


def walk_rules():
    """Yield `(source, clock, date, effects)` for all of them."""
    for source in SOURCES:
        for date in DATES:
            for kind in KINDS:
                yield source, kind, date, observe(source, kind, date)


# --- what each level permits ---


def _at(level):
    box = Box()
    box.promise(DRIVER)
    box.promise(SERVICE, 99, kind=3)
    box.wait(1)
    return box, lambda: setattr(box.parts.clock, "trust", level)


def _in_session(level, taps=1):
    """The driver has taken the car, and tapped as often as told, ten seconds apart."""
    box, lose = _at(level)
    for _ in range(taps):
        box.tap(DRIVER)
        box.wait(10)
    return box, lose


def _say(box, *badges):
    signals = box.tap(*badges)
    return str(signals[-1] if signals else "nothing").replace("_", " ")


def try_service(level):
    """A service badge at a parked car."""
    box, lose = _at(level)
    lose()
    return _say(box, SERVICE)


def try_reservation(level):
    """The badge of a reservation that has started."""
    box, lose = _at(level)
    lose()
    return _say(box, DRIVER)


def try_standing(level):
    """The badge of a standing right."""
    box, lose = _at(level)
    box.promise(NEXT, 55, kind=2)
    box.authorisations.entries = [entry for entry in box.authorisations.entries if entry[0] != DRIVER]
    lose()
    return _say(box, NEXT)


def try_end(level):
    """The session's badge ends the session."""
    box, lose = _in_session(level)
    lose()
    return _say(box, DRIVER)


def try_take_back(level):
    """... and takes the end back."""
    box, lose = _in_session(level, taps=2)
    lose()
    return _say(box, DRIVER)


def try_deadline(level):
    """An end that nobody takes back is final."""
    box, lose = _in_session(level)
    box.tap(DRIVER)
    lose()
    box.wait(box.parts.settings.ending_s + 5)
    return "parked" if box.state == codes.STATE_PARKED else "never"


def try_takeover(level):
    """The badge of the next reservation, which has started."""
    box, lose = _in_session(level)
    box.promise(NEXT, 18)
    box.wait(120)
    lose()
    return _say(box, NEXT)


def try_command(level):
    """A command of the cloud."""
    box, lose = _at(level)
    lose()
    flash = box.access.command(1, codes.COMMAND_FLASH_LIGHTS, WORD_S + DAY, 1, 0)
    result, reason = asyncio.run(flash)
    return (
        "done"
        if result == codes.COMMAND_RESULT_DONE
        else "clock unknown"
        if reason == codes.REFUSAL_CLOCK_UNKNOWN
        else str(reason)
    )


def try_stamp(level):
    """The date in a record."""
    box, lose = _at(level)
    lose()
    return "the time" if box.parts.clock.stamp()[0] else "0"


def try_bound(level):
    """How far the durable bound follows in three days."""
    ticks = [0]
    chip = Chip((WORD_S, True) if level in (clocks.KEPT, clocks.GNSS) else None)
    stored = clocks.struct.pack("<II", WORD_S, WORD_S)
    clock = clocks.Clock(lambda: ticks[0], chip, lambda: stored, None, None)
    if level == clocks.CLOUD:
        clock.set_from_cloud(WORD_S)
    if level == clocks.GNSS:
        clock.set_from_gnss(WORD_S)
    assert clock.trust == level
    for _ in range(72):
        ticks[0] += 3_600_000
        clock.keep_bound()
    return f"{(clock.bound_s - WORD_S) // 3600} h"


PERMITS = (
    try_service, try_reservation, try_standing, try_end, try_take_back, try_deadline, try_takeover,
    try_command, try_stamp, try_bound,
)  # fmt: skip


def walk_permits():
    """Yield `(words, (none, kept, gnss, cloud))`."""
    for act in PERMITS:
        yield act.__doc__.rstrip("."), tuple(act(level) for level in LEVELS)


def make():
    """Return the whole document."""
    out = [
        "# What time it is, and who may say so",
        "",
        "The table of `box/clock.py`; the first matching row of `RULES` wins. A program wrote this page,",
        "`tests/write_time_document.py`: it leads a clock and a controller to every cell; a test holds the",
        "page to it. `tests/firmware/time/` plays every short history of a clock against what must never",
        "happen.",
        "",
        "## Who may set the clock",
    ]
    cells = {(source, kind, date): effects for source, kind, date, effects in walk_rules()}
    for source, speaker in SOURCES.items():
        kinds = [kind for kind in KINDS if source != clocks.BY_CHIP or kind == clocks.UNKNOWN]
        columns = ["the clock is " + KINDS[kind] for kind in kinds]
        out += ["", f"| a date from {speaker} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        for date, words in DATES.items():
            told = [
                ", ".join(EFFECTS[effect] for effect in cells[source, kind, date]) or "-" for kind in kinds
            ]
            out.append(f"| {words} | {' | '.join(told)} |")
    out += ["", "## What each level permits", "", f"| | {' | '.join(LEVELS.values())} |", "|---" * 5 + "|"]
    out += [f"| {words} | {' | '.join(answers)} |" for words, answers in walk_permits()]
    out += ["", "## Cases", "", "| case | what happens | shown in |", "|---|---|---|"]
    out += [f"| {case} | {happens} | `{where}` |" for case, happens, where in CASES]
    return "\n".join([*out, ""])
