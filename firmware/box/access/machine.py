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
        self.can_ask = (
            self.link_may_answer and badge_class == rights.NOT and self.refusal != REFUSAL_RANDOM_UID
        )
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
            and not self.is_running
            and not self.door_open
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


# States and guards of the rows for "tick": asked ten times a second, and nearly always nothing is to be done.
_TICK_GUARDS = tuple([(row[1], row[3]) for row in table.iterate("tick")])


def _may_tick(letter, facts):
    """Return whether any row for "tick" matches; only then is it worth taking the table apart."""
    for states, guards in _TICK_GUARDS:
        if (states == "*" or letter in states) and _holds(guards, facts):
            return True
    return False


def handle(event, facts, rows=None):
    """Return the `Decision` of the first row that matches derived `facts`, or None: nothing is to be done.

    `rows` replaces the table, in tests of the tests.
    """
    letter = LETTERS[facts.state]
    if rows is None:
        if event == "tick" and not _may_tick(letter, facts):
            return None
        rows = table.iterate(event)
    for name, states, events, guards, following, effects, signal in rows:
        if (states == "*" or letter in states) and event in events and _holds(guards, facts):
            refusal = 0
            if signal == "?":
                refusal = facts.refusal
                signal = REFUSALS[refusal] if refusal < len(REFUSALS) else REFUSALS[1]
            elif signal[0] == "!":
                signal = signal[1:]
                refusal = REFUSALS.index(signal)
            state = facts.state if following == "=" else LETTERS.index(following)
            return Decision(name, state, effects, signal, refusal)
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
