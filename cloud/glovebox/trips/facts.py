"""Journal records become trips. A trip is always stored, unreserved, overlapping or weeks late; a
contradiction opens an incident."""

from typing import Any, Final

from sqlalchemy import Connection, and_, insert, select, update
from sqlalchemy.exc import DBAPIError

from glovebox.boxes.tables import boxes
from glovebox.fleet import service as fleet
from glovebox.fleet.tables import sites, vehicles
from glovebox.incidents.service import close_by_id, open_incident
from glovebox.incidents.tables import incidents
from glovebox.keys import Keyring
from glovebox.link import codes, wire
from glovebox.people.hashes import find_badge
from glovebox.records.journal import Sender, Stored
from glovebox.reservations import authorisations, risk
from glovebox.reservations.states import State, next_state
from glovebox.reservations.tables import reservations
from glovebox.reservations.transitions import lock_vehicles
from glovebox.store import guard
from glovebox.store.news import tell
from glovebox.trips.tables import stopovers, trips

ELSEWHERE: Final = 0xFFFF
_PLACE_UNCONFIRMED: Final = 1 << codes.END_FLAG_BIT.index("place_unconfirmed")
_STATE_STOPOVER: Final = codes.STATE.index("stopover")


def apply_session_start(
    tx: Connection,
    now: int,
    keyring: Keyring,
    box: Sender,
    epoch: int,
    stored: Stored,
    values: dict[str, Any],
) -> None:
    """A trip begins; its session number is the record's sequence."""
    if stored.vehicle_id is None:
        return
    reservation = _reservation(tx, values["authorisation_id"], values["auth_kind"])
    person_id = _person(tx, keyring, box, stored, values["badge"], reservation)
    trip_id = _insert_trip(
        tx,
        box,
        epoch,
        values_of_start(stored, values),
        session=stored.sequence,
        vehicle_id=stored.vehicle_id,
        reservation_id=None if reservation is None else reservation.id,
        person_id=person_id,
        started_at=stored.at,
        start_site_id=_site(tx, values["place"]),
        is_time_unsure=int(stored.record.trust == 0),
    )
    tx.execute(
        update(boxes).where(boxes.c.id == box.box_pk, boxes.c.used_at < stored.at).values(used_at=stored.at)
    )
    _compare_with_promises(tx, now, stored, reservation, trip_id, person_id)
    tell(tx, "state", stored.vehicle_id)


def apply_session_end(
    tx: Connection, now: int, box: Sender, epoch: int, stored: Stored, values: dict[str, Any]
) -> None:
    """A trip is over. One whose start was lost is stored too, as far as it is known.

    One that had not begun for the driver leaves him his reservation."""
    if stored.vehicle_id is None:
        return
    one = _trip(box, epoch, values["session"])
    trip = tx.execute(
        select(trips.c.id, trips.c.reservation_id, trips.c.person_id, trips.c.started_at).where(one)
    ).first()
    if trip is None:
        reservation = _reservation(tx, values["authorisation_id"], 0)
        start = {"kind": "unreserved", "via": "unknown", "started_at": stored.at, "is_time_unsure": 1}
        if reservation is not None:
            start |= {
                "kind": "reservation",
                "reservation_id": reservation.id,
                "person_id": reservation.person_id,
            }
        trip_id = _insert_trip(tx, box, epoch, start, session=values["session"], vehicle_id=stored.vehicle_id)
        open_incident(tx, now, "trip_without_start", stored.vehicle_id, trip_id=trip_id)
        reservation_id = None if reservation is None else reservation.id
    else:
        trip_id, reservation_id = trip.id, trip.reservation_id
    is_elsewhere = values["place"] == ELSEWHERE
    position = (values["lat_e7"], values["lon_e7"])
    is_known = is_elsewhere and wire.UNKNOWN_POSITION not in position
    end = {
        "ended_at": max(stored.at, trip.started_at) if trip is not None else stored.at,
        "end_site_id": _site(tx, values["place"]),
        "end_lat_e7": position[0] if is_known else None,
        "end_lon_e7": position[1] if is_known else None,
        "distance_m": values["distance_m"] if values["distance_source"] else None,
        "distance_source": codes.name_of(codes.DISTANCE_SOURCE, values["distance_source"]),
        "fuel_ml": values["fuel_ml"] if values["fuel_source"] else None,
        "fuel_source": codes.name_of(codes.FUEL_SOURCE, values["fuel_source"]),
        "end_fuel_percent": _percent(values["fuel_percent"]),
        "end_odometer_m": _metres(values["odometer_hm"]),
        "end_reason": codes.name_of(codes.END_REASON, values["reason"]),
        "end_flags": values["flags"],
    }
    tx.execute(update(trips).where(trips.c.id == trip_id).values(**end))
    tx.execute(
        update(boxes).where(boxes.c.id == box.box_pk, boxes.c.used_at < stored.at).values(used_at=stored.at)
    )
    _compare_place(tx, now, stored, trip_id, values)
    if stored.record.trust and end["end_site_id"] is not None:
        _leave_at(tx, stored.vehicle_id, trip_id, end["ended_at"], end["end_site_id"])
    if reservation_id is not None:
        is_begun = values["reason"] != codes.END_REASON["not_begun"]
        _apply_event(tx, now, reservation_id, "end" if is_begun else "unbegin")
    tell(tx, "state", stored.vehicle_id)


