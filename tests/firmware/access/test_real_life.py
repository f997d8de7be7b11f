"""What happens to people with cars, on the controller alone: from the first tap to what they see."""

import asyncio

import pytest
from box.protocols import codes
from support_access import DRIVER, HOME, NEXT, NOW, SERVICE, STRANGER

SECOND = b"driver_a"  # the driver's other badge
TOLD_AGAIN = [("open", "welcome"), ("stopover", "stopover"), ("ending", "ended")]


def end(box):
    box.tap(DRIVER)
    box.wait(4)
    assert box.tap(DRIVER) == ["ended"]


def promise_service(box):
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)


def lock_pulses(box):
    return box.events.count(("doors", "lock"))


def hold(box, new, field):
    """Bring cards beside those that lie there; return the signals."""
    before = len(box.events)
    asyncio.run(box.access.tap([(card, False) for card in new], [(card, False) for card in field]))
    return [name for kind, name in box.events[before:] if kind == "signal"]


# --- who has no badge


def test_a_car_opened_from_afar_waits_for_its_driver_at_a_stop_with_the_engine_off(box):
    assert box.command(1, 17)[0] == codes.COMMAND_RESULT_DONE
    box.inputs.door_open = True
    box.wait(2)
    box.inputs.door_open = False
    box.drive(30)
    box.at_home = False
    box.stop(200)
    assert box.state == codes.STATE_OPEN
    assert box.relay.contact == codes.CONTACT_ALLOW


# --- doors


def test_a_mechanic_in_garage_mode_is_not_locked_out_by_a_door_that_falls_shut(box):
    promise_service(box)
    box.tap(SERVICE)
    box.wait(5)
    asyncio.run(box.access.hold(SERVICE))
    assert box.parts.session.garage
    pulses = lock_pulses(box)
    box.wait(120)
    assert lock_pulses(box) == pulses
    box.command(7, 0)  # the garage mode ends: the car is locked as any parked one
    box.wait(1)
    assert lock_pulses(box) == pulses + 1


def test_an_end_with_a_door_open_locks_when_the_door_has_been_shut(box):
    box.tap(DRIVER)
    box.inputs.door_open = True
    for _ in range(3):
        box.wait(4)
        said = box.tap(DRIVER)
    assert said == ["ended"]
    box.wait(130)
    assert box.parts.session.is_locked is False
    box.inputs.door_open = False
    pulses = lock_pulses(box)
    box.wait(59)
    assert lock_pulses(box) == pulses
    box.wait(2)
    assert lock_pulses(box) == pulses + 1


@pytest.mark.parametrize("at_home", [True, False])
def test_a_passenger_who_gets_out_after_the_driver_locked_does_not_leave_the_car_open(box, at_home):
    box.at_home = at_home
    box.tap(DRIVER)
    box.wait(15)
    assert box.tap(DRIVER) == ["ended" if at_home else "stopover"]
    pulses = lock_pulses(box)
    box.wait(10)
    box.inputs.door_open = True
    box.wait(3)
    box.inputs.door_open = False
    box.wait(62)
    assert lock_pulses(box) == pulses + 1


def test_a_new_box_that_never_locked_does_not_lock_the_fitters_key_in(box):
    box.inputs.door_open = True
    box.wait(3)
    box.inputs.door_open = False
    box.wait(120)
    assert lock_pulses(box) == 0


def test_a_fitter_in_a_drivers_stopover_is_not_locked_out(box):
    promise_service(box)
    box.at_home = False
    box.tap(DRIVER)
    box.wait(15)
    box.tap(DRIVER)
    box.wait(5)
    assert box.tap(SERVICE) == ["service"]
    pulses = lock_pulses(box)
    box.wait(120)
    assert lock_pulses(box) == pulses


# --- taps


@pytest.mark.parametrize(
    ("state", "answer"), [("open", "welcome"), ("stopover", "stopover"), ("ending", "ended")]
)
def test_a_nervous_second_tap_changes_nothing_and_is_answered_with_what_is_so(box, state, answer):
    box.at_home = state != "stopover"
    box.tap(DRIVER)
    if state != "open":
        box.wait(15)
        box.tap(DRIVER)
    before = (box.state, box.parts.session.is_locked, lock_pulses(box))
    box.wait(1.5)
    assert box.tap(DRIVER) == [answer]
    assert (
        box.state,
        box.parts.session.is_locked,
        lock_pulses(box),
    ) == before  # two locks deadlock some cars
    box.wait(1.6)
    assert box.tap(DRIVER) != [answer]  # the window is not moved by nervousness


