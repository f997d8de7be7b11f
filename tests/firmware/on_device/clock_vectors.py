"""Short histories of the clock, and the clock on the model of its chip, under either Python. Prints `OK`.

Every history of two events is `tests/firmware/time`'s under CPython; here a slice that tells the same.
"""

import sys

from box.clock import CLOUD, KEPT, NONE, Clock
from box.drivers.rv3028 import RV3028
from chips.rv3028 import Rv3028
from support_chip_bench import Clock as Bench
from support_chip_bench import I2c, run_all
from support_clock_sweep import sweep

DAY = 86_400
# 2034-01-09T13:37:04: the board's small integers end; 2038-01-19: signed seconds since 1970;
# leap days of 2028 and 2096, and the last day that the chip can count.
MOMENTS = (2**30, 1_200_798_847, 888_364_799, 888_451_199, 3_034_281_599, 2**31, 3_155_759_000)


class Box:
    """A clock on the real driver and the model of its chip."""

    def __init__(self, drift_ppm=0):
        self.bench = Bench()
        self.chip = Rv3028(drift_ppm)
        self.chip.power_on(0)
        self.stored = None
        self.start()

    def start(self):
        """Power on."""
        driver = RV3028(I2c(self.bench, self.chip), sleep_ms=self.bench.sleep_ms)
        driver.ensure_backup()
        self.clock = Clock(self.bench.ticks_ms, driver, lambda: self.stored, self.save, None)

    def save(self, data):
        """Take the bound."""
        self.stored = data

    def lose_power(self, seconds):
        """Be without power for so long."""
        self.chip.power_off(self.bench.now_us)
        self.bench.sleep_ms(seconds * 1000)
        self.chip.power_on(self.bench.now_us)
        self.start()


def test_a_month_without_power_is_counted_by_the_chip_through_every_end_of_an_integer():
    for moment_s in MOMENTS:
        if moment_s + 30 * DAY >= 36_525 * DAY:
            continue
        box = Box()
        box.clock.set_from_cloud(moment_s - 5)
        box.clock.save_bound()
        box.lose_power(30 * DAY)
        assert box.clock.trust == KEPT
        assert 30 * DAY - 6 <= box.clock.now_s() - moment_s <= 30 * DAY, moment_s


def test_a_crystal_that_drifts_for_a_month_is_believed_and_one_without_a_battery_is_not():
    for drift_ppm in (-100, 100):
        box = Box(drift_ppm)
        box.clock.set_from_cloud(1_100_000_000)
        box.clock.save_bound()
        box.lose_power(30 * DAY)
        off_s = box.clock.now_s() - (1_100_000_000 + 30 * DAY)
        assert 255 <= abs(off_s) <= 263, off_s
        assert (off_s > 0) == (drift_ppm > 0)
        assert box.clock.set_from_gnss(1_100_000_000 + 30 * DAY)
    box.chip.backup_s = 0
    box.lose_power(DAY)
    assert box.clock.trust == NONE


def test_a_chip_whose_calendar_ends_does_not_end_the_clock():
    box = Box()
    for now_s in (3_155_759_990, 3_155_760_000, 2**32 - 1):
        assert box.clock.set_from_cloud(now_s)
        assert (box.clock.now_s(), box.clock.trust) == (now_s, CLOUD)


def run(_folder):
    """Everything; returns how much."""
    return run_all(globals()) + sweep(1)


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
