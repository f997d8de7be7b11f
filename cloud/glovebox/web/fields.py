"""Which field of a form a refusal is about."""

from typing import Final

from starlette.datastructures import FormData, QueryParams

from glovebox.errors import GloveboxError

# Error code -> fields it can be about, in the order of the forms; the first that was sent is it.
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "email_invalid": ("email",),
    "phone_unreadable": ("phone",),
    "no_email_on_file": ("channel",),
    "licence_day": ("licence_until",),
    "no_such_category": ("licence_categories", "licence_category"),
    "staff_number_exists": ("staff_number",),
    "uid_not_hex": ("uid",),
    "uid_length": ("uid",),
    "uid_random": ("uid",),
    "badge_exists": ("uid",),
    "registration_exists": ("registration",),
    "bookings_ahead": ("status",),
    "no_such_bssid": ("bssid",),
    "too_many_wifi": ("bssid",),
    "group_exists": ("name",),
    "rule_out_of_range": ("priority",),
    "end_before_start": ("end", "last_day", "last", "until"),
    "empty_interval": ("end",),
    "over_already": ("end", "until"),
    "in_the_past": ("start",),
    "starts_in_past": ("start",),
    "too_far": ("until", "end_day"),
    "series_ends_before": ("last",),
    "series_too_far": ("last",),
    "series_too_long": ("last",),
    "series_no_car": ("vehicle",),
    "series_no_weekday": ("w0",),
    "reason_missing": ("reason",),
    "refusal_reason_missing": ("reason",),
    "damage_text_missing": ("text",),
    "wrong_password": ("present", "password", "identifier"),
    "password_length": ("new",),
    "passwords_differ": ("again",),
    "file_missing": ("file",),
    "file_too_large": ("file",),
    "not_utf8": ("file",),
    "not_csv": ("file",),
    "column_missing": ("file",),
    "file_too_long": ("file",),
    "no_such_holidays": ("holidays",),
    "no_such_zone": ("time_zone",),
}


def find_field(error: GloveboxError, form: FormData | QueryParams) -> str | None:
    """Its name, None where no single one is known. Of choices none may have been sent."""
    if field := error.values.get("field"):
        return str(field)
    if error.values.get("column") in form:
        return str(error.values["column"])
    names = FIELDS.get(error.code, ())
    sent = [name for name in names if name in form]
    sent.sort(key=lambda name: bool(str(form[name]).strip()))  # an empty one is the likelier
    return next(iter(sent or names), None)
