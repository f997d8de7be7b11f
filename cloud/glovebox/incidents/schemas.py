"""Values about incidents."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Incident:
    """Something a person should look at. `kind` is the key of its sentence (`incident.<kind>`), `detail` what
    was noted with it: a reporter's own words, or the box's."""

    id: int
    kind: str
    organisation_id: int
    vehicle_id: int | None
    registration: str | None
    site_id: int | None
    """The car's, on whose clock its times are told."""
    reservation_id: int | None
    trip_id: int | None
    person_id: int | None
    person_name: str
    """Whoever it is about: had the car, or reported the damage."""
    detail: str
    opened_at: int
    asked_at: int | None
    closed_at: int | None
    closed_by_name: str
    """"" while it is open, and where the server closed it."""
    resolution: str
    closing_note: str
    steps: tuple[str, ...] = ()
    """What the system can do about it now, the proposed step first; told of one incident, not in lists."""
