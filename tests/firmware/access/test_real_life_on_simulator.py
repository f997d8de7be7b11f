"""Cases of real life on the unmodified firmware and the simulated board: what people see, hear and find."""

import pytest
from box.protocols import codes
from support_box import EPOCH_2000, provision, read_journal
from support_scene import DRIVER, OTHER, SERVICE, STRANGER, Scene

RESERVATION, STANDING, SERVICE_RIGHT = 1, 2, 3
MINUTE, HOUR = 60, 3600
MINE = (DRIVER, 17, -100, 2 * HOUR, RESERVATION)
NEXT = (OTHER, 18, -50, HOUR, RESERVATION)
FITTER = (SERVICE, 0x8000_0001, -100, 2 * HOUR, SERVICE_RIGHT)
SHORT = {"ending_s": 10, "forgotten_s": 30}


class Street(Scene):
    """A car whose rights and settings a case chooses."""

    def grant(self, *rights, metres_away=0, **settings):
        """Give the box these rights and no other; it stands still meanwhile, as after a reset."""
        now_s = int(self.sim.now) - EPOCH_2000
        here = self.world.car.place
        place = [4, int(here.lat * 1e7) + metres_away * 90, int(here.lon * 1e7), 150]
        entries = [(uid.hex(), number, now_s + a, now_s + b, kind, 0) for uid, number, a, b, kind in rights]
        provision(self.box, entries, {**SHORT, "places": [place], **settings})
        self.sim.run_for(15)

    def find(self, kind):
        """Return the payloads of the vital records of a kind."""
        return [values for found, _, _, values in read_journal(self.box) if found == kind]

    def people(self, *actions):
        for action in actions:
            self.world.person(action)
            self.sim.run_for(0.5)

    def locks(self, seconds):
        """Return what the doors' wires carried meanwhile."""
        self.seen.clear()
        self.sim.run_for(seconds)
        return self.moves()

    @property
    def contact(self):
        return self.board.relay.contact


@pytest.fixture
def street(tmp_path):
    made = Street(tmp_path)
    made.sim.run_for(1)
    yield made
    made.close()


def test_a_door_left_open_is_said_then_the_third_tap_ends_and_the_shut_door_is_locked(street):
    street.grant(MINE)
    assert street.shown(DRIVER) == "welcome"
    street.people("open_door")
    assert street.shown(DRIVER) == "door_open"
    assert street.shown(DRIVER) == "door_open"
    assert street.shown(DRIVER) == "ended"
    assert street.locks(15) == []
    street.people("close_door")
    assert street.locks(65) == ["lock"]
    assert street.find(codes.RECORD_SESSION_END)[0][3] == 1 << codes.END_FLAG_BIT_DOOR_OPEN


def test_a_key_that_is_not_in_its_holder_is_said_unlike_the_door(street):
    street.grant(MINE)
    street.tap(DRIVER)
    street.people("open_door", "take_key", "close_door")
    assert street.shown(DRIVER) == "key_missing"
    assert not street.world.car.locked
    street.people("open_door", "put_key_back", "close_door")
    assert street.shown(DRIVER) == "ended"


def test_an_ignition_left_on_is_said_and_the_drivers_badge_opens(street):
    street.grant(MINE)
    street.tap(DRIVER)
    street.world.kl15_override = True
    street.sim.run_for(2)
    contact = street.contact
    assert street.shown(DRIVER) == "ignition_on"
    assert street.moves() == ["unlock"]
    assert street.shown(OTHER) == "ignition_on"
    assert street.moves() == []
    assert street.contact == contact
    street.world.kl15_override = None
    street.sim.run_for(4)
    assert street.shown(DRIVER) == "ended"


def test_a_badge_held_on_is_one_tap(street):
    street.grant(MINE)
    street.seen.clear()
    street.world.hold_card(DRIVER)
    street.sim.run_for(12)
    assert street.name_shown() == "welcome"
    assert street.moves() == ["unlock"]


def test_a_nervous_second_tap_is_answered_and_undoes_nothing(street):
    street.grant(MINE)
    street.tap(DRIVER, 2.2)
    assert street.shown(DRIVER) == "welcome"
    assert street.shown(DRIVER) == "ended"
    street.sim.run_for(0.1)
    street.tap(DRIVER, 2.2)  # taken back
    street.tap(DRIVER, 1.5)
    assert street.moves() == ["unlock"]
    assert not street.world.car.locked


def test_two_badges_in_a_wallet(street):
    street.grant(MINE, (OTHER, 17, -100, 2 * HOUR, RESERVATION), (STRANGER, 18, -50, HOUR, RESERVATION))
    for wallet, answer in (((DRIVER, OTHER), "welcome"), ((DRIVER, STRANGER), "several_badges")):
        street.seen.clear()
        for uid in wallet:
            street.world.hold_card(uid)
        street.sim.run_for(4)
        assert street.name_shown() == answer
        street.world.take_card_away()
        street.sim.run_for(2)
    assert not street.world.car.locked


@pytest.mark.parametrize(("taps", "answer", "moves"), [(1, "welcome", ["unlock"]), (2, "ended", [])])
def test_a_badge_held_through_a_reset_is_answered_and_undoes_nothing(street, taps, answer, moves):
    street.grant(MINE)
    for _ in range(taps - 1):
        street.tap(DRIVER, 5)
    street.world.hold_card(DRIVER)
    street.sim.run_for(1)
    street.seen.clear()
    street.box.reset(codes.RESET_CAUSE_WATCHDOG)
    street.sim.run_for(4)
    assert street.name_shown() == answer
    assert street.moves() == moves


