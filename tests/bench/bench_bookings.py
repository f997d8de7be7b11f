"""Figures `booking_tries`, `booking_overlaps`, `bookings_per_s`: many want the same cars at once.

Four processes, each with the writer that the server has and 64 people at once, try 50,000 times on SQLite and
50,000 times on a real PostgreSQL to book one of 20 cars at some hour of a month: most tries meet another's
booking. Some of what was booked is cancelled or moved. Then all processes have ended, and the books are read.

booking_tries: on both together. booking_overlaps: pairs of promises of one car that overlap, plus bookings
that were told to somebody and are not in the books (or are there untold), plus tries that ended otherwise
than booked or refused with a reason (a deadlock that was not resolved): 0. bookings_per_s: tries a second, of
the slower engine. Prints one JSON object.
"""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_bench import Stopwatch, tell

TRIES = 50_000
PROCESSES = 4
AT_ONCE = 64
CARS, PEOPLE, HOURS = 20, 100, 24 * 30
NOW = 1_900_000_000


def fill(url: str) -> None:
    """One town with its cars and people."""
    from glovebox.fleet import service as fleet
    from glovebox.people import service as people
    from glovebox.store.engine import open_store

    store = open_store(url)
    with store.write() as tx:
        town = fleet.add_organisation(tx, NOW, "Ville")
        pool = fleet.add_pool(tx, town, "Centre")
        site = fleet.add_site(tx, town, "Mairie", 472_735_000, -22_137_000, 150)
        for number in range(CARS):
            fleet.add_vehicle(
                tx, organisation_id=town, pool_id=pool, site_id=site, registration=f"GB-{number:03d}-AA",
                make="Renault", model="Clio", energy="petrol", seats=5, interlock_kind="none",
            )  # fmt: skip
        for number in range(PEOPLE):
            people.add_person(
                tx, NOW, organisation_id=town, staff_number=str(number), given_name="A", family_name="B"
            )
    store.close()


def work(url: str, seed: int, tries: int) -> None:
    """One process: try, and print what became of each."""
    from glovebox.errors import GloveboxError
    from glovebox.reservations import service as reservations
    from glovebox.scope import SYSTEM
    from glovebox.store.engine import open_store
    from glovebox.store.writer import Writer

    draw = random.Random(seed)
    store = open_store(url)
    writer = Writer(store.writing)
    writer.start()
    told: set[int] = set()
    ended: Counter[str] = Counter()

    async def book() -> None:
        car, person = draw.randrange(1, CARS + 1), draw.randrange(1, PEOPLE + 1)
        start = NOW + 3600 * draw.randrange(1, HOURS)
        end = start + 3600 * draw.randrange(1, 10)
        told.add(await writer.write(lambda tx: reservations.book(tx, NOW, SYSTEM, car, person, start, end)))

    async def give_up() -> None:
        number = draw.choice(sorted(told))
        told.remove(number)
        try:
            await writer.write(lambda tx: reservations.cancel(tx, NOW, SYSTEM, number))
        except GloveboxError:
            told.add(number)
            raise

    async def move() -> None:
        number, car = draw.choice(sorted(told)), draw.randrange(1, CARS + 1)
        await writer.write(lambda tx: reservations.change(tx, NOW, SYSTEM, number, vehicle_id=car))

    async def one_of_many(share: int) -> None:
        for _ in range(share):
            what = draw.choice((book, book, book, give_up, move)) if told else book
            try:
                await what()
                ended[what.__name__] += 1
            except GloveboxError as error:
                ended[f"{what.__name__}: {error.code}"] += 1
            except Exception as error:
                ended[f"failed: {type(error).__name__}"] += 1

    async def all_of_them() -> None:
        await asyncio.gather(*(one_of_many(tries // AT_ONCE) for _ in range(AT_ONCE)))

    asyncio.run(all_of_them())
    writer.stop()
    store.close()
    print(json.dumps({"told": sorted(told), "ended": ended}))


def check(url: str, told: set[int]) -> int:
    """How many promises overlap or are in one of the two, the books and what people were told, alone."""
    from glovebox.store.engine import open_store
    from sqlalchemy import text

    store = open_store(url)
    with store.read() as tx:
        rows = tx.execute(
            text("SELECT vehicle_id, starts_at, ends_at, id FROM reservations WHERE state = 'confirmed'")
        )
        held = sorted(tuple(row) for row in rows)
    store.close()
    overlaps = sum(one[0] == other[0] and other[1] < one[2] for one, other in pairwise(held))
    return overlaps + len({row[3] for row in held} ^ told)


def try_engine(name: str, url: str) -> tuple[int, int, float]:
    """Tries, what was wrong, tries a second."""
    fill(url)
    share = -(-TRIES // PROCESSES // AT_ONCE) * AT_ONCE
    watch = Stopwatch()
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, url, str(seed), str(share)], stdout=subprocess.PIPE, text=True
        )
        for seed in range(PROCESSES)
    ]
    said = [json.loads(worker.communicate()[0]) for worker in workers]
    took_s = watch.read()
    ended: Counter[str] = sum((Counter(one["ended"]) for one in said), Counter())
    told = {number for one in said for number in one["told"]}
    failed = sum(count for what, count in ended.items() if what.startswith("failed"))
    tries = ended.total()
    wrong = check(url, told) + failed + (share * PROCESSES - tries)
    tell(f"bookings: {name}: {tries} tries in {took_s:.0f} s, {dict(ended)}, wrong {wrong}")
    return tries, wrong, tries / took_s


def main() -> None:
    """Print the figures."""
    from glovebox.store.engine import open_store
    from glovebox.store.migrate import migrate
    from support_cloud import SeededEntropy
    from support_postgresql import PostgreSQL

    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        sqlite = f"sqlite:///{Path(directory) / 'glovebox.sqlite'}"
        store = open_store(sqlite)
        migrate(store, SeededEntropy())
        store.close()
        found = [try_engine("SQLite", sqlite)]
    server = PostgreSQL()
    try:
        found.append(try_engine("PostgreSQL", server.create_database()))
    finally:
        server.stop()
    print(
        json.dumps(
            {
                "booking_tries": sum(tries for tries, _, _ in found),
                "booking_overlaps": sum(wrong for _, wrong, _ in found),
                "bookings_per_s": round(min(rate for _, _, rate in found)),
            }
        )
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
