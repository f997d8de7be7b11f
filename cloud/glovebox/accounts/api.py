"""The edge of accounts: cookies, the session of a request, `/api/v1/session`."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from glovebox.accounts import csrf, members, service
from glovebox.accounts.passwords import MAX_LENGTH, MIN_LENGTH, PasswordQueue
from glovebox.accounts.roles import Viewer, read_grants
from glovebox.accounts.schemas import LoginSession
from glovebox.clock import DAY_S
from glovebox.cloud import Cloud, NotLoggedIn
from glovebox.dependencies import CloudDep, Id, PartDep, ReadTx
from glovebox.errors import Forbidden, GloveboxError
from glovebox.people import service as people
from glovebox.scope import Scope

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
DEVICE_LIFE_S: Final = 365 * DAY_S
# Fetch metadata of a request that our own page, or the person in the address bar, made.
OWN_FETCH_SITES: Final = frozenset({"", "same-origin", "none"})


class WrongPassword(GloveboxError):
    """Unknown account or wrong password: the two look alike on purpose."""

    status = 403
    code = "wrong_password"


class AmbiguousLogin(GloveboxError):
    """The same staff number in two bodies, with the same first password: nobody is logged in as another."""

    status = 403
    code = "ambiguous_login"


class FirstPasswordEnded(GloveboxError):
    """A first password that was right, but nobody used it in time."""

    status = 403
    code = "first_password_ended"


class Login(NamedTuple):
    """Somebody has logged in."""

    person_id: int
    token: str
    life_s: int
    """Of the session at most."""
    is_first_password: bool


@dataclass(frozen=True)
class Cookies:
    """Names and attributes of our cookies; `__Host-` binds them to this very host where TLS allows it."""

    is_secure: bool

    @property
    def session(self) -> str:
        """Name of the session's cookie."""
        return "__Host-glovebox" if self.is_secure else "glovebox"

    @property
    def visitor(self) -> str:
        """Name of the cookie a form token is bound to before the login."""
        return "__Host-glovebox-visitor" if self.is_secure else "glovebox-visitor"

    @property
    def device(self) -> str:
        """Name of the cookie of a browser that has logged in before."""
        return "__Host-glovebox-device" if self.is_secure else "glovebox-device"

    def put(self, response: Response, name: str, value: str, life_s: int | None = None) -> None:
        """Sets one: unreadable to scripts, not sent by other sites' forms."""
        response.set_cookie(
            name, value, max_age=life_s, path="/", secure=self.is_secure, httponly=True, samesite="lax"
        )

    def remove(self, response: Response, name: str) -> None:
        """Removes one."""
        response.delete_cookie(name, path="/", secure=self.is_secure, httponly=True, samesite="lax")


def cookies_of(cloud: Cloud) -> Cookies:
    """The cookies of this deployment."""
    return Cookies(cloud.config.secure_cookies)


def draw_token(cloud: Cloud) -> str:
    """A fresh secret of 256 bits as text."""
    return urlsafe_b64encode(cloud.entropy(service.TOKEN_BYTES)).decode().rstrip("=")


def load_session(connection: HTTPConnection, cloud: Cloud) -> service.Session | None:
    """The request's session, noted as in use now and then. Blocks: call it in a thread."""
    token = connection.cookies.get(cookies_of(cloud).session)
    if not token:
        return None
    now = cloud.now()
    with cloud.store.read() as tx:
        session = service.read_session(tx, now, token)
    if session is not None and session.needs_touch:
        token_hash = session.token_hash
        cloud.writer.run(lambda tx: service.touch_session(tx, now, token_hash))
    return session


def comes_from_us(connection: HTTPConnection) -> bool:
    """False where the browser says that another site's page made this request."""
    headers = connection.headers
    if headers.get("sec-fetch-site", "") not in OWN_FETCH_SITES:
        return False
    origin = headers.get("origin")
    return origin is None or origin.split("://", 1)[-1] == headers.get("host")


def authenticate(connection: HTTPConnection) -> Scope:
    """The scope of the session's person, for the JSON API. Raises NotLoggedIn; Forbidden for another site's
    request."""
    return load_viewer(connection).scope


