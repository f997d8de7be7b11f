"""Puts pages, static files and headers on the web application."""

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from glovebox.accounts import api as accounts_api
from glovebox.cloud import Cloud
from glovebox.errors import NotFound
from glovebox.web import (
    account_pages,
    approval_pages,
    block_pages,
    box_pages,
    calendar_pages,
    change_pages,
    driver_pages,
    group_pages,
    hours_pages,
    import_pages,
    incident_pages,
    message_pages,
    people_pages,
    phone_pages,
    push_pages,
    rehousing_pages,
    reservation_pages,
    rule_pages,
    series_pages,
    swap_pages,
    timeline_pages,
    today_pages,
    vehicle_edit_pages,
    vehicle_pages,
    waiting_pages,
    wifi_pages,
)
from glovebox.web.heads import HeadAsGet
from glovebox.web.page import HERE, PageDep, PageRoute, make_environment
from glovebox.web.security import SecurityHeaders

PAGE_MODULES = (
    account_pages,
    driver_pages,
    phone_pages,
    change_pages,
    calendar_pages,
    vehicle_pages,
    block_pages,
    vehicle_edit_pages,
    wifi_pages,
    today_pages,
    incident_pages,
    timeline_pages,
    reservation_pages,
    series_pages,
    swap_pages,
    import_pages,
    message_pages,
    push_pages,
    rehousing_pages,
    waiting_pages,
    people_pages,
    box_pages,
    rule_pages,
    group_pages,
    hours_pages,
    approval_pages,
)

last = APIRouter(route_class=PageRoute, include_in_schema=False)


@last.get("/healthz")
def health() -> Response:
    """The server is up and answers; says nothing about boxes."""
    return JSONResponse({"status": "up"})


@last.get("/{path:path}")
def unknown_address(path: str, page: PageDep) -> Response:
    """Every other address."""
    raise NotFound()


def mount_pages(web: FastAPI, cloud: Cloud) -> None:
    """See `glovebox.web.mount`."""
    cloud.authenticate = accounts_api.authenticate
    cloud.extras["templates"] = make_environment()
    for module in PAGE_MODULES:
        web.include_router(module.router)
    web.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    web.include_router(last)
    web.add_middleware(HeadAsGet)
    web.add_middleware(SecurityHeaders, is_secure=cloud.config.secure_cookies)
