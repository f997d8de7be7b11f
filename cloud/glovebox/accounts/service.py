"""Logins: who may, how often, and the sessions that follow. Functions take a transaction and the time in
seconds."""

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, case, delete, func, insert, or_, select, update

from glovebox.accounts.roles import Viewer, read_grants, read_viewer
from glovebox.accounts.schemas import LoginSession
from glovebox.accounts.tables import accounts, login_failures, login_sessions
from glovebox.agents import read_agent
from glovebox.clock import DAY_S, HOUR_S, MINUTE_S
from glovebox.errors import GloveboxError, NotFound
from glovebox.messages import subscriptions
from glovebox.people.tables import people

TOKEN_BYTES: Final = 32
# A driver's phone stays logged in; a desk from which others' data is read does not.
DRIVER_IDLE_S: Final = 14 * DAY_S
DRIVER_LONGEST_S: Final = 90 * DAY_S
CONSOLE_IDLE_S: Final = 12 * HOUR_S
CONSOLE_LONGEST_S: Final = 7 * DAY_S
# Each request would be a write otherwise.
TOUCH_S: Final = 5 * MINUTE_S

# Nobody looks through more; all others end at one tap.
SESSIONS_SHOWN: Final = 50

WINDOW_S: Final = 15 * MINUTE_S
# One person mistypes five times; thirty is a guess from many places; forty is an office behind one address
# on Monday.
LIMIT_ACCOUNT_AT_ADDRESS: Final = 5
LIMIT_ACCOUNT: Final = 30
LIMIT_ADDRESS: Final = 40
# The same staff number may exist in several bodies: as many are tried, no more.
CANDIDATES: Final = 4


class TooManyTries(GloveboxError):
    """Logins of this account or from this address failed too often; `retry_after_s` is in `values`."""

    status = 429
    code = "too_many_tries"


@dataclass(frozen=True)
class Candidate:
    """A person who may be meant by what was typed."""

    person_id: int
    password_hash: str
    password_ends_at: int | None
    """Of a first password."""


def find_candidates(tx: Connection, identifier: str) -> list[Candidate]:
    """Active people with a login whose e-mail or staff number was typed, in a stable order, at most
    `CANDIDATES`."""
    typed = identifier.strip()
    if "\0" in typed:  # nobody has one, and PostgreSQL takes none in a text
        return []
    rows = tx.execute(
        select(people.c.id, accounts.c.password_hash, accounts.c.password_ends_at)
        .join(accounts, accounts.c.person_id == people.c.id)
        .where(
            people.c.is_active == 1,
            or_(func.lower(people.c.email) == typed.lower(), people.c.staff_number == typed),
        )
        .order_by(people.c.id)
        .limit(CANDIDATES)
    )
    return [Candidate(*row) for row in rows]


def account_of(identifier: str) -> str:
    """What is counted of what was typed."""
    return identifier.strip().lower()


def _subjects(identifier: str, address: str, device: str) -> dict[bytes, int]:
    account = account_of(identifier)
    # Who guesses from many places can shut an account to browsers that never were in it, not to its owner's.
    known = {f"device:{device}:{account}": LIMIT_ACCOUNT_AT_ADDRESS}
    named = (
        known
        if device
        else {
            f"both:{address}:{account}": LIMIT_ACCOUNT_AT_ADDRESS,
            f"account:{account}": LIMIT_ACCOUNT,
            f"address:{address}": LIMIT_ADDRESS,
        }
    )
    return {hashlib.sha256(name.encode()).digest(): limit for name, limit in named.items()}


def begin_try(tx: Connection, now: int, identifier: str, address: str, device: str = "") -> None:
    """Counts a try before the password is looked at, so that tries in parallel count too. `device`: a browser
    that has logged in to this account before; its tries count apart. Raises TooManyTries."""
    tx.execute(delete(login_failures).where(login_failures.c.failed_at <= now - WINDOW_S))
    subjects = _subjects(identifier, address, device)
    rows = tx.execute(
        select(login_failures.c.subject, func.count(), func.min(login_failures.c.failed_at))
        .where(login_failures.c.subject.in_(list(subjects)))
        .group_by(login_failures.c.subject)
    )
    waits = [
        int(first) + WINDOW_S - now for subject, count, first in rows if count >= subjects[bytes(subject)]
    ]
    if waits:
        raise TooManyTries(retry_after_s=max(waits))
    tx.execute(insert(login_failures), [{"subject": subject, "failed_at": now} for subject in subjects])


def forgive_tries(tx: Connection, identifier: str, address: str, device: str = "") -> None:
    """After a right password: what this person mistyped here counts no more, nor this try at the address."""
    *own, at_address = _subjects(identifier, address, device)
    if device:
        own = [at_address]
    tx.execute(delete(login_failures).where(login_failures.c.subject.in_(own)))
    if device:
        return
    newest = select(func.max(login_failures.c.id)).where(login_failures.c.subject == at_address)
    tx.execute(delete(login_failures).where(login_failures.c.id == newest.scalar_subquery()))


def hash_token(token: str) -> bytes:
    """What is stored of a session's token (256 random bits need no slow hash)."""
    return hashlib.sha256(token.encode()).digest()


