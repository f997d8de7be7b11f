"""Console: Wi-Fi access points that prove a site where satellites do not reach."""

from fastapi import APIRouter
from starlette.responses import Response

from glovebox.errors import Conflict, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet import wifi
from glovebox.web.page import Id, Page, PageRoute, PeoplePage

router = APIRouter(prefix="/console/sites/{site_id}/wifi", route_class=PageRoute, include_in_schema=False)


@router.get("")
def show_wifi(site_id: Id, page: PeoplePage) -> Response:
    """The site's access points, and the form for another."""
    return _show(page, site_id)


@router.post("")
def change_wifi(site_id: Id, page: PeoplePage) -> Response:
    """Adds one, or removes one."""
    scope, text, removed = page.viewer.scope, page.text("bssid")[:40], page.number("remove")
    try:
        if removed is not None:
            page.cloud.writer.run(lambda tx: wifi.remove_wifi(tx, scope, site_id, removed))
            return page.go(f"/console/sites/{site_id}/wifi", "wifi_removed")
        page.cloud.writer.run(lambda tx: wifi.add_wifi(tx, scope, site_id, text))
    except (Invalid, Conflict) as error:
        return _show(page, site_id, page.refuse(error))
    return page.go(f"/console/sites/{site_id}/wifi", "wifi_added")


def _show(page: Page, site_id: int, problem: str = "") -> Response:
    with page.cloud.store.read() as tx:
        site = fleet.get_site(tx, site_id)
        found = wifi.list_wifi(tx, page.viewer.scope, site_id)
    return page.render(
        "console/wifi.html",
        422 if problem else 200,
        site=site,
        found=found,
        problem=problem,
    )
