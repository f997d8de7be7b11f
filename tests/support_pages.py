"""Every page of the town and who looks at it; every route of an application."""

from collections.abc import Iterable, Iterator

from fastapi import FastAPI
from starlette.routing import BaseRoute
from support_web import Town

SEARCH = "day=2026-03-10&start=10:00&end_day=2026-03-10&end=12:00&seats=1&energy="
SERIES = "asked=1&w1=1&w3=1&first=2026-05-05&last=2026-06-11&start=08:00&end=12:00&every=1&holidays=1"


def routes_of(app: FastAPI) -> Iterator[tuple[str, str, BaseRoute]]:
    """(method, path, route) of everything an application answers, mounted folders as method `MOUNT`."""
    yield from _walk(app.routes, "")


def _walk(routes: Iterable[BaseRoute], prefix: str) -> Iterator[tuple[str, str, BaseRoute]]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _walk(included.routes, prefix + route.include_context.prefix)  # type: ignore[attr-defined]
            continue
        for method in sorted(getattr(route, "methods", None) or {"MOUNT"}):
            if method != "HEAD":
                yield method, prefix + route.path, route  # type: ignore[attr-defined]


def pages_of(town: Town) -> dict[str, tuple[str, str]]:
    """Name -> who looks, and where."""
    console = {**_pages_of_cars(town), **_pages_of_bookings(town), **_pages_of_people_and_rules(town)}
    return {
        **_driver_pages(town),
        **{name: ("manager", path) for name, path in console.items()},
        "boxes": ("administrator", "/console/boxes"),
        "claim": ("administrator", f"/console/boxes/claim/{town.car['GB-104-NZ']}"),
        "today_of_guests": ("guest_manager", "/console/today"),
        "timeline_of_guests": ("guest_manager", "/console/timeline"),
    }


def _driver_pages(town: Town) -> dict[str, tuple[str, str]]:
    booking, hall = town.booking, town.site["hall"]
    return {
        "login": ("", "/login"),
        "home": ("driver", "/"),
        "home_without_anything": ("stranger", "/"),
        "home_proposal": ("installer", "/"),
        "find": ("driver", f"/find?site={hall}&{SEARCH}"),
        "find_nearly": ("driver", f"/find?site={hall}&distance=120&{SEARCH.replace('seats=1', 'seats=6')}"),
        "series_new": ("driver", "/series/new"),
        "series_preview": ("driver", f"/series/new?{SERIES}&vehicle={town.car['GB-202-NZ']}"),
        "series": ("driver", f"/series/{town.series}"),
        "bookings": ("driver", "/bookings"),
        "booking": ("driver", f"/bookings/{booking['next']}"),
        "booking_waiting": ("driver", f"/bookings/{booking['asked']}"),
        "booking_in_use": ("colleague", f"/bookings/{booking['colleague']}"),
        "cancel": ("driver", f"/bookings/{booking['next']}/cancel"),
        "change": ("driver", f"/bookings/{booking['next']}/change"),
        "change_in_use": ("colleague", f"/bookings/{booking['colleague']}/change"),
        "damage": ("colleague", f"/bookings/{booking['colleague']}/damage"),
        "late": ("colleague", f"/bookings/{booking['colleague']}/late"),
        "open": ("driver", f"/bookings/{booking['next']}/open"),
        "trip": ("driver", f"/trips/{town.trip}"),
        "account": ("driver", "/account"),
        "calendar": ("driver", "/account/calendar"),
        "message_choice": ("driver", "/account/messages"),
        "messages": ("driver", "/messages"),
        "not_found": ("driver", "/bookings/999"),
        "forbidden": ("driver", "/console"),
    }


def _pages_of_cars(town: Town) -> dict[str, str]:
    car = {plate: f"/console/vehicles/{number}" for plate, number in town.car.items()}
    return {
        "vehicles": "/console",
        "vehicle": car["GB-103-NZ"],
        "vehicle_driven": car["GB-101-NZ"],
        "vehicle_without_box": car["GB-104-NZ"],
        "vehicle_blocked": car["GB-202-NZ"],
        "vehicle_edit": car["GB-101-NZ"] + "/edit",
        "vehicle_damage": car["GB-101-NZ"] + "/damage",
        "journal": car["GB-101-NZ"] + "/journal",
        "trips": car["GB-101-NZ"] + "/trips",
        "console_trip": f"/console/trips/{town.trip}",
        "block": car["GB-101-NZ"] + "/block",
        "block_change": f"/console/blocks/{town.block}",
        "command": car["GB-101-NZ"] + "/commands/end_session",
        "timeline": "/console/timeline",
        "timeline_week": "/console/timeline?view=week",
        "today": "/console/today",
        "today_snoozed": "/console/today?view=snoozed",
        "incidents": "/console/incidents",
        "incidents_closed": "/console/incidents?state=closed",
        "incident": f"/console/incidents/{town.incident}",
        "incident_of_damage": f"/console/incidents/{town.damage}",
    }


def _pages_of_bookings(town: Town) -> dict[str, str]:
    booking, driver = town.booking, town.person["driver"]
    return {
        "reservations": "/console/reservations",
        "reservation": f"/console/reservations/{booking['guest']}",
        "reservation_cancel": f"/console/reservations/{booking['guest']}/cancel",
        "reservation_change": f"/console/reservations/{booking['guest']}/change",
        "swap": f"/console/reservations/{booking['next']}/swap",
        "book_for": "/console/book",
        "book_for_person": f"/console/book?person={driver}&vehicle={town.car['GB-104-NZ']}&{SEARCH}",
        "console_series_new": f"/console/series/new?person={driver}",
        "console_series": f"/console/series/{town.series}",
        "approvals": "/console/approvals",
        "booking_asked": f"/console/reservations/{booking['asked']}",
        "console_messages": "/console/messages",
        "risks": "/console/risks",
        "waiting": "/console/waiting",
    }


def _pages_of_people_and_rules(town: Town) -> dict[str, str]:
    driver, of_town = town.person["driver"], f"organisation={town.body['town']}"
    return {
        "people": "/console/people",
        "person": f"/console/people/{driver}",
        "person_new": "/console/people/new",
        "person_edit": f"/console/people/{driver}/edit",
        "people_import": "/console/people/import",
        "badge_revoke": f"/console/people/{driver}/badges/1/revoke",
        "sites": "/console/sites",
        "wifi": f"/console/sites/{town.site['hall']}/wifi",
        "hours": f"/console/sites/{town.site['depot']}/hours",
        "rules": "/console/rules",
        "rules_edit": f"/console/rules/edit?{of_town}&pool={town.pool['town']}",
        "rules_of_group": f"/console/rules/edit?{of_town}&group={town.group}",
        "licences": "/console/rules/licences",
        "groups": "/console/groups",
        "group": f"/console/groups/{town.group}?q=a",
    }
