"""Journals and faults as the console shows them."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, select

from glovebox.errors import Forbidden
from glovebox.fleet import service as fleet
from glovebox.link import codes
from glovebox.link.wire import UNKNOWN_U32
from glovebox.records.journal import DAMAGED
from glovebox.records.layout import read_payload, read_record
from glovebox.records.schemas import Line
from glovebox.records.tables import records
from glovebox.scope import Scope
from glovebox.words.quantities import Quantity


def list_lines(
    tx: Connection,
    scope: Scope,
    vehicle_id: int,
    *,
    before: int | None = None,
    limit: int = 100,
) -> list[Line]:
    """A car's journal, newest first, each line ready to be said.
    Raises NotFound, Forbidden for a car this scope does not manage."""
    vehicle = fleet.get_vehicle(tx, scope, vehicle_id)
    if not scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        raise Forbidden()
    query = select(records).where(records.c.vehicle_id == vehicle_id)
    if before is not None:
        query = query.where(records.c.at < before)
    newest = (records.c.at.desc(), records.c.received_at.desc(), records.c.ring, records.c.sequence.desc())
    return [_line(row) for row in tx.execute(query.order_by(*newest).limit(limit))]


def _line(row: Any) -> Line:
    record = read_record(row.slot)
    kind = codes.name_of(codes.RECORD, record.kind)
    if row.verdict == DAMAGED:
        return Line(row.at, 0, "damaged", "line.damaged", {}, row.ring, row.sequence)
    if record.kind not in codes.RECORD.values():
        return Line(row.at, record.trust, kind, "line.unknown", {"kind": record.kind}, row.ring, row.sequence)
    values = read_payload(record.kind, record.payload)
    told = _TELL[kind](values) if kind in _TELL else values
    sentence = "line.command_obeyed" if kind == "command" and not values["reason"] else f"line.{kind}"
    return Line(row.at, record.trust, kind, sentence, told, row.ring, row.sequence)


def _word(group: str, table: dict[str, int], code: int) -> str:
    """A reference to the word of a code; the bare code where it is newer than this cloud."""
    name = codes.name_of(table, code)
    return f"@{group}.{name}" if name in table else name


_UNKNOWN: Final = "@word.unknown"


def _volt(battery_mv: int) -> Quantity | str:
    return Quantity(battery_mv / 1000, "V", 1) if battery_mv else _UNKNOWN


def _percent(value: int) -> Quantity | str:
    return Quantity(value, "%") if value <= 100 else _UNKNOWN


def _odometer(odometer_hm: int) -> Quantity | str:
    return _UNKNOWN if odometer_hm == UNKNOWN_U32 else Quantity(odometer_hm // 10, "km")


def _fault(values: dict[str, Any]) -> dict[str, Any]:
    return {"fault": _word("fault", codes.FAULT, values["fault"])}


def _refusal(code: int) -> str:
    return _word("refusal", codes.REFUSAL, code) if code else "@refusal.none"


def _mode(values: dict[str, Any]) -> dict[str, Any]:
    bit = values["mode"]
    name = f"@mode.{codes.MODE_BIT[bit]}" if bit < len(codes.MODE_BIT) else str(bit)
    return {"mode": name, "on": "@word.on" if values["on"] else "@word.off"}


def _counters(values: dict[str, Any]) -> dict[str, Any]:
    counts = [
        (f"counter.{codes.name_of(codes.COUNTER, code)}", {"count": Quantity(value)})
        for code, value in values["counters"]
        if code in codes.COUNTER.values()
    ]
    return {"counters": counts or "@word.none"}


_TELL: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "boot": lambda v: {
        "cause": _word("reset_cause", codes.RESET_CAUSE, v["reset_cause"]),
        "firmware": v["firmware"],
        "battery": _volt(v["battery_mv"]),
    },
    "session_start": lambda v: {
        "via": _word("via", codes.VIA, v["via"]),
        "odometer": _odometer(v["odometer_hm"]),
        "authorisation_id": v["authorisation_id"],
    },
    "session_end": lambda v: {
        "reason": _word("end_reason", codes.END_REASON, v["reason"]),
        "distance": Quantity(v["distance_m"] / 1000, "km", 1) if v["distance_source"] else _UNKNOWN,
        "fuel": Quantity(v["fuel_ml"] / 1000, "L", 1) if v["fuel_source"] else _UNKNOWN,
    },
    "refused": lambda v: {"refusal": _refusal(v["refusal"])},
    "relay": lambda v: {
        "wanted": _word("contact", codes.CONTACT, v["wanted"]),
        "outcome": _word("relay_outcome", codes.RELAY_OUTCOME, v["outcome"]),
        "contact": _word("contact", codes.CONTACT, v["contact"]),
        "motion": _word("motion", codes.MOTION, v["motion"]),
        "source": _word("relay_source", codes.RELAY_SOURCE, v["source"]),
    },
    "fault_set": _fault,
    "fault_cleared": _fault,
    "command": lambda v: {
        "command": _word("command", codes.COMMAND, v["kind"]),
        "result": _word("command_result", codes.COMMAND_RESULT, v["result"]),
        "refusal": _refusal(v["reason"]),
    },
    "mode": _mode,
    "alarm": lambda v: {"cause": _word("alarm_cause", codes.ALARM_CAUSE, v["cause"])},
    "crash": lambda v: {
        "cause": _word("crash_cause", codes.CRASH_CAUSE, v["cause"]),
        "text": v["text"] or "-",
        "times": Quantity(v["times"]),
    },
    "health": lambda v: {
        "battery": _volt(v["battery_mv"]),
        "fuel": _percent(v["fuel_percent"]),
        "heap": Quantity(v["free_heap"] // 1024, "KiB"),
    },
    "codes": lambda v: {
        "mil": "@word.on" if v["mil"] else "@word.off",
        "dtcs": ", ".join(v["dtcs"]) or "@word.none",
    },
    "counters": _counters,
}
