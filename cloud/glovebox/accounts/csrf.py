"""The form token: proof that a form came from our own page. Bound to the session, or to the visitor before
the login.

The token is an HMAC under the browser's own secret cookie, so nothing is stored; another site can make the
browser send the cookie but cannot read it, and so cannot know the token.
"""

import hmac
from typing import Final

FIELD: Final = "form_token"
HEADER: Final = "x-form-token"


def make_token(secret: str) -> str:
    """The form token that belongs to a session's or a visitor's secret."""
    return hmac.digest(secret.encode(), b"glovebox form token 1", "sha256").hex()


def is_valid(secret: str | None, given: object) -> bool:
    """True where `given` is the token of `secret`; False for a missing secret."""
    if not secret or not isinstance(given, str):
        return False
    # As bytes: `compare_digest` raises for a text beyond ASCII.
    return hmac.compare_digest(make_token(secret).encode(), given.encode(errors="replace"))
