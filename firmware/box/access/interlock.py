"""The interlock relay: who may move it, when, and what it answered (S1-S4, S7, S8).

`decide` is pure and holds the rules; `Interlock.set` is the one function that writes the relay. The relay
latches and interrupts the *next start* only: neither a reset nor a dead box changes it, and it can stop no
engine.

*Allow* needs nothing but 9 V. *Inhibit* needs KL15 off for long enough **and** one positive, fresh proof of
standstill that nothing contradicts. Silence proves nothing. The contact is believed, never the pulse.
"""

from micropython import const

from ..config import IGNITION_OFF_BADGE_MS, IGNITION_OFF_MS, PROOF_MAX_AGE_MS, PULSE_MIN_MV, RELAY_TRIES
from ..protocols.codes import (
    CONTACT_ALLOW,
    CONTACT_INHIBIT,
    FAULT_PARKED_NOT_INHIBITED,
    FAULT_RELAY_CONTACT_DISAGREES,
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
    if now.battery_mv is None or now.battery_mv < PULSE_MIN_MV:  # S7
        return RELAY_OUTCOME_BATTERY_LOW
    if wanted == CONTACT_ALLOW:
        return PULSE
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
        self._wait_ms = 0
        self._parked_ms = 0
        self._busy = False
        self.carried = False  # told by the access machine

    def read_contact(self):
        """Return `CONTACT_ALLOW` or `CONTACT_INHIBIT` as the feedback contact says."""
        return self._relay.read_contact()

    def _read(self):
        evidence = self._evidence
        motion, age_ms, contradictory = evidence.assess()
        return Inputs(
            self._settings.interlock_kind,
            self._relay.read_contact(),
            self._read_battery_mv(),
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
        if (
            self._busy
        ):  # a pulse is under way; its caller reads the contact, and the target is looked at again in 100 ms
            return RELAY_OUTCOME_ALREADY
        self._busy = True
        try:
            now = self._read()
            outcome = decide(wanted, now, after_badge)
            tries = 0
            while outcome is PULSE:
                await (self._relay.pulse_allow() if wanted == CONTACT_ALLOW else self._relay.pulse_inhibit())
                tries += 1
                if self._relay.read_contact() == wanted:
                    outcome = RELAY_OUTCOME_DONE
                elif tries >= RELAY_TRIES:
                    outcome = RELAY_OUTCOME_CONTACT_DISAGREES
                else:
                    now = self._read()
                    outcome = decide(wanted, now, after_badge)
        finally:
            self._busy = False
        self._tell(wanted, source, outcome, now, session, is_request)
        return outcome

    def _tell(self, wanted, source, outcome, now, session, is_request):
        contact = self._relay.read_contact()
        if outcome == RELAY_OUTCOME_CONTACT_DISAGREES:
            self._wait_ms = _AGAIN_MS
            self._faults.set(FAULT_RELAY_CONTACT_DISAGREES, wanted)
        elif contact == wanted:
            self._wait_ms = 0
            self._faults.clear(FAULT_RELAY_CONTACT_DISAGREES, True)
        said = (wanted, source, outcome)
        if said == self._said and not is_request and outcome != RELAY_OUTCOME_DONE:
            return
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
            min(now.battery_mv or 0, 0xFFFF),
            session,
        )

    async def hold(self, target, source, after_badge, session, dt_ms):
        """Keep the relay at the target of the state, from fresh evidence; called every tick.

        `target` None leaves the relay alone. A contact that reads inhibit against an allow target was moved
        by a shock.
        """
        if self._settings.interlock_kind == INTERLOCK_KIND_NONE or target is None:
            self._parked_ms = 0
            self._faults.clear(FAULT_PARKED_NOT_INHIBITED, True)
            return
        contact = self._relay.read_contact()
        self._watch_parked(target == CONTACT_INHIBIT and contact != CONTACT_INHIBIT, dt_ms)
        if contact == target:
            if self._said and self._said[0] != target:
                self._said = None
            self._faults.clear(FAULT_RELAY_CONTACT_DISAGREES, True)
            return
        if self._wait_ms > 0:
            self._wait_ms -= dt_ms
            return
        if target == CONTACT_ALLOW:
            source = RELAY_SOURCE_SHOCK
        await self.set(target, source, after_badge, session, False)

    def _watch_parked(self, is_open, dt_ms):
        if not is_open:
            self._parked_ms = 0
            self._faults.clear(FAULT_PARKED_NOT_INHIBITED, True)
        elif self._parked_ms < _NOT_INHIBITED_MS:
            self._parked_ms += dt_ms
        else:
            self._faults.set(FAULT_PARKED_NOT_INHIBITED)
