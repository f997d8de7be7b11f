"""The partition table: as esptool writes it, and as the board must have it."""

import hashlib
import struct

import pytest
from glovebox_tools.box import cli
from glovebox_tools.box.partition_table import Row, differences, encode, read_table


def decode(table):
    """The boot loader's side, from the format's description: magic AA 50, little endian, name at 12."""
    rows = []
    at = 0
    while table[at : at + 2] == b"\xaa\x50":
        kind, subtype, offset, size = struct.unpack_from("<BBII", table, at + 2)
        rows.append((kind, subtype, offset, size, table[at + 12 : at + 28].rstrip(b"\0").decode()))
        assert table[at + 28 : at + 32] == bytes(4)
        at += 32
    assert table[at : at + 16] == b"\xeb\xeb" + b"\xff" * 14
    assert table[at + 16 : at + 32] == hashlib.md5(table[:at]).digest()
    assert set(table[at + 32 :]) == {0xFF}
    return rows


def test_the_binary_holds_every_row_of_the_file_and_its_check():
    from glovebox_sim.board import load_partitions

    table = encode(read_table())
    assert len(table) == 0xC00
    assert decode(table) == [tuple(row) for row in load_partitions()]


def test_an_entry_has_the_bytes_that_the_format_describes():
    entry = encode([Row(1, 0x81, 0x8CE000, 0x732000, "vfs")])[:32]
    assert entry.hex() == "aa50018100e08c0000207300" + "766673".ljust(32, "0") + "00000000"


def test_the_command_writes_it_without_a_board(tmp_path):
    assert cli.main(["partitions", "--output", str(tmp_path / "partitions.bin"), "--lang", "en"]) == 0
    assert (tmp_path / "partitions.bin").read_bytes() == encode(read_table())


def test_each_partition_that_differs_in_anything_is_named():
    rows = [(row.kind, row.subtype, row.offset, row.size, row.name) for row in read_table()]
    assert differences(read_table(), rows) == []
    assert differences(read_table(), rows[1:]) == ["nvs"]
    assert differences(read_table(), [*rows, (1, 0x8F, 0xF00000, 0x1000, "romfs")]) == ["romfs"]
    for column in range(4):
        changed = list(rows[6])
        changed[column] += 1
        assert differences(read_table(), [*rows[:6], tuple(changed), *rows[7:]]) == [rows[6][4]]


@pytest.fixture
def stock(machine):
    """MicroPython's own table instead of ours: an application and a file system, no place for a journal."""
    rows = machine.box.board.partitions
    rows[:] = [row for row in rows if row[4] in ("nvs", "phy_init", "ota_0", "vfs")]


@pytest.mark.usefixtures("stock")
def test_a_board_with_another_table_is_left_alone_and_the_way_out_is_told(
    glovebox_box, firmware, mpremote, board
):
    for command in (("flash", "--firmware", str(firmware)), ("verify", "--firmware", str(firmware))):
        code, _, complaint = glovebox_box(*command)
        assert code == 1
        assert "otadata, ota_1, identity, vital, telemetry" in complaint
        assert "glovebox-box partitions --output partitions.bin" in complaint
        assert f"esptool --chip esp32 --port {board.port} write-flash 0x8000 partitions.bin" in complaint
    assert "box" not in mpremote("fs", "ls").stdout