def load_viewer(connection: HTTPConnection) -> Viewer:
    """As `authenticate`, with the grants themselves."""
    if connection.scope.get("method", "GET") not in SAFE_METHODS and not comes_from_us(connection):
        raise Forbidden("foreign_page")
    session = load_session(connection, connection.app.state.cloud)
    if session is None:
        raise NotLoggedIn()
    return session.viewer


ViewerDep = Annotated[Viewer, Depends(load_viewer)]


def known_device(request: HTTPConnection, cloud: Cloud, identifier: str) -> str:
    """The number of this browser where it has logged in to this account before, else ""."""
    nonce, _dot, proof = request.cookies.get(cookies_of(cloud).device, "").partition(".")
    right = cloud.keyring.device_proof(nonce, service.account_of(identifier))
    return nonce if hmac.compare_digest(right.encode(), proof.encode()) else ""


def welcome(response: Response, cloud: Cloud, identifier: str, token: str, life_s: int) -> None:
    """The cookies of a login: the session's, and that this browser is known from now on."""
    cookies, nonce = cookies_of(cloud), draw_token(cloud)
    proof = cloud.keyring.device_proof(nonce, service.account_of(identifier))
    cookies.put(response, cookies.session, token, life_s)
    cookies.put(response, cookies.device, f"{nonce}.{proof}", DEVICE_LIFE_S)


async def log_in(cloud: Cloud, request: Request, identifier: str, password: str) -> Login:
    """Checks a password and starts a session. The session that the request came with ends.

    Raises WrongPassword, AmbiguousLogin, FirstPasswordEnded, TooManyTries, or Busy where too many passwords
    wait to be checked.
    """
    now, address, device = cloud.now(), address_of(request), known_device(request, cloud, identifier)
    await cloud.writer.write(lambda tx: service.begin_try(tx, now, identifier, address, device))
    candidates = await run_in_threadpool(_find, cloud, identifier)
    queue: PasswordQueue = cloud.extras.setdefault("passwords", PasswordQueue())
    meant = [one for one in candidates if await queue.verify(password, one.password_hash)]
    if not candidates:
        await queue.verify(password, None)
    if not meant:
        raise WrongPassword()
    if len(meant) > 1:
        raise AmbiguousLogin()
    person_id, ends_at = meant[0].person_id, meant[0].password_ends_at
    if ends_at is not None and now >= ends_at:
        raise FirstPasswordEnded()
    token = draw_token(cloud)
    agent = request.headers.get("user-agent", "")
    former = request.cookies.get(cookies_of(cloud).session)

    def start(tx: Any) -> int:
        service.forgive_tries(tx, identifier, address, device)
        if former:
            service.end_session(tx, former)
        return service.start_session(tx, now, person_id, token, agent)

    return Login(person_id, token, await cloud.writer.write(start), ends_at is not None)


def _find(cloud: Cloud, identifier: str) -> list[service.Candidate]:
    with cloud.store.read() as tx:
        return service.find_candidates(tx, identifier)


async def give_first_password(cloud: Cloud, viewer: Viewer, now: int, person_id: int) -> str:
    """A password to be told once, good for `members.FIRST_PASSWORD_S`; earlier sessions of that person end.
    Raises NotFound, Forbidden where that would make somebody mightier."""

    def check() -> None:
        with cloud.store.read() as tx:
            person = people.require_manager(tx, viewer.scope, person_id)
            has_roles = bool(read_grants(tx, person_id))
        if not members.may_give_login(viewer, person.organisation_id, person_id, has_roles=has_roles):
            raise Forbidden()

    await run_in_threadpool(check)
    password = members.draw_password(cloud.entropy)
    queue: PasswordQueue = cloud.extras.setdefault("passwords", PasswordQueue())
    password_hash = await queue.hash(password)
    await cloud.writer.write(lambda tx: members.give_login(tx, now, viewer, person_id, password_hash))
    return password