def _leave_at(tx: Connection, vehicle_id: int, trip_id: int, ended_at: int, site_id: int) -> None:
    """The car stands where its last trip left it; a journal that comes late moves nothing."""
    later = (trips.c.vehicle_id == vehicle_id) & (trips.c.ended_at > ended_at) & (trips.c.id != trip_id)
    if tx.execute(select(trips.c.id).where(later).limit(1)).first() is None:
        fleet.move_vehicle(tx, vehicle_id, site_id)


def apply_stopover(tx: Connection, box: Sender, epoch: int, stored: Stored, values: dict[str, Any]) -> None:
    """The session rests somewhere on the way."""
    trip_id = tx.execute(select(trips.c.id).where(_trip(box, epoch, values["session"]))).scalar()
    if trip_id is not None:
        site_id = _site(tx, values["place"])
        tx.execute(insert(stopovers).values(trip_id=trip_id, stopped_at=stored.at, site_id=site_id))


def apply_resumed(tx: Connection, box: Sender, epoch: int, stored: Stored, values: dict[str, Any]) -> None:
    """The session goes on; only after a stopover does that end anything."""
    if values["from_state"] != _STATE_STOPOVER:
        return
    trip_id = tx.execute(select(trips.c.id).where(_trip(box, epoch, values["session"]))).scalar()
    rest = and_(stopovers.c.trip_id == trip_id, stopovers.c.resumed_at.is_(None))
    tx.execute(update(stopovers).where(rest).values(resumed_at=stored.at))


def values_of_start(stored: Stored, values: dict[str, Any]) -> dict[str, Any]:
    """The columns of a trip that its session_start record tells."""
    kind = (
        codes.name_of(codes.AUTHORISATION_KIND, values["auth_kind"]) if values["auth_kind"] else "unreserved"
    )
    return {
        "kind": kind[:11],
        "via": codes.name_of(codes.VIA, values["via"])[:8],
        "start_fuel_percent": _percent(values["fuel_percent"]),
        "start_odometer_m": _metres(values["odometer_hm"]),
    }


def _trip(box: Sender, epoch: int, session: int) -> Any:
    return and_(trips.c.box_id == box.box_pk, trips.c.journal_epoch == epoch, trips.c.session == session)


def _insert_trip(tx: Connection, box: Sender, epoch: int, known: dict[str, Any], **values: Any) -> int:
    organisation = (
        select(vehicles.c.organisation_id).where(vehicles.c.id == values["vehicle_id"]).scalar_subquery()
    )
    row = {"box_id": box.box_pk, "journal_epoch": epoch, "organisation_id": organisation, **known, **values}
    return int(tx.execute(insert(trips).values(**row).returning(trips.c.id)).scalar_one())


def _reservation(tx: Connection, authorisation_id: int, auth_kind: int) -> Any:
    if not 0 < authorisation_id < authorisations.RIGHT_BIT or auth_kind not in (
        0,
        authorisations.RESERVATION,
    ):
        return None
    return tx.execute(select(reservations).where(reservations.c.id == authorisation_id)).first()


