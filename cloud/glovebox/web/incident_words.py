"""Words of incidents: what each means, what is proposed, what a step does, how it was resolved."""

import re
from dataclasses import dataclass
from typing import Final

from glovebox import words as catalogue
from glovebox.incidents.schemas import Incident
from glovebox.web.i18n import Speech, _

PROPOSALS: Final = {
    "used_though_promised": _(
        "Somebody drove the car without a reservation while it was promised. Ask who drove it why; if it is "
        "not back in time, give the promise back so that the server finds another car."
    ),
    "another_cars_reservation": _(
        "The driver took another car than the one reserved. Put the reservation on the car that was really "
        "taken, and the other one is free again."
    ),
    "another_persons_badge": _("Ask the driver: was the badge lent, or does it belong to somebody else now?"),
    "used_after_end": _("The reservation was no longer valid when the car was taken. Ask the driver why."),
    "trip_without_start": _(
        "The box did not keep the start, as after a power cut. The trip is stored as far as it is known."
    ),
    "silent_reservation": _(
        "Nobody knows whether the car was used: nothing was heard from it. Ask the driver, and look at the "
        "car's network and battery."
    ),
    "journal_gap": _(
        "Some records never arrived. Let the box test itself; if it happens again, have the box looked at."
    ),
    "journal_damaged": _(
        "Records arrived damaged or changed. Let the box test itself; if it happens again, have the box "
        "exchanged."
    ),
    "journal_contradicts": _(
        "The box tells its journal in two ways, as after a restored memory. Let it test itself, and have it "
        "looked at."
    ),
    "alarm": _(
        "Look where the car stands. If nobody moved it on purpose (tow truck, workshop), call the police "
        "and your administrator."
    ),
    "damage": _("Decide whether the car may go. If not, take it out of service: bookings get another car."),
    "place_unconfirmed": _(
        "The car could not tell where it stands (no satellites, as in a basement). Confirm the place, so "
        "that the next driver finds it."
    ),
}
STEPS: Final = {
    "ask_driver": _("Ask the driver"),
    "take_out": _("Take out of service"),
    "self_test": _("Let the box test itself"),
    "car_changed": _("Put the reservation on this car"),
    "reservation_ended": _("Give the reservation back"),
    "place_confirmed": _("Confirm the place"),
    "repaired": _("Repaired: back in service"),
}
RESOLUTIONS: Final = {
    "car_changed": _("The reservation was put on the car really taken"),
    "reservation_ended": _("The reservation was given back"),
    "place_confirmed": _("The place was confirmed"),
    "repaired": _("Repaired, back in service"),
    "talked": _("Talked with the driver"),
    "checked": _("Looked at on the spot"),
    "nothing": _("Nothing to be done"),
}
SAID: Final = {
    "incident_closed": _("It is closed."),
    "incident_reopened": _("It is open again, as before."),
    "driver_asked": _("The driver is asked by message."),
    "damage_reported": _("Thank you: it is noted, and those who manage the cars see it at once."),
}
STEP_SAID: Final = {"ask_driver": "driver_asked", "take_out": "blocked", "self_test": "command"}
_RECORDS: Final = re.compile(r"(?:.*?)(\d+)\.\.(\d+)$")


@dataclass(frozen=True)
class IncidentWords:
    """Incidents in one reader's words."""

    speech: Speech

    def kind(self, kind: str) -> str:
        """What happened, in one sentence."""
        return catalogue.say(self.speech.language, f"incident.{kind}")

    def proposal(self, kind: str) -> str:
        """What it means and what to do."""
        return self.speech.gettext(PROPOSALS[kind]) if kind in PROPOSALS else ""

    def step(self, step: str) -> str:
        """The button."""
        return self.speech.gettext(STEPS[step])

    def resolution(self, resolution: str) -> str:
        """How it was closed; "" for the server's own way."""
        if resolution in RESOLUTIONS:
            return self.speech.gettext(RESOLUTIONS[resolution])
        return self.speech.gettext("Closed by the server: what explains it has arrived")

    def detail(self, one: Incident) -> str:
        """What was noted with it, as people say it; "" where there is nothing to add."""
        if one.kind == "alarm":
            return catalogue.say(self.speech.language, f"alarm_cause.{one.detail}")
        if one.kind == "damage":
            return one.detail
        records = _RECORDS.match(one.detail)
        if records:
            count = int(records[2]) - int(records[1]) + 1
            return self.speech.ngettext("%(num)s record", "%(num)s records", count)
        return ""
