"""Bookings that repeat: looking what can be had, booking, changing and giving back. For oneself below
`/series`, for a colleague below `/console/series`; the pages are the same."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Conflict, Forbidden, GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Vehicle
from glovebox.people import service as people
from glovebox.policies.opening import MINUTES_A_DAY
from glovebox.reservations.schemas import Offer, Reservation
from glovebox.scope import SYSTEM
from glovebox.series import acts, looking, service
from glovebox.series.schemas import Preview, Refused, Rule, Series
from glovebox.web import queries
from glovebox.web.notices import error_sentence
from glovebox.web.page import Id, MemberPage, Page, PageRoute, PeoplePage
from glovebox.web.rule_words import WEEKDAYS, minute_of, rule_sentence
from glovebox.web.times import next_day, parse_day
from glovebox.web.vehicle_pages import note_people

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MINE: Final = "/series"
COLLEAGUES: Final = "/console/series"
USUAL_DAYS: Final = 90
WEEKS: Final = (1, 2, 3, 4)


@dataclass(frozen=True)
class Typed:
    """The form as typed; usual values where nothing was."""

    vehicle_id: int | None
    weekdays: frozenset[int]
    first: str
    last: str
    start: str
    end: str
    every: int
    skips_holidays: bool
    but: str
    purpose: str

    def rule(self, today: date) -> Rule:
        """What repeats. Raises Invalid."""
        starts, ends = minute_of(self.start, "start"), minute_of(self.end, "end")
        but = frozenset(parse_day(text, today, "but") for text in self.but.split(",") if text)
        return Rule(
            self.weekdays,
            parse_day(self.first, today, "first"),
            parse_day(self.last, today, "last"),
            starts,
            ends if ends > starts else ends + MINUTES_A_DAY,
            self.every,
            self.skips_holidays,
            but,
        )

    def fields(self) -> dict[str, str]:
        """As fields of an address or a form."""
        days = {f"w{day}": "1" for day in sorted(self.weekdays)}
        found = {"first": self.first, "last": self.last, "start": self.start, "end": self.end, "asked": "1"}
        found |= {"vehicle": str(self.vehicle_id or ""), "every": str(self.every), "but": self.but}
        return found | days | ({"holidays": "1"} if self.skips_holidays else {}) | {"purpose": self.purpose}

    def without(self, day: date) -> str:
        """The address's query that leaves one more day out."""
        return urlencode(self.fields() | {"but": ",".join(filter(None, (self.but, day.isoformat())))})


@dataclass(frozen=True)
class Told:
    """A day that is not as was wished: what was wanted, why not, a car that could be had then, and the
    booking that stayed."""

    refused: Refused
    sentence: str
    instead: Offer | None
    reservation: Reservation | None


@router.get("/series/new")
def ask(page: MemberPage) -> Response:
    """The form, and below it what can be had of what is typed."""
    return _ask(page, MINE, page.viewer.person_id)


@router.post("/series/new")
def book(page: MemberPage) -> Response:
    """Books what can be had."""
    return _book(page, MINE, page.viewer.person_id)


@router.get("/series/{series_id}")
def show(series_id: Id, page: MemberPage) -> Response:
    """A series of one's own with its days."""
    return _show(page, MINE, series_id)


@router.post("/series/{series_id}/change")
def change(series_id: Id, page: MemberPage) -> Response:
    """Moves the days ahead."""
    return _change(page, MINE, series_id)


@router.post("/series/{series_id}/cancel")
def cancel(series_id: Id, page: MemberPage) -> Response:
    """Gives the days ahead back."""
    return _cancel(page, MINE, series_id)


@router.post("/series/{series_id}/undo")
def undo(series_id: Id, page: MemberPage) -> Response:
    """Takes one's last act on the series back."""
    return _undo(page, MINE, series_id)


@router.get("/console/series/new")
def ask_for(page: PeoplePage) -> Response:
    """The same for a colleague."""
    return _ask(page, COLLEAGUES, _person_id(page))


@router.post("/console/series/new")
def book_for(page: PeoplePage) -> Response:
    """Books for a colleague."""
    return _book(page, COLLEAGUES, _person_id(page))


@router.get("/console/series/{series_id}")
def show_for(series_id: Id, page: PeoplePage) -> Response:
    """A colleague's series."""
    return _show(page, COLLEAGUES, series_id)


@router.post("/console/series/{series_id}/change")
def change_for(series_id: Id, page: PeoplePage) -> Response:
    """Moves a colleague's days ahead."""
    return _change(page, COLLEAGUES, series_id)


