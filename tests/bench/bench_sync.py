"""Figures `sync_ratio_sqlite`, `sync_ratio_postgresql`: durable `POST /box/v1/sync` a second over requests of
a bare FastAPI endpoint.

One server process (uvicorn, plain HTTP on loopback) offers both: an endpoint that answers `{"ok": true}` to
the same body, and the boxes' application on SQLite with `synchronous=FULL`. On PostgreSQL (with `fsync`, on
this machine too) a second process offers the boxes' application once more, and each serves half of the boxes.
Another process, this one, is 64 boxes on 64 kept connections, each with one request under way. A sync carries
state and two new journal records; its answer is read and its acknowledgement checked, so that it counts only
when its records are committed. Envelopes are made beforehand. A round is a second of bare requests, one
of syncs, one of bare requests again, so that both sides meet the same machine; its ratio is the syncs over
the mean of the two. The figure is the median of the rounds. Prints one JSON object; `bench_sync.py sqlite`
or `postgresql` measures that engine alone.
"""

import asyncio
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

BOXES = 64
ROUNDS = 12
SECONDS = 1.0
PREPARED = 200  # envelopes of one box for one round: more than it can send in it
START_LIMIT_S = 60.0


# --- the server's process ---


def claim_boxes(cloud) -> list[dict]:
    """Cars with a box each; the boxes' keys."""
    from glovebox.boxes import service as boxes
    from glovebox.fleet import service as fleet
    from glovebox.keys import PURPOSES
    from glovebox.scope import SYSTEM

    now = int(time.time())

    def seed(tx):
        town = fleet.add_organisation(tx, now, "Ville")
        pool = fleet.add_pool(tx, town, "Centre")
        site = fleet.add_site(tx, town, "Mairie", 472_735_000, -22_137_000, 150)
        claimed = []
        for number in range(BOXES):
            car = fleet.add_vehicle(
                tx, organisation_id=town, pool_id=pool, site_id=site, registration=f"GB-{number:03d}-AA",
                make="Renault", model="Clio", energy="petrol", seats=5, interlock_kind="starter_wire",
                key_holder_fitted=1, tank_ml=42_000,
            )  # fmt: skip
            token = boxes.add_claim_token(tx, now, SYSTEM, cloud.keyring, cloud.entropy, car)
            claimed.append(boxes.claim(tx, now, cloud.keyring, cloud.entropy, token, f"board-{number}"))
        return claimed

    return [
        {
            "box_id": one.box_id.hex(),
            "key_id": one.key_id,
            "epoch": one.journal_epoch,
            "keys": {name: cloud.keyring.box_key(one.box_id, one.key_id, name).hex() for name in PURPOSES},
        }
        for one in cloud.writer.run(seed)
    ]


def serve(directory: Path, database_url: str, is_first: bool) -> None:
    """Seed (the first process), tell the ports and the boxes' keys on standard output, serve until ended."""
    import socket

    import uvicorn
    import uvloop
    from fastapi import FastAPI
    from glovebox.app import create_app
    from glovebox.config import Config

    apps = create_app(Config(directory, database_url=database_url, web_port=0, box_port=0))
    cloud = apps.cloud
    bundles = claim_boxes(cloud) if is_first else []
    bare = FastAPI()

    @bare.post("/bare")
    async def answer() -> dict[str, bool]:
        return {"ok": True}

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    cloud.writer.start()

    async def run() -> None:
        cloud.hub.bind(asyncio.get_running_loop())
        servers = [
            uvicorn.Server(
                uvicorn.Config(app, http="httptools", access_log=False, log_config=None, lifespan="off")
            )
            for app in (bare, apps.box)
        ]
        print(json.dumps({"ports": [one.getsockname()[1] for one in sockets], "boxes": bundles}), flush=True)
        await asyncio.gather(*(s.serve(sockets=[bound]) for s, bound in zip(servers, sockets, strict=True)))

    uvloop.run(run())


# --- the load's process ---


class Connection(asyncio.Protocol):
    """One kept connection that sends its requests one after the other until `until`."""

    def __init__(self, requests, check, until, done):
        self._requests = iter(requests)
        self._check = check
        self._until = until
        self._done = done
        self._received = b""
        self.answers = 0

    def connection_made(self, transport):
        self._transport = transport
        self._send()

    def data_received(self, data):
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 200") or not self._check(body):
            self._done.set_exception(RuntimeError(f"refused: {head!r} {body[:200]!r}"))
            self._transport.close()
            return
        self._received = body[length:]
        self.answers += 1
        self._send()

    def connection_lost(self, error):
        if not self._done.done():
            self._done.set_exception(error or RuntimeError("the server closed the connection"))

    def _send(self):
        request = next(self._requests, None) if time.perf_counter() < self._until else None
        if request is None:
            self._done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)


