"""The search for a car and what to do after a clash: the driver's pages and those that book for a colleague
show them alike."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import GloveboxError, Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Site
from glovebox.people.schemas import Person
from glovebox.reservations import finding, undo
from glovebox.reservations import service as reservations
from glovebox.reservations.availability import Wanted
from glovebox.reservations.schemas import AlreadyTaken, CarChoice, Nearly, Offer, Reservation, TooClose
from glovebox.web.notices import error_sentence
from glovebox.web.page import Page
from glovebox.web.times import Wish, read_wish, usual_wish, wish_of

# A phone shows about eight cars at a glance; behind these, a narrower search helps more.
OFFERS_SHOWN: Final = 40
SEARCH_LIMIT: Final = 100
FORBIDDEN_SHOWN: Final = 6
# Further than any car goes on one charge.
FURTHEST_KM: Final = 5_000


@dataclass
class Search:
    """A wish and the cars free for it; `problem` says in words why there is nothing to look for."""

    wish: Wish
    site_id: int | None
    to_site: int | None
    seats: int
    energy: str
    distance_km: int
    starts: int = 0
    ends: int = 0
    offers: list[Offer] = field(default_factory=list)
    choice: CarChoice | None = None
    nearly: list[Nearly] = field(default_factory=list)
    forbidden: list[tuple[str, list[Offer]]] = field(default_factory=list)
    """What the rules say, and of which cars that nobody holds then."""
    problem: str = ""

    def clashing(self, upcoming: list[Reservation]) -> list[Reservation]:
        """Which of these bookings are at that time."""
        return [one for one in upcoming if one.starts_at < self.ends and self.starts < one.ends_at]


def search(tx: Connection, page: Page, site_id: int | None, person_id: int | None = None) -> Search:
    """Cars for the wish in the page's address (the usual wish where there is none), by the rules for this
    person (None: who asks). The one to take stands first."""
    zone = page.clock(site_id, tx).zone
    seats, energy = page.number("seats") or 1, page.text("energy")
    found = Search(usual_wish(page.now, zone), site_id, page.number("to") or None, seats, energy, 0)
    try:
        found.distance_km = min(page.number("distance") or 0, FURTHEST_KM)
        found.wish = read_wish(page.request.query_params, page.now, zone)
        found.starts, found.ends = found.wish.interval(zone)
        if found.ends <= page.now:
            raise Invalid("in_the_past")
        wanted = Wanted(
            found.starts, found.ends, site_id, found.to_site, seats, energy or None, found.distance_km * 1000
        )
        answer = finding.find(tx, page.now, page.viewer.scope, wanted, person_id)
    except Invalid as error:
        found.problem = page.refuse(error)
        return found
    best = None if answer.choice is None else answer.choice.offer.vehicle_id
    found.offers = sorted(answer.offers, key=lambda offer: offer.vehicle_id != best)[:SEARCH_LIMIT]
    found.choice = answer.choice
    found.nearly = [one for one in answer.nearly if one.kind != "rule"]
    by_sentence: dict[str, list[Offer]] = {}
    for one in answer.nearly:
        if one.kind == "rule":
            sentence = error_sentence(page.speech, GloveboxError(one.rule, **one.values))
            by_sentence.setdefault(sentence, []).append(one.offer)
    found.forbidden = list(by_sentence.items())[:FORBIDDEN_SHOWN]
    return found


def show(
    page: Page,
    found: Search,
    sites: list[Site],
    *,
    promised_then: list[Reservation],
    for_person: Person | None,
) -> Response:
    """The search's page, for oneself or for a colleague."""
    return page.render(
        "driver/find.html",
        422 if found.problem else 200,
        problem=found.problem,
        sites=sites,
        site_id=found.site_id,
        to_site=found.to_site,
        seats=found.seats,
        energy=found.energy,
        distance_km=found.distance_km,
        wish=found.wish,
        starts=found.starts,
        ends=found.ends,
        here=found.offers[:OFFERS_SHOWN],
        choice=found.choice,
        nearly=[one for one in found.nearly if one.kind != "other_site"],
        elsewhere=[one.offer for one in found.nearly if one.kind == "other_site"],
        forbidden=found.forbidden,
        has_asked="day" in page.request.query_params,
        promised_then=promised_then,
        for_person=for_person,
    )


def book(page: Page, where: tuple[int, int, int, int], action: str, base: str, word: str) -> Response:
    """Books what a form asks for: `where` is car, person, start and end; a clash shows what is free instead.
    `action`: where that form goes; `base`: where the booking is seen, with the notice `word`."""
    scope, now = page.viewer.scope, page.now
    purpose, to_site = page.text("purpose")[:200], page.number("to")
    try:
        made = page.cloud.writer.run(
            lambda tx: reservations.book(tx, now, scope, *where, purpose=purpose, to_site=to_site)
        )
    except GloveboxError as error:
        found = sent_twice(page, *where)
        if found is None:
            return refuse(page, error, where, action, to_site)
        made = found
    return page.go(f"{base}/{made}", said(page, made, word))


def refuse(
    page: Page, error: GloveboxError, where: tuple[int, int, int, int], action: str, to_site: int | None
) -> Response:
    """The page after a booking that was refused: why, and after a clash the same time in other cars, the same
    car at another time."""
    if not isinstance(error, AlreadyTaken):
        sentence = error_sentence(page.speech, error)
        return page.render("error.html", error.status, sentence=sentence, status=error.status)
    vehicle_id, person_id, starts, ends = where
    with page.cloud.store.read() as tx:
        vehicle = fleet.get_vehicle(tx, page.viewer.scope, vehicle_id)
    return page.render(
        "driver/clash.html",
        409,
        vehicle=vehicle,
        starts=starts,
        ends=ends,
        others=error.others[:6],
        next_free=error.next_free,
        rule=error_sentence(page.speech, error) if isinstance(error, TooClose) else "",
        wish=wish_of(starts, ends, page.clock(vehicle.site_id).zone),
        action=action,
        person_id=None if action.startswith("/bookings") else person_id,
        to_site=to_site,
    )


def sent_twice(page: Page, vehicle_id: int, person_id: int, starts: int, ends: int) -> int | None:
    """The booking that this form has just made already, if it has."""
    where = (vehicle_id, person_id, starts, ends)
    with page.cloud.store.read() as tx:
        return undo.find_booked(tx, page.now, page.viewer.scope, *where)


def said(page: Page, reservation_id: int, booked: str) -> str:
    """The notice after a booking: `booked`, or that an approver is asked."""
    with page.cloud.store.read() as tx:
        state = reservations.get_reservation(tx, page.viewer.scope, reservation_id).state
    return "asked" if state == "pending" else booked
