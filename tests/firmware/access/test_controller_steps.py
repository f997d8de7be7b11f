"""How the controller goes on: cards beside others, questions, ticks, and what a command leaves behind."""

import asyncio

import pytest
from box.access.session import NO_BADGE, Session
from box.config import SESSION_SAVE_S
from box.protocols import codes
from support_access import DRIVER, NEXT, NOW, SERVICE, STRANGER

ALLOW, INHIBIT = codes.CONTACT_ALLOW, codes.CONTACT_INHIBIT
PHONE = b"phone..1"


def hold(box, new, lying=(), random=()):
    """Bring cards beside those that lie there; return the signals."""
    before = len(box.events)
    cards = [(card, card in random) for card in new]
    asyncio.run(box.access.tap(cards, cards + [(card, card in random) for card in lying]))
    return [name for kind, name in box.events[before:] if kind == "signal"]


def last(box, kind):
    return [values for told, values in box.journal.entries if told == kind][-1]


def tick(box, ms=0):
    box.ticks += ms
    asyncio.run(box.access.tick(ms))


# --- cards


@pytest.mark.parametrize(("after_ms", "answer"), [(2_999, []), (3_000, ["unknown_badge"])])
def test_cards_within_three_seconds_of_an_answer_are_one_hand_with_those_that_lie_there(
    box, after_ms, answer
):
    box.ticks += 50_000
    assert hold(box, [DRIVER]) == ["welcome"]
    box.ticks += after_ms
    assert hold(box, [STRANGER], [DRIVER]) == answer


def test_the_first_card_after_a_reset_is_a_hand_of_its_own(box):
    assert hold(box, [STRANGER], [DRIVER]) == ["unknown_badge"]


@pytest.mark.parametrize("state", ["stopover", "ending", "locked"])
def test_where_the_sessions_badge_can_only_open_it_opens_beside_another(box, state):
    box.promise(NEXT, 18)
    box.at_home = state != "stopover"
    box.tap(DRIVER)
    box.wait(15)
    if state == "locked":
        assert hold(box, [DRIVER, NEXT]) == ["several_badges"]
        box.command(codes.COMMAND_LOCK)
    else:
        box.tap(DRIVER)
        box.parts.session.is_locked = False  # it opens what is open
    box.wait(4)
    assert hold(box, [DRIVER, NEXT]) in (["welcome"], ["taken_back"])


@pytest.mark.parametrize(
    ("new", "noted"),
    [
        ([STRANGER], NO_BADGE),
        ([NEXT], NEXT),
        ([NEXT, STRANGER], NEXT),
        ([STRANGER, NEXT], NO_BADGE),  # the first is the one that is noted
        ([PHONE, DRIVER], DRIVER),
        ([DRIVER], DRIVER),
    ],
)
def test_a_card_on_a_drive_is_noted_and_whose_it_is_only_if_the_box_knows_it(box, new, noted):
    box.tap(DRIVER)
    box.drive()
    box.authorisations.entries.clear()
    box.promise(NEXT, 18)
    assert hold(box, new, random=[PHONE]) == ["ignored"]
    assert last(box, codes.RECORD_BADGE_IGNORED) == (noted, codes.STATE_DRIVING)


@pytest.mark.parametrize(("ends_s", "noted"), [(-30, NEXT), (600, NEXT), (None, NO_BADGE)])
def test_a_refused_badge_is_noted_by_its_hash_only_if_the_box_knows_it(box, ends_s, noted):
    if ends_s is not None:
        box.promise(NEXT, 18, ends_s - 60 if ends_s < 0 else ends_s, ends_s + 600 if ends_s > 0 else ends_s)
    hold(box, [NEXT])
    assert last(box, codes.RECORD_REFUSED)[0] == noted


def test_the_state_catches_up_with_the_ignition_before_a_card_is_answered(box):
    box.tap(DRIVER)
    box.wait(4)
    box.parts.evidence.note_ignition(True)
    assert box.tap(DRIVER) == ["ignored"]
    assert box.state == codes.STATE_DRIVING


# --- questions


@pytest.mark.parametrize(
    ("verdict", "refusal"),
    [
        (None, codes.REFUSAL_UNKNOWN_BADGE),
        (codes.REFUSAL_NOT_FITTED, codes.REFUSAL_NOT_FITTED),  # the last there is
        (codes.REFUSAL_NOT_FITTED + 1, codes.REFUSAL_UNKNOWN_BADGE),  # of a cloud that knows more
    ],
)
def test_a_verdict_that_the_box_can_say_is_said(box, verdict, refusal):
    box.link, box.verdict = True, verdict
    box.tap(STRANGER)
    known = refusal != codes.REFUSAL_UNKNOWN_BADGE
    assert last(box, codes.RECORD_REFUSED)[:2] == (STRANGER if known else NO_BADGE, refusal)


