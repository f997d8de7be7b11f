"""Wi-Fi access points that prove a site where satellites do not reach: an underground car park."""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, select

from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet import service
from glovebox.fleet.tables import site_wifi
from glovebox.scope import Scope
from glovebox.store.news import tell

# A large car park has a dozen; a box hears the nearest few.
A_SITE: Final = 16
_BSSID: Final = re.compile(r"(?:[0-9a-f]{2}[:\-. ]?){6}")


@dataclass(frozen=True)
class AccessPoint:
    """`bssid` as printed on it: `24:6F:28:00:00:01`."""

    id: int
    site_id: int
    bssid: str


def list_wifi(tx: Connection, scope: Scope, site_id: int) -> list[AccessPoint]:
    """A site's access points, oldest first. Raises NotFound, Forbidden."""
    _check_site(tx, scope, site_id)
    query = select(site_wifi).where(site_wifi.c.site_id == site_id).order_by(site_wifi.c.id)
    return [AccessPoint(row.id, row.site_id, bytes(row.bssid).hex(":").upper()) for row in tx.execute(query)]


def add_wifi(tx: Connection, scope: Scope, site_id: int, text: str) -> int:
    """Adds one; boxes learn it at their next contact. Raises NotFound, Forbidden, Invalid for what is no
    BSSID, Conflict for one the site has or one too many."""
    _check_site(tx, scope, site_id)
    typed = text.strip().lower()
    if not _BSSID.fullmatch(typed):
        raise Invalid("no_such_bssid")
    count = select(func.count()).select_from(site_wifi).where(site_wifi.c.site_id == site_id)
    if tx.execute(count).scalar_one() >= A_SITE:
        raise Conflict("too_many_wifi", limit=A_SITE)
    number = service.add_site_wifi(tx, site_id, bytes.fromhex(re.sub(r"[^0-9a-f]", "", typed)))
    tell(tx, "settings", 0)
    return number


def remove_wifi(tx: Connection, scope: Scope, site_id: int, wifi_id: int) -> None:
    """Removes one; twice changes nothing. Raises NotFound, Forbidden."""
    _check_site(tx, scope, site_id)
    tx.execute(delete(site_wifi).where(site_wifi.c.id == wifi_id, site_wifi.c.site_id == site_id))
    tell(tx, "settings", 0)


def _check_site(tx: Connection, scope: Scope, site_id: int) -> None:
    site = service.get_site(tx, site_id)
    if not scope.may_manage(site.organisation_id):
        raise Forbidden()
