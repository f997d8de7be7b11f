"""What `firmware/ACCESS.md` says: the table, and what each cell shows, journals and says.

All of it is taken from the rows, from the controller led to each cell, and from the cloud reading what it
wrote. `python tests/write_access_document.py` writes it.
"""

import json
from pathlib import Path
from types import SimpleNamespace

from box.access import table
from box.drivers.indicator import get_pattern
from glovebox.records import service
from glovebox.words import say
from support_access_cases import CASES
from support_access_cells import Way
from support_access_sweep import list_cells

ROOT = Path(__file__).resolve().parents[1]
PATH = ROOT / "firmware" / "ACCESS.md"
KINDS = {
    code: name for name, code in json.loads((ROOT / "tests/vectors/codes.json").read_text())["record"].items()
}
STATES = {
    "P": "parked", "A": "asking", "O": "open", "D": "driving", "S": "stopover", "E": "ending",
}  # fmt: skip
EVENTS = {
    "badge": "a badge",
    "answer": "the cloud's answer",
    "tick": "time passes",
    "held": "a badge held 5 s",
}
GUARDS = {
    "alarmed": "an alarm was told and the car has not come to rest since",
    "asked": "it is the badge the cloud is being asked about",
    "bag": "it ended the last session, at most 15 minutes ago",
    "bag_opened": "the car was opened for the bag and not locked since",
    "battery_low": "the 12 V is low",
    "can_ask": "no right, and the link is up or can come up",
    "carried": "the car is being carried",
    "carried_over": "the ignition is on, or the car has stood for a minute",
    "carries": "off, nothing turns, and fixes for 10 s or unrest for 30 s say that it moves",
    "deadline": "the time to take the end back is over",
    "door_open": "a door is open",
    "driven": "ignition on, or a wheel or the engine turns",
    "driven_off": "a wheel or the engine turns, or the ignition is on and the starter is allowed",
    "elsewhere": "the place is known, and none where the session may end",
    "forgotten": "`forgotten_s` past the end, off, shut, at a known allowed place",
    "garage": "garage mode",
    "garage_over": "its days are over",
    "ignition_on": "the ignition is known to be on",
    "ignition_off": "the ignition is known to be off",
    "ignition_off_long": "... for 2 minutes",
    "ignition_off_minute": "... for a minute",
    "insisted": "the third tap in a minute",
    "journal_full": "the vital ring is full of what the cloud has not acknowledged",
    "key_missing": "a key holder is fitted and empty",
    "left_unlocked": "not known to be locked, the last door shut a minute ago, nobody at work on it",
    "locked": "locked by the box and no door opened since",
    "may_start": "authorised now, or a service badge",
    "moved": "carried, or a wheel or the engine turns",
    "no_argument": "for no days",
    "same_authorisation": "it names the session's authorisation",
    "service": "a service badge",
    "service_here": "a service badge opened this stopover",
    "service_session": "the session is a fitter's",
    "session_badge": "a badge of the session",
    "settled": "3 s have passed since the last effect, or since the box began",
    "several": "badges of more than one right",
    "standing": "known to stand: wheels at 0, or proof of standstill",
    "started": "its reservation has started",
    "still": "proof of standstill, and not carried",
    "stopped": "off for 2 s and nothing turns",
    "unanswered": "no answer to the question, 2 s after it should have come",
    "unused": "opened from afar a minute ago, and no door opened nor ignition on since",
    "valid": "authorised now",
}  # fmt: skip
COLUMNS = (
    "row", "in", "on", "if", "effects", "then", "light and sound", "journal", "console", "console, French",
)  # fmt: skip
SHAPES = {
    0xFF: "full", 0x11: "top and bottom", 0x44: "right and left", 0x55: "cross", 0xAA: "saltire",
    0x0F: "right half", 0xF0: "left half", 0x83: "upper 3", 0x38: "lower 3", 0xC7: "upper 5", 0x7C: "lower 5",
    0x01: "top",
}  # fmt: skip


COLOURS = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 0): "amber", (1, 1, 1): "white"}