def test_a_right_that_came_with_the_answer_is_worth_more_than_its_words(box):
    box.link = True
    box.verdict = lambda: box.promise(NEXT, 19, -60, 3600) or codes.REFUSAL_REVOKED
    box.authorisations.entries.clear()
    assert box.tap(NEXT) == ["asking", "welcome"]
    assert last(box, codes.RECORD_SESSION_START)[0] == 19


def test_an_answer_about_another_badge_than_the_one_asked_about_now_is_dropped(box):
    gates = {}

    async def ask(badge, timeout_ms):
        gates[badge] = asyncio.Event()
        await gates[badge].wait()
        return codes.REFUSAL_REVOKED

    async def run():
        box.access._hooks.ask = ask
        for badge in (STRANGER, NEXT):
            await box.access.tap([(badge, False)], [(badge, False)])
            await asyncio.sleep(0)
        gates[STRANGER].set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert box.state == codes.STATE_ASKING
        assert ("signal", "revoked") not in box.events

    box.link = True
    asyncio.run(run())


@pytest.mark.parametrize("known", [False, True])
def test_a_question_is_forgotten_after_ten_seconds_and_answered_with_what_the_box_knew(box, known):
    if known:
        box.promise(STRANGER, 18, 7200, 9000)
    box.link = box.is_asking_long = True
    box.ticks += 1_000
    assert box.tap(STRANGER) == ["asking"]
    tick(box, 9_999)
    assert box.state == codes.STATE_ASKING
    tick(box, 1)
    assert box.state == codes.STATE_PARKED
    refusal = codes.REFUSAL_TOO_EARLY if known else codes.REFUSAL_UNKNOWN_BADGE
    assert last(box, codes.RECORD_REFUSED)[:2] == (STRANGER if known else NO_BADGE, refusal)
    assert box.access.unknown_badges == (0 if known else 1)


# --- ticks


def watch_relay(box):
    """Note what the relay is held at: target, source, after the badge, session, ms."""
    held = []

    async def hold_relay(*values):
        held.append(values)

    box.parts.interlock.hold = hold_relay
    return held


def test_the_relay_is_held_at_the_target_of_the_state_for_the_time_that_passed(box):
    held = watch_relay(box)
    tick(box, 7)
    assert held == [(INHIBIT, codes.RELAY_SOURCE_PARKED, False, 0, 7)]
    box.tap(DRIVER)
    assert len(held) == 1  # a tap lets no time pass
    tick(box, 8)
    assert held[-1] == (ALLOW, codes.RELAY_SOURCE_SESSION, False, box.parts.session.number, 8)
    box.parts.session.garage, box.parts.session.garage_until_s = True, NOW + 1_000
    box.parts.session.state = codes.STATE_PARKED
    tick(box, 9)
    assert held[-1][:2] == (ALLOW, codes.RELAY_SOURCE_SERVICE)
    box.parts.session.state = codes.STATE_STOPOVER
    for is_here in (False, True):
        box.parts.session.is_service_here = is_here
        tick(box, 1)
        assert held[-1][0] == (ALLOW if is_here else INHIBIT)


def test_the_sessions_badge_shortens_the_ignition_time_for_a_minute_and_not_in_a_parked_car(box):
    held = watch_relay(box)
    box.tap(DRIVER)
    box.wait(4)
    box.ticks += 200
    assert box.tap(DRIVER) == ["ended"]
    tick(box, 59_999)
    assert (box.state, held[-1][2]) == (codes.STATE_ENDING, True)
    tick(box, 1)
    assert (box.state, held[-1][2]) == (codes.STATE_ENDING, False)
    assert box.tap(DRIVER) == ["taken_back"]
    for state in (codes.STATE_PARKED, codes.STATE_OPEN):
        box.parts.session.state = state
        tick(box)
        assert held[-1][2] is (state == codes.STATE_OPEN)


def test_another_badge_than_the_sessions_shortens_nothing(box):
    held = watch_relay(box)
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)
    box.at_home = False
    box.command(codes.COMMAND_OPEN_FOR, 17)
    box.wait(4)
    assert box.tap(SERVICE) == ["service"]
    tick(box)
    assert held[-1][2] is False


