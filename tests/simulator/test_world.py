"""The car around a real board in virtual time: inputs, outputs, cards, drives, faults, actions, words."""

import inspect
import json
import re

import pytest
from glovebox_sim import car, faults, world_actions, world_words
from glovebox_sim import world as sim_world
from glovebox_sim.faults import FAULTS
from glovebox_sim.recorder import Recorder, query
from glovebox_sim.route import metres_between
from glovebox_sim.simulation import Simulation
from glovebox_sim.world_actions import ACTIONS, ActionRefused, act
from support_sim_world import make_world

UID = "04A1B2C3D4E5F6"


@pytest.fixture
def sim():
    with Simulation(seed=5) as made:
        yield made


@pytest.fixture
def world(sim, tmp_path):
    made = make_world(sim, tmp_path)
    yield made
    made.close()


def enter_and_start(world):
    world.car.locked = False
    act(world, "get_in")
    world.sim.run_for(3)
    act(world, "take_key")
    act(world, "ignition_on")
    words = act(world, "start")
    world.sim.run_for(2)
    return words


def test_what_the_person_does_appears_on_the_boxs_inputs(world):
    board = world.box.board
    assert (board.kl15, board.door_open, board.key_in_holder) == (False, False, True)
    world.car.locked = False
    act(world, "open_door")
    assert board.door_open
    act(world, "get_in")
    world.sim.run_for(3)
    assert not board.door_open
    act(world, "take_key")
    assert not board.key_in_holder
    act(world, "ignition_on")
    assert board.kl15
    rest = board.battery_mv
    act(world, "start")
    world.sim.run_for(0.3)
    assert board.battery_mv < 9_100 < rest
    world.sim.run_for(2)
    assert board.battery_mv > 14_000


def test_the_cars_bus_wakes_with_the_ignition_and_sleeps_a_while_after_it(world):
    can = world.box.board.can
    assert not can.is_bus_awake
    world.car.locked = False
    for action in ("open_door", "get_in", "close_door", "take_key", "ignition_on"):
        world.person(action)
    assert world.box.board.kl15
    assert can.is_bus_awake
    world.person("ignition_off")
    assert can.is_bus_awake, "units run on for a while"
    world.sim.run_for(60)
    assert not can.is_bus_awake


def test_the_relays_contact_decides_whether_the_starter_turns(world):
    world.box.board.relay.shock("inhibit")
    assert enter_and_start(world)["en"].startswith("Nothing happens")
    assert not world.car.engine_on
    world.box.board.relay.shock("allow")
    assert act(world, "start")["fr"] == "Le démarreur tourne."
    world.sim.run_for(2)
    assert world.car.engine_on
    world.box.board.relay.shock("inhibit")
    world.sim.run_for(60)
    assert world.car.engine_on


def test_a_drive_round_a_loop_comes_home_at_the_traces_distance(world):
    enter_and_start(world)
    before, start = world.car.odometer_m, world.car.place
    act(world, "drive", {"trace": "town", "route": "town_loop"})
    world.sim.run_for(150)
    away = metres_between((start.lat, start.lon), (world.car.place.lat, world.car.place.lon))
    world.sim.run_for(160)
    assert not world.car.is_driving
    assert world.car.odometer_m - before == pytest.approx(2099.72, abs=0.05)
    home = metres_between((start.lat, start.lon), (world.car.place.lat, world.car.place.lon))
    assert away > 300
    assert home < 1


def test_a_car_that_was_stopped_on_the_way_is_driven_home(world):
    enter_and_start(world)
    start = world.car.place
    act(world, "drive", {"trace": "town", "route": "town_loop"})
    world.sim.run_for(100)
    act(world, "brake")
    world.sim.run_for(20)
    assert not world.car.is_driving
    assert metres_between((start.lat, start.lon), (world.car.place.lat, world.car.place.lon)) > 100
    act(world, "drive", {"trace": "town", "home": True})
    world.sim.run_for(900)
    assert not world.car.is_driving
    assert metres_between((start.lat, start.lon), (world.car.place.lat, world.car.place.lon)) < 5
    with pytest.raises(ActionRefused) as refused:
        act(world, "drive", {"home": True})
    assert refused.value.code == "already_there"


@pytest.mark.parametrize("uid", ["zz", "0102"])
def test_a_card_that_cannot_be_is_refused_in_the_language_of_the_page(world, uid):
    with pytest.raises(ActionRefused) as refused:
        act(world, "hold_card", {"uid": uid})
    assert refused.value.words["en"].startswith("A card's UID")
    assert refused.value.words["fr"].startswith("L'UID d'un badge")


