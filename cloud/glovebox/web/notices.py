"""What a page says after a form: done, or why not and what to do."""

from typing import Final

from glovebox import words as catalogue
from glovebox.errors import GloveboxError
from glovebox.web import fleet_words, incident_words, message_words, today_words
from glovebox.web.i18n import Speech, _

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
    "fitness_missing": _("Say whether the car may go."),
    "reason_missing": _("Say why: the reason is kept with the command."),
}
AT_FIELD: Final = {
    "value_missing": _("This must be filled in."),
    "text_too_long": _("At most %(limit)s characters."),
    "text_unprintable": _("This holds a character that cannot be printed."),
    "number_out_of_range": _("A number from %(least)s to %(largest)s was expected."),
}
"""What needs no name where it stands at its field."""


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


def field_sentence(speech: Speech, error: GloveboxError) -> str:
    """The same, told at the field itself."""
    if error.code in AT_FIELD:
        return speech.gettext(AT_FIELD[error.code], **error.values)
    return error_sentence(speech, error)
