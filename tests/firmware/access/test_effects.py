"""What each effect of a decision writes, keeps and moves, to the byte of its record."""

import asyncio

import pytest
from box.access.effects import Cause
from box.access.machine import Decision
from box.access.session import NO_BADGE, Session
from box.protocols import codes
from support_access import DRIVER, HOME, NEXT, NOW, STRANGER, Box

DAY_S = 86_400
ENTRY = (DRIVER, 17, NOW - 60, NOW + 7200, codes.AUTHORISATION_KIND_STANDING, 0, 4)
NO_PLACE, ELSEWHERE = 0, 0xFFFF
UNKNOWN_E7 = 0x7FFF_FFFF
DRIVEN_OFF, TIME_UNSURE, DOOR_OPEN, KEY_MISSING, UNCONFIRMED = (
    1 << bit
    for bit in (
        codes.END_FLAG_BIT_DRIVEN_OFF,
        codes.END_FLAG_BIT_TIME_UNSURE,
        codes.END_FLAG_BIT_DOOR_OPEN,
        codes.END_FLAG_BIT_KEY_MISSING,
        codes.END_FLAG_BIT_PLACE_UNCONFIRMED,
    )
)


def make(at_home=True, has_time=True):
    box = Box()
    if at_home is not None:
        box.parts.whereabouts.note_fix(HOME[1] + (0 if at_home else 500_000), HOME[2])
    if not has_time:
        box.parts.clock.trust = 0
    return box


def do(box, *effects, state=codes.STATE_OPEN, cause=None, row="", signal="-", refusal=0):
    """Carry effects out; return what was written, saved, shown and moved."""
    before = len(box.events)
    decision = Decision(row, state, effects, signal, refusal)
    asyncio.run(box.access.effects.carry_out(decision, cause or Cause()))
    return box.events[before:]


def start(box, entry=ENTRY):
    do(box, "start", cause=Cause(entry[0], entry))
    box.events.clear()
    return box.parts.session


def last(box, kind):
    return [values for told, values in box.journal.entries if told == kind][-1]


# --- the start


@pytest.mark.parametrize(
    ("odometer_hm", "fuel_percent", "told"),
    [(None, None, (0xFFFF_FFFF, 255)), (1234, 54.4, (1234, 54)), (1234, 54.5, (1234, 55)), (0, 0, (0, 0))],
)
def test_a_start_is_journalled_with_its_right_and_what_the_car_tells(odometer_hm, fuel_percent, told):
    box = make()
    box.car.odometer_hm, box.car.fuel_percent = odometer_hm, fuel_percent
    session = start(box)
    assert last(box, codes.RECORD_SESSION_START) == (
        *(17, DRIVER, codes.AUTHORISATION_KIND_STANDING, codes.VIA_BADGE, 4),
        *told,
        12_600,
    )
    assert (session.number, session.badge, session.authorisation_id) == (1, DRIVER, 17)
    assert (session.started_s, session.start_place, session.flags) == (box.parts.clock.now_s(), 4, 0)
    assert session.trip.odometer_start_hm == told[0]
    assert session.trip.fuel_start_percent == told[1]


def test_the_badge_that_opened_has_the_session_and_not_the_one_its_entry_names():
    box = make()
    do(box, "start", cause=Cause(NEXT, ENTRY))
    assert box.parts.session.badge == NEXT
    assert last(box, codes.RECORD_SESSION_START)[1] == NEXT


def test_a_start_without_a_clock_is_flagged_and_one_that_is_not_taken_has_the_number_of_none():
    box = make(has_time=False)
    box.journal.broken = True
    session = start(box)
    assert (session.number, session.started_s, session.flags) == (0xFFFF_FFFF, 0, TIME_UNSURE)


@pytest.mark.parametrize(("entry", "badge", "ends_s"), [(ENTRY, DRIVER, NOW + 7200), (None, NO_BADGE, 0)])
def test_a_start_from_afar_takes_the_reservations_badge_or_has_none_and_no_end(entry, badge, ends_s):
    box = make()
    do(box, "start_by_command", cause=Cause(entry=entry, argument=17))
    session = box.parts.session
    assert (session.badge, session.ends_s, session.authorisation_id) == (badge, ends_s, 17)
    assert (session.via, session.starts_s) == (
        codes.VIA_COMMAND,
        entry[2] if entry else box.parts.clock.now_s(),
    )
    assert session.kind == (entry[4] if entry else codes.AUTHORISATION_KIND_RESERVATION)
    assert session.allowed_place == (4 if entry else 0)


