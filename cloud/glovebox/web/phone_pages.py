"""A driver opens or closes the car by phone, and watches what becomes of it."""

from fastapi import APIRouter
from starlette.responses import Response

from glovebox.boxes import by_phone
from glovebox.errors import Conflict, Forbidden
from glovebox.web.driver_pages import load_mine, my_reservation
from glovebox.web.page import Id, MemberPage, Page, PageRoute

router = APIRouter(prefix="/bookings/{reservation_id}", route_class=PageRoute, include_in_schema=False)


@router.get("/open")
@router.get("/close")
def ask(reservation_id: Id, page: MemberPage) -> Response:
    """Asks first: the driver stands beside the car, its doors will open; or lock, with the key inside."""
    return _ask(page, reservation_id)


@router.post("/open")
@router.post("/close")
def send(reservation_id: Id, page: MemberPage) -> Response:
    """Sends the command and goes to watch the answer."""
    scope, now, act = page.viewer.scope, page.now, _act_of(page)
    try:
        command_id = page.cloud.writer.run(lambda tx: by_phone.command(tx, now, scope, reservation_id, act))
    except (Conflict, Forbidden) as error:
        return _ask(page, reservation_id, page.refuse(error), error.status)
    return page.go(f"/bookings/{reservation_id}/phone/{command_id}")


@router.get("/phone/{command_id}")
def watch(reservation_id: Id, command_id: Id, page: MemberPage) -> Response:
    """What became of the command; asks again until it is answered or over."""
    with page.cloud.store.read() as tx:
        mine = load_mine(tx, page, my_reservation(tx, page, reservation_id))
        command = by_phone.get_command(tx, page.viewer.scope, mine.vehicle.id, command_id)
    template = "driver/by_phone_live.html" if page.is_htmx else "driver/by_phone_sent.html"
    is_waiting = command.state in ("queued", "sent") and page.now <= command.expires_at
    act = "close" if command.kind == "lock" else "open"
    return page.render(template, mine=mine, command=command, is_waiting=is_waiting, act=act)


def _act_of(page: Page) -> by_phone.Act:
    """What this address does."""
    return "close" if page.request.url.path.endswith("/close") else "open"


def _ask(page: Page, reservation_id: int, problem: str = "", status: int = 200) -> Response:
    with page.cloud.store.read() as tx:
        mine = load_mine(tx, page, my_reservation(tx, page, reservation_id))
    return page.render("driver/by_phone.html", status, mine=mine, act=_act_of(page), problem=problem)
