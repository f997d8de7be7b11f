"""Words of what managers keep in order: vehicles, rights without reservation, Wi-Fi of sites."""

from dataclasses import dataclass
from typing import Final

from glovebox.web.i18n import Speech, _

RIGHTS: Final = {"standing": _("Without reservation"), "service": _("Service")}
RIGHTS_LONG: Final = {
    "standing": _("May take a car of the pool when nobody has reserved it"),
    "service": _("Looks after the cars: opens and moves them at any time"),
}
SAID: Final = {
    "vehicle_changed": _("The car is changed."),
    "right_given": _("The right is given. Cars learn it at their next contact."),
    "right_ended": _("The right has ended. Cars forget it at their next contact."),
    "wifi_added": _("The access point is added. Cars learn it at their next contact."),
    "wifi_removed": _("The access point is removed."),
}


@dataclass(frozen=True)
class FleetWords:
    """Rights in one reader's words."""

    speech: Speech

    def right(self, kind: str) -> str:
        """What a right is called."""
        return self.speech.gettext(RIGHTS[kind])

    def right_long(self, kind: str) -> str:
        """What it permits."""
        return self.speech.gettext(RIGHTS_LONG[kind])
