"""Slots of the journal: what a chain shows, and what is refused at the door."""

import pytest
from box.protocols import codes, records
from box.protocols.crypto import Hmac
from hypothesis import given
from hypothesis import strategies as st

BOX = bytes(range(8))
CHAIN = records.Chain(Hmac(b"k" * 32), BOX, codes.RING_VITAL, 1)
SLOT = st.binary(min_size=64, max_size=64)


def seal(
    previous=records.FIRST_MAC, kind=codes.RECORD_DRIVING, trust=3, sequence=1, at_s=5, payload=b"\1\0\0\0"
):
    return bytes(CHAIN.seal(previous, kind, trust, 9, sequence, at_s, payload))


@given(SLOT)
def test_no_64_bytes_raise_but_a_record_error(slot):
    sequence = records.get_sequence(slot)
    try:
        assert records.unpack_slot(slot)[3] == sequence
    except records.RecordError:
        assert sequence is None
    assert not CHAIN.verify(records.FIRST_MAC, slot)


@given(st.integers(0, 511))
def test_every_bit_of_a_slot_is_under_its_mac(bit):
    slot = bytearray(seal())
    slot[bit // 8] ^= 1 << bit % 8
    assert CHAIN.verify(records.FIRST_MAC, seal())
    assert not CHAIN.verify(records.FIRST_MAC, slot)


def test_a_record_taken_out_of_the_middle_shows():
    first = seal()
    second = seal(first[48:], sequence=2)
    third = seal(second[48:], sequence=3)
    assert CHAIN.verify(second[48:], third)
    assert not CHAIN.verify(first[48:], third)


def test_a_slot_of_another_box_ring_or_epoch_does_not_verify():
    key = Hmac(b"k" * 32)
    for box, ring, epoch in ((bytes(8), 1, 1), (BOX, 2, 1), (BOX, 1, 2)):
        assert not records.Chain(key, box, ring, epoch).verify(records.FIRST_MAC, seal())


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": 0},
        {"kind": 64},
        {"trust": 4},
        {"sequence": 0},
        {"sequence": 1 << 32},
        {"at_s": -1},
        {"at_s": 1 << 32},
        {"payload": bytes(37)},
    ],
    ids=str,
)
def test_what_does_not_fit_a_slot_is_refused(bad):
    with pytest.raises(records.RecordError):
        seal(**bad)


def test_a_payload_that_does_not_fit_is_refused():
    with pytest.raises(records.RecordError):
        records.pack(codes.RECORD_DRIVING, 1 << 32)
    with pytest.raises(records.RecordError):
        records.pack(codes.RECORD_DRIVING)
    with pytest.raises(records.RecordError):
        records.pack(99, 1)
    with pytest.raises(records.RecordError):
        records.pack(codes.RECORD_BOOT, 1, 2, 3, tail=b"x" * 30)
    with pytest.raises(records.RecordError):
        records.unpack(codes.RECORD_BOOT, bytes(35))


def test_every_kind_of_the_codes_has_a_layout_and_a_ring():
    kinds = {value for name, value in vars(codes).items() if name.startswith("RECORD_")}
    assert kinds == set(records.LAYOUTS)
    assert records.ring_of(codes.RECORD_BAG) == codes.RING_VITAL
    assert records.ring_of(codes.RECORD_HEALTH) == codes.RING_TELEMETRY
    with pytest.raises(records.RecordError):
        records.ring_of(31)
