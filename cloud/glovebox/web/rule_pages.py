"""Console: rules by level, with what each inherits; who a pool is kept for; the last change put back."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.audit import service as audit
from glovebox.errors import Conflict, Forbidden, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import LICENCE_CATEGORIES, Pool
from glovebox.policies import groups, service
from glovebox.policies.resolution import resolve
from glovebox.policies.schemas import NAMES, Group, Policy
from glovebox.web.page import Page, PageRoute, PeoplePage
from glovebox.web.rule_words import KINDS, ORIGINS, Line, read_typed, write_lines, write_typed, write_value

router = APIRouter(prefix="/console/rules", route_class=PageRoute, include_in_schema=False)

ADDRESS: Final = "/console/rules/edit"


@dataclass(frozen=True)
class Level:
    """One level as shown: whom it is for, what holds there, where it is changed."""

    title: str
    address: str
    lines: list[Line]
    kept_for: str = ""


def _pools(tx: Connection, page: Page) -> list[Pool]:
    """Pools whose cars this viewer manages."""
    scope = page.viewer.scope
    return [
        pool
        for pool in fleet.list_pools(tx, scope, page.now)
        if scope.may_manage_car(pool.organisation_id, pool.id)
    ]


def _address(policy: Policy) -> str:
    numbers = {
        "organisation": policy.organisation_id,
        "pool": policy.pool_id,
        "group": policy.group_id,
    }
    return f"{ADDRESS}?{urlencode({name: number for name, number in numbers.items() if number is not None})}"


def _title(page: Page, policy: Policy, pools: dict[int, Pool], found: dict[int, Group]) -> str:
    gettext = page.speech.gettext
    pool = pools[policy.pool_id].name if policy.pool_id in pools else ""
    group = found[policy.group_id].name if policy.group_id in found else ""
    if pool and group:
        return gettext("%(group)s in the pool %(pool)s", group=group, pool=pool)
    if pool:
        return gettext("Pool %(pool)s", pool=pool)
    return gettext("Group %(group)s", group=group) if group else gettext("All cars, everybody")


@router.get("")
def list_rules(page: PeoplePage) -> Response:
    """Every level of every organisation one manages."""
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        laid_down = service.list_policies(tx, scope)
        pools = {pool.id: pool for pool in _pools(tx, page)}
        kept = {pool_id: groups.groups_of_pool(tx, pool_id) for pool_id in pools}
        bodies = {body.id: body.name for body in fleet.list_organisations(tx)}
        own = sorted({pool.organisation_id for pool in pools.values()} | scope.managed_ids)
        found = {
            one.id: one
            for body in own
            if scope.may_manage(body)
            for one in groups.list_admitted(tx, scope, body)
        }
    sections = []
    for body in own:
        levels = [Policy(body)] if scope.may_manage(body) else []
        levels += [Policy(body, pool.id) for pool in pools.values() if pool.organisation_id == body]
        named = {(one.organisation_id, one.pool_id, one.group_id) for one in levels}
        levels += [
            one
            for one in laid_down
            if one.organisation_id == body
            and (one.organisation_id, one.pool_id, one.group_id) not in named
            and (one.pool_id is None or one.pool_id in pools)
        ]
        shown = []
        for one in levels:
            held = resolve(laid_down, body, one.pool_id or 0, [] if one.group_id is None else [one.group_id])
            names = sorted(found[number].name for number in kept.get(one.pool_id or 0, ()) if number in found)
            lines = write_lines(page.speech, held, one.origin)
            kept_for = ", ".join(names) if one.group_id is None else ""
            shown.append(Level(_title(page, one, pools, found), _address(one), lines, kept_for))
        sections.append((bodies[body], body, shown))
    return page.render(
        "console/rules.html", sections=sections, pools=sorted(pools.values(), key=lambda one: one.name),
        groups=sorted(found.values(), key=lambda one: one.name), is_manager=bool(scope.managed_ids),
    )  # fmt: skip


def _level(page: Page) -> Policy:
    organisation_id = page.number("organisation")
    if organisation_id is None:
        raise Invalid("not_found_here")
    return Policy(organisation_id, page.number("pool"), page.number("group"))


@router.get("/edit")
def edit(page: PeoplePage) -> Response:
    """The form of one level: what it says itself, and what holds where it says nothing."""
    return _form(page, _level(page), "")


def _form(page: Page, level: Policy, problem: str) -> Response:
    scope, speech = page.viewer.scope, page.speech
    with page.cloud.store.read() as tx:
        said = service.get_policy(tx, scope, level.organisation_id, level.pool_id, level.group_id)
        without = service.inherited(tx, level)
        pools = {pool.id: pool for pool in _pools(tx, page)}
        may_group = scope.may_manage(level.organisation_id)
        found = {}
        if may_group:
            found = {one.id: one for one in groups.list_admitted(tx, scope, level.organisation_id)}
        kept = groups.groups_of_pool(tx, level.pool_id) if level.pool_id is not None else set()
        changed_at = service.last_change(tx, service.level_of(level))
    fields = [
        {
            "name": kind.name,
            "label": speech.gettext(kind.label),
            "value": write_typed(kind, getattr(said, kind.name)),
            "inherited": write_value(speech, kind, getattr(without.rules, kind.name)),
            "origin": speech.gettext(ORIGINS[without.origin(kind.name)]),
        }
        for kind in KINDS
    ]
    return page.render(
        "console/rules_edit.html",
        422 if problem else 200,
        level=level,
        title=_title(page, level, pools, found),
        fields=fields,
        problem=problem,
        changed_at=changed_at,
        groups=list(found.values()) if level.origin == "pool" else [],
        kept=kept,
        cancel="/console/rules",
    )


@router.post("/edit")
def store(page: PeoplePage) -> Response:
    """Lays the level down as typed; for a pool also the groups it is kept for."""
    level, scope, now = _level(page), page.viewer.scope, page.now
    typed = {name: page.text(name)[:12] for name in NAMES}
    try:
        values = _read(typed)
    except Invalid as error:
        return _form(page, level, page.refuse(error))
    wanted = Policy(level.organisation_id, level.pool_id, level.group_id, **values)
    is_pool = level.origin == "pool" and scope.may_manage(level.organisation_id)

    def job(tx: Connection) -> None:
        service.set_policy(tx, now, scope, wanted)
        if is_pool and level.pool_id is not None:
            admitted = groups.list_admitted(tx, scope, level.organisation_id)
            kept = {one.id for one in admitted if page.text(f"kept_{one.id}")}
            groups.keep_pool(tx, scope, level.pool_id, kept)
        _note(tx, page, level)

    page.cloud.writer.run(job)
    return page.go(_address(level), "rules_stored")


@router.post("/undo")
def undo(page: PeoplePage) -> Response:
    """Puts back what the level said before its last change."""
    level, scope = _level(page), page.viewer.scope

    def job(tx: Connection) -> None:
        service.undo_policy(tx, scope, level)
        _note(tx, page, level)

    try:
        page.cloud.writer.run(job)
    except Conflict as error:
        if error.code != "nothing_to_undo":
            raise
        return _form(page, level, page.refuse(error))
    return page.go(_address(level), "rules_undone")


def _read(typed: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for kind in KINDS:
        try:
            values[kind.name] = read_typed(kind, typed[kind.name])
        except Invalid as error:
            error.values["field"] = kind.name
            raise
    return values


def _note(tx: Connection, page: Page, level: Policy) -> None:
    subject = service.level_of(level)
    audit.note(
        tx, page.now, page.viewer.scope, "rules changed", actor=page.viewer.name, filter_text=subject,
        people_count=0,
    )  # fmt: skip


@router.get("/licences")
def list_licences(page: PeoplePage) -> Response:
    """Which licence each car needs."""
    with page.cloud.store.read() as tx:
        cars = fleet.list_vehicles(tx, page.viewer.scope, page.now)
    scope = page.viewer.scope
    mine = [car for car in cars if scope.may_manage_car(car.organisation_id, car.pool_id)]
    return page.render("console/licences.html", cars=mine, categories=LICENCE_CATEGORIES)


@router.post("/licences")
def store_licence(page: PeoplePage) -> Response:
    """Another category for one car. Bookings made stay."""
    vehicle_id, category = page.number("vehicle"), page.text("category")
    if vehicle_id is None:
        raise Invalid("not_found_here")
    if category not in LICENCE_CATEGORIES:
        raise Forbidden()
    scope = page.viewer.scope
    page.cloud.writer.run(lambda tx: fleet.change_vehicle(tx, scope, vehicle_id, licence_category=category))
    return page.go("/console/rules/licences", "rules_stored")
