"""The JSON API `/api/v1`: one router a feature; errors and examples for its description."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request

import glovebox.accounts.api
import glovebox.blocks.api
import glovebox.boxes.api
import glovebox.feeds.api
import glovebox.fleet.api
import glovebox.incidents.api
import glovebox.messages.api
import glovebox.messages.push_api
import glovebox.people.api
import glovebox.policies.api
import glovebox.reservations.api
import glovebox.series.api
import glovebox.today.api
import glovebox.trips.api
import glovebox.waiting.api
from glovebox.accounts.api import cookies_of
from glovebox.api_examples import EXAMPLES
from glovebox.cloud import Cloud
from glovebox.errors import Busy, GloveboxError, Invalid, NotFound
from glovebox.web.i18n import Speech, choose_language
from glovebox.web.notices import error_sentence


class Error(BaseModel):
    """What every refusal looks like: `code` for programs, `message` for people (in the language of
    `Accept-Language`), and the values the sentence speaks of."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"example": {"code": "forbidden", "message": "Your role does not allow this."}},
    )
    code: str
    message: str


FEATURES: Final = (
    glovebox.fleet.api,
    glovebox.people.api,
    glovebox.boxes.api,
    glovebox.policies.api,
    glovebox.reservations.api,
    glovebox.series.api,
    glovebox.waiting.api,
    glovebox.feeds.api,
    glovebox.blocks.api,
    glovebox.incidents.api,
    glovebox.messages.api,
    glovebox.messages.push_api,
    glovebox.trips.api,
    glovebox.today.api,
)

REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Error, "description": "The body cannot be read at all: no JSON, no UTF-8"},
    401: {"model": Error, "description": "Nobody is logged in: `not_logged_in`"},
    403: {"model": Error, "description": "The role, the licence or an agreement forbids it"},
    404: {"model": Error, "description": "No such thing, or none that this person may see"},
    409: {"model": Error, "description": "The present state forbids it; `already_taken` says what is free"},
    413: {"model": Error, "description": "The body is larger than any that makes sense"},
    422: {
        "model": Error,
        "description": "It makes no sense; `problems` names unreadable fields",
    },
    429: {"model": Error, "description": "Too many tries: again after `Retry-After` seconds"},
    503: {"model": Error, "description": "Too much at once: try again after `Retry-After` seconds"},
}

DESCRIPTION: Final = """\
Log in with `POST /api/v1/session`; the cookie it sets goes with every request, and `DELETE` on it logs out.
A request that changes something is refused where a browser says that another site's page made it.
Instants are integer seconds since 1970 (UTC), positions 1e-7 degrees, distances metres, fuel millilitres.
What lies behind the wall of another body looks as if it did not exist (404).
"""


def mount_api(web: FastAPI) -> None:
    """Adds every feature's router, and how it refuses."""
    for feature in FEATURES:
        web.include_router(feature.router, prefix="/api/v1", responses=REFUSALS)
    web.include_router(glovebox.accounts.api.router, responses=REFUSALS)
    web.include_router(glovebox.accounts.api.sessions, responses=REFUSALS)
    for programs in ("/api/{path:path}", "/box/{path:path}"):
        web.add_api_route(programs, no_such_address, include_in_schema=False)

    def describe() -> dict[str, Any]:
        is_new = web.openapi_schema is None
        description = FastAPI.openapi(web)
        if is_new:
            for one in EXAMPLES:
                description["components"]["schemas"][type(one).__name__]["examples"] = [jsonable_encoder(one)]
            cookie = {"type": "apiKey", "in": "cookie", "name": cookies_of(web.state.cloud).session}
            description["components"]["securitySchemes"] = {"session": cookie}
            description["security"] = [{"session": []}]
            description["paths"]["/api/v1/session"]["post"]["security"] = []
        return description

    web.openapi = describe  # type: ignore[method-assign]


def no_such_address(path: str) -> None:
    """What begins as addresses for programs do and is none of them."""
    raise NotFound()


async def tell_error(request: Request, error: Exception) -> JSONResponse:
    """Errors raised on purpose, as `Error` with their status."""
    assert isinstance(error, GloveboxError)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Busy) else None
    return _refusal(request, error, headers)


async def tell_http(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself: a body that is no JSON, a method or an address that is none."""
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    refusal = GloveboxError(codes.get(error.status_code, "invalid"))
    refusal.status = error.status_code
    return _refusal(request, refusal, dict(error.headers or {}))


async def tell_unreadable(request: Request, error: Exception) -> JSONResponse:
    """A request that is not what its description says."""
    assert isinstance(error, RequestValidationError)
    problems = [
        {"field": ".".join(str(part) for part in one["loc"]), "problem": one["msg"]} for one in error.errors()
    ]
    return _refusal(request, Invalid(problems=problems), None)


def _refusal(request: Request, error: GloveboxError, headers: dict[str, str] | None) -> JSONResponse:
    cloud: Cloud = request.app.state.cloud
    language = choose_language(None, request.headers.get("accept-language", "en"))
    message = error_sentence(Speech(language, cloud.now(), cloud.config.timezone), error)
    values = jsonable_encoder(error.values)
    return JSONResponse({"code": error.code, "message": message, **values}, error.status, headers)