def test_a_drive_to_a_place_ends_there(world):
    enter_and_start(world)
    act(world, "drive", {"trace": "town", "lat": 47.2801, "lon": -2.1998})
    world.sim.run_for(600)
    assert not world.car.is_driving
    assert metres_between((world.car.place.lat, world.car.place.lon), (47.2801, -2.1998)) < 5


def test_cards_are_held_taken_away_and_tapped(world):
    act(world, "hold_card", {"uid": "04:a1:b2:c3 d4 e5 f6"})
    assert [c.uid.hex() for c in world.box.board.reader.cards] == [UID.lower()]
    act(world, "hold_card", {"uid": UID})
    assert len(world.box.board.reader.cards) == 1
    act(world, "hold_card", {"uid": "DEADBEEF"})
    assert len(world.box.board.reader.cards) == 2
    act(world, "take_card_away", {"uid": UID})
    act(world, "take_card_away")
    assert world.box.board.reader.cards == []
    act(world, "tap", {"uid": UID, "seconds": 0.5})
    assert len(world.box.board.reader.cards) == 1
    world.sim.run_for(0.6)
    assert world.box.board.reader.cards == []


@pytest.mark.parametrize(
    ("slug", "arguments", "code"),
    [
        ("fly", {}, "unknown_action"), ("hold_card", {}, "bad_arguments"),
        ("hold_card", {"uid": "12"}, "bad_arguments"), ("hold_card", {"uid": "zz"}, "bad_arguments"),
        ("hold_card", {"uid": 5}, "bad_arguments"), ("get_in", {"x": 1}, "bad_arguments"),
        ("get_in", {}, "door_locked"), ("inject", {"fault": "x"}, "bad_arguments"),
        ("drive", {"trace": "moon"}, "bad_arguments"), ("drive", {}, "engine_off"),
        ("start", {}, "ignition_off"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_two_languages(world, slug, arguments, code):
    with pytest.raises(ActionRefused) as refused:
        act(world, slug, arguments)
    assert refused.value.code == code
    assert set(refused.value.words) == {"en", "fr"}


def test_every_refusal_of_the_car_and_every_answer_of_the_starter_has_words():
    codes = set(re.findall(r'_require\(.*?, "([a-z_]+)"\)', inspect.getsource(car)))
    codes |= set(re.findall(r'CarRefusal\("([a-z_]+)"\)', inspect.getsource(sim_world)))
    assert codes == set(world_words.REFUSALS)
    answers = set(re.findall(r'return "([a-z_]+)"', inspect.getsource(car.Car._starter_answer)))
    assert answers | {"ready", "turns", "no_fuel"} == set(world_words.STARTER)


def test_every_action_and_fault_is_named_in_two_languages():
    for slug, words in [
        *((a.slug, a.words) for a in ACTIONS.values()),
        *((f.slug, f.words) for f in FAULTS.values()),
    ]:
        assert set(words) == {"en", "fr"}, slug
        assert all(words.values()), slug


@pytest.mark.parametrize("slug", list(FAULTS))
def test_every_fault_can_be_made_and_what_lasts_can_be_mended(world, slug):
    told = []
    world.sim.on_event.append(lambda t, box, source, name, data: told.append((source, name)))
    world.set_power(True)
    world.sim.run_for(2)
    act(world, "inject", {"fault": slug})
    assert (slug in world.faults) == (FAULTS[slug].mend is not None)
    act(world, "inject", {"fault": slug})
    world.sim.run_for(2)
    act(world, "undo", {"fault": slug})
    assert not world.faults
    world.sim.run_for(2)
    assert ("fault", "injected") in told


def test_the_electrical_faults_do_what_they_say(world):
    board = world.box.board
    faults.inject(world, "battery_sag")
    world.sim.run_for(1)
    assert board.battery_mv == faults.SAG_MV
    faults.undo(world, "battery_sag")
    world.sim.run_for(1)
    assert board.battery_mv > 12_000
    faults.inject(world, "relay_shock")
    world.sim.run_for(1)
    assert board.relay.contact == "inhibit"
    faults.inject(world, "ignition_wire")
    enter_and_start(world)
    assert world.car.kl15
    assert not board.kl15
    faults.undo(world, "ignition_wire")
    assert board.kl15


def test_a_dead_battery_puts_the_box_out_and_the_relay_stays(world):
    world.set_power(True)
    world.sim.run_for(2)
    contact = world.box.board.relay.contact
    faults.inject(world, "battery_dead")
    world.sim.run_for(1)
    assert not world.box.is_on
    faults.undo(world, "battery_dead")
    world.sim.run_for(1)
    assert world.box.is_on
    assert world.box.board.relay.contact == contact


def test_a_flipped_bit_is_one_bit_and_the_same_with_the_same_seed(tmp_path):
    images = []
    for number in range(2):
        with Simulation(seed=9) as sim:
            world = make_world(sim, tmp_path / str(number))
            flash = world.box.board.flash
            offset = next(row[2] for row in world.box.board.partitions if row[4] == "vital")
            flash.program(offset, bytes(range(64)))
            before = flash.read(offset, 64)
            faults.inject(world, "flash_bit")
            after = flash.read(offset, 64)
            images.append(after)
            changed = sum(bin(a ^ b).count("1") for a, b in zip(before, after, strict=True))
            assert changed == 1
            world.close()
    assert images[0] == images[1]


def test_the_same_seed_gives_the_same_recording(tmp_path):
    recordings = []
    for number in range(2):
        with Simulation(seed=3) as sim:
            world = make_world(sim, tmp_path / str(number))
            path = tmp_path / f"{number}.db"
            with Recorder(path, started=sim.now) as recorder:
                sim.on_event.append(recorder.event)
                world.record_to(recorder)
                enter_and_start(world)
                act(world, "drive", {"trace": "block"})
                sim.run_for(60)
                world.close()
            rows = list(query(path, "select * from cars")), list(query(path, "select * from events"))
            recordings.append(json.dumps(rows))
            assert len(rows[0]) > 60
    assert recordings[0] == recordings[1]


def test_the_receiver_feeds_the_box_once_a_second_while_it_has_power(world):
    assert world.box.board.gnss.bytes_fed == 0
    world.set_power(True)
    world.sim.run_for(40)
    fed = world.box.board.gnss.bytes_fed
    assert 39 * 100 < fed < 41 * 400
    assert world.receiver.has_fix
    world.set_power(False)
    world.sim.run_for(5)
    assert world.box.board.gnss.bytes_fed == fed


def test_what_the_box_prints_becomes_events(world):
    told = []
    world.sim.on_event.append(lambda t, box, source, name, data: told.append((source, data)))
    world.set_power(True)
    world.sim.run_for(3)
    assert any(source == "log" and "start" in data["text"] for source, data in told)


DARK, R, G, A, W = (0, 0, 0), (40, 0, 0), (0, 40, 0), (40, 16, 0), (30, 30, 30)


@pytest.mark.parametrize(
    ("pixels", "english", "french"),
    [
        ([DARK] * 8, "dark", "éteint"),
        ([G] * 8, "whole ring, green", "anneau entier, vert"),
        ([W, DARK, DARK, DARK, DARK, DARK, DARK, DARK], "one point, top, white", "un point, haut, blanc"),
        ([DARK, R, DARK, R, DARK, R, DARK, R], "diagonal cross, red", "croix diagonale, rouge"),
        ([A, A, A, A, DARK, DARK, DARK, DARK], "half ring, right, amber", "demi-anneau, droite, orange"),
        ([R, DARK, DARK, DARK, R, DARK, DARK, DARK], "top and bottom, red", "haut et bas, rouge"),
        ([R, G] * 4, "whole ring, red and green", "anneau entier, rouge et vert"),
        (
            [DARK, G, G, G, DARK, DARK, DARK, DARK],
            "arc of 3 of 8, right, green",
            "arc de 3 sur 8, droite, vert",
        ),
    ],
)
def test_the_ring_is_named_by_shape_and_colour(pixels, english, french):
    assert world_words.light(pixels) == {"en": english, "fr": french}


@pytest.mark.parametrize(
    ("heard", "english"),
    [
        ([], "silence"),
        ([(2000, 80)], "one short high beep"),
        ([(400, 500)], "one long low beep"),
        ([(900, 80), (0, 40), (1400, 80)], "2 short rising beeps"),
        ([(1400, 80), (900, 80), (500, 80)], "3 short falling beeps"),
        ([(900, 80), (0, 80), (900, 80)], "2 short middle beeps"),
        ([(440, 200), (0, 60), (440, 200), (0, 150), (880, 120)], "beeps: 2 low, then 1 middle"),
        ([(440, 80), (900, 80)] * 3, "6 short changing beeps"),
    ],
)
def test_a_melody_is_told_in_words(heard, english):
    assert world_words.tones(heard)["en"] == english


def test_the_list_of_actions_and_the_pages_groups_agree():
    assert {a.group for a in world_actions.ACTIONS.values()} == {
        "card",
        "person",
        "engine",
        "drive",
        "box",
        "faults",
    }
