"""Values about incidents."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Incident:
    """Something a person should look at. `kind` is the key of its sentence (`incident.<kind>`)."""

    id: int
    kind: str
    organisation_id: int
    vehicle_id: int | None
    registration: str | None
    reservation_id: int | None
    trip_id: int | None
    person_id: int | None
    detail: str
    opened_at: int
    closed_at: int | None
    closing_note: str
