"""The search for a car and what to do after a clash: the driver's pages and those that book for a colleague
show them alike."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Invalid
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Site, Vehicle
from glovebox.people.schemas import Person
from glovebox.reservations import availability
from glovebox.reservations import service as reservations
from glovebox.reservations.schemas import AlreadyTaken, Offer, Reservation, TooClose
from glovebox.web.page import Page
from glovebox.web.queries import NearlyFree
from glovebox.web.times import Wish, read_wish, usual_wish, wish_of
from glovebox.web.words import error_sentence

# A phone shows about eight cars at a glance; behind these, a narrower search helps more.
OFFERS_SHOWN: Final = 40
SEARCH_LIMIT: Final = 100
FORBIDDEN_SHOWN: Final = 6


@dataclass
class Search:
    """A wish and the cars free for it; `problem` says in words why there is nothing to look for."""

    wish: Wish
    site_id: int | None
    seats: int
    energy: str
    starts: int = 0
    ends: int = 0
    offers: list[Offer] = field(default_factory=list)
    forbidden: list[tuple[str, list[Vehicle]]] = field(default_factory=list)
    """What the rules say, and of which cars that nobody holds then."""
    problem: str = ""

    def clashing(self, upcoming: list[Reservation]) -> list[Reservation]:
        """Which of these bookings are at that time."""
        return [one for one in upcoming if one.starts_at < self.ends and self.starts < one.ends_at]


def search(tx: Connection, page: Page, site_id: int | None, person_id: int | None = None) -> Search:
    """Free cars for the wish in the page's address (the usual wish where there is none), by the rules for
    this person (None: who asks)."""
    zone = page.speech.zone
    found = Search(usual_wish(page.now, zone), site_id, page.number("seats") or 1, page.text("energy"))
    try:
        found.wish = read_wish(page.request.query_params, page.now, zone)
        found.starts, found.ends = found.wish.interval(zone)
        if found.ends <= page.now:
            raise Invalid("in_the_past")
        looked = availability.look(
            tx,
            page.now,
            page.viewer.scope,
            found.starts,
            found.ends,
            site_id=site_id,
            seats=found.seats,
            energy=found.energy or None,
            person_id=person_id,
        )
        found.offers = looked.offers[:SEARCH_LIMIT]
        by_sentence: dict[str, list[Vehicle]] = {}
        for vehicle, refusal in looked.refused:
            if site_id in (None, vehicle.site_id):
                by_sentence.setdefault(error_sentence(page.speech, refusal), []).append(vehicle)
        found.forbidden = list(by_sentence.items())[:FORBIDDEN_SHOWN]
    except Invalid as error:
        found.problem = error_sentence(page.speech, error)
    return found


def show(
    page: Page,
    found: Search,
    sites: list[Site],
    *,
    nearly: list[NearlyFree],
    promised_then: list[Reservation],
    for_person: Person | None,
) -> Response:
    """The search's page, for oneself or for a colleague."""
    here = [offer for offer in found.offers if found.site_id in (None, offer.site_id)]
    elsewhere = [offer for offer in found.offers if found.site_id not in (None, offer.site_id)]
    return page.render(
        "driver/find.html",
        422 if found.problem else 200,
        problem=found.problem,
        sites=sites,
        site_id=found.site_id,
        seats=found.seats,
        energy=found.energy,
        wish=found.wish,
        starts=found.starts,
        ends=found.ends,
        here=here[:OFFERS_SHOWN],
        elsewhere=elsewhere[: OFFERS_SHOWN // 2],
        nearly=nearly,
        forbidden=found.forbidden,
        has_asked="day" in page.request.query_params,
        promised_then=promised_then,
        for_person=for_person,
    )


def clash(
    page: Page,
    error: AlreadyTaken,
    vehicle_id: int,
    starts: int,
    ends: int,
    action: str,
    person_id: int | None,
) -> Response:
    """The page after a clash: the same time in other cars, the same car at another time."""
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
        wish=wish_of(starts, ends, page.speech.zone),
        action=action,
        person_id=person_id,
    )


def said(page: Page, reservation_id: int, booked: str) -> str:
    """The notice after a booking: `booked`, or that an approver is asked."""
    with page.cloud.store.read() as tx:
        state = reservations.get_reservation(tx, page.viewer.scope, reservation_id).state
    return "asked" if state == "pending" else booked
