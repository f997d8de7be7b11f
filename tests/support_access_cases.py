# ruff: noqa: E501 - a case is a row of text
"""Cases of real life: what people meet, by which rows, shown by which scenario on the simulated board."""

# (case, what happens, rows, the scenario: on the simulator, but for what needs the cloud)
CASES = (
    (
        "door left open",
        "ending says which; the third tap in a minute ends all the same, flagged; locked a minute after the door was shut",
        "door_open ends relock",
        "test_a_door_left_open_is_said_then_the_third_tap_ends_and_the_shut_door_is_locked",
    ),
    (
        "key missing",
        "ending says so, unlike the door; a forgotten end flags it too",
        "key_missing ends over_key forgotten",
        "test_a_key_that_is_not_in_its_holder_is_said_unlike_the_door",
    ),
    (
        "ignition left on",
        "standing, any badge hears it; the session's badge unlocks, the relay stays; moving, badges are ignored",
        "left_on left_on_other ignored",
        "test_an_ignition_left_on_is_said_and_the_drivers_badge_opens",
    ),
    (
        "badge held",
        "one answer; held for 5 s only a fitter's does more",
        "starts garage_by_badge",
        "test_a_badge_held_on_is_one_tap",
    ),
    (
        "nervous double tap",
        "within 3 s what is so is told again; nothing is undone, no second lock (it would deadlock some cars)",
        "again_open again_stopover again_ending",
        "test_a_nervous_second_tap_is_answered_and_undoes_nothing",
    ),
    (
        "two badges in a wallet",
        "of one right: one badge; of two rights: refused, but the session's always unlocks; a bank card beside is nothing",
        "several resumes taken_back",
        "test_two_badges_in_a_wallet",
    ),
    (
        "badge during a reset",
        "what the tap had done is told and unlocked again, not undone; a lock that was cut off is made good",
        "again_open again_stopover again_ending relock",
        "test_a_badge_held_through_a_reset_is_answered_and_undoes_nothing",
    ),
    (
        "reservation made shorter or longer on the way",
        "the session goes on; forgotten counts from the new end",
        "forgotten",
        "test_a_reservation_made_shorter_on_the_way_is_forgotten_from_its_new_end",
    ),
    (
        "reservation revoked on the way",
        "the session goes on to its end, stopovers included; then the badge is refused",
        "stops_over resumes ends refused",
        "test_a_reservation_revoked_on_the_way_leaves_the_session_to_its_driver",
    ),
    (
        "clock lost on the way",
        "the session's badge works, the end is flagged; others hear that the time is unknown",
        "ends taken_back stranger",
        "test_a_clock_lost_on_the_way_leaves_the_session_its_badge",
    ),
    (
        "takeover with someone sitting inside",
        "off for 2 minutes, shut and the key back; sounds unlike a welcome, unlocks, the end is in the books",
        "over over_door over_ignition over_key",
        "test_a_takeover_is_heard_inside_and_locks_nobody_in",
    ),
    (
        "service",
        "opens a driver's car and never ends his session; in a stopover a second tap locks again",
        "service service_leaves service_starts",
        "test_a_fitter_opens_a_stopover_and_locks_it_again",
    ),
    (
        "walk-up before a reservation that starts soon",
        "yields and says so; to one's own reservation nobody yields: it begins",
        "refused starts",
        "test_a_walk_up_yields_to_a_reservation_that_starts_soon",
    ),
    (
        "forgotten end",
        "off, shut, at an allowed place, `forgotten_s` past the end: locked and ended",
        "forgotten",
        "test_a_forgotten_end_is_made_at_its_place_and_nowhere_else",
    ),
    (
        "underground site",
        "without a fix and more than 500 m after the last: ended, flagged as unconfirmed",
        "ends",
        "test_an_end_underground_is_one_and_flagged",
    ),
    (
        "garage mode",
        "allowed and never locked by itself, for days counted from when the time is known; a command ends it",
        "garage_by_badge garage garage_ends garage_over",
        "test_a_car_in_garage_mode_starts_without_a_badge_and_locks_nobody_out",
    ),
    (
        "forgotten bag",
        "for 15 minutes the last driver's badge unlocks without starting, also while the box asks; locked again",
        "bag bag_again relock",
        "test_a_forgotten_bag_is_had_without_starting",
    ),
    (
        "a passenger gets out after the end",
        "the car is locked a minute after the door was shut",
        "relock",
        "test_a_passenger_who_gets_out_late_leaves_no_open_car",
    ),
    (
        "no badge: opened from afar",
        "not used within a minute it is ended; once used it waits at every stop",
        "open_starts unused stops",
        "test_a_car_opened_from_afar_waits_for_its_driver_at_a_stop_with_the_engine_off",
    ),
    (
        "a badge left behind the windscreen",
        "later cards are answered for themselves",
        "stranger over",
        "test_a_badge_left_behind_the_windscreen_bars_nobody",
    ),
)
