"""Rules and calendars as they stand in one transaction, each read once: a job of a series books several
days."""

from collections.abc import Iterable

from sqlalchemy import Connection

from glovebox.policies.calendars import load_calendars
from glovebox.policies.opening import Calendar
from glovebox.policies.resolution import Rulebook


class Readings:
    """What was read; never kept beyond the transaction it was read in."""

    def __init__(self) -> None:
        self._rulebooks: dict[int | None, Rulebook] = {}
        self._calendars: dict[int, Calendar] = {}

    def rulebook(self, tx: Connection, person_id: int | None) -> Rulebook:
        """The rules for this person."""
        if person_id not in self._rulebooks:
            self._rulebooks[person_id] = Rulebook(tx, person_id)
        return self._rulebooks[person_id]

    def calendars(self, tx: Connection, site_ids: Iterable[int]) -> dict[int, Calendar]:
        """The calendars of these sites, at least."""
        new = set(site_ids) - self._calendars.keys()
        if new:
            self._calendars |= load_calendars(tx, new)
        return self._calendars
