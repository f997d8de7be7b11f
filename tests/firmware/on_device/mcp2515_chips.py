"""The CAN controller's driver on the chip's model, under either Python. Prints `OK <tests>`."""

import sys

from box.drivers import mcp2515
from box.drivers.mcp2515 import FLAG_EXT_ID, LISTEN_ONLY, NORMAL, ONE_SHOT, CanError
from support_can_bench import Wire
from support_chip_bench import raised, run_all


def make(crystal_hz=16_000_000, bit_rate=500_000):
    wire = Wire(crystal_hz, bit_rate)
    wire.driver.probe()
    return wire, wire.driver


def receive_all(driver):
    frames = []
    while True:
        frame = driver.recv()
        if frame is None:
            return frames
        frames.append(frame)


def test_it_listens_after_the_probe_and_holds_its_settings():
    _, driver = make()
    assert driver.mode() == LISTEN_ONLY
    assert driver.verify()
    assert driver.state() == mcp2515.ERROR_ACTIVE


def test_both_crystals_give_all_bit_rates():
    for crystal_hz in (8_000_000, 16_000_000):
        for bit_rate in (500_000, 250_000, 125_000):
            wire, driver = make(crystal_hz, bit_rate)
            driver.set_bitrate(bit_rate)
            assert wire.chip.bit_rate() == bit_rate
            wire.put(0x123, b"\x01")
            wire.clock.sleep_ms(1)
            assert driver.recv() == (0x123, b"\x01", 0)


def test_frames_come_with_id_data_and_kind():
    wire, driver = make()
    for arbitration_id, data, extended in (
        (0x000, b"", False),
        (0x7FF, b"\x00\xff" * 4, False),
        (0x7E8, b"\x03\x41\x0d\x32", False),
        (0x18DAF110, b"\x01\x02\x03", True),
        (0x1FFFFFFF, b"\x55" * 8, True),
        (0x00000001, b"\xaa", True),
    ):
        wire.put(arbitration_id, data, extended)
        wire.clock.sleep_ms(1)
        assert driver.recv() == (arbitration_id, data, FLAG_EXT_ID if extended else 0)
        assert driver.recv() is None


def test_a_remote_frame_is_told_apart():
    wire, driver = make()
    wire.chip.receive((0x123, False, True, b""), 500_000, wire.clock.now_us)
    assert driver.recv() == (0x123, b"", mcp2515.FLAG_RTR)
    wire.chip.receive((0x12345678, True, True, b""), 500_000, wire.clock.now_us)
    assert driver.recv() == (0x12345678, b"", mcp2515.FLAG_RTR | FLAG_EXT_ID)


def test_two_frames_are_held_while_nobody_looks_and_keep_their_order():
    wire, driver = make()
    wire.put(0x101, b"\x01")
    wire.put(0x102, b"\x02")
    wire.clock.sleep_ms(5)
    assert [frame[0] for frame in receive_all(driver)] == [0x101, 0x102]
    assert driver.overruns == 0


def test_an_idle_interrupt_line_costs_no_transfer():
    wire, driver = make()
    before = wire.chip.transfers
    for _ in range(10):
        assert driver.recv() is None
    assert wire.chip.transfers == before


def test_the_interrupt_line_is_a_level_no_edge_can_be_lost():
    wire, driver = make()
    for number in range(200):
        wire.put(0x100 + number, bytes((number,)))
        if number % 3:
            wire.clock.sleep_ms(1)
        else:
            wire.clock.sleep_us(230)
        receive_all(driver)
    wire.clock.sleep_ms(1)
    receive_all(driver)
    assert wire.int_pin.value() == 1
    wire.put(0x123, b"")
    wire.clock.sleep_ms(1)
    assert driver.recv() is not None


def test_a_broken_interrupt_wire_makes_it_slow_and_not_deaf():
    wire, driver = make()
    wire.put(0x123, b"\x01")
    wire.clock.sleep_ms(1)
    wire.int_pin.level = 1
    assert any(driver.recv() is not None for _ in range(100))


def test_a_third_frame_is_lost_counted_and_does_not_stop_the_others():
    wire, driver = make()
    for number in range(5):
        wire.put(0x101 + number, b"\x01")
    wire.clock.sleep_ms(5)
    assert [frame[0] for frame in receive_all(driver)] == [0x101, 0x102]
    assert driver.overruns == 1
    for number in range(5):
        wire.put(0x201 + number, b"\x01")
    wire.clock.sleep_ms(5)
    receive_all(driver)
    assert driver.overruns == 2
    wire.put(0x123, b"\x01")
    wire.clock.sleep_ms(1)
    assert driver.recv() == (0x123, b"\x01", 0)


