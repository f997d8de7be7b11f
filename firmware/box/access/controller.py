"""The access controller: gathers the facts, asks the machine, carries its decisions out; one event at a time.

`app` ticks it every 100 ms and brings it the taps, the cloud's commands and its answers. It owns the session;
what it needs of the layers below and above comes in as objects and callables.
"""

import asyncio

from micropython import const

from ..config import (
    ASK_MS,
    INSIST_MS,
    INSIST_TAPS,
    OPEN_FOR_S,
    PROOF_MAX_AGE_MS,
    SESSION_SAVE_S,
    TAKE_BACK_MS,
)
from ..protocols.authorisation import AUTHORISATION_ID, ENDS_AT, KIND
from ..protocols.codes import (
    AUTHORISATION_KIND_RESERVATION,
    COMMAND_RESULT_DONE,
    COMMAND_RESULT_EXPIRED,
    COMMAND_RESULT_REFUSED,
    COMMAND_RESULT_UNKNOWN,
    MOTION_STILL,
    RECORD_COMMAND,
    REFUSAL_CLOCK_UNKNOWN,
    REFUSAL_EXPIRED,
    REFUSAL_RANDOM_UID,
    REFUSAL_UNKNOWN_BADGE,
    STATE_ASKING,
    STATE_DRIVING,
    STATE_ENDING,
    STATE_PARKED,
    STATE_STOPOVER,
    VIA_COMMAND,
)
from . import rights
from .effects import Cause, Effects
from .hand import choose
from .machine import Facts, choose_target, handle
from .table import COMMANDS, REFUSALS

_RELOCK_MS = const(60_000)  # a parked car left unlocked is locked this long after its doors were shut
_FORGOTTEN_MS = ASK_MS + 2_000  # the link failed at the question: nobody waits for ever
_AFTER_BADGE_MS = const(60_000)  # as long as S2's short ignition time is good for after the session's badge
_REMEMBERED = const(8)  # commands whose results are told again when the cloud repeats itself


