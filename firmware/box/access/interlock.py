"""The interlock relay: who may move it, when, and what it answered (S1-S4, S7, S8).

`decide` is pure and holds the rules; `Interlock.set` is the one function that writes the relay. The relay
latches and interrupts the *next start* only: neither a reset nor a dead box changes it, and it can stop no
engine.

*Allow* needs nothing but 9 V. *Inhibit* needs KL15 off for long enough **and** one positive, fresh proof of
standstill that nothing contradicts. Silence proves nothing. The contact is believed, never the pulse: what
it says is the outcome. But a contact can lie (its wire broken it reads allow), so whoever asks for *allow*
gets the pulse also where it reads allow already: that harms nobody, and nobody is left before a car that does
not start.
"""

import asyncio

from micropython import const

from ..config import IGNITION_OFF_BADGE_MS, IGNITION_OFF_MS, PROOF_MAX_AGE_MS, PULSE_MIN_MV, RELAY_TRIES
from ..protocols.codes import (
    CONTACT_ALLOW,
    CONTACT_INHIBIT,
    FAULT_PARKED_NOT_INHIBITED,
    FAULT_RELAY_CONTACT_DISAGREES,
    INTERLOCK_KIND_FOB_SUPPLY,
    INTERLOCK_KIND_NONE,
    MOTION_MOVING,
    MOTION_STILL,
    RECORD_RELAY,
    RELAY_OUTCOME_ALREADY,
    RELAY_OUTCOME_BATTERY_LOW,
    RELAY_OUTCOME_CONTACT_DISAGREES,
    RELAY_OUTCOME_CONTRADICTION,
    RELAY_OUTCOME_DONE,
    RELAY_OUTCOME_NO_PROOF,
    RELAY_OUTCOME_NOT_FITTED,
    RELAY_OUTCOME_VETOED_IGNITION,
    RELAY_OUTCOME_VETOED_MOTION,
    RELAY_SOURCE_SHOCK,
)

PULSE = None  # what `decide` answers when the relay is to be pulsed
_AGAIN_MS = const(60_000)  # a relay that did not follow three pulses is tried again no sooner
# ... and for inhibit later and later, at most each 64 minutes: a parked car's coils carry no current.
_MAX_DOUBLINGS = const(6)
_STEADY_MS = const(60_000)  # a contact that has stood this long where it should has come to rest
# Answers to re-evaluations that change are journalled: so many at once, then one an hour. A car parked in
# the wind must not fill the ring.
_TELL_AT_ONCE = const(8)
_TELL_EACH_MS = const(3_600_000)
_NOT_INHIBITED_MS = const(300_000)  # parked this long without reaching inhibit is worth telling


class Inputs:
    """Everything a decision about the relay rests on, as plain values."""

    def __init__(
        self, kind, contact, battery_mv, kl15, kl15_off_ms, motion, motion_age_ms, contradictory, carried
    ):
        self.kind = kind
        self.contact = contact
        self.battery_mv = battery_mv
        self.kl15 = kl15
        self.kl15_off_ms = kl15_off_ms
        self.motion = motion
        self.motion_age_ms = motion_age_ms
        self.contradictory = contradictory
        self.carried = carried


def decide(wanted, now, after_badge):
    """Return the outcome of wanting `CONTACT_ALLOW` or `CONTACT_INHIBIT`, or `PULSE`.

    `now` is an `Inputs`; `after_badge` says that the session's badge was just read, which shortens the time
    KL15 must be off.
    """
    if now.kind == INTERLOCK_KIND_NONE:
        return RELAY_OUTCOME_NOT_FITTED
    if now.contact == wanted:
        return RELAY_OUTCOME_ALREADY
    if not _is_powered(now):  # S7
        return RELAY_OUTCOME_BATTERY_LOW
    if wanted == CONTACT_ALLOW:
        return PULSE
    if now.kind > INTERLOCK_KIND_FOB_SUPPLY:  # wired in a way this firmware does not know
        return RELAY_OUTCOME_NOT_FITTED
    needed_ms = IGNITION_OFF_BADGE_MS if after_badge else IGNITION_OFF_MS
    if now.kl15 is not False or now.kl15_off_ms < needed_ms:  # S2; unknown is not off
        return RELAY_OUTCOME_VETOED_IGNITION
    if now.contradictory:  # S3
        return RELAY_OUTCOME_CONTRADICTION
    if now.motion == MOTION_MOVING or now.carried:
        return RELAY_OUTCOME_VETOED_MOTION
    if now.motion != MOTION_STILL or now.motion_age_ms > PROOF_MAX_AGE_MS:
        return RELAY_OUTCOME_NO_PROOF
    return PULSE


