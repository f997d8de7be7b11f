"""What codes are called on pages: states, kinds, refusals, notices. Each with a word, a tone and a shape.

Sentences about faults, refusals and journal lines are the catalogue's of `glovebox.words`; here stand the
words of the pages themselves, marked for translation.
"""

from dataclasses import dataclass
from typing import Any, Final

from glovebox import words as catalogue
from glovebox.boxes.schemas import Command, Live
from glovebox.errors import GloveboxError
from glovebox.fleet.schemas import Vehicle
from glovebox.messages.schemas import Message
from glovebox.messages.wording import write
from glovebox.reservations.schemas import CarChoice, Reservation
from glovebox.web import fleet_words, incident_words, message_words, today_words
from glovebox.web.i18n import Speech, _

# A dozing box wakes each 15 minutes; three times in vain is silence worth a word.
SILENT_S: Final = 45 * 60


@dataclass(frozen=True)
class Mark:
    """A state as shown: a word, a tone (good, busy, warn, bad, idle) and the name of an icon."""

    text: str
    tone: str
    icon: str


RESERVATION_STATES: Final = {
    "pending": (_("Waiting for approval"), "warn", "clock"),
    "confirmed": (_("Booked"), "busy", "calendar"),
    "in_use": (_("In use"), "busy", "key"),
    "moving": (_("Being moved"), "warn", "clock"),
    "completed": (_("Done"), "idle", "check"),
    "cancelled": (_("Cancelled"), "idle", "cross"),
    "no_show": (_("Not used, given back"), "warn", "cross"),
    "expired": (_("Ended without news from the car"), "warn", "question"),
}
BOX_STATES: Final = {
    "parked": (_("Free"), "good", "check"),
    "asking": (_("A badge is being checked"), "busy", "clock"),
    "open": (_("Taken, standing"), "busy", "key"),
    "driving": (_("Driving"), "busy", "wheel"),
    "stopover": (_("Stopover, locked"), "busy", "pause"),
    "ending": (_("Just returned"), "good", "check"),
}
ENERGIES: Final = {
    "petrol": _("Petrol"),
    "diesel": _("Diesel"),
    "electric": _("Electric"),
    "hybrid": _("Hybrid"),
    "lpg": _("LPG"),
    "cng": _("Natural gas"),
}
INTERLOCKS: Final = {
    "none": _("doors only"),
    "starter_wire": _("starter wire"),
    "start_button": _("start button"),
    "fob_supply": _("fob supply"),
}
COMMANDS: Final = {
    "open_for": _("Open the car"),
    "lock": _("Lock"),
    "end_session": _("End the session"),
    "flash_lights": _("Flash the lights"),
    "self_test": _("Self-test"),
    "refresh": _("Send everything again"),
    "garage": _("Garage mode"),
    "track": _("Track after theft"),
}
COMMAND_HINTS: Final = {
    "lock": _("Locks the doors if they are shut. Inside handles keep working."),
    "end_session": _("Ends a forgotten session. The box does it only when the car is parked."),
    "flash_lights": _("Helps to find the car on the car park."),
    "self_test": _(
        "The box checks reader, relay, satellites and car bus, and writes the result in its journal."
    ),
    "refresh": _("The box asks for all its authorisations again."),
    "garage": _("For the workshop: the car starts without a badge for one day; every start is journalled."),
}
COMMAND_STATES: Final = {
    "queued": (_("Waiting for the car"), "busy", "clock"),
    "sent": (_("Sent to the car"), "busy", "clock"),
    "done": (_("Done"), "good", "check"),
    "refused": (_("Refused by the car"), "bad", "cross"),
    "expired": (_("The car did not answer in time"), "warn", "question"),
    "unknown": (_("The car does not know this command"), "bad", "cross"),
}
REASONS: Final = {
    "range": _("Goes %(distance)s on its charge, a fifth of the battery kept in reserve."),
    "only_one": _("The only car that fits."),
    "range_known": _("Its charge is known to be enough."),
    "heard_lately": _("Heard from lately."),
    "opened_by_badge": _("Your badge opens it."),
    "right_size": _("Leaves the large cars to those who need the seats."),
    "nearest": _("The nearest, %(distance)s away."),
    "fills_gap": _("Fits its day best, so that other cars stay free for longer trips."),
    "most_range": _("Goes the furthest on its charge."),
    "as_good": _("As good as the others that fit."),
}
REFUSALS_TODO: Final = {
    "unknown_badge": _("Ask your fleet manager to add this badge."),
    "too_late": _("Book the car again, or look for another one."),
    "another_car": _("Look at your booking: it names the car and where it stands."),
    "revoked": _("Ask your fleet manager for another badge."),
    "yields_to_reservation": _("Look for another car."),
    "rights_lapsed": _("Book the car, or take it where it has network."),
    "several_badges": _("Hold one badge alone to the windscreen."),
    "random_uid": _("Use a card that keeps its number."),
    "not_fitted": _("This car cannot do that; call your fleet manager."),
    "too_early": _("Come back 15 minutes before the start."),
    "held_by_another": _(
        "Whoever has it must end the trip first. Call your fleet manager, or look for another car."
    ),
    "door_open": _("Shut all doors and the boot, then try again."),
    "key_missing": _("Put the key back into its holder, then try again."),
    "ignition_on": _("Switch the ignition off, then try again."),
    "journal_full": _("Call your fleet manager: the box must reach the network first."),
    "clock_unknown": _("Leave the car under open sky for some minutes, then try again."),
    "expired": _("The network is slow here. Try again."),
    "battery_low": _("Look for another car and tell your fleet manager."),
    "driving": _("It works once the car is parked."),
    "not_parked": _("It works once the car is parked."),
    "no_proof_of_standstill": _("Wait half a minute without moving the car, then try again."),
}
TRIP_KINDS: Final = {
    "reservation": _("With a reservation"),
    "standing": _("Without a reservation, by standing right"),
    "service": _("Service"),
    "unreserved": _("Without a reservation"),
}
END_REASONS: Final = {
    "badge": _("Ended by badge"),
    "taken_over": _("Taken over by the next driver"),
    "forgotten": _("Ended by the car: forgotten"),
    "command": _("Ended from the console"),
    "not_begun": _("Not begun: the box lost its power before the car opened"),
}
END_FLAGS: Final = {
    "door_open": _("A door was open"),
    "key_missing": _("The key was not in its holder"),
    "place_unconfirmed": _("The place could not be confirmed"),
    "driven_off": _("Driven off during the return"),
    "time_unsure": _("The box was not sure of the time"),
}
ROLES: Final = {
    "driver": _("Driver"),
    "approver": _("Approver"),
    "manager": _("Fleet manager"),
    "site_staff": _("Site staff"),
    "prescriber": _("Prescriber"),
    "installer": _("Installer"),
    "administrator": _("Administrator"),
    "auditor": _("Auditor"),
}
BLOCKS: Final = {
    "workshop": (_("In the workshop"), "warn", "tool"),
    "damage": (_("Damaged"), "warn", "warning"),
}
OUTCOMES: Final = {
    "moved": _("Given another car of its site."),
    "offered": _("What is free is offered to the driver."),
    "told": _("Nothing else is free: the driver is told."),
    "declined": _("The driver went back to the first car."),
}
VEHICLE_STATUSES: Final = {
    "in_service": (_("In service"), "good", "check"),
    "workshop": (_("In the workshop"), "warn", "tool"),
    "retired": (_("Retired"), "idle", "cross"),
}
SAID: Final = {
    **incident_words.SAID,
    **today_words.SAID,
    **fleet_words.SAID,
    **message_words.SAID,
    "booked": _("The car is booked for you."),
    "booked_for": _("The car is booked."),
    "cancelled": _("The booking is cancelled. The car is free for others."),
    "changed": _("The booking is changed."),
    "swapped": _("The cars are exchanged."),
    "feed_revoked": _("The address shows your bookings no longer."),
    "series_booked": _("The series is booked."),
    "late_said": _("It is noted that you will be late: whoever looks after the cars sees it."),
    "series_changed": _("The series is changed."),
    "series_changed_partly": _("The series is changed, but for the days told below."),
    "series_cancelled": _("These days are cancelled. The car is free for others."),
    "undone": _("It is undone: everything is as before."),
    "shortened": _("The booking ends earlier. The rest is free for others."),
    "logged_out": _("You are logged out."),
    "password": _("Your password is changed. Other devices are logged out and show no messages."),
    "session": _("That device is logged out."),
    "person_sessions": _("This person is logged out everywhere."),
    "sessions": _("Other devices are logged out and show no messages."),
    "badge_added": _("The badge is added. Cars learn it at their next contact."),
    "badge_revoked": _("The badge is withdrawn. Cars forget it at their next contact."),
    "person_added": _("The person is added. Give them a badge next."),
    "imported": _("The lines without problems are stored."),
    "person_changed": _("The changes are stored."),
    "command": _("The command is on its way to the car."),
    "rules_stored": _("The changes are stored. They hold for bookings from now on."),
    "rules_undone": _("What stood before is back."),
    "group_added": _("The group is added. Put people into it next."),
    "group_removed": _("The group is removed."),
    "approved": _("The reservation is approved."),
    "refused": _("The reservation is refused. The car is free for others."),
    "waiting": _("You are on the list. You are told as soon as there is a car."),
    "wait_left": _("The list is left."),
    "asked": _("The car is held for you, and an approver is asked."),
    "blocked": _("The car is out of service. Bookings under it are shown as at risk."),
    "block_changed": _("The end is changed."),
    "instead": _("Your booking has what you chose."),
    "went_back": _("You have your first car again."),
    "block_ended": _("The car is back in service."),
}
ERRORS: Final = {
    "not_found": _("This page or thing does not exist, or is not yours to see."),
    "forbidden": _("Your role does not permit this. Ask your fleet manager."),
    "foreign_page": _("This form is no longer valid. Go back, reload the page and send it again."),
    "form_unreadable": _("This form could not be read, or is too large."),
    "file_missing": _("Choose a file first."),
    "file_too_large": _("This file is too large. Split it into lists of 2,000 lines."),
    "first_password_ended": _("This first password is no longer good. Ask your fleet manager for another."),
    "wrong_password": _("Unknown account or wrong password. Check both, or ask your fleet manager."),
    "ambiguous_login": _("Two people have this number and this password. Log in with your e-mail address."),
    "too_many_tries": _("Too many tries. Wait %(wait)s, then try again."),
    "busy": _("Many people are using Glovebox at this moment. Try again in a few seconds."),
    "passwords_differ": _("The two new passwords differ. Type them again."),
    "not_a_number": _("A number was expected."),
    "no_such_day": _("This day or time does not exist. Choose another."),
    "end_before_start": _("The end must be after the start."),
    "in_the_past": _("This time has already passed. Choose a later one."),
    "name_missing": _("Fill in staff number, given name and family name."),
    "rule_limits": _("%(rule)s: %(least)s to %(largest)s."),
    "no_such_command": _("This command cannot be sent from here."),
    "reason_missing": _("Say why: the reason is kept with the command."),
}