class Access:
    """The controller of one car."""

    def __init__(self, parts, hooks):
        self._parts = parts
        self._hooks = hooks
        self._session = parts.session
        self.effects = Effects(parts, hooks.save, hooks.play, hooks.battery_mv)
        self._lock = asyncio.Lock()
        now_ms = parts.clock.uptime_ms()
        self._effect_at_ms = now_ms  # a badge still held after a reset undoes nothing
        self._answered_at_ms = None
        self._rights_version = None  # whatever came before a reset is looked at again
        self._state_at_ms = now_ms
        self._badge_at_ms = None
        self._shut_at_ms = now_ms
        self._looked_at_ms = now_ms
        self._saved_at_ms = now_ms
        self._ended_at_s = None  # uptime, for the bag while the time is unknown
        self._insisting = []
        self._used = True  # whether somebody made use of a remote opening; unknown after a reset: yes
        self._alarmed = False
        self._results = []  # (command_id, result, reason)
        self.unknown_badges = 0
        # The power may have gone between the snapshot and the pulse that locks.
        self._is_lock_unsure = parts.session.state in (STATE_STOPOVER, STATE_ENDING)
        if self._is_lock_unsure:
            parts.session.is_locked = None
        self._facts = Facts()
        parts.interlock.carried = parts.session.carried
        parts.whereabouts.place = parts.session.place
        parts.whereabouts.travelled_m = parts.session.travelled_m

    # --- facts
    # -----------------------------------------------------------------------------------------------------

    def _gather(self, cause):
        parts, session = self._parts, self._session
        evidence = parts.evidence
        now_ms = parts.clock.uptime_ms()
        facts = self._facts  # nobody else decides: the lock is held
        facts.clear()
        facts.state = session.state
        facts.kl15 = evidence.kl15
        facts.kl15_off_ms = evidence.kl15_off_ms
        facts.is_running = evidence.is_running()
        facts.motion = evidence.assess()[0]
        facts.standing = facts.motion == MOTION_STILL or (
            evidence.speed_kmh == 0 and evidence.speed_age_ms <= PROOF_MAX_AGE_MS
        )
        facts.contact = parts.interlock.read_contact()
        facts.door_open = parts.inputs.door_open
        facts.key_missing = self.effects.is_key_missing()
        facts.battery_low = self._hooks.is_battery_low()
        facts.carries = evidence.is_carried()
        facts.carried = session.carried
        facts.carried_over = evidence.kl15 is True or evidence.is_settled()
        facts.moved = facts.carries or facts.is_running
        facts.session_kind = session.kind
        facts.allowed_place = session.allowed_place
        facts.place = parts.whereabouts.get_place()
        facts.locked = session.is_locked is True
        facts.settled = now_ms - self._effect_at_ms >= TAKE_BACK_MS
        facts.service_here = session.is_service_here
        facts.garage = session.garage
        facts.alarmed = self._alarmed
        facts.bag_opened = self.effects.bag_opened
        facts.journal_full = parts.journal.vital_full
        self._gather_times(facts, cause, now_ms)
        return facts

    def _gather_times(self, facts, cause, now_ms):
        session, settings, now_s = self._session, self._parts.settings, self._parts.clock.now_s()
        in_state_ms = now_ms - self._state_at_ms
        facts.deadline = in_state_ms >= settings.ending_s * 1000 or (
            now_s is not None and session.deadline_s != 0 and now_s >= session.deadline_s
        )
        facts.past_end = (
            now_s is not None and session.ends_s != 0 and now_s >= session.ends_s + settings.forgotten_s
        )
        facts.unused = (
            session.via == VIA_COMMAND
            and not self._used
            and facts.kl15 is False
            and in_state_ms >= OPEN_FOR_S * 1000
        )
        facts.left_unlocked = (
            (session.is_locked is False or self._is_lock_unsure)
            and now_ms - self._shut_at_ms >= _RELOCK_MS
            and not session.garage  # who works on it has no badge
            and not session.is_service_here
        )
        if now_s is not None:
            self.effects.count_garage_from(now_s)
        facts.garage_over = now_s is not None and now_s >= session.garage_until_s
        if cause is not None:
            facts.bag = self.effects.is_bag_time(cause.badge, self._compute_ended_ago_s(now_s))
            facts.insisted = self._count_insisting(now_ms) >= INSIST_TAPS - 1
            facts.asked = self._is_asking_about(cause.badge)
            facts.link_may_answer = self._hooks.link_may_answer()
            facts.same_authorisation = cause.argument == session.authorisation_id
            facts.no_argument = cause.argument == 0

    def _compute_ended_ago_s(self, now_s):
        if self._ended_at_s is not None:
            return self._parts.clock.uptime_s() - self._ended_at_s
        if now_s is not None:
            return now_s - self._session.last_ended_s
        return None

    def _count_insisting(self, now_ms):
        self._insisting = [at_ms for at_ms in self._insisting if now_ms - at_ms < INSIST_MS]
        return len(self._insisting)

    # --- badges
    # ----------------------------------------------------------------------------------------------------

    def classify(self, badge):
        """Return `(class, entry, refusal)` of a badge in the present state."""
        parts, session = self._parts, self._session
        if badge == session.badge:
            return rights.SESSION, None, 0
        entries = parts.authorisations.find(badge)
        for entry in entries:
            if (
                entry[KIND] == AUTHORISATION_KIND_RESERVATION
                and entry[AUTHORISATION_ID] == session.authorisation_id
            ):
                return rights.SESSION, entry, 0
        given_back = (
            session.authorisation_id if session.state == STATE_ENDING else session.last_authorisation_id
        )
        around = rights.Circumstances(
            parts.clock.now_s(),
            parts.settings,
            parts.authorisations.reservations_between,
            given_back,
            parts.clock.cloud_s,
        )
        return rights.assess(entries, around)

    async def tap(self, new, field):
        """Take cards newly held to the reader; `new` and `field` (all cards now in the field) are lists of
        `(badge, is_random)`. The box acts only if exactly one right is held to it.
        """
        async with self._lock:
            await self._step(None)  # the state catches up with the ignition first
            if self._session.state == STATE_DRIVING:
                await self._tap_while_driving(new)
                return
            badge, badge_class, entry, refusal = self._choose(new, field)
            if badge is None:
                return
            known = refusal not in (REFUSAL_UNKNOWN_BADGE, REFUSAL_RANDOM_UID)
            await self._decide("badge", Cause(badge, entry, is_known=known), badge_class, refusal)

    async def _tap_while_driving(self, new):
        badge, badge_class = new[0][0], rights.NOT
        for card, _ in new:
            if self.classify(card)[0] == rights.SESSION:
                badge, badge_class = card, rights.SESSION
        known = badge_class == rights.SESSION or bool(self._parts.authorisations.find(badge))
        await self._decide("badge", Cause(badge, is_known=known), badge_class, None)

    def _choose(self, new, field):
        """Return `(badge, class, entry, refusal)` of the card to answer; badge None: it has been answered.

        Cards that come within `TAKE_BACK_MS` of an answer are one hand with those that lie there; later, one
        that was left behind the windscreen no longer counts.
        """
        now_ms = self._parts.clock.uptime_ms()
        if self._answered_at_ms is None or now_ms - self._answered_at_ms >= TAKE_BACK_MS:
            field = new
        self._answered_at_ms = now_ms
        return choose(new, field, self.classify, self._badge_only_unlocks())

    def _badge_only_unlocks(self):
        """Return whether the session's badge does nothing but open here: then it always does (S8)."""
        session = self._session
        return session.state in (STATE_STOPOVER, STATE_ENDING) or session.is_locked is True

    async def hold(self, badge):
        """Take a card that was held on for seconds: a fitter's way to the garage mode."""
        async with self._lock:
            if badge == self._session.badge:
                await self._decide("held", Cause(badge), rights.SESSION, None)

    def _is_asking_about(self, badge):
        return self._session.state == STATE_ASKING and self._asked[0].badge == badge

    async def _ask(self, cause):
        verdict = await self._hooks.ask(cause.badge, ASK_MS)
        async with self._lock:
            if not self._is_asking_about(cause.badge):
                return
            badge_class, entry, refusal = self.classify(cause.badge)
            if verdict and verdict < len(REFUSALS):
                refusal = verdict
            known = refusal != REFUSAL_UNKNOWN_BADGE
            await self._decide("answer", Cause(cause.badge, entry, is_known=known), badge_class, refusal)

    # --- deciding
    # --------------------------------------------------------------------------------------------------

    async def _decide(self, event, cause, badge_class, refusal):
        facts = self._gather(cause)
        facts.badge_class = badge_class
        facts.refusal = refusal
        decision = handle(event, facts.derive())
        if decision is None:
            return None
        await self._perform(decision, cause, facts)
        return decision

    async def _perform(self, decision, cause, facts):
        session = self._session
        now_ms = self._parts.clock.uptime_ms()
        state, number = session.state, session.number
        if decision.refusal == REFUSAL_UNKNOWN_BADGE:
            self.unknown_badges += 1
        if facts.session_badge:
            self._badge_at_ms = now_ms
            if decision.row in ("door_open", "key_missing"):
                self._insisting.append(now_ms)
        if "start_by_command" in decision.effects:
            self._used = False
        if decision.row.startswith("alarm"):
            self._alarmed = True
        if "lock" in decision.effects:
            self._is_lock_unsure = False
        if "unlock" in decision.effects:
            self._shut_at_ms = now_ms
        if "ask" in decision.effects:
            self._asked = (cause, facts.refusal, now_ms)  # about whom, what is said else, since when
            self._asking = asyncio.create_task(self._ask(cause))  # kept so that it is not collected
        if decision.state != state or "start" in decision.effects:
            self._state_at_ms = now_ms
            if decision.state != STATE_ASKING and STATE_DRIVING not in (state, decision.state):
                self._effect_at_ms = now_ms
            self._insisting = []
        await self.effects.carry_out(decision, cause)
        if number and session.number != number:
            self._ended_at_s = self._parts.clock.uptime_s()

    def _follow_rights(self):
        """Take the session's new end when its reservation was moved; a revoked one changes nothing."""
        session, authorisations = self._session, self._parts.authorisations
        if self._rights_version == authorisations.version:
            return
        self._rights_version = authorisations.version
        for entry in authorisations.find(session.badge):
            if entry[AUTHORISATION_ID] == session.authorisation_id:
                session.ends_s = entry[ENDS_AT]

    async def tick(self, dt_ms):
        """Let `dt_ms` pass: what the car did becomes states, and the relay is held at its target."""
        async with self._lock:
            await self._step(dt_ms)

    async def _step(self, dt_ms):
        parts, session = self._parts, self._session
        now_ms = parts.clock.uptime_ms()
        inputs, evidence = parts.inputs, parts.evidence
        if now_ms - self._looked_at_ms > PROOF_MAX_AGE_MS:
            evidence.forget()  # the task that reads the sensors was held up or rests: nothing is fresh (S3)
        if dt_ms is not None:
            self._looked_at_ms = now_ms
        if inputs.door_open:
            self._shut_at_ms = now_ms
            if session.is_locked:
                session.is_locked = False  # a door that opened is not locked
        self._follow_rights()
        if inputs.door_open or evidence.kl15:
            self._used = True
        cause = None
        facts = self._gather(cause)
        if session.state == STATE_ASKING:
            cause, facts.refusal, asked_at_ms = self._asked
            facts.unanswered = now_ms - asked_at_ms >= _FORGOTTEN_MS
        decision = handle("tick", facts.derive())
        if decision is not None:
            await self._perform(decision, cause, facts)
        if evidence.kl15 is False and evidence.is_settled():
            self._alarmed = False
        if dt_ms is None:
            return
        if session.state == STATE_DRIVING and now_ms - self._saved_at_ms >= SESSION_SAVE_S * 1000:
            self._saved_at_ms = now_ms
            self.effects.save()
        target, source = choose_target(session.state, session.garage, session.is_service_here)
        after_badge = self._badge_at_ms is not None and now_ms - self._badge_at_ms < _AFTER_BADGE_MS
        after_badge = after_badge and session.state not in (STATE_PARKED, STATE_ASKING)
        await parts.interlock.hold(target, source, after_badge, session.number, dt_ms)

    # --- the cloud
    # -------------------------------------------------------------------------------------------------

    async def command(self, command_id, kind, expires_at, role, argument):
        """Evaluate a command once, on what is so now, and drop it (S3); return `(result, reason)`.

        The cloud may repeat one whose result it has not seen: it gets the same result, nothing is done twice.
        """
        async with self._lock:
            for done_id, result, reason in self._results:
                if done_id == command_id:
                    return result, reason
            if command_id == self._session.last_command_id:  # done before a reset
                return COMMAND_RESULT_EXPIRED, REFUSAL_EXPIRED
            result, reason = await self._evaluate(kind, expires_at, argument, command_id)
            self._results = self._results[1 - _REMEMBERED :] + [(command_id, result, reason)]
            self.effects.write(RECORD_COMMAND, command_id, kind, result, reason)
            return result, reason

    async def _evaluate(self, kind, expires_at, argument, command_id):
        now_s = self._parts.clock.now_s()
        if not 0 < kind < len(COMMANDS):
            return COMMAND_RESULT_UNKNOWN, 0
        if now_s is None:
            return COMMAND_RESULT_REFUSED, REFUSAL_CLOCK_UNKNOWN
        if now_s >= expires_at:
            return COMMAND_RESULT_EXPIRED, REFUSAL_EXPIRED
        self._session.last_command_id = command_id
        self.effects.save()  # before it is acted on: a reset in the middle must not repeat it
        event = COMMANDS[kind]
        cause = Cause(argument=argument)
        if event == "open_for":
            for entry in self._parts.authorisations.reservations_between(now_s, now_s + 1):
                if entry[AUTHORISATION_ID] == argument:
                    cause.entry = entry
        await self._step(None)
        return await self._conclude(await self._decide(event, cause, rights.NOT, None))

    async def _conclude(self, decision):
        """Do what is left of a command, each of which has a row in each state; return `(result, reason)`."""
        if decision.refusal:
            return COMMAND_RESULT_REFUSED, decision.refusal
        if "self_test" in decision.effects:
            await self._hooks.self_test()
        if "refresh" in decision.effects:
            self._hooks.refresh()
        return COMMAND_RESULT_DONE, 0