def http(path: str, body: bytes) -> bytes:
    """A whole request."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def load(port: int, requests: list, check, seconds: float) -> float:
    """Requests answered a second, all connections together."""
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    ends = [loop.create_future() for _ in requests]
    protocols = []
    for one, end in zip(requests, ends, strict=True):
        _, protocol = await loop.create_connection(
            lambda one=one, end=end: Connection(one, check, begin + seconds, end), "127.0.0.1", port
        )
        protocols.append(protocol)
    await asyncio.gather(*ends)
    return sum(protocol.answers for protocol in protocols) / (time.perf_counter() - begin)


class Sender:
    """One box: makes envelopes with two new records each, and knows what its answers must acknowledge."""

    def __init__(self, bundle):
        from support_cloud_box import Box

        self.box = Box(bundle)

    def prepare(self, count):
        """The next `count` requests."""
        box, requests = self.box, []
        at = int(time.time())
        for _ in range(count):
            first = len(box.slots[1]) + 1
            for wanted in (1, 2):
                box.record(
                    9, struct.pack("<BBBBHBBIHI", wanted, 0, wanted, 1, 100, 2, 0, 60_000, 12_600, 0), at
                )
            requests.append(http("/box/v1/sync", box.envelope(box.state(at), box.records(1, first))))
        return requests

    def rewind(self, sent):
        """Forget what was prepared and not sent, so that the journal goes on without a gap."""
        box = self.box
        del box.slots[1][2 * sent :]
        box.last_mac[1] = box.slots[1][-1][48:] if box.slots[1] else bytes(16)


def is_acknowledged(body: bytes) -> bool:
    """A down envelope with an ACK field in it."""
    return body[0] == 0x44 and b"\x81\x09\x00" in body


async def load_bare(port: int, connections: int) -> float:
    """Bare requests answered a second."""
    requests = [[http("/bare", bytes(227))] * 20_000 for _ in range(connections)]
    return await load(port, requests, lambda body: body == b'{"ok":true}', SECONDS)


async def measure(name: str, bare_port: int, sync_ports: list[int], bundles: list[dict]) -> float:
    """The median of the rounds' ratios. Box i is served at port i modulo the ports."""
    senders = [Sender(bundle) for bundle in bundles]
    sent = [0] * len(senders)
    ratios = []
    for number in range(ROUNDS + 1):
        prepared = [iter(sender.prepare(PREPARED)) for sender in senders]
        before = await load_bare(bare_port, len(senders))
        shares = [prepared[index :: len(sync_ports)] for index in range(len(sync_ports))]
        rates = await asyncio.gather(
            *(
                load(port, share, is_acknowledged, SECONDS)
                for port, share in zip(sync_ports, shares, strict=True)
            )
        )
        bare_rate = (before + await load_bare(bare_port, len(senders))) / 2
        for index, (sender, rest) in enumerate(zip(senders, prepared, strict=True)):
            sent[index] += PREPARED - sum(1 for _ in rest)
            sender.rewind(sent[index])
        print(f"bench_sync: {name}: bare {bare_rate:.0f}/s, sync {sum(rates):.0f}/s", file=sys.stderr)
        if number:  # the first round warms both up
            ratios.append(sum(rates) / bare_rate)
    return statistics.median(ratios)


def start(directory: str, database_url: str, is_first: bool) -> tuple[subprocess.Popen, dict]:
    """A server's process, and what it tells."""
    arguments = [sys.executable, __file__, "serve", directory, database_url, str(int(is_first))]
    server = subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**os.environ})
    assert server.stdout is not None
    return server, json.loads(server.stdout.readline())


def measure_engine(name: str, database_url: str, processes: int) -> float:
    """The ratio of one engine."""
    import uvloop

    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        running = []
        try:
            for number in range(processes):
                running.append(start(directory, database_url, number == 0))
            first = running[0][1]
            sync_ports = [told["ports"][1] for _, told in running]
            return uvloop.run(measure(name, first["ports"][0], sync_ports, first["boxes"]))
        finally:
            for server, _ in running:
                server.terminate()
                server.wait(START_LIMIT_S)


def main(wanted: list[str]) -> None:
    """Print the figures."""
    from support_postgresql import PostgreSQL

    figures: dict[str, float] = {}
    if not wanted or "sqlite" in wanted:
        figures |= {"sync_ratio_sqlite": round(measure_engine("SQLite", "", 1), 3)}
    if not wanted or "postgresql" in wanted:
        database = PostgreSQL(is_durable=True)
        try:
            ratio = measure_engine("PostgreSQL", database.create_database(), 2)
        finally:
            database.stop()
        figures |= {"sync_ratio_postgresql": round(ratio, 3)}
    print(json.dumps(figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "1")
    else:
        main(sys.argv[1:])