# --- the end

ENDS = {
    "end_badge": codes.END_REASON_BADGE,
    "end_taken_over": codes.END_REASON_TAKEN_OVER,
    "end_forgotten": codes.END_REASON_FORGOTTEN,
    "end_command": codes.END_REASON_COMMAND,
}


@pytest.mark.parametrize("effect", ENDS)
def test_an_end_is_journalled_with_its_reason_its_way_and_its_fuel(effect):
    box = make()
    box.car.odometer_hm, box.car.fuel_percent = 1234, 80
    session = start(box)
    session.trip.note_odometer(1236)
    box.car.fuel_percent = 69.5
    box.parts.settings.apply({"tank_ml": 50_000})
    session.flags = DRIVEN_OFF
    do(box, effect, state=codes.STATE_PARKED)
    assert last(box, codes.RECORD_SESSION_END) == (
        *(1, 17, ENDS[effect], DRIVEN_OFF, 4),
        *(100, codes.DISTANCE_SOURCE_ODOMETER, codes.FUEL_SOURCE_LEVEL, 5_000),
        *(1236, 70, 0, UNKNOWN_E7, UNKNOWN_E7),
    )
    assert (session.is_running, session.last_number, session.last_badge) == (False, 1, DRIVER)
    assert session.last_ended_s == box.parts.clock.now_s()


def test_an_end_of_which_the_bus_and_the_clock_tell_nothing_says_so():
    box = make(at_home=None, has_time=False)
    session = start(box)
    session.flags = 0
    do(box, "end_badge", state=codes.STATE_PARKED)
    assert last(box, codes.RECORD_SESSION_END) == (
        *(1, 17, codes.END_REASON_BADGE, TIME_UNSURE, NO_PLACE),
        *(0, codes.DISTANCE_SOURCE_UNKNOWN, codes.FUEL_SOURCE_UNKNOWN, 0),
        *(0xFFFF_FFFF, 255, 0, UNKNOWN_E7, UNKNOWN_E7),
    )
    assert session.last_ended_s == 0


def test_only_an_end_elsewhere_tells_where_and_only_while_the_position_is_known():
    box = make(at_home=False)
    start(box)
    do(box, "end_command", state=codes.STATE_PARKED)
    assert last(box, codes.RECORD_SESSION_END)[4] == ELSEWHERE
    assert last(box, codes.RECORD_SESSION_END)[-2:] == (HOME[1] + 500_000, HOME[2])
    start(box)
    box.parts.whereabouts.lat_e7 = None  # as after a reset: the place is kept, the position is not
    do(box, "end_command", state=codes.STATE_PARKED)
    assert last(box, codes.RECORD_SESSION_END)[-2:] == (UNKNOWN_E7, UNKNOWN_E7)


@pytest.mark.parametrize(("fitted", "in_holder"), [(1, True), (1, False), (0, False)])
@pytest.mark.parametrize("state", [codes.STATE_OPEN, codes.STATE_STOPOVER])
def test_a_key_that_nobody_looked_for_is_missing_in_the_books_of_an_open_car(fitted, in_holder, state):
    box = make()
    session = start(box)
    session.state = state
    box.inputs.key_in_holder = in_holder
    box.parts.settings.apply({"key_holder_fitted": fitted, "places": [HOME]})
    do(box, "end_forgotten", state=codes.STATE_PARKED)
    is_missing = fitted and not in_holder and state == codes.STATE_OPEN
    assert last(box, codes.RECORD_SESSION_END)[3] == (KEY_MISSING if is_missing else 0)


# --- ending and taking back