def said(speech: Speech, key: str) -> str:
    """The notice a form left behind, "" for an unknown key."""
    return speech.gettext(SAID[key]) if key in SAID else ""


def error_sentence(speech: Speech, error: GloveboxError) -> str:
    """What happened and what to do, in the reader's language."""
    values = dict(error.values)
    if "retry_after_s" in values:
        values["wait"] = speech.lasting(max(60, int(values["retry_after_s"]) + 59))
    if error.code == "rule_limits":
        values["rule"] = speech.gettext(str(values["rule"]))
    values.setdefault("time_zone", speech.zone_name)
    if error.code == "blocked":
        until, there = values["until"], speech.at(values["time_zone"])
        values["until"] = speech.gettext("further notice") if until is None else there.when(until)
    if error.code in ERRORS:
        return speech.gettext(ERRORS[error.code], **values)
    return catalogue.say(speech.language, f"error.{error.code}", **values)


@dataclass(frozen=True)
class Words:
    """The words of one reader, for templates."""

    speech: Speech

    def _mark(self, table: dict[str, tuple[str, str, str]], key: str) -> Mark:
        text, tone, icon = table[key]
        return Mark(self.speech.gettext(text), tone, icon)

    def reasons(self, choice: CarChoice) -> str:
        """Why this car was chosen, in sentences."""
        return " ".join(
            self.speech.gettext(REASONS[one.code], distance=self.speech.kilometres(one.value or 0))
            for one in choice.reasons
        )

    def reservation(self, state: str) -> Mark:
        """A reservation's state."""
        return self._mark(RESERVATION_STATES, state)

    def command(self, command: Command, now: int) -> Mark:
        """What became of a command; one not answered in time has expired, whatever the table says."""
        state = command.state
        if state in ("queued", "sent") and now > command.expires_at:
            state = "expired"
        return self._mark(COMMAND_STATES, state)

    def refusal(self, code: int) -> str:
        """Why the car refused, as a sentence, and what to do."""
        name = catalogue.refusal_name(code)
        text = catalogue.say(self.speech.language, f"refusal.{name}")
        sentence = f"{text[:1].upper()}{text[1:]}."
        return f"{sentence} {self.speech.gettext(REFUSALS_TODO[name])}" if name in REFUSALS_TODO else sentence

    def energy(self, energy: str) -> str:
        """Petrol, diesel, ..."""
        return self.speech.gettext(ENERGIES[energy])

    def interlock(self, kind: str) -> str:
        """How the next start is prevented."""
        return self.speech.gettext(INTERLOCKS[kind])

    def command_kind(self, kind: str) -> str:
        """A command's name."""
        return self.speech.gettext(COMMANDS[kind])

    def command_hint(self, kind: str) -> str:
        """What a command does, in one sentence."""
        return self.speech.gettext(COMMAND_HINTS[kind])

    def trip_kind(self, kind: str) -> str:
        """By which right a trip was made."""
        return self.speech.gettext(TRIP_KINDS[kind])

    def end_reason(self, reason: str) -> str:
        """How a session ended; "" while it goes on."""
        return self.speech.gettext(END_REASONS[reason]) if reason in END_REASONS else ""

    def end_flag(self, flag: str) -> str:
        """What was odd at the end."""
        return self.speech.gettext(END_FLAGS[flag])

    def role(self, role: str) -> str:
        """A role's name."""
        return self.speech.gettext(ROLES[role])

    def cause(self, cause: str) -> str:
        """Why a car will not be there."""
        text = catalogue.say(self.speech.language, f"cause.{cause}")
        return text[:1].upper() + text[1:]

    def outcome(self, outcome: str) -> str:
        """What the server did about it."""
        return self.speech.gettext(OUTCOMES[outcome])

    def delivery(self, state: str) -> Mark:
        """What became of a message."""
        return self._mark(message_words.DELIVERY_STATES, state)

    def channel(self, channel: str) -> str:
        """By which way; "" for the page."""
        return message_words.channel(self.speech, channel)

    def delivery_problem(self, reason: str) -> str:
        """Why a message did not leave: ours in words, the other side's as it said it."""
        return message_words.problem(self.speech, reason)

    def agent(self, browser: str, system: str) -> str:
        """A browser by what it called itself."""
        return message_words.agent(self.speech, browser, system)

    def message_subject(self, kind: str) -> str:
        """What a message is about."""
        return catalogue.say(self.speech.language, f"message.{kind}.subject")

    def message(self, one: Message) -> str:
        """A message's text."""
        return write(self.speech, one.kind, one.facts).text

    def block(self, kind: str) -> Mark:
        """Why a car is out of service."""
        return self._mark(BLOCKS, kind)

    def vehicle_status(self, status: str) -> Mark:
        """In service, workshop, retired."""
        return self._mark(VEHICLE_STATUSES, status)

    def vehicle(self, vehicle: Vehicle, live: Live | None, is_booked: bool) -> Mark:
        """A car's state in one word: what hinders comes first, then what it does, then whose turn it is."""
        gettext = self.speech.gettext
        if vehicle.status != "in_service":
            return self.vehicle_status(vehicle.status)
        if live is None and is_booked:
            return Mark(gettext("Booked now, no box yet"), "busy", "calendar")
        if live is None:
            return Mark(gettext("No box yet"), "idle", "question")
        if live.heard_at is None:
            return Mark(gettext("Never heard from"), "warn", "question")
        if self.speech.now_s - live.heard_at > SILENT_S:
            return Mark(gettext("Silent"), "warn", "question")
        if "carried" in live.modes:
            return Mark(gettext("Being carried"), "warn", "wheel")
        if "garage" in live.modes:
            return Mark(gettext("Garage mode"), "warn", "tool")
        if live.state is None:
            return Mark(gettext("State unknown"), "idle", "question")
        if live.state == "parked" and is_booked:
            return Mark(gettext("Booked, not taken yet"), "busy", "calendar")
        return self._mark(BOX_STATES, live.state)

    def silence(self, live: Live) -> str:
        """What to look at where a box has been silent for long; "" while it is heard."""
        silent_s = self.speech.now_s - (live.heard_at or self.speech.now_s)
        if silent_s <= SILENT_S:
            return ""
        return self.speech.gettext(
            "Not heard from for %(time)s. Has the car network where it stands, and is its battery charged? "
            "If several cars fell silent together, check the server's name and certificate (`glovebox ca`).",
            time=self.speech.lasting(silent_s),
        )

    def fault(self, name: str) -> str:
        """What is wrong."""
        return catalogue.say(self.speech.language, f"fault.{name}")

    def fault_todo(self, name: str) -> str:
        """What to do about it."""
        return catalogue.say(self.speech.language, f"fault.{name}.todo")

    def incident(self, kind: str) -> str:
        """What contradicts."""
        return catalogue.say(self.speech.language, f"incident.{kind}")

    def line(self, sentence: str, values: dict[str, Any]) -> str:
        """A line of a car's journal."""
        return catalogue.say(self.speech.language, sentence, **values)

    def knows(self, reservation: Reservation) -> Mark:
        """Whether the car knows of a reservation, and why not yet."""
        gettext = self.speech.gettext
        if reservation.car_knows:
            return Mark(gettext("The car knows"), "good", "check")
        if not reservation.car_has_box:
            text = gettext("No box in this car yet: your fleet manager hands out its key")
            return Mark(text, "warn", "key")
        if reservation.car_heard_at is None:
            return Mark(
                gettext("The car does not know yet: it has never been heard from"), "warn", "question"
            )
        silent_s = self.speech.now_s - reservation.car_heard_at
        if silent_s > SILENT_S:
            text = gettext(
                "The car does not know yet: out of reach for %(time)s. It will ask when you badge.",
                time=self.speech.lasting(silent_s),
            )
            return Mark(text, "warn", "question")
        return Mark(gettext("The car does not know yet: it is being told"), "busy", "clock")
