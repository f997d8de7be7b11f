"""The durable state: what is packed comes back, and damage is never taken for a state."""

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


def test_a_session_without_a_number_or_a_parked_car_with_one_is_refused():
    for state, number in ((codes.STATE_DRIVING, 0), (codes.STATE_PARKED, 5)):
        session = make(codes.STATE_DRIVING)
        session.state, session.number = state, number
        assert not Session().restore(session.pack())


def test_an_end_keeps_what_the_forgotten_bag_needs_and_nothing_else():
    session = make(codes.STATE_ENDING)
    session.end(1_100_001_000)
    assert not session.is_running
    assert (session.last_badge, session.last_number, session.last_authorisation_id) == (b"driverA1", 812, 17)
    assert session.trip.pack() == Trip().pack()


def test_the_snapshot_holds_no_position_and_no_speed():
    names = set(vars(make(codes.STATE_DRIVING))) | {n for n in vars(Trip()) if not n.startswith("_")}
    assert not [name for name in names if "lat" in name or "lon" in name or "speed" in name]