async def store_password(
    cloud: Cloud, request: Request, person_id: int, here: bytes | None, present: str, new: str
) -> None:
    """One's own password: the present one is asked, counted like a login, and all sessions but this one
    (`here`) end. Raises WrongPassword, TooManyTries, Invalid, Busy."""
    queue: PasswordQueue = cloud.extras.setdefault("passwords", PasswordQueue())
    now, subject, address = cloud.now(), f"person {person_id}", address_of(request)
    await cloud.writer.write(lambda tx: service.begin_try(tx, now, subject, address))
    stored = await cloud.writer.write(lambda tx: service.read_password_hash(tx, person_id))
    if not await queue.verify(present, stored):
        raise WrongPassword()
    new_hash = await queue.hash(new)

    def store(tx: Any) -> None:
        service.forgive_tries(tx, subject, address)
        service.set_password(tx, now, person_id, new_hash)
        service.end_other_sessions(tx, person_id, here)

    await cloud.writer.write(store)


def address_of(request: Request) -> str:
    """The address tries are counted under."""
    return request.client.host if request.client else "unknown"


class Credentials(BaseModel):
    """A login."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"identifier": "1042", "password": "quatre mots bien longs"}}
    )
    identifier: str = Field(min_length=1, max_length=200, description="e-mail address or staff number")
    password: str = Field(min_length=1, max_length=MAX_LENGTH)


class Me(BaseModel):
    """Who is logged in, and the token that forms of this session carry."""

    person_id: int
    name: str
    organisation_id: int
    roles: list[str]
    form_token: str


router = APIRouter(prefix="/api/v1/session", tags=["session"])


@router.post("", status_code=204)
async def create_session(credentials: Credentials, request: Request, cloud: CloudDep) -> Response:
    """Log in: sets the session's cookie."""
    if not comes_from_us(request):
        raise Forbidden("foreign_page")
    login = await log_in(cloud, request, credentials.identifier, credentials.password)
    response = Response(status_code=204)
    welcome(response, cloud, credentials.identifier, login.token, login.life_s)
    return response


@router.get("")
def read_session(viewer: ViewerDep, request: Request, cloud: CloudDep) -> Me:
    """Who am I."""
    token = request.cookies[cookies_of(cloud).session]
    return Me(
        person_id=viewer.person_id,
        name=viewer.name,
        organisation_id=viewer.organisation_id,
        roles=sorted(viewer.scope.roles),
        form_token=csrf.make_token(token),
    )


@router.delete("", status_code=204)
def delete_session(_viewer: ViewerDep, request: Request, cloud: CloudDep) -> Response:
    """Log out."""
    cookies = cookies_of(cloud)
    token = request.cookies[cookies.session]
    cloud.writer.run(lambda tx: service.end_session(tx, token))
    response = Response(status_code=204)
    cookies.remove(response, cookies.session)
    return response


class NewPassword(BaseModel):
    """Another password for oneself."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"present": "quatre mots bien longs", "new": "cinq autres mots plus longs"}
        }
    )
    present: str = Field(min_length=1, max_length=MAX_LENGTH)
    new: str = Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)


@router.put("/password", status_code=204)
async def put_password(asked: NewPassword, viewer: ViewerDep, request: Request, cloud: CloudDep) -> Response:
    """Another password: the present one is asked, counted like a login; every other session ends."""
    here = _present(request, cloud)
    await store_password(cloud, request, viewer.person_id, here, asked.present, asked.new)
    return Response(status_code=204)


sessions = APIRouter(prefix="/api/v1/sessions", tags=["session"])


@sessions.get("")
def list_sessions(
    viewer: ViewerDep, request: Request, tx: ReadTx, cloud: CloudDep, part: PartDep
) -> list[LoginSession]:
    """Where one is logged in, this session first, then the last used."""
    here = _present(request, cloud)
    return part.of(service.list_sessions(tx, cloud.now(), viewer.person_id, here, part.end))


@sessions.delete("", status_code=204)
def end_other_sessions(viewer: ViewerDep, request: Request, cloud: CloudDep) -> Response:
    """Logs out everywhere but here; no device shows messages any more."""
    here = _present(request, cloud)
    cloud.writer.run(lambda tx: service.end_other_sessions(tx, viewer.person_id, here))
    return Response(status_code=204)


@sessions.delete("/{session_id}", status_code=204)
def end_one_session(session_id: Id, viewer: ViewerDep, cloud: CloudDep) -> Response:
    """Ends one of one's own sessions."""
    cloud.writer.run(lambda tx: service.end_own_session(tx, viewer.person_id, session_id))
    return Response(status_code=204)


def _present(request: Request, cloud: Cloud) -> bytes:
    return service.hash_token(request.cookies[cookies_of(cloud).session])
