"""Opening and closing a car by phone: the driver is offered what fits what the car said last.

| the car says | offered |
|---|---|
| standing in a session, unlocked | close |
| driving | nothing |
| anything else, or nothing lately | open; with a session also close where the lock is not known |
"""

from typing import Any, Final, Literal

from sqlalchemy import Connection, select

from glovebox.boxes import service
from glovebox.boxes.schemas import Command, Live
from glovebox.boxes.tables import commands
from glovebox.clock import MINUTE_S
from glovebox.errors import Conflict, NotFound
from glovebox.link.settings import EARLY_S
from glovebox.reservations.tables import reservations
from glovebox.scope import Scope

Act = Literal["open", "close"]
KINDS: Final[dict[Act, Literal["open_for", "lock"]]] = {"open": "open_for", "close": "lock"}
# A car in use is in `ready` and tells at once; what it said longer ago says nothing of its doors.
FRESH_S: Final = 15 * MINUTE_S


def list_acts(now: int, promise: Any, live: Live | None) -> tuple[Act, ...]:
    """What to offer for one's own reservation (`state`, `starts_at`, `ends_at`), the likely one first."""
    is_in_use = promise.state == "in_use"
    is_time = is_in_use or promise.starts_at - EARLY_S <= now < promise.ends_at
    if live is None or not is_time or promise.state not in ("confirmed", "in_use"):
        return ()
    said = live.state if live.heard_at is not None and now - live.heard_at <= FRESH_S else None
    if said == "driving":
        return ()
    if not is_in_use or said not in (None, "open"):
        return ("open",)
    is_locked = live.is_locked if said == "open" else None
    return ("open", "close") if is_locked is None else (("open",) if is_locked else ("close",))


def command(tx: Connection, now: int, scope: Scope, reservation_id: int, act: Act) -> int:
    """Sends it for one's own reservation; returns the command's id. Raises NotFound, Forbidden at another
    time, Conflict `no_box`, `driving`, `open_already`, `closed_already`, `not_begun`."""
    one = (reservations.c.id == reservation_id) & scope.mine(reservations.c.person_id)
    promise = tx.execute(select(reservations).where(one)).first()
    if promise is None:
        raise NotFound()
    live = service.list_live(tx, [promise.vehicle_id]).get(promise.vehicle_id)
    acts = list_acts(now, promise, live)
    if acts and act not in acts:
        is_begun = promise.state == "in_use"
        raise Conflict("open_already" if act == "open" else "closed_already" if is_begun else "not_begun")
    if not acts and live is not None and live.state == "driving" and promise.state == "in_use":
        raise Conflict("car_driving")
    values = (promise.vehicle_id, KINDS[act], "by phone")
    return service.add_command(tx, now, scope, *values, argument=reservation_id)


def get_command(tx: Connection, scope: Scope, vehicle_id: int, command_id: int) -> Command:
    """A command this person sent to this car, with what became of it. Raises NotFound."""
    columns = [commands.c[name] for name in Command.__dataclass_fields__]
    row = tx.execute(
        select(*columns).where(
            commands.c.id == command_id,
            scope.mine(commands.c.person_id),
            commands.c.vehicle_id == vehicle_id,
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    return Command(**row._mapping)
