"""OBD-II answers: recorded ones of real cars with the values somebody else decoded, and noise."""

import json

import pytest
import support_recordings
from box.protocols import obd
from hypothesis import given
from hypothesis import strategies as st

# Our name and unit -> the recordings' key and how many of our units make one of theirs.
RECORDED = {
    "speed_kmh": ("VSS", 1),
    "rpm": ("RPM", 1),
    "fuel_percent": ("FLI", 1),
    "cleared_distance_km": ("CLR_DIST", 1),
    "odometer_hm": ("ODO", 10),
    "fuel_rate_ml_h": ("FUEL_RATE", 1000),
    "running_s": ("RUNTM", 1),
    "lamp_distance_km": ("MIL_DIST", 1),
    "module_mv": ("VPWR", 1000),
    "hybrid_battery_percent": ("BAT_SOC", 1),
}


def test_the_answers_of_recorded_cars_have_the_values_that_others_decoded():
    seen = set()
    for recording in support_recordings.read_json("isotp.json"):
        messages = recording["messages"] or []
        if len({sender for sender, _ in messages}) != 1 or len(messages) != 1:
            continue
        try:
            values = obd.parse_answer(bytes.fromhex(messages[0][1]))
        except obd.ObdError:
            continue
        for _, _, name, value in values:
            key, units = RECORDED.get(name, (None, 1))
            if key in recording["expected_values"]:
                assert value / units == pytest.approx(recording["expected_values"][key], abs=0.006), recording
                seen.add(name)
            if name == "monitor":
                told = recording["expected_values"]
                assert value == (bool(told["MIL"]), told["DTC_CNT"])
    assert seen == set(RECORDED)


@given(st.binary(max_size=40))
def test_any_message_is_values_or_an_obd_error(message):
    try:
        values = obd.parse_answer(message)
    except obd.ObdError:
        return
    assert values


@given(st.sampled_from(obd.PIDS), st.binary(max_size=24))
def test_any_data_under_a_known_pid_are_values_or_an_obd_error(row, data):
    try:
        values = obd.parse_answer(bytes((row[0] + 0x40, row[1])) + data)
    except obd.ObdError:
        return
    assert values[0][:3] == row[:3]


def test_every_row_has_a_vector():
    vectors = json.loads((support_recordings.REPOSITORY / "tests/vectors/obd.json").read_text())
    shown = {(value[0], value[2]) for case in vectors["good"] for value in case["values"]}
    assert {(row[0], row[2]) for row in obd.PIDS} <= shown


def test_no_pid_stands_twice_in_the_table():
    assert len({row[:2] for row in obd.PIDS}) == len(obd.PIDS)


def test_a_request_is_service_and_pid():
    assert obd.build_request(1, 0x0D) == b"\x01\x0d"
    assert obd.build_request(3) == b"\x03"


def test_more_than_eight_units_are_not_remembered():
    supported = obd.SupportedPids()
    for unit in range(20):
        supported.note(unit, 0, 0xFFFFFFFF)
    assert len(supported.get_units(1)) == obd.MAX_UNITS


def test_a_unit_that_refuses_a_pid_is_not_asked_for_it_again():
    supported = obd.SupportedPids()
    supported.note(0x7E8, 0, 0xFFFFFFFF)
    supported.note(0x7EA, 0, 0xFFFFFFFF)
    supported.forget(0x7E8, 0x0D)
    assert supported.get_units(0x0D) == [0x7EA]
    assert supported.get_units(0x0C) == [0x7E8, 0x7EA]
    supported.forget(0x123, 0x0D)
