"""The durable state: what is packed comes back, and damage is never taken for a state."""

import itertools
import struct

import pytest
from box.access.session import Session
from box.access.trip import Trip
from box.protocols import codes
from hypothesis import given
from hypothesis import strategies as st

ENTRY = (b"driverA1", 17, 1_100_000_000, 1_100_007_200, codes.AUTHORISATION_KIND_RESERVATION, 0, 4)


def make(state):
    session = Session()
    if state not in (codes.STATE_PARKED, codes.STATE_ASKING):
        session.begin(812, ENTRY, codes.VIA_BADGE, 1_100_000_100)
        session.trip.note_odometer(123_456)
        session.trip.note_speed(50, 0)
        session.trip.note_speed(50, 1000)
    session.state = state
    session.place = 3
    session.travelled_m = 77
    session.last_badge = b"lastone!"
    session.last_ended_s = 1_099_999_000
    session.is_locked = True
    session.carried = True
    session.garage_until_s = 1_200_000_000
    return session


@given(st.sampled_from(range(6)))
def test_every_state_survives_a_power_loss_but_asking_which_is_asked_again(state):
    before, after = make(state), Session()
    assert after.restore(before.pack())
    expected = codes.STATE_PARKED if state == codes.STATE_ASKING else state
    assert after.state == expected
    for name in ("number", "badge", "authorisation_id", "ends_s", "allowed_place", "place", "travelled_m"):
        assert getattr(after, name) == getattr(before, name)
    for name in ("last_badge", "last_ended_s", "is_locked", "carried", "garage", "garage_until_s"):
        assert getattr(after, name) == getattr(before, name)
    assert after.trip.compute_distance() == before.trip.compute_distance()


def test_no_snapshot_is_a_parked_car():
    session = Session()
    assert not session.restore(None)
    assert (session.state, session.is_running) == (codes.STATE_PARKED, False)


@given(st.binary(max_size=200))
def test_bytes_of_another_kind_change_nothing(data):
    session = Session()
    if not session.restore(data):
        assert session.pack() == Session().pack()


NEW_TRIP = Trip().pack()
# In the order of the format: the bytes of a car that was never used, and a value for each field.
FIELDS = (
    ("state", "B", 0, codes.STATE_ENDING),
    ("flags", "B", 0, 3),
    ("number", "I", 0, 812),
    ("authorisation_id", "I", 0, 17),
    ("started_s", "I", 0, 1_100_000_100),
    ("starts_s", "I", 0, 1_100_000_000),
    ("ends_s", "I", 0, 1_100_007_200),
    ("deadline_s", "I", 0, 1_100_007_320),
    ("badge", "8s", bytes(8), b"driverA1"),
    ("kind", "B", 0, 2),
    ("via", "B", 0, 4),
    ("allowed_place", "H", 0, 5),
    ("garage_until_s", "I", 0, 1_200_000_000),
    ("last_command_id", "I", 0, 99),
    ("vital_sequence", "I", 0, 1001),
    ("place", "H", 0, 6),
    ("travelled_m", "H", 0xFFFF, 77),
    ("last_badge", "8s", bytes(8), b"lastone!"),
    ("last_ended_s", "I", 0, 1_099_999_000),
    ("last_number", "I", 0, 811),
    ("last_authorisation_id", "I", 0, 16),
    ("start_place", "I", 0, 8),
)
LAYOUT = "<BB" + "".join(kind for _, kind, _, _ in FIELDS)  # version and bits are bytes like the state


def lay_out(values, bits=0, version=1):
    return struct.pack(LAYOUT, version, values[0], bits, *values[1:]) + NEW_TRIP


def test_a_car_that_was_never_used_is_parked_and_its_place_is_not_known():
    assert Session().pack() == lay_out([fresh for _, _, fresh, _ in FIELDS])


def test_each_value_lies_where_the_format_says_and_comes_back():
    before, after = Session(), Session()
    for name, _, _, value in FIELDS:
        setattr(before, name, value)
    assert before.pack() == lay_out([value for _, _, _, value in FIELDS])
    assert after.restore(before.pack()) is True
    assert {name: getattr(after, name) for name, _, _, _ in FIELDS} == {
        name: value for name, _, _, value in FIELDS
    }


MODES = ("garage", "carried", "is_service_here")


@pytest.mark.parametrize("modes", list(itertools.product((False, True), repeat=3)))
@pytest.mark.parametrize(("is_locked", "bits"), [(None, 0), (False, 16), (True, 24)])
def test_each_mode_has_its_bit_and_comes_back(modes, is_locked, bits):
    before, after = make(codes.STATE_DRIVING), Session()
    before.garage, before.carried, before.is_service_here = modes
    before.is_locked = is_locked
    assert before.pack()[2] == bits + sum(1 << bit for bit, is_on in enumerate(modes) if is_on)
    assert after.restore(before.pack())
    assert tuple(getattr(after, name) for name in MODES) == modes
    assert after.is_locked is is_locked


@pytest.mark.parametrize(
    "data",
    [
        None,
        lay_out([fresh for _, _, fresh, _ in FIELDS], version=0),
        lay_out([fresh for _, _, fresh, _ in FIELDS], version=2),
        lay_out([fresh for _, _, fresh, _ in FIELDS])[:-1],
        lay_out([fresh for _, _, fresh, _ in FIELDS]) + b"\0",
        lay_out([6, *(value for _, _, _, value in FIELDS[1:])]),  # a state that there is not
    ],
)
def test_what_this_firmware_does_not_write_is_no_state(data):
    session = Session()
    assert session.restore(data) is False
    assert session.pack() == Session().pack()


def test_a_session_begins_with_what_its_authorisation_says_and_nothing_of_the_one_before():
    session, expected = Session(), Session()
    for name, _, _, value in FIELDS:
        setattr(session, name, value)
        if name.startswith("last_") or name in ("garage_until_s", "vital_sequence", "place", "travelled_m"):
            setattr(expected, name, value)
    session.is_service_here = True
    session.trip.note_odometer(1)
    session.begin(5, (b"driver_B", 18, 1000, 2000, 2, 0, 9), codes.VIA_TAKEOVER, 1500)
    session.state = 0
    expected.number, expected.badge, expected.authorisation_id = 5, b"driver_B", 18
    expected.starts_s, expected.ends_s, expected.kind, expected.allowed_place = 1000, 2000, 2, 9
    expected.via, expected.started_s = codes.VIA_TAKEOVER, 1500
    assert session.pack() == expected.pack()


def test_a_session_without_a_number_or_a_parked_car_with_one_is_refused():
    for state, number in ((codes.STATE_DRIVING, 0), (codes.STATE_PARKED, 5)):
        session = make(codes.STATE_DRIVING)
        session.state, session.number = state, number
        assert Session().restore(session.pack()) is False


def test_an_end_keeps_what_the_forgotten_bag_needs_and_nothing_else():
    session = make(codes.STATE_ENDING)
    session.is_service_here = True
    session.end(1_100_001_000)
    assert not session.is_running
    assert not session.is_service_here
    assert session.last_ended_s == 1_100_001_000
    assert (session.last_badge, session.last_number, session.last_authorisation_id) == (b"driverA1", 812, 17)
    assert session.trip.pack() == Trip().pack()


def test_the_snapshot_holds_no_position_and_no_speed():
    names = set(vars(make(codes.STATE_DRIVING))) | {n for n in vars(Trip()) if not n.startswith("_")}
    assert not [name for name in names if "lat" in name or "lon" in name or "speed" in name]
