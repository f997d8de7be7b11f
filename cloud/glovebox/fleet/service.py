"""Organisations, pools, agreements, sites, vehicles: reading and changing them."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet.schemas import LICENCE_CATEGORIES, Organisation, Pool, Site, Vehicle
from glovebox.fleet.tables import agreements, organisations, pools, site_wifi, sites, vehicles
from glovebox.reservations import authorisations
from glovebox.scope import Scope
from glovebox.store.news import tell
from glovebox.store.values import check_values

# Places that fit a box's settings.
PLACES_LIMIT = 24


def add_organisation(tx: Connection, now: int, name: str) -> int:
    """A new body. Raises Conflict for a name that exists."""
    return _insert(tx, organisations, name=name, created_at=now)


def rename_organisation(tx: Connection, organisation_id: int, name: str) -> None:
    """Another name for a body. Raises Conflict for one that exists."""
    values = {"name": name}
    check_values(organisations, values)
    try:
        tx.execute(update(organisations).where(organisations.c.id == organisation_id).values(values))
    except IntegrityError as error:
        raise Conflict("exists_already", what=organisations.name) from error


def add_pool(tx: Connection, organisation_id: int, name: str) -> int:
    """A new pool of an organisation's cars."""
    return _insert(tx, pools, organisation_id=organisation_id, name=name)


def add_agreement(
    tx: Connection, pool_id: int, organisation_id: int, starts_at: int, ends_at: int, cents_per_km: int = 0
) -> int:
    """Admits another organisation's people to a pool for a time."""
    return _insert(
        tx,
        agreements,
        pool_id=pool_id,
        organisation_id=organisation_id,
        starts_at=starts_at,
        ends_at=ends_at,
        cents_per_km=cents_per_km,
    )


def add_site(
    tx: Connection,
    organisation_id: int,
    name: str,
    lat_e7: int,
    lon_e7: int,
    radius_m: int,
    address: str = "",
    **hours: int,
) -> int:
    """A new site; `hours`: opens_minute, closes_minute (local minutes of the day). Positions in 1e-7
    degrees."""
    values = {
        "organisation_id": organisation_id,
        "name": name,
        "lat_e7": lat_e7,
        "lon_e7": lon_e7,
        "radius_m": radius_m,
    }
    site_id = _insert(tx, sites, address=address, **values, **hours)
    tell(tx, "settings", 0)
    return site_id


def add_site_wifi(tx: Connection, site_id: int, bssid: bytes) -> int:
    """A Wi-Fi access point heard at a site, by its 6-byte BSSID: it proves the place where satellites do
    not reach."""
    return _insert(tx, site_wifi, site_id=site_id, bssid=bssid)


def add_vehicle(tx: Connection, **values: Any) -> int:
    """A new car: organisation_id, pool_id, site_id, registration, make, model, energy, seats,
    interlock_kind, and tank_ml, key_holder_fitted, bay, battery_wh, consumption_wh_per_km, charge_w where
    they differ from the default. Raises Conflict for a registration that exists."""
    check_values(vehicles, values)
    _check_plate(tx, values["registration"])
    return _insert(tx, vehicles, **values)


def change_vehicle(tx: Connection, scope: Scope, vehicle_id: int, **values: Any) -> None:
    """Changes columns of a car. Raises NotFound, Forbidden for one this scope does not manage, Conflict for a
    registration that another car has."""
    vehicle = get_vehicle(tx, scope, vehicle_id)
    if not scope.may_manage_car(vehicle.organisation_id, vehicle.pool_id):
        raise Forbidden()
    check_values(vehicles, values)
    check_categories([values.get("licence_category", "B")])
    if "registration" in values:
        _check_plate(tx, values["registration"], but=vehicle_id)
    try:
        with tx.begin_nested():
            tx.execute(update(vehicles).where(vehicles.c.id == vehicle_id).values(**values))
    except IntegrityError as error:
        if "unique" in str(error.orig).lower():
            raise Conflict("registration_exists", registration=values.get("registration")) from error
        raise
    if values.keys() & {"pool_id", "site_id"}:
        authorisations.mark_vehicle(tx, vehicle_id)
    tell(tx, "settings", vehicle_id)


def _check_plate(tx: Connection, registration: str, but: int = 0) -> None:
    """Raises Conflict where another car has this plate, however it is written: one car known twice would be
    promised twice."""
    plate: ColumnElement[str] = vehicles.c.registration
    for sign in (" ", "-", "."):
        plate = func.replace(plate, sign, "")
    bare = registration.translate({ord(sign): None for sign in " -."}).upper()
    same = select(vehicles.c.registration).where(func.upper(plate) == bare, vehicles.c.id != but)
    known = tx.execute(same.limit(1)).scalar()
    if known is not None:
        raise Conflict("registration_exists", registration=known)


