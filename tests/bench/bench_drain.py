"""Figure `drain_records_per_s`: records a second that the cloud takes, durable, after an outage.

10,000 boxes (`--boxes N` for a small run) hold 200 records each: trips with their relays and stopovers in
the vital ring, health in the other. When the cloud is back, 5,000 of them have a request under way at any
time, more than its writer's queue holds: some are told 503 and come back after the time they were told,
with jitter, as boxes do. A box sends what a box's batch holds, an envelope at a time, until all is
acknowledged. Envelopes are made beforehand; the server is one process, plain, as behind a proxy, and the
load shares its two cores. At the end the books must hold every record once, or there is no figure. Ten
minutes for all are the budget: 3,334 a second. Prints one JSON object.
"""

import argparse
import asyncio
import json
import random
import resource
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_bench import Stopwatch, tell
from support_fleet_bench import FleetServer

BOXES = 10_000
VITAL, TELEMETRY = 160, 40
# Records of each ring in one envelope, as a box's.
BATCH = 32
AT_ONCE = 5_000
TRIP = 20
SITE = 1


def write_journal(box, now: int) -> None:
    """Eight trips of twenty vital records each, over the last three days, and the telemetry of as long."""
    for number in range(VITAL):
        at, step = now - (VITAL - number) * 1_600, number % TRIP
        if step == 0:
            session = box.session_start(at, 0, bytes.fromhex("04A1B2C3D4E5F6"), SITE, auth_kind=2)
        elif step == TRIP - 1:
            box.session_end(at, session, 0, SITE)
        elif step == 9:
            box.record(4, struct.pack("<IH", session, SITE), at)
        elif step == 10:
            box.record(5, struct.pack("<IB", session, 4), at)
        else:
            box.record(9, struct.pack("<BBBBHBBIHI", 1, 0, 1, 1, 100, 2, 0, 60_000, 12_600, 0), at)
    for number in range(TELEMETRY):
        health = struct.pack("<HBBIII", 12_600, 80, 0, 123_456, 60_000, 1_000)
        box.record(32, health, now - (TELEMETRY - number) * 6_400, ring=2)


def prepare(box) -> list[bytes]:
    """A box's requests: a greeting, then its records in order."""
    now = int(time.time())
    write_journal(box, now)
    requests = [box.envelope(box.hello(), box.state(now))]
    for first in range(1, max(VITAL, TELEMETRY) + 1, BATCH):
        fields = [
            box.records(ring, first, min(first + BATCH - 1, count))
            for ring, count in ((1, VITAL), (2, TELEMETRY))
            if first <= count
        ]
        requests.append(box.envelope(*fields))
    box.slots = {1: [], 2: []}
    return [
        b"POST /box/v1/sync HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(one) + one
        for one in requests
    ]


class Drain(asyncio.Protocol):
    """One box's kept connection; `done` has how often it was told to wait."""

    def __init__(self, requests: list[bytes], draw: random.Random) -> None:
        self._requests, self._draw = requests, draw
        self._next = self._waits = 0
        self._received = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            return
        self._received = b""
        if head.startswith(b"HTTP/1.1 503"):
            self._waits += 1
            wait_s = int(head.lower().split(b"retry-after:")[1].split(b"\r\n")[0])
            asyncio.get_running_loop().call_later(wait_s * self._draw.uniform(1, 2), self._send)
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(f"refused: {head!r}"))
            return
        self._next += 1
        if self._next == len(self._requests):
            self.done.set_result(self._waits)
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, error) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("closed"))

    def _send(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._requests[self._next])


async def drain(port: int, prepared: list[list[bytes]]) -> int:
    """All of them, so many at a time; returns how often one was told to wait."""
    turns, loop = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()

    async def one(number: int, requests: list[bytes]) -> int:
        draw, waits = random.Random(number), 0
        source = (f"127.0.0.{2 + number % 8}", 0)
        async with turns:
            _, connection = await loop.create_connection(
                lambda: Drain(requests, draw), "127.0.0.1", port, local_addr=source
            )
            waits = await connection.done
        return waits

    return sum(await asyncio.gather(*(one(number, some) for number, some in enumerate(prepared))))


def count_records(url: str) -> tuple[int, int, int]:
    """Records in the books, those of them that verified, and trips that have ended."""
    from glovebox.store.engine import open_store
    from sqlalchemy import text

    store = open_store(url)
    try:
        with store.read() as tx:
            return tuple(
                tx.execute(text(statement)).scalar_one()
                for statement in (
                    "SELECT count(*) FROM records",
                    "SELECT count(*) FROM records WHERE verdict = 0",
                    "SELECT count(*) FROM trips WHERE ended_at IS NOT NULL",
                )
            )
    finally:
        store.close()


def main() -> None:
    """Print the figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--boxes", type=int, default=BOXES)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        server = FleetServer(Path(directory), options.boxes, with_tls=False)
        try:
            prepared = [prepare(box) for box in server.boxes()]
            cpu_s = server.ask("memory")["cpu_s"]
            watch = Stopwatch()
            waits = asyncio.run(drain(server.port, prepared))
            took_s = watch.read()
            jobs = server.ask("memory")
        finally:
            server.end()
        wanted = options.boxes * (VITAL + TELEMETRY)
        found = count_records(f"sqlite:///{directory}/glovebox.sqlite")
    tell(
        f"drain: {wanted} records of {options.boxes} boxes in {took_s:.0f} s, {jobs['batches']} commits,"
        f" {jobs['cpu_s'] - cpu_s:.0f} s of the server's processor, {jobs['memory'] / 2**20:.0f} MB,"
        f" {waits} times told to wait"
    )
    if found != (wanted, wanted, options.boxes * VITAL // TRIP):
        raise SystemExit(f"drain: wanted {wanted} records, the books hold {found}")
    print(json.dumps({"drain_records_per_s": round(wanted / took_s)}))


if __name__ == "__main__":
    main()
