"""Runs tests/vectors/obd.json under either Python. Prints `OK <cases>` at the end."""

import json
import sys

from box.protocols import obd


def unhex(text):
    """Bytes of a hexadecimal text."""
    return bytes(int(text[i : i + 2], 16) for i in range(0, len(text), 2))


def is_same(have, want):
    """Equal, floats within a single-precision float's reach, tuples as lists."""
    if isinstance(want, float):
        return have is not None and abs(have - want) <= 1e-6 * max(1.0, abs(want))
    if isinstance(want, list):
        have = list(have)
        return len(have) == len(want) and all(is_same(have[i], want[i]) for i in range(len(want)))
    return have == want


def fault_of(message):
    """The instance that the message raises, or None."""
    try:
        obd.parse_answer(message)
    except obd.ObdError as error:
        return error
    return None


def run(folder):
    """Everything; returns how much."""
    with open(folder + "/obd.json") as file:
        vectors = json.load(file)
    for case in vectors["good"]:
        have = obd.parse_answer(unhex(case["message"]))
        assert is_same(have, case["values"]), (case["name"], have)
    for case in vectors["bad"]:
        error = fault_of(unhex(case["message"]))
        assert error is not None, case["name"]
        assert not isinstance(error, obd.NegativeAnswer), case["name"]
    for case in vectors["negative"]:
        error = fault_of(unhex(case["message"]))
        assert isinstance(error, obd.NegativeAnswer), case
        for name in ("service", "code", "is_pending", "is_busy", "is_unsupported"):
            assert getattr(error, name) == case[name], (case, name)
    for code, text in vectors["codes"]:
        assert obd.get_code_text(code) == text, code
    for before_km, now_km, step_km in vectors["distance_steps_km"]:
        assert obd.get_distance_step_km(before_km, now_km) == step_km, (before_km, now_km)
    supported = obd.SupportedPids()
    for unit, base_pid, bitmap in vectors["supported"]["notes"]:
        supported.note(int(unit, 16), base_pid, int(bitmap, 16))
    for pid, units in vectors["supported"]["units"]:
        assert supported.get_units(pid) == [int(unit, 16) for unit in units], pid
    return sum(len(cases) for cases in vectors.values() if isinstance(cases, list))


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