def test_filters_let_the_diagnostic_frames_through_alone():
    wire, driver = make()
    driver.set_filters((0x7E0, 0x7D0, 0x7F0), (0x18DA0000, 0x1FFE0000))
    for number in range(300):
        wire.put(0x100 + number, bytes(8))
    wire.put(0x7E8, b"\x01")
    wire.put(0x18DAF110, b"\x02", True)
    wire.clock.sleep_ms(200)
    assert [frame[0] for frame in receive_all(driver)] == [0x7E8, 0x18DAF110]
    for arbitration_id, extended, fits in (
        (0x7CF, False, False),
        (0x7DF, False, True),
        (0x7E0, False, True),
        (0x7EF, False, True),
        (0x7F0, False, False),
        (0x18DB33F1, True, True),
        (0x18DC0000, True, False),
        (0x7E8, True, False),
    ):
        wire.put(arbitration_id, b"", extended)
        wire.clock.sleep_ms(1)
        assert (len(receive_all(driver)) == 1) == fits, arbitration_id
    assert driver.overruns == 0
    driver.set_filters()
    wire.put(0x123, b"")
    wire.clock.sleep_ms(1)
    assert len(receive_all(driver)) == 1


def test_two_diagnostic_frames_back_to_back_fit_also_when_only_one_buffer_is_theirs():
    wire, driver = make()
    driver.set_filters((0x7E0, 0x7D0, 0x7F0), (0x18DA0000, 0x1FFE0000))
    wire.put(0x7E8, b"\x01")
    wire.put(0x7EA, b"\x02")
    wire.clock.sleep_ms(2)
    assert [frame[0] for frame in receive_all(driver)] == [0x7E8, 0x7EA]


def test_it_does_not_send_while_it_listens():
    wire, driver = make()
    raised(CanError, driver.send, 0x7DF, b"\x02\x01\x00")
    wire.clock.sleep_ms(5)
    assert wire.sent == []


def test_frames_leave_with_id_and_data():
    wire, driver = make()
    driver.mode(NORMAL)
    for arbitration_id, data, extended in (
        (0x7DF, b"\x02\x01\x0d\x00\x00\x00\x00\x00", False),
        (0x18DB33F1, b"\x02\x01\x0c", True),
        (0x7E0, b"", False),
    ):
        driver.send(arbitration_id, data, extended)
        wire.clock.sleep_ms(2)
        assert driver.read_sent() is True
        assert wire.sent.pop() == (arbitration_id, data, extended)


def test_a_second_frame_must_wait_for_the_first():
    wire, driver = make()
    driver.mode(ONE_SHOT)
    wire.chip.on_transmit = lambda frame: None  # the bus is not free
    driver.send(0x7DF, b"\x01")
    assert driver.read_sent() is None
    raised(CanError, driver.send, 0x7DF, b"\x02")


def test_one_shot_sends_once_and_says_that_it_was_lost():
    for outcome in ("lost", "error", "unacknowledged"):
        wire, driver = make()
        driver.mode(ONE_SHOT)
        attempts = []
        finish = wire.chip.on_transmit

        def on_transmit(frame, attempts=attempts, finish=finish):
            attempts.append(frame)
            finish(frame)

        wire.chip.on_transmit = on_transmit
        wire.outcome = outcome
        driver.send(0x7DF, b"\x01")
        wire.clock.sleep_ms(20)
        assert len(attempts) == 1
        assert driver.read_sent() is False
        wire.outcome = "acknowledged"
        driver.send(0x7DF, b"\x01")
        wire.clock.sleep_ms(5)
        assert driver.read_sent() is True


def test_the_error_counter_is_read():
    wire, driver = make()
    driver.mode(ONE_SHOT)
    wire.outcome = "error"
    for count in range(1, 4):
        driver.send(0x7DF, b"\x01")
        wire.clock.sleep_ms(5)
        assert driver.read_error_counters()[0] == 8 * count
    for _ in range(20):
        driver.send(0x7DF, b"\x01")
        wire.clock.sleep_ms(5)
    assert driver.state() in (mcp2515.ERROR_PASSIVE, mcp2515.BUS_OFF)


def test_broken_frames_are_counted_and_the_line_is_let_go():
    wire, driver = make()
    for count in range(1, 4):
        wire.chip.receive_error(wire.clock.now_us)
        assert driver.recv() is None
        assert driver.message_errors == count
        assert wire.int_pin.value() == 1


def test_another_bit_rate_is_only_errors():
    wire, driver = make(bit_rate=250_000)
    for _ in range(10):
        wire.put(0x123, b"\x01")
        wire.clock.sleep_ms(1)
        assert driver.recv() is None
    assert driver.message_errors == 10
    driver.set_bitrate(250_000)
    wire.put(0x123, b"\x01")
    wire.clock.sleep_ms(1)
    assert driver.recv() is not None


def test_a_chip_that_lost_its_supply_is_noticed_and_comes_back():
    wire, driver = make()
    wire.chip.power_off(wire.clock.now_us)
    assert not driver.verify()
    raised(CanError, driver.probe)
    wire.chip.power_on(wire.clock.now_us)
    assert not driver.verify()
    driver.probe()
    assert driver.verify()


def test_a_frame_that_is_too_long_is_refused():
    _, driver = make()
    driver.mode(NORMAL)
    raised(CanError, driver.send, 0x7DF, bytes(9))


def run(_folder):
    """Everything; returns how much."""
    return run_all(globals())


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
