"""The board's partition table: is it the one the firmware needs, and the binary that puts it there.

`hardware/partitions.csv` is the only place where the layout stands. The binary is what the ESP32's boot
loader reads at 0x8000 (ESP-IDF Programming Guide, "Partition Tables"), so that an installer needs Espressif's
`esptool` and MicroPython's own image, and no build of either:

    0  2  magic AA 50
    2  1  type           0 application, 1 data
    3  1  subtype
    4  4  offset         little endian, as all here
    8  4  size
   12 16  name           padded with zeros
   28  4  flags

32 bytes a partition, then EB EB, fourteen FF and the MD5 of all entries, then FF up to 3,072 bytes.
"""

import csv
import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glovebox_tools.box.board import BoardError
from glovebox_tools.box.messages import Words
from glovebox_tools.firmware_build import REPOSITORY

TABLE = REPOSITORY / "hardware" / "partitions.csv"
TABLE_BYTES = 0xC00
_ENTRY = "<2sBBII16sI"
_TYPES = {"app": 0, "data": 1}
_SUBTYPES = {"ota_0": 0x10, "ota_1": 0x11, "ota": 0x00, "phy": 0x01, "nvs": 0x02, "fat": 0x81}


@dataclass(frozen=True)
class Row:
    """One partition; `offset` and `size` in bytes. As `esp32.Partition.info()` has it."""

    kind: int
    subtype: int
    offset: int
    size: int
    name: str


def read_table(path: Path = TABLE) -> list[Row]:
    """The rows of a partitions.csv. Raises OSError, ValueError."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in file if line.strip() and not line.lstrip().startswith("#")]
    rows = []
    for cells in csv.reader(lines):
        name, kind, subtype, offset, size = (cell.strip() for cell in cells[:5])
        number = _SUBTYPES[subtype] if subtype in _SUBTYPES else int(subtype, 0)
        rows.append(Row(_TYPES[kind], number, int(offset, 0), int(size, 0), name))
    return rows


def encode(rows: Iterable[Row]) -> bytes:
    """The table as the boot loader reads it."""
    entries = b"".join(
        struct.pack(_ENTRY, b"\xaa\x50", row.kind, row.subtype, row.offset, row.size, row.name.encode(), 0)
        for row in rows
    )
    check = b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries, usedforsecurity=False).digest()
    return (entries + check).ljust(TABLE_BYTES, b"\xff")


def differences(wanted: Iterable[Row], on_board: Iterable[Sequence[object]]) -> list[str]:
    """Names of the partitions that only one of the two has, or that lie or are sized otherwise."""
    ours = {row.name: row for row in wanted}
    theirs = {row.name: row for row in (Row(*cells) for cells in on_board)}  # type: ignore[arg-type]
    return [
        name for name in [*ours, *(n for n in theirs if n not in ours)] if ours.get(name) != theirs.get(name)
    ]


def check_partitions(facts: dict[str, list[list[object]]], port: str) -> None:
    """Raise BoardError, with the commands that mend it, if the board of these `facts` has another table."""
    names = differences(read_table(), facts["partitions"])
    if names:
        raise BoardError("partitions_differ", names=", ".join(names), port=port)


def write_table(words: Words, say: Callable[[str], None], output: Path) -> None:
    """Write the binary for esptool. Raises BoardError."""
    try:
        output.write_bytes(encode(read_table()))
    except OSError as error:
        raise BoardError("file_unreadable", reason=str(error)) from error
    say(words("partitions_written", path=output))