def draw(shape):
    """Return a shape of the ring in words, or pixel by pixel from the top, clockwise."""
    if shape == 0:
        return "dark"
    return SHAPES.get(shape) or "".join("*" if shape & 1 << pixel else "." for pixel in range(8))


def list_signals():
    """Return `(name, colour, light, sound, ms)` of each pattern that answers somebody, refusals last."""
    names = {row[6].lstrip("!") for row in table.iterate()} - {"-", "?"} | set(table.REFUSALS[1:])
    found = []
    for name in sorted(names, key=lambda name: (name in table.REFUSALS, name)):
        colour, rounds, steps = get_pattern(name)
        light = " ".join(draw(shape).replace(" ", "-") for shape, _, _ in steps)
        sound = " ".join(str(tone) if tone else "_" for _, tone, _ in steps)
        times = f" (x {rounds})" if rounds > 1 else ""
        length_ms = rounds * sum(ms for _, _, ms in steps)
        found.append((name, COLOURS[colour], light + times, sound + times, length_ms))
    return found


def read_lines(records, language):
    """Return the lines of the console's journal for `(kind, payload)` as the cloud reads them."""
    said = []
    for kind, payload in records:
        slot = bytes([kind, 0x13]) + bytes(10) + payload + bytes(16)
        line = service._line(SimpleNamespace(slot=slot, at=0, verdict=0, ring=1, sequence=1))
        said.append(say(language, line.sentence, **line.values))
    return said


def describe(cell):
    """Return what a cell shows, as the columns of the document after the states."""
    return (
        STATES[cell.after] if cell.after != cell.state else "stays",
        ", ".join(cell.told) or "-",
        ", ".join(KINDS[kind] for kind, _ in cell.records) or "-",
        "<br>".join(read_lines(cell.records, "en")) or "-",
        "<br>".join(read_lines(cell.records, "fr")) or "-",
    )


def make_rows(cells):
    """Yield the lines of the table: a row in the states in which it shows the same."""
    for name, _, _, guards, _, effects, _ in table.iterate():
        merged = {}
        for cell in cells:
            if cell.row == name:
                merged.setdefault((cell.event, describe(cell)), []).append(STATES[cell.state])
        for (event, columns), states in merged.items():
            condition = ", ".join(guard.replace("!", "not ") for guard in guards) or "-"
            done = ", ".join(effects) or "-"
            where = "any" if len(states) == len(STATES) else ", ".join(states)
            row = (name, where, EVENTS.get(event, event), condition, done, *columns)
            yield f"| {' | '.join(row)} |"


def make(cells):
    """Return the whole document for the `cells` that were come to."""
    out = [
        "# Who may use the car",
        "",
        "The table of `box/access/table.py`; the first matching row wins. A program wrote this page,",
        "`tests/write_access_document.py`: it leads the controller to every cell and lets the cloud read",
        "what was journalled; a test holds the page to it. States, guards and effects are named as in the",
        "code. Values in the console's lines are those of the test's car.",
        "",
        "## Cases of real life",
        "",
        "Each is a scenario on the real MicroPython in the simulator,",
        "`tests/firmware/access/test_real_life_on_simulator.py` (what needs the cloud: `test_real_life.py`).",
        "",
        "| case | what happens | rows |",
        "|---|---|---|",
    ]
    out += [f"| {case} | {happens} | {rows} |" for case, happens, rows, _ in CASES]
    out += [
        "",
        "## The cells",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *make_rows(cells),
        "",
        "## Guards",
        "",
        "| guard | holds when |",
        "|---|---|",
        *(f"| {name} | {words} |" for name, words in GUARDS.items()),
        "",
        "## Light and sound",
        "",
        "The ring of 8 step by step; tones in Hz, `_` is silence. Every refusal begins with the saltire and",
        "two low tones; nothing else does. No two are told apart by colour alone.",
        "",
        "| signal | colour | light | sound | ms |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(str(value) for value in signal)} |" for signal in list_signals()),
        "",
    ]
    return "\n".join(out)


def walk():
    """Return every Cell, come to on the controller."""
    return [Way(*cell).go() for cell in list_cells()]