class Interlock:
    """The relay of one car.

    `write(kind, *values)` journals; `faults` is the register; `read_battery_mv()` reads the 12 V.
    """

    def __init__(self, relay, evidence, settings, faults, write, read_battery_mv):
        self._relay = relay
        self._evidence = evidence
        self._settings = settings
        self._faults = faults
        self._write = write
        self._read_battery_mv = read_battery_mv
        self._said = None  # the last (wanted, source, outcome) told: re-evaluation repeats nothing
        self._tell_ms = _TELL_AT_ONCE * _TELL_EACH_MS
        self._wait_ms = 0
        self._doublings = 0
        self._repairs = 0  # of a contact that was at the target and left it, since it last came to rest
        self._steady_ms = 0
        self._has_answered = False  # whether the contact followed the last pulse that it had to follow
        self._held = None  # (target, contact) of the last tick
        self._parked_ms = 0
        self._turn = asyncio.Lock()
        self.carried = False  # told by the access machine

    def read_contact(self):
        """Return `CONTACT_ALLOW` or `CONTACT_INHIBIT` as the feedback contact says."""
        return self._relay.read_contact()

    def _read(self):
        evidence = self._evidence
        motion, age_ms, contradictory = evidence.assess()
        try:
            battery_mv = self._read_battery_mv()
        except OSError:
            battery_mv = None
        return Inputs(
            self._settings.interlock_kind,
            self._relay.read_contact(),
            battery_mv,
            evidence.kl15,
            evidence.kl15_off_ms,
            motion,
            age_ms,
            contradictory,
            self.carried,
        )

    async def set(self, wanted, source, after_badge=False, session=0, is_request=True):
        """Bring the relay to `wanted` if the rules allow it now; return a `RELAY_OUTCOME_` code.

        Evaluated once, on evidence read in this call and again before each of the three tries, and then
        dropped. With `is_request` False (the box re-evaluates its own target) an answer that was already
        journalled is not journalled again.
        """
        async with self._turn:  # whoever comes during a pulse is judged after it
            now = self._read()
            contact = now.contact
            outcome = decide(wanted, now, after_badge)
            tries = 0
            while outcome is PULSE:
                await self._pulse(wanted)
                tries += 1
                after = self._read()
                contact = after.contact
                self._has_answered = contact == wanted
                if contact == wanted:
                    outcome = RELAY_OUTCOME_DONE  # and `now` is what it was decided on
                else:
                    now = after
                    outcome = decide(wanted, now, after_badge)
                    if outcome is PULSE and tries >= RELAY_TRIES:
                        outcome = RELAY_OUTCOME_CONTACT_DISAGREES
            if (
                outcome == RELAY_OUTCOME_ALREADY
                and wanted == CONTACT_ALLOW
                and is_request
                and _is_powered(now)
            ):
                await self._pulse(wanted)
                contact = self._relay.read_contact()
                if contact != wanted:
                    self._has_answered = False
                    outcome = RELAY_OUTCOME_CONTACT_DISAGREES
            if outcome == RELAY_OUTCOME_CONTACT_DISAGREES:
                self._give_up(wanted)
            elif contact == wanted and self._repairs <= RELAY_TRIES:
                self._wait_ms = 0
            self._tell(wanted, source, outcome, contact, now, session, is_request or tries > 0)
        return outcome

    async def _pulse(self, wanted):
        if wanted == CONTACT_ALLOW:
            await self._relay.pulse_allow()
        else:
            await self._relay.pulse_inhibit()

    def _tell(self, wanted, source, outcome, contact, now, session, always):
        said = (wanted, source, outcome)
        if not always:
            if said == self._said or self._tell_ms < _TELL_EACH_MS:
                return
            self._tell_ms -= _TELL_EACH_MS
        self._said = said
        kl15 = 2 if now.kl15 is None else int(now.kl15)
        self._write(
            RECORD_RELAY,
            wanted,
            outcome,
            contact,
            now.motion,
            min(now.motion_age_ms, 0xFFFF),
            source,
            kl15,
            now.kl15_off_ms,
            now.battery_mv or 0,
            session,
        )

    def _give_up(self, wanted):
        """The contact does not do what it is told: say so, and leave the relay alone for a while."""
        self._faults.set(FAULT_RELAY_CONTACT_DISAGREES, wanted)
        self._wait_ms = _AGAIN_MS << self._doublings
        if wanted == CONTACT_INHIBIT:
            self._doublings = min(self._doublings + 1, _MAX_DOUBLINGS)

    async def hold(self, target, source, after_badge, session, dt_ms):
        """Keep the relay at the target of the state, from fresh evidence; called every tick.

        A contact that leaves an allow target by itself was moved by a shock; one that leaves its target again
        and again is a fault. A fault ends when a pulse was answered and the contact has come to rest.
        """
        self._tell_ms = min(self._tell_ms + dt_ms, _TELL_AT_ONCE * _TELL_EACH_MS)
        if self._settings.interlock_kind == INTERLOCK_KIND_NONE:
            self._watch_parked(False, dt_ms)
            self._faults.clear(FAULT_RELAY_CONTACT_DISAGREES, True)
            return
        contact = self._relay.read_contact()
        held, self._held = self._held, (target, contact)
        self._watch_parked(target == CONTACT_INHIBIT and contact != CONTACT_INHIBIT, dt_ms)
        if held is not None and held[0] != target:
            self._wait_ms = self._doublings = self._repairs = self._steady_ms = 0
            self._tell_ms = _TELL_AT_ONCE * _TELL_EACH_MS
        if contact == target:
            self._rest(dt_ms)
            return
        self._steady_ms = 0
        if held == (target, target):
            self._repairs += 1
        if self._wait_ms > 0:
            self._wait_ms -= dt_ms
            return
        if self._repairs > 0 and target == CONTACT_ALLOW:
            source = RELAY_SOURCE_SHOCK
        if self._repairs > RELAY_TRIES:
            self._give_up(target)  # it is pulsed this once, and then left alone
        await self.set(target, source, after_badge, session, False)

    def _rest(self, dt_ms):
        """The contact is where it should be."""
        self._steady_ms += dt_ms
        if self._steady_ms >= _STEADY_MS:
            self._repairs = self._doublings = 0
            if self._has_answered:
                self._faults.clear(FAULT_RELAY_CONTACT_DISAGREES, True)

    def _watch_parked(self, is_open, dt_ms):
        if not is_open:
            self._parked_ms = 0
            self._faults.clear(FAULT_PARKED_NOT_INHIBITED, True)
        elif self._parked_ms < _NOT_INHIBITED_MS:
            self._parked_ms += dt_ms
        else:
            self._faults.set(FAULT_PARKED_NOT_INHIBITED)


def _is_powered(now):
    return now.battery_mv is not None and now.battery_mv >= PULSE_MIN_MV
