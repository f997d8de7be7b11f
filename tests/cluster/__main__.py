"""`python -m cluster`: figures `failover_acknowledged_lost` and `failover_gap_s`.

Three PostgreSQL under Patroni with synchronous replication; two `glovebox serve` processes on all three
(`target_session_attrs=read-write`); people who book over HTTP and boxes that send journals over TLS, all the
time. The primary and its Patroni are killed (-9) under that load, twice; the lost node comes back in between.
Then the books are read from whoever leads.

failover_acknowledged_lost: bookings answered with 201 and records acknowledged to a box that are not in the
books, plus promises of one car that overlap: 0. failover_gap_s: the longest time in which nothing was
acknowledged. Meanwhile every refusal must be a 503 that says when to come back, else the run fails. Prints
one JSON object.
"""

import http.client
import itertools
import json
import sys
import threading
import time
from collections import Counter
from contextlib import closing

import psycopg
from glovebox.accounts import service as accounts
from glovebox.store import guard
from glovebox.store.engine import open_store
from sqlalchemy import text
from support_cloud import ANNE_UID, DAY, Depot
from support_serve import Program

from cluster.nodes import Cluster, wait_until

TOKEN = "a driver's session"
KILLS = 2
BOOKERS = 4
LOAD_S = 8
"""Of load before each kill, and after the last."""
AGAIN_S = 0.1
SLOT_S = 900


def tell(line: str) -> None:
    """Progress; standard output is for the figures."""
    print(f"cluster: {line}", file=sys.stderr, flush=True)


class Acknowledged:
    """What was acknowledged, and when."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.bookings: set[int] = set()
        self.moments: list[float] = []
        self.refused: Counter[str] = Counter()

    def note(self, booking: int | None = None) -> None:
        """A write is acknowledged: a booking, or records of a box (which counts its own)."""
        with self._lock:
            self.moments.append(time.monotonic())
            if booking is not None:
                self.bookings.add(booking)

    def refuse(self, what: str) -> None:
        """It was not."""
        with self._lock:
            self.refused[what] += 1

    def longest_gap_s(self) -> float:
        """The longest time without any."""
        moments = sorted(self.moments)
        return max(after - before for before, after in itertools.pairwise(moments))


class Load:
    """Threads that write for as long as the `with` lasts."""

    def __init__(self, programs: list[Program], cars: list[int], boxes: list, noted: Acknowledged) -> None:
        self._programs, self._cars, self.boxes, self._noted = programs, cars, boxes, noted
        self._stop = threading.Event()
        self._slots = itertools.count()
        self._first = int(time.time()) // SLOT_S * SLOT_S + DAY
        self.acknowledged = [0] * len(boxes)
        jobs = [lambda n=n: self._book(n) for n in range(BOOKERS)]
        jobs += [lambda n=n: self._send(n) for n in range(len(boxes))]
        self._threads = [threading.Thread(target=job) for job in jobs]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _book(self, number: int) -> None:
        program = self._programs[number % len(self._programs)]
        while not self._stop.is_set():
            slot = next(self._slots)
            start = self._first + slot // len(self._cars) * SLOT_S
            asked = {"vehicle_id": self._cars[slot % len(self._cars)], "starts_at": start}
            body = json.dumps({**asked, "ends_at": start + SLOT_S})
            headers = {"cookie": f"glovebox={TOKEN}", "content-type": "application/json"}
            connection = http.client.HTTPConnection("127.0.0.1", program.web_port, timeout=60)
            told = self._ask(connection, "/api/v1/reservations", body, headers)
            if told is not None:
                self._noted.note(json.loads(told)["id"])

    def _send(self, number: int) -> None:
        box, program = self.boxes[number], self._programs[number % len(self._programs)]
        while not self._stop.is_set():
            if len(box.slots.get(1, ())) == self.acknowledged[number]:
                session = box.session_start(int(time.time()), 0, ANNE_UID)
                box.session_end(int(time.time()), session, 0)
            raw = box.envelope(box.records(1, self.acknowledged[number] + 1))
            connection = http.client.HTTPSConnection(
                "localhost", program.box_port, context=program.tls, timeout=60
            )
            told = self._ask(connection, "/box/v1/sync", raw, {})
            if told is not None:
                self.acknowledged[number] = box.open(told).acks.get((1, box.epoch), 0)
                self._noted.note()

    def _ask(self, connection, path: str, body, headers) -> bytes | None:
        """The answer of a write that was acknowledged, else None."""
        with closing(connection):
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            told = answer.read()
        if answer.status in (200, 201):
            return told
        is_said = answer.status == 503 and answer.getheader("Retry-After")
        # A booking whose connection broke at the commit may stand: the writer's next try meets itself.
        is_own = answer.status == 409 and b"already_taken" in told
        self._noted.refuse("503" if is_said else "409" if is_own else f"{answer.status} {told[:100]!r}")
        self._stop.wait(AGAIN_S)
        return None


def fill(directory, url: str) -> tuple[list[int], list]:
    """The small fleet with a driver's session; cars and their boxes."""
    depot = Depot(directory, url)
    now = int(time.time())
    depot.run(lambda tx: accounts.set_password(tx, now, depot.anne, "nobody logs in with it"))
    depot.run(lambda tx: accounts.start_session(tx, now, depot.anne, TOKEN))
    cars = [depot.car, depot.car_2]
    boxes = [depot.claim(car, f"board-{car}") for car in cars]
    depot.close()
    return cars, boxes


