"""`/api/v1/reservations`, `/api/v1/availability`. Instants are integer seconds since 1970, UTC."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from glovebox.audit import service as audit
from glovebox.dependencies import BodyId, BodyInstant, CloudDep, Id, Instant, PartDep, ReadTx, ScopeDep
from glovebox.errors import Invalid
from glovebox.fleet.schemas import Energy
from glovebox.reservations import changes, finding, rehousing, service, swapping
from glovebox.reservations.availability import Wanted
from glovebox.reservations.schemas import Alternatives, Findings, Rehousing, Reservation

router = APIRouter(tags=["reservations"])


class ReservationIn(BaseModel):
    """A reservation asked for. `person_id` empty: oneself. It begins where the car will stand then
    (`from_site`: refused if that is elsewhere) and ends there, or at `to_site`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "vehicle_id": 7,
                "starts_at": 1_773_129_600,
                "ends_at": 1_773_136_800,
                "purpose": "Formation",
            }
        }
    )
    vehicle_id: BodyId
    starts_at: BodyInstant
    ends_at: BodyInstant
    person_id: BodyId | None = None
    purpose: str = Field(default="", max_length=200)
    from_site: BodyId | None = None
    to_site: BodyId | None = None


class ReservationChange(BaseModel):
    """What is to change; what is absent stays. `to_site`: where it is brought back."""

    model_config = ConfigDict(json_schema_extra={"example": {"ends_at": 1_773_140_400}})
    starts_at: BodyInstant | None = None
    ends_at: BodyInstant | None = None
    vehicle_id: BodyId | None = None
    to_site: BodyId | None = None
    purpose: str | None = Field(default=None, max_length=200)


class LateIn(BaseModel):
    """How much later the car comes back, about."""

    model_config = ConfigDict(json_schema_extra={"example": {"minutes": 30}})
    minutes: int = Field(strict=True, ge=1, le=changes.LATE_MOST_MINUTES)


class SwapIn(BaseModel):
    """The reservation to exchange cars with."""

    model_config = ConfigDict(json_schema_extra={"example": {"other_id": 43}})
    other_id: BodyId


@router.get("/availability")
def find(
    tx: ReadTx,
    scope: ScopeDep,
    cloud: CloudDep,
    starts_at: Instant,
    ends_at: Instant,
    from_site: Id | None = None,
    to_site: Id | None = None,
    seats: Annotated[int, Query(ge=1, le=60)] = 1,
    energy: Energy | None = None,
    distance_m: Annotated[int, Query(ge=0, le=5_000_000)] = 0,
) -> Findings:
    """Cars free for the whole interval where they will be then; those that nearly fit, with what would make
    them fit; and which one to take, with the reasons. `to_site`: brought back there (else where it was
    taken); `distance_m`: what it must go without charging."""
    wanted = Wanted(starts_at, ends_at, from_site, to_site, seats, energy, distance_m)
    return finding.find(tx, cloud.now(), scope, wanted)


