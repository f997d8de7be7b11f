"""`machine` and its companions as the firmware sees them, on the chips of the board."""

from __future__ import annotations

from pathlib import Path

import pytest
from chips.errors import ChipError, UndefinedRegister
from glovebox_sim.board import Card
from glovebox_sim.board_pins import PinError
from support_sim_core import assert_sound, printed, simulated


def run(tmp_path: Path, main: str, limit_s: float = 60) -> list[str]:
    with simulated(tmp_path, main) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, limit_s)
        assert_sound(box)
        return printed(box)


def test_inputs_read_what_the_car_does_and_pulls_decide_the_rest(tmp_path: Path) -> None:
    main = """
    import time
    from box import board
    pins = [board.pin(name) for name in ("kl15", "doors", "key_holder", "relay_contact", "can_int")]
    for _ in range(2):
        print([pin.value() for pin in pins])
        time.sleep(1)
    """
    with simulated(tmp_path, main) as (sim, box):
        sim.run_for(1)
        box.board.kl15 = True
        box.board.door_open = True
        box.board.key_in_holder = False
        box.board.relay.shock("inhibit")
        assert sim.run_until(lambda: box.is_idle, 5)
        assert printed(box) == ["[0, 1, 0, 1, 1]", "[1, 0, 1, 0, 1]"]


def test_an_interrupt_wakes_a_task_at_its_instant(tmp_path: Path) -> None:
    main = """
    import asyncio, machine, time
    flag = asyncio.ThreadSafeFlag()
    pin = machine.Pin(36, machine.Pin.IN)
    pin.irq(lambda p: flag.set(), machine.Pin.IRQ_RISING)
    async def main():
        await flag.wait()
        print(time.ticks_ms(), pin.value())
    asyncio.run(main())
    """
    with simulated(tmp_path, main) as (sim, box):
        sim.at(sim.start_at + 7.45, lambda: setattr(box.board, "kl15", True))
        assert sim.run_until(lambda: box.is_idle, 20)
        assert printed(box) == ["7000 1"]


def test_asyncio_keeps_its_promises_on_virtual_time(tmp_path: Path) -> None:
    main = """
    import asyncio, time
    async def count(name, each_ms, times):
        try:
            for n in range(times):
                await asyncio.sleep_ms(each_ms)
            return name
        except asyncio.CancelledError:
            print("cancelled", name)
            raise
    async def main():
        began = time.ticks_ms()
        print(await asyncio.gather(count("a", 300, 4), count("b", 1000, 3)))
        try:
            await asyncio.wait_for(count("c", 1000, 100), 5)
        except asyncio.TimeoutError:
            print("timeout")
        event, lock = asyncio.Event(), asyncio.Lock()
        async def hold():
            async with lock:
                await event.wait()
                return "held"
        task = asyncio.create_task(hold())
        await asyncio.sleep_ms(0)
        print(lock.locked(), task.done())
        event.set()
        print(await task)
        async def fail():
            raise ValueError("x")
        try:
            await asyncio.create_task(fail())
        except ValueError as error:
            print("caught", error)
        task = asyncio.create_task(count("d", 10000, 1))
        await asyncio.sleep_ms(1)
        print(task.cancel(), (time.ticks_diff(time.ticks_ms(), began) + 50) // 100)
        await asyncio.sleep_ms(1)
    asyncio.run(main())
    """
    assert run(tmp_path, main) == [
        "['a', 'b']",
        "cancelled c",
        "timeout",
        "True False",
        "held",
        "caught x",
        "True 80",
        "cancelled d",
    ]


