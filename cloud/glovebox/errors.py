"""Errors a service raises on purpose. Each carries what the edge needs: HTTP status, a stable code, values
for the sentence.

`code` is also the key of the sentence in `glovebox.words` (`error.<code>`). Anything else that escapes a
service is a bug.
"""

from typing import Any


class GloveboxError(Exception):
    """Base. `code` is stable and machine-readable; `values` fill the sentence and go into the API's
    answer."""

    status = 500
    code = "internal"

    def __init__(self, code: str | None = None, /, **values: Any) -> None:
        super().__init__(code or self.code)
        if code:
            self.code = code
        self.values: dict[str, Any] = values


class NotFound(GloveboxError, LookupError):
    """No such thing, or none that this person may see: the two look alike on purpose."""

    status = 404
    code = "not_found"


class Forbidden(GloveboxError, PermissionError):
    """The person is known, the role is not enough."""

    status = 403
    code = "forbidden"


class Conflict(GloveboxError):
    """The present state of things forbids it (a used token, a state that has no such transition, a
    duplicate)."""

    status = 409
    code = "conflict"


class Invalid(GloveboxError, ValueError):
    """The input is well-formed but makes no sense (end before start, random UID, unknown energy)."""

    status = 422
    code = "invalid"


class TooLarge(GloveboxError):
    """More was sent than any form or file of ours holds."""

    status = 413
    code = "too_large"


class Busy(GloveboxError):
    """The writer's queue is full. Try again after `retry_after_s`."""

    status = 503
    code = "busy"
    retry_after_s = 2


class StoreAway(Busy):
    """The database does not answer (server gone, disk full). Nothing was stored."""

    code = "store_away"
    retry_after_s = 10
