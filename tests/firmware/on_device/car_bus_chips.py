"""Polling of a car over the controller's model within S5, under either Python. Prints `OK <tests>`."""

import sys

from box.drivers.can_gate import BARRED, CLEAN_FRAMES, LISTENING, MAX_TEC, POLLING
from box.drivers.car_bus import CarBus
from box.drivers.mcp2515 import LISTEN_ONLY, ONE_SHOT, CanError
from box.protocols import isotp
from support_can_bench import VIN, Unit, Wire, bitmap, petrol_answers
from support_chip_bench import raised, run_all

STEP_MS = 10


class Car:
    """The box's bus task and the car around it."""

    def __init__(self, answers=None, step_ms=STEP_MS, **unit):
        self.wire = Wire()
        self.wire.driver.probe()
        self.unit = Unit(self.wire, petrol_answers() if answers is None else answers, **unit)
        self.bus = CarBus(self.wire.driver, self.wire.clock.ticks_ms, self.wire.clock.ticks_diff)
        self._step_ms = step_ms
        self._longest_us = 0
        self.steps = 0

    def run(self, ms, kl15_on=True):
        """Step for so long, and rest as the bus task does."""
        until_us = self.wire.clock.now_us + 1000 * ms
        while self.wire.clock.now_us < until_us:
            started_us = self.wire.clock.now_us
            self.bus.step(kl15_on)
            self._longest_us = max(self._longest_us, self.wire.clock.now_us - started_us)
            self.steps += 1
            self.wire.clock.sleep_ms(max(self.bus.get_rest_ms() if kl15_on else 0, self._step_ms))
        return self

    def start(self, ms=3000):
        """Ignition on, with the traffic of a car that wakes up, and time to look around."""
        self.wire.chatter(3 * CLEAN_FRAMES)
        return self.run(ms)

    @property
    def longest_ms(self):
        """The longest step."""
        return self._longest_us / 1000

    def count(self, service, pid):
        """How often the unit was asked."""
        return self.unit.requests.count((service, pid))


def test_all_that_the_car_tells_is_read():
    car = Car().start(4000)
    bus = car.bus
    assert bus.state == POLLING
    assert (bus.speed_kmh, bus.rpm) == (50, 750)
    assert abs(bus.fuel_percent - 50.196) < 0.001
    assert bus.odometer_hm == 111360
    assert bus.cleared_distance_km == 7168
    assert bus.vin == VIN.decode()
    assert bus.dtcs == [0x0133, 0xC100]
    assert bus.mil is True
    assert 1.5 < bus.fuel_ml_burnt < 4.5
    assert (bus.refused, bus.aborted, bus.invalid, bus.overruns) == (0, 0, 0, 0)


def test_nothing_is_known_before_it_was_told():
    bus = Car().bus
    for name in (
        "speed_kmh",
        "speed_at_ms",
        "rpm",
        "rpm_at_ms",
        "fuel_percent",
        "fuel_ml_burnt",
        "odometer_hm",
    ):
        assert getattr(bus, name) is None, name
    assert (bus.vin, bus.mil, bus.dtcs) == (None, None, None)


def test_speed_and_revolutions_come_about_five_times_a_second_the_rest_seldom():
    car = Car().start()
    before = len(car.unit.requests)
    car.run(20_000)
    asked = car.unit.requests[before:]
    assert 85 <= asked.count((1, 0x0D)) <= 102
    assert 85 <= asked.count((1, 0x0C)) <= 102
    assert 17 <= asked.count((1, 0x5E)) <= 21
    assert 3 <= asked.count((1, 0xA6)) <= 5
    assert 1 <= asked.count((1, 0x2F)) <= 3
    assert asked.count((9, 2)) == asked.count((3, None)) == 0