@router.get("/reservations")
def list_reservations(
    tx: ReadTx,
    scope: ScopeDep,
    starts_before: Instant | None = None,
    ends_after: Instant | None = None,
    vehicle_id: Id | None = None,
    person_id: Id | None = None,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> list[Reservation]:
    """Reservations touching (ends_after, starts_before), by start. Behind the wall the person is hidden."""
    return service.list_reservations(
        tx,
        scope,
        starts_before=starts_before,
        ends_after=ends_after,
        vehicle_ids=None if vehicle_id is None else [vehicle_id],
        person_id=person_id,
        offset=offset,
        limit=limit,
    )


@router.get("/reservations/{reservation_id}")
def get_reservation(reservation_id: Id, tx: ReadTx, scope: ScopeDep) -> Reservation:
    """One reservation; `car_knows` says whether the car's box holds it."""
    return service.get_reservation(tx, scope, reservation_id)


@router.post("/reservations", status_code=201)
async def book(asked: ReservationIn, scope: ScopeDep, cloud: CloudDep) -> Reservation:
    """Books. 409 `already_taken` says what is free instead: `others` and `next_free`."""
    person_id = asked.person_id if asked.person_id is not None else scope.person_id
    if person_id is None:
        raise Invalid("person_missing")
    now = cloud.now()

    def job(tx: Connection) -> Reservation:
        options: dict[str, Any] = asked.model_dump(include={"purpose", "from_site", "to_site"})
        where = (asked.vehicle_id, person_id, asked.starts_at, asked.ends_at)
        return service.get_reservation(tx, scope, service.book(tx, now, scope, *where, **options))

    return await cloud.writer.write(job)


@router.patch("/reservations/{reservation_id}")
async def change(
    reservation_id: Id, asked: ReservationChange, scope: ScopeDep, cloud: CloudDep
) -> Reservation:
    """Moves a reservation in time, to another car or to where it is brought back. 409
    `counted_on_elsewhere`: the next person looks for it where it was promised."""
    now = cloud.now()

    def job(tx: Connection) -> Reservation:
        service.change(tx, now, scope, reservation_id, **asked.model_dump(exclude_unset=True))
        return service.get_reservation(tx, scope, reservation_id)

    return await cloud.writer.write(job)


@router.post("/reservations/{reservation_id}/late")
async def say_late(reservation_id: Id, asked: LateIn, scope: ScopeDep, cloud: CloudDep) -> Reservation:
    """Says that the car comes back late. The promise stays as it is; managers see what was said, by whom and
    when."""
    now = cloud.now()

    def job(tx: Connection) -> Reservation:
        changes.say_late(tx, now, scope, reservation_id, asked.minutes)
        return service.get_reservation(tx, scope, reservation_id)

    return await cloud.writer.write(job)


@router.post("/reservations/{reservation_id}/undo")
async def undo(reservation_id: Id, scope: ScopeDep, cloud: CloudDep) -> Reservation:
    """Takes back one's own booking, change or cancellation, within 30 seconds; sent twice it counts once.
    409 `undo_over`, `undo_changed`, `undo_taken`."""
    now = cloud.now()

    def job(tx: Connection) -> Reservation:
        service.take_back(tx, now, scope, reservation_id)
        return service.get_reservation(tx, scope, reservation_id)

    return await cloud.writer.write(job)


@router.get("/reservations/{reservation_id}/swap")
async def list_swaps(
    reservation_id: Id, scope: ScopeDep, cloud: CloudDep, part: PartDep
) -> list[Reservation]:
    """Reservations with which this one could exchange its car, of those one manages. The reading is noted in
    the audit trail."""
    now = cloud.now()

    def job(tx: Connection) -> list[Reservation]:
        found = part.of(swapping.list_candidates(tx, now, scope, reservation_id))
        count = len({one.person_id for one in found} - {None, scope.person_id})
        audit.note(tx, now, scope, "api swap", filter_text=str(reservation_id), people_count=count)
        return found

    return await cloud.writer.write(job)


@router.post("/reservations/{reservation_id}/swap")
async def swap(reservation_id: Id, asked: SwapIn, scope: ScopeDep, cloud: CloudDep) -> list[Reservation]:
    """Exchanges the cars of two reservations one manages; each keeps its time. 409 `swap_same_car`,
    `swap_not_ahead`, `swap_taken`."""
    now = cloud.now()

    def job(tx: Connection) -> list[Reservation]:
        swapping.swap(tx, now, scope, reservation_id, asked.other_id)
        return [service.get_reservation(tx, scope, number) for number in (reservation_id, asked.other_id)]

    return await cloud.writer.write(job)


@router.delete("/reservations/{reservation_id}", status_code=204, response_class=Response)
async def cancel(reservation_id: Id, scope: ScopeDep, cloud: CloudDep) -> None:
    """Cancels."""
    now = cloud.now()
    await cloud.writer.write(lambda tx: service.cancel(tx, now, scope, reservation_id))


@router.get("/rehousings")
def list_rehousings(
    tx: ReadTx, scope: ScopeDep, cloud: CloudDep, part: PartDep, open_only: bool = True
) -> list[Rehousing]:
    """Reservations at risk, of cars or people one manages, and what the server did for each."""
    return part.of(rehousing.list_rehousings(tx, cloud.now(), scope, open_only=open_only, limit=part.end))


@router.get("/reservations/{reservation_id}/alternatives")
def list_alternatives(reservation_id: Id, tx: ReadTx, scope: ScopeDep, cloud: CloudDep) -> Alternatives:
    """What is free instead, at this moment. Nothing is held: `PATCH` the reservation to take one."""
    return rehousing.list_alternatives(tx, cloud.now(), scope, reservation_id)


@router.post("/reservations/{reservation_id}/back")
async def go_back(reservation_id: Id, scope: ScopeDep, cloud: CloudDep) -> Reservation:
    """Takes back the car that the reservation had before the server gave it another."""
    now = cloud.now()

    def job(tx: Connection) -> Reservation:
        rehousing.go_back(tx, now, scope, reservation_id)
        return service.get_reservation(tx, scope, reservation_id)

    return await cloud.writer.write(job)
