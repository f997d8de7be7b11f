"""What a decision does: journal it, make it durable, and only then move and announce anything.

The order is the point: records first, then the session's snapshot, then light and sound, doors and relay.
Whatever fails here is told as a fault; it never keeps a driver out or in (S8).
"""

from micropython import const

from ..config import BAG_S
from ..protocols.codes import (
    ALARM_CAUSE_IGNITION,
    ALARM_CAUSE_MOTION,
    AUTHORISATION_KIND_RESERVATION,
    CONTACT_ALLOW,
    CONTACT_INHIBIT,
    END_FLAG_BIT_DOOR_OPEN,
    END_FLAG_BIT_DRIVEN_OFF,
    END_FLAG_BIT_KEY_MISSING,
    END_FLAG_BIT_PLACE_UNCONFIRMED,
    END_FLAG_BIT_TIME_UNSURE,
    END_REASON_BADGE,
    END_REASON_COMMAND,
    END_REASON_FORGOTTEN,
    END_REASON_TAKEN_OVER,
    FAULT_FLASH_DAMAGED,
    MODE_BIT_CARRIED,
    MODE_BIT_GARAGE,
    RECORD_ALARM,
    RECORD_BADGE_IGNORED,
    RECORD_BAG,
    RECORD_DRIVING,
    RECORD_END_TAKEN_BACK,
    RECORD_ENDING,
    RECORD_MODE,
    RECORD_OPENED,
    RECORD_REFUSED,
    RECORD_RESUMED,
    RECORD_SERVICE,
    RECORD_SESSION_END,
    RECORD_SESSION_START,
    RECORD_STOPOVER,
    RELAY_SOURCE_COMMAND,
    RELAY_SOURCE_PARKED,
    RELAY_SOURCE_SERVICE,
    RELAY_SOURCE_SESSION,
    STATE_OPEN,
    STATE_STOPOVER,
    VIA_BADGE,
    VIA_COMMAND,
    VIA_TAKEOVER,
)
from .places import ELSEWHERE, UNKNOWN
from .session import NO_BADGE
from .trip import NO_FUEL, NO_ODOMETER

_UNKNOWN_E7 = const(0x7FFFFFFF)
_NO_NUMBER = const(0xFFFFFFFF)  # of a session whose start record could not be written
_REPEATED_MS = const(60_000)  # the same card with the same answer: one record a minute fills no ring
_DAY_S = const(86_400)
GARAGE_DAYS = const(3)  # by a badge; a command says how many
GARAGE_MAX_DAYS = const(365)
_LASTING_FLAGS = (1 << END_FLAG_BIT_DRIVEN_OFF) | (1 << END_FLAG_BIT_TIME_UNSURE)


class Cause:
    """What a decision was about: the badge and its entry, or the command's argument."""

    def __init__(self, badge=NO_BADGE, entry=None, argument=0, is_known=False):
        self.badge = badge
        self.entry = entry
        self.argument = argument
        self.is_known = is_known