def test_no_step_is_long_and_steps_of_20_ms_are_enough():
    car = Car(step_ms=20).start(5000)
    assert car.longest_ms < 20
    assert car.bus.vin == VIN.decode()
    before = car.count(1, 0x0D)
    car.run(10_000)
    assert 40 <= car.count(1, 0x0D) - before <= 51


def test_nothing_is_done_while_nothing_is_due():
    car = Car().start(5000)
    steps, asked = car.steps, car.count(1, 0x0D) + car.count(1, 0x0C)
    car.run(10_000)
    assert car.count(1, 0x0D) + car.count(1, 0x0C) - asked >= 90
    assert car.steps - steps <= 500


def test_a_bus_that_may_not_be_asked_is_looked_at_seldom():
    car = Car().start(5000)
    car.wire.put(0x7DF, b"\x02\x01\x0d\x00\x00\x00\x00\x00")
    car.run(100)
    assert car.bus.state == BARRED
    steps = car.steps
    car.run(10_000)
    assert car.steps - steps <= 210


def test_a_busy_bus_loses_no_diagnostic_frame():
    car = Car(step_ms=20)
    car.wire.chatter(1600 * 7, 625)  # 1,600 frames a second
    car.run(7000)
    assert car.bus.vin == VIN.decode()
    assert car.bus.dtcs == [0x0133, 0xC100]
    assert (car.bus.overruns, car.bus.aborted) == (0, 0)
    assert car.count(1, 0x0D) >= 15


def test_the_answer_of_29_bits_is_found_too():
    car = Car(request_id=0x18DA10F1, answer_id=0x18DAF110, extended=True).start(6000)
    assert car.bus.speed_kmh == 50
    assert car.bus.vin == VIN.decode()
    assert all(arbitration_id == 0x18DA10F1 for arbitration_id, _ in car.unit.flow_controls)


def test_two_units_are_asked_each_for_what_it_supports():
    car = Car(
        {
            (1, 0x00): b"\x41\x00" + bitmap(0x01, 0x0C),
            (1, 0x01): b"\x41\x01\x00\x00\x00\x00",
            (1, 0x0C): b"\x41\x0c\x0b\xb8",
            (3, None): b"\x43\x01\x01\x33",
        }
    )
    other = Unit(
        car.wire,
        {
            (1, 0x00): b"\x41\x00" + bitmap(0x0D),
            (1, 0x0D): b"\x41\x0d\x07",
            (3, None): b"\x43\x01\xc1\x00",
            (9, 0x02): b"\x49\x02\x01" + VIN,
        },
        request_id=0x7E2,
        answer_id=0x7EA,
    )
    car.start(5000)
    assert (car.bus.rpm, car.bus.speed_kmh) == (750, 7)
    assert car.bus.dtcs == [0x0133, 0xC100]
    assert (1, 0x0D) not in car.unit.requests
    assert (1, 0x0C) not in other.requests


def test_a_unit_that_says_pending_is_waited_for():
    answers = petrol_answers()
    answers[(9, 0x02)] = (b"\x7f\x09\x78",)
    car = Car(answers).start(800)
    car.unit.requests.clear()
    started_ms = car.wire.clock.ticks_ms()
    assert car.bus.vin is None
    while (9, 0x02) not in car.unit.requests and car.wire.clock.ticks_ms() - started_ms < 8000:
        car.run(20)
    car.run(2000)
    car.unit._send(b"\x49\x02\x01" + VIN)
    car.run(300)
    assert car.bus.vin == VIN.decode()


def test_a_unit_that_is_busy_is_asked_again_soon():
    answers = petrol_answers()
    answers[(1, 0x2F)] = [b"\x7f\x01\x21", b"\x41\x2f\xff"]
    car = Car(answers).start(4000)
    assert car.bus.fuel_percent == 100
    assert car.count(1, 0x2F) == 2


