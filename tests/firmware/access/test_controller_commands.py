"""Commands from afar, and the service and garage modes."""

import asyncio

from box.protocols import codes
from support_access import DRIVER, NOW, SERVICE


def test_commands_are_evaluated_once_and_repeated_only_in_words(box):
    box.tap(DRIVER)
    box.wait(1)
    done = box.command(codes.COMMAND_LOCK, command_id=50)
    assert done == (codes.COMMAND_RESULT_DONE, 0)
    locks = box.events.count(("doors", "lock"))
    assert box.command(codes.COMMAND_LOCK, command_id=50) == done
    assert box.events.count(("doors", "lock")) == locks
    box.restart()
    box.wait(1)
    assert box.command(codes.COMMAND_LOCK, command_id=50)[0] == codes.COMMAND_RESULT_EXPIRED


def test_an_expired_an_unknown_and_an_unbuilt_command_do_nothing_and_say_so(box):
    assert box.command(codes.COMMAND_LOCK, expires_s=0) == (
        codes.COMMAND_RESULT_EXPIRED,
        codes.REFUSAL_EXPIRED,
    )
    assert box.command(99)[0] == codes.COMMAND_RESULT_UNKNOWN
    assert box.command(codes.COMMAND_TRACK) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_NOT_FITTED)
    assert not [event for event in box.events if event[0] in ("relay", "doors")]


def test_a_remote_lock_does_not_lock_the_driver_out(box):
    box.tap(DRIVER)
    box.wait(5)
    assert box.command(codes.COMMAND_LOCK)[0] == codes.COMMAND_RESULT_DONE
    assert box.tap(DRIVER) == ["welcome"]
    assert box.events[-1] == ("doors", "unlock") or ("doors", "unlock") in box.events[-3:]
    assert box.state == codes.STATE_OPEN


def test_a_remote_end_needs_a_parked_car_and_proof(box):
    box.tap(DRIVER)
    box.drive()
    assert box.command(codes.COMMAND_END_SESSION) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_DRIVING)
    box.stop(30)
    assert box.command(codes.COMMAND_END_SESSION) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_IGNITION_ON)
    box.shaking = True
    box.wait(40)
    refused = (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_NO_PROOF_OF_STANDSTILL)
    assert box.command(codes.COMMAND_END_SESSION) == refused
    box.shaking = False
    box.wait(75)
    assert box.command(codes.COMMAND_END_SESSION) == (codes.COMMAND_RESULT_DONE, 0)
    assert (box.state, box.relay.contact) == (codes.STATE_PARKED, codes.CONTACT_INHIBIT)
    assert box.command(codes.COMMAND_END_SESSION) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_TOO_LATE)


def test_open_for_starts_a_session_that_ends_unused_and_stays_when_used(box):
    assert box.command(codes.COMMAND_OPEN_FOR, 17) == (codes.COMMAND_RESULT_DONE, 0)
    assert box.parts.session.badge == DRIVER  # its reservation's badge works as well
    box.wait(61)
    assert box.state == codes.STATE_PARKED
    box.command(codes.COMMAND_OPEN_FOR, 17)
    box.inputs.door_open = True
    box.wait(2)
    box.inputs.door_open = False
    box.wait(100)
    assert box.state == codes.STATE_OPEN
    assert box.command(codes.COMMAND_OPEN_FOR, 99) == (
        codes.COMMAND_RESULT_REFUSED,
        codes.REFUSAL_HELD_BY_ANOTHER,
    )


def test_a_car_opened_from_afar_stays_open_after_a_reset_for_nobody_knows_whether_it_was_used(box):
    box.command(codes.COMMAND_OPEN_FOR, 17)
    box.wait(5)
    box.restart()
    box.wait(100)
    assert box.state == codes.STATE_OPEN


def test_garage_lets_the_car_start_without_a_badge_for_so_many_days(box):
    assert box.command(codes.COMMAND_GARAGE, 2) == (codes.COMMAND_RESULT_DONE, 0)
    assert box.relay.contact == codes.CONTACT_ALLOW
    box.drive()
    assert box.state == codes.STATE_PARKED
    assert box.records(codes.RECORD_ALARM) == []
    box.stop()
    assert box.relay.contact == codes.CONTACT_ALLOW
    box.parts.clock.set_from_cloud(NOW + 2 * 86_400 + 300)
    box.wait(75)
    assert box.relay.contact == codes.CONTACT_INHIBIT


def test_a_fitter_who_holds_the_badge_on_gets_the_garage_mode(box):
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)
    box.tap(SERVICE)
    box.wait(5)
    asyncio.run(box.access.hold(SERVICE))
    assert (box.state, box.parts.session.garage) == (codes.STATE_PARKED, True)
    assert box.relay.contact == codes.CONTACT_ALLOW
