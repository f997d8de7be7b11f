"""The unmodified firmware on the simulated board: it boots, answers, drives, loses power and goes on."""

import pytest
from box.protocols import codes, records
from glovebox_sim import faults
from support_box import read_journal
from support_scene import DRIVER, PHONE, SERVICE, STRANGER


def list_faults(scene):
    return [values[0] for kind, _, _, values in read_journal(scene.box) if kind == codes.RECORD_FAULT_SET]


def test_a_box_that_nobody_has_provisioned_shows_every_card_that_it_is_none_yet(scene):
    scene.sim.run_for(2)
    scene.tap(DRIVER)
    assert scene.tones()
    assert scene.moves() == []
    assert scene.box.resets == [1]


def test_the_drivers_card_opens_within_the_budget_and_a_strangers_is_refused(scene):
    scene.provision()
    scene.tap(STRANGER, 10)
    refused = scene.tones()
    assert refused
    assert scene.moves() == []
    held_at = scene.sim.now
    seen = scene.tap(DRIVER)
    assert scene.moves() == ["unlock"]
    assert scene.tones() != refused
    first = min(now for now, source, _, _ in seen if source == "buzzer")
    assert first - held_at < 0.3
    assert scene.board.relay.contact == "allow"


def test_a_tap_is_two_programs_and_no_erase_whatever_is_due(scene):
    scene.provision()
    flash = []
    scene.sim.on_event.append(lambda now, box, source, name, data: source == "flash" and flash.append(name))
    for _ in range(20):  # past the end of a sector of the session's snapshots
        flash.clear()
        scene.tap(DRIVER, 0.5)
        assert scene.moves()
        told = flash[: flash.index("program") + 2]
        assert told == ["program", "program"]  # the record, the session
        scene.sim.run_for(1)
        assert "erase" not in flash  # the card is hardly gone
        scene.sim.run_for(4)


def test_a_phone_beside_the_badge_does_not_keep_it_from_opening(scene):
    scene.provision()
    scene.world.hold_card(PHONE)
    scene.sim.run_for(2)
    scene.seen.clear()
    scene.world.hold_card(DRIVER)
    scene.sim.run_for(2)
    assert scene.moves() == ["unlock"]


def test_a_trip_is_in_the_journal_whole_and_in_order(scene):
    scene.provision()
    scene.tap(DRIVER)
    scene.start_engine()
    before_m = scene.world.car.odometer_m
    scene.world.drive("town", "town_loop", metres=900)
    assert scene.sim.run_until(lambda: not scene.world.car.is_driving, 400)
    scene.sim.run_for(2)
    scene.park()
    scene.tap(DRIVER)
    scene.sim.run_for(20)
    assert scene.board.relay.contact == "inhibit"
    scene.sim.run_for(110)
    journal = read_journal(scene.box)
    of_the_trip = range(codes.RECORD_SESSION_START, codes.RECORD_RELAY)
    kinds = [
        kind for kind, *_ in journal if kind in (*of_the_trip, codes.RECORD_DRIVING, codes.RECORD_OPENED)
    ]
    assert kinds == [
        codes.RECORD_SESSION_START,
        codes.RECORD_DRIVING,
        codes.RECORD_OPENED,
        codes.RECORD_ENDING,
        codes.RECORD_SESSION_END,
    ]
    assert [sequence for _, sequence, *_ in journal] == list(range(1, len(journal) + 1))
    end = journal[-1][3]
    driven_m = scene.world.car.odometer_m - before_m
    assert abs(end[5] - driven_m) < 100
    assert end[4] == 4  # the place
    assert end[12:] == (records.unpack(3, bytes(28) + b"\xff\xff\xff\x7f" * 2)[12:])  # and no position


def test_three_seconds_without_power_while_driving_go_unseen(scene):
    scene.provision()
    scene.tap(DRIVER)
    scene.start_engine()
    scene.world.drive("town", "town_loop", metres=600)
    scene.sim.run_for(40)
    scene.seen.clear()
    scene.world.set_power(False)
    scene.sim.run_for(3)
    scene.world.set_power(True)
    scene.sim.run_for(10)
    assert not [event for event in scene.seen if event[1] in ("relay", "door")]
    assert scene.board.relay.contact == "allow"
    scene.tap(STRANGER)
    assert scene.moves() == []
    assert scene.sim.run_until(lambda: not scene.world.car.is_driving, 400)
    scene.park()
    scene.tap(DRIVER)
    assert scene.moves() == ["lock"]
    starts = [record for record in read_journal(scene.box) if record[0] == codes.RECORD_SESSION_START]
    assert len(starts) == 1