@pytest.mark.parametrize(
    ("at_home", "door_open", "key_in_holder", "flags"),
    [
        (True, False, True, 0),
        (None, False, True, UNCONFIRMED),
        (True, True, True, DOOR_OPEN),
        (True, False, False, KEY_MISSING),
        (None, True, False, UNCONFIRMED | DOOR_OPEN | KEY_MISSING),
    ],
)
def test_an_ending_keeps_its_deadline_and_flags_what_is_not_as_it_should_be(
    at_home, door_open, key_in_holder, flags
):
    box = make(at_home)
    session = start(box)
    box.inputs.door_open, box.inputs.key_in_holder = door_open, key_in_holder
    session.flags = 0xFF  # what an ending before this one said is looked at anew, but for what lasts
    do(box, "record_ending", state=codes.STATE_ENDING)
    deadline_s = box.parts.clock.now_s() + box.parts.settings.ending_s
    assert (session.deadline_s, session.flags) == (deadline_s, DRIVEN_OFF | TIME_UNSURE | flags)
    assert last(box, codes.RECORD_ENDING) == (1, deadline_s, session.flags)
    box.parts.clock.trust = 0
    do(box, "record_ending", state=codes.STATE_ENDING)
    assert session.deadline_s == 0
    do(box, "record_taken_back")
    assert session.flags == DRIVEN_OFF | TIME_UNSURE
    assert last(box, codes.RECORD_END_TAKEN_BACK) == (1,)


def test_a_car_that_is_driven_off_is_flagged():
    box = make()
    session = start(box)
    session.flags = DOOR_OPEN
    do(box, "flag_driven_off", state=codes.STATE_DRIVING)
    assert session.flags == DRIVEN_OFF | DOOR_OPEN


@pytest.mark.parametrize(
    ("effect", "kind", "values"),
    [
        ("record_driving", codes.RECORD_DRIVING, (1,)),
        ("record_opened", codes.RECORD_OPENED, (1,)),
        ("record_stopover", codes.RECORD_STOPOVER, (1, 4)),
        ("record_resumed", codes.RECORD_RESUMED, (1, codes.STATE_OPEN)),
        ("record_service", codes.RECORD_SERVICE, (STRANGER, 4)),
        ("record_refused", codes.RECORD_REFUSED, (STRANGER, 9, codes.STATE_OPEN)),
        ("record_ignored", codes.RECORD_BADGE_IGNORED, (STRANGER, codes.STATE_OPEN)),
        ("record_bag", codes.RECORD_BAG, (7,)),
        ("alarm_ignition", codes.RECORD_ALARM, (codes.ALARM_CAUSE_IGNITION,)),
        ("alarm_motion", codes.RECORD_ALARM, (codes.ALARM_CAUSE_MOTION,)),
        ("carried_on", codes.RECORD_MODE, (codes.MODE_BIT_CARRIED, 1)),
        ("carried_off", codes.RECORD_MODE, (codes.MODE_BIT_CARRIED, 0)),
        ("garage_on", codes.RECORD_MODE, (codes.MODE_BIT_GARAGE, 1)),
        ("garage_off", codes.RECORD_MODE, (codes.MODE_BIT_GARAGE, 0)),
    ],
)
def test_an_effect_writes_its_record(effect, kind, values):
    box = make()
    start(box).last_number = 7
    do(box, effect, cause=Cause(STRANGER, is_known=True), refusal=9)
    assert box.journal.entries[-1] == (kind, values)


def test_a_mode_is_kept_and_the_interlock_is_told_of_a_carried_car():
    box = make()
    session = box.parts.session
    for on in (True, False):
        do(box, "carried_on" if on else "carried_off")
        assert (session.carried, session.garage, box.parts.interlock.carried) == (on, False, on)
    for on in (True, False):
        do(box, "garage_on" if on else "garage_off")
        assert (session.carried, session.garage, box.parts.interlock.carried) == (False, on, False)


@pytest.mark.parametrize(("argument", "days"), [(0, 3), (1, 1), (365, 365), (366, 365)])
@pytest.mark.parametrize("has_time", [True, False])
def test_garage_lasts_the_days_that_were_said_at_most_a_year_and_by_a_badge_three(argument, days, has_time):
    box = make(has_time=has_time)
    session = box.parts.session
    do(box, "garage_on", cause=Cause(argument=argument) if argument else Cause())
    since_s = box.parts.clock.now_s() if has_time else 0
    assert session.garage_until_s == since_s + days * DAY_S
    box.events.clear()
    box.access.effects.count_garage_from(NOW)
    assert session.garage_until_s == (since_s or NOW) + days * DAY_S
    assert box.events.count(("saved", None)) == (0 if has_time else 1)
    do(box, "garage_off")
    session.garage_until_s = 0
    box.access.effects.count_garage_from(NOW)  # there is none
    assert session.garage_until_s == 0


