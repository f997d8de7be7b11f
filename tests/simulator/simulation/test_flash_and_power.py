"""Power cut at a chosen operation of the flash, by the box's own littlefs and raw partitions."""

from __future__ import annotations

from pathlib import Path

import pytest
from chips.nor_flash import MODES
from littlefs import LittleFS
from support_sim_core import assert_sound, printed, simulated

RAW = """
    import esp32
    ring = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vital")[0]
    buffer = bytearray(16)
    ring.readblocks(0, buffer, 0)
    print(bytes(buffer))
    ring.ioctl(6, 0)
    ring.writeblocks(0, b"0123456789abcdef", 0)
    ring.writeblocks(0, b"ABC", 16)
    print("written")
"""


def test_raw_writes_reach_the_image_at_the_partition_s_place(tmp_path: Path) -> None:
    with simulated(tmp_path, RAW) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 5)
        assert_sound(box)
        assert printed(box)[-1] == "written"
        image = box.board.flash_path.read_bytes()
        assert image[0x512000 : 0x512000 + 19] == b"0123456789abcdefABC"
        assert len(image) == 16 * 1024 * 1024
        assert box.board.flash.wear[0x512] == 1


@pytest.mark.parametrize("mode", MODES)
def test_power_fails_at_exactly_that_operation_and_nothing_runs_afterwards(tmp_path: Path, mode: str) -> None:
    main = """
    import esp32
    ring = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vital")[0]
    for n in range(10):
        ring.writeblocks(0, bytes([n]) * 64, 64 * n)
        print("durable", n)
    """
    with simulated(tmp_path, main) as (sim, box):
        sim.call_later(0.44, lambda: None)
        sim.run_for(0.4)  # before the first instruction
        assert sim.run_until(lambda: box.host is not None, 1)
        formatting = box.board.flash.programs + box.board.flash.erases
        assert formatting == 0
        box.power_off()
        box.power_on()
        sim.run_for(3)  # formats, and writes all
        first = [line for line in printed(box) if line.startswith("durable")]
        assert len(first) == 10
        box.board.flash.erase(0x512000)
        box.reset()
        box.board.flash.cut_at(5, mode)
        sim.run_for(3)
        assert not box.is_on
        assert [line for line in printed(box) if line.startswith("durable")][10:] == [
            f"durable {n}" for n in range(4)
        ]
        image = box.board.flash.memory
        record = bytes(image[0x512000 + 256 : 0x512000 + 320])
        assert bytes(image[0x512000 + 192 : 0x512000 + 256]) == b"\x03" * 64
        assert bytes(image[0x512000 + 320 : 0x512000 + 384]) == b"\xff" * 64
        if mode == "dropped":
            assert record == b"\xff" * 64
        elif mode == "unreported":
            assert record == b"\x04" * 64
        else:
            assert record not in (b"\xff" * 64, b"\x04" * 64)


@pytest.mark.parametrize(("after_us", "is_torn"), [(20_000, True), (46_000, False)])
def test_a_supply_that_fails_during_an_erase_tears_it(tmp_path: Path, after_us: int, is_torn: bool) -> None:
    main = """
    import esp32
    esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vital")[0].ioctl(6, 0)
    print("erased")
    """
    with simulated(tmp_path, main) as (sim, box):
        box.board.flash.memory[0x512000:0x513000] = bytes(4096)
        sim.on_event.append(
            lambda at, _, source, name, data: (
                sim.call_at_us(sim.now_us + after_us, box.power_off)
                if name == "erase" and data["address"] == 0x512000
                else None
            )
        )
        assert sim.run_until(lambda: not box.is_on, 5)
        left = bytes(box.board.flash.memory[0x512000:0x513000])
        assert (left != b"\xff" * 4096) == is_torn
        assert ("erased" in printed(box)) != is_torn


def test_littlefs_of_the_box_is_littlefs_to_others(tmp_path: Path) -> None:
    main = """
    with open("/hello.txt", "w") as file:
        file.write("bonjour" * 500)
    """
    with simulated(tmp_path, main) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 20)
        assert_sound(box)
        image = box.board.flash_path.read_bytes()[0x8CE000 : 0x8CE000 + 0x712000]
    other = LittleFS(
        block_size=4096,
        block_count=0x712000 // 4096,
        read_size=32,
        prog_size=32,
        lookahead_size=32,
        mount=False,
    )
    other.context.buffer[:] = image
    other.mount()
    with other.open("hello.txt") as file:
        assert file.read() == "bonjour" * 500


def test_an_erase_takes_its_modelled_time(tmp_path: Path) -> None:
    main = """
    import esp32, time
    ring = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vital")[0]
    began = time.ticks_us()
    ring.ioctl(6, 3)
    print(time.ticks_diff(time.ticks_us(), began))
    """
    with simulated(tmp_path, main) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 5)
        took_us = int(printed(box)[0])
        assert 45_000 <= took_us < 45_100


def test_a_damaged_filesystem_is_left_for_the_firmware_to_meet(tmp_path: Path) -> None:
    main = """
    try:
        open("/a.txt")
    except OSError as error:
        print("OSError", error.errno)
    """
    with simulated(tmp_path, main) as (sim, box):
        sim.run_for(2)
        assert printed(box) == ["OSError 2"]
        box.power_off()
        damage = bytes(0x4000)
        box.board.flash.memory[0x8CE000 : 0x8CE000 + 0x4000] = damage
        box.power_on()
        sim.run_for(2)
        assert_sound(box)
        assert printed(box)[-1].startswith("OSError")
        assert bytes(box.board.flash.memory[0x8CE000 : 0x8CE000 + 0x4000]) == damage
