"""The interlock's rules a second time, from what was seen and when, and courses of sightings to hold them to.

Runs under either Python. Nothing here knows how the firmware counts: `History` keeps each sighting with its
instant, and `may_inhibit` reads S2 and S3 off it. `slack_ms` asks for more than the rules do of each limit:
the box looks each 100 ms, so what holds with slack must be believed, and what does not hold without must not.
"""

from box.access.evidence import Evidence
from box.access.interlock import PULSE, Inputs, decide
from box.protocols import codes

STILL_S, FRESH_MS, GAP_MS, UNREFUTED_MS = 10, 2_000, 2_000, 60_000
BEGIN_MS = -72_000  # of a course; it ends at 0
TICK_MS = 100
_FINE = ((-61_000, -59_000), (-13_500, 0))  # around the limits each tick, elsewhere each second
LOUD_MG = 200


class History:
    """What was seen, oldest first, as (instant, value): `kl15` on or off, `shaken` and `fast` per reading."""

    def __init__(self):
        self.kl15 = []
        self.shaken = []
        self.fast = []
        self.signs = []
        self.wheels = []

    def may_inhibit(self, now_ms, after_badge, slack_ms=0):
        """Return whether S2 and S3 permit *inhibit*, whatever relay and battery say."""
        off_ms = self._compute_off_ms(now_ms)
        if off_ms is None or off_ms < (3_000 if after_badge else 60_000) + slack_ms:
            return False
        for at_ms in self.signs:
            if now_ms - at_ms < STILL_S * 1000 + slack_ms:
                return False
        if self.wheels:
            at_ms, speed_kmh = self.wheels[-1]
            if speed_kmh > 0 and now_ms - at_ms < UNREFUTED_MS + slack_ms:
                return False
        return _is_proof(self.shaken, now_ms, slack_ms) or _is_proof(self.fast, now_ms, slack_ms)

    def _compute_off_ms(self, now_ms):
        since_ms = None
        for at_ms, on in self.kl15:
            if on:
                since_ms = None
            elif since_ms is None:
                since_ms = at_ms
        return None if since_ms is None else now_ms - since_ms


def _is_proof(readings, now_ms, slack_ms):
    """Ten seconds of readings without one that moved and without a gap, the last of them fresh."""
    if not readings or now_ms - readings[-1][0] > FRESH_MS - slack_ms:
        return False
    first_ms = last_ms = None
    for at_ms, moved in readings:
        if moved:
            first_ms = None
        elif first_ms is None or at_ms - last_ms > GAP_MS - slack_ms:
            first_ms = at_ms
        last_ms = at_ms
    return first_ms is not None and last_ms - first_ms >= STILL_S * 1000 + slack_ms


# --- courses: each axis is a tuple of scripts; an instant in ms before the question at 0 -------------------

# (the ignition goes off at, a blip of on at or None); None: never read; 0: on until the end
IGNITION = tuple([(at, None) for at in (None, 0, -2_900, -3_000, -3_100, -59_900, -60_000, -60_100, -70_000)])
IGNITION += tuple([(-70_000, at) for at in (-2_800, -3_200, -59_800, -60_200)])
# (period, first reading, last reading, moved at or None)
NEVER = None
ACCELEROMETER = (NEVER, (100, -70_000, 0, None))
ACCELEROMETER += tuple([(100, at, 0, None) for at in (-9_700, -9_900, -10_000, -10_100, -10_300)])
ACCELEROMETER += tuple([(100, -70_000, at, None) for at in (-1_800, -1_900, -2_000, -2_100, -2_200, -5_000)])
ACCELEROMETER += tuple([(100, at, -1_900, None) for at in (-10_000, -11_800, -12_000, -12_300)])
ACCELEROMETER += tuple(
    [(100, -70_000, 0, at) for at in (0, -5_000, -9_900, -10_000, -10_100, -10_300, -11_000)]
)
ACCELEROMETER += ((1_900, -70_000, 0, None), (2_100, -70_000, 0, None), (100, -70_000, -1_900, -10_100))
FIXES = (NEVER, (1_000, -70_000, 0, None))
FIXES += tuple([(1_000, at, 0, None) for at in (-9_000, -10_000, -11_000)])
FIXES += tuple([(1_000, -70_000, at, None) for at in (-1_000, -2_000, -3_000)])
FIXES += tuple([(1_000, -70_000, 0, at) for at in (0, -5_000, -10_000, -11_000, -12_000)])
FIXES += ((1_900, -70_000, 0, None), (2_100, -70_000, 0, None), (1_000, -11_500, -1_800, None))
# (wheel speed seen at, in km/h, then 0 seen at), (engine speed seen at), (knock at); any may be None
SIGNS = ((None, None, None),)
SIGNS += tuple([((at, 1, None), None, None) for at in (0, -5_000, -9_950, -10_200, -59_900, -60_200)])
SIGNS += (
    ((-20_000, 50, -19_000), None, None),
    ((-9_000, 50, -8_000), None, None),
    ((-200, 0, 0), None, None),
)
SIGNS += tuple([(None, at, None) for at in (0, -9_950, -10_200)])
SIGNS += tuple([(None, None, at) for at in (0, -9_950, -10_200, -11_000)])
OFFSET_FIX_MS, OFFSET_SIGN_MS = 30, 70  # other tasks look between the ticks


