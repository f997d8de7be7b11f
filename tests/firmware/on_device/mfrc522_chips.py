"""The card reader's driver on the chip's model, under either Python. Prints `OK <tests>`."""

import sys

from box.drivers.mfrc522 import MFRC522, ReaderError
from chips.iso14443_card import Card
from chips.mfrc522 import Mfrc522
from support_chip_bench import Clock, SelectPin, Spi, raised, run_all

CLASSIC = b"\xb2\x56\x54\x00"
NTAG = b"\x04\x16\xc6\xc2\xd7\x38\x81"
DESFIRE = b"\x04\x78\x2e\x21\x80\x1d\x80"
TRIPLE = b"\x04\x01\x02\x03\x04\x05\x06\x07\x08\x09"


def make(*cards, version=0x92, counts_align=False):
    clock = Clock()
    chip = Mfrc522(version, counts_align)
    clock.chips.append(chip)
    chip.power_on(clock.now_us)
    clock.sleep_ms(10)
    for card in cards:
        chip.present(card, clock.now_us)
    reader = MFRC522(Spi(clock, chip), SelectPin(clock, chip), clock.sleep_us)
    reader.probe()
    return clock, chip, reader


def read_uids(*uids, counts_align=False, limit=4):
    _, _, reader = make(*[Card(uid) for uid in uids], counts_align=counts_align)
    return sorted([uid for uid, _ in reader.read_cards(limit)])


def test_every_known_version_is_accepted_and_others_are_not():
    for version in (0x90, 0x91, 0x92, 0x88, 0xB2, 0x12):
        assert make(version=version)[2].version == version
    for version in (0x00, 0xFF, 0x93):
        raised(ReaderError, lambda value=version: make(version=value))


def test_no_card_takes_few_transfers_and_little_time():
    clock, _, reader = make()
    transfers, started_us = reader.transfers, clock.now_us
    assert reader.read_cards() == []
    assert reader.transfers - transfers <= 20
    assert clock.now_us - started_us <= 10000


def test_a_uid_of_four_bytes_with_its_sak():
    _, _, reader = make(Card(CLASSIC, sak=0x08))
    assert reader.read_cards() == [(CLASSIC, 0x08)]
    assert reader.unreadable == 0


def test_a_uid_of_seven_bytes():
    _, _, reader = make(Card(NTAG, sak=0x00))
    assert reader.read_cards() == [(NTAG, 0x00)]
    _, _, reader = make(Card(DESFIRE, sak=0x20))
    assert reader.read_cards() == [(DESFIRE, 0x20)]


def test_a_uid_of_ten_bytes():
    _, _, reader = make(Card(TRIPLE, sak=0x20))
    assert reader.read_cards() == [(TRIPLE, 0x20)]


def test_a_card_that_stays_is_read_again_each_time():
    _, _, reader = make(Card(CLASSIC))
    for _ in range(3):
        assert len(reader.read_cards()) == 1


def test_two_cards_that_stay_are_read_again_each_time():
    _, _, reader = make(Card(CLASSIC), Card(NTAG))
    for _ in range(3):
        assert sorted([uid for uid, _ in reader.read_cards()]) == sorted([CLASSIC, NTAG])


def test_two_cards_that_differ_in_any_one_bit():
    for bit in range(32):
        other = bytearray(CLASSIC)
        other[bit >> 3] ^= 1 << (bit & 7)
        if other[0] != 0x88:
            assert read_uids(CLASSIC, bytes(other)) == sorted([CLASSIC, bytes(other)]), bit


def test_four_cards_whatever_the_chip_counts_collisions_from():
    families = (
        (b"\x01\x02\x03\x04", b"\x01\x02\x03\x05", b"\x01\x02\x03\x06", b"\x01\x02\x03\x07"),
        (b"\x10\x00\x00\x00", b"\x30\x00\x00\x00", b"\x30\x40\x00\x00", b"\x30\x40\x00\x80"),
        (b"\x55\xaa\x55\xaa", b"\xaa\x55\xaa\x55", b"\x55\x55\xaa\xaa", b"\xaa\xaa\x55\x55"),
        (CLASSIC, NTAG, DESFIRE, TRIPLE),
        (NTAG, NTAG[:6] + b"\x80", NTAG[:3] + b"\xc3\xd7\x38\x81", CLASSIC),
    )
    for counts_align in (False, True):
        for family in families:
            assert read_uids(*family, counts_align=counts_align) == sorted(family), family


def test_no_more_cards_than_asked_for():
    assert len(read_uids(CLASSIC, NTAG, DESFIRE, TRIPLE, limit=2)) == 2