class Effects:
    """Carries decisions out on one car, whose `Parts` are given.

    `save(bytes)` makes the session durable, `play(signal)` shows it, `battery_mv()` reads the 12 V.
    """

    def __init__(self, parts, save, play, battery_mv):
        self._parts = parts
        self._session = parts.session
        self._save = save
        self._play = play
        self._battery_mv = battery_mv
        self._noted = None  # (kind, badge, refusal) of the last record of a card that did nothing
        self.bag_opened = False
        # Whether memory and flash may differ. An error that leaves it so must end in a reset: what is on
        # flash is then put right as after a power cut.
        self.is_torn = False

    # --- records
    # -------------------------------------------------------------------------------------------------

    def write(self, kind, *values):
        """Journal a record; return its sequence, or 0 if the flash did not take it (a fault then says so)."""
        return self._parts.writer.write(kind, *values)

    def save(self):
        """Make the session durable."""
        session = self._session
        session.place = self._parts.whereabouts.place
        session.travelled_m = self._parts.whereabouts.travelled_m
        session.vital_sequence = self._parts.journal.vital.last_sequence
        try:
            self._save(session.pack())
        except OSError:
            self._parts.faults.set(FAULT_FLASH_DAMAGED)

    def _record_refused(self, decision, cause):
        self._note_card(RECORD_REFUSED, cause, decision.refusal)

    def _note_card(self, kind, cause, refusal):
        """Journal a card that did nothing, and whose it is only if the box knows it."""
        noted = (kind, cause.badge if cause.is_known else NO_BADGE, refusal)
        now_ms = self._parts.clock.uptime_ms()
        if noted == self._noted and now_ms - self._noted_at_ms < _REPEATED_MS:
            return
        self._noted = noted
        self._noted_at_ms = now_ms
        values = noted[1:] if kind == RECORD_REFUSED else noted[1:2]
        self.write(kind, *values, self._session.state)

    def start(self, cause, via):
        """Journal and begin a session by the entry of `cause`."""
        session = self._session
        entry = cause.entry
        car = self._parts.car
        place = self._parts.whereabouts.get_place()
        odometer_hm = NO_ODOMETER if car.odometer_hm is None else car.odometer_hm
        fuel = NO_FUEL if car.fuel_percent is None else int(car.fuel_percent + 0.5)
        number = self.write(
            RECORD_SESSION_START,
            entry[1],
            cause.badge,
            entry[4],
            via,
            place,
            odometer_hm,
            fuel,
            self._battery_mv(),
        )
        now_s = self._parts.clock.now_s()
        session.begin(number or _NO_NUMBER, entry, via, now_s or 0)
        session.badge = cause.badge
        session.start_place = place
        if now_s is None:
            session.flags |= 1 << END_FLAG_BIT_TIME_UNSURE
        if odometer_hm != NO_ODOMETER:
            session.trip.note_odometer(odometer_hm)
        session.trip.fuel_start_percent = fuel

    def end(self, reason):
        """Journal the end of the session and forget it."""
        session = self._session
        parts = self._parts
        place = parts.whereabouts.get_place()
        now_s = parts.clock.now_s()
        if now_s is None:
            session.flags |= 1 << END_FLAG_BIT_TIME_UNSURE
        if session.state == STATE_OPEN and self.is_key_missing():  # nobody looked when it was ended
            session.flags |= 1 << END_FLAG_BIT_KEY_MISSING
        level = parts.car.fuel_percent
        distance_m, distance_source = session.trip.compute_distance()
        fuel_ml, fuel_source = session.trip.compute_fuel(level, parts.settings.tank_ml)
        lat_e7 = lon_e7 = _UNKNOWN_E7
        if place == ELSEWHERE and parts.whereabouts.lat_e7 is not None:
            lat_e7, lon_e7 = parts.whereabouts.lat_e7, parts.whereabouts.lon_e7
        self.write(
            RECORD_SESSION_END,
            session.number,
            session.authorisation_id,
            reason,
            session.flags,
            place,
            distance_m,
            distance_source,
            fuel_source,
            fuel_ml,
            session.trip.odometer_hm,
            NO_FUEL if level is None else int(level + 0.5),
            0,
            lat_e7,
            lon_e7,
        )
        session.end(now_s or 0)

    def _record_ending(self, decision, cause):
        session = self._session
        now_s = self._parts.clock.now_s()
        session.deadline_s = 0 if now_s is None else now_s + self._parts.settings.ending_s
        session.flags &= _LASTING_FLAGS
        if self._parts.whereabouts.get_place() == UNKNOWN:
            session.flags |= 1 << END_FLAG_BIT_PLACE_UNCONFIRMED
        if self._parts.inputs.door_open:
            session.flags |= 1 << END_FLAG_BIT_DOOR_OPEN
        if self.is_key_missing():
            session.flags |= 1 << END_FLAG_BIT_KEY_MISSING
        self.write(RECORD_ENDING, session.number, session.deadline_s, session.flags)

    def is_key_missing(self):
        """Return whether there is a key holder, without its key."""
        return bool(self._parts.settings.key_holder_fitted) and not self._parts.inputs.key_in_holder

    def _record_taken_back(self, decision, cause):
        self._session.flags &= _LASTING_FLAGS
        self.write(RECORD_END_TAKEN_BACK, self._session.number)

    def _start_by_command(self, decision, cause):
        if cause.entry is None:
            now_s = self._parts.clock.now_s()
            cause.entry = (NO_BADGE, cause.argument, now_s, 0, AUTHORISATION_KIND_RESERVATION, None, 0)
        cause.badge = cause.entry[0]
        self.start(cause, VIA_COMMAND)

    def _set_mode(self, bit, on):
        if bit == MODE_BIT_GARAGE:
            self._session.garage = on
        else:
            self._session.carried = on
            self._parts.interlock.carried = on
        self.write(RECORD_MODE, bit, int(on))

    def _garage_on(self, decision, cause):
        days = cause.argument or GARAGE_DAYS
        self._session.garage_until_s = (self._parts.clock.now_s() or 0) + min(days, GARAGE_MAX_DAYS) * _DAY_S
        self._set_mode(MODE_BIT_GARAGE, True)

    def _start(self, decision, cause):
        self.start(cause, VIA_TAKEOVER if "end_taken_over" in decision.effects else VIA_BADGE)

    def _record_ignored(self, decision, cause):
        self._note_card(RECORD_BADGE_IGNORED, cause, None)

    def _record_bag(self, decision, cause):
        self.write(RECORD_BAG, self._session.last_number)
        self.bag_opened = True

    def _record_stopover(self, decision, cause):
        self.write(RECORD_STOPOVER, self._session.number, self._parts.whereabouts.get_place())

    def _record_resumed(self, decision, cause):
        self._session.is_service_here = False
        self.write(RECORD_RESUMED, self._session.number, self._session.state)

    def _record_service(self, decision, cause):
        self.write(RECORD_SERVICE, cause.badge, self._parts.whereabouts.get_place())

    def _service_on(self, decision, cause):
        self._session.is_service_here = self._session.state == STATE_STOPOVER

    def _service_off(self, decision, cause):
        self._session.is_service_here = False

    def _flag_driven_off(self, decision, cause):
        self._session.flags |= 1 << END_FLAG_BIT_DRIVEN_OFF

    def _alarm_ignition(self, decision, cause):
        self.write(RECORD_ALARM, ALARM_CAUSE_IGNITION)

    def _alarm_motion(self, decision, cause):
        self.write(RECORD_ALARM, ALARM_CAUSE_MOTION)

    def _carried_on(self, decision, cause):
        self._set_mode(MODE_BIT_CARRIED, True)

    def _carried_off(self, decision, cause):
        self._set_mode(MODE_BIT_CARRIED, False)

    def _garage_off(self, decision, cause):
        self._set_mode(MODE_BIT_GARAGE, False)

    def count_garage_from(self, now_s):
        """Begin to count the days of a garage mode that was set while nobody knew the time."""
        if self._session.garage and self._session.garage_until_s <= GARAGE_MAX_DAYS * _DAY_S:
            self._session.garage_until_s += now_s
            self.save()

    # --- movements
    # -----------------------------------------------------------------------------------------------

    async def carry_out(self, decision, cause):
        """Write the decision down, save, announce, then move doors and relay."""
        session = self._session
        before = session.number  # an end forgets it, and the relay's record of that end names it
        written = False
        self.is_torn = True
        for effect in decision.effects:
            if effect in _ENDS:
                self.end(_ENDS[effect])
            elif effect in _RECORDS:
                self.write(_RECORDS[effect], session.number)
            elif effect in _METHODS:
                written = True
                _METHODS[effect](self, decision, cause)
        changed = decision.state != session.state
        session.state = decision.state
        if "unlock" in decision.effects:
            written = written or session.is_locked is not False
            session.is_locked = False
        elif "lock" in decision.effects:
            written = written or session.is_locked is not True
            session.is_locked = True
            self.bag_opened = False
        if changed or (written and not decision.refusal and "record_ignored" not in decision.effects):
            self.save()
        self.is_torn = False
        if decision.signal != "-":
            self._play(decision.signal)
        for effect in decision.effects:
            if effect == "unlock":
                await self._parts.doors.unlock()
            elif effect == "lock":
                await self._parts.doors.lock()
            elif effect == "allow":
                source = (
                    RELAY_SOURCE_SERVICE if decision.signal in ("service", "garage") else RELAY_SOURCE_SESSION
                )
                await self._parts.interlock.set(CONTACT_ALLOW, source, session=session.number)
            elif effect == "inhibit":
                by_badge = decision.row in ("ends", "stops_over")
                source = RELAY_SOURCE_SESSION if by_badge else RELAY_SOURCE_PARKED
                await self._parts.interlock.set(CONTACT_INHIBIT, source, by_badge, before)
            elif effect == "inhibit_by_command":
                await self._parts.interlock.set(CONTACT_INHIBIT, RELAY_SOURCE_COMMAND, False, before)

    def is_bag_time(self, badge, ended_ago_s):
        """Return whether `badge` ended the last session no longer than `BAG_S` ago."""
        return badge == self._session.last_badge and ended_ago_s is not None and 0 <= ended_ago_s < BAG_S


_ENDS = {
    "end_badge": END_REASON_BADGE,
    "end_taken_over": END_REASON_TAKEN_OVER,
    "end_forgotten": END_REASON_FORGOTTEN,
    "end_command": END_REASON_COMMAND,
}
_RECORDS = {"record_driving": RECORD_DRIVING, "record_opened": RECORD_OPENED}
_METHODS = {
    "start": Effects._start,
    "start_by_command": Effects._start_by_command,
    "record_ignored": Effects._record_ignored,
    "record_refused": Effects._record_refused,
    "record_bag": Effects._record_bag,
    "record_stopover": Effects._record_stopover,
    "record_resumed": Effects._record_resumed,
    "record_ending": Effects._record_ending,
    "record_taken_back": Effects._record_taken_back,
    "record_service": Effects._record_service,
    "service_on": Effects._service_on,
    "service_off": Effects._service_off,
    "flag_driven_off": Effects._flag_driven_off,
    "alarm_ignition": Effects._alarm_ignition,
    "alarm_motion": Effects._alarm_motion,
    "carried_on": Effects._carried_on,
    "carried_off": Effects._carried_off,
    "garage_on": Effects._garage_on,
    "garage_off": Effects._garage_off,
}
