"""Console: people, their badges and logins."""

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from glovebox.accounts import members
from glovebox.accounts import service as accounts
from glovebox.accounts.api import give_first_password
from glovebox.accounts.roles import read_grants
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Pool
from glovebox.people import importing, standing
from glovebox.people import service as people
from glovebox.people.licence import last_day, read_until
from glovebox.people.schemas import Badge, Person
from glovebox.web import console_queries
from glovebox.web.fleet_words import FleetWords
from glovebox.web.i18n import LANGUAGES
from glovebox.web.page import Id, Page, PageRoute, PeoplePage
from glovebox.web.times import midnight, next_day, parse_day
from glovebox.web.vehicle_pages import note_people

router = APIRouter(prefix="/console/people", route_class=PageRoute, include_in_schema=False)

A_PAGE: Final = 50
TEXT_FIELDS: Final = {"given_name": 80, "family_name": 80, "email": 200, "phone": 40, "department": 120}
LICENCE_FIELDS: Final = ("licence_categories", "licence_until")


@router.get("")
def list_people(page: PeoplePage) -> Response:
    """People by name, with search, a page at a time."""
    search, first = page.text("q")[:60], max(0, page.number("from") or 0)
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        found = people.list_people(tx, scope, search=search, offset=first, limit=A_PAGE)
        count = people.count_people(tx, scope, search=search)
        badge_counts = console_queries.count_badges(tx, [person.id for person in found])
    note_people(page, "people", search, {person.id for person in found})
    return page.render(
        "console/people.html",
        people=found,
        badge_counts=badge_counts,
        count=count,
        search=search,
        first=first,
        page_size=A_PAGE,
        has_more=first + A_PAGE < count,
    )


@router.get("/list.csv")
def download_list(page: PeoplePage) -> Response:
    """Everybody one manages with the columns of the import, for a spreadsheet; badges stay here. Noted."""
    scope, language = page.viewer.scope, page.speech.language
    with page.cloud.store.read() as tx:
        count = people.count_people(tx, scope)
        found = people.list_people(tx, scope, limit=count)
    found = [person for person in found if person.organisation_id in scope.managed_ids]
    note_people(page, "people list", "", {person.id for person in found})
    content = importing.write_list(found, page.speech.zone, language)
    headers = {"content-disposition": 'attachment; filename="people.csv"'}
    return Response("\ufeff" + content, media_type="text/csv", headers=headers)


@router.get("/new")
def new_person(page: PeoplePage) -> Response:
    """The form for a new person."""
    return _form(page, {"licence_categories": "B"}, "", None)


def _form(page: Page, values: dict[str, str], problem: str, person: Person | None) -> Response:
    with page.cloud.store.read() as tx:
        reachable = page.viewer.scope.managed_ids
        bodies = [one for one in fleet.list_organisations(tx) if one.id in reachable]
    return page.render(
        "console/person_form.html",
        422 if problem else 200,
        values=values,
        problem=problem,
        organisations=bodies,
        person=person,
    )


def _typed(page: Page) -> dict[str, str]:
    """The form's fields as sent."""
    typed = {name: page.text(name)[:limit] for name, limit in TEXT_FIELDS.items()}
    typed |= {name: page.text(name)[:40] for name in LICENCE_FIELDS}
    language = page.text("language")
    return {**typed, "language": language if language in LANGUAGES else page.speech.language}


def _columns(page: Page, typed: dict[str, str]) -> dict[str, Any]:
    """What is stored of them. Raises Invalid."""
    for name in ("given_name", "family_name"):
        if not typed[name]:
            raise Invalid("name_missing", column=name)
    until = read_until(typed["licence_until"], page.now, page.speech.zone)
    return {**typed, "email": typed["email"] or None, "licence_until": until}


@router.post("/new")
def add_person(page: PeoplePage) -> Response:
    """Adds a person to an organisation one manages."""
    typed, staff_number = _typed(page), page.text("staff_number")[:40]
    organisation_id, now, viewer = page.number("organisation"), page.now, page.viewer
    if organisation_id is None or not viewer.scope.may_manage(organisation_id):
        raise Forbidden()

    try:
        if not staff_number:
            raise Invalid("name_missing", column="staff_number")
        columns = {**_columns(page, typed), "staff_number": staff_number}
        person_id = page.cloud.writer.run(lambda tx: members.add(tx, now, viewer, organisation_id, **columns))
    except (Conflict, Invalid) as error:
        known = {**typed, "staff_number": staff_number, "organisation": str(organisation_id)}
        return _form(page, known, page.refuse(error), None)
    return page.go(f"/console/people/{person_id}", "person_added")


@router.get("/{person_id}")
def show_person(person_id: Id, page: PeoplePage) -> Response:
    """One person: badges, login, next bookings."""
    return _person(page, person_id)


def _manages(page: Page, pool: Pool) -> bool:
    return page.viewer.scope.may_manage_car(pool.organisation_id, pool.id)


def _person(page: Page, person_id: int, problem: str = "", first_password: str = "") -> Response:
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        person = people.require_manager(tx, scope, person_id)
        badges = people.list_badges(tx, scope, person_id)
        login = accounts.read_password_hash(tx, person_id) is not None
        roles = read_grants(tx, person_id)
        upcoming = console_queries.upcoming_of(tx, scope, person_id, page.now)
        rights = standing.list_rights(tx, page.now, scope, person_id)
        pools = [pool for pool in fleet.list_pools(tx, scope, page.now) if _manages(page, pool)]
    note_people(page, "person", person.staff_number, {person_id})
    return page.render(
        "console/person.html",
        422 if problem else 200,
        person=person,
        badges=badges,
        has_login=login,
        roles=sorted({grant.role for grant in roles}),
        upcoming=upcoming,
        rights=rights,
        pools=pools,
        right_kinds=standing.KINDS,
        fw=FleetWords(page.speech),
        problem=problem,
        first_password=first_password,
        first_password_ends_at=page.now + members.FIRST_PASSWORD_S,
        may_give_login=members.may_give_login(
            page.viewer, person.organisation_id, person.id, has_roles=bool(roles)
        ),
    )