def _person(
    tx: Connection, keyring: Keyring, box: Sender, stored: Stored, badge: bytes, reservation: Any
) -> int | None:
    generations = (box.key_id, max(box.key_id - 1, 1))
    number = None if reservation is None else reservation.id
    known = find_badge(
        tx, keyring, box.box_id, generations, badge, vehicle_id=stored.vehicle_id, reservation_id=number
    )
    if known is not None:
        return known.person_id
    return None if reservation is None else reservation.person_id


def _compare_place(tx: Connection, now: int, stored: Stored, trip_id: int, values: dict[str, Any]) -> None:
    """A trip that ended at a place unknown is for a person to look at, until a later one ends at a known
    one."""
    assert stored.vehicle_id is not None
    if values["flags"] & _PLACE_UNCONFIRMED:
        person_id = tx.execute(select(trips.c.person_id).where(trips.c.id == trip_id)).scalar()
        facts: dict[str, Any] = {"trip_id": trip_id, "person_id": person_id}
        open_incident(tx, now, "place_unconfirmed", stored.vehicle_id, **facts)
        return
    earlier = (
        select(incidents.c.id)
        .join(trips, trips.c.id == incidents.c.trip_id)
        .where(
            incidents.c.vehicle_id == stored.vehicle_id,
            incidents.c.kind == "place_unconfirmed",
            incidents.c.closed_at.is_(None),
            trips.c.started_at < stored.at,
        )
    )
    for incident_id in tx.execute(earlier).scalars().all():
        close_by_id(tx, now, incident_id, "place known")


def _compare_with_promises(
    tx: Connection, now: int, stored: Stored, reservation: Any, trip_id: int, person_id: int | None
) -> None:
    """Moves the reservation on, or opens the incident that says why it cannot be."""
    vehicle_id = stored.vehicle_id
    assert vehicle_id is not None
    facts: dict[str, Any] = {"trip_id": trip_id, "person_id": person_id}
    if reservation is None:
        holder = tx.execute(
            select(reservations.c.id).where(
                reservations.c.vehicle_id == vehicle_id,
                reservations.c.state.in_((State.CONFIRMED, State.IN_USE)),
                reservations.c.starts_at <= stored.at,
                reservations.c.ends_at > stored.at,
            )
        ).scalar()
        if holder is not None and stored.record.trust:
            open_incident(tx, now, "used_though_promised", vehicle_id, reservation_id=holder, **facts)
        return
    if reservation.vehicle_id != vehicle_id:
        open_incident(tx, now, "another_cars_reservation", vehicle_id, reservation_id=reservation.id, **facts)
        return
    if person_id is not None and reservation.person_id not in (None, person_id):
        open_incident(tx, now, "another_persons_badge", vehicle_id, reservation_id=reservation.id, **facts)
    if reservation.state != State.IN_USE and not _apply_event(tx, now, reservation.id, "start"):
        detail = str(reservation.state)
        open_incident(
            tx, now, "used_after_end", vehicle_id, reservation_id=reservation.id, detail=detail, **facts
        )


def _apply_event(tx: Connection, now: int, reservation_id: int, event: str) -> bool:
    """Applies a fact to a reservation by the table of states; False where the table or the guard forbids
    it."""
    row = tx.execute(
        select(reservations.c.state, reservations.c.vehicle_id).where(reservations.c.id == reservation_id)
    ).one()
    state = next_state(row.state, event)
    if state is None:
        return False
    if state == State.COMPLETED:
        lock_vehicles(tx, [row.vehicle_id])
    try:
        with tx.begin_nested():
            change = update(reservations).where(reservations.c.id == reservation_id)
            tx.execute(change.values(state=state, changed_at=now))
    except DBAPIError as error:
        if not guard.is_overlap(error):
            raise
        return False
    if (row.state, state) != (State.CONFIRMED, State.IN_USE):  # the one step that leaves the set as it was
        authorisations.refresh(tx, now, row.vehicle_id)
    if state == State.COMPLETED:
        risk.note_freed(tx, now, row.vehicle_id)
    return True


def _site(tx: Connection, place: int) -> int | None:
    if not 0 < place < ELSEWHERE:
        return None
    return tx.execute(select(sites.c.id).where(sites.c.id == place)).scalar()


def _percent(value: int) -> int | None:
    return value if value <= 100 else None


def _metres(odometer_hm: int) -> int | None:
    return None if odometer_hm == wire.UNKNOWN_U32 else odometer_hm * 100
