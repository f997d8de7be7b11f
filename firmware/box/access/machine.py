"""The deciding machine:

an event and the facts in, a decision out. Pure; it reads `table.TABLE` and nothing else.
"""

from micropython import const

from ..config import IGNITION_OFF_MS, KL15_OFF_TAKEOVER_MS
from ..protocols.codes import (
    AUTHORISATION_KIND_SERVICE,
    CONTACT_ALLOW,
    CONTACT_INHIBIT,
    MOTION_STILL,
    REFUSAL_RANDOM_UID,
    RELAY_SOURCE_PARKED,
    RELAY_SOURCE_SERVICE,
    RELAY_SOURCE_SESSION,
    STATE_DRIVING,
    STATE_ENDING,
    STATE_OPEN,
    STATE_PARKED,
    STATE_STOPOVER,
)
from . import rights, table
from .places import ELSEWHERE, UNKNOWN
from .table import LETTERS, REFUSALS

_STOPPED_MS = const(2_000)  # KL15 flickers while some cars crank; a stop shorter than this is none


class Facts:
    """All that a decision rests on, as plain values;

    unknown is None. `derive` makes the words that the table uses of them. One object serves all decisions:
    made ten times a second, its 60 attributes would be most of the garbage on the heap.
    """

    def __init__(self):
        self.clear()

    def clear(self):
        """Back to what nothing is known of."""
        self.state = STATE_PARKED
        self.badge_class = rights.NOT
        self.refusal = 0
        # the car
        self.kl15 = None
        self.kl15_off_ms = 0
        self.is_running = False  # a fresh wheel or engine speed is above 0
        self.motion = 0
        self.standing = False  # driving, and yet nothing turns or moves: the ignition was left on
        self.contact = CONTACT_ALLOW
        self.door_open = False
        self.key_missing = False
        self.battery_low = False
        self.carries = False
        self.carried = False
        self.carried_over = False
        self.moved = False
        # the session
        self.session_kind = 0
        self.allowed_place = 0
        self.place = UNKNOWN
        self.locked = False
        self.settled = True
        self.insisted = False
        self.service_here = False
        self.deadline = False
        self.past_end = False
        self.unused = False
        self.left_unlocked = False
        # the box
        self.garage = False
        self.garage_over = False
        self.alarmed = False
        self.bag = False
        self.bag_opened = False
        self.journal_full = False
        self.link_may_answer = False
        self.asked = False
        self.unanswered = False
        # a command
        self.same_authorisation = False
        self.no_argument = False

    def derive(self):
        """Compute the words of the table from the values above; return self."""
        badge_class = self.badge_class
        self.several = badge_class == rights.SEVERAL
        self.service = badge_class == rights.SERVICE
        self.session_badge = badge_class == rights.SESSION
        self.started = badge_class == rights.STARTED
        self.valid = badge_class in (rights.VALID, rights.STARTED)
        self.may_start = self.valid or self.service
        self.can_ask = self.link_may_answer and self.refusal != REFUSAL_RANDOM_UID
        self.ignition_on = self.kl15 is True
        self.ignition_off = self.kl15 is False
        self.ignition_off_minute = self.ignition_off and self.kl15_off_ms >= IGNITION_OFF_MS
        self.ignition_off_long = self.ignition_off and self.kl15_off_ms >= KL15_OFF_TAKEOVER_MS
        self.driven = self.ignition_on or self.is_running
        # The ignition alone drives nothing while the interlock holds the starter: a thief in a stopover must
        # not get it released.
        self.driven_off = self.is_running or (self.ignition_on and self.contact != CONTACT_INHIBIT)
        self.stopped = self.ignition_off and self.kl15_off_ms >= _STOPPED_MS and not self.is_running
        self.still = self.motion == MOTION_STILL and not self.carried
        self.service_session = self.session_kind == AUTHORISATION_KIND_SERVICE
        self.elsewhere = not self.service_session and is_elsewhere(self.place, self.allowed_place)
        self.forgotten = (
            self.past_end
            and self.ignition_off
            and self.place != UNKNOWN
            and not is_elsewhere(self.place, self.allowed_place)
        )
        return self


def is_elsewhere(place, allowed_place):
    """Return whether the place is known and not one where the session may end;

    0 allows any place of the settings.
    """
    return place == ELSEWHERE or (allowed_place != 0 and place not in (UNKNOWN, allowed_place))


class Decision:
    """What the first matching row says:

    `row` its name, `state` the next one, `effects`, `signal`, and the `refusal` or 0.
    """

    def __init__(self, row, state, effects, signal, refusal):
        self.row = row
        self.state = state
        self.effects = effects
        self.signal = signal
        self.refusal = refusal


def _holds(guards, facts):
    for guard in guards:
        if guard[0] == "!":
            if getattr(facts, guard[1:]):
                return False
        elif not getattr(facts, guard):
            return False
    return True


# Names, states and guards of the rows for "tick": asked ten times a second, and nearly always none matches.
_TICKS = tuple([(row[0], row[1], row[3]) for row in table.iterate("tick")])


def _find_tick(facts):
    """Return the name of the first row for "tick" that matches, or None: the table is not taken apart."""
    letter = LETTERS[facts.state]
    for name, states, guards in _TICKS:
        if (states == "*" or letter in states) and _holds(guards, facts):
            return name
    return None


def _decide(row, facts):
    name, _, _, _, following, effects, signal = row
    refusal = 0
    if signal == "?":
        refusal = facts.refusal
        signal = REFUSALS[refusal]
    elif signal[0] == "!":
        signal = signal[1:]
        refusal = REFUSALS.index(signal)
    state = facts.state if following == "=" else LETTERS.index(following)
    return Decision(name, state, effects, signal, refusal)


def handle(event, facts, rows=None):
    """Return the `Decision` of the first row that matches derived `facts`, or None: nothing is to be done.

    `rows` replaces the table, in tests of the tests.
    """
    if rows is None and event == "tick":
        name = _find_tick(facts)
        if name is None:
            return None
        (row,) = [row for row in table.iterate(event) if row[0] == name]
        return _decide(row, facts)
    letter = LETTERS[facts.state]
    for row in rows or table.iterate(event):
        if (row[1] == "*" or letter in row[1]) and event in row[2] and _holds(row[3], facts):
            return _decide(row, facts)
    return None


def choose_target(state, garage, service_here):
    """Return `(target, source)` of the relay in a state: what the box holds it at from fresh evidence."""
    if state in (STATE_OPEN, STATE_DRIVING):
        return CONTACT_ALLOW, RELAY_SOURCE_SESSION
    if state == STATE_STOPOVER and service_here:
        return CONTACT_ALLOW, RELAY_SOURCE_SERVICE
    if state in (STATE_STOPOVER, STATE_ENDING):
        return CONTACT_INHIBIT, RELAY_SOURCE_SESSION
    if garage:
        return CONTACT_ALLOW, RELAY_SOURCE_SERVICE
    return CONTACT_INHIBIT, RELAY_SOURCE_PARKED
