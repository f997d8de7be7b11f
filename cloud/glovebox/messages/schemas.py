"""Values about messages."""

from dataclasses import dataclass
from typing import Any, Literal

Channel = Literal["mail", "push", "sms", "page"]


@dataclass(frozen=True)
class Message:
    """A message as its person reads it. `facts` fill the sentence of `kind`."""

    id: int
    kind: str
    facts: dict[str, Any]
    reservation_id: int | None
    due_at: int
    seen_at: int | None


@dataclass(frozen=True)
class Delivery:
    """What became of a message: `waiting`, `sent`, `kept` (on the person's page only), `failed`, `dropped`.
    `last_error` is the other side's own words, or `no_address`, `no_device`, `not_set_up`, `expired`."""

    id: int
    person_id: int
    person_name: str
    kind: str
    state: str
    channel: str
    attempts: int
    last_error: str
    due_at: int
    next_at: int
    settled_at: int | None


@dataclass(frozen=True)
class Choice:
    """How a person wants to be told, besides the page that always shows it. `phone` as +33612345678."""

    channel: Channel
    phone: str


@dataclass(frozen=True)
class Letter:
    """A claimed message on its way. The same `message_key` may leave twice: at least once is promised.
    `devices`, for push: number, address, public key and secret of each that does not have it yet."""

    id: int
    message_key: str
    kind: str
    facts: dict[str, Any]
    channel: str
    address: str
    language: str
    attempt: int
    devices: tuple[tuple[int, str, bytes, bytes], ...] = ()


@dataclass(frozen=True)
class Device:
    """A browser that shows its person's messages by push. `browser` and `system` as it named itself, "" where
    unknown; `last_refusal`: what its push service said when it last took nothing."""

    id: int
    browser: str
    system: str
    created_at: int
    last_taken_at: int | None
    last_refused_at: int | None
    last_refusal: str


@dataclass(frozen=True)
class Receipt:
    """What became of a message on its way to one device: `gone` for good, or `waits` for another try."""

    subscription_id: int
    outcome: Literal["taken", "waits", "refused", "gone"]
    said: str = ""
    retry_after_s: int = 0
