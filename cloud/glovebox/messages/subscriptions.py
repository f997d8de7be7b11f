"""Devices that a person is told on: one row for each browser's push subscription."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from glovebox.agents import read_agent
from glovebox.errors import Conflict, Invalid, NotFound
from glovebox.messages import webpush
from glovebox.messages.push import origin_of
from glovebox.messages.schemas import Device, Receipt
from glovebox.messages.tables import message_choices, push_receipts, push_subscriptions
from glovebox.people.tables import people
from glovebox.scope import Scope

# A phone, a tablet, a desk at work, one at home, and one more.
MAX_DEVICES: Final = 5

_SHOWN: Final = [push_subscriptions.c[name] for name in Device.__dataclass_fields__]


def list_devices(tx: Connection, scope: Scope) -> list[Device]:
    """One's own, oldest first."""
    mine = scope.mine(push_subscriptions.c.person_id)
    rows = tx.execute(select(*_SHOWN).where(mine).order_by(push_subscriptions.c.id))
    return [Device(*row) for row in rows]


def list_endpoints(tx: Connection, scope: Scope) -> list[str]:
    """The addresses of one's own: what a browser knows itself by."""
    mine = scope.mine(push_subscriptions.c.person_id)
    return list(tx.execute(select(push_subscriptions.c.endpoint).where(mine)).scalars())


def add_device(
    tx: Connection,
    now: int,
    scope: Scope,
    services: Sequence[str],
    endpoint: str,
    p256dh: str,
    auth: str,
    user_agent: str,
) -> Device:
    """Adds a browser, or renews it; one that another person used is theirs no longer. The person is told by
    push from now on. Raises Conflict: push is not set up, too many devices; Invalid: an address of no push
    service of `services`, keys that are none."""
    if not services:
        raise Conflict("push_not_set_up")
    try:
        origin_of(endpoint, services)
    except ValueError as error:
        raise Invalid("push_endpoint") from error
    try:
        receiver, secret = webpush.decode64(p256dh), webpush.decode64(auth)
        webpush.read_point(receiver)
    except ValueError as error:
        raise Invalid("push_keys") from error
    if len(secret) != webpush.AUTH_BYTES:
        raise Invalid("push_keys")
    # Held for the count: two browsers at once make no sixth device.
    mine = select(people.c.id).where(scope.mine(people.c.id)).with_for_update()
    if tx.execute(mine).first() is None:
        raise NotFound()
    _delete(
        tx, tx.execute(select(push_subscriptions.c.id).where(push_subscriptions.c.endpoint == endpoint)).all()
    )
    count = select(func.count()).where(scope.mine(push_subscriptions.c.person_id))
    if tx.execute(count).scalar_one() >= MAX_DEVICES:
        raise Conflict("too_many_devices", limit=MAX_DEVICES)
    browser, system = read_agent(user_agent)
    values = {"person_id": scope.person_id, "endpoint": endpoint, "p256dh": receiver, "auth": secret}
    added = insert(push_subscriptions).values(**values, browser=browser, system=system, created_at=now)
    number = tx.execute(added).inserted_primary_key
    assert number is not None
    _prefer(tx, scope.person_id, "push")
    return Device(number[0], browser, system, now, None, None, "")


def _prefer(tx: Connection, person_id: int | None, channel: str) -> None:
    """The way to be told, keeping the number for SMS."""
    known = update(message_choices).where(message_choices.c.person_id == person_id)
    if not tx.execute(known.values(channel=channel)).rowcount:
        tx.execute(insert(message_choices).values(person_id=person_id, channel=channel))


def remove_device(tx: Connection, scope: Scope, device_id: int) -> None:
    """One's own device is told nothing more. Raises NotFound."""
    mine = scope.mine(push_subscriptions.c.person_id) & (push_subscriptions.c.id == device_id)
    if not _delete(tx, tx.execute(select(push_subscriptions.c.id).where(mine)).all()):
        raise NotFound()


def remove_endpoint(tx: Connection, scope: Scope, endpoint: str) -> None:
    """The same by the browser's address; one that is unknown changes nothing."""
    mine = scope.mine(push_subscriptions.c.person_id) & (push_subscriptions.c.endpoint == endpoint)
    _delete(tx, tx.execute(select(push_subscriptions.c.id).where(mine)).all())


def remove_all(tx: Connection, person_id: int) -> None:
    """Every device of a person: who lost a phone, or leaves."""
    theirs = push_subscriptions.c.person_id == person_id
    _delete(tx, tx.execute(select(push_subscriptions.c.id).where(theirs)).all())


def _delete(tx: Connection, found: Iterable[Row[tuple[int]]]) -> bool:
    """Deletes devices. Who has none left is told by mail, where there is an address, else on the page."""
    numbers = [row.id for row in found]
    if not numbers:
        return False
    one = push_subscriptions.c.id.in_(numbers)
    owners = tx.execute(select(push_subscriptions.c.person_id).where(one).distinct()).scalars().all()
    tx.execute(delete(push_receipts).where(push_receipts.c.subscription_id.in_(numbers)))
    tx.execute(delete(push_subscriptions).where(one))
    for person_id in owners:
        left = select(push_subscriptions.c.id).where(push_subscriptions.c.person_id == person_id).limit(1)
        if tx.execute(left).first() is None:
            email = tx.execute(select(people.c.email).where(people.c.id == person_id)).scalar()
            is_push = (message_choices.c.person_id == person_id) & (message_choices.c.channel == "push")
            tx.execute(update(message_choices).where(is_push).values(channel="mail" if email else "page"))
    return True


def devices_without(
    tx: Connection, person_id: int, message_id: int
) -> tuple[tuple[int, str, bytes, bytes], ...]:
    """Number, address, public key and secret of a person's devices that do not have a message yet."""
    having = select(push_receipts.c.subscription_id).where(push_receipts.c.message_id == message_id)
    columns = [push_subscriptions.c[name] for name in ("id", "endpoint", "p256dh", "auth")]
    theirs = push_subscriptions.c.person_id == person_id
    query = select(*columns).where(theirs, push_subscriptions.c.id.not_in(having))
    rows = tx.execute(query.order_by(push_subscriptions.c.id))
    return tuple((row.id, row.endpoint, bytes(row.p256dh), bytes(row.auth)) for row in rows)


def has_any(tx: Connection, message_id: int) -> bool:
    """Whether some device has a message that waits for others."""
    return (
        tx.execute(select(push_receipts).where(push_receipts.c.message_id == message_id)).first() is not None
    )


def note(tx: Connection, now: int, message_id: int, receipts: Iterable[Receipt]) -> None:
    """What each device's service said: one that is gone is removed."""
    for one in receipts:
        here = push_subscriptions.c.id == one.subscription_id
        found = tx.execute(select(push_subscriptions.c.id).where(here)).all()
        if one.outcome == "gone":
            _delete(tx, found)
        elif one.outcome == "taken":
            tx.execute(update(push_subscriptions).where(here).values(last_taken_at=now))
            had = select(push_receipts).where(
                push_receipts.c.message_id == message_id,
                push_receipts.c.subscription_id == one.subscription_id,
            )
            if found and tx.execute(had).first() is None:
                key = {"message_id": message_id, "subscription_id": one.subscription_id}
                tx.execute(insert(push_receipts).values(**key))
        else:
            said = {"last_refused_at": now, "last_refusal": one.said[:80]}
            tx.execute(update(push_subscriptions).where(here).values(**said))


def forget(tx: Connection, message_id: int) -> None:
    """Nothing is tried again: who has it matters no more."""
    tx.execute(delete(push_receipts).where(push_receipts.c.message_id == message_id))
