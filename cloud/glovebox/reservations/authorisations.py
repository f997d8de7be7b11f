"""What each car's box should hold: authorisations computed from reservations and rights."""

from sqlalchemy import Connection


def refresh(tx: Connection, now: int, vehicle_id: int) -> int:
    """Computes one car's set again; returns its version, higher than before if anything changed."""
    raise NotImplementedError


def refresh_person(tx: Connection, now: int, person_id: int) -> None:
    """The same for every car this person may take."""
    raise NotImplementedError


def refresh_pool(tx: Connection, now: int, pool_id: int) -> None:
    """The same for every car of a pool."""
    raise NotImplementedError
