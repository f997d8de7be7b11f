"""Bookings for other calendars: a file for one, a private address for all of a person's."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from glovebox.accounts.api import draw_token
from glovebox.dependencies import CloudDep
from glovebox.feeds import ics, service
from glovebox.feeds.api import address_of_feed
from glovebox.web.driver_pages import my_reservation
from glovebox.web.page import Id, MemberPage, Page, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/bookings/{reservation_id}/booking.ics")
def get_file(reservation_id: Id, page: MemberPage) -> Response:
    """One's own booking as a file for a calendar."""
    with page.cloud.store.read() as tx:
        one = my_reservation(tx, page, reservation_id)
        content = ics.write(tx, page.cloud.config, page.speech.language, [one])
    plate = "".join(letter for letter in one.registration if letter.isascii() and letter.isalnum())
    headers = {"content-disposition": f'attachment; filename="glovebox-{plate}.ics"'}
    return Response(content, media_type=ics.MEDIA_TYPE, headers=headers)


@router.get("/calendar/{token}.ics")
def read_feed(token: Annotated[str, Path(max_length=service.LONGEST_TOKEN)], cloud: CloudDep) -> Response:
    """All of a person's bookings, to whoever knows the address: a calendar program cannot log in."""
    with cloud.store.read() as tx:
        reader = service.find_reader(tx, token)
        bookings = service.list_events(tx, cloud.now(), reader.scope)
        content = ics.write(tx, cloud.config, reader.language, bookings)
    return Response(content, media_type=ics.MEDIA_TYPE)


@router.get("/account/calendar")
def show_feed(page: MemberPage) -> Response:
    """Whether there is a feed, and what it is for."""
    return _show(page)


@router.post("/account/calendar")
def make_feed(page: MemberPage) -> Response:
    """Makes the feed; its address is shown on this answer and never again."""
    token, scope, now = draw_token(page.cloud), page.viewer.scope, page.now
    page.cloud.writer.run(lambda tx: service.make(tx, now, scope, token))
    return _show(page, address_of_feed(page.cloud, page.request, token))


@router.post("/account/calendar/revoke")
def revoke_feed(page: MemberPage) -> Response:
    """Ends the feed."""
    scope = page.viewer.scope
    page.cloud.writer.run(lambda tx: service.revoke(tx, scope))
    return page.go("/account/calendar", "feed_revoked")


def _show(page: Page, url: str = "") -> Response:
    with page.cloud.store.read() as tx:
        made_at = service.made_at(tx, page.viewer.scope)
    return page.render("calendar.html", made_at=made_at, url=url)