def test_a_reservation_made_shorter_on_the_way_is_forgotten_from_its_new_end(street):
    street.grant(MINE)
    street.tap(DRIVER)
    street.grant((DRIVER, 17, -120, 5, RESERVATION))
    assert street.locks(15) == []
    assert street.locks(20) == ["lock"]
    assert street.find(codes.RECORD_SESSION_END)[0][2] == codes.END_REASON_FORGOTTEN


def test_a_reservation_revoked_on_the_way_leaves_the_session_to_its_driver(street):
    street.grant(MINE, metres_away=5000)
    street.tap(DRIVER, 20)
    assert street.shown(DRIVER) == "stopover"
    street.sim.run_for(3)
    street.grant(NEXT, metres_away=5000)
    assert street.shown(DRIVER) == "welcome"
    assert street.contact == "allow"


def test_a_clock_lost_on_the_way_leaves_the_session_its_badge(street):
    street.grant(MINE, NEXT)
    street.tap(DRIVER)
    street.board.clock_chip.chip.is_dead = True
    street.world.receiver.is_dead = True
    street.box.reset(codes.RESET_CAUSE_WATCHDOG)
    street.sim.run_for(15)
    assert street.shown(OTHER) == "clock_unknown"
    assert street.shown(DRIVER) == "ended"
    assert street.shown(DRIVER) == "taken_back"
    assert street.shown(DRIVER) == "ended"
    street.sim.run_for(12)
    assert street.find(codes.RECORD_SESSION_END)[0][3] & 1 << codes.END_FLAG_BIT_TIME_UNSURE


def test_a_takeover_is_heard_inside_and_locks_nobody_in(street):
    street.grant(MINE, NEXT)
    street.tap(DRIVER)
    street.people("get_in")
    street.sim.run_for(5)
    assert street.shown(OTHER) == "ignition_on"  # two minutes off, for all the box knows since its start
    street.sim.run_for(100)
    assert street.shown(OTHER) == "taken_over"
    assert not street.world.car.locked
    street.people("get_out", "close_door")
    assert [values[2] for values in street.find(codes.RECORD_SESSION_END)] == [codes.END_REASON_TAKEN_OVER]


def test_a_fitter_opens_a_stopover_and_locks_it_again(street):
    street.grant(MINE, FITTER, metres_away=5000)
    street.tap(DRIVER, 20)
    street.tap(DRIVER, 5)
    assert street.shown(SERVICE) == "service"
    assert (street.world.car.locked, street.contact) == (False, "allow")
    assert street.shown(SERVICE) == "stopover"
    assert street.world.car.locked
    assert street.find(codes.RECORD_SESSION_END) == []


def test_a_walk_up_yields_to_a_reservation_that_starts_soon(street):
    walk_up = (STRANGER, 0x8000_0002, -HOUR, 9 * HOUR, STANDING)
    street.grant(walk_up, (OTHER, 18, 20 * MINUTE, HOUR, RESERVATION))
    assert street.shown(STRANGER) == "yields_to_reservation"
    street.grant(walk_up, (STRANGER, 19, 20 * MINUTE, HOUR, RESERVATION))
    assert street.shown(STRANGER) == "welcome"
    assert street.find(codes.RECORD_SESSION_START)[0][0] == 19


def test_a_forgotten_end_is_made_at_its_place_and_nowhere_else(street):
    street.grant((DRIVER, 17, -100, 20, RESERVATION), metres_away=5000)
    street.tap(DRIVER)
    assert street.locks(60) == []
    street.grant((DRIVER, 17, -100, -60, RESERVATION))
    assert street.world.car.locked
    assert street.find(codes.RECORD_SESSION_END)[0][2] == codes.END_REASON_FORGOTTEN


def test_an_end_underground_is_one_and_flagged(street):
    street.world.receiver.sky_open = False
    street.grant(MINE)
    assert street.shown(DRIVER) == "welcome"
    assert street.shown(DRIVER) == "ended"
    street.sim.run_for(10)
    assert street.find(codes.RECORD_SESSION_END)[0][3] == 1 << codes.END_FLAG_BIT_PLACE_UNCONFIRMED


def test_a_car_in_garage_mode_starts_without_a_badge_and_locks_nobody_out(street):
    street.grant(FITTER)
    street.world.hold_card(SERVICE)
    street.sim.run_for(7)
    assert street.name_shown() != "ended"
    street.world.take_card_away()
    street.people("open_door")
    street.people("close_door")
    assert street.locks(65) == []
    street.start_engine()
    assert street.contact == "allow"
    assert street.find(codes.RECORD_ALARM) == []
    assert street.find(codes.RECORD_MODE) == [(codes.MODE_BIT_GARAGE, 1)]


def test_a_forgotten_bag_is_had_without_starting(street):
    street.grant(MINE)
    street.tap(DRIVER, 15)
    street.tap(DRIVER, 20)
    assert street.contact == "inhibit"
    assert street.shown(DRIVER) == "bag"
    street.people("open_door")
    street.people("close_door")
    assert street.contact == "inhibit"
    assert street.locks(65) == ["lock"]


def test_a_passenger_who_gets_out_late_leaves_no_open_car(street):
    street.grant(MINE)
    street.tap(DRIVER)
    street.people("get_in")
    street.sim.run_for(4)
    street.tap(DRIVER, 5)
    assert street.moves() == ["lock"]
    street.people("get_out", "close_door")
    assert street.locks(65) == ["lock"]


def test_a_badge_left_behind_the_windscreen_bars_nobody(street):
    street.grant(MINE, NEXT)
    street.world.hold_card(DRIVER)
    street.sim.run_for(10)
    assert street.shown(STRANGER) == "unknown_badge"
    street.sim.run_for(100)
    assert street.shown(OTHER) == "taken_over"
