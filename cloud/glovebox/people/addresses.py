"""E-mail addresses as people type them."""

from typing import Any

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from glovebox.errors import Invalid

# Reserved for networks of one's own, where many a town has its mail: the library's own way to allow it.
SPECIAL_USE_DOMAIN_NAMES.remove("local")


def check_email(text: str) -> None:
    """Raises Invalid `email_invalid` for what is no address. Asks no name server: an import of 2,000 lines
    must not wait for them, and a town's own domain (`ville.local`) may be known inside alone."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise Invalid("email_invalid", text=text[:80]) from error


def check_email_of(values: dict[str, Any]) -> None:
    """The same where these values of a person have an address."""
    if values.get("email"):
        check_email(values["email"])