@router.post("/console/series/{series_id}/cancel")
def cancel_for(series_id: Id, page: PeoplePage) -> Response:
    """Gives a colleague's days ahead back."""
    return _cancel(page, COLLEAGUES, series_id)


@router.post("/console/series/{series_id}/undo")
def undo_for(series_id: Id, page: PeoplePage) -> Response:
    """Takes one's last act on a colleague's series back."""
    return _undo(page, COLLEAGUES, series_id)


def _person_id(page: Page) -> int:
    person_id = page.number("person")
    if person_id is None:
        raise Invalid("person_missing")
    with page.cloud.store.read() as tx:
        people.require_manager(tx, page.viewer.scope, person_id)
    return person_id


def _today(page: Page, person_id: int) -> date:
    """At the site of the car; of the person's usual one while no car is chosen."""
    vehicle_id = page.number("vehicle")
    with page.cloud.store.read() as tx:
        if vehicle_id is None:
            site_id = queries.usual_site(tx, person_id)
        else:
            site_id = fleet.get_vehicle(tx, page.viewer.scope, vehicle_id).site_id
        return page.clock(site_id, tx).today


def _typed(page: Page, today: date) -> Typed:
    has_asked = bool(page.text("asked"))
    weekdays = frozenset(day for day in range(7) if page.text(f"w{day}"))
    return Typed(
        page.number("vehicle"),
        weekdays if has_asked or weekdays else frozenset({today.weekday()}),
        page.text("first") or today.isoformat(),
        page.text("last") or next_day(today, USUAL_DAYS).isoformat(),
        page.text("start") or "08:00",
        page.text("end") or "12:00",
        page.number("every") or 1,
        bool(page.text("holidays")) or not has_asked,
        page.text("but"),
        page.text("purpose")[:200],
    )


def _ask(page: Page, base: str, person_id: int, error: GloveboxError | None = None) -> Response:
    today = _today(page, person_id)
    typed, scope = _typed(page, today), page.viewer.scope
    found: Preview | None = None
    with page.cloud.store.read() as tx:
        cars = fleet.list_vehicles(tx, scope, page.now)
        person = people.get_person(tx, scope, person_id)
        if page.text("asked") and typed.vehicle_id is not None and error is None:
            try:
                rule = typed.rule(today)
                found = looking.preview(tx, page.now, scope, typed.vehicle_id, person_id, rule)
            except Invalid as refused:
                error = refused
        elif page.text("asked") and error is None:
            error = Invalid("series_no_car")
    if base == COLLEAGUES:
        note_people(page, "series for", person.staff_number, {person_id})
    return page.render(
        "series/new.html",
        error.status if error else 200,
        base=base,
        person=person if base == COLLEAGUES else None,
        typed=typed,
        cars=_in_service(cars),
        weekdays=[(day, page.speech.gettext(name)) for day, name in enumerate(WEEKDAYS)],
        weeks=WEEKS,
        found=found,
        vehicle=next((car for car in cars if car.id == typed.vehicle_id), None),
        when=rule_sentence(page.speech, typed.rule(today)) if found else "",
        free=sum(one.problem is None for one in found.occurrences) if found else 0,
        others=sum(one.instead is not None for one in found.occurrences) if found else 0,
        sentences={
            one.day: error_sentence(page.speech, one.problem)
            for one in (found.occurrences if found else ())
            if one.problem is not None
        },
        problem=page.refuse(error) if error else "",
    )


def _book(page: Page, base: str, person_id: int) -> Response:
    today = _today(page, person_id)
    typed, scope, now = _typed(page, today), page.viewer.scope, page.now
    if typed.vehicle_id is None:
        return _ask(page, base, person_id, Invalid("series_no_car"))
    vehicle_id = typed.vehicle_id
    others: dict[date, int] = {}
    try:
        rule = typed.rule(today)
        if page.text("others"):
            with page.cloud.store.read() as tx:
                looked = looking.preview(tx, now, scope, vehicle_id, person_id, rule).occurrences
            others = {one.day: one.instead.vehicle_id for one in looked if one.instead is not None}
        run, purpose = page.cloud.writer.run, typed.purpose
        done = acts.book(run, now, scope, vehicle_id, person_id, rule, purpose=purpose, others=others)
    except GloveboxError as error:
        return _ask(page, base, person_id, error)
    return page.go(f"{base}/{done.series_id}", "series_booked")


