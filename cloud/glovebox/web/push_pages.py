"""Devices that show messages: added by the page's script, removed by plain forms; the worker's file."""

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import FileResponse, Response

from glovebox.errors import GloveboxError
from glovebox.messages import subscriptions
from glovebox.messages.push import LONGEST_ENDPOINT
from glovebox.web.message_pages import ask_choice_again
from glovebox.web.page import HERE, Id, MemberPage, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)

CHOICE = "/account/messages"


@router.get("/service-worker.js")
def read_worker() -> Response:
    """From the root: a worker reaches no further than its address."""
    return FileResponse(HERE / "static" / "service-worker.js", media_type="text/javascript")


@router.post("/account/devices")
def add_device(page: MemberPage) -> Response:
    """This browser shows one's messages from now on."""
    scope, now, services = page.viewer.scope, page.now, page.cloud.config.push_services
    endpoint, p256dh, auth = (page.text(name) for name in ("endpoint", "p256dh", "auth"))
    agent = page.request.headers.get("user-agent", "")

    def store(tx: Connection) -> None:
        subscriptions.add_device(tx, now, scope, services, endpoint, p256dh, auth, agent)

    try:
        page.cloud.writer.run(store)
    except GloveboxError as error:
        return ask_choice_again(page, error)
    return page.go(CHOICE, "device_added")


@router.post("/account/devices/remove")
def remove_this(page: MemberPage) -> Response:
    """This browser, by its address, shows them no longer."""
    scope, endpoint = page.viewer.scope, page.text("endpoint")[:LONGEST_ENDPOINT]
    page.cloud.writer.run(lambda tx: subscriptions.remove_endpoint(tx, scope, endpoint))
    return page.go(CHOICE, "device_removed")


@router.post("/account/devices/{device_id}/remove")
def remove_device(device_id: Id, page: MemberPage) -> Response:
    """Nor does another one."""
    scope = page.viewer.scope
    page.cloud.writer.run(lambda tx: subscriptions.remove_device(tx, scope, device_id))
    return page.go(CHOICE, "device_removed")
