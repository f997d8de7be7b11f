"""One request for a page: who reads it, in which language, and how it is drawn or refused."""

import pathlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Path
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from glovebox.accounts import csrf
from glovebox.accounts.api import comes_from_us, cookies_of, draw_token, load_session
from glovebox.accounts.roles import Capability, Viewer
from glovebox.clock import LAST_INSTANT
from glovebox.cloud import Cloud, NotLoggedIn
from glovebox.dependencies import CloudDep
from glovebox.errors import Forbidden, GloveboxError, Invalid, TooLarge
from glovebox.policies.calendars import read_zones
from glovebox.store.values import one_line
from glovebox.web import notices, words
from glovebox.web.assets import read_manifest
from glovebox.web.fields import find_field
from glovebox.web.i18n import LANGUAGE_NAMES, LANGUAGES, Speech, choose_language
from glovebox.web.refill import refill

HERE: Final = pathlib.Path(__file__).resolve().parent
LANGUAGE_COOKIE: Final = "glovebox-language"
LANGUAGE_COOKIE_S: Final = 365 * 86_400
FORM_FIELDS: Final = 60
# The largest is a list of people on its way from preview to store: 2,000 lines of 100 bytes in base64.
LARGEST_FIELD: Final = 400_000

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
"""A number in a page's address."""


