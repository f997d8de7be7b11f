"""Figure `firmware_heap_bytes`: the smallest heap with which the firmware does its work, estimated for
32-bit words.

The firmware, compiled to .mpy as on a box, runs on the 64-bit Unix port with a smaller and smaller heap
(`-X heapsize`): boot, TLS link, a reservation, a badge, the first minute of a drive. From the smallest heap
that does all of it without a reset, what the simulator's hal takes by itself and the bytecode are taken
away; see METHOD. Prints one JSON object.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_bench import tell

LEAST_KB, MOST_KB, STEP_KB = 256, 768, 8
METHOD = (
    "smallest heap in which the firmware, as .mpy on the 64-bit Unix port, boots, links by TLS, takes a "
    "reservation, "
    "opens by a badge and drives for a minute, less what the simulator's hal takes alone, less the bytecode "
    "(sum of "
    "its .mpy, executed in place on the box), halved for 32-bit words: an estimate, not measured on a "
    "board; buffers of "
    "TLS and Wi-Fi are not on this heap"
)

# On the box: all of the simulator's own modules, and what asyncio and TLS bring, without the firmware.
HAL_ALONE = """
import asyncio, gc, os, tls
for name in os.listdir("/hal"):
    if name.endswith(".py") and not name.startswith("launch"):
        __import__(name[:-3])
gc.collect()
print(gc.mem_alloc())
"""


def make_world(directory: Path, firmware: Path):
    """The story's world, its box with compiled firmware and without power."""
    from support_story import StoryWorld

    class QuietWorld(StoryWorld):
        def say(self, text: str) -> None:
            """The story's own lines are not the bench's."""

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
            world.wait(world.is_linked, 60, "linked")
            reservation = world.book(world.alice, world.now, world.now + 7200)
            world.wait(lambda: world.car_knows(world.alice, reservation), 30, "known")
            world.tap(world.alice.uid)
            world.wait(lambda: not world.car.locked and world.contact == "allow", 5, "open")
            world.run(2)
            for action in ("get_in", "take_key", "ignition_on", "turn_starter"):
                world.world.person(action)
                world.run(4)
            world.car.drive(world.trace.part(0, 60), world.loop_home())
            world.run(60)
            return len(world.box.resets) == starts + 1 and not world.box.crashes
        except AssertionError:  # a step was not reached
            return False
        finally:
            world.close()


def main() -> None:
    """Print the figure."""
    from glovebox_tools.firmware_build import FIRMWARE, build

    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        firmware = Path(directory, "firmware")
        bytecode = sum(file.size for file in build(FIRMWARE, firmware))
        Path(directory, "hal").mkdir()
        world = make_world(Path(directory, "hal"), firmware)
        try:
            world.box.power_on()
            hal = int(world.box.run_script(HAL_ALONE).split()[-1])
        finally:
            world.close()
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
    tell(f"heap: {most} KB, the hal alone {hal} bytes, bytecode {bytecode} bytes")
    figure = max(0, most * 1024 - hal - bytecode) // 2
    print(json.dumps({"firmware_heap_bytes": figure, "firmware_heap_method": METHOD}))


if __name__ == "__main__":
    main()
