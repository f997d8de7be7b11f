"""A box's clock with its chip, ticks and storage in the test's hands."""

from box.clock import Clock

NOW = 1_100_000_000
DAY = 86_400


class Chip:
    """A clock chip that holds `seconds`, None if its battery was empty; it counts only when told to."""

    def __init__(self, seconds=None, is_dead=False, is_vouched=True):
        self.seconds = seconds
        self.is_dead = is_dead
        self.is_vouched = is_vouched
        self.writes = 0

    def read(self):
        if self.is_dead:
            raise OSError(19)
        return None if self.seconds is None else (self.seconds, self.is_vouched)

    def write(self, seconds, is_vouched):
        if self.is_dead:
            raise OSError(19)
        if seconds >= 36_525 * DAY:
            raise ValueError("time")
        self.seconds = seconds
        self.is_vouched = is_vouched
        self.writes += 1


class World:
    """A box with a clock; without a chip, one that does not answer."""

    def __init__(self, chip=None):
        self.ticks = 12_345
        self.chip = chip or Chip(is_dead=True)
        self.stored = None
        self.saves = 0
        self.chip_errors = 0
        self.start()

    def start(self):
        self.clock = Clock(lambda: self.ticks, self.chip, lambda: self.stored, self.save, self.on_chip_error)

    def save(self, data):
        self.stored = data
        self.saves += 1

    def on_chip_error(self):
        self.chip_errors += 1

    def wait(self, seconds):
        self.ticks += seconds * 1000
