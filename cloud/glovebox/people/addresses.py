"""E-mail addresses and telephone numbers as people type them."""

import re
from typing import Final

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from glovebox.errors import Invalid

# E.164, with the plus.
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
# Reserved for networks of one's own, where many a town has its mail: the library's own way to allow it.
SPECIAL_USE_DOMAIN_NAMES.remove("local")


def check_email(text: str) -> None:
    """Raises Invalid `email_invalid` for what is no address. Asks no name server: an import of 2,000 lines
    must not wait for them, and a town's own domain (`ville.local`) may be known inside alone."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise Invalid("email_invalid", text=text[:80]) from error


def read_phone(text: str) -> str:
    """`+33 (0)6 12.34.56.78` as `+33612345678`; "" for nothing. Raises Invalid `phone_unreadable` for
    what has no country: a number without one cannot be called from everywhere."""
    digits = re.sub(r"[\s().-]", "", text.replace("(0)", ""))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if digits and not _PHONE.fullmatch(digits):
        raise Invalid("phone_unreadable")
    return digits
