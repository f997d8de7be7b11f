"""Accelerometer, clock and receiver on the models of their chips, under either Python. Prints `OK`."""

import sys

from box.drivers.gnss import Gnss
from box.drivers.lis2dh12 import LIS2DH12, MOTION_MG, STALE_MS, AccelerometerError
from box.drivers.rv3028 import RV3028, ClockChipError, decode_s, encode_s
from chips.gnss_uart import GnssUart
from chips.lis2dh12 import Lis2dh12
from chips.rv3028 import Rv3028
from support_chip_bench import Clock, I2c, raised, run_all


def make_accelerometer():
    clock = Clock()
    chip = Lis2dh12()
    clock.chips.append(chip)
    chip.power_on(clock.now_us)
    driver = LIS2DH12(I2c(clock, chip), ticks_ms=clock.ticks_ms, ticks_diff=clock.ticks_diff)
    driver.configure()
    return clock, chip, driver


def test_acceleration_is_in_mg_with_its_sign():
    clock, chip, driver = make_accelerometer()
    for vector in ((0, 0, 1000), (-1000, 12, -3), (1999, -1999, 0)):
        chip.set_mg(vector[0], vector[1], vector[2], clock.now_us)
        clock.sleep_ms(1500)
        read = driver.read_mg()
        for axis in range(3):
            assert abs(read[axis] - vector[axis]) <= 2, (vector, read)


def test_ten_new_samples_come_each_second():
    clock, chip, driver = make_accelerometer()
    before = chip.samples
    clock.sleep_ms(2000)
    assert 19 <= chip.samples - before <= 21
    driver.read_mg()


def test_a_chip_that_stops_measuring_is_an_error_and_no_standstill():
    clock, _, driver = make_accelerometer()
    clock.sleep_ms(300)
    held = driver.read_mg()
    clock.sleep_ms(50)
    assert driver.read_mg() == held  # the next sample is not due yet
    driver._write(0x20, b"\x07")  # power-down, as a disturbance might do it
    clock.sleep_ms(200)
    driver.read_mg()
    clock.sleep_ms(STALE_MS + 100)
    raised(AccelerometerError, driver.read_mg)
    assert not driver.verify()
    driver.configure()
    clock.sleep_ms(300)
    driver.read_mg()


def test_a_knock_pulls_the_interrupt_until_it_is_read():
    clock, chip, driver = make_accelerometer()
    levels = []
    chip.on_int1 = levels.append
    clock.sleep_ms(3000)
    driver.read_motion()
    assert not driver.read_motion()
    chip.set_mg(0, 0, 1000 + 4 * MOTION_MG, clock.now_us)
    clock.sleep_ms(300)
    assert levels[-1] == 1
    chip.set_mg(0, 0, 1000, clock.now_us)
    clock.sleep_ms(3000)
    assert levels[-1] == 1
    assert driver.read_motion()
    assert levels[-1] == 0
    assert not driver.read_motion()


def test_a_missing_accelerometer_is_an_error():
    _, chip, driver = make_accelerometer()
    chip.is_dead = True
    for call in (driver.probe, driver.configure, driver.read_mg, driver.read_motion, driver.verify):
        raised(AccelerometerError, call)


def make_clock_chip():
    clock = Clock()
    chip = Rv3028()
    chip.power_on(clock.now_us)
    return clock, chip, RV3028(I2c(clock, chip), sleep_ms=clock.sleep_ms)


def test_a_clock_that_was_never_set_knows_no_time():
    _, _, driver = make_clock_chip()
    assert driver.read_s() is None


def test_a_clock_goes_on_from_what_it_was_set_to():
    for time_s in (0, 835_000_000, 1_073_741_824, 1_200_000_000, 3_155_759_999 - 100):
        clock, _, driver = make_clock_chip()
        driver.write(time_s, True)
        assert driver.read_s() == time_s
        clock.sleep_ms(61_000)
        assert driver.read_s() - time_s in (60, 61, 62)


def test_the_backup_keeps_the_time_only_once_it_is_switched_on():
    clock, chip, driver = make_clock_chip()
    driver.write(800_000_000, True)
    chip.power_off(clock.now_us)
    clock.sleep_ms(10_000)
    chip.power_on(clock.now_us)
    assert driver.read_s() is None
    assert driver.ensure_backup()
    assert not driver.ensure_backup()
    driver.write(800_000_000, True)
    chip.power_off(clock.now_us)
    clock.sleep_ms(100_000)
    chip.power_on(clock.now_us)
    assert driver.read_s() - 800_000_000 in (99, 100, 101)


def test_the_chip_keeps_whose_time_it_is():
    clock, chip, driver = make_clock_chip()
    driver.ensure_backup()
    for is_vouched in (True, False, True):
        driver.write(800_000_000, is_vouched)
        chip.power_off(clock.now_us)
        clock.sleep_ms(5_000)
        chip.power_on(clock.now_us)
        assert driver.read()[1] is is_vouched