def make_environment() -> Environment:
    """The templates, escaping by default and failing on a name that is not there."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset_path
    return environment


def asset_path(name: str) -> str:
    """Address of a file of ours or of an installed one, changing with its content."""
    vendored = read_manifest().get(name)
    if vendored is not None:
        return f"/static/vendor/{vendored}"
    stamp = int((HERE / "static" / name).stat().st_mtime)
    return f"/static/{name}?v={stamp}"


@dataclass
class Page:
    """What every page needs; handed to endpoints by `PageDep`."""

    request: Request
    cloud: Cloud
    viewer_or_none: Viewer | None
    session_hash: bytes | None
    secret: str
    speech: Speech
    is_new_visitor: bool = False
    form: FormData = field(default_factory=FormData)
    wrong_field: str | None = None
    wrong_text: str = ""
    _zones: dict[int, str] | None = field(default=None, repr=False)

    @property
    def viewer(self) -> Viewer:
        """The person. Raises NotLoggedIn."""
        if self.viewer_or_none is None:
            raise NotLoggedIn()
        return self.viewer_or_none

    @property
    def now(self) -> int:
        """The instant of this request; one for the whole page."""
        return self.speech.now_s

    @property
    def is_htmx(self) -> bool:
        """True where a part of a page is asked for."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def here(self) -> str:
        """Path and query of this page, to come back to."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    def clock(self, site_id: int | None, tx: Connection | None = None) -> Speech:
        """The reader's words with times on the clock of a site; None: on the deployment's. `tx`: whoever
        reads already does not ask for a second connection."""
        if site_id is None:
            return self.speech
        if self._zones is None and tx is not None:
            self._zones = read_zones(tx)
        elif self._zones is None:
            with self.cloud.store.read() as reading:
                self._zones = read_zones(reading)
        return self.speech.at(self._zones.get(site_id, self.speech.zone_name))

    def text(self, name: str, default: str = "") -> str:
        """A form's or a query's field, trimmed; "" where it is missing or a file."""
        value = self.form.get(name, self.request.query_params.get(name, default))
        if not isinstance(value, str):
            return default
        return one_line(value, LARGEST_FIELD)

    def number(self, name: str) -> int | None:
        """A field that is a whole number from 0 to `LAST_INSTANT`, None where it is empty. Raises Invalid."""
        text = self.text(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and int(text[:20]) <= LAST_INSTANT):
            raise Invalid("not_a_number", field=name)
        return int(text)

    @property
    def sent(self) -> FormData | QueryParams:
        """The fields of the form, of the address where it is a search."""
        return self.form if self.request.method == "POST" else self.request.query_params

    def refuse(self, error: GloveboxError) -> str:
        """Why a form was refused; the field it is about, where one is known, says so itself and has the
        focus."""
        self.wrong_text = notices.field_sentence(self.speech, error)
        self.wrong_field = find_field(error, self.sent)
        return notices.error_sentence(self.speech, error)

    def render(self, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
        """Draws a template. `Vary` keeps languages apart in any cache."""
        html = self._draw(template, values)
        if self.wrong_text:
            html = self._give_back(html, lambda: self._draw(template, values))
        response = HTMLResponse(html, status, headers={"vary": "accept-language, cookie, hx-request"})
        if self.is_new_visitor:
            cookies = cookies_of(self.cloud)
            cookies.put(response, cookies.visitor, self.secret)
        return response

    def _give_back(self, html: str, draw: Callable[[], str]) -> str:
        """What was typed, in the form that sent it."""
        method, path = self.request.method, self.request.url.path
        filled, is_marked = refill(html, method, path, self.sent, self.wrong_field, self.wrong_text)
        if self.wrong_field is not None and not is_marked:
            self.wrong_field = None  # the page does not show that field: told above the form
            filled, _ = refill(draw(), method, path, self.sent, None, "")
        return filled

    def _draw(self, template: str, values: dict[str, Any]) -> str:
        speech = self.speech
        environment: Environment = self.cloud.extras["templates"]
        return environment.get_template(template).render(
            page=self,
            viewer=self.viewer_or_none,
            s=speech,
            w=words.Words(speech),
            clock=self.clock,
            form_token=csrf.make_token(self.secret),
            form_field=csrf.FIELD,
            languages=[(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
            said=notices.said(speech, self.request.query_params.get("said", "")),
            **speech.template_globals(),
            **values,
        )

    def go(self, path: str, said: str = "") -> Response:
        """Sends the browser on after a form, with a short notice there."""
        if said:
            path += ("&" if "?" in path else "?") + "said=" + quote(said)
        return RedirectResponse(path, 303)


def own_path(path: str) -> str:
    """`path` where it leads to a page of ours, else the start page: no open redirect."""
    is_ours = (
        path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and "\r" not in path
    )
    return path if is_ours and "\\" not in path else "/"


async def load_page(request: Request, cloud: CloudDep) -> Page:
    """The page of this request. For a form: checked to be ours. Raises Forbidden where it is not."""
    session = await run_in_threadpool(load_session, request, cloud)
    cookies = cookies_of(cloud)
    secret = request.cookies.get(cookies.session if session else cookies.visitor)
    viewer = session.viewer if session else None
    chosen = (viewer.language if viewer else "") or request.cookies.get(LANGUAGE_COOKIE)
    language = choose_language(chosen, request.headers.get("accept-language", ""))
    page = Page(
        request,
        cloud,
        viewer,
        session.token_hash if session else None,
        secret or draw_token(cloud),
        Speech(language, cloud.now(), cloud.config.timezone),
        is_new_visitor=secret is None,
    )
    request.state.page = page
    if request.method == "POST":
        try:
            page.form = await request.form(max_files=1, max_fields=FORM_FIELDS, max_part_size=LARGEST_FIELD)
        except HTTPException as error:  # not a form, or one with more or larger fields than any page has
            raise (
                TooLarge() if error.status_code == TooLarge.status else Invalid("form_unreadable")
            ) from error
        if not comes_from_us(request) or not csrf.is_valid(secret, page.form.get(csrf.FIELD)):
            raise Forbidden("foreign_page")
    return page


PageDep = Annotated[Page, Depends(load_page)]


def page_of_member(page: PageDep) -> Page:
    """A page that needs a login. Raises NotLoggedIn."""
    _ = page.viewer
    return page


MemberPage = Annotated[Page, Depends(page_of_member)]


def page_with(capability: Capability) -> Callable[[Page], Page]:
    """A dependency: a page that needs a capability somewhere. Raises NotLoggedIn, Forbidden."""

    def check(page: PageDep) -> Page:
        page.viewer.require(capability)
        return page

    return check


ConsolePage = Annotated[Page, Depends(page_with("console"))]
PeoplePage = Annotated[Page, Depends(page_with("people"))]
CommandPage = Annotated[Page, Depends(page_with("commands"))]
BoxesPage = Annotated[Page, Depends(page_with("boxes"))]


class PageRoute(APIRoute):
    """Turns what services raise into a page that says what to do."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint's handler, with errors drawn."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except GloveboxError as error:
                return _draw_error(request, error)
            except RequestValidationError:
                return _draw_error(request, Invalid("not_found_here"))

        return handle


def _draw_error(request: Request, error: GloveboxError) -> Response:
    page: Page | None = getattr(request.state, "page", None)
    if page is None:  # before the page could be made: the reader's choice is not known
        cloud: Cloud = request.app.state.cloud
        language = choose_language(None, request.headers.get("accept-language", ""))
        page = Page(request, cloud, None, None, "", Speech(language, cloud.now(), cloud.config.timezone))
    if isinstance(error, NotLoggedIn):
        target = "/login" if request.method != "GET" else f"/login?next={quote(page.here)}"
        if page.is_htmx:
            return Response(status_code=204, headers={"hx-redirect": "/login"})
        return RedirectResponse(target, 303)
    sentence = notices.error_sentence(page.speech, error)
    response = page.render("error.html", error.status, sentence=sentence, status=error.status)
    retry_after_s = error.values.get("retry_after_s", getattr(error, "retry_after_s", None))
    if retry_after_s is not None:
        response.headers["retry-after"] = str(retry_after_s)
    return response
