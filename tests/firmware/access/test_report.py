"""The car's state on the wire, bit by bit, and records that the flash does not take."""

import itertools

import pytest
from box.access.report import pack_state
from box.protocols import codes, records

AT = {"state": 0, "modes": 1, "bits": 2, "known": 3}


def pack(box, modes=0):
    return pack_state(box.parts, 12_600, modes)


def get_bit(box, bit):
    """Return None, False or True as the wire tells it."""
    state = pack(box)
    if not state[AT["known"]] >> bit & 1:
        assert not state[AT["bits"]] >> bit & 1
        return None
    return bool(state[AT["bits"]] >> bit & 1)


@pytest.mark.parametrize("on", [None, False, True])
def test_ignition_and_lock_are_told_as_they_are_known(box, on):
    box.parts.evidence.kl15 = box.parts.session.is_locked = on
    assert get_bit(box, codes.INPUT_BIT_IGNITION) is on
    assert get_bit(box, codes.INPUT_BIT_LOCKED) is on


@pytest.mark.parametrize(
    ("is_open", "has_key", "is_fitted"), list(itertools.product((False, True), repeat=3))
)
def test_door_and_key_are_told_and_the_key_only_with_a_holder(box, is_open, has_key, is_fitted):
    box.inputs.door_open, box.inputs.key_in_holder = is_open, has_key
    box.parts.settings.apply({"key_holder_fitted": int(is_fitted)})
    assert get_bit(box, codes.INPUT_BIT_DOOR_OPEN) is is_open
    assert get_bit(box, codes.INPUT_BIT_KEY_IN_HOLDER) is (has_key if is_fitted else None)


@pytest.mark.parametrize("contact", [codes.CONTACT_ALLOW, codes.CONTACT_INHIBIT])
def test_the_contact_is_told_as_it_reads(box, contact):
    box.relay.contact = contact
    assert get_bit(box, codes.INPUT_BIT_CONTACT_INHIBIT) is (contact == codes.CONTACT_INHIBIT)


def test_standing_is_told_with_its_proof_and_moving_with_its_sign(box):
    assert get_bit(box, codes.INPUT_BIT_STILL) is None
    box.wait(12)
    assert get_bit(box, codes.INPUT_BIT_STILL) is True
    box.parts.evidence.note_unrest()
    assert get_bit(box, codes.INPUT_BIT_STILL) is False


@pytest.mark.parametrize(("garage", "carried"), list(itertools.product((False, True), repeat=2)))
def test_the_modes_of_access_join_those_of_the_box(box, garage, carried):
    box.parts.session.garage, box.parts.session.carried = garage, carried
    others = 1 << 7
    expected = others | garage << codes.MODE_BIT_GARAGE | carried << codes.MODE_BIT_CARRIED
    assert pack(box, others)[AT["modes"]] == expected


def test_what_the_cars_bus_does_not_tell_is_unknown_and_what_it_tells_is_rounded(box):
    assert (pack(box)[6], pack(box)[8:12]) == (0xFF, b"\xff\xff\xff\xff")
    box.car.odometer_hm = 0x01020304
    for percent, told in ((54.4, 54), (54.5, 55), (0, 0)):
        box.car.fuel_percent = percent
        assert (pack(box)[6], pack(box)[8:12]) == (told, b"\4\3\2\1")


def test_the_rest_of_the_state_lies_where_the_wire_says(box):
    box.wait(1)
    box.parts.session.state = codes.STATE_ENDING
    box.parts.session.authorisation_id = 17
    state = pack(box)
    assert (state[AT["state"]], int.from_bytes(state[4:6], "little")) == (codes.STATE_ENDING, 12_600)
    assert (state[7], int.from_bytes(state[12:16], "little")) == (box.parts.clock.trust, 17)
    assert (int.from_bytes(state[16:18], "little"), int.from_bytes(state[18:], "little")) == (
        4,
        box.parts.clock.now_s(),
    )
    box.present_s = None
    box.restart()
    assert pack(box)[18:] == bytes(4)  # the time is not known


@pytest.mark.parametrize(
    ("full", "fault"), [(True, codes.FAULT_RING_FULL), (False, codes.FAULT_FLASH_DAMAGED)]
)
def test_a_record_that_is_not_taken_is_number_0_and_a_fault_that_says_which(box, full, fault):
    assert box.parts.writer.write(codes.RECORD_BAG, 5) == 1
    box.journal.broken, box.journal.vital_full = True, full
    assert box.parts.writer.write(codes.RECORD_BAG, 5) == 0
    assert box.parts.faults.active() == bytes([fault])


def test_a_record_carries_what_follows_its_values(box):
    box.parts.writer.write(codes.RECORD_CRASH, 1, 2, tail=b"what")
    box.parts.writer.write(codes.RECORD_CRASH, 1, 2)
    assert box.journal.payloads[0].rstrip(b"\0") == records.pack(codes.RECORD_CRASH, 1, 2, tail=b"what")
    assert box.journal.payloads[1].rstrip(b"\0") == records.pack(codes.RECORD_CRASH, 1, 2)
