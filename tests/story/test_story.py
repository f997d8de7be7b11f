"""One car, one day, end to end: the real firmware, the real cloud over TLS, nobody's answer made up.

Virtual time: the box computes on the real MicroPython while the world stands still, and the cloud reads the
same clock. `make story` prints the day as it goes.
"""

import pytest
from support_story import MINUTE, rest_of

pytestmark = [pytest.mark.story, pytest.mark.timeout(1500)]

NETWORK_GONE_S = 20 * MINUTE
TRACE_DISTANCE_TOLERANCE = 0.01
FUEL_TOLERANCE = 0.03
"""The box integrates the control unit's fuel rate, sampled and bridged over 3 s without power."""


def test_a_day_of_one_car(story):
    reservation = the_car_knows_of_a_reservation(story)
    a_stranger_is_refused_and_told_why(story)
    the_drivers_badge_opens_and_allows(story)
    burnt_before_ml, odometer_before_m = story.car.fuel_burnt_ml, story.car.odometer_m
    the_car_is_driven_without_network_and_once_without_power(story)
    the_badge_ends_takes_back_and_ends_for_good(story)
    everything_is_in_the_cloud(story, reservation, burnt_before_ml, odometer_before_m)
    the_next_drivers_badge_works(story)
    a_reservation_of_two_seconds_ago_opens_by_asking(story)


def the_car_knows_of_a_reservation(story):
    story.say("the box is fitted and powered")
    story.box.power_on()
    story.wait(lambda: story.contact == "inhibit", 5 * MINUTE, "the parked box inhibits the next start")
    story.wait(story.is_linked, 2 * MINUTE, "the link is up")
    story.say("Alice reserves")
    reservation = story.book(story.alice, story.now + 5 * MINUTE, story.now + 4 * 60 * MINUTE)
    story.wait(
        lambda: story.car_knows(story.alice, reservation), 30, "the car knows, and the reservation says so"
    )
    return reservation


def a_stranger_is_refused_and_told_why(story):
    story.say("a stranger taps")
    tapped_at = story.tap(story.stranger)
    story.wait(lambda: story.played("unknown_badge", since=tapped_at), 10, "the light and the buzzer refuse")
    assert story.car.locked
    assert story.contact == "inhibit"
    story.wait(lambda: story.count_records("refused") == 1, 30, "the refusal is in the cloud")


def the_drivers_badge_opens_and_allows(story):
    story.say("Alice taps")
    tapped_at = story.tap(story.alice.uid)
    story.wait(lambda: story.played("welcome", since=tapped_at), 1, "the box welcomes her within a second")
    story.wait(lambda: not story.car.locked and story.contact == "allow", 2, "doors and starter are free")
    story.run(2)
    for action in ("get_in", "take_key", "ignition_on"):
        story.world.person(action)
        story.run(4)
    assert story.world.person("turn_starter") == "turns"
    story.wait(lambda: story.car.engine_on, 5, "the engine runs")
    story.wait(lambda: story.live().state == "driving", 30, "the console says that the car is driven")


def the_car_is_driven_without_network_and_once_without_power(story):
    stop_from_s, stop_until_s = story.stop_on_the_way()
    loop = story.loop_home()
    relay_moves = story.count_relay_moves()
    story.say(f"she drives {story.trace.name}, {story.trace.total_m:.0f} m")
    story.car.drive(story.trace.part(0, stop_from_s), loop)
    story.run(200)
    story.say("the network goes")
    story.world.set_network(False)
    network_back_at = story.now + NETWORK_GONE_S
    story.run(100)
    story.say("the box loses power for three seconds while driving")
    assert story.car.is_moving
    story.world.set_power(False)
    story.run(3)
    assert story.car.engine_on, "a dead box never stops an engine"
    story.world.set_power(True)
    story.wait(lambda: not story.car.is_driving, stop_until_s, "she stops on the way")
    assert story.count_relay_moves() == relay_moves, "the relay has not moved, power cut and all"

    story.say("a stopover: ignition off, key into the holder, out, badge")
    for action in ("ignition_off", "put_key_back", "get_out"):
        story.world.person(action)
        story.run(5)
    tapped_at = story.tap(story.alice.uid)
    story.wait(lambda: story.played("stopover", since=tapped_at), 2, "the signal says: locked, not ended")
    story.wait(lambda: story.car.locked, 2, "the car is locked")
    story.wait(lambda: story.contact == "inhibit", 60, "the next start is inhibited")
    story.run(2 * MINUTE)
    tapped_at = story.tap(story.alice.uid)
    story.wait(lambda: story.played("welcome", since=tapped_at), 1, "the badge resumes")
    story.wait(lambda: not story.car.locked and story.contact == "allow", 2, "doors and starter are free")
    story.run(2)
    for action in ("get_in", "take_key", "ignition_on", "turn_starter"):
        story.world.person(action)
        story.run(4)
    assert story.car.engine_on
    relay_moves = story.count_relay_moves()
    story.car.drive(
        story.trace.part(stop_from_s, story.trace.duration_s),
        rest_of(loop, story.trace.distance_m(stop_from_s)),
    )
    story.wait(lambda: not story.car.is_driving, 2000, "she is back at the town hall")
    assert story.count_relay_moves() == relay_moves
    story.run(max(0, network_back_at - story.now))


