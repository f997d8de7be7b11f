"""Runs tests/vectors/nmea.json;

the same file under CPython and MicroPython. Prints `OK <cases>` at the end.
"""

import json
import sys

from box.protocols import nmea


def _matches(fix, told):
    for name in told:
        have, want = getattr(fix, name), told[name]
        if isinstance(want, float):
            # A board's float has 24 bits.
            if have is None or abs(have - want) > 1e-6 * max(1.0, abs(want)):
                return False
        elif have != want:
            return False
    return True


def run_case(case, chunk_bytes):
    """Feed the case in chunks and compare. Raises AssertionError with the case's name."""
    parser = nmea.Parser(case["not_before_s"])
    data = bytes(int(case["bytes"][i : i + 2], 16) for i in range(0, len(case["bytes"]), 2))
    fixes = []
    for start in range(0, len(data), chunk_bytes):
        fixes.extend(parser.feed(data[start : start + chunk_bytes]))
    if case["pause"]:
        last = parser.pause()
        if last is not None:
            fixes.append(last)
    assert len(fixes) == len(case["fixes"]), (case["name"], fixes)
    for fix, told in zip(fixes, case["fixes"]):  # noqa: B905 (MicroPython has no strict=)
        assert _matches(fix, told), (case["name"], fix, told)
    assert (parser.accepted, parser.rejected) == (case["accepted"], case["rejected"]), (
        case["name"],
        parser.accepted,
        parser.rejected,
    )


def run(folder):
    """All cases, whole and cut into single bytes and into sevens."""
    with open(folder + "/nmea.json") as file:
        cases = json.load(file)["cases"]
    for case in cases:
        for chunk_bytes in (100000, 1, 7):
            run_case(case, chunk_bytes)
    return len(cases)


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