@pytest.mark.parametrize(
    ("state", "answer"), [("open", "welcome"), ("stopover", "stopover"), ("ending", "ended")]
)
def test_a_badge_still_held_after_a_reset_repeats_what_it_did_and_undoes_nothing(box, state, answer):
    box.at_home = state != "stopover"
    box.tap(DRIVER)
    if state != "open":
        box.wait(15)
        box.tap(DRIVER)
    before = box.state
    box.restart()
    box.wait(0.5)
    box.events.clear()
    assert box.tap(DRIVER) == [answer]
    assert box.state == before
    assert (("doors", "unlock") in box.events) == (state == "open")
    box.wait(2.6)
    assert box.tap(DRIVER) != [answer]


def test_a_lock_that_a_reset_cut_off_is_made_good(box):
    end(box)
    box.restart()
    pulses = lock_pulses(box)
    box.wait(62)
    assert lock_pulses(box) == pulses + 1


# --- several cards


def test_two_badges_of_one_driver_are_one_right(box):
    box.promise(SECOND)
    assert box.tap(DRIVER, SECOND) == ["welcome"]
    box.wait(4)
    assert box.tap(DRIVER, SECOND) == ["ended"]
    box.wait(4)
    assert box.tap(SECOND, DRIVER) == ["taken_back"]


def test_a_colleagues_badge_in_the_wallet_keeps_nobody_from_his_locked_car(box):
    box.at_home = False
    box.promise(NEXT, 18)
    box.tap(DRIVER)
    box.wait(15)
    box.tap(DRIVER)
    box.wait(5)
    assert box.tap(DRIVER, NEXT) == ["welcome"]
    assert box.parts.session.authorisation_id == 17
    box.wait(5)
    assert box.tap(NEXT, DRIVER) == ["several_badges"]  # to end needs one badge alone


def test_a_bank_card_read_a_moment_after_the_badge_does_not_drown_the_welcome(box):
    assert box.tap(DRIVER) == ["welcome"]
    assert hold(box, [STRANGER], [DRIVER, STRANGER]) == []


def test_a_badge_left_behind_the_windscreen_keeps_nobody_without_an_answer(box):
    box.tap(DRIVER)
    box.wait(150)
    assert hold(box, [STRANGER], [DRIVER, STRANGER]) == ["unknown_badge"]
    box.wait(5)
    box.promise(NEXT, 18)
    assert hold(box, [NEXT], [DRIVER, NEXT]) == ["taken_over"]


def test_phones_and_strangers_fill_no_journal_and_leave_no_number(box):
    for _ in range(5):
        box.tap(b"phone..1", is_random=True)
        box.wait(2)
    refused = [values for kind, values in box.journal.entries if kind == codes.RECORD_REFUSED]
    assert refused == [(bytes(8), codes.REFUSAL_RANDOM_UID, codes.STATE_PARKED)]


def test_a_wallet_on_the_dashboard_fills_no_journal_on_a_long_drive(box):
    box.tap(DRIVER)
    box.drive(5)
    for _ in range(20):
        assert box.tap(DRIVER) == ["ignored"]
        box.wait(2)
    assert len(box.records(codes.RECORD_BADGE_IGNORED)) == 1
    box.wait(60)
    box.tap(DRIVER)
    assert len(box.records(codes.RECORD_BADGE_IGNORED)) == 2


# --- the ignition


def test_who_left_the_ignition_on_hears_so_gets_in_and_nothing_else_happens(box):
    box.tap(DRIVER)
    box.drive(5)
    box.shaking = False
    box.wait(20)
    assert box.state == codes.STATE_DRIVING
    box.events.clear()
    assert box.tap(DRIVER) == ["ignition_on"]
    assert ("doors", "unlock") in box.events
    assert not [event for event in box.events if event[0] == "relay"]
    box.wait(5)
    box.events.clear()
    assert box.tap(STRANGER) == ["ignition_on"]
    assert ("doors", "unlock") not in box.events
    assert box.state == codes.STATE_DRIVING
    refused = [values for kind, values in box.journal.entries if kind == codes.RECORD_REFUSED]
    assert [values[0] for values in refused] == [DRIVER, bytes(8)]


# --- the forgotten bag


def test_the_bag_is_had_while_the_box_asks_about_somebody_else(box):
    end(box)
    box.wait(125)
    box.authorisations.entries.clear()
    box.link = True

    async def run():
        gate = asyncio.Event()

        async def ask(badge, timeout_ms):
            await gate.wait()

        box.access._hooks.ask = ask
        await box.access.tap([(STRANGER, False)], [(STRANGER, False)])
        assert box.state == codes.STATE_ASKING
        before = len(box.events)
        await box.access.tap([(DRIVER, False)], [(DRIVER, False)])
        assert ("signal", "bag") in box.events[before:]
        gate.set()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(run())
    assert box.state == codes.STATE_PARKED
    assert box.events[-1] != ("signal", "unknown_badge")


# --- time and promises


def move_end(box, ends):
    badge, number, starts, _, *rest = box.authorisations.entries[0]
    box.authorisations.entries[0] = (badge, number, starts, NOW + ends, *rest)
    box.authorisations.version += 1


