"""Words of Today: what each line says, and its one action."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from glovebox import words as catalogue
from glovebox.today.schemas import Line
from glovebox.web.i18n import Speech, _

# kind: heading, tone, icon, action, where the action is
TODAY: Final = {
    "not_back": (_("Not back"), "bad", "clock", _("See who has it"), "/console/reservations/{subject}"),
    "departure_at_risk": (
        _("Departures at risk"),
        "bad",
        "warning",
        _("Find another car"),
        "/console/reservations/{subject}/change",
    ),
    "ignition_off": (
        _("Session open, ignition off"),
        "warn",
        "key",
        _("End the session"),
        "/console/vehicles/{vehicle}/commands/end_session",
    ),
    "battery_low": (
        _("12 V battery low"),
        "warn",
        "battery",
        _("Take out of service"),
        "/console/vehicles/{vehicle}/block",
    ),
    "energy_low": (
        _("Fuel or charge low"),
        "warn",
        "fuel",
        _("Look at the car"),
        "/console/vehicles/{vehicle}",
    ),
    "fault": (_("Warnings"), "warn", "tool", _("See what to do"), "/console/vehicles/{vehicle}#faults"),
    "silent": (_("Silent boxes"), "warn", "question", _("See what to check"), "/console/vehicles/{vehicle}"),
    "damage": (_("Damage"), "warn", "warning", _("Decide"), "/console/incidents/{subject}"),
    "approval": (_("Waiting for approval"), "busy", "clock", _("Answer"), "/console/approvals"),
    "place_unconfirmed": (
        _("Place not confirmed"),
        "busy",
        "place",
        _("Confirm the place"),
        "/console/incidents/{subject}",
    ),
    "incident": (_("Other incidents"), "busy", "list", _("Look at it"), "/console/incidents/{subject}"),
}
SAID: Final = {
    "taken": _("You look after it: others see that."),
    "released": _("Nobody looks after it any more."),
    "snoozed": _("It is put away until then, unless you bring it back."),
    "woken": _("It is back in the list."),
}


@dataclass(frozen=True)
class TodayWords:
    """The lines in one reader's words; each tells times on its site's clock."""

    speech: Speech
    clock: Callable[[int], Speech]

    def heading(self, kind: str) -> str:
        """What the lines of a kind have in common."""
        return self.speech.gettext(TODAY[kind][0])

    def tone(self, kind: str) -> str:
        """How bad it is."""
        return TODAY[kind][1]

    def icon(self, kind: str) -> str:
        """The icon's name."""
        return TODAY[kind][2]

    def action(self, line: Line) -> str:
        """The one action's name."""
        return self.speech.gettext(TODAY[line.kind][3])

    def address(self, line: Line) -> str:
        """Where the action is."""
        return TODAY[line.kind][4].format(subject=line.subject_id, vehicle=line.vehicle_id)

    def text(self, line: Line) -> str:
        """What is the matter with this car, in one sentence."""
        speech, gettext = self.clock(line.site_id), self.speech.gettext
        if line.kind == "not_back" and line.at is not None:
            said = speech.lasting((line.number or 0) * 60)
            if line.at > speech.now_s:
                return gettext(
                    "Due %(time)s, will be about %(said)s late", time=speech.when(line.at), said=said
                )
            late, due = speech.lasting(speech.now_s - line.at), speech.when(line.at)
            if line.number is not None:
                return gettext(
                    "Due %(time)s, %(late)s late; about %(said)s was said", time=due, late=late, said=said
                )
            return gettext("Due %(time)s, %(late)s late", time=due, late=late)
        if line.kind == "departure_at_risk" and line.at is not None:
            return gettext("Leaves %(time)s, and the car may not be there", time=speech.when(line.at))
        if line.kind == "ignition_off" and line.at is not None:
            return gettext("Taken %(time)s and not returned: forgotten?", time=speech.when(line.at))
        if line.kind == "battery_low" and line.number is not None:
            return gettext("%(volts)s: it may not start", volts=speech.volts(line.number))
        if line.kind == "energy_low" and line.number is not None:
            share = speech.percent(line.number)
            if line.code == "electric":
                return gettext("%(share)s of charge: plug it in", share=share)
            return gettext("%(share)s of fuel: refuel before the next trip", share=share)
        if line.kind == "fault" and line.number is not None:
            text = catalogue.say(speech.language, f"fault.{line.code}")
            if line.number == 1:
                return text
            more = speech.ngettext("%(num)s more fault", "%(num)s more faults", line.number - 1)
            return f"{text}, {more}"
        if line.kind == "silent":
            return gettext("Never heard from") if line.at is None else self._silence(line.at)
        if line.kind == "approval" and line.at is not None:
            return gettext("Answer until %(time)s", time=speech.when(line.at))
        happened = line.detail or catalogue.say(speech.language, f"incident.{line.code}")
        return f"{happened}, {speech.when(line.at)}" if line.at is not None else happened

    def _silence(self, heard_at: int) -> str:
        silent = self.speech.lasting(self.speech.now_s - heard_at)
        return self.speech.gettext("Not heard from for %(time)s", time=silent)
