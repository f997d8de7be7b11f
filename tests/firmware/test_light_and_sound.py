"""What the simulated box shows and plays: each signal as a person at the windscreen provokes it."""

from support_scene import DRIVER, OTHER, PHONE, SERVICE, STRANGER

RESERVATION, STANDING = 1, 2
HOUR = 3600


def test_a_box_of_nobody(scene):
    scene.sim.run_for(2)
    assert scene.shown(DRIVER) == "unprovisioned"


def test_cards_that_may_not(scene):
    early, late, walk_up = (bytes((4, number, 0, 0, 0, 0, 0)) for number in (1, 2, 3))
    scene.provision(
        [
            (early, 18, 2 * HOUR, 3 * HOUR, RESERVATION),
            (late, 19, -3 * HOUR, -2 * HOUR, RESERVATION),
            (walk_up, 0x8000_0002, -HOUR, 9 * HOUR, STANDING),
        ],
        driver_from_s=HOUR // 2,
    )
    assert scene.shown(STRANGER) == "unknown_badge"
    assert scene.shown(PHONE) == "random_uid"
    assert scene.shown(early) == "too_early"
    assert scene.shown(late) == "too_late"
    assert scene.shown(walk_up) == "yields_to_reservation"


def test_a_loan_from_the_welcome_to_the_forgotten_bag(scene):
    scene.provision([(OTHER, 0x8000_0003, -HOUR, HOUR, STANDING)])
    assert scene.shown(DRIVER) == "welcome"
    assert scene.shown(OTHER) == "held_by_another"
    assert scene.shown(SERVICE) == "service"
    scene.world.person("open_door")
    scene.sim.run_for(1)
    assert scene.shown(DRIVER) == "door_open"
    scene.world.person("take_key")
    scene.world.person("close_door")
    scene.sim.run_for(1)
    assert scene.shown(DRIVER) == "key_missing"
    scene.world.person("open_door")
    scene.world.person("put_key_back")
    scene.world.person("close_door")
    scene.sim.run_for(60)  # else the third tap ends all the same
    assert scene.shown(DRIVER) == "ended"
    assert scene.shown(DRIVER) == "taken_back"
    assert scene.shown(DRIVER) == "ended"
    scene.sim.run_for(130)
    assert scene.shown(DRIVER) == "bag"


def test_driving_and_a_takeover(scene):
    scene.provision([(OTHER, 18, -50, HOUR, RESERVATION)])
    scene.tap(DRIVER)
    scene.start_engine()
    scene.world.drive("town", "town_loop", metres=300)
    scene.sim.run_for(20)
    assert scene.shown(STRANGER) == "ignored"
    assert scene.sim.run_until(lambda: not scene.world.car.is_driving, 200)
    scene.world.person("ignition_off")
    scene.sim.run_for(5)
    assert scene.shown(OTHER) == "ignition_on"  # it was on a moment ago
    for action in ("put_key_back", "open_door", "get_out", "close_door"):
        scene.world.person(action)
        scene.sim.run_for(0.5)
    scene.sim.run_for(125)
    assert scene.shown(OTHER) == "taken_over"


def test_elsewhere_is_a_stopover(scene):
    scene.provision(metres_away=5_000)
    scene.sim.run_for(30)
    scene.tap(DRIVER, 5)
    assert scene.shown(DRIVER) == "stopover"


def test_two_cards_that_both_may(scene):
    scene.provision()
    scene.world.hold_card(SERVICE)
    scene.world.hold_card(DRIVER)
    scene.seen.clear()
    scene.sim.run_for(4)
    assert scene.name_shown() == "several_badges"


def test_a_weak_battery_is_said_with_the_welcome(scene):
    scene.provision()
    scene.world.battery_override_mv = 11_800
    scene.sim.run_for(60)
    assert scene.shown(DRIVER) == "welcome_battery_low"


def test_a_service_card_held_on_leaves_the_car_in_the_garage(scene):
    scene.provision()
    scene.world.hold_card(SERVICE)
    scene.sim.run_for(3)
    assert scene.name_shown() == "service"
    scene.seen.clear()
    scene.sim.run_for(5)
    assert scene.name_shown() == "garage"


def test_without_a_time_nobody_but_service(scene):
    scene.provision()
    scene.board.clock_chip.chip.is_dead = True
    scene.world.receiver.is_dead = True
    scene.box.reset()
    scene.sim.run_for(10)
    assert scene.shown(DRIVER) == "clock_unknown"
    assert scene.shown(SERVICE) == "service"