@pytest.mark.parametrize(("gap_ms", "forgets"), [(2_000, False), (2_001, True)])
def test_evidence_is_forgotten_when_nobody_looked_for_more_than_two_seconds(box, gap_ms, forgets):
    box.parts.evidence.note_ignition(False)
    box.ticks += 10_000
    tick(box)
    box.parts.evidence.note_ignition(False)
    box.ticks += 1_500
    box.tap(STRANGER)  # a tap looks at nothing
    tick(box, gap_ms - 1_500)
    assert box.parts.evidence.kl15 is (None if forgets else False)


def test_a_box_that_starts_late_has_not_looked_before(box):
    box.ticks += 60_000
    box.restart()
    box.parts.evidence.note_ignition(False)
    tick(box, 2_000)
    assert box.parts.evidence.kl15 is False


def test_a_door_that_opens_is_not_locked_and_one_of_which_nobody_knows_stays_so(box):
    for before, after in ((True, False), (None, None), (False, False)):
        box.parts.session.is_locked = before
        box.inputs.door_open = True
        tick(box)
        assert box.parts.session.is_locked is after


def test_a_drive_is_saved_each_minutes_and_what_stands_is_not(box):
    period_ms = 1000 * SESSION_SAVE_S
    box.tap(DRIVER)
    box.events.clear()
    tick(box, 3 * period_ms)
    assert ("saved", None) not in box.events
    box.parts.evidence.note_ignition(True)
    tick(box)
    assert box.state == codes.STATE_DRIVING
    box.events.clear()
    saves = []
    for ms in (period_ms - 1, 1, 1):
        box.parts.evidence.note_ignition(True)
        box.parts.session.state = codes.STATE_DRIVING
        tick(box, ms)
        saves.append(box.events.count(("saved", None)))
    assert saves == [0, 1, 1]


def test_a_new_end_of_the_reservation_is_taken_when_the_set_has_changed_and_of_no_other(box):
    box.tap(DRIVER)
    session, entries = box.parts.session, box.authorisations.entries
    tick(box)
    entries[0] = (*entries[0][:3], NOW + 500, *entries[0][4:])
    entries.append((DRIVER, 18, NOW, NOW + 900, 1, 0, 0))
    tick(box)
    assert session.ends_s == NOW + 7200  # the set is not another
    box.authorisations.version += 1
    tick(box)
    assert session.ends_s == NOW + 500
    session.end(0)
    box.authorisations.version += 1
    tick(box)
    assert session.ends_s == 0


def test_after_a_reset_the_rights_are_looked_at_again(box):
    box.tap(DRIVER)
    entries = box.authorisations.entries
    entries[0] = (*entries[0][:3], NOW + 500, *entries[0][4:])
    box.restart()
    tick(box)
    assert box.parts.session.ends_s == NOW + 500


@pytest.mark.parametrize("cause", ["ignition", "motion"])
def test_an_alarm_is_told_again_when_the_car_has_come_to_rest_with_the_ignition_off(box, cause):
    box.wait(2)
    for alarms in (1, 2):
        if cause == "ignition":
            box.kl15 = True
        box.shaking = True
        box.wait(40)
        box.kl15 = box.shaking = False
        box.wait(50)
        assert len(box.records(codes.RECORD_ALARM)) == alarms
        box.kl15 = True if cause == "ignition" else box.kl15
        box.wait(5)
        box.kl15 = False
        assert len(box.records(codes.RECORD_ALARM)) == alarms  # it had not stood for a minute
        box.wait(75)


def test_an_alarm_with_the_ignition_left_on_stays_told(box):
    box.kl15 = True
    box.wait(70)
    box.kl15 = False
    box.wait(0.1)
    box.kl15 = True
    box.wait(1)
    assert len(box.records(codes.RECORD_ALARM)) == 2  # at rest for a minute, and off for a moment


def test_a_takeover_by_the_next_is_a_state_of_its_own_age(box):
    box.at_home = False
    box.tap(DRIVER)
    box.wait(130)
    box.promise(NEXT, 18)
    assert box.tap(NEXT) == ["taken_over"]
    box.wait(1)
    assert box.tap(NEXT) == ["welcome"]  # a nervous second tap, and no stopover


# --- commands


