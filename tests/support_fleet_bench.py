"""Thousands of boxes for benchmarks: a server in a process of its own with as many cars, and links to it that
cost little.

The server is the product's: the boxes' application on its writer and hub, with the settings `serving` gives
uvicorn; over TLS as it stands, or plain, as behind a proxy that ends TLS. It obeys lines on its standard
input.
"""

import asyncio
import base64
import json
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
START_LIMIT_S = 300.0
CHUNK = 500


# --- the server's process ---


def fill(cloud, count: int) -> list[bytes]:
    """So many cars of one pool with a box each, as claims would leave them; the boxes' ids."""
    from glovebox.boxes.tables import box_assignments, boxes
    from glovebox.fleet import service as fleet
    from glovebox.fleet.tables import vehicles
    from glovebox.people import service as people
    from glovebox.reservations import authorisations
    from sqlalchemy import insert

    now = cloud.now()
    ids = [cloud.entropy(8) for _ in range(count)]

    def begin(tx):
        town = fleet.add_organisation(tx, now, "Ville")
        pool = fleet.add_pool(tx, town, "Centre")
        site = fleet.add_site(tx, town, "Mairie", 472_735_000, -22_137_000, 150)
        person = people.add_person(
            tx, now, organisation_id=town, staff_number="1", given_name="A", family_name="B"
        )
        people.add_badge(tx, now, cloud.keyring, cloud.entropy, person, bytes.fromhex("04A1B2C3D4E5F6"))
        first = fleet.add_vehicle(
            tx, organisation_id=town, pool_id=pool, site_id=site, registration="GB-0", make="Renault",
            model="Clio", energy="petrol", seats=5, interlock_kind="none",
        )  # fmt: skip
        row = dict(tx.execute(vehicles.select().where(vehicles.c.id == first)).mappings().one())
        del row["id"]
        return row

    def add(tx, numbers):
        if numbers[0] > 1:
            tx.execute(insert(vehicles), [row | {"registration": f"GB-{number}"} for number in numbers])
        elif len(numbers) > 1:
            tx.execute(insert(vehicles), [row | {"registration": f"GB-{number}"} for number in numbers[1:]])
        common = {"created_at": now, "key_id": 1, "journal_epoch": 1, "assigned_at": now}
        tx.execute(
            insert(boxes),
            [
                {"box_id": ids[number - 1], "hardware_id": f"board-{number}", "vehicle_id": number, **common}
                for number in numbers
            ],
        )
        tx.execute(
            insert(box_assignments),
            [{"box_id": number, "vehicle_id": number, "from_at": now - 1} for number in numbers],
        )
        for number in numbers:
            authorisations.start_over(tx, now, number, 0)

    row = cloud.writer.run(begin)
    for start in range(1, count + 1, CHUNK):
        numbers = range(start, min(start + CHUNK, count + 1))
        cloud.writer.run(lambda tx, numbers=numbers: add(tx, numbers))
    return ids


def serve(directory: Path, url: str, count: int, with_tls: bool) -> None:
    """Fill, say the port and the boxes' ids, and obey: `memory`, `book N`, `grant`, `close`."""
    from glovebox import serving, waking
    from glovebox.app import create_app
    from glovebox.config import Config
    from glovebox.tls import ensure_certificates

    config = Config(directory, database_url=url, web_port=0, box_port=0)
    tls = config.tls_directory
    ensure_certificates(tls, "localhost", int(time.time()))
    apps = create_app(config)
    cloud = apps.cloud
    cloud.writer.start()
    ids = fill(cloud, count)
    bound = serving._bind(config, 0)
    options = {"ssl_keyfile": tls / "server.key", "ssl_certfile": tls / "server.pem"} if with_tls else {}

    async def run() -> None:
        loop = asyncio.get_running_loop()
        cloud.hub.bind(loop)
        doors = serving.Doors(serving.raise_open_files())
        server = serving._Uvicorn(serving._config(apps.box, doors, serving.LINK_GRACE_S, **options))
        doors.add_port(server.server_state.connections)
        serving_task = asyncio.create_task(server.serve(sockets=[bound]))
        others = asyncio.create_task(waking.run(cloud))
        say({"port": bound.getsockname()[1], "boxes": [one.hex() for one in ids]})
        obeying = loop.run_in_executor(None, obey, cloud)
        await obeying
        others.cancel()
        cloud.hub.close()
        while cloud.hub.count:
            await asyncio.sleep(0.01)
        say({"told": True})
        server.should_exit = True
        await serving_task

    with asyncio.Runner(loop_factory=serving._new_loop) as runner:
        runner.run(run())
    cloud.close()


def say(words: dict) -> None:
    """One line."""
    print(json.dumps(words), flush=True)


