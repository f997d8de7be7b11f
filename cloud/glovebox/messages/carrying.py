"""What the ways out of the house have in common."""

from collections.abc import Sequence
from typing import Final, Protocol

from glovebox.messages.schemas import Letter, Receipt
from glovebox.messages.wording import Written

# Under the claim's life, so that a hanging server does not make a second copy.
TIMEOUT_S: Final = 20


class Refused(Exception):
    """Not taken. `is_final`: trying again would change nothing. `retry_after_s`: not before that, where the
    other side said so. `receipts`: what each device's push service said."""

    def __init__(
        self, reason: str, *, is_final: bool, retry_after_s: int = 0, receipts: Sequence[Receipt] = ()
    ) -> None:
        super().__init__(reason)
        self.is_final, self.retry_after_s, self.receipts = is_final, retry_after_s, tuple(receipts)


class Carrier(Protocol):
    """Sends one message or raises Refused."""

    def send(self, now: int, letter: Letter, written: Written) -> Sequence[Receipt]:
        """`now` dates it; `letter.message_key` lets the other side drop a second copy. For push: what
        became of it for each device."""
