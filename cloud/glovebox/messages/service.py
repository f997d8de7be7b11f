"""The outbox: what is to be told is written in the transaction that causes it, and delivered after it.

| state | event | to |
|---|---|---|
| `waiting` | drop: undone before `due_at` | `dropped` |
| `dropped` | put: its cause is back | `waiting` |
| `waiting` | claim: the person reads it on the page alone | `kept` |
| `waiting` | settle: taken by the mail server, the SMS service, or all push services that take it | `sent` |
| `waiting` | settle: refused for good, or `ATTEMPTS` times | `failed` |
| `failed`, `kept` | retry | `waiting` |
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, cast

from sqlalchemy import Connection, delete, func, insert, select, update

from glovebox.accounts.tables import accounts
from glovebox.clock import HOUR_S, MINUTE_S
from glovebox.errors import Conflict, Invalid, NotFound
from glovebox.messages import subscriptions
from glovebox.messages.schemas import Channel, Choice, Delivery, Letter, Message, Receipt
from glovebox.messages.tables import message_choices, messages
from glovebox.people.addresses import read_phone
from glovebox.people.tables import people
from glovebox.scope import Scope

# As long as whoever caused it may take it back.
UNDO_S: Final = 30
# One after the other, each at most 20 s: all within CLAIM_S.
AT_ONCE: Final = 5
# A try that nobody settled (the process ended) is claimed anew after this; longer than any try lasts.
CLAIM_S: Final = 3 * MINUTE_S
# 1, 2, 4 ... 32 minutes, then hourly: a mail server that is away over lunch loses nothing.
ATTEMPTS: Final = 10
FIRST_WAIT_S: Final = MINUTE_S
LONGEST_WAIT_S: Final = HOUR_S
CHANNELS: Final = ("mail", "push", "sms", "page")
_REACHED_AT: Final = func.coalesce(func.nullif(message_choices.c.phone, ""), people.c.phone).label("phone")


def put(
    tx: Connection,
    now: int,
    person_id: int,
    kind: str,
    message_key: str,
    facts: dict[str, Any],
    *,
    reservation_id: int | None = None,
    wait_s: int = 0,
) -> None:
    """Writes a message, once for each `message_key`. It leaves after the commit, `wait_s` later at the
    earliest."""
    due_at = now + wait_s
    known = tx.execute(select(messages.c.state).where(messages.c.message_key == message_key)).scalar()
    if known == "dropped":
        again = update(messages).where(messages.c.message_key == message_key)
        told = {"facts": json.dumps(facts, ensure_ascii=False), "created_at": now}
        tx.execute(again.values(**told, state="waiting", due_at=due_at, next_at=due_at, settled_at=None))
    if known is not None:
        return
    tx.execute(
        insert(messages).values(
            message_key=message_key,
            person_id=person_id,
            reservation_id=reservation_id,
            kind=kind,
            facts=json.dumps(facts, ensure_ascii=False),
            created_at=now,
            due_at=due_at,
            next_at=due_at,
        )
    )


def drop(tx: Connection, now: int, message_keys: Iterable[str]) -> bool:
    """Takes back what has not left yet, because its cause is undone; True where there was something."""
    waiting = (
        messages.c.message_key.in_(list(message_keys))
        & (messages.c.state == "waiting")
        & (messages.c.due_at > now)
    )
    changed = update(messages).where(waiting).values(state="dropped", settled_at=now)
    return bool(tx.execute(changed).rowcount)


def drop_caused(tx: Connection, now: int, reservation_id: int, since: int) -> None:
    """Takes back what was written about a reservation from `since` on and has not left yet."""
    waiting = (
        (messages.c.reservation_id == reservation_id)
        & (messages.c.created_at >= since)
        & (messages.c.state == "waiting")
        & (messages.c.due_at > now)
    )
    tx.execute(update(messages).where(waiting).values(state="dropped", settled_at=now))


def drop_kind(tx: Connection, now: int, reservation_id: int, kind: str) -> bool:
    """Takes back what was written of one kind about a reservation and has not left yet; True where there was
    something."""
    waiting = (
        (messages.c.reservation_id == reservation_id)
        & (messages.c.kind == kind)
        & (messages.c.state == "waiting")
        & (messages.c.due_at > now)
    )
    changed = update(messages).where(waiting).values(state="dropped", settled_at=now)
    return bool(tx.execute(changed).rowcount)


def was_dropped_at(tx: Connection, reservation_id: int, kind: str, at: int) -> bool:
    """True where one of that kind, written before `at`, was taken back then."""
    one = (messages.c.reservation_id == reservation_id) & (messages.c.kind == kind)
    then = (messages.c.state == "dropped") & (messages.c.settled_at == at) & (messages.c.created_at < at)
    return tx.execute(select(messages.c.id).where(one, then).limit(1)).first() is not None


def is_last_dropped(tx: Connection, reservation_id: int, kind: str) -> bool:
    """True where the newest message of that kind about a reservation was taken back."""
    one = (messages.c.reservation_id == reservation_id) & (messages.c.kind == kind)
    query = select(messages.c.state).where(one).order_by(messages.c.id.desc()).limit(1)
    return tx.execute(query).scalar() == "dropped"


def list_told(tx: Connection, reservation_ids: Sequence[int]) -> list[int]:
    """Those of these reservations of which anything was ever written."""
    mine = messages.c.reservation_id.in_(reservation_ids)
    query = select(messages.c.reservation_id).where(mine).distinct().order_by(messages.c.reservation_id)
    return list(tx.execute(query).scalars())


def was_dropped(tx: Connection, message_key: str) -> bool:
    """True where this message was written and taken back."""
    known = tx.execute(select(messages.c.state).where(messages.c.message_key == message_key)).scalar()
    return known == "dropped"


def claim(tx: Connection, now: int, channels: Collection[str]) -> list[Letter]:
    """Takes what is due, so that no other process does for `CLAIM_S`; what stays on the page is settled
    here. `channels`: those this deployment has set up."""
    due = (
        select(
            messages,
            people.c.email,
            people.c.language,
            people.c.is_active,
            message_choices.c.channel.label("chosen"),
            _REACHED_AT,
            accounts.c.language.label("reading"),
        )
        .join(people, people.c.id == messages.c.person_id)
        .join(message_choices, message_choices.c.person_id == people.c.id, isouter=True)
        .join(accounts, accounts.c.person_id == people.c.id, isouter=True)
        .where(messages.c.state == "waiting", messages.c.next_at <= now)
        .order_by(messages.c.next_at, messages.c.id)
        .limit(AT_ONCE)
        .with_for_update(of=messages, skip_locked=True)
    )
    letters = []
    for row in tx.execute(due).all():
        channel = row.chosen or ("mail" if row.email else "page")
        address = {"mail": row.email, "sms": row.phone}.get(channel) or ""
        devices: tuple[tuple[int, str, bytes, bytes], ...] = ()
        missing = "no_address"
        if channel == "push":  # a phone that its owner took along when leaving shows nothing
            devices = subscriptions.devices_without(tx, row.person_id, row.id) if row.is_active else ()
            address, missing = "push" if devices else "", "no_device"
        problem = missing if not address else ("" if channel in channels else "not_set_up")
        one = update(messages).where(messages.c.id == row.id)
        if channel == "page" or problem:
            reason = "" if channel == "page" else problem
            is_told = channel == "push" and subscriptions.has_any(tx, row.id)
            kept = {"state": "kept", "last_error": reason} if not is_told else {"state": "sent"}
            tx.execute(one.values(**kept, channel=channel, settled_at=now))
            subscriptions.forget(tx, row.id)
            continue
        attempt = row.attempts + 1
        tx.execute(one.values(attempts=attempt, channel=channel, next_at=now + CLAIM_S))
        language = row.reading or row.language
        letters.append(
            Letter(
                row.id, row.message_key, row.kind, json.loads(row.facts), channel, address, language, attempt,
                devices,
            )
        )  # fmt: skip
    return letters


def settle(
    tx: Connection,
    now: int,
    letter: Letter,
    problem: str | None,
    *,
    is_final: bool = False,
    retry_after_s: int = 0,
    receipts: Sequence[Receipt] = (),
) -> None:
    """What became of a try: `problem` None where the other side took it; with push, where all devices have
    it that ever will. A late answer to an earlier try changes nothing but `sent`."""
    subscriptions.note(tx, now, letter.id, receipts)
    one = (messages.c.id == letter.id) & (messages.c.state == "waiting")
    if problem is None:
        values: dict[str, Any] = {"state": "sent", "settled_at": now, "last_error": ""}
    else:
        one &= messages.c.attempts == letter.attempt
        values = {"last_error": "".join(filter(str.isprintable, problem))[:200]}
        if is_final or letter.attempt >= ATTEMPTS:
            is_told = subscriptions.has_any(tx, letter.id)
            values |= {"state": "sent" if is_told else "failed", "settled_at": now}
        else:
            wait_s = min(FIRST_WAIT_S << letter.attempt - 1, LONGEST_WAIT_S)
            values |= {"next_at": now + max(wait_s, retry_after_s)}
    if tx.execute(update(messages).where(one).values(**values)).rowcount and "state" in values:
        subscriptions.forget(tx, letter.id)


def retry(tx: Connection, now: int, scope: Scope, message_id: int) -> None:
    """Tries a failed message again, or one that stayed on the page. Raises NotFound, Conflict where it is
    on its way or gone."""
    row = tx.execute(
        select(messages.c.id, messages.c.state)
        .join(people, people.c.id == messages.c.person_id)
        .where(messages.c.id == message_id, scope.managed(people.c.organisation_id))
    ).first()
    if row is None:
        raise NotFound()
    again = messages.c.state.in_(("failed", "kept")) & (messages.c.id == message_id)
    values = {"state": "waiting", "attempts": 0, "next_at": now, "settled_at": None}
    if not tx.execute(update(messages).where(again).values(**values)).rowcount:
        raise Conflict("message_not_failed")


def list_messages(
    tx: Connection, now: int, scope: Scope, *, unseen_only: bool = False, limit: int = 50
) -> list[Message]:
    """One's own messages that are due, newest first."""
    query = select(messages).where(
        scope.mine(messages.c.person_id), messages.c.due_at <= now, messages.c.state != "dropped"
    )
    if unseen_only:
        query = query.where(messages.c.seen_at.is_(None))
    rows = tx.execute(query.order_by(messages.c.due_at.desc(), messages.c.id.desc()).limit(limit))
    return [
        Message(row.id, row.kind, json.loads(row.facts), row.reservation_id, row.due_at, row.seen_at)
        for row in rows
    ]