def test_an_end_is_taken_back_by_the_same_badge_and_ends_for_good_by_the_third_tap(scene):
    scene.provision()
    scene.tap(DRIVER, 5)
    scene.tap(DRIVER, 5)
    assert scene.moves() == ["lock"]
    scene.tap(DRIVER, 5)
    assert scene.moves() == ["unlock"]
    assert scene.board.relay.contact == "allow"
    scene.tap(DRIVER, 5)
    assert scene.moves() == ["lock"]


@pytest.mark.parametrize(
    ("switch", "fault"),
    [
        ("board.can.chip", codes.FAULT_CAN_MISSING),
        ("board.accelerometer.chip", codes.FAULT_ACCELEROMETER_MISSING),
        ("board.clock_chip.chip", codes.FAULT_CLOCK_CHIP_MISSING),
        ("receiver", codes.FAULT_GNSS_SILENT),
    ],
)
def test_a_missing_chip_is_a_fault_and_the_box_goes_on(scene, switch, fault):
    scene.provision()
    target = scene.box if switch.startswith("board") else scene.world
    for name in switch.split("."):
        target = getattr(target, name)
    target.is_dead = True
    scene.box.reset()
    scene.sim.run_for(75)
    if fault == codes.FAULT_CLOCK_CHIP_MISSING:
        scene.tap(SERVICE)  # with an unknown time only service goes on, until the satellites tell it
    else:
        scene.tap(DRIVER)
    assert scene.moves() == ["unlock"]
    assert fault in list_faults(scene)


def test_a_reader_that_hangs_is_begun_anew_and_reported(scene):
    scene.provision()
    scene.board.reader.chip.is_dead = True
    scene.sim.run_for(5)
    scene.tap(DRIVER)
    assert scene.moves() == []
    scene.board.reader.chip.is_dead = False
    scene.sim.run_for(3)
    scene.tap(DRIVER)
    assert scene.moves() == ["unlock"]
    assert codes.FAULT_READER_STUCK in list_faults(scene)


def test_a_reset_with_the_watchdogs_cause_leaves_a_parked_car_as_it_was(scene):
    scene.provision()
    scene.sim.run_for(60)
    assert scene.board.relay.contact == "inhibit"
    scene.seen.clear()
    scene.box.reset(3)
    scene.sim.run_for(70)
    assert not [event for event in scene.seen if event[1] in ("relay", "door")]
    boots = [values[0] for kind, _, _, values in read_journal(scene.box) if kind == codes.RECORD_BOOT]
    assert boots[-1] == codes.RESET_CAUSE_WATCHDOG


def test_a_lit_engine_lamp_is_a_fault_with_its_codes(scene):
    scene.provision()
    faults.inject(scene.world, "engine_warning")
    scene.tap(DRIVER)
    scene.start_engine()
    scene.sim.run_for(20)
    assert codes.FAULT_ENGINE_WARNING in list_faults(scene)
    found = [values for kind, _, _, values in read_journal(scene.box, ring=2) if kind == codes.RECORD_CODES]
    assert found[0] == (1, 1)


def test_a_bus_that_says_nothing_with_the_ignition_on_is_a_fault(scene):
    scene.provision()
    faults.inject(scene.world, "can_bus_off")
    scene.tap(DRIVER)
    scene.start_engine()
    scene.sim.run_for(35)
    assert codes.FAULT_CAN_SILENT in list_faults(scene)


def test_a_blow_that_throws_the_relay_during_a_session_is_undone_at_once(scene):
    scene.provision()
    scene.tap(DRIVER)
    scene.start_engine()
    faults.inject(scene.world, "relay_shock")
    assert scene.board.relay.contact == "inhibit"
    scene.sim.run_for(1)
    assert scene.board.relay.contact == "allow"
    relays = [values for kind, _, _, values in read_journal(scene.box) if kind == codes.RECORD_RELAY]
    assert relays[-1][:2] + relays[-1][5:6] == (codes.CONTACT_ALLOW, 0, codes.RELAY_SOURCE_SHOCK)


def test_after_three_early_failures_the_box_starts_in_safe_mode_and_cards_still_open(scene):
    scene.provision()
    for _ in range(3):
        scene.box.reset(codes.RESET_CAUSE_WATCHDOG)
        scene.sim.run_for(5)
    assert scene.box.rtc_memory[3] == 3
    scene.sim.run_for(10)
    scene.tap(DRIVER)
    assert scene.moves() == ["unlock"]
    scene.sim.run_for(60)
    assert scene.box.rtc_memory[3] == 3  # what began to hang in the first minute would not show yet
    scene.sim.run_for(50)
    assert scene.box.rtc_memory[3] == 0  # forgiven


def test_resets_with_the_ignition_on_are_cranking_and_never_lead_to_safe_mode(scene):
    scene.provision()
    scene.world.kl15_override = True
    scene.sim.run_for(1)
    for _ in range(5):
        scene.box.reset(codes.RESET_CAUSE_WATCHDOG)
        scene.sim.run_for(5)
    assert scene.box.rtc_memory[3] == 0