def test_a_unit_that_refuses_a_pid_is_not_asked_for_it_again():
    for code in (0x11, 0x12, 0x31):
        answers = petrol_answers()
        answers[(1, 0x5E)] = bytes((0x7F, 0x01, code))
        car = Car(answers).start(6000)
        assert car.count(1, 0x5E) == 1, code
        assert car.bus.fuel_ml_burnt is None
        assert car.bus.speed_kmh == 50


def test_a_car_without_vin_or_codes_is_asked_three_times_at_most():
    answers = petrol_answers()
    del answers[(9, 0x02)], answers[(3, None)]
    car = Car(answers).start(8000)
    assert (car.count(9, 2), car.count(3, None)) == (3, 3)
    assert (car.bus.vin, car.bus.dtcs) == (None, None)
    assert car.bus.speed_kmh == 50


def test_no_answer_is_not_a_speed_of_zero():
    answers = petrol_answers()
    answers[(1, 0x0D)] = [b"\x41\x0d\x32"]
    car = Car(answers).start(4000)
    at_ms = car.bus.speed_at_ms
    car.run(1000)
    assert car.bus.speed_kmh == 50
    assert car.bus.speed_at_ms == at_ms
    assert car.bus.rpm_at_ms > at_ms


def test_the_ignition_s_end_ends_what_moved_but_not_what_was_known():
    car = Car().start(4000)
    car.run(50, kl15_on=False)
    assert (car.bus.speed_kmh, car.bus.rpm) == (None, None)
    assert car.bus.odometer_hm == 111360
    assert car.bus.vin == VIN.decode()


def test_a_damaged_answer_changes_nothing_and_is_counted():
    answers = petrol_answers()
    answers[(1, 0x0D)] = b"\x41\x0d"
    car = Car(answers).start(3000)
    assert car.bus.speed_kmh is None
    assert car.bus.invalid > 0


def test_an_answer_that_stops_in_the_middle_is_asked_for_again():
    answers = petrol_answers()
    car = Car(answers)
    hear = car.unit._go_on
    stops = [True]

    def go_on(flow_control):
        if stops and car.unit.requests[-1] == (9, 0x02):
            stops.pop()
            car.unit._rest = b""
        else:
            hear(flow_control)

    car.unit._go_on = go_on
    car.start(6000)
    assert car.bus.vin == VIN.decode()
    assert car.bus.aborted == 1


# --- S5 ---


def test_not_a_frame_leaves_before_50_clean_ones_were_heard():
    for frames in (0, 1, CLEAN_FRAMES - 1):
        car = Car()
        car.run(20)
        car.wire.chatter(frames, 12_000)
        car.run(2000)
        assert car.bus.state == LISTENING
        assert car.wire.sent == []
        assert car.wire.driver.mode() == LISTEN_ONLY
    car = Car()
    car.run(20)
    car.wire.chatter(CLEAN_FRAMES, 12_000)
    car.run(2000)
    assert car.bus.state == POLLING
    assert car.wire.sent
    assert car.wire.driver.mode() == ONE_SHOT


def test_a_sleeping_car_is_never_woken():
    car = Car()
    car.wire.chatter(500)
    car.run(3000, kl15_on=False)
    assert car.wire.sent == []
    car = Car().start()
    sent = len(car.wire.sent)
    car.run(5000, kl15_on=False)
    assert len(car.wire.sent) == sent
    assert car.wire.driver.mode() == LISTEN_ONLY


def test_a_broken_frame_begins_the_count_anew():
    car = Car()
    car.wire.chatter(CLEAN_FRAMES - 5)
    car.run(200)
    car.wire.chip.receive_error(car.wire.clock.now_us)
    car.wire.chatter(CLEAN_FRAMES - 5)
    car.run(500)
    assert car.bus.state == LISTENING
    assert car.wire.sent == []


def test_a_bus_at_another_bit_rate_is_found_without_a_word():
    car = Car()
    car.wire.bit_rate = 250_000
    car.wire.chatter(1000)
    car.run(6000)
    assert car.bus.state == POLLING
    assert car.bus.speed_kmh == 50


