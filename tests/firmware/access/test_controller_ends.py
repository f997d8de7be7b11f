"""How a session ends, by a badge, by another driver or by itself, and what ends none."""

from box.protocols import codes
from support_access import DRIVER, HOME, NEXT, NOW, SERVICE


def test_three_taps_within_a_minute_end_with_a_door_open_and_say_so_in_the_flags(box):
    box.tap(DRIVER)
    box.wait(5)
    box.inputs.door_open = True
    assert box.tap(DRIVER) == ["door_open"]
    box.wait(2)
    assert box.tap(DRIVER) == ["door_open"]
    box.wait(2)
    assert box.tap(DRIVER) == ["ended"]
    assert box.parts.session.flags == 1 << codes.END_FLAG_BIT_DOOR_OPEN


def test_three_taps_spread_over_more_than_a_minute_do_not(box):
    box.tap(DRIVER)
    box.inputs.key_in_holder = False
    for _ in range(4):
        box.wait(31)
        assert box.tap(DRIVER) == ["key_missing"]


def test_an_end_in_a_garage_without_satellites_is_flagged_as_unconfirmed(box):
    box.at_home = None
    box.tap(DRIVER)
    box.wait(5)
    assert box.tap(DRIVER) == ["ended"]
    assert box.parts.session.flags == 1 << codes.END_FLAG_BIT_PLACE_UNCONFIRMED


def test_a_takeover_waits_for_two_minutes_of_ignition_off_and_closes_the_books_of_the_first(box):
    box.authorisations.entries.clear()
    box.promise(DRIVER, 17, -3600, -60)
    box.authorisations.entries[0] = (DRIVER, 17, NOW - 3600, NOW + 30, 1, 0, 0)
    box.tap(DRIVER)
    box.drive(40)
    box.promise(NEXT, 18, 30, 3600)
    box.stop(60)
    assert box.tap(NEXT) == ["ignition_on"]
    box.wait(65)
    assert box.tap(NEXT) == ["taken_over"]
    assert box.parts.session.authorisation_id == 18
    ends = [values for kind, values in box.journal.entries if kind == codes.RECORD_SESSION_END]
    assert [values[2] for values in ends] == [codes.END_REASON_TAKEN_OVER]
    starts = [values for kind, values in box.journal.entries if kind == codes.RECORD_SESSION_START]
    assert [values[3] for values in starts] == [codes.VIA_BADGE, codes.VIA_TAKEOVER]


def test_the_sessions_badge_works_past_its_end_and_after_its_authorisation_is_gone(box):
    box.at_home = False
    box.tap(DRIVER)
    box.wait(20)
    box.tap(DRIVER)
    box.authorisations.entries.clear()
    box.battery_low = True
    box.journal.vital_full = True
    box.wait(4 * 3600 // 60)
    box.parts.clock.set_from_cloud(NOW + 10**7)
    assert box.tap(DRIVER) == ["welcome"]
    assert ("doors", "unlock") in box.events[-4:]


def test_the_forgotten_bag_opens_for_a_quarter_of_an_hour_and_is_locked_again(box):
    box.tap(DRIVER)
    box.wait(5)
    box.tap(DRIVER)
    box.wait(121)
    assert box.state == codes.STATE_PARKED
    assert box.tap(DRIVER) == ["bag"]
    assert box.relay.contact == codes.CONTACT_INHIBIT
    assert box.state == codes.STATE_PARKED
    box.events.clear()
    box.wait(59)
    assert ("doors", "lock") not in box.events
    box.inputs.door_open = True
    box.wait(30)
    box.inputs.door_open = False
    box.wait(59)
    assert ("doors", "lock") not in box.events
    box.wait(2)
    assert ("doors", "lock") in box.events
    box.authorisations.entries.clear()
    box.wait(600)
    assert box.tap(DRIVER) == ["bag"]
    box.wait(200)
    assert box.tap(DRIVER) == ["unknown_badge"]


def test_the_last_driver_who_taps_twice_drives_again(box):
    box.tap(DRIVER)
    box.wait(5)
    box.tap(DRIVER)
    box.wait(121)
    assert box.tap(DRIVER) == ["bag"]
    box.wait(2)
    assert box.tap(DRIVER) == ["welcome"]


def test_a_forgotten_session_ends_by_itself_an_hour_after_its_time(box):
    box.authorisations.entries[0] = (DRIVER, 17, NOW - 60, NOW + 60, 1, 0, 0)
    box.parts.settings.apply({"forgotten_s": 300, "places": [HOME]})
    box.tap(DRIVER)
    box.wait(359)
    assert box.state == codes.STATE_OPEN
    box.wait(2)
    assert box.state == codes.STATE_PARKED
    assert box.journal.entries[-2][1][2] == codes.END_REASON_FORGOTTEN or any(
        kind == codes.RECORD_SESSION_END and values[2] == codes.END_REASON_FORGOTTEN
        for kind, values in box.journal.entries
    )


def test_a_full_journal_starts_no_session_but_service_and_ends_one_all_the_same(box):
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)
    box.journal.vital_full = True
    assert box.tap(DRIVER) == ["journal_full"]
    assert box.tap(SERVICE) == ["service"]


def test_driving_off_while_ending_goes_on_and_is_flagged(box):
    box.tap(DRIVER)
    box.shaking = True
    box.wait(5)
    box.tap(DRIVER)
    assert box.relay.contact == codes.CONTACT_ALLOW  # somebody moves: no proof of standstill
    box.drive(2)
    assert box.state == codes.STATE_DRIVING
    box.stop()
    box.tap(DRIVER)
    assert box.parts.session.flags == 1 << codes.END_FLAG_BIT_DRIVEN_OFF


def test_an_alarm_is_told_once_and_the_car_stays_parked(box):
    box.wait(2)
    box.kl15 = True
    box.wait(30)
    assert box.records(codes.RECORD_ALARM) == [codes.RECORD_ALARM]
    assert box.state == codes.STATE_PARKED


def test_a_carried_car_opens_and_refuses_inhibit_until_it_is_put_down(box):
    box.tap(DRIVER)
    box.at_home = False
    box.shaking = True
    box.wait(40)
    assert box.parts.session.carried
    assert box.tap(DRIVER) == ["stopover"]
    box.wait(10)
    assert box.relay.contact == codes.CONTACT_ALLOW
    box.shaking = False
    box.wait(75)
    assert not box.parts.session.carried
    assert box.relay.contact == codes.CONTACT_INHIBIT


def test_an_ending_is_over_after_its_time_also_when_the_clock_was_set_back(box):
    box.tap(DRIVER)
    box.wait(5)
    box.tap(DRIVER)
    box.parts.clock.set_from_cloud(NOW - 10_000)
    box.wait(121)
    assert box.state == codes.STATE_PARKED