@router.get("/{person_id}/edit")
def edit_person(person_id: Id, page: PeoplePage) -> Response:
    """The form with what is known."""
    with page.cloud.store.read() as tx:
        person = people.require_manager(tx, page.viewer.scope, person_id)
    known = {name: getattr(person, name) or "" for name in (*TEXT_FIELDS, "language", "licence_categories")}
    if person.licence_until is not None:
        known["licence_until"] = last_day(person.licence_until, page.speech.zone).isoformat()
    known["active"] = "1" if person.is_active else ""
    return _form(page, known, "", person)


@router.post("/{person_id}/edit")
def change_person(person_id: Id, page: PeoplePage) -> Response:
    """Stores the changes. Somebody no longer active cannot log in nor book; bookings made stay until
    cancelled."""
    typed, now, viewer = _typed(page), page.now, page.viewer
    with page.cloud.store.read() as tx:
        person = people.require_manager(tx, viewer.scope, person_id)
    for name in ("phone", "licence_categories"):  # not sent: as it stands
        typed[name] = typed[name] if name in page.form else getattr(person, name)
    is_active = 1 if page.text("active") else 0
    try:
        columns = {**_columns(page, typed), "is_active": is_active}
        page.cloud.writer.run(lambda tx: members.change(tx, now, viewer, person_id, **columns))
    except Invalid as error:
        typed["active"] = "1" if is_active else ""
        return _form(page, typed, page.refuse(error), person)
    return page.go(f"/console/people/{person_id}", "person_changed")


@router.post("/{person_id}/rights")
def change_rights(person_id: Id, page: PeoplePage) -> Response:
    """Gives a right through the day named, or ends one."""
    scope, now, speech = page.viewer.scope, page.now, page.speech
    ended, pool_id, kind = page.number("end"), page.number("pool"), page.text("kind")
    try:
        if ended is not None:
            page.cloud.writer.run(lambda tx: standing.end_right(tx, now, scope, ended))
            return page.go(f"/console/people/{person_id}", "right_ended")
        if pool_id is None or not page.text("until"):
            raise Invalid("no_such_day", field="until")
        until = midnight(next_day(parse_day(page.text("until"), speech.today, "until", years=5)), speech.zone)
        page.cloud.writer.run(
            lambda tx: standing.grant_right(tx, now, scope, person_id, pool_id, kind, now, until)
        )
    except (Invalid, Conflict) as error:
        return _person(page, person_id, page.refuse(error))
    return page.go(f"/console/people/{person_id}", "right_given")


@router.post("/{person_id}/badges")
def add_badge(person_id: Id, page: PeoplePage) -> Response:
    """Adds a badge by its UID as a reader on the desk types it."""
    viewer, now = page.viewer, page.now
    keyring, entropy = page.cloud.keyring, page.cloud.entropy

    def add(tx: Connection) -> None:
        members.note_badge(tx, now, viewer, "badge added", person_id)
        people.add_badge(tx, now, keyring, entropy, person_id, people.parse_uid(page.text("uid")))

    try:
        page.cloud.writer.run(add)
    except (Invalid, Conflict) as error:
        return _person(page, person_id, problem=page.refuse(error))
    return page.go(f"/console/people/{person_id}", "badge_added")


def _badge(page: Page, person_id: int, badge_id: int) -> tuple[Person, Badge]:
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        person = people.require_manager(tx, scope, person_id)
        for badge in people.list_badges(tx, scope, person_id):
            if badge.id == badge_id:
                return person, badge
    raise NotFound()


@router.get("/{person_id}/badges/{badge_id}/revoke")
def ask_revoke(person_id: Id, badge_id: Id, page: PeoplePage) -> Response:
    """Asks before withdrawing a badge."""
    person, badge = _badge(page, person_id, badge_id)
    return page.render("console/badge_revoke.html", person=person, badge=badge)


@router.post("/{person_id}/badges/{badge_id}/revoke")
def revoke_badge(person_id: Id, badge_id: Id, page: PeoplePage) -> Response:
    """Withdraws it; an open session is not touched."""
    _badge(page, person_id, badge_id)
    viewer, now = page.viewer, page.now

    def revoke(tx: Connection) -> None:
        people.revoke_badge(tx, now, viewer.scope, badge_id)
        members.note_badge(tx, now, viewer, "badge revoked", person_id)

    page.cloud.writer.run(revoke)
    return page.go(f"/console/people/{person_id}", "badge_revoked")


@router.post("/{person_id}/login")
async def give_login(person_id: Id, page: PeoplePage) -> Response:
    """Gives a first password, shown once on this page and stored nowhere; earlier sessions end."""
    viewer, now = page.viewer, page.now
    try:
        password = await give_first_password(page.cloud, viewer, now, person_id)
    except (Conflict, Invalid) as error:
        return await run_in_threadpool(_person, page, person_id, page.refuse(error))
    return await run_in_threadpool(_person, page, person_id, "", password)


@router.post("/{person_id}/sessions")
def end_sessions(person_id: Id, page: PeoplePage) -> Response:
    """Logs the person out everywhere."""
    viewer, now = page.viewer, page.now
    page.cloud.writer.run(lambda tx: members.end_sessions(tx, now, viewer, person_id))
    return page.go(f"/console/people/{person_id}", "person_sessions")
