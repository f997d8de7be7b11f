"""`/api/v1/series`: bookings that repeat. Days are local ones, minutes count from local midnight at the car's
site."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from glovebox.dependencies import BodyId, CloudDep, Id, PartDep, ReadTx, ScopeDep
from glovebox.errors import Invalid
from glovebox.reservations.schemas import Offer, Reservation
from glovebox.scope import Scope
from glovebox.series import acts, looking, service
from glovebox.series.days import BUT_DAYS, EVERY_WEEKS, OCCURRENCES
from glovebox.series.schemas import Done, Rule, Series

router = APIRouter(tags=["reservations"])

Minute = Annotated[int, Field(strict=True, ge=0, le=2_879)]
_RULE: dict[str, Any] = {
    "weekdays": [1, 3],
    "first_day": "2026-03-12",
    "last_day": "2026-06-30",
    "starts_minute": 480,
    "ends_minute": 720,
    "every_weeks": 1,
    "skips_holidays": True,
    "but": ["2026-04-14"],
}


class SeriesIn(BaseModel):
    """A series asked for. `weekdays`: 0 is Monday; `ends_minute` past 1440 is on the next day; `but`: days
    left out; `person_id` empty: oneself; `others`: another car for some days."""

    model_config = ConfigDict(json_schema_extra={"example": {"vehicle_id": 7, **_RULE}})
    vehicle_id: BodyId
    weekdays: set[Annotated[int, Field(ge=0, le=6)]] = Field(max_length=7)
    first_day: date
    last_day: date
    starts_minute: Minute
    ends_minute: Minute
    every_weeks: int = Field(strict=True, default=1, ge=1, le=EVERY_WEEKS)
    skips_holidays: bool = True
    but: list[date] = Field(default_factory=list, max_length=BUT_DAYS)
    person_id: BodyId | None = None
    purpose: str = Field(default="", max_length=200)
    others: dict[date, BodyId] = Field(default_factory=dict, max_length=OCCURRENCES)

    def rule(self) -> Rule:
        """What repeats."""
        return Rule(
            frozenset(self.weekdays),
            self.first_day,
            self.last_day,
            self.starts_minute,
            self.ends_minute,
            self.every_weeks,
            self.skips_holidays,
            frozenset(self.but),
        )


class SeriesChange(BaseModel):
    """What is to change of the occurrences from `from_day` on (empty: all ahead); what is absent stays."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"from_day": "2026-05-05", "starts_minute": 540, "ends_minute": 720}}
    )
    from_day: date | None = None
    starts_minute: Minute | None = None
    ends_minute: Minute | None = None
    vehicle_id: BodyId | None = None


class LookedOut(BaseModel):
    """One day of a series: `code` says why it cannot be had ("": it can), `instead` another car that can."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "day": "2026-03-12",
                "starts_at": 1_773_298_800,
                "ends_at": 1_773_313_200,
                "code": "",
                "instead": None,
            }
        }
    )
    day: date
    starts_at: int
    ends_at: int
    code: str
    instead: Offer | None = None


class RefusedOut(BaseModel):
    """A day for which it could not be, and why."""

    model_config = ConfigDict(json_schema_extra={"example": {"day": "2026-03-17", "code": "already_taken"}})
    day: date
    code: str


class DoneOut(BaseModel):
    """What was done, and the days for which it could not be."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "series_id": 5,
                "reservation_ids": [42, 43],
                "refused": [{"day": "2026-03-17", "code": "already_taken"}],
            }
        }
    )
    series_id: int
    reservation_ids: list[int]
    refused: list[RefusedOut]


class OccurrenceOut(BaseModel):
    """One occurrence; `is_exception`: changed by hand, a change of the series leaves it alone."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"day": "2026-03-12", "is_exception": False, "reservation": {}}}
    )
    day: date
    is_exception: bool
    reservation: Reservation


class SeriesOut(BaseModel):
    """A series, its times by the clock of `time_zone`; `refused`: days that are not booked, or could not be
    moved by the last change and stayed as they were."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 5,
                "person_id": 3,
                "person_name": "Anne Morin",
                "vehicle_id": 7,
                **_RULE,
                "purpose": "Tournée",
                "time_zone": "Europe/Paris",
                "occurrences": [],
                "refused": [{"day": "2026-03-17", "code": "already_taken"}],
            }
        }
    )
    id: int
    person_id: int | None
    person_name: str
    vehicle_id: int
    weekdays: list[int]
    first_day: date
    last_day: date
    starts_minute: int
    ends_minute: int
    every_weeks: int
    skips_holidays: bool
    but: list[date]
    purpose: str
    time_zone: str
    occurrences: list[OccurrenceOut]
    refused: list[RefusedOut]


