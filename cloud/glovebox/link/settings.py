"""The settings of one car's box. Their version is a checksum of their bytes, so any change of car or site
shows by itself."""

import struct
import zlib
from typing import Final

from sqlalchemy import Connection, select

from glovebox.clock import DAY_S
from glovebox.fleet.service import PLACES_LIMIT
from glovebox.fleet.tables import site_wifi, sites, vehicles
from glovebox.link import codes
from glovebox.link.wire import pack_setting

# From here on a badge, or the phone, opens.
EARLY_S: Final = 900
WALKUP_GAP_S: Final = 1_800
NO_SHOW_S: Final = 3_600
FORGOTTEN_S: Final = 3_600
STANDING_OFFLINE_S: Final = 7 * DAY_S
ENDING_S: Final = 120
_SECONDS: Final = (EARLY_S, WALKUP_GAP_S, NO_SHOW_S, FORGOTTEN_S, STANDING_OFFLINE_S, ENDING_S)
# Access points of all places together; each costs a box 10 bytes and a comparison at every stop.
WIFI_LIMIT: Final = 48


def read_settings(tx: Connection, vehicle_id: int) -> tuple[int, bytes]:
    """(version, settings of field 88) of a car: its fitting, the rules' times, the places where it may end
    (home first)."""
    vehicle = tx.execute(select(vehicles).where(vehicles.c.id == vehicle_id)).one()
    kind = codes.INTERLOCK_KIND[vehicle.interlock_kind]
    parts = [pack_setting(0x01, struct.pack("<BBI", kind, vehicle.key_holder_fitted, vehicle.tank_ml))]
    parts += [pack_setting(0x02 + index, struct.pack("<I", value)) for index, value in enumerate(_SECONDS)]
    places = (
        select(sites.c.id, sites.c.lat_e7, sites.c.lon_e7, sites.c.radius_m)
        .where((sites.c.organisation_id == vehicle.organisation_id) | (sites.c.id == vehicle.site_id))
        .order_by(sites.c.id != vehicle.site_id, sites.c.id)
        .limit(PLACES_LIMIT)
    )
    rows = tx.execute(places).all()
    parts += [pack_setting(0x10, struct.pack("<HiiH", *row)) for row in rows]
    heard = select(site_wifi.c.site_id, site_wifi.c.bssid).where(
        site_wifi.c.site_id.in_([row.id for row in rows])
    )
    for site_id, bssid in tx.execute(heard.order_by(site_wifi.c.id).limit(WIFI_LIMIT)):
        parts.append(pack_setting(0x11, struct.pack("<H", site_id) + bssid))
    settings = b"".join(parts)
    return zlib.crc32(settings) or 1, settings
