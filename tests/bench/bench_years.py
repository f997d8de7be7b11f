"""Figures `availability_ms_p95`, `console_page_ms_p95`, `availability_ms_p95_10x`: after five years of use.

66 cars, 450 people, 85,000 reservations with their trips, messages and journals, on SQLite and on a real
PostgreSQL, through the real application in this process (no socket). A search is `GET /api/v1/availability`
for a manager who may drive all cars, at random sites, days and hours. The pages are every address under
`/console` that can be asked for without sending a form, with random cars, people, reservations; the figure is
the 95th percentile of the slowest page. Each figure is that of the slower engine. `..._10x`: the same bodies
with ten times the sites, cars, people, reservations and trips. Prints one JSON object.

`bench_years.py sqlite 1` prints one engine's, one size's table of pages and searches.
"""

import gc
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_bench import Stopwatch, percentile, tell

SEARCHES = 200
LOOKS = 12
DAY = 86_400


def browser(years):
    """A client with the manager's session."""
    from fastapi.testclient import TestClient
    from support_years import COOKIE

    client = TestClient(years.apps.web, base_url="http://glovebox.test", follow_redirects=False)
    client.cookies.set("glovebox", COOKIE, domain="glovebox.test")
    return client


def took_ms(client, path):
    """How long one answer took, and its status."""
    watch = Stopwatch()
    answer = client.get(path)
    return watch.read() * 1000, answer.status_code


def search_ms(years) -> float:
    """The 95th percentile of searches."""
    from glovebox.fleet.tables import sites
    from sqlalchemy import select

    draw = random.Random(2)
    client, places = browser(years), [None, *years.read(select(sites.c.id))]
    times = []
    for number in range(SEARCHES + 20):
        start = int(years.apps.cloud.clock()) + draw.randrange(0, 20) * DAY + draw.randrange(0, 9) * 3_600
        place = draw.choice(places)
        where = "" if place is None else f"&from_site={place}"
        length = draw.choice((1, 2, 4, 8)) * 3_600
        path = f"/api/v1/availability?starts_at={start}&ends_at={start + length}&seats=4{where}"
        took, status = took_ms(client, path)
        if status != 200:
            raise RuntimeError(f"{path}: {status}")
        if number >= 20:  # the first fill caches
            times.append(took)
    return percentile(times, 95)


def console_paths() -> list[str]:
    """Every page of the console, as it is mounted."""
    from glovebox.web.mounting import PAGE_MODULES

    routes = [route for module in PAGE_MODULES for route in module.router.routes]
    return sorted(
        {route.path for route in routes if "GET" in route.methods and route.path.startswith("/console")}
    )


def what_may_be_looked_at(years) -> dict[str, list[object]]:
    """Values for the parts of addresses, by their names."""
    from glovebox.blocks.tables import blocks
    from glovebox.fleet.tables import sites, vehicles
    from glovebox.incidents.tables import incidents
    from glovebox.people.tables import badges, people
    from glovebox.reservations.tables import reservations
    from glovebox.trips.tables import trips
    from sqlalchemy import select

    newest = select(reservations.c.id).order_by(reservations.c.starts_at.desc()).limit(900)
    return {
        "vehicle_id": years.read(select(vehicles.c.id)),
        "reservation_id": years.read(newest),
        "person_id": years.read(select(people.c.id).limit(2_000)),
        "trip_id": years.read(select(trips.c.id).order_by(trips.c.id.desc()).limit(2_000)),
        "site_id": years.read(select(sites.c.id)),
        "block_id": years.read(select(blocks.c.id)),
        "badge_id": years.read(select(badges.c.id).limit(500)),
        "incident_id": years.read(select(incidents.c.id)),
        "kind": ["lock"],
    }


def pages_ms(years) -> float:
    """The 95th percentile of the slowest page."""
    draw, client, known = random.Random(3), browser(years), what_may_be_looked_at(years)
    slowest = 0.0
    for path in console_paths():
        times, statuses = [], set()
        for number in range(LOOKS + 2):
            address = path
            for name, values in known.items():
                if values:
                    address = address.replace(f"{{{name}}}", str(draw.choice(values)))
            took, status = took_ms(client, address)
            statuses.add(status)
            if number >= 2 and status == 200:
                times.append(took)
        if max(statuses) >= 500:
            raise RuntimeError(f"{path}: {statuses}")
        if not times:
            tell(f"years: {path} not counted, answers {sorted(statuses)}")
            continue
        p95 = percentile(times, 95)
        tell(f"years: {p95:6.0f} ms  {path}")
        slowest = max(slowest, p95)
    return slowest


def measure(engine: str, times: int, server) -> tuple[float, float]:
    """p95 of searches and, of the plain size, of the slowest page."""
    from support_years import five_years

    watch = Stopwatch()
    with five_years(engine, times, server) as years:
        tell(f"years: {engine}, {years.reservations} reservations, made in {watch.read():.0f} s")
        gc.collect()
        gc.freeze()  # as `glovebox serve` does
        found = search_ms(years)
        tell(f"years: {found:6.1f} ms  a search")
        return found, pages_ms(years) if times == 1 else 0.0


def main() -> None:
    """Print the figures."""
    from support_postgresql import PostgreSQL

    server = PostgreSQL()
    try:
        if len(sys.argv) > 1:
            measure(sys.argv[1], int(sys.argv[2]), server)
            return
        plain = [measure(engine, 1, server) for engine in ("sqlite", "postgresql")]
        tenfold = [measure(engine, 10, server) for engine in ("sqlite", "postgresql")]
    finally:
        server.stop()
    print(
        json.dumps(
            {
                "availability_ms_p95": round(max(search for search, _ in plain), 1),
                "console_page_ms_p95": round(max(page for _, page in plain), 1),
                "availability_ms_p95_10x": round(max(search for search, _ in tenfold), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