@pytest.mark.parametrize(("first", "then", "ends_after"), [(60, 600, 900), (600, 60, 360)])
def test_a_reservation_made_longer_or_shorter_on_the_way_is_forgotten_by_its_new_end(
    box, first, then, ends_after
):
    box.parts.settings.apply({"forgotten_s": 300, "places": [HOME]})
    move_end(box, first)
    box.tap(DRIVER)
    box.drive(20)
    box.stop(10)
    move_end(box, then)
    box.wait(ends_after - 35)
    assert box.state == codes.STATE_OPEN
    box.wait(10)
    assert box.state == codes.STATE_PARKED


def test_a_reservation_revoked_on_the_way_takes_the_car_from_nobody_before_the_end(box):
    box.tap(DRIVER)
    box.drive(20)
    box.authorisations.entries.clear()
    box.authorisations.version += 1
    box.at_home = False
    box.stop()
    assert box.tap(DRIVER) == ["stopover"]
    box.wait(20)
    assert box.tap(DRIVER) == ["welcome"]
    box.at_home = True
    box.wait(20)
    assert box.tap(DRIVER) == ["ended"]
    box.wait(1100)
    assert box.tap(DRIVER) == ["unknown_badge"]


def test_a_clock_lost_on_the_way_leaves_the_session_its_badge_and_flags_the_end(box):
    box.tap(DRIVER)
    box.drive(20)
    box.parts.clock.trust = 0
    box.stop()
    assert box.tap(DRIVER) == ["ended"]
    box.wait(5)
    assert box.tap(DRIVER) == ["taken_back"]
    box.wait(5)
    assert box.tap(NEXT) == ["unknown_badge"]
    assert box.tap(DRIVER) == ["ended"]
    box.ticks += 125_000
    asyncio.run(box.access.tick(100))
    assert box.state == codes.STATE_PARKED
    ended = [values for kind, values in box.journal.entries if kind == codes.RECORD_SESSION_END]
    assert ended[-1][3] & 1 << codes.END_FLAG_BIT_TIME_UNSURE


def test_a_garage_that_begins_without_a_clock_lasts_its_days_when_the_time_comes(box):
    promise_service(box)
    box.tap(SERVICE)
    box.wait(5)
    box.parts.clock.trust = 0
    asyncio.run(box.access.hold(SERVICE))
    asyncio.run(box.access.tick(100))
    box.parts.clock.set_from_cloud(NOW + 60)
    asyncio.run(box.access.tick(100))
    assert box.parts.session.garage
    box.parts.clock.set_from_cloud(NOW + 60 + 3 * 86_400 - 1)
    asyncio.run(box.access.tick(100))
    assert box.parts.session.garage
    box.parts.clock.set_from_cloud(NOW + 62 + 3 * 86_400)
    asyncio.run(box.access.tick(100))
    assert not box.parts.session.garage


def test_who_forgot_to_end_and_took_the_key_home_is_told_of_in_the_books(box):
    box.parts.settings.apply({"forgotten_s": 300, "places": [HOME]})
    move_end(box, 60)
    box.tap(DRIVER)
    box.inputs.key_in_holder = False
    box.wait(362)
    ended = [values for kind, values in box.journal.entries if kind == codes.RECORD_SESSION_END]
    assert ended[0][2:4] == (codes.END_REASON_FORGOTTEN, 1 << codes.END_FLAG_BIT_KEY_MISSING)


def test_a_walk_up_yields_to_others_and_not_to_the_drivers_own_reservation(box):
    box.authorisations.entries.clear()
    box.promise(DRIVER, 0x8000_0002, -60, 10**6, kind=2)
    box.promise(NEXT, 18, 1500, 5000)
    assert box.tap(DRIVER) == ["yields_to_reservation"]
    box.authorisations.entries.pop()
    box.promise(DRIVER, 19, 1500, 5000)
    assert box.tap(DRIVER) == ["welcome"]
    assert box.parts.session.authorisation_id == 19


def test_a_takeover_sounds_unlike_a_welcome_so_that_who_sits_inside_knows(box):
    box.promise(NEXT, 18, 60, 3600)
    move_end(box, 60)
    box.tap(DRIVER)
    box.wait(125)
    assert box.tap(NEXT) == ["taken_over"]
    box.wait(5)
    assert box.tap(DRIVER) == ["too_late"]


def test_a_question_that_fails_in_the_link_is_answered_with_what_the_box_knows(box):
    async def fail(badge, timeout_ms):
        raise OSError(5)

    box.link = True
    box.access._hooks.ask = fail
    assert box.tap(STRANGER) == ["asking"]
    box.wait(11)
    assert ("signal", "unknown_badge") in box.events


def test_a_question_that_the_link_forgets_ends_by_itself(box):
    box.link = box.is_asking_long = True
    assert box.tap(STRANGER) == ["asking"]
    box.events.clear()
    box.wait(11)
    assert ("signal", "unknown_badge") in box.events
    assert box.state == codes.STATE_PARKED