def test_uart_bytes_come_at_9600_baud_and_what_the_buffer_does_not_hold_is_lost(tmp_path: Path) -> None:
    main = """
    import asyncio, time
    from machine import UART
    uart = UART(2, baudrate=9600, tx=0, rx=13, rxbuf=256)
    async def main():
        reader = asyncio.StreamReader(uart)
        print(await reader.readexactly(5), time.ticks_ms())
        await asyncio.sleep(5)
        print(uart.any(), uart.lost, uart.read(3), uart.any(), uart.readline()[:3])
    asyncio.run(main())
    """
    with simulated(tmp_path, main) as (sim, box):
        sim.at(sim.start_at + 1.45, lambda: box.board.gnss.feed(b"hello"))
        sim.at(sim.start_at + 3, lambda: box.board.gnss.feed(b"abcdef\n" * 60))
        assert sim.run_until(lambda: box.is_idle, 20)
        assert_sound(box)
        first, second = printed(box)
        assert first.startswith("b'hello' ")
        assert 1005 <= int(first.split()[1]) <= 1012
        assert second == "256 164 b'abc' 253 b'def'"


def test_light_buzzer_and_battery(tmp_path: Path) -> None:
    main = """
    import time
    from machine import PWM, Pin
    from neopixel import NeoPixel
    from box import board
    from box.drivers.battery import Battery
    ring = NeoPixel(Pin(2), 8)
    ring[0] = (10, 20, 30)
    ring.write()
    buzzer = PWM(Pin(12), freq=880, duty_u16=32768)
    time.sleep_ms(200)
    buzzer.duty_u16(0)
    print(Battery(board.battery_adc()).read_mv())
    """
    tones: list[int] = []
    with simulated(tmp_path, main) as (sim, box):
        sim.on_event.append(
            lambda at, _, source, name, data: tones.append(data["hz"]) if name == "tone" else None
        )
        box.board.battery_mv = 11_700
        assert sim.run_until(lambda: box.is_idle, 5)
        assert_sound(box)
        assert box.board.light[:2] == [(10, 20, 30), (0, 0, 0)]
        assert tones == [880, 0]
        assert abs(int(printed(box)[0]) - 11_700) <= 5


def test_the_firmware_s_drivers_find_their_chips(tmp_path: Path) -> None:
    main = """
    import time
    from box import board
    from box.drivers.lis2dh12 import LIS2DH12
    from box.drivers.mfrc522 import MFRC522
    from box.drivers.rv3028 import RV3028
    spi, i2c = board.spi(), board.i2c()
    reader = MFRC522(spi, board.pin("reader_cs"))
    print(reader.probe())
    clock = RV3028(i2c)
    print(clock.read_s())
    clock.ensure_backup()
    clock.write(800000000, True)
    accelerometer = LIS2DH12(i2c)
    accelerometer.probe()
    accelerometer.configure()
    time.sleep(10)
    print(clock.read_s() in (800000010, 800000011), accelerometer.read_mg())
    print(sorted(reader.read_cards()))
    print([hex(address) for address in i2c.scan()])
    """
    with simulated(tmp_path, main) as (sim, box):
        box.board.reader.present(Card(b"\x01\x02\x03\x04", sak=0x08))
        box.board.reader.present(Card(bytes(range(0x10, 0x17)), sak=0x20))
        box.board.accelerometer.set_mg(40, -20, 990)
        assert sim.run_until(lambda: box.is_idle, 30)
        assert_sound(box)
        assert printed(box) == [
            "146",
            "None",
            "True (40, -20, 990)",
            "[(b'\\x01\\x02\\x03\\x04', 8), (b'\\x10\\x11\\x12\\x13\\x14\\x15\\x16', 32)]",
            "['0x19', '0x52']",
        ]


def test_a_chip_that_is_missing_does_not_acknowledge(tmp_path: Path) -> None:
    main = """
    from box import board
    try:
        board.i2c().readfrom_mem(0x19, 0x0F, 1)
    except OSError as error:
        print(error.errno)
    """
    with simulated(tmp_path, main) as (sim, box):
        box.board.accelerometer.chip.is_dead = True
        assert sim.run_until(lambda: box.is_idle, 5)
        assert printed(box) == ["19"]