def obey(cloud) -> None:
    """Line by line, until `close`."""
    from glovebox.people import service as people
    from glovebox.reservations import service as reservations
    from glovebox.scope import SYSTEM

    hour = 0
    for line in sys.stdin:
        word, *values = line.split()
        began = time.monotonic()
        if word == "book":
            hour += 1
            start = cloud.now() // 3_600 * 3_600 + 3_600 * hour
            where = (int(values[0]), 1, start, start + 3_600)
            cloud.writer.run(lambda tx, where=where: reservations.book(tx, cloud.now(), SYSTEM, *where))
        elif word == "grant":
            times = (cloud.now(), cloud.now() + 86_400)
            cloud.writer.run(
                lambda tx, times=times: people.add_standing_right(tx, times[0], 1, 1, "standing", *times)
            )
        elif word == "close":
            return
        say(
            {
                "began": began,
                "cpu_s": time.process_time(),
                "memory": read_memory(),
                "links": cloud.hub.count,
                "batches": cloud.writer.batches,
            }
        )


def read_memory() -> int:
    """Resident bytes of this process; by a file opened at the start, for there may be none left to open."""
    return int(os.pread(_STATM, 100, 0).split()[1]) * os.sysconf("SC_PAGE_SIZE")


_STATM = os.open("/proc/self/statm", os.O_RDONLY)


# --- the load's process ---


class FleetServer:
    """The other process: `ask` sends a line and returns the answer."""

    def __init__(self, directory: Path, count: int, with_tls: bool, url: str = "") -> None:
        self.directory = directory
        arguments = [str(directory), url, str(count), str(int(with_tls))]
        self.process = subprocess.Popen(
            [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        told = self._read()
        self.port, self.box_ids = told["port"], [bytes.fromhex(one) for one in told["boxes"]]
        self.tls = None
        if with_tls:
            self.tls = ssl.create_default_context(cafile=str(directory / "tls" / "ca.pem"))

    def _read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the server has ended")
        return json.loads(line)

    def ask(self, *words: object) -> dict:
        """One line there, one back."""
        print(*words, file=self.process.stdin, flush=True)
        return self._read()

    def boxes(self) -> list:
        """The boxes' ends of the wire."""
        from glovebox.keys import PURPOSES, load_keyring
        from support_cloud_box import Box

        keyring = load_keyring(self.directory / "keys.json")
        return [
            Box(
                {
                    "box_id": one.hex(),
                    "key_id": 1,
                    "keys": {name: keyring.box_key(one, 1, name).hex() for name in PURPOSES},
                }
            )
            for one in self.box_ids
        ]

    def end(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.wait()


class LightLink(asyncio.Protocol):
    """A WebSocket of RFC 6455 without the library's buffers: whole binary messages, masked with zeros."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._is_open = False
        self.opened = loop.create_future()
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.received_at = 0.0
        self.close_code = 0

    def connection_made(self, transport) -> None:
        self.transport = transport
        key = base64.b64encode(bytes(16)).decode()
        transport.write(
            f"GET /box/v1/link HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def send(self, message: bytes) -> None:
        """One binary message."""
        size = len(message)
        head = bytes((0x82, 0x80 | size)) if size < 126 else b"\x82\xfe" + size.to_bytes(2, "big")
        self.transport.write(head + bytes(4) + message)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open:
            head, found, _ = self._received.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            del self._received[: len(head) + 4]
            self._is_open = True
            self.opened.set_result(None)
        self._take_frames()

    def _take_frames(self) -> None:
        while len(self._received) >= 2:
            at, size = 2, self._received[1] & 0x7F
            if size == 126:
                at, size = 4, int.from_bytes(self._received[2:4], "big")
            if len(self._received) < at + size:
                return
            message = bytes(self._received[at : at + size])
            kind = self._received[0] & 0x0F
            del self._received[: at + size]
            if kind == 2:
                self.received_at = time.monotonic()
                self.messages.put_nowait(message)
            elif kind == 8:
                self.close_code = int.from_bytes(message[:2], "big")

    def connection_lost(self, error) -> None:
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed"))
        self.messages.put_nowait(b"")


async def open_link(server: FleetServer, number: int) -> LightLink:
    """The n-th link, from one of several loopback addresses: one has 28,000 ports."""
    loop = asyncio.get_running_loop()
    source = (f"127.0.0.{2 + number % 8}", 0)
    name = "localhost" if server.tls else None
    _, link = await loop.create_connection(
        LightLink, "127.0.0.1", server.port, local_addr=source, ssl=server.tls, server_hostname=name
    )
    await link.opened
    return link


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    where, database, number, is_tls = sys.argv[1:5]
    serve(Path(where), database, int(number), is_tls == "1")
