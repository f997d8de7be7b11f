"""Words of messages on their way: states, ways, devices."""

from typing import Final

from glovebox.web.i18n import Speech, _

DELIVERY_STATES: Final = {
    "waiting": (_("Waiting"), "busy", "clock"),
    "sent": (_("Sent"), "good", "check"),
    "failed": (_("Failed"), "bad", "cross"),
    "kept": (_("On the page only"), "idle", "list"),
    "dropped": (_("Undone before it left"), "idle", "cross"),
}
CHANNELS: Final = {
    "mail": _("by e-mail"),
    "push": _("on their devices"),
    "sms": _("by SMS"),
    "page": "",
}
DELIVERY_PROBLEMS: Final = {
    "no_address": _("No address or number is on file."),
    "no_device": _("No device shows messages for them."),
    "expired": _("It was of no use any more when it could have left."),
    "not_set_up": _("The server has no way set up for it: ask whoever runs it."),
}
SAID: Final = {
    "message_choice": _("Your choice is stored."),
    "message_test": _("Your choice is stored. The test is on its way."),
    "message_retry": _("The message is tried again."),
    "device_added": _("This device shows your messages from now on."),
    "device_removed": _("That device shows your messages no longer."),
}


def channel(speech: Speech, name: str) -> str:
    """By mail, by SMS; "" for the page."""
    return speech.gettext(CHANNELS[name]) if CHANNELS[name] else ""


def problem(speech: Speech, reason: str) -> str:
    """Why a message did not leave: ours in words, the other side's as it said it."""
    known = DELIVERY_PROBLEMS.get(reason)
    if known:
        return speech.gettext(known)
    return speech.gettext("The other side said: “%(said)s”", said=reason) if reason else ""


def agent(speech: Speech, browser: str, system: str) -> str:
    """A browser by what it called itself."""
    if browser and system:
        return speech.gettext("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or speech.gettext("A browser")
