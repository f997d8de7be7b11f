"""What the controller takes for a fact, to the millisecond and the second."""

import asyncio

import pytest
from box.access.effects import Cause
from box.access.session import NO_BADGE
from box.protocols import codes
from support_access import DRIVER, HOME, NEXT, NOW, SERVICE, STRANGER, Box

ALLOW, INHIBIT = codes.CONTACT_ALLOW, codes.CONTACT_INHIBIT


def look(box, cause=None):
    """The facts of this instant."""
    return box.access._gather(cause)


def tap_and_reach(box, state):
    box.at_home = state != "stopover"
    box.tap(DRIVER)
    if state in ("stopover", "ending"):
        box.wait(15)
        box.tap(DRIVER)
    elif state == "driving":
        box.drive()


def note_still(box):
    for _ in range(70):
        box.parts.evidence.advance(1000)
        box.parts.evidence.note_accelerometer(0, 0, 1000)


def shake(box):
    for second in range(40):
        box.parts.evidence.note_ignition(False)
        box.parts.evidence.advance(1000)
        box.parts.evidence.note_accelerometer(200 * (second % 2), 0, 1000)


def put(owner, **values):
    for name, value in values.items():
        assert hasattr(owner, name)
        setattr(owner, name, value)


# The name of a fact, what makes it so, what it is then; before that it is anything else.
FACTS = [
    ("state", lambda box: put(box.parts.session, state=codes.STATE_ENDING), codes.STATE_ENDING),
    ("kl15", lambda box: box.parts.evidence.note_ignition(True), True),
    ("kl15_off_ms", lambda box: put(box.parts.evidence, kl15_off_ms=7), 7),
    ("is_running", lambda box: box.parts.evidence.note_rpm(1), True),
    ("motion", note_still, codes.MOTION_STILL),
    ("standing", note_still, True),
    ("contact", lambda box: put(box.relay, contact=ALLOW), ALLOW),
    ("door_open", lambda box: put(box.inputs, door_open=True), True),
    ("key_missing", lambda box: put(box.inputs, key_in_holder=False), True),
    ("battery_low", lambda box: put(box, battery_low=True), True),
    ("carries", shake, True),
    ("moved", shake, True),
    ("moved", lambda box: box.parts.evidence.note_rpm(1), True),
    ("carried", lambda box: put(box.parts.session, carried=True), True),
    ("carried_over", lambda box: box.parts.evidence.note_ignition(True), True),
    ("carried_over", note_still, True),
    ("session_kind", lambda box: put(box.parts.session, kind=3), 3),
    ("allowed_place", lambda box: put(box.parts.session, allowed_place=4), 4),
    ("place", lambda box: box.parts.whereabouts.note_fix(HOME[1], HOME[2]), 4),
    ("locked", lambda box: put(box.parts.session, is_locked=True), True),
    ("service_here", lambda box: put(box.parts.session, is_service_here=True), True),
    ("garage", lambda box: put(box.parts.session, garage=True), True),
    ("alarmed", lambda box: put(box.access, _alarmed=True), True),
    ("bag_opened", lambda box: put(box.access.effects, bag_opened=True), True),
    ("journal_full", lambda box: put(box.journal, vital_full=True), True),
    ("link_may_answer", lambda box: put(box, link=True), True),
    ("same_authorisation", lambda box: put(box.parts.session, authorisation_id=5), True),
]


@pytest.mark.parametrize(("name", "make_so", "value"), FACTS)
def test_a_fact_is_what_the_car_the_session_and_the_box_say(name, make_so, value):
    box = Box()
    cause = Cause(argument=5)
    assert getattr(look(box, cause), name) != value
    make_so(box)
    assert getattr(look(box, cause), name) == value


def test_the_facts_of_a_cause_do_not_outlive_it():
    box = Box()
    assert look(box, Cause()).no_argument
    assert not look(box, Cause(argument=1)).no_argument
    look(box, Cause())
    assert not look(box).no_argument


@pytest.mark.parametrize(
    ("speed_kmh", "age_ms", "stands"), [(0, 2_000, True), (0, 2_001, False), (1, 0, False), (-1, 0, False)]
)
def test_a_wheel_that_stands_is_standing_while_its_speed_is_fresh(speed_kmh, age_ms, stands):
    box = Box()
    box.parts.evidence.note_speed(speed_kmh)
    box.parts.evidence.advance(age_ms)
    assert look(box).standing is stands


@pytest.mark.parametrize("state", ["open", "stopover", "ending"])
def test_an_effect_settles_in_three_seconds(box, state):
    tap_and_reach(box, state)
    box.ticks += 2_999
    assert not look(box).settled
    box.ticks += 1
    assert look(box).settled


def test_neither_a_question_nor_a_drive_unsettles(box):
    box.wait(4)
    box.link = box.is_asking_long = True
    box.tap(STRANGER)
    assert look(box).settled
    box.tap(DRIVER)
    assert not look(box).settled
    box.wait(4)
    box.drive(1)
    assert box.state == codes.STATE_DRIVING
    assert look(box).settled
    box.stop(2.1)
    assert box.state == codes.STATE_OPEN
    assert look(box).settled


