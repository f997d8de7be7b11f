"""What people are told of a colleague's act on their reservation: after the time to take it back, and only
what stands then."""

from collections.abc import Sequence

from sqlalchemy import Connection

from glovebox.messages import service as messages
from glovebox.reservations import asking
from glovebox.reservations.facts import facts_of
from glovebox.reservations.ownership import get_reservation
from glovebox.reservations.states import GUARDED, State
from glovebox.scope import SYSTEM, Scope


def tell_booked(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Tells of a booking."""
    _tell(tx, now, scope, "booked_for_you", reservation_id, _booked(reservation_id))


def tell_changed(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Tells of another time or car; of several changes in a row the last, and as a booking where that is not
    told yet. The server tells of its own change in other words; here what a colleague did just before is then
    told as it stands now."""
    if messages.drop(tx, now, [_booked(reservation_id)]):
        _put(tx, now, scope, "booked_for_you", reservation_id, _booked(reservation_id))
        return
    key = f"changed_for_you-{reservation_id}-{now}"
    tell = _put if messages.drop_kind(tx, now, reservation_id, "changed_for_you") else _tell
    tell(tx, now, scope, "changed_for_you", reservation_id, key)


def tell_cancelled(tx: Connection, now: int, scope: Scope, reservation_id: int) -> None:
    """Tells of a cancellation; of what was booked and given back at once nobody hears."""
    messages.drop_kind(tx, now, reservation_id, "approval_asked")
    messages.drop_kind(tx, now, reservation_id, "changed_for_you")
    if not messages.drop(tx, now, [_booked(reservation_id)]):
        key = f"cancelled_for_you-{reservation_id}"
        _tell(tx, now, scope, "cancelled_for_you", reservation_id, key)


def tell_series(tx: Connection, now: int, scope: Scope, kind: str, reservation_ids: Sequence[int]) -> None:
    """Tells once of what was done to several occurrences of a series: `series_booked`, `series_changed`,
    `series_cancelled`. It hangs on the first of them, and is taken back with it."""
    key = f"{kind}-{reservation_ids[0]}-{now}"
    _tell(tx, now, scope, kind, reservation_ids[0], key, count=len(reservation_ids))


def tell_undone(tx: Connection, now: int, scope: Scope, reservation_id: int, done_at: int) -> None:
    """Takes back what the act of `done_at` would have told, and tells what stands again."""
    messages.drop_caused(tx, now, reservation_id, done_at)
    one = get_reservation(tx, SYSTEM, reservation_id)
    if one.state == State.PENDING and messages.is_last_dropped(tx, reservation_id, "approval_asked"):
        asking.ask_approvers(tx, now, one)
    if one.state in GUARDED and messages.was_dropped(tx, _booked(reservation_id)):
        tell_booked(tx, now, scope, reservation_id)
    elif one.state in GUARDED and messages.was_dropped_at(tx, reservation_id, "changed_for_you", done_at):
        tell_changed(tx, now, scope, reservation_id)  # a change before it stands, and nobody was told yet


def tell_all_undone(
    tx: Connection, now: int, scope: Scope, reservation_ids: Sequence[int], done_at: int
) -> None:
    """The same of several: only some of a series were told anything of."""
    for reservation_id in messages.list_told(tx, reservation_ids):
        tell_undone(tx, now, scope, reservation_id, done_at)


def _booked(reservation_id: int) -> str:
    return f"booked_for_you-{reservation_id}"


def _tell(
    tx: Connection, now: int, scope: Scope, kind: str, reservation_id: int, key: str, **more: object
) -> None:
    """Tells the person what somebody else did; what nobody in particular did is told elsewhere."""
    if scope.person_id is not None:
        _put(tx, now, scope, kind, reservation_id, key, **more)


def _put(
    tx: Connection, now: int, scope: Scope, kind: str, reservation_id: int, key: str, **more: object
) -> None:
    one = get_reservation(tx, SYSTEM, reservation_id)
    if one.person_id is None or one.person_id == scope.person_id:
        return
    facts = facts_of(tx, one) | more
    messages.put(
        tx, now, one.person_id, kind, key, facts, reservation_id=reservation_id, wait_s=messages.UNDO_S
    )