def mark_seen(tx: Connection, now: int, scope: Scope, until_id: int) -> None:
    """One's own messages up to that number are read."""
    mine = scope.mine(messages.c.person_id) & messages.c.seen_at.is_(None) & (messages.c.due_at <= now)
    tx.execute(update(messages).where(mine, messages.c.id <= until_id).values(seen_at=now))


def list_deliveries(
    tx: Connection, scope: Scope, *, state: str | None = None, offset: int = 0, limit: int = 50
) -> list[Delivery]:
    """Messages to the people one manages, newest first."""
    columns = [messages.c[name] for name in Delivery.__dataclass_fields__ if name != "person_name"]
    # Asked of each message from the newest on: joined, years of messages would be sorted for one page.
    told = people.alias()
    body = select(told.c.organisation_id).where(told.c.id == messages.c.person_id).scalar_subquery()
    query = (
        select(*columns, people.c.given_name, people.c.family_name)
        .join(people, people.c.id == messages.c.person_id)
        .where(scope.managed(body))
    )
    if state is not None:
        query = query.where(messages.c.state == state)
    rows = tx.execute(query.order_by(messages.c.id.desc()).offset(offset).limit(limit)).mappings()
    return [
        Delivery(
            **{name: value for name, value in row.items() if name in Delivery.__dataclass_fields__},
            person_name=f"{row['given_name']} {row['family_name']}",
        )
        for row in rows
    ]


