"""Every short history of a clock, held to what a clock must never do; runs under both Pythons.

A history is a start and a few events: satellites, the cloud, waiting, resets, a month without power, a new
battery. The rules it is held to know nothing of the clock's table: they compare with the true time and with
what the cloud said.
"""

from box import clock as clocks

DAY = 86_400
HOUR = 3_600
WEEK_ROLLOVER_S = 1024 * 7 * DAY
START_S = 1_100_000_000  # November 2034, past the small integers of the board


class WrongClockError(Exception):
    """A history after which the clock did what it must not."""


class Chip:
    """A clock chip with a backup cell: counts on as the truth does."""

    def __init__(self, world):
        self._world = world
        self.offset_s = None
        self.is_vouched = False

    def read(self):
        """Return what it holds."""
        if self.offset_s is None:
            return None
        return self._world.true_s + self.offset_s, self.is_vouched

    def write(self, time_s, is_vouched):
        """Set it."""
        if time_s >= 36_525 * DAY:
            raise ValueError("time")
        self.offset_s = time_s - self._world.true_s
        self.is_vouched = is_vouched


class World:
    """A box, the truth, and what its clock was told. `make` is the class of the clock."""

    def __init__(self, make=clocks.Clock):
        self._make = make
        self.ticks = 5_000
        self.true_s = START_S
        self.chip = Chip(self)
        self.stored = None
        self.word_off_s = None  # the cloud's last word, counted on, less the truth
        self.counted_bound_s = 0  # what it was when it was last looked at
        self.shown_s = None
        self.start()

    def start(self):
        """Power on."""
        self.clock = self._make(lambda: self.ticks, self.chip, lambda: self.stored, self.save, None)
        self.shown_s = None
        self.first_said = {}  # ticks, of each date, as minutes off the truth, since the start

    def save(self, data):
        """Take the bound; the box's flash."""
        self.stored = data

    def wait(self, seconds):
        """Let time pass, looking at the clock each hour as the box does more often."""
        while seconds > 0:
            step_s = min(seconds, HOUR)
            self.ticks += step_s * 1000
            self.true_s += step_s
            seconds -= step_s
            self.clock.keep_bound()
            self.clock.save_bound()
            self.check_shown()

    # --- what happens ---

    def hear_satellites(self, off_s):
        """Receive a date so far from the truth."""
        before, bound_s = self.clock.now_s(), self.clock.bound_s
        was_vouched = self.clock.is_vouched
        self.clock.set_from_gnss(self.true_s + off_s)
        if self.clock.bound_s > bound_s and not was_vouched:
            raise WrongClockError("satellites that nobody vouched for moved the bound")
        # A clock trimmed back as far as may be and then forward as far moves by two hours.
        has_moved = before is not None and abs(self.clock.now_s() - before) > 2 * HOUR
        said_ms = self.ticks - self.first_said.get((off_s + 30) // 60, self.ticks)
        if has_moved and (was_vouched or said_ms < 600_000):
            raise WrongClockError("one date moved the clock")
        self.first_said.setdefault((off_s + 30) // 60, self.ticks)

    def hear_cloud(self, off_s):
        """Receive the cloud's word, so far from the truth."""
        self.clock.set_from_cloud(self.true_s + off_s)
        self.word_off_s = off_s
        self.shown_s = None
        if self.clock.now_s() != self.true_s + off_s or self.clock.trust != clocks.CLOUD:
            raise WrongClockError("the cloud was not believed")
        if self.clock.bound_s != self.true_s + off_s:
            raise WrongClockError("the cloud did not set the bound")

    def lose_power(self, seconds, has_battery):
        """Be without power for so long, and start."""
        self.true_s += seconds
        if not has_battery:
            self.chip.offset_s = None
            self.chip.is_vouched = False
        self.start()
        now_s = self.clock.now_s()
        saved_s = int.from_bytes(self.stored[:4], "little") if self.stored else 0
        if now_s is not None and now_s < saved_s:
            raise WrongClockError("the clock starts before its bound")
        if not has_battery and self.clock.trust != clocks.NONE:
            raise WrongClockError("a time from nowhere")

    # --- what must hold ---

    def check_shown(self):
        """Hold the clock to what it must be at any moment."""
        clock, now_s = self.clock, self.clock.now_s()
        if (now_s is None) != (clock.trust == clocks.NONE):
            raise WrongClockError("a level without a time")
        if now_s is None:
            return
        if self.shown_s is not None and now_s < self.shown_s and clock.is_vouched:
            raise WrongClockError("time went back")
        self.shown_s = now_s
        if self.stored is not None and now_s > clock.bound_s + clocks.REACH_S + DAY:
            raise WrongClockError("further ahead than a box can have lain without power")
        if clock.is_vouched:
            self._check_vouched(now_s)
        said = self.chip.read()
        if said is not None and said[1] and said[0] != self.get_word_s():
            raise WrongClockError("the chip holds as the cloud's what the cloud has not said")

    def get_word_s(self):
        """Return what the cloud's word has become by counting."""
        if self.word_off_s is None:
            raise WrongClockError("vouched for by nobody")
        return self.true_s + self.word_off_s

    def _check_vouched(self, now_s):
        word_s = self.get_word_s()
        if abs(now_s - word_s) > HOUR:
            raise WrongClockError("satellites led the cloud's word away")
        if self.clock.bound_s > word_s + HOUR:
            raise WrongClockError("the bound leapt")
        if self.clock.trust != clocks.CLOUD and self.clock.bound_s > max(
            self.clock.cloud_s + DAY, self.counted_bound_s
        ):
            raise WrongClockError("the bound moved further than a day without the cloud")
        self.counted_bound_s = self.clock.bound_s

    def check_healing(self):
        """Let the forger go: twelve minutes of true satellites, then the cloud."""
        bound_s = self.clock.bound_s
        is_reachable = bound_s <= self.true_s <= bound_s + clocks.REACH_S or self.stored is None
        for _ in range(13):
            self.clock.set_from_gnss(self.true_s)
            self.ticks += 60_000
            self.true_s += 60
        now_s = self.clock.now_s()
        if is_reachable and not self.clock.is_vouched and (now_s is None or abs(now_s - self.true_s) > HOUR):
            raise WrongClockError("a forged date stayed")
        self.hear_cloud(0)
        self.clock.set_from_gnss(self.true_s + 30)
        if self.clock.now_s() != self.true_s:
            raise WrongClockError("the cloud's fresh word was moved")


OFFSETS = (
    0, HOUR, -HOUR, HOUR + 1, -HOUR - 1, 2 * HOUR, DAY, -DAY, 400 * DAY, 3650 * DAY,
    -WEEK_ROLLOVER_S, WEEK_ROLLOVER_S,
)  # fmt: skip
EVENTS = tuple(
    [(f"satellites {off_s}", World.hear_satellites, (off_s,)) for off_s in OFFSETS]
    + [(f"cloud {off_s}", World.hear_cloud, (off_s,)) for off_s in (0, -400 * DAY, 400 * DAY)]
    + [(f"wait {wait_s}", World.wait, (wait_s,)) for wait_s in (599, DAY)]
    + [
        ("reset", World.lose_power, (0, True)),
        ("month", World.lose_power, (30 * DAY, True)),
        ("month, new battery", World.lose_power, (30 * DAY, False)),
    ]
)


BEGINNINGS = (
    (),
    (("cloud", World.hear_cloud, (0,)), ("hour", World.wait, (HOUR,))),
    (
        ("cloud", World.hear_cloud, (0,)),
        ("two days", World.wait, (2 * DAY,)),
        ("satellites an hour ahead", World.hear_satellites, (HOUR,)),
        ("two hours", World.wait, (2 * HOUR,)),
    ),
    (
        ("cloud", World.hear_cloud, (0,)),
        ("hour", World.wait, (HOUR,)),
        ("reset", World.lose_power, (0, True)),
        ("satellites an hour ahead", World.hear_satellites, (HOUR,)),
        ("two hours", World.wait, (2 * HOUR,)),
    ),
    (
        ("satellites years ahead", World.hear_satellites, (900 * DAY,)),
        ("cloud", World.hear_cloud, (0,)),
        ("hour", World.wait, (HOUR,)),
        ("month, new battery", World.lose_power, (30 * DAY, False)),
        ("satellites years ahead", World.hear_satellites, (900 * DAY,)),
    ),
)


def play(events, make=clocks.Clock):
    """Play a history. Raises WrongClockError with it."""
    world = World(make)
    try:
        for _, happen, arguments in events:
            happen(world, *arguments)
            world.check_shown()
        world.check_healing()
    except WrongClockError as error:
        raise WrongClockError(f"{error}: {', '.join([event[0] for event in events])}") from error


def sweep(depth, make=clocks.Clock):
    """Play every history of that many events after each beginning; return how many.

    Raises WrongClockError.
    """
    count = len(EVENTS) ** depth
    for beginning in BEGINNINGS:
        for number in range(count):
            chosen = [EVENTS[number // len(EVENTS) ** place % len(EVENTS)] for place in range(depth)]
            play(list(beginning) + chosen, make)
    return count * len(BEGINNINGS)
