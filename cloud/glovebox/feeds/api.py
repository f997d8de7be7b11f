"""`/api/v1/reservations/{id}/calendar`, `/api/v1/calendar-feed`."""

from fastapi import APIRouter, Response
from sqlalchemy import Connection
from starlette.requests import Request

from glovebox.accounts.api import draw_token
from glovebox.cloud import Cloud
from glovebox.dependencies import CloudDep, Id, ReadTx, ScopeDep
from glovebox.feeds import ics, service
from glovebox.feeds.schemas import Feed
from glovebox.reservations.service import get_reservation
from glovebox.web.i18n import choose_language

router = APIRouter(tags=["reservations"])


@router.get("/reservations/{reservation_id}/calendar", response_class=Response)
def get_calendar(
    reservation_id: Id, tx: ReadTx, scope: ScopeDep, cloud: CloudDep, request: Request
) -> Response:
    """One reservation as an iCalendar file."""
    one = get_reservation(tx, scope, reservation_id)
    language = choose_language(None, request.headers.get("accept-language", ""))
    return Response(ics.write(tx, cloud.config, language, [one]), media_type=ics.MEDIA_TYPE)


@router.post("/calendar-feed", status_code=201)
async def make_feed(scope: ScopeDep, cloud: CloudDep, request: Request) -> Feed:
    """Makes one's own calendar feed and tells its address, this once; a former one ends."""
    token, now = draw_token(cloud), cloud.now()
    await cloud.writer.write(lambda tx: service.make(tx, now, scope, token))
    return Feed(address_of_feed(cloud, request, token), now)


@router.delete("/calendar-feed", status_code=204, response_class=Response)
async def revoke_feed(scope: ScopeDep, cloud: CloudDep) -> None:
    """Ends one's own calendar feed."""

    def job(tx: Connection) -> None:
        service.revoke(tx, scope)

    await cloud.writer.write(job)


def address_of_feed(cloud: Cloud, request: Request, token: str) -> str:
    """The whole address, as a calendar program needs it."""
    base = cloud.config.public_url or str(request.base_url)
    return f"{base.rstrip('/')}/calendar/{token}.ics"