def get_choice(tx: Connection, scope: Scope) -> Choice:
    """How oneself wants to be told; `phone` is the one on file where no other was chosen. Raises NotFound
    for nobody."""
    row = tx.execute(
        select(people.c.email, message_choices.c.channel, _REACHED_AT)
        .join(message_choices, message_choices.c.person_id == people.c.id, isouter=True)
        .where(scope.mine(people.c.id))
    ).first()
    if row is None:
        raise NotFound()
    return Choice(cast(Channel, row.channel or ("mail" if row.email else "page")), row.phone or "")


def choose(tx: Connection, scope: Scope, channel: str, phone: str = "") -> Choice:
    """Chooses for oneself; without a number the one on file serves, also when it changes. Raises NotFound,
    Invalid: no such way, no mobile number, no e-mail on file, no device."""
    if channel not in CHANNELS:
        raise Invalid("no_such_channel")
    digits = read_phone(phone)
    known = tx.execute(select(people.c.email, people.c.phone).where(scope.mine(people.c.id))).first()
    if known is None:
        raise NotFound()
    if channel == "sms" and not (digits or known.phone):
        raise Invalid("phone_unreadable")
    if channel == "mail" and not known.email:
        raise Invalid("no_email_on_file")
    if channel == "push" and not subscriptions.list_devices(tx, scope):
        raise Invalid("no_device")
    digits = "" if digits == known.phone else digits
    tx.execute(delete(message_choices).where(message_choices.c.person_id == scope.person_id))
    tx.execute(insert(message_choices).values(person_id=scope.person_id, channel=channel, phone=digits))
    return Choice(cast(Channel, channel), digits or known.phone)


def is_any_due(tx: Connection, now: int) -> bool:
    """Whether there is anything to claim: asked first, so that a quiet deployment writes nothing."""
    due = select(messages.c.id).where(messages.c.state == "waiting", messages.c.next_at <= now)
    return tx.execute(due.limit(1)).first() is not None