def iterate_courses(stride=1, first=0):
    """Yield (ignition, accelerometer, fixes, signs): all pairs of proofs under all signs with the ignition
    long off, and all ignitions under all signs with one proof each way; every `stride`-th of them.
    """
    number = first
    for ignition in IGNITION:
        for accelerometer, fixes in ((NEVER, FIXES[1]), (ACCELEROMETER[1], NEVER), (NEVER, NEVER)):
            for signs in SIGNS:
                number += 1
                if number % stride == 0:
                    yield ignition, accelerometer, fixes, signs
    for accelerometer in ACCELEROMETER:
        for fixes in FIXES:
            for signs in SIGNS:
                number += 1
                if number % stride == 0:
                    yield (-70_000, None), accelerometer, fixes, signs


def _is_due(script, at_ms):
    if script is NEVER or not script[1] <= at_ms <= script[2]:
        return False
    return (at_ms - script[2]) % script[0] == 0


def play(course, make_evidence=Evidence, stall_ms=0, stall_end_ms=0):
    """Return `(evidence, history)` at the end of a course. During a stall the box does not look at all but
    for what other tasks saw, which is taken at its end.
    """
    ignition, accelerometer, fixes, signs = course
    evidence, history = make_evidence(), History()
    wheel, engine_at_ms, knock_at_ms = signs
    slow_accelerometer = NEVER if accelerometer is NEVER or accelerometer[0] == TICK_MS else accelerometer
    last_ms = at_ms = BEGIN_MS
    while at_ms <= 0:
        is_fine = any(first <= at_ms <= last for first, last in _FINE)
        stalled = stall_end_ms - stall_ms <= at_ms < stall_end_ms
        if (is_fine or at_ms % 1_000 == 0 or _is_due(slow_accelerometer, at_ms)) and not stalled:
            evidence.advance(at_ms - last_ms)
            last_ms = at_ms
            off_at_ms, blip_at_ms = ignition
            if off_at_ms is not None:
                on = at_ms < off_at_ms or off_at_ms == 0 or at_ms == blip_at_ms
                evidence.note_ignition(on)
                history.kl15.append((at_ms, on))
            if _is_due(accelerometer, at_ms):
                moved = at_ms == accelerometer[3]
                evidence.note_accelerometer(LOUD_MG if moved else 0, 0, 1000)
                _note(history, history.shaken, at_ms, moved)
        _note_others(evidence, history, at_ms, fixes, wheel, engine_at_ms, knock_at_ms)
        at_ms += TICK_MS
    return evidence, history


def _note(history, readings, at_ms, moved):
    readings.append((at_ms, moved))
    if moved:
        history.signs.append(at_ms)