def the_badge_ends_takes_back_and_ends_for_good(story):
    for action in ("ignition_off", "put_key_back", "get_out"):
        story.world.person(action)
        story.run(4)
    tapped_at = story.tap(story.alice.uid)
    story.wait(lambda: story.played("ended", since=tapped_at), 2, "the badge ends")
    story.wait(lambda: story.car.locked, 2, "the car is locked")
    story.run(10)
    tapped_at = story.tap(story.alice.uid)
    story.wait(lambda: story.played("taken_back", since=tapped_at), 2, "a second tap takes the end back")
    story.wait(lambda: not story.car.locked and story.contact == "allow", 2, "doors and starter are free")
    story.run(10)
    tapped_at = story.tap(story.alice.uid)
    story.wait(lambda: story.played("ended", since=tapped_at), 2, "a third ends for good")
    story.wait(lambda: story.contact == "inhibit", 2 * MINUTE, "the next start is inhibited")


def everything_is_in_the_cloud(story, reservation, burnt_before_ml, odometer_before_m):
    story.say("the network comes back")
    story.world.set_network(True)
    story.wait(story.is_linked, 15 * MINUTE, "the link is back")
    story.wait(lambda: story.live().state == "parked", 5 * MINUTE, "the console shows the car free again")
    story.wait(lambda: story.finished_trips(story.alice), 5 * MINUTE, "the trip is in the cloud")
    story.wait(story.all_acknowledged, 5 * MINUTE, "all is acknowledged")

    story.check_journal_whole()
    trip = story.finished_trips(story.alice)[0]
    driven_m = story.car.odometer_m - odometer_before_m
    assert driven_m == pytest.approx(23_266, rel=0.001)
    assert trip["distance_m"] == pytest.approx(driven_m, rel=TRACE_DISTANCE_TOLERANCE)
    assert trip["fuel_ml"] == pytest.approx(story.car.fuel_burnt_ml - burnt_before_ml, rel=FUEL_TOLERANCE)
    assert trip["start_site"] == trip["end_site"] == "Hôtel de Ville"
    assert trip["reservation_id"] == reservation
    assert story.reservation(story.alice, reservation)["state"] == "completed"
    story.check_no_position_is_stored()
    story.say(
        f"the trip: {trip['distance_m']} m by {trip['distance_source']}, "
        f"{trip['fuel_ml']} ml by {trip['fuel_source']}; the car burnt "
        f"{story.car.fuel_burnt_ml - burnt_before_ml:.0f} ml over {driven_m:.0f} m"
    )


def the_next_drivers_badge_works(story):
    story.say("Bob's turn")
    reservation = story.book(story.bob, story.now, story.now + 30 * MINUTE)
    story.wait(lambda: story.car_knows(story.bob, reservation), 30, "the car knows")
    tapped_at = story.tap(story.bob.uid)
    story.wait(lambda: story.played("welcome", since=tapped_at), 1, "Bob's badge opens")
    story.run(10)
    tapped_at = story.tap(story.bob.uid)
    story.wait(lambda: story.played("ended", since=tapped_at), 2, "and ends")
    story.wait(lambda: story.live().state == "parked", 5 * MINUTE, "the car is free")


def a_reservation_of_two_seconds_ago_opens_by_asking(story):
    story.say("Carole reserves before a car out of reach, and taps two seconds later")
    story.world.set_network(False)
    story.run(1 * MINUTE)
    story.book(story.carol, story.now, story.now + 30 * MINUTE)
    story.world.set_network(True)
    story.run(2)
    tapped_at = story.tap(story.carol.uid)
    # One frame: then the TLS handshake holds the light still until the answer is there.
    story.wait(lambda: story.played("asking", tapped_at, frames=1), 1, "the box says that it is asking")
    story.wait(lambda: story.played("welcome", since=tapped_at), 9, "and opens")
    story.wait(lambda: not story.car.locked and story.contact == "allow", 2, "doors and starter are free")