def test_cards_come_one_by_one_in_portions_below_20_ms():
    clock, chip, reader = make(Card(CLASSIC), Card(NTAG), Card(DESFIRE), Card(TRIPLE))
    reader.start_field()
    clock.sleep_us(5200)
    uids = []
    started_us = clock.now_us
    for uid, _ in reader.iterate_cards():
        assert clock.now_us - started_us < 20000
        uids.append(uid)
        started_us = clock.now_us
    assert sorted(uids) == sorted([CLASSIC, NTAG, DESFIRE, TRIPLE])
    assert not chip.is_field_on


def test_two_cards_with_one_uid_are_one():
    assert read_uids(CLASSIC, CLASSIC) == [CLASSIC]


class LeavingCard(Card):
    """Goes silent after so many frames heard."""

    def __init__(self, uid, frames):
        Card.__init__(self, uid)
        self.left = frames

    def hear(self, bits):
        self.left -= 1
        return Card.hear(self, bits) if self.left >= 0 else None


def test_a_card_taken_away_at_any_frame_is_no_card():
    for frames in range(5):  # request, anticollision and selection of two levels: five frames
        _, _, reader = make(LeavingCard(NTAG, frames))
        assert reader.read_cards() == [], frames
        assert reader.unreadable == (1 if frames else 0)
    _, _, reader = make(LeavingCard(NTAG, 5))
    assert len(reader.read_cards()) == 1


class WrongCard(Card):
    """Changes its answers before they leave."""

    def __init__(self, uid, change):
        Card.__init__(self, uid)
        self._change = change

    def hear(self, bits):
        answer = Card.hear(self, bits)
        return answer if answer is None else self._change(list(answer))


def flip(at, length):
    """Flip one bit of every answer of that many bits."""

    def change(bits):
        if len(bits) == length:
            bits[at] ^= 1
        return bits

    return change


def test_a_wrong_bit_in_uid_check_byte_or_sak_is_no_card():
    # The UID and its BCC are 40 bits, SAK with its CRC 24; bit 2 of SAK would ask for another level.
    for length in (40, 24):
        for at in range(0, length, 3):
            _, _, reader = make(WrongCard(CLASSIC, flip(at, length)))
            assert reader.read_cards() == [], (at, length)
            assert reader.unreadable == 1


def test_an_answer_cut_short_is_no_card():
    _, _, reader = make(WrongCard(CLASSIC, lambda bits: bits[:32] if len(bits) == 40 else bits))
    assert reader.read_cards() == []


def test_a_random_uid_is_read_as_it_is():
    # Refusing 08 xx xx xx is the decision's, not the driver's.
    assert read_uids(b"\x08\x11\x22\x33") == [b"\x08\x11\x22\x33"]


def test_the_field_is_on_only_while_cards_are_read():
    _, chip, reader = make(Card(CLASSIC))
    field = []
    chip.on_field = field.append
    reader.read_cards()
    assert [bool(is_on) for is_on in field] == [True, False]


def test_a_field_started_ahead_is_not_waited_for():
    clock, _, reader = make(Card(CLASSIC))
    reader.start_field()
    clock.sleep_us(5200)
    started_us = clock.now_us
    assert len(reader.read_cards()) == 1
    with_field_us = clock.now_us - started_us
    started_us = clock.now_us
    assert len(reader.read_cards()) == 1
    assert clock.now_us - started_us >= with_field_us + 5000


def test_any_register_changed_behind_our_back_is_noticed_and_put_right():
    for register, value in (
        (0x14, 0x83),
        (0x15, 0x00),
        (0x2A, 0x00),
        (0x2D, 0x00),
        (0x11, 0x3F),
        (0x12, 0x80),
    ):
        _, chip, reader = make(Card(CLASSIC))
        assert reader.verify()
        chip.upset(register, value)
        assert not reader.verify(), register
        reader.recover()
        assert reader.verify()
        assert len(reader.read_cards()) == 1


def test_a_reset_of_the_chip_is_noticed():
    clock, chip, reader = make(Card(CLASSIC))
    chip.power_off(clock.now_us)
    clock.sleep_ms(5)
    assert not reader.verify()
    chip.power_on(clock.now_us)
    clock.sleep_ms(5)
    assert not reader.verify()
    reader.recover()
    assert len(reader.read_cards()) == 1


def test_a_dead_chip_is_an_error_within_bounded_time():
    clock, chip, reader = make(Card(CLASSIC))
    chip.is_dead = True
    started_us = clock.now_us
    raised(ReaderError, reader.read_cards)
    assert clock.now_us - started_us < 20000
    assert not reader.verify()
    raised(ReaderError, reader.recover)
    chip.is_dead = False
    reader.recover()
    assert len(reader.read_cards()) == 1


def run(_folder):
    """Everything; returns how much."""
    return run_all(globals())


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