def _note_others(evidence, history, at_ms, fixes, wheel, engine_at_ms, knock_at_ms):
    """What the other tasks see, between two ticks; at the question itself they are just in time."""
    seen_ms = min(at_ms + OFFSET_SIGN_MS, 0)
    if _is_due(fixes, at_ms):
        moved = at_ms == fixes[3]
        evidence.note_fix(4 if moved else 3)
        _note(history, history.fast, min(at_ms + OFFSET_FIX_MS, 0), moved)
    if wheel is not None and at_ms in (wheel[0], wheel[2]):
        speed_kmh = wheel[1] if at_ms == wheel[0] else 0
        evidence.note_speed(speed_kmh)
        history.wheels.append((seen_ms, speed_kmh))
        if speed_kmh:
            history.signs.append(seen_ms)
    if at_ms == engine_at_ms:
        evidence.note_rpm(800)
        history.signs.append(seen_ms)
    if at_ms == knock_at_ms:
        evidence.note_unrest()
        _note(history, history.shaken, seen_ms, True)


SLACK_MS = 250  # two ticks, and what other tasks see between them


def check_course(course, make_evidence=Evidence, rule=decide, stall=(0, 0)):
    """Return None, or what is wrong with the answers at the end of a course; four points of the space."""
    evidence, history = play(course, make_evidence, *stall)
    motion, age_ms, contradictory = evidence.assess()
    for after_badge in (False, True):
        for carried in (False, True):
            now = Inputs(
                codes.INTERLOCK_KIND_STARTER_WIRE,
                codes.CONTACT_ALLOW,
                12_600,
                evidence.kl15,
                evidence.kl15_off_ms,
                motion,
                age_ms,
                contradictory,
                carried,
            )
            pulses = rule(codes.CONTACT_INHIBIT, now, after_badge) is PULSE
            if pulses and (carried or not history.may_inhibit(0, after_badge)):
                return "pulsed", course, after_badge, carried
            if not pulses and not carried and history.may_inhibit(0, after_badge, SLACK_MS + stall[0]):
                return "not pulsed", course, after_badge, carried
    return None


POINTS_A_COURSE = 4


# --- the rule by itself, over all that it may be given -----------------------------------------------------

FOREVER_MS = 0x1FFFFFFF
ALLOW, INHIBIT = codes.CONTACT_ALLOW, codes.CONTACT_INHIBIT
SPACE = (
    (0, 1, 2, 3, 4, 255),  # kind: those of tomorrow too
    (ALLOW, INHIBIT),  # contact
    (None, 0, 8_899, 8_900, 8_999, 9_000, 9_001, 12_600, 16_000),  # mV
    (None, False, True),  # KL15
    (0, 2_999, 3_000, 3_001, 59_999, 60_000, 60_001, FOREVER_MS),  # off for
    (codes.MOTION_UNKNOWN, codes.MOTION_STILL, codes.MOTION_MOVING, 3, 255),
    (0, 1_999, 2_000, 2_001, 65_535, FOREVER_MS),  # ... how old
    (False, True),  # contradictory
    (False, True),  # carried
    (ALLOW, INHIBIT),  # wanted
    (False, True),  # after the session's badge
)


def iterate_product(space):
    """Yield every combination, one value of each tuple; MicroPython has no itertools."""
    indices = [0] * len(space)
    while True:
        yield [space[i][index] for i, index in enumerate(indices)]
        at = len(space) - 1
        while at >= 0 and indices[at] == len(space[at]) - 1:
            indices[at] = 0
            at -= 1
        if at < 0:
            return
        indices[at] += 1


def may_pulse(now, wanted, after_badge):
    """Return whether S2, S3, S7 let the relay be pulsed: S2's own words, value by value."""
    if now.kind == 0 or now.battery_mv is None or now.battery_mv < 9_000 or now.contact == wanted:
        return False
    if wanted == ALLOW:
        return True  # never needs a proof, nor to know how the relay is wired
    return (
        now.kind in (1, 2, 3)
        and now.kl15 is False
        and now.kl15_off_ms >= (3_000 if after_badge else 60_000)
        and now.motion == codes.MOTION_STILL
        and now.motion_age_ms <= 2_000
        and not now.contradictory
        and not now.carried
    )


def sweep_rule(rule=decide, stride=1):
    """Return `(points, first wrong one or None)` of every `stride`-th point of `SPACE`."""
    points = 0
    for number, values in enumerate(iterate_product(SPACE)):
        if number % stride:
            continue
        points += 1
        wanted, after_badge = values[9], values[10]
        now = Inputs(*values[:9])
        if (rule(wanted, now, after_badge) is PULSE) != may_pulse(now, wanted, after_badge):
            return points, values
    return points, None