def move_vehicle(tx: Connection, vehicle_id: int, site_id: int) -> None:
    """The car stands at another site now: a trip left it there. Its bay stays where it was."""
    moved = update(vehicles).where(vehicles.c.id == vehicle_id, vehicles.c.site_id != site_id)
    home = func.coalesce(vehicles.c.home_site_id, vehicles.c.site_id)
    if tx.execute(moved.values(site_id=site_id, home_site_id=home)).rowcount:
        tell(tx, "settings", vehicle_id)


def check_categories(found: list[str]) -> None:
    """Raises Invalid for what is no category of driving licence."""
    for text in found:
        if text not in LICENCE_CATEGORIES:
            raise Invalid("no_such_category", text=text[:20])


def list_organisations(tx: Connection) -> list[Organisation]:
    """All bodies: their names are no secret within one deployment."""
    rows = tx.execute(select(organisations.c.id, organisations.c.name).order_by(organisations.c.name))
    return [Organisation(*row) for row in rows]


def list_pools(tx: Connection, scope: Scope, now: int) -> list[Pool]:
    """Pools this scope may drive from or manages."""
    query = (
        select(pools.c.id, pools.c.organisation_id, pools.c.name)
        .where(_may_use_pool(scope, now))
        .order_by(pools.c.name)
    )
    return [Pool(*row) for row in tx.execute(query)]


def list_sites(tx: Connection) -> list[Site]:
    """All sites of the deployment, by name."""
    return [Site(**row) for row in tx.execute(_SITE.order_by(sites.c.name)).mappings()]


def get_site(tx: Connection, site_id: int) -> Site:
    """One site. Raises NotFound."""
    row = tx.execute(_SITE.where(sites.c.id == site_id)).mappings().first()
    if row is None:
        raise NotFound()
    return Site(**row)


def list_vehicles(
    tx: Connection,
    scope: Scope,
    now: int,
    *,
    site_id: int | None = None,
    with_retired: bool = False,
) -> list[Vehicle]:
    """Cars this scope may drive or manages, by site and registration."""
    query = _vehicles(scope, now).order_by(sites.c.name, vehicles.c.registration)
    if site_id is not None:
        query = query.where(vehicles.c.site_id == site_id)
    if not with_retired:
        query = query.where(vehicles.c.status != "retired")
    return [read_vehicle(row) for row in tx.execute(query).mappings()]


def get_vehicle(tx: Connection, scope: Scope, vehicle_id: int, now: int | None = None) -> Vehicle:
    """One car. `now` decides whether agreements count (None: whatever their dates). Raises NotFound, also
    behind the wall."""
    row = tx.execute(_vehicles(scope, now).where(vehicles.c.id == vehicle_id)).mappings().first()
    if row is None:
        raise NotFound()
    return read_vehicle(row)


def find_vehicle(tx: Connection, scope: Scope, registration: str) -> Vehicle:
    """One car by its registration. Raises NotFound."""
    row = tx.execute(_vehicles(scope, None).where(vehicles.c.registration == registration)).mappings().first()
    if row is None:
        raise NotFound("no_such_vehicle", registration=registration)
    return read_vehicle(row)


VEHICLES: Final = (
    select(
        vehicles,
        organisations.c.name.label("organisation_name"),
        pools.c.name.label("pool_name"),
        sites.c.name.label("site_name"),
    )
    .join(organisations, organisations.c.id == vehicles.c.organisation_id)
    .join(pools, pools.c.id == vehicles.c.pool_id)
    .join(sites, sites.c.id == vehicles.c.site_id)
)
"""Cars with the names of what they belong to. Whoever asks adds the wall's condition."""
_SITE = select(
    sites.c.id,
    sites.c.organisation_id,
    sites.c.name,
    sites.c.address,
    sites.c.lat_e7,
    sites.c.lon_e7,
    sites.c.radius_m,
    sites.c.opens_minute,
    sites.c.closes_minute,
)


def _may_use_pool(scope: Scope, now: int | None) -> Any:
    """Own and managed pools, and those an agreement in force admits to."""
    admitted = select(agreements.c.pool_id).where(agreements.c.organisation_id == scope.organisation_id)
    if now is not None:
        admitted = admitted.where(agreements.c.starts_at <= now, agreements.c.ends_at > now)
    return or_(
        scope.managed_cars(pools.c.organisation_id, pools.c.id),
        pools.c.organisation_id == scope.organisation_id,
        pools.c.id.in_(admitted),
    )


def _vehicles(scope: Scope, now: int | None) -> Select[Any]:
    return VEHICLES.where(_may_use_pool(scope, now))


def read_vehicle(row: Any) -> Vehicle:
    """A row of `VEHICLES`."""
    is_home = row["home_site_id"] in (None, row["site_id"])
    shown = {"key_holder_fitted": bool(row["key_holder_fitted"]), "bay": row["bay"] if is_home else ""}
    return Vehicle(**{**row, **shown})


def _insert(tx: Connection, table: Any, **values: Any) -> int:
    check_values(table, values)
    try:
        result = tx.execute(insert(table).values(**values).returning(table.c.id))
        return int(result.scalar_one())
    except IntegrityError as error:
        if "unique" in str(error.orig).lower():
            raise Conflict("exists_already", what=table.name) from error
        raise
