"""Every chip model loads, and behaves alike, under both Pythons."""

from __future__ import annotations

import contextlib
import io
import subprocess
from pathlib import Path

import pytest
from glovebox_sim.process import SIMULATOR_DIRECTORY, find_micropython

CHIPS = sorted(path.stem for path in (SIMULATOR_DIRECTORY / "chips").glob("*.py") if path.stem != "__init__")

SCRIPT = """
from chips.iso14443_card import Card
from chips.gnss_uart import GnssUart
from chips.latching_relay import LatchingRelay
from chips.lis2dh12 import Lis2dh12
from chips.mcp2515 import Mcp2515
from chips.mfrc522 import Mfrc522
from chips.nor_flash import NorFlash
from chips.rv3028 import Rv3028
from chips.errors import PowerCut

reader = Mfrc522()
reader.power_on(0)
reader.present(Card(b"\\x01\\x02\\x03\\x04"), 0)
reader.present(Card(bytes(range(7))), 0)
now = [2000]

def spi(chip, *data):
    now[0] += 10
    chip.select(now[0])
    result = chip.exchange(bytes(data), now[0])
    chip.deselect(now[0])
    return result

for pair in ((0x15, 0x40), (0x14, 0x83), (0x2A, 0x80), (0x2B, 0xA9), (0x2D, 40)):
    spi(reader, pair[0] << 1, pair[1])
now[0] += 6000
for frame, bits in (((0x26,), 7), ((0x93, 0x20), 0), ((0x52,), 7)):
    spi(reader, 0x02, 0)
    spi(reader, 0x08, 0x7F)
    spi(reader, 0x14, 0x80)
    spi(reader, 0x12, *frame)
    spi(reader, 0x02, 12)
    spi(reader, 0x1A, 0x80 | bits)
    now[0] += 3000
    print([spi(reader, 0x80 | register << 1, 0)[1] for register in (4, 6, 10, 14, 9, 9, 9, 9, 9)])

can = Mcp2515()
sent = []
can.on_transmit = sent.append
can.power_on(0)
spi(can, 0x02, 0x28, 0x03, 0xAC, 0x00)
spi(can, 0x02, 0x60, 0x64)
spi(can, 0x02, 0x0F, 0x00)
for number in range(3):
    can.receive((0x7E8 + number, False, False, bytes((number,) * 8)), 500000, 0)
print(spi(can, 0x90, *([0] * 13)), spi(can, 0xB0, 0), spi(can, 0x03, 0x2C, 0, 0))
spi(can, 0x40, 0xFB, 0xE0, 0, 0, 3, 2, 1, 12)
spi(can, 0x81)
print(sent, can.bit_rate())

motion = Lis2dh12()
motion.power_on(0)
for register, value in ((0x20, 0x27), (0x21, 0x01), (0x22, 0x40), (0x23, 0x88), (0x32, 5), (0x30, 0x2A)):
    motion.write(bytes((register, value)), 0)
for step in range(40):
    motion.set_mg(step * 37 % 400 - 200, step, 1000, step * 100000)
motion.write(b"\\xa7", 4100000)
print(motion.read(7, 4100000), motion.samples)

clock = Rv3028(20)
clock.power_on(0)
clock.write(b"\\x00\\x59\\x59\\x23\\x03\\x28\\x02\\x28", 0)
clock.write(b"\\x00", 90000 * 1000000)
print(clock.read(7, 90000 * 1000000), clock.save(90000 * 1000000)[1])

flash = NorFlash(bytearray(b"\\xff" * 8192), 5)
flash.program(0, b"\\x0f" * 100)
for mode in ("torn", "torn_garbage"):
    flash.cut_at(1, mode)
    try:
        flash.erase(0) if mode == "torn_garbage" else flash.program(256, bytes(256))
    except PowerCut as cut:
        print(cut)
print(sum(flash.memory), flash.wear)

relay = LatchingRelay()
edges = []
relay.on_contact = edges.append
relay.drive("inhibit", True, 0)
relay.drive("inhibit", False, 50000)
relay.advance(60000)
print(relay.position, edges)

line = GnssUart()
line.feed(b"$GPRMC", 0)
print(line.take(3000), line.ready_us())
"""


@pytest.mark.parametrize("name", CHIPS)
def test_a_chip_model_imports_nothing_but_other_models(name: str) -> None:
    text = (SIMULATOR_DIRECTORY / "chips" / f"{name}.py").read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert all(line.startswith("from chips.") for line in imports), imports


def test_both_pythons_see_the_same_chips(tmp_path: Path) -> None:
    script = tmp_path / "chips_script.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(SIMULATOR_DIRECTORY)!r})\n{SCRIPT}", encoding="utf-8"
    )
    micropython = subprocess.run(
        [*find_micropython(), str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    here = io.StringIO()
    with contextlib.redirect_stdout(here):
        exec(compile(SCRIPT, "script", "exec"), {})
    assert micropython.stderr == ""
    # A bytearray or bytes prints alike; only their escapes of quotes might differ, and there are none.
    assert micropython.stdout.splitlines() == here.getvalue().splitlines()
    assert len(here.getvalue().splitlines()) >= 12
