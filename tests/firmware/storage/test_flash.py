"""Raw flash is checked: what was not programmed or not erased is told, and one worn bit is found."""

import random
import zlib

import pytest
from box.storage.flash import FlashError, Partition, mend_bit
from support_flash import SECTOR, FlashDevice


class CoarseDevice(FlashDevice):
    """A device with blocks of another size."""

    def ioctl(self, operation: int, argument: int) -> int:
        return 512 if operation == 5 else super().ioctl(operation, argument)


def test_a_device_with_other_blocks_than_sectors_is_refused():
    with pytest.raises(FlashError):
        Partition(CoarseDevice(4))


@pytest.mark.parametrize("size", [16, 64, 128])
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_program_that_does_not_hold_to_its_last_byte_is_told(size, place):
    device = FlashDevice(2)
    stuck = 0 if place == "first" else size - 1
    device.image[SECTOR + 256 + stuck] = 0  # its bits cannot be set any more
    with pytest.raises(FlashError):
        Partition(device).program(1, 256, b"\xa5" * size)
    Partition(device).program(0, 256, b"\xa5" * size)
    assert device.image[256 : 256 + size] == b"\xa5" * size


def test_what_lies_beside_a_program_does_not_matter():
    device = FlashDevice(1)
    device.image[:] = bytes(SECTOR)
    device.image[64:144] = b"\xff" * 80
    Partition(device).program(0, 64, b"\xa5" * 80)


@pytest.mark.parametrize("stuck", [0, 1, 2000, SECTOR - 1])
def test_a_sector_that_keeps_a_bit_after_an_erase_is_told(stuck):
    device = FlashDevice(2, bad_sectors=(1,))
    device.image[SECTOR + stuck] = 0xFE
    partition = Partition(device)
    with pytest.raises(FlashError):
        partition.erase(1)
    device.image[stuck] = 0xFE
    partition.erase(0)
    assert device.image[stuck] == 0xFF


def test_a_unit_is_zeroed_whatever_it_holds():
    device = FlashDevice(1)
    Partition(device).program(0, 0, b"\xa5" * 64)
    Partition(device).zero(0, 16)
    assert device.image[:64] == b"\xa5" * 16 + bytes(16) + b"\xa5" * 32


@pytest.mark.parametrize("size", [16, 64, 128])
def test_any_one_bit_is_put_right_and_of_two_none(size):
    whole = random.Random(size).randbytes(size)
    data = bytearray(whole)
    for bit in range(8 * size):
        data[bit // 8] ^= 1 << bit % 8
        assert mend_bit(data, lambda: zlib.crc32(data) == zlib.crc32(whole)) is True
        assert data == whole
    data[0] ^= 3
    damaged = bytes(data)
    assert mend_bit(data, lambda: zlib.crc32(data) == zlib.crc32(whole)) is False
    assert data == damaged
