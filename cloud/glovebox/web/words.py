"""The words of one reader, for templates. Sentences about faults, refusals and journal lines are the
catalogue's of `glovebox.words`; the pages' own stand in `state_words` and `notices`."""

from dataclasses import dataclass
from typing import Any, Final

from glovebox import words as catalogue
from glovebox.boxes.schemas import Command, Live
from glovebox.fleet.schemas import Vehicle
from glovebox.messages.schemas import Message
from glovebox.messages.wording import write
from glovebox.reservations.schemas import CarChoice, Reservation
from glovebox.web import message_words
from glovebox.web.i18n import Speech
from glovebox.web.state_words import (
    BLOCKS,
    BOX_STATES,
    COMMAND_HINTS,
    COMMAND_STATES,
    COMMANDS,
    END_FLAGS,
    END_REASONS,
    ENERGIES,
    INTERLOCKS,
    OUTCOMES,
    REASONS,
    REFUSALS_TODO,
    RESERVATION_STATES,
    ROLES,
    TRIP_KINDS,
    VEHICLE_STATUSES,
)

# A dozing box wakes each 15 minutes; three times in vain is silence worth a word.
SILENT_S: Final = 45 * 60


@dataclass(frozen=True)
class Mark:
    """A state as shown: a word, a tone (good, busy, warn, bad, idle) and the name of an icon."""

    text: str
    tone: str
    icon: str


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

    def vehicle(self, vehicle: Vehicle, live: Live | None, is_booked: bool, is_blocked: bool) -> Mark:
        """A car's state in one word: what hinders comes first, then what it does, then whose turn it is."""
        gettext = self.speech.gettext
        if vehicle.status != "in_service":
            return self.vehicle_status(vehicle.status)
        if is_blocked and (live is None or live.state in (None, "parked", "ending")):
            return Mark(gettext("Out of service now"), "warn", "tool")
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
            "If several cars fell silent together, ask whoever runs the server to check its name and "
            "certificate.",
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
