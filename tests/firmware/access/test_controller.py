"""The controller on a car of plain objects: what is written, saved, shown and moved, in which order."""

import asyncio

import pytest
from box.access.report import pack_state
from box.protocols import codes
from support_access import DRIVER, NEXT, SERVICE, STRANGER


def test_a_start_is_recorded_and_saved_before_it_is_shown_and_shown_before_anything_moves(box):
    box.wait(1)
    box.events.clear()
    assert box.tap(DRIVER) == ["welcome"]
    kinds = [event for event in box.events if event[0] != "record" or event[1] == codes.RECORD_SESSION_START]
    assert kinds == [
        ("record", codes.RECORD_SESSION_START),
        ("saved", None),
        ("signal", "welcome"),
        ("doors", "unlock"),
        ("relay", "allow"),
    ]


def test_the_story_of_a_day(box):
    box.promise(NEXT, 18, 7200, 9000)
    assert box.tap(STRANGER) == ["unknown_badge"]
    assert box.tap(NEXT) == ["too_early"]
    assert box.tap(DRIVER) == ["welcome"]
    box.drive()
    assert box.state == codes.STATE_DRIVING
    assert box.tap(STRANGER) == ["ignored"]
    box.at_home = False
    box.stop()
    assert box.state == codes.STATE_OPEN
    assert box.tap(DRIVER) == ["stopover"]
    box.wait(20)
    assert box.relay.contact == codes.CONTACT_INHIBIT
    assert box.tap(DRIVER) == ["welcome"]
    assert box.relay.contact == codes.CONTACT_ALLOW
    box.drive()
    box.at_home = True
    box.stop()
    assert box.tap(DRIVER) == ["ended"]
    assert box.state == codes.STATE_ENDING
    assert box.relay.contact == codes.CONTACT_INHIBIT
    box.wait(3.1)
    assert box.tap(DRIVER) == ["taken_back"]
    box.wait(3.1)
    assert box.tap(DRIVER) == ["ended"]
    box.wait(121)
    assert box.state == codes.STATE_PARKED
    expected = [2, 16, 17, 4, 5, 16, 17, 6, 7, 6, 3]
    assert box.records(2, 3, 4, 5, 6, 7, 16, 17) == expected
    end = box.journal.entries[-1][1]
    start = box.records().index(codes.RECORD_SESSION_START) + 1
    assert end[:5] == (start, 17, codes.END_REASON_BADGE, 0, 4)


def test_a_second_tap_within_three_seconds_of_an_effect_ends_nothing(box):
    box.tap(DRIVER)
    box.wait(2.9)
    assert box.tap(DRIVER) == ["welcome"]
    assert box.state == codes.STATE_OPEN
    box.wait(0.2)
    assert box.tap(DRIVER) == ["ended"]


@pytest.mark.parametrize("state", ["open", "driving", "stopover", "ending"])
def test_a_power_loss_leaves_session_and_relay_as_they_were(box, state):
    box.tap(DRIVER)
    if state == "driving":
        box.drive(5)
    elif state != "open":
        box.at_home = state == "ending"
        box.wait(15)
        box.tap(DRIVER)
        box.wait(10)
    before = (box.state, box.parts.session.number, box.relay.contact)
    box.events.clear()
    box.restart()
    box.wait(3)
    assert (box.state, box.parts.session.number, box.relay.contact) == before
    assert not [event for event in box.events if event[0] in ("relay", "doors")]
    if state in ("stopover", "ending"):
        assert box.tap(DRIVER) in (["welcome"], ["taken_back"])
        assert box.relay.contact == codes.CONTACT_ALLOW


def test_a_badge_the_box_does_not_know_is_asked_for_and_opens_when_the_reservation_comes(box):
    box.link = True
    box.verdict = lambda: box.promise(NEXT, 19, -60, 3600) or 0
    box.authorisations.entries.clear()
    assert box.tap(NEXT) == ["asking", "welcome"]
    assert box.state == codes.STATE_OPEN


@pytest.mark.parametrize(
    ("verdict", "signal"),
    [
        (codes.REFUSAL_ANOTHER_CAR, "another_car"),
        (codes.REFUSAL_REVOKED, "revoked"),
        (None, "unknown_badge"),
        (0, "unknown_badge"),
    ],
)
def test_the_clouds_verdict_is_what_the_driver_hears(box, verdict, signal):
    box.link = True
    box.verdict = verdict
    assert box.tap(STRANGER) == ["asking", signal]
    assert box.state == codes.STATE_PARKED