def start_session(tx: Connection, now: int, person_id: int, token: str, user_agent: str = "") -> int:
    """Stores a session for a token the caller drew; its longest life in seconds, for the cookie."""
    browser, system = read_agent(user_agent)
    tx.execute(delete(login_sessions).where(login_sessions.c.ends_at <= now))
    longest_s = CONSOLE_LONGEST_S if read_grants(tx, person_id) else DRIVER_LONGEST_S
    tx.execute(
        insert(login_sessions).values(
            token_hash=hash_token(token),
            person_id=person_id,
            started_at=now,
            last_seen_at=now,
            ends_at=now + longest_s,
            browser=browser,
            system=system,
        )
    )
    return longest_s


@dataclass(frozen=True)
class Session:
    """A valid session and its person."""

    viewer: Viewer
    token_hash: bytes
    needs_touch: bool


def read_session(tx: Connection, now: int, token: str) -> Session | None:
    """The session of a token, or None where it is unknown, over, or its person no longer active."""
    row = tx.execute(
        select(login_sessions, accounts.c.language)
        .join(accounts, accounts.c.person_id == login_sessions.c.person_id)
        .where(login_sessions.c.token_hash == hash_token(token))
    ).one_or_none()
    if row is None or now >= row.ends_at:
        return None
    viewer = read_viewer(tx, row.person_id, row.language)
    # Grants are looked at now, not as they were at the login: a driver made manager gets the desk's shorter
    # life.
    if viewer is None or now >= row.last_seen_at + _idle_s(bool(viewer.grants)):
        return None
    return Session(viewer, row.token_hash, now >= row.last_seen_at + TOUCH_S)


def _idle_s(has_roles: bool) -> int:
    return CONSOLE_IDLE_S if has_roles else DRIVER_IDLE_S


def list_sessions(
    tx: Connection, now: int, person_id: int, token_hash: bytes | None, limit: int = SESSIONS_SHOWN
) -> list[LoginSession]:
    """The person's sessions that are not over, this one (of the token) first, then the last used."""
    is_this = case((login_sessions.c.token_hash == token_hash, 1), else_=0)
    rows = tx.execute(
        select(login_sessions, is_this.label("is_this"))
        .where(
            login_sessions.c.person_id == person_id,
            login_sessions.c.ends_at > now,
            login_sessions.c.last_seen_at > now - _idle_s(bool(read_grants(tx, person_id))),
        )
        .order_by(is_this.desc(), login_sessions.c.last_seen_at.desc(), login_sessions.c.id.desc())
        .limit(limit)
    )
    return [
        LoginSession(
            id=row.id,
            browser=row.browser,
            system=row.system,
            started_at=row.started_at,
            last_seen_at=row.last_seen_at,
            is_this=bool(row.is_this),
        )
        for row in rows
    ]


def end_own_session(tx: Connection, person_id: int, session_id: int) -> None:
    """Logs out one of the person's own devices. Raises NotFound."""
    mine = (login_sessions.c.id == session_id) & (login_sessions.c.person_id == person_id)
    if not tx.execute(delete(login_sessions).where(mine)).rowcount:
        raise NotFound()


def end_all_sessions(tx: Connection) -> int:
    """Logs everybody out; how many sessions that ended."""
    return tx.execute(delete(login_sessions)).rowcount


def touch_session(tx: Connection, now: int, token_hash: bytes) -> None:
    """Notes that the session is in use."""
    tx.execute(
        update(login_sessions).where(login_sessions.c.token_hash == token_hash).values(last_seen_at=now)
    )


def end_session(tx: Connection, token: str) -> None:
    """Logs out; an unknown token changes nothing."""
    tx.execute(delete(login_sessions).where(login_sessions.c.token_hash == hash_token(token)))


def end_other_sessions(tx: Connection, person_id: int, but_token_hash: bytes | None) -> int:
    """Logs the person out everywhere (but here), and has no device show messages any more: it may be the one
    that was lost. How many sessions that ended."""
    subscriptions.remove_all(tx, person_id)
    condition = login_sessions.c.person_id == person_id
    if but_token_hash is not None:
        condition &= login_sessions.c.token_hash != but_token_hash
    return tx.execute(delete(login_sessions).where(condition)).rowcount


def set_password(
    tx: Connection, now: int, person_id: int, password_hash: str, ends_at: int | None = None
) -> None:
    """Gives the person a login, or another password; `ends_at` of a first one. The hash comes from
    `passwords.hash_password`."""
    values = {"password_hash": password_hash, "password_set_at": now, "password_ends_at": ends_at}
    changed = tx.execute(update(accounts).where(accounts.c.person_id == person_id).values(values))
    if not changed.rowcount:
        tx.execute(insert(accounts).values(person_id=person_id, **values))


def read_password_hash(tx: Connection, person_id: int) -> str | None:
    """The stored hash, None for somebody without a login."""
    return tx.scalar(select(accounts.c.password_hash).where(accounts.c.person_id == person_id))


def read_password_end(tx: Connection, person_id: int) -> int | None:
    """When the person's first password stops working; None where it is one's own, or there is none."""
    return tx.scalar(select(accounts.c.password_ends_at).where(accounts.c.person_id == person_id))


def choose_language(tx: Connection, person_id: int, language: str) -> None:
    """Remembers the language the person chose, for pages and for messages."""
    tx.execute(update(accounts).where(accounts.c.person_id == person_id).values(language=language))
    tx.execute(update(people).where(people.c.id == person_id).values(language=language))