def test_a_time_whose_setting_was_cut_off_anywhere_is_the_old_or_the_new_one_or_none():
    byte_count = 2 + 8 + 2 + 2
    found = []
    for cut in range(byte_count + 1):
        clock, chip, driver = make_clock_chip()
        driver.ensure_backup()
        driver.write(850_000_000, False)
        clock.sleep_ms(100)
        driver._i2c = CutI2c(driver._i2c, cut)
        try:
            driver.write(1_000_000_000, True)
        except ClockChipError:
            pass
        driver._i2c = driver._i2c.inner
        chip.power_off(clock.now_us)
        clock.sleep_ms(5_000)
        chip.power_on(clock.now_us)
        found.append(driver.read())
    kinds = [said and (said[0] // 100, said[1]) for said in found]
    assert set(kinds) == {(8_500_000, False), None, (10_000_000, True)}, kinds
    assert (kinds[0], kinds[-1]) == ((8_500_000, False), (10_000_000, True))
    assert kinds.count(None) == byte_count - 2


class CutI2c:
    """A bus that loses power after so many written bytes, register numbers counted."""

    def __init__(self, inner, left):
        self.inner = inner
        self._left = left

    def readfrom_mem(self, address, register, count):
        return self.inner.readfrom_mem(address, register, count)

    def writeto_mem(self, address, register, values):
        whole = self._left >= len(values) + 1
        part = values if whole else values[: max(self._left - 1, 0)]
        self._left -= len(values) + 1
        if part:
            self.inner.writeto_mem(address, register, part)
        if not whole:
            raise OSError(5)


def test_a_clock_chip_that_is_missing_is_an_error():
    _, chip, driver = make_clock_chip()
    chip.is_dead = True
    raised(ClockChipError, driver.read_s)
    raised(ClockChipError, driver.write, 1, True)
    raised(ClockChipError, driver.ensure_backup)


def test_registers_that_hold_no_date_are_no_time():
    good = bytearray(encode_s(900_000_000))
    assert decode_s(good) == 900_000_000
    for index, value in (
        (0, 0x60),
        (1, 0x5A),
        (2, 0x24),
        (4, 0x00),
        (4, 0x32),
        (5, 0x13),
        (5, 0x00),
        (6, 0xA0),
    ):
        bad = bytearray(good)
        bad[index] = value
        assert decode_s(bad) is None, (index, value)
    leap = bytearray(encode_s(0))
    leap[4], leap[5] = 0x29, 0x02
    assert decode_s(leap) == 59 * 86400
    leap[6] = 0x23
    assert decode_s(leap) is None


def test_times_outside_the_century_are_refused():
    raised(ValueError, encode_s, -1)
    raised(ValueError, encode_s, 36525 * 86400)
    assert decode_s(encode_s(36525 * 86400 - 1)) == 36525 * 86400 - 1


class Uart:
    """The port before the receiver's line."""

    def __init__(self, clock, line):
        self._clock = clock
        self._line = line
        self._held = b""

    def read(self, count):
        self._held += self._line.take(self._clock.now_us)
        data, self._held = self._held[:count], self._held[count:]
        return data or None


def sentence(body):
    sum_ = 0
    for byte in body.encode():
        sum_ ^= byte
    return f"${body}*{sum_:02X}\r\n".encode()


def second(at):
    time = f"1200{at:02d}"
    return (
        sentence(f"GNRMC,{time},A,4717.1140,N,00210.5000,W,10.0,90.0,210926,,,A")
        + sentence("GNVTG,90.0,T,,M,10.0,N,18.5,K,A")
        + sentence(f"GNGGA,{time},4717.1140,N,00210.5000,W,1,08,0.9,12.0,M,49.0,M,,")
    )


def make_receiver():
    clock = Clock()
    line = GnssUart()
    driver = Gnss(Uart(clock, line), ticks_ms=clock.ticks_ms, ticks_diff=clock.ticks_diff)
    return clock, line, driver


def test_a_fix_a_second_at_the_speed_of_the_line():
    clock, line, driver = make_receiver()
    fixes = []
    for at in range(5):
        line.feed(second(at), clock.now_us)
        for _ in range(10):
            clock.sleep_ms(100)
            fix = driver.poll()
            if fix is not None:
                fixes.append(fix)
    assert [fix.time_ms for fix in fixes] == [43_200_000 + 1000 * at for at in range(5)]
    assert fixes[0].lat_e7 == 472852333
    assert fixes[0].lon_e7 == -21750000
    assert abs(fixes[0].speed_kmh - 18.52) < 0.001
    assert (driver.accepted, driver.rejected) == (15, 0)


def test_a_receiver_with_one_kind_of_sentence_gives_its_fix_in_the_pause():
    clock, line, driver = make_receiver()
    line.feed(sentence("GPRMC,120000,A,4717.1140,N,00210.5000,W,0.0,,210926,,,A"), clock.now_us)
    fixes = []
    for _ in range(6):
        clock.sleep_ms(100)
        fixes.append(driver.poll())
    assert [fix.time_ms for fix in fixes if fix is not None] == [43_200_000]


def test_a_line_full_of_noise_is_read_in_bounded_portions():
    class Noise:
        def __init__(self):
            self.reads = 0

        def read(self, count):
            self.reads += 1
            return b"\xff$" * (count // 2)

    noise = Noise()
    clock = Clock()
    driver = Gnss(noise, ticks_ms=clock.ticks_ms, ticks_diff=clock.ticks_diff)
    assert driver.poll() is None
    assert noise.reads <= 16


def run(_folder):
    """Everything; returns how much."""
    return run_all(globals())


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
