"""Pages: log in and out, language, one's own account."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from glovebox.accounts import service
from glovebox.accounts.api import (
    AmbiguousLogin,
    FirstPasswordEnded,
    WrongPassword,
    cookies_of,
    log_in,
    store_password,
    welcome,
)
from glovebox.accounts.roles import CAPABILITIES, read_grants
from glovebox.accounts.service import TooManyTries
from glovebox.errors import Busy, GloveboxError, Invalid
from glovebox.people import service as people_service
from glovebox.web.i18n import LANGUAGES
from glovebox.web.page import (
    LANGUAGE_COOKIE,
    LANGUAGE_COOKIE_S,
    Id,
    MemberPage,
    Page,
    PageDep,
    PageRoute,
    own_path,
)

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/login")
def show_login(page: PageDep) -> Response:
    """The form; whoever is logged in already goes on."""
    target = own_path(page.text("next", "/"))
    if page.viewer_or_none is not None:
        return page.go(target)
    return page.render("login.html", next=target, identifier="", problem="")


@router.post("/login")
async def login(page: PageDep) -> Response:
    """Checks and starts a session, under a new secret."""
    identifier, target = page.text("identifier")[:200], own_path(page.text("next", "/"))
    password = page.form.get("password", "")
    try:
        done = await log_in(page.cloud, page.request, identifier, str(password))
    except (AmbiguousLogin, FirstPasswordEnded, WrongPassword, TooManyTries, Busy) as error:
        response: Response = page.render(
            "login.html",
            error.status,
            next=target,
            identifier=identifier,
            problem=page.refuse(error),
        )
        if "retry_after_s" in error.values:
            response.headers["retry-after"] = str(error.values["retry_after_s"])
        return response
    if done.is_first_password:
        target = "/account"  # which says until when it works, and asks for one's own
    elif target == "/":
        target = await run_in_threadpool(_home, page, done.person_id)
    response = page.go(target)
    welcome(response, page.cloud, identifier, done.token, done.life_s)
    cookies = cookies_of(page.cloud)
    cookies.remove(response, cookies.visitor)
    return response


def _home(page: Page, person_id: int) -> str:
    """Where somebody begins who was on the way to no page: managers with what there is to look after."""
    with page.cloud.store.read() as tx:
        grants = read_grants(tx, person_id)
    manages = any(grant.role in CAPABILITIES["people"] for grant in grants)
    return "/console/today" if manages else "/"


@router.post("/logout")
def logout(page: MemberPage) -> Response:
    """Ends this session."""
    cookies = cookies_of(page.cloud)
    token = page.request.cookies[cookies.session]
    page.cloud.writer.run(lambda tx: service.end_session(tx, token))
    response = page.go("/login", "logged_out")
    cookies.remove(response, cookies.session)
    return response


@router.post("/language")
def choose_language(page: PageDep) -> Response:
    """Another language, remembered by the browser and, where somebody is logged in, with the person."""
    language = page.text("language")
    if language not in LANGUAGES:
        raise Invalid("not_found_here")
    if page.viewer_or_none is not None:
        person_id = page.viewer_or_none.person_id
        page.cloud.writer.run(lambda tx: service.choose_language(tx, person_id, language))
    response = page.go(own_path(page.text("back", "/")))
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=LANGUAGE_COOKIE_S,
        path="/",
        secure=page.cloud.config.secure_cookies,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/account")
def show_account(page: MemberPage) -> Response:
    """Who I am, my badges, my password."""
    return _account(page)


@router.post("/account/password")
async def change_password(page: MemberPage) -> Response:
    """Another password: the present one is asked, other devices are logged out. Counted like a login."""
    present, new = str(page.form.get("present", "")), str(page.form.get("new", ""))
    whose = (page.viewer.person_id, page.session_hash)
    try:
        if new != str(page.form.get("again", "")):
            raise Invalid("passwords_differ")
        await store_password(page.cloud, page.request, *whose, present, new)
    except (WrongPassword, TooManyTries, Invalid) as error:
        return await run_in_threadpool(_account, page, error)
    return page.go("/account", "password")


@router.post("/account/sessions")
def end_sessions(page: MemberPage) -> Response:
    """Logs out every other device."""
    person_id, session_hash = page.viewer.person_id, page.session_hash
    page.cloud.writer.run(lambda tx: service.end_other_sessions(tx, person_id, session_hash))
    return page.go("/account", "sessions")


@router.post("/account/sessions/{session_id}/end")
def end_session(session_id: Id, page: MemberPage) -> Response:
    """Logs out one of them."""
    person_id = page.viewer.person_id
    page.cloud.writer.run(lambda tx: service.end_own_session(tx, person_id, session_id))
    return page.go("/account", "session")


def _account(page: Page, error: GloveboxError | None = None) -> Response:
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        person = people_service.get_person(tx, scope, page.viewer.person_id)
        badges = people_service.list_badges(tx, scope, page.viewer.person_id)
        sessions = service.list_sessions(tx, page.now, page.viewer.person_id, page.session_hash)
        password_ends_at = service.read_password_end(tx, page.viewer.person_id)
    return page.render(
        "account.html",
        error.status if error else 200,
        person=person,
        badges=badges,
        sessions=sessions,
        password_ends_at=password_ends_at,
        problem=page.refuse(error) if error else "",
    )