def test_a_fitter_is_here_from_his_badge_at_a_stopover_until_he_or_the_driver_goes():
    box = make()
    session = start(box)
    do(box, "service_on")
    assert not session.is_service_here  # an open car needs no fitter
    for leaves in ("service_off", "record_resumed"):
        session.state = codes.STATE_STOPOVER
        do(box, "service_on", state=codes.STATE_STOPOVER)
        assert session.is_service_here
        do(box, leaves, state=codes.STATE_STOPOVER)
        assert not session.is_service_here


def test_the_same_card_with_the_same_answer_is_journalled_once_a_minute_and_a_stranger_without_his_hash():
    box = make()

    def refuse(badge, refusal, is_known=False, effect="record_refused", after_ms=0):
        box.ticks += after_ms
        before = len(box.journal.entries)
        cause = Cause(badge, is_known=True) if is_known else Cause(badge)
        do(box, effect, cause=cause, refusal=refusal, state=codes.STATE_PARKED)
        return box.journal.entries[before:]

    nobody = (codes.RECORD_REFUSED, (NO_BADGE, 1, codes.STATE_PARKED))
    assert refuse(STRANGER, 1) == [nobody]
    assert refuse(NEXT, 1, after_ms=59_999) == []  # whose card it is, nobody may read from the journal
    assert refuse(STRANGER, 1, after_ms=1) == [nobody]
    assert refuse(STRANGER, 2) == [(codes.RECORD_REFUSED, (NO_BADGE, 2, codes.STATE_PARKED))]
    assert refuse(DRIVER, 2, True) == [(codes.RECORD_REFUSED, (DRIVER, 2, codes.STATE_PARKED))]
    assert refuse(DRIVER, 2, True, after_ms=59_999) == []
    assert refuse(DRIVER, 0, True, "record_ignored") == [
        (codes.RECORD_BADGE_IGNORED, (DRIVER, codes.STATE_PARKED))
    ]


# --- what is saved, and in which order


def test_the_snapshot_holds_the_place_the_way_and_the_journals_last_record():
    box = make()
    box.parts.whereabouts.note_travel(77)
    start(box)
    kept = Session()
    assert kept.restore(box.saved)
    assert (kept.place, kept.travelled_m, kept.vital_sequence, kept.number) == (4, 77, 1, 1)


def test_a_snapshot_that_the_flash_does_not_take_is_a_fault_and_stops_nothing():
    box = make()

    def fail(data):
        raise OSError(5)

    box.access.effects._save = fail
    assert ("doors", "unlock") in do(box, "start", "unlock", cause=Cause(DRIVER, ENTRY))
    assert box.parts.faults.is_set(codes.FAULT_FLASH_DAMAGED)


@pytest.mark.parametrize(
    ("effects", "after", "refusal", "is_locked", "saves"),
    [
        (("carried_on",), codes.STATE_OPEN, 0, True, True),
        (("record_driving",), codes.STATE_DRIVING, 0, True, True),
        ((), codes.STATE_DRIVING, 0, True, True),
        ((), codes.STATE_OPEN, 0, True, False),
        (("unlock",), codes.STATE_OPEN, 0, True, True),
        (("unlock",), codes.STATE_OPEN, 0, None, True),
        (("unlock",), codes.STATE_OPEN, 0, False, False),
        (("carried_on", "unlock"), codes.STATE_OPEN, 0, False, True),
        (("lock",), codes.STATE_OPEN, 0, False, True),
        (("lock",), codes.STATE_OPEN, 0, None, True),
        (("lock",), codes.STATE_OPEN, 0, True, False),
        (("carried_on", "lock"), codes.STATE_OPEN, 0, True, True),
        (("record_refused",), codes.STATE_OPEN, 9, True, False),
        (("record_refused",), codes.STATE_PARKED, 9, True, True),
        (("record_ignored",), codes.STATE_OPEN, 0, True, False),
    ],
)
def test_what_a_power_cut_must_not_take_is_saved_and_nothing_is_saved_in_vain(
    effects, after, refusal, is_locked, saves
):
    box = make()
    session = start(box)
    session.is_locked = is_locked
    events = do(box, *effects, state=after, refusal=refusal)
    assert (("saved", None) in events) == saves
    if "lock" in effects or "unlock" in effects:
        assert session.is_locked is ("lock" in effects)