def test_a_box_that_just_started_is_not_settled(box):
    box.ticks += 2_999
    assert not look(box).settled
    box.ticks += 1
    assert look(box).settled


# --- deadlines


def test_an_ending_is_over_after_its_time_by_the_ticks(box):
    tap_and_reach(box, "ending")
    box.parts.clock.trust = 0
    end_ms = box.parts.settings.ending_s * 1000
    box.ticks += end_ms - 1
    assert not look(box).deadline
    box.ticks += 1
    assert look(box).deadline


@pytest.mark.parametrize(("deadline_s", "is_over"), [(0, False), (-1, True), (0.5, True), (1, False)])
def test_an_ending_is_over_at_its_deadline_after_a_reset_if_it_has_one(box, deadline_s, is_over):
    tap_and_reach(box, "ending")
    box.restart()
    now_s = box.parts.clock.now_s()
    box.parts.session.deadline_s = {0: 0, 0.5: now_s}.get(deadline_s, now_s + deadline_s)
    assert look(box).deadline is is_over
    box.parts.clock.trust = 0
    assert not look(box).deadline


@pytest.mark.parametrize(("ends_s", "is_past"), [(0, False), (-300, True), (-299, False), (-301, True)])
def test_a_session_is_past_its_end_after_the_time_of_the_forgotten_if_it_has_an_end(box, ends_s, is_past):
    box.parts.settings.apply({"forgotten_s": 300})
    box.parts.session.ends_s = box.parts.clock.now_s() + ends_s if ends_s else 0
    assert look(box).past_end is is_past
    box.parts.clock.trust = 0
    assert not look(box).past_end


def test_a_remote_opening_is_unused_after_a_minute_with_the_ignition_known_to_be_off(box):
    box.command(codes.COMMAND_OPEN_FOR, 17)
    box.parts.evidence.note_ignition(False)
    box.ticks += 59_999
    assert not look(box).unused
    box.ticks += 1
    assert look(box).unused
    box.parts.evidence.kl15 = None
    assert not look(box).unused
    box.parts.evidence.note_ignition(False)
    box.parts.session.via = codes.VIA_BADGE
    assert not look(box).unused


@pytest.mark.parametrize("use", ["door", "ignition", "reset"])
def test_a_remote_opening_that_was_used_or_of_which_nobody_knows_is_not_unused(box, use):
    box.command(codes.COMMAND_OPEN_FOR, 17)
    if use == "reset":
        box.restart()
    box.inputs.door_open, box.kl15 = use == "door", use == "ignition"
    box.wait(0.1)
    box.inputs.door_open = box.kl15 = False
    box.parts.evidence.note_ignition(False)
    box.ticks += 61_000
    assert not look(box).unused


@pytest.mark.parametrize(
    ("facts", "is_left"),
    [
        ({"is_locked": False}, True),
        ({"is_locked": None}, False),
        ({"is_locked": True}, False),
        ({"is_locked": False, "garage": True}, False),
        ({"is_locked": False, "is_service_here": True}, False),
    ],
)
def test_a_car_is_left_unlocked_a_minute_after_its_doors_were_shut(facts, is_left):
    box = Box()
    put(box.parts.session, **facts)
    box.ticks += 59_999
    assert not look(box).left_unlocked
    box.ticks += 1
    assert look(box).left_unlocked is is_left


@pytest.mark.parametrize("opens", ["door", "badge"])
def test_the_minute_begins_anew_with_a_door_or_an_unlocking(box, opens):
    box.wait(30)
    if opens == "door":
        box.parts.session.is_locked = False
        box.inputs.door_open = True
        box.wait(0.1)
        box.ticks -= 100  # its step lies before the tick
    else:
        box.tap(DRIVER)
    box.ticks += 59_999 + (100 if opens == "door" else 0)
    assert not look(box).left_unlocked
    box.ticks += 1
    assert look(box).left_unlocked


@pytest.mark.parametrize(("state", "is_unsure"), [("open", False), ("stopover", True), ("ending", True)])
def test_after_a_reset_nobody_knows_whether_the_pulse_that_locks_was_given(box, state, is_unsure):
    tap_and_reach(box, state)
    before = box.parts.session.is_locked
    box.restart()
    assert box.parts.session.is_locked is (None if is_unsure else before)
    box.ticks += 60_000
    assert look(box).left_unlocked
    box.wait(0.2)  # stopped over or ending it is locked again, which is then known
    assert look(box).left_unlocked is not is_unsure


def test_the_garage_is_over_at_the_second_it_lasts_until_and_never_without_a_clock(box):
    box.parts.session.garage_until_s = box.parts.clock.now_s()
    assert look(box).garage_over
    box.parts.session.garage_until_s += 1
    assert not look(box).garage_over
    box.parts.session.garage_until_s = 0
    box.parts.clock.trust = 0
    assert not look(box).garage_over