def count_lost(url: str, load: Load, noted: Acknowledged) -> int:
    """What was acknowledged and is not in the books; raises GuardMissing for overlaps."""
    store = open_store(url)
    with store.read() as tx:
        guard.check(tx)
        held = set(tx.execute(text("SELECT id FROM reservations")).scalars())
        counted = text(
            "SELECT count(*) FROM records r JOIN boxes b ON b.id = r.box_id"
            " WHERE b.box_id = :box AND r.sequence <= :last AND r.verdict = 0"
        )
        lost = len(noted.bookings - held)
        for box, last in zip(load.boxes, load.acknowledged, strict=True):
            lost += last - (tx.execute(counted, {"box": box.box_id, "last": last}).scalar() or 0)
    store.close()
    tell(f"{len(noted.bookings)} bookings and {sum(load.acknowledged)} records acknowledged, {lost} lost")
    return lost


def run(cluster: Cluster) -> dict[str, float]:
    """Load, kills, books."""
    leads = cluster.primary()
    assert leads is not None
    where = f"host=127.0.0.1 port={leads.port} user=postgres dbname=postgres"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("CREATE DATABASE glovebox")
    url, directory = cluster.url("glovebox"), cluster.directory / "cloud"
    cars, boxes = fill(directory, url)
    programs, noted = [Program(directory, url) for _ in range(2)], Acknowledged()
    try:
        with Load(programs, cars, boxes, noted) as load:
            for number in range(KILLS):
                wait_for_writes(noted)
                lost = cluster.primary()
                assert lost is not None
                tell(f"{lost.name} leads and is killed, {len(noted.moments)} writes acknowledged")
                lost.lose()
                wait_until(lambda: cluster.primary() is not None, "somebody leads")
                wait_for_writes(noted)
                gap_s = noted.longest_gap_s()
                tell(f"{cluster.primary().name} leads; longest gap until now {gap_s:.1f} s")
                if number < KILLS - 1:
                    lost.start()
                    cluster.wait_ready()
        for program in programs:
            assert program.process.poll() is None, program.log
    finally:
        statuses = [program.end() for program in programs]
    assert statuses == [0, 0], statuses
    unsaid = {what: count for what, count in noted.refused.items() if what not in ("503", "409")}
    tell(f"refused meanwhile: {dict(noted.refused)}")
    assert not unsaid, unsaid
    lost = count_lost(url, load, noted)
    return {"failover_acknowledged_lost": lost, "failover_gap_s": round(noted.longest_gap_s(), 1)}


def wait_for_writes(noted: Acknowledged) -> None:
    """Until writes have gone through for `LOAD_S`."""
    begin = time.monotonic()
    wait_until(
        lambda: (
            sum(moment > begin for moment in noted.moments[-500:]) > 50 and time.monotonic() - begin > LOAD_S
        ),
        "writes are acknowledged",
    )


if __name__ == "__main__":
    with Cluster() as running:
        figures = run(running)
    print(json.dumps(figures))
    sys.exit(1 if figures["failover_acknowledged_lost"] else 0)