def test_an_answer_that_comes_after_another_has_taken_the_car_is_dropped(box):
    async def run():
        gate = asyncio.Event()

        async def ask(badge, timeout_ms):
            await gate.wait()
            return codes.REFUSAL_REVOKED

        box.access._hooks.ask = ask
        await box.access.tap([(STRANGER, False)], [(STRANGER, False)])
        await box.access.tap([(DRIVER, False)], [(DRIVER, False)])
        gate.set()
        for _ in range(5):
            await asyncio.sleep(0)

    box.link = True
    asyncio.run(run())
    assert box.state == codes.STATE_OPEN
    assert ("signal", "revoked") not in box.events


def test_of_several_cards_the_box_acts_only_on_exactly_one_authorised(box):
    assert box.tap(STRANGER, DRIVER) == ["welcome"]
    box.wait(4)
    box.promise(NEXT, 18)
    assert box.tap(DRIVER, NEXT) == ["several_badges"]
    assert box.state == codes.STATE_OPEN


def test_the_phone_beside_the_badge_does_no_harm_and_alone_is_refused_without_asking(box):
    box.link = True
    assert box.tap(b"phone..1", is_random=True) == ["random_uid"]

    async def both():
        cards = [(b"phone..1", True), (DRIVER, False)]
        await box.access.tap(cards, cards)

    asyncio.run(both())
    assert box.state == codes.STATE_OPEN


def test_a_session_card_left_on_the_dashboard_does_not_end_the_session_when_another_card_comes(box):
    box.tap(DRIVER)
    box.wait(5)

    async def run():
        await box.access.tap([(STRANGER, False)], [(DRIVER, False), (STRANGER, False)])

    asyncio.run(run())
    assert box.state == codes.STATE_OPEN


def test_a_service_badge_opens_a_drivers_car_and_never_ends_the_session(box):
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)
    box.tap(DRIVER)
    number = box.parts.session.number
    box.wait(5)
    assert box.tap(SERVICE) == ["service"]
    box.at_home = False
    box.wait(20)
    box.tap(DRIVER)
    assert box.state == codes.STATE_STOPOVER
    assert box.tap(SERVICE) == ["service"]
    box.wait(30)
    assert box.relay.contact == codes.CONTACT_ALLOW
    assert box.tap(SERVICE) == ["stopover"]
    box.wait(30)
    assert box.relay.contact == codes.CONTACT_INHIBIT
    assert box.parts.session.number == number


def test_a_flash_that_takes_no_record_keeps_nobody_out(box):
    box.journal.broken = True
    assert box.tap(DRIVER) == ["welcome"]
    assert ("doors", "unlock") in box.events
    assert box.parts.faults.is_set(codes.FAULT_FLASH_DAMAGED)
    box.wait(5)
    assert box.tap(DRIVER) == ["ended"]


def test_unknown_cards_are_counted_and_recorded_once_a_minute_without_their_hash(box):
    for _ in range(10):
        box.tap(STRANGER)
    refused = [values for kind, values in box.journal.entries if kind == codes.RECORD_REFUSED]
    assert refused == [(bytes(8), codes.REFUSAL_UNKNOWN_BADGE, codes.STATE_PARKED)]
    assert box.access.unknown_badges == 10


def test_the_state_of_the_wire_says_only_what_is_known(box):
    box.at_home = None
    box.parts.settings.apply({"key_holder_fitted": 0})
    state = pack_state(box.parts, 12_600, 0)
    assert len(state) == 22
    known = state[3]
    assert not known & 1 << codes.INPUT_BIT_IGNITION
    assert not known & 1 << codes.INPUT_BIT_KEY_IN_HOLDER
    assert not known & 1 << codes.INPUT_BIT_STILL
    box.tap(DRIVER)
    box.wait(12)
    state = pack_state(box.parts, 12_600, 0)
    assert state[0] == codes.STATE_OPEN
    assert state[3] & 1 << codes.INPUT_BIT_STILL
    assert int.from_bytes(state[12:16], "little") == 17
