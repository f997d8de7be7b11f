"""What a badge may do, from the authorisations found for it and the time (pure).

`assess` answers one of the classes below; for `NOT` it also says why: the entries found for the badge decide,
so that a driver hears "too early" and not "unknown".
"""

from micropython import const

from ..protocols.authorisation import AUTHORISATION_ID, ENDS_AT, KIND, STARTS_AT
from ..protocols.codes import (
    AUTHORISATION_KIND_RESERVATION,
    AUTHORISATION_KIND_SERVICE,
    AUTHORISATION_KIND_STANDING,
    REFUSAL_CLOCK_UNKNOWN,
    REFUSAL_EXPIRED,
    REFUSAL_HELD_BY_ANOTHER,
    REFUSAL_RIGHTS_LAPSED,
    REFUSAL_TOO_EARLY,
    REFUSAL_TOO_LATE,
    REFUSAL_UNKNOWN_BADGE,
    REFUSAL_YIELDS_TO_RESERVATION,
)

NOT = const(0)
VALID = const(1)  # authorised now: a standing right, or a reservation in its early time
STARTED = const(2)  # authorised by a reservation that has started
SERVICE = const(3)
SESSION = const(4)  # the badge of the session
SEVERAL = const(5)  # more than one authorised card in the field


class Circumstances:
    """What besides its entries decides about a badge.

    `now_s` is None with an unknown time. `find_between(a, b)` gives the reservations that overlap `[a, b)`.
    `ended_id` is the authorisation whose session ended last (its holder gave the car back), `heard_s` when
    the cloud last spoke.
    """

    def __init__(self, now_s, settings, find_between, ended_id, heard_s):
        self.now_s = now_s
        self.settings = settings
        self.find_between = find_between
        self.ended_id = ended_id
        self.heard_s = heard_s

    def is_held(self, but_id):
        """Return whether a reservation other than `but_id` holds the car now.

        One that was given back, or whose driver did not come within `no_show_s`, holds nothing any more.
        """
        now_s = self.now_s
        for entry in self.find_between(now_s, now_s + 1):
            if (
                entry[AUTHORISATION_ID] not in (but_id, self.ended_id)
                and now_s < entry[STARTS_AT] + self.settings.no_show_s
            ):
                return True
        return False

    def find_due_soon(self):
        """Return the next reservation that starts before the gap a walk-up must leave is over, or None."""
        now_s = self.now_s
        for entry in self.find_between(now_s, now_s + self.settings.walkup_gap_s):
            if entry[STARTS_AT] > now_s:
                return entry
        return None


def assess(entries, around):
    """Return `(class, entry or None, refusal or 0)` of the badge that `entries` belong to;

    `around` is `Circumstances`.
    """
    now_s = around.now_s
    for entry in entries:
        if entry[KIND] == AUTHORISATION_KIND_SERVICE and (
            now_s is None or entry[STARTS_AT] <= now_s < entry[ENDS_AT]
        ):
            return SERVICE, entry, 0
    if not entries:
        return NOT, None, REFUSAL_UNKNOWN_BADGE
    if now_s is None:
        return NOT, None, REFUSAL_CLOCK_UNKNOWN
    early = None
    refusal = REFUSAL_EXPIRED
    for entry in entries:
        if entry[KIND] != AUTHORISATION_KIND_RESERVATION:
            continue
        if entry[STARTS_AT] <= now_s < entry[ENDS_AT]:
            return STARTED, entry, 0
        if entry[STARTS_AT] > now_s:
            refusal = REFUSAL_TOO_EARLY
            if now_s >= entry[STARTS_AT] - around.settings.early_s:
                early = entry
        elif refusal == REFUSAL_EXPIRED:
            refusal = REFUSAL_TOO_LATE
    if early:
        if not around.is_held(early[AUTHORISATION_ID]):
            return VALID, early, 0
        refusal = REFUSAL_HELD_BY_ANOTHER
    return _assess_standing(entries, around, refusal)


def _assess_standing(entries, around, refusal):
    now_s = around.now_s
    for entry in entries:
        if entry[KIND] != AUTHORISATION_KIND_STANDING or not entry[STARTS_AT] <= now_s < entry[ENDS_AT]:
            continue
        if now_s - around.heard_s > around.settings.standing_offline_s:
            refusal = REFUSAL_RIGHTS_LAPSED
        elif around.is_held(0):
            refusal = REFUSAL_HELD_BY_ANOTHER
        else:
            due = around.find_due_soon()
            if due is None:
                return VALID, entry, 0
            for own in entries:  # the gap is left for others: one's own reservation begins at once
                if own[AUTHORISATION_ID] == due[AUTHORISATION_ID] and own[KIND] == due[KIND]:
                    return VALID, own, 0
            refusal = REFUSAL_YIELDS_TO_RESERVATION
    return NOT, None, refusal
