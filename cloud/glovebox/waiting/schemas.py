"""Values about the waiting list."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    """A person who waits for a car at a site. `state`: `waiting`, `offered` (`reservation_id` holds a car
    until `offer_until`), `booked` (`reservation_id` is the booking), `left`, `expired`."""

    id: int
    person_id: int
    person_name: str
    site_id: int
    site_name: str
    to_site_id: int | None
    starts_at: int
    ends_at: int
    seats: int
    energy: str
    distance_m: int
    purpose: str
    created_at: int
    state: str
    reservation_id: int | None
    offer_until: int | None