def test_memory_and_flash_may_differ_from_the_first_record_until_the_snapshot_and_no_longer():
    box = make()
    effects = box.access.effects
    seen = []
    assert not effects.is_torn
    box.journal.write = lambda kind, payload: seen.append(("record", effects.is_torn)) or 1
    effects._save = lambda data: seen.append(("saved", effects.is_torn))
    effects._play = lambda signal: seen.append(("signal", effects.is_torn))
    do(box, "start", signal="welcome", cause=Cause(DRIVER, ENTRY))
    assert seen == [("record", True), ("saved", True), ("signal", False)]


def test_a_decision_without_a_signal_shows_nothing():
    box = make()
    assert do(box, state=codes.STATE_PARKED, signal="-") == []
    assert do(box, state=codes.STATE_PARKED, signal="find") == [("signal", "find")]


@pytest.mark.parametrize(
    ("row", "signal", "effect", "source"),
    [
        ("starts", "welcome", "allow", codes.RELAY_SOURCE_SESSION),
        ("service", "service", "allow", codes.RELAY_SOURCE_SERVICE),
        ("garage_by_badge", "garage", "allow", codes.RELAY_SOURCE_SERVICE),
        ("ends", "ended", "inhibit", codes.RELAY_SOURCE_SESSION),
        ("stops_over", "stopover", "inhibit", codes.RELAY_SOURCE_SESSION),
        ("forgotten", "ended", "inhibit", codes.RELAY_SOURCE_PARKED),
        ("end", "ended", "inhibit_by_command", codes.RELAY_SOURCE_COMMAND),
    ],
)
@pytest.mark.parametrize("ends", [False, True])
def test_the_relays_record_says_who_asked_and_of_which_session_also_when_this_ends_it(
    row, signal, effect, source, ends
):
    box = make()
    box.relay.contact = codes.CONTACT_INHIBIT if effect == "allow" else codes.CONTACT_ALLOW
    box.kl15 = None
    start(box)
    do(box, *(("end_command",) if ends else ()), effect, row=row, signal=signal)
    told = last(box, codes.RECORD_RELAY)
    assert told[0] == (codes.CONTACT_ALLOW if effect == "allow" else codes.CONTACT_INHIBIT)
    assert told[5] == source
    assert told[9] == (0 if ends and effect == "allow" else 1)


@pytest.mark.parametrize("row", ["ends", "stops_over", "forgotten"])
@pytest.mark.parametrize("effect", ["inhibit", "inhibit_by_command"])
def test_only_the_sessions_badge_shortens_the_time_the_ignition_must_be_off(row, effect):
    box = make()
    start(box)
    box.relay.contact = codes.CONTACT_ALLOW
    evidence = box.parts.evidence
    evidence.note_ignition(True)
    for second in range(15):
        evidence.note_ignition(second < 10)
        evidence.advance(1000)
        evidence.note_accelerometer(0, 0, 1000)
    moved = ("relay", "inhibit") in do(box, effect, row=row)
    assert moved == (row != "forgotten" and effect == "inhibit")


def test_doors_and_relay_move_in_the_order_of_the_row():
    box = make()
    start(box)
    moves = [event for event in do(box, "unlock", "allow", "lock") if event[0] in ("doors", "relay")]
    assert moves == [("doors", "unlock"), ("relay", "allow"), ("doors", "lock")]


@pytest.mark.parametrize(
    ("ended_ago_s", "is_time"), [(None, False), (-1, False), (0, True), (899, True), (900, False)]
)
def test_the_bag_is_had_by_the_last_badge_for_a_quarter_of_an_hour(ended_ago_s, is_time):
    box = make()
    start(box)
    do(box, "end_badge", state=codes.STATE_PARKED)
    assert box.access.effects.is_bag_time(DRIVER, ended_ago_s) is is_time
    assert box.access.effects.is_bag_time(NEXT, ended_ago_s) is False


def test_the_bag_is_opened_once_until_the_car_is_locked_again():
    box = make()
    effects = box.access.effects
    assert not effects.bag_opened
    do(box, "record_bag", "unlock", state=codes.STATE_PARKED)
    assert effects.bag_opened
    do(box, "lock", state=codes.STATE_PARKED)
    assert not effects.bag_opened
