"""Figure `firmware_heap_bytes`: the smallest heap with which the firmware does its work, for 32-bit words.

The firmware, as the ROMFS image that a board executes in place, runs on the 64-bit Unix port with a smaller
and smaller heap (`-X heapsize`): boot, TLS link, a reservation, a badge, the first minute of a drive. From
the smallest heap that does all of it without a reset goes what the simulator adds: image, hal, and the
Python objects that stand for the board's pins and buses. What is left is turned into 32-bit words; see
METHOD. Prints one JSON object.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_bench import tell
from support_steps import use_parked

LEAST_KB, MOST_KB, STEP_KB = 256, 768, 4

# An interned name takes a pointer, a 16-bit hash and its length. The tables double from 20 slots on.
FIRST_NAME_SLOTS, NAME_BYTES_64, NAME_BYTES_32 = 20, 11, 7

METHOD = (
    "smallest heap in which the firmware, executed in place from a ROMFS image on the 64-bit Unix port, "
    "boots, links by TLS, takes a reservation, opens by a badge and drives for a minute, collecting every 32 "
    "KB as the board does every 16; less the image, the simulator's hal and its objects for pins and buses; "
    "objects times {ratio:.3f}, which is what importing all of the same image takes on a 32-bit MicroPython "
    "(the WebAssembly port) over what it takes on the 64-bit one, tables of names computed for 32 bits: "
    "not measured on a board; buffers of Wi-Fi and of the handshake are not on this heap"
)
HEAP32 = Path(__file__).parent / "heap32"

# On the box: what is there before the firmware, the names it brings, and what stands for the board's parts.
ALONE = """
import asyncio, gc, micropython
gc.collect()
print("bench: alone", gc.mem_alloc())
micropython.qstr_info()
from box import board, start
micropython.qstr_info()
gc.collect()
before = gc.mem_alloc()
parts = [board.pin(signal) for signal in board.PINS]
parts += [board.spi(), board.i2c(), board.gnss_uart(), board.battery_adc(), board.buzzer(), board.wlan()]
gc.collect()
print("bench: parts", gc.mem_alloc() - before)
"""


def make_image(directory: Path) -> Path:
    """The ROMFS image that `mpremote` makes of the compiled firmware."""
    from glovebox_tools.firmware_build import FIRMWARE, build

    build(FIRMWARE, directory / "firmware")
    image = directory / "box.romfs"
    mpremote = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy", "-o", str(image)]
    subprocess.run([*mpremote, "build", str(directory / "firmware")], check=True, stdout=subprocess.DEVNULL)
    return image


def make_world(directory: Path, firmware: Path):
    """The story's world, its box with that firmware and without power."""
    from support_story import QuietWorld

    world = QuietWorld(directory)
    world.box.firmware = firmware
    return world


def does_its_work(firmware: Path, heap_bytes: int) -> bool:
    """Whether the box gets through a session with that heap."""
    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        world = make_world(Path(directory), firmware)
        try:
            world.box.heap_bytes = heap_bytes
            starts = len(world.box.resets)
            world.box.power_on()
            world.wait(
                lambda: world.contact == "inhibit" or len(world.box.resets) > starts + 1, 120, "parked"
            )
            use_parked(world)
            return len(world.box.resets) == starts + 1 and not world.box.crashes
        except AssertionError:  # a step was not reached
            return False
        finally:
            world.close()


def find_smallest(firmware: Path) -> int:
    """The smallest heap, in bytes, with which the box does its work."""
    least, most = LEAST_KB, MOST_KB
    if not does_its_work(firmware, most * 1024):
        raise RuntimeError(f"the box does not do its work with {most} KB")
    while most - least > STEP_KB:
        middle = (least + most) // 2
        if does_its_work(firmware, middle * 1024):
            most = middle
        else:
            least = middle
        tell(f"heap: more than {least} KB, at most {most} KB")
    return most * 1024


def read_alone(directory: Path, firmware: Path) -> tuple[int, int, int, int]:
    """Bytes of image and hal, bytes of the parts' objects, names before and after the firmware's import."""
    directory.mkdir()
    world = make_world(directory, firmware)
    try:
        world.box.power_on()
        said = world.box.run_script(ALONE)
    finally:
        world.close()
    lines = [line.split("bench:")[1].split() for line in said.splitlines() if "bench:" in line]
    values = {name: int(value) for name, value in lines}
    names = [int(line.split("n_qstr=")[1].split(",")[0]) for line in said.splitlines() if "n_qstr=" in line]
    return values["alone"], values["parts"], names[0], names[1]


def read_import(said: str, name_bytes: int) -> int:
    """Bytes that importing the firmware took, its tables of names not counted."""
    names = [int(line.split("n_qstr=")[1].split(",")[0]) for line in said.splitlines() if "n_qstr=" in line]
    taken = next(int(line.split()[1]) for line in said.splitlines() if line.startswith("bytes "))
    return taken - (count_slots(names[1]) - count_slots(names[0])) * name_bytes


def measure_words_ratio(directory: Path, image: Path) -> float:
    """Bytes of a 32-bit heap for each of a 64-bit one: pointers halve, bytes and 16-bit indices do not."""
    from glovebox.web.assets import find_npm
    from glovebox_sim.process import find_micropython

    folder = directory / "heap32"
    shutil.copytree(HEAP32, folder)
    npm = find_npm()
    environment = os.environ | {"PATH": f"{Path(npm).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--loglevel=error"],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    node = ["node", str(folder / "measure.mjs"), str(image)]
    said_32 = subprocess.run(node, env=environment, check=True, capture_output=True, text=True).stdout
    steps = f"modules = mount({str(image)!r})\ngc.collect()\nbefore = gc.mem_alloc()\nimport_all(modules)\n"
    script = (folder / "import_all.py").read_text() + steps + "gc.collect()\ntell(before)\n"
    micropython = [*find_micropython(), "-X", "heapsize=4m", "-c", script]
    said_64 = subprocess.run(micropython, check=True, capture_output=True, text=True).stdout
    words_32, words_64 = read_import(said_32, NAME_BYTES_32), read_import(said_64, NAME_BYTES_64)
    tell(f"heap: the firmware imported takes {words_64} bytes in 64-bit words, {words_32} in 32-bit ones")
    return words_32 / words_64


def count_slots(names: int) -> int:
    """How many slots MicroPython has in its tables of names once that many were interned."""
    slots, size = 0, FIRST_NAME_SLOTS
    while slots < names:
        slots += size
        size *= 2
    return slots


def main() -> None:
    """Print the figure."""
    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        firmware = make_image(Path(directory))
        alone, parts, names_before, names = read_alone(Path(directory, "alone"), firmware)
        tell(f"heap: image and hal {alone} bytes, its parts {parts}, names {names_before} and {names}")
        ratio = measure_words_ratio(Path(directory), firmware)
        smallest = find_smallest(firmware)
    slots_64 = count_slots(names) - count_slots(names_before)
    objects_64 = smallest - alone - parts - slots_64 * NAME_BYTES_64
    names_32 = count_slots(names - names_before) * NAME_BYTES_32
    tell(f"heap: smallest {smallest}, objects of the firmware {objects_64}, names {names_32} on 32 bits")
    figure = round(objects_64 * ratio) + names_32
    print(json.dumps({"firmware_heap_bytes": figure, "firmware_heap_method": METHOD.format(ratio=ratio)}))


if __name__ == "__main__":
    main()