def test_what_a_reset_must_not_take_is_taken_up_again(box):
    put(box.parts.session, carried=True)
    put(box.parts.whereabouts, place=4, travelled_m=77)
    box.access.effects.save()
    box.restart()
    assert box.parts.interlock.carried is True
    assert (box.parts.whereabouts.place, box.parts.whereabouts.travelled_m) == (4, 77)


# --- badges


def test_the_bag_is_had_by_the_uptime_and_after_a_reset_by_the_clock(box):
    tap_and_reach(box, "ending")
    box.wait(121)
    assert box.state == codes.STATE_PARKED
    cause = Cause(DRIVER)
    box.parts.clock.trust = 0
    box.ticks += 890_000
    assert look(box, cause).bag
    assert not look(box, Cause(NEXT)).bag
    box.ticks += 20_000
    assert not look(box, cause).bag
    for ago_s, is_time in ((899, True), (900, False)):
        box.restart()
        box.parts.session.last_ended_s = box.parts.clock.now_s() - ago_s
        assert look(box, cause).bag is is_time
        box.parts.clock.trust = 0
        assert not look(box, cause).bag


def test_a_bag_counts_from_the_end_of_the_session_and_not_from_a_question_or_a_start(box):
    box.ticks += 5_000
    box.tap(DRIVER)
    assert box.access._ended_at_s is None
    box.wait(5)
    box.command(codes.COMMAND_END_SESSION)
    assert box.access._ended_at_s is None  # refused: no proof
    box.wait(70)
    box.command(codes.COMMAND_END_SESSION)
    assert box.access._ended_at_s == box.parts.clock.uptime_s()


def test_three_taps_insist_if_the_first_is_no_minute_old(box):
    box.tap(DRIVER)
    box.inputs.door_open = True
    seen = []
    for wait_ms in (4_000, 29_999, 29_999, 1, 1):
        box.ticks += wait_ms
        seen.append(look(box, Cause(DRIVER)).insisted)
        if len(seen) < 3:
            box.tap(DRIVER)
    assert seen == [False, False, True, True, False]


def test_insisting_ends_with_what_was_insisted_on(box):
    box.tap(DRIVER)
    box.inputs.door_open = True
    for _ in range(3):
        box.wait(4)
        box.tap(DRIVER)
    assert box.state == codes.STATE_ENDING
    assert not look(box, Cause(DRIVER)).insisted


def test_a_badge_is_asked_about_while_its_question_is_open(box):
    box.link = box.is_asking_long = True
    assert not look(box, Cause(NO_BADGE)).asked
    box.tap(STRANGER)
    assert look(box, Cause(STRANGER)).asked
    assert not look(box, Cause(NEXT)).asked
    box.wait(11)
    assert not look(box, Cause(STRANGER)).asked


@pytest.mark.parametrize(
    ("badge", "kind", "number", "is_sessions"),
    [(NEXT, 1, 17, True), (NEXT, 1, 18, False), (NEXT, 2, 17, False), (DRIVER, 1, 99, True)],
)
def test_the_sessions_are_its_badge_and_the_badges_of_its_reservation(box, badge, kind, number, is_sessions):
    box.tap(DRIVER)
    box.promise(badge, number, kind=kind)
    badge_class, entry, refusal = box.access.classify(badge)
    assert (badge_class == 4) is is_sessions
    if is_sessions:
        assert refusal == 0
        assert entry == (None if badge == DRIVER else box.authorisations.entries[-1])


@pytest.mark.parametrize("state", ["open", "ending", "parked"])
def test_a_reservation_holds_the_car_until_its_driver_has_given_it_back(box, state):
    box.promise(NEXT, 18, 600, 4000)
    if state != "open":
        tap_and_reach(box, "ending")
    else:
        box.tap(DRIVER)
    if state == "parked":
        box.wait(121)
    early = box.access.classify(NEXT)
    assert early[2] == (codes.REFUSAL_HELD_BY_ANOTHER if state == "open" else 0)


def test_standing_rights_lapse_by_when_the_cloud_was_heard(box):
    box.authorisations.entries.clear()
    box.promise(DRIVER, 0x8000_0001, kind=2, ends=10**7)
    assert box.access.classify(DRIVER)[2] == 0
    box.parts.clock.cloud_s = NOW - 10**6
    assert box.access.classify(DRIVER)[2] == codes.REFUSAL_RIGHTS_LAPSED


def test_a_service_badge_that_is_held_on_is_the_sessions_own_and_no_other(box):
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)
    box.tap(SERVICE)
    box.wait(5)
    asyncio.run(box.access.hold(NEXT))
    assert box.state == codes.STATE_OPEN
    asyncio.run(box.access.hold(SERVICE))
    assert box.state == codes.STATE_PARKED
    days_s = box.parts.session.garage_until_s - box.parts.clock.now_s()
    assert days_s == 3 * 86_400
