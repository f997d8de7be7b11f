"""The states of a reservation and every change between them: one table, which the code obeys, the README
shows and a test compares.

| from | event | to |
|---|---|---|
| `pending` | approve | `confirmed` |
| `pending` | cancel: given back, or refused by its approver | `cancelled` |
| `pending` | lapse: not approved by `approval_due_at` | `expired` |
| `pending` | restore: a change that asked the approver again is undone | `confirmed` |
| `confirmed` | start: the box began a session | `in_use` |
| `confirmed` | cancel | `cancelled` |
| `confirmed` | ask: changed beyond what was approved | `pending` |
| `confirmed` | release: box heard after `no_show_s`, no session | `no_show` |
| `confirmed` | lapse: ended without word from the box | `expired` |
| `in_use` | end: the box ended the session | `completed` |
| `in_use` | unbegin: the box lost its power before the car had opened | `confirmed` |
| `expired` | start: a late journal tells that it was used | `in_use` |
| `expired` | end: a late journal tells that it was used | `completed` |
| `completed` | start: used once more before its end | `in_use` |
| `cancelled` | restore: the cancellation is undone, within 30 s | `confirmed` |
| `cancelled` | restore_pending: the same, it still waited | `pending` |
| `pending` | rearrange: exchanges its car with another | `moving` |
| `confirmed` | rearrange: the same | `moving` |
| `moving` | place: in its new car, within the same transaction | `confirmed` |
| `moving` | place_pending: the same, an approver is to answer | `pending` |

A start after `cancelled` or `no_show`, or one that the guard forbids, changes no reservation: the trip is
stored and an incident opens.
"""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """States of a reservation. `GUARDED` ones exclude each other on one vehicle; `MOVING` is never seen
    outside the transaction that exchanges cars."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    IN_USE = "in_use"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    EXPIRED = "expired"
    MOVING = "moving"


STATES: Final = tuple(state.value for state in State)
GUARDED: Final = (State.PENDING, State.CONFIRMED, State.IN_USE)

TRANSITIONS: Final[dict[tuple[State, str], State]] = {
    (State.PENDING, "approve"): State.CONFIRMED,
    (State.PENDING, "cancel"): State.CANCELLED,
    (State.PENDING, "lapse"): State.EXPIRED,
    (State.PENDING, "restore"): State.CONFIRMED,
    (State.CONFIRMED, "start"): State.IN_USE,
    (State.CONFIRMED, "cancel"): State.CANCELLED,
    (State.CONFIRMED, "ask"): State.PENDING,
    (State.CONFIRMED, "release"): State.NO_SHOW,
    (State.CONFIRMED, "lapse"): State.EXPIRED,
    (State.IN_USE, "end"): State.COMPLETED,
    (State.IN_USE, "unbegin"): State.CONFIRMED,
    (State.EXPIRED, "start"): State.IN_USE,
    (State.EXPIRED, "end"): State.COMPLETED,
    (State.COMPLETED, "start"): State.IN_USE,
    (State.CANCELLED, "restore"): State.CONFIRMED,
    (State.CANCELLED, "restore_pending"): State.PENDING,
    (State.PENDING, "rearrange"): State.MOVING,
    (State.CONFIRMED, "rearrange"): State.MOVING,
    (State.MOVING, "place"): State.CONFIRMED,
    (State.MOVING, "place_pending"): State.PENDING,
}


def next_state(state: str, event: str) -> State | None:
    """The state after `event`, or None where the table has no such change."""
    return TRANSITIONS.get((State(state), event))