@pytest.mark.parametrize(
    ("main", "error"),
    [
        ("import machine; machine.Pin(36, machine.Pin.OUT)", None),
        ("import machine; p = machine.Pin(33, machine.Pin.OUT, value=1); p.value()", PinError),
        ("import machine; p = machine.Pin(16, machine.Pin.OUT); p.value()", PinError),
        ("import machine; machine.SPI(2, baudrate=20000000)", ChipError),
        ("import machine; machine.SPI(2, baudrate=1000000, phase=1)", ChipError),
        ("import machine; machine.SPI(1, baudrate=1000000)", PinError),
        ("import machine; machine.I2C(0, scl=machine.Pin(18), sda=machine.Pin(21)).scan()", PinError),
        ("import machine; machine.I2C(0).readfrom_mem(0x19, 0x10, 1)", UndefinedRegister),
    ],
)
def test_what_the_board_cannot_do_fails_the_run(
    tmp_path: Path, main: str, error: type[Exception] | None
) -> None:
    with simulated(tmp_path, main) as (sim, box):
        if error is None:
            assert sim.run_until(lambda: box.is_idle, 5)
            assert "ValueError" in box.crashes[0]
        else:
            with pytest.raises(error):
                sim.run_for(5)


def test_nvs_and_rtc_memory_and_identity_of_the_chip(tmp_path: Path) -> None:
    main = """
    import esp32, machine
    nvs = esp32.NVS("box")
    try:
        count = nvs.get_i32("count")
    except OSError:
        count = 0
    nvs.set_i32("count", count + 1)
    nvs.commit()
    print(count, len(machine.unique_id()), machine.freq())
    """
    with simulated(tmp_path, main) as (sim, box):
        sim.run_for(2)
        box.power_off()
        box.power_on()
        sim.run_for(2)
        assert printed(box) == ["0 6 240000000", "1 6 240000000"]


def test_a_light_sleep_ends_by_time_or_pin_and_keeps_the_program(tmp_path: Path) -> None:
    main = """
    import esp32, machine, time
    esp32.wake_on_ext0(machine.Pin(33, machine.Pin.IN), esp32.WAKEUP_ANY_HIGH)
    for _ in range(2):
        began = time.ticks_ms()
        machine.lightsleep(5000)
        print(time.ticks_diff(time.ticks_ms(), began))
    """
    with simulated(tmp_path, main) as (sim, box):
        sim.at(sim.start_at + 7.45, lambda: box.board.pins.drive("accelerometer_int", 1))
        assert sim.run_until(lambda: box.is_idle, 20)
        assert_sound(box)
        first, second = (int(line) for line in printed(box))
        assert first == 5000
        assert 1900 <= second <= 2100


def test_can_frames_of_the_car_reach_the_box_and_its_own_reach_the_car(tmp_path: Path) -> None:
    import can

    main = """
    import asyncio
    from box import board
    from box.drivers import mcp2515
    chip = mcp2515.MCP2515(board.spi(), board.pin("can_cs"), board.pin("can_int"))
    async def main():
        chip.probe()
        chip.mode(mcp2515.NORMAL)
        heard = []
        while len(heard) < 40:
            frame = chip.recv()
            if frame:
                heard.append(frame[0])
            else:
                await asyncio.sleep_ms(2)
        print(heard == list(range(0x100, 0x128)))
        chip.send(0x7DF, b"\\x02\\x01\\x0c")
        await asyncio.sleep_ms(50)
    asyncio.run(main())
    """
    with simulated(tmp_path, main) as (sim, box):
        bus = can.Bus(interface="virtual", channel=box.board.can_channel)
        try:
            sim.run_for(1)
            for number in range(40):
                sim.call_later(
                    0.004 * number,
                    lambda number=number: bus.send(
                        can.Message(arbitration_id=0x100 + number, data=bytes(8), is_extended_id=False)
                    ),
                )
            assert sim.run_until(lambda: box.is_idle, 5)
            assert_sound(box)
            assert printed(box) == ["True"]
            message = bus.recv(0)
            assert message is not None
            assert (message.arbitration_id, bytes(message.data)) == (0x7DF, b"\x02\x01\x0c")
            assert box.board.can.chip.overruns == 0
        finally:
            bus.shutdown()