def test_a_foreign_tester_silences_us_until_the_next_ignition():
    for arbitration_id, extended in (
        (0x7DF, False),
        (0x7E0, False),
        (0x7E7, False),
        (0x18DB33F1, True),
        (0x18DA10F1, True),
        (0x18DAFFF1, True),
    ):
        for is_polling in (False, True):
            car = Car()
            car.wire.chatter(CLEAN_FRAMES + 10 if is_polling else 10)
            car.run(1000)
            car.unit.answers = {}
            car.wire.put(arbitration_id, b"\x02\x01\x0d\x00\x00\x00\x00\x00", extended)
            car.run(100)
            sent = len(car.wire.sent)
            assert car.bus.state == BARRED, (arbitration_id, is_polling)
            assert car.bus.barred_by == "tester"
            assert car.wire.driver.mode() == LISTEN_ONLY
            car.wire.chatter(200)
            car.run(2000)
            assert len(car.wire.sent) == sent
            car.run(100, kl15_on=False)
            car.start(1000)
            assert car.bus.state == POLLING
            assert len(car.wire.sent) > sent


def test_errors_of_our_own_silence_us_until_the_next_ignition():
    car = Car().start(1000)
    car.wire.outcome = "error"
    tec = []
    for _ in range(300):
        car.run(10)
        tec.append(car.wire.chip.tec)
    assert car.bus.state == BARRED
    assert car.bus.barred_by == "errors"
    assert max(tec) <= MAX_TEC + 8
    car.wire.outcome = "acknowledged"
    sent = len(car.wire.sent)
    car.wire.chatter(200)
    car.run(2000)
    assert len(car.wire.sent) == sent


def test_a_lost_arbitration_is_no_error_and_the_poll_goes_on():
    car = Car().start(2000)
    car.wire.outcome = "lost"
    car.run(500)
    car.wire.outcome = "acknowledged"
    at_ms = car.bus.speed_at_ms
    car.run(500)
    assert car.bus.state == POLLING
    assert car.bus.speed_at_ms > at_ms


def test_flow_control_goes_to_the_physical_id_of_the_unit_that_answers_us():
    car = Car().start(4000)
    assert car.unit.flow_controls
    assert {arbitration_id for arbitration_id, _ in car.unit.flow_controls} == {0x7E0}
    flow_controls = [sent for sent in car.wire.sent if sent[1][0] >> 4 == 3]
    assert all(arbitration_id == 0x7E0 for arbitration_id, _, _ in flow_controls)


def test_a_first_frame_that_nobody_asked_for_gets_no_flow_control():
    car = Car().start(4000)
    car.unit.answers = {}
    count = len([sent for sent in car.wire.sent if sent[1][0] >> 4 == 3])
    for unit in range(8):
        car.wire.put(0x7E8 + unit, bytes.fromhex("1014490201564631"))
        car.run(100)
    # 7E8 is the unit that is being polled, so it may be taken for the answer; the others may not.
    sent = [frame for frame in car.wire.sent if frame[1][0] >> 4 == 3][count:]
    assert {arbitration_id for arbitration_id, _, _ in sent} <= {0x7E0}


def test_a_chip_that_was_reset_is_an_error_then_listens_anew():
    car = Car().start(2000)
    car.wire.chip.power_off(car.wire.clock.now_us)
    car.wire.chip.power_on(car.wire.clock.now_us)
    raised(CanError, car.run, 2000)
    sent = len(car.wire.sent)
    car.wire.driver.probe()
    car.run(500)
    assert car.bus.state == LISTENING
    assert len(car.wire.sent) == sent
    car.start(2000)
    assert car.bus.state == POLLING
    assert isotp.get_physical_id(0x7E8) == 0x7E0


def run(_folder):
    """Everything; returns how much."""
    return run_all(globals())


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