@router.get("/series")
def list_series(
    tx: ReadTx,
    scope: ScopeDep,
    cloud: CloudDep,
    part: PartDep,
    person_id: Annotated[Id | None, Query()] = None,
) -> list[SeriesOut]:
    """A person's series that are not over (empty: one's own), without their occurrences."""
    found = service.list_series(tx, cloud.now(), scope, _whose(scope, person_id))
    return [_shown(one) for one in part.of(found)]


@router.post("/series/preview")
def preview(asked: SeriesIn, tx: ReadTx, scope: ScopeDep, cloud: CloudDep) -> list[LookedOut]:
    """What could be booked of a series, day by day. Nothing is held."""
    whose = _whose(scope, asked.person_id)
    found = looking.preview(tx, cloud.now(), scope, asked.vehicle_id, whose, asked.rule())
    return [
        LookedOut(
            day=one.day,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            code=one.problem.code if one.problem else "",
            instead=one.instead,
        )
        for one in found.occurrences
    ]


@router.post("/series", status_code=201)
def book(asked: SeriesIn, scope: ScopeDep, cloud: CloudDep) -> DoneOut:
    """Books every day that can be had; each is a reservation of its own. 409 `series_nothing`."""
    where = (asked.vehicle_id, _whose(scope, asked.person_id), asked.rule())
    run, more = cloud.writer.run, asked.model_dump(include={"purpose", "others"})
    return _done(acts.book(run, cloud.now(), scope, *where, **more))


@router.get("/series/{series_id}")
def get_series(series_id: Id, tx: ReadTx, scope: ScopeDep) -> SeriesOut:
    """A series with its occurrences, of oneself or somebody one manages."""
    return _shown(service.get_series(tx, scope, series_id))


@router.patch("/series/{series_id}")
def change(series_id: Id, asked: SeriesChange, scope: ScopeDep, cloud: CloudDep) -> DoneOut:
    """Moves the occurrences ahead to another time of day or car; exceptions stay."""
    values = asked.model_dump(exclude_unset=True)
    return _done(acts.change(cloud.writer.run, cloud.now(), scope, series_id, **values))


@router.delete("/series/{series_id}")
def cancel(series_id: Id, scope: ScopeDep, cloud: CloudDep, from_day: date | None = None) -> DoneOut:
    """Gives the occurrences ahead back, from `from_day` on."""
    return _done(acts.cancel(cloud.writer.run, cloud.now(), scope, series_id, from_day=from_day))


@router.post("/series/{series_id}/undo", status_code=204, response_class=Response)
async def undo(series_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Takes back one's own last act on the whole series, within 30 seconds."""
    now = cloud.now()
    await cloud.writer.write(lambda tx: acts.take_back(tx, now, scope, series_id))


def _whose(scope: Scope, person_id: int | None) -> int:
    whose = scope.person_id if person_id is None else person_id
    if whose is None:
        raise Invalid("person_missing")
    return whose


def _done(done: Done) -> DoneOut:
    refused = [RefusedOut(day=day, code=error.code) for day, error in done.refused]
    return DoneOut(series_id=done.series_id, reservation_ids=done.reservation_ids, refused=refused)


def _shown(one: Series) -> SeriesOut:
    rule = asdict(one.rule) | {"weekdays": sorted(one.rule.weekdays), "but": sorted(one.rule.but)}
    occurrences = [
        OccurrenceOut(day=day, is_exception=is_exception, reservation=reservation)
        for day, is_exception, reservation in one.occurrences
    ]
    return SeriesOut(
        id=one.id,
        person_id=one.person_id,
        person_name=one.person_name,
        vehicle_id=one.vehicle_id,
        purpose=one.purpose,
        time_zone=one.time_zone,
        occurrences=occurrences,
        refused=[RefusedOut(day=one.day, code=one.problem.code) for one in one.refused],
        **rule,
    )
