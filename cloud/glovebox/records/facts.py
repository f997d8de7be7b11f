"""What new journal records mean: each kind's effect on trips, faults, incidents and commands, applied in
order."""

from sqlalchemy import Connection, update

from glovebox.boxes.tables import commands
from glovebox.incidents.service import open_incident
from glovebox.keys import Keyring
from glovebox.link import codes
from glovebox.records.faults import clear_fault, set_fault
from glovebox.records.journal import Sender, Stored
from glovebox.records.layout import read_payload
from glovebox.trips import facts as trips

_KIND = codes.RECORD
_LAST_ID = 0x7FFF_FFFF
_COMMAND_STATES = ("done", "refused", "expired", "unknown")


def apply_records(
    tx: Connection, now: int, keyring: Keyring, box: Sender, epoch: int, fresh: list[Stored]
) -> bool:
    """Applies genuine records that are in the books since this transaction; True if any of them had an
    effect.
    Relay history, refusals and boots have none: they are read from the journal itself."""
    has_effect = False
    for stored in fresh:
        kind = stored.record.kind
        if kind not in _EFFECTIVE:
            continue
        has_effect = True
        values = read_payload(kind, stored.record.payload)
        if kind == _KIND["session_start"]:
            trips.apply_session_start(tx, now, keyring, box, epoch, stored, values)
        elif kind == _KIND["session_end"]:
            trips.apply_session_end(tx, now, box, epoch, stored, values)
        elif kind == _KIND["stopover"]:
            trips.apply_stopover(tx, box, epoch, stored, values)
        elif kind == _KIND["resumed"]:
            trips.apply_resumed(tx, box, epoch, stored, values)
        elif kind == _KIND["command"]:
            apply_command_result(tx, stored.at, values["command_id"], values["result"], values["reason"])
        elif stored.vehicle_id is None:
            continue
        elif kind == _KIND["fault_set"]:
            set_fault(tx, stored.vehicle_id, box.box_pk, values["fault"], values["detail"], stored.at)
        elif kind == _KIND["fault_cleared"]:
            clear_fault(tx, stored.vehicle_id, values["fault"], stored.at)
        elif kind == _KIND["alarm"]:
            cause = codes.name_of(codes.ALARM_CAUSE, values["cause"])
            open_incident(tx, now, "alarm", stored.vehicle_id, detail=cause)
    return has_effect


def apply_command_result(tx: Connection, at: int, command_id: int, result: int, reason: int) -> None:
    """A box answered a command; the first answer counts."""
    if command_id > _LAST_ID:
        return  # no number we ever gave; PostgreSQL would not even compare it
    state = _COMMAND_STATES[result] if result < len(_COMMAND_STATES) else "unknown"
    waiting = (commands.c.id == command_id) & commands.c.state.in_(("queued", "sent"))
    tx.execute(update(commands).where(waiting).values(state=state, refusal=reason, answered_at=at))


_EFFECTIVE = frozenset(
    _KIND[name]
    for name in (
        "session_start",
        "session_end",
        "stopover",
        "resumed",
        "command",
        "fault_set",
        "fault_cleared",
        "alarm",
    )
)