def _show(page: Page, base: str, series_id: int, error: GloveboxError | None = None) -> Response:
    scope = page.viewer.scope
    with page.cloud.store.read() as tx:
        one = service.get_series(tx, scope, series_id)
        if base == MINE and one.person_id != page.viewer.person_id:
            raise Forbidden()
        vehicle = fleet.get_vehicle(tx, SYSTEM, one.vehicle_id)
        cars = fleet.list_vehicles(tx, scope, page.now)
        may_undo = service.may_undo(tx, page.now, scope, series_id)
        stayed, unbooked = _explain(tx, page, one)
    if base == COLLEAGUES:
        note_people(page, "series", vehicle.registration, {one.person_id})
    ahead = [
        day
        for day, _is_exception, reservation in one.occurrences
        if reservation.state in ("pending", "confirmed") and reservation.starts_at > page.now
    ]
    return page.render(
        "series/series.html",
        error.status if error else 200,
        base=base,
        bookings="/bookings" if base == MINE else "/console/reservations",
        series=one,
        vehicle=vehicle,
        cars=_in_service(cars),
        when=rule_sentence(page.speech, one.rule),
        ahead=ahead,
        stayed=stayed,
        unbooked=unbooked,
        may_undo=may_undo,
        problem=page.refuse(error) if error else "",
    )


def _explain(tx: Connection, page: Page, one: Series) -> tuple[list[Told], list[Told]]:
    """Days ahead that stayed as they were though they were to move, and days that are not booked: why, and
    what would do at this moment."""
    ahead = {
        day: reservation
        for day, _is_exception, reservation in one.occurrences
        if reservation.state in ("pending", "confirmed")
    }
    gone = {day for day, _is_exception, _reservation in one.occurrences} - set(ahead)
    viewer = (
        None if one.person_id is None else looking.viewer_of(people.get_person(tx, SYSTEM, one.person_id))
    )
    stayed: list[Told] = []
    unbooked: list[Told] = []
    searches = 0
    for refused in one.refused:
        is_over = refused.starts_at and refused.starts_at <= page.now
        if refused.day in gone or is_over:
            continue
        instead = None
        if viewer is not None and refused.starts_at and searches < looking.OTHERS_FOR:
            searches += 1
            vehicle = fleet.get_vehicle(tx, SYSTEM, refused.vehicle_id)
            when = (refused.starts_at, refused.ends_at)
            instead = looking.find_other(tx, page.now, viewer, vehicle, *when)
        values = {"time_zone": one.time_zone} | refused.problem.values
        sentence = error_sentence(page.speech, Conflict(refused.problem.code, **values))
        told = Told(refused, sentence, instead, ahead.get(refused.day))
        (stayed if refused.day in ahead else unbooked).append(told)
    return stayed, unbooked


def _change(page: Page, base: str, series_id: int) -> Response:
    scope, now = page.viewer.scope, page.now
    try:
        start, end = page.text("start"), page.text("end")
        starts = minute_of(start, "start") if start else None
        ends = minute_of(end, "end") if end else None
        if starts is not None and ends is not None and ends <= starts:
            ends += MINUTES_A_DAY
        vehicle_id, from_day = page.number("vehicle"), _from_day(page)
        done = acts.change(
            page.cloud.writer.run,
            now,
            scope,
            series_id,
            from_day=from_day,
            starts_minute=starts,
            ends_minute=ends,
            vehicle_id=vehicle_id,
        )
    except GloveboxError as error:
        return _show(page, base, series_id, error)
    return page.go(f"{base}/{series_id}", "series_changed_partly" if done.refused else "series_changed")


def _cancel(page: Page, base: str, series_id: int) -> Response:
    scope, now = page.viewer.scope, page.now
    try:
        from_day = _from_day(page)
        acts.cancel(page.cloud.writer.run, now, scope, series_id, from_day=from_day)
    except GloveboxError as error:
        return _show(page, base, series_id, error)
    return page.go(f"{base}/{series_id}", "series_cancelled")


def _undo(page: Page, base: str, series_id: int) -> Response:
    scope, now = page.viewer.scope, page.now
    page.cloud.writer.run(lambda tx: acts.take_back(tx, now, scope, series_id))
    return page.go(f"{base}/{series_id}", "undone")


def _in_service(cars: list[Vehicle]) -> list[Vehicle]:
    found = [car for car in cars if car.status == "in_service"]
    return sorted(found, key=lambda car: (car.site_name, car.registration))


def _from_day(page: Page) -> date | None:
    return parse_day(page.text("from"), page.speech.today, "from") if page.text("from") else None