def test_eight_results_are_remembered_and_told_again(box):
    for number in range(1, 10):
        box.command(codes.COMMAND_FLASH_LIGHTS, command_id=number)
    lights = box.events.count(("signal", "find"))
    for number in range(2, 10):
        assert box.command(codes.COMMAND_FLASH_LIGHTS, command_id=number) == (codes.COMMAND_RESULT_DONE, 0)
    assert box.events.count(("signal", "find")) == lights
    box.command(codes.COMMAND_FLASH_LIGHTS, command_id=1)
    assert box.events.count(("signal", "find")) == lights + 1


@pytest.mark.parametrize("kind", [0, -1, 9, 255])
def test_a_command_that_there_is_not_is_unknown_and_journalled(box, kind):
    if kind < 0:
        assert asyncio.run(box.access._evaluate(kind, NOW + 60, 0, 5)) == (codes.COMMAND_RESULT_UNKNOWN, 0)
    else:
        assert box.command(kind, command_id=5) == (codes.COMMAND_RESULT_UNKNOWN, 0)
        assert last(box, codes.RECORD_COMMAND) == (5, kind, codes.COMMAND_RESULT_UNKNOWN, 0)
    assert box.parts.session.last_command_id == 0


def test_a_command_expires_with_its_second_and_is_refused_without_a_clock(box):
    refused = (codes.COMMAND_RESULT_EXPIRED, codes.REFUSAL_EXPIRED)
    assert box.command(codes.COMMAND_FLASH_LIGHTS, expires_s=0) == refused
    assert box.command(codes.COMMAND_FLASH_LIGHTS, expires_s=1) == (codes.COMMAND_RESULT_DONE, 0)
    expires_at = box.parts.clock.now_s() + 60
    box.parts.clock.trust = 0
    result = asyncio.run(box.access.command(99, codes.COMMAND_FLASH_LIGHTS, expires_at, 1, 0))
    assert result == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_CLOCK_UNKNOWN)


def test_a_command_is_kept_before_it_is_acted_on_and_after_a_reset_not_done_again(box):
    box.events.clear()
    box.command(codes.COMMAND_FLASH_LIGHTS, command_id=77)
    assert box.events[:2] == [("saved", None), ("signal", "find")]
    kept = Session()
    kept.restore(box.saved)
    assert kept.last_command_id == 77
    assert last(box, codes.RECORD_COMMAND) == (77, codes.COMMAND_FLASH_LIGHTS, codes.COMMAND_RESULT_DONE, 0)
    box.restart()
    expired = (codes.COMMAND_RESULT_EXPIRED, codes.REFUSAL_EXPIRED)
    assert box.command(codes.COMMAND_FLASH_LIGHTS, command_id=77) == expired


@pytest.mark.parametrize(
    ("kind", "event"), [(codes.COMMAND_SELF_TEST, "self_test"), (codes.COMMAND_REFRESH, "refresh")]
)
def test_self_test_and_refresh_are_done_by_the_box_and_nothing_else_is(box, kind, event):
    box.wait(1)
    box.events.clear()
    assert box.command(kind) == (codes.COMMAND_RESULT_DONE, 0)
    done = [name for name, _ in box.events if name in ("self_test", "refresh", "doors", "relay", "signal")]
    assert done == [event]


@pytest.mark.parametrize(
    ("starts", "ends", "badge"), [(-60, 60, DRIVER), (0, 60, DRIVER), (-60, 0, NO_BADGE), (1, 60, NO_BADGE)]
)
def test_who_is_let_in_from_afar_has_the_badge_of_the_reservation_that_runs_now(box, starts, ends, badge):
    box.authorisations.entries.clear()
    box.promise(NEXT, 16, -60, 60)
    box.promise(DRIVER, 17, starts, ends)
    assert box.command(codes.COMMAND_OPEN_FOR, 17) == (codes.COMMAND_RESULT_DONE, 0)
    assert (box.parts.session.badge, box.parts.session.authorisation_id) == (badge, 17)


def test_the_state_catches_up_with_the_ignition_before_a_command_is_judged(box):
    box.tap(DRIVER)
    box.wait(4)
    box.parts.evidence.note_ignition(True)
    assert box.command(codes.COMMAND_LOCK) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_DRIVING)


def test_a_driver_who_holds_the_badge_on_gets_no_garage(box):
    box.tap(DRIVER)
    box.wait(5)
    box.events.clear()
    asyncio.run(box.access.hold(DRIVER))
    assert (box.state, box.events) == (codes.STATE_OPEN, [])
