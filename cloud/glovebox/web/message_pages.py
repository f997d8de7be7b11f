"""Messages: a driver's own, how he wants to be told, and for managers what became of each."""

from hashlib import sha256
from typing import Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Conflict, GloveboxError, Invalid
from glovebox.messages import service, subscriptions, webpush
from glovebox.messages.schemas import Message
from glovebox.messages.wording import write
from glovebox.people import service as people
from glovebox.web.message_words import DELIVERY_STATES
from glovebox.web.page import Id, MemberPage, Page, PageRoute, PeoplePage
from glovebox.web.vehicle_pages import note_people

router = APIRouter(route_class=PageRoute, include_in_schema=False)

A_PAGE: Final = 40
SHOWN_AT_HOME: Final = 5


def unseen(tx: Connection, page: Page) -> list[Message]:
    """What the person has not read yet, for the home page."""
    found = service.list_messages(tx, page.now, page.viewer.scope, unseen_only=True)
    return found[:SHOWN_AT_HOME]


@router.get("/messages")
def list_messages(page: MemberPage) -> Response:
    """All of one's messages."""
    with page.cloud.store.read() as tx:
        found = service.list_messages(tx, page.now, page.viewer.scope)
        choice = service.get_choice(tx, page.viewer.scope)
    return page.render("driver/messages.html", messages=found, choice=choice, texts=_texts(page, found))


def _texts(page: Page, found: list[Message]) -> dict[int, str]:
    return {one.id: write(page.speech, one.kind, one.facts).text for one in found}


@router.post("/messages/seen")
def mark_seen(page: MemberPage) -> Response:
    """What was shown is read."""
    scope, now, until_id = page.viewer.scope, page.now, page.number("until") or 0
    page.cloud.writer.run(lambda tx: service.mark_seen(tx, now, scope, until_id))
    return page.go("/")


@router.get("/account/messages")
def ask_choice(page: MemberPage) -> Response:
    """By which way to be told."""
    return ask_choice_again(page)


@router.post("/account/messages")
def choose(page: MemberPage) -> Response:
    """Stores the choice; with the second button also sends a message that way."""
    scope, now = page.viewer.scope, page.now
    channel, phone, is_test = page.text("channel"), page.text("phone")[:30], page.text("test") == "1"
    person_id = page.viewer.person_id

    def store(tx: Connection) -> None:
        service.choose(tx, scope, channel, phone)
        if is_test:  # one a minute
            service.put(tx, now, person_id, "test", f"test-{person_id}-{now // 60}", {})

    try:
        page.cloud.writer.run(store)
    except Invalid as error:
        return ask_choice_again(page, error)
    return page.go("/account/messages", "message_test" if is_test else "message_choice")


def ask_choice_again(page: Page, error: GloveboxError | None = None) -> Response:
    """The ways and the devices, with what was wrong."""
    scope, config = page.viewer.scope, page.cloud.config
    with page.cloud.store.read() as tx:
        choice = service.get_choice(tx, scope)
        email = people.get_person(tx, scope, page.viewer.person_id).email
        devices = subscriptions.list_devices(tx, scope)
        endpoints = subscriptions.list_endpoints(tx, scope)
    return page.render(
        "driver/message_choice.html",
        error.status if error else 200,
        channel=choice.channel,
        phone=choice.phone,
        email=email,
        devices=devices,
        # By these the script knows whether this browser is one of them; the addresses stay here.
        known=" ".join(sha256(one.encode()).hexdigest() for one in endpoints),
        push_key=webpush.encode64(webpush.point_of(page.cloud.keyring.push_key())),
        has_push=bool(config.push_services),
        problem=page.refuse(error) if error else "",
    )


@router.get("/console/messages")
def list_deliveries(page: PeoplePage) -> Response:
    """Sent, waiting, failed with the reason."""
    state, first = page.text("state"), max(0, page.number("from") or 0)
    wanted = state if state in DELIVERY_STATES else None
    with page.cloud.store.read() as tx:
        found = service.list_deliveries(tx, page.viewer.scope, state=wanted, offset=first, limit=A_PAGE + 1)
    note_people(page, "messages", state, {one.person_id for one in found})
    return page.render(
        "console/messages.html",
        deliveries=found[:A_PAGE],
        has_more=len(found) > A_PAGE,
        first=first,
        page_size=A_PAGE,
        state=wanted or "",
        states=list(DELIVERY_STATES),
    )


@router.post("/console/messages/{message_id}/retry")
def retry(message_id: Id, page: PeoplePage) -> Response:
    """Tries again."""
    scope, now = page.viewer.scope, page.now
    try:
        page.cloud.writer.run(lambda tx: service.retry(tx, now, scope, message_id))
    except Conflict:  # somebody was faster
        return page.go("/console/messages")
    return page.go("/console/messages", "message_retry")
