"""The running server: two ports, links, news at once, links that break in every way."""

import asyncio
import signal
import ssl
import struct
import threading
import types
from pathlib import Path

import httpx
import pytest
from glovebox.boxes import service as boxes
from glovebox.clock import to_device_s
from glovebox.config import Config
from glovebox.fleet import service as fleet
from glovebox.link import api as link_api
from glovebox.link.hub import Link
from glovebox.people import service as people
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from glovebox.serving import Server
from starlette.websockets import WebSocket
from support_cloud import ANNE_UID, DAY, HOUR, FakeClock, SeededEntropy
from support_cloud_box import Box, hmac_sha256
from support_serve import WAIT_S, LinkClient, Program
from websockets.exceptions import ConnectionClosed


class Served:
    """A server on free ports with one car and one person, and what a box and an installer need to reach
    it."""

    def __init__(self, directory):
        self.clock = FakeClock()
        self.config = Config(directory, web_port=0, box_port=0)
        self.server = Server(self.config, self.clock, SeededEntropy())
        self.server.start()
        self.cloud = self.server.apps.cloud
        self.run(self._fill)
        self.tls = ssl.create_default_context(cafile=str(self.config.tls_directory / "ca.pem"))
        self.https = httpx.Client(
            verify=self.tls, base_url=f"https://localhost:{self.server.box_port}", timeout=WAIT_S
        )
        self.web = httpx.Client(base_url=f"http://127.0.0.1:{self.server.web_port}", timeout=WAIT_S)

    def close(self):
        self.https.close()
        self.web.close()
        self.server.stop()

    @property
    def now(self):
        return self.clock.now

    def run(self, job):
        return self.cloud.writer.run(job)

    def _fill(self, tx):
        town = fleet.add_organisation(tx, self.now, "Ville")
        site = fleet.add_site(tx, town, "Mairie", 472_735_000, -22_137_000, 150)
        common = {
            "make": "Renault",
            "model": "Clio",
            "energy": "petrol",
            "seats": 5,
            "interlock_kind": "none",
        }
        pool = fleet.add_pool(tx, town, "Pool")
        where = {"organisation_id": town, "pool_id": pool, "site_id": site}
        self.car = fleet.add_vehicle(tx, registration="AA-101-AA", **where, **common)
        names = {"given_name": "Anne", "family_name": "Morin"}
        self.anne = people.add_person(tx, self.now, organisation_id=town, staff_number="1", **names)
        people.add_badge(tx, self.now, self.cloud.keyring, self.cloud.entropy, self.anne, ANNE_UID)

    def token(self):
        secrets = (self.cloud.keyring, self.cloud.entropy)
        return self.run(lambda tx: boxes.add_claim_token(tx, self.now, SYSTEM, *secrets, self.car))

    def claim(self):
        answer = self.https.post("/box/v1/claim", json={"token": self.token(), "hardware_id": "board-1"})
        assert answer.status_code == 200
        return Box(answer.json(), self.send)

    def send(self, raw):
        answer = self.https.post("/box/v1/sync", content=raw)
        assert answer.status_code == 200
        return answer.content

    def link(self):
        return LinkClient(self.server.box_port, self.tls)

    def book(self, start=HOUR, end=2 * HOUR):
        where = (self.car, self.anne, self.now + start, self.now + end)
        return self.run(lambda tx: reservations.book(tx, self.now, SYSTEM, *where))


@pytest.fixture
def served(tmp_path):
    running = Served(tmp_path)
    yield running
    running.close()


def talk(link, box, *fields):
    """One envelope up over the link, its answer down."""
    link.send(box.envelope(*fields))
    return box.open(link.recv())


def test_a_claimed_box_greets_over_tls_with_the_authority_of_its_bundle(served):
    answer = served.https.post("/box/v1/claim", json={"token": served.token(), "hardware_id": "board-1"})
    bundle = answer.json()
    assert set(bundle["keys"]) == {"wire", "time", "badge", "journal", "authorisations"}
    assert bundle["cloud_port"] == served.server.box_port
    assert bundle["time_port"] == served.server.web_port
    assert bundle["vehicle"]["registration"] == "AA-101-AA"
    assert bundle["store_epoch"] == served.cloud.store_epoch
    box = Box(bundle, served.send)
    assert box.greet().now_s == to_device_s(served.now)


def test_the_time_is_told_without_tls_under_the_boxs_key(served):
    box = served.claim()
    nonce = b"12345678"
    answer = served.web.post("/box/v1/time", content=box.box_id + bytes((box.key_id,)) + nonce).content
    assert struct.unpack_from("<I", answer)[0] == to_device_s(served.now)
    assert answer[4:] == hmac_sha256(box.keys["time"], b"time" + box.box_id + nonce + answer[:4])[:16]
    for wrong in (b"", box.box_id, bytes(18), box.box_id + bytes(9)):
        assert served.web.post("/box/v1/time", content=wrong).status_code == 400


def test_a_reservation_comes_down_an_open_link_by_itself(served):
    box = served.claim()
    with served.link() as link:
        talk(link, box, box.hello())
        talk(link, box, box.held())
        assert served.cloud.hub.linked() == {served.car}
        number = served.book()
        down = box.open(link.recv())
        assert down.part == 1
        assert (box.badge(ANNE_UID), number) in box.authorisations()
        served.run(lambda tx: reservations.cancel(tx, served.now, SYSTEM, number))
        assert box.open(link.recv()).part == 2
        assert box.authorisations() == {}


def test_a_command_comes_down_an_open_link_by_itself(served):
    box = served.claim()
    with served.link() as link:
        talk(link, box, box.hello())
        number = served.run(
            lambda tx: boxes.add_command(tx, served.now, SYSTEM, served.car, "flash_lights", "")
        )
        (command,) = box.open(link.recv()).commands
        assert command["id"] == number


def test_a_large_set_comes_as_parts_of_one_answer(served):
    for hour in range(200):
        served.book((1 + hour) * HOUR, (2 + hour) * HOUR)
    box = served.claim()
    with served.link() as link:
        first = talk(link, box, box.hello())
        second = box.open(link.recv())
    assert (first.part, second.part) == (0, 1)
    assert len(box.authorisations()) == 200


def test_what_another_process_wrote_comes_down_too(served):
    """A transaction that is not the writer's: nothing tells of it, the server has to look."""
    box = served.claim()
    with served.link() as link:
        talk(link, box, box.hello())
        served.book()
        box.open(link.recv())
        secrets = (served.cloud.keyring, served.cloud.entropy)
        with served.cloud.store.write() as tx:
            people.add_badge(tx, served.now, *secrets, served.anne, bytes.fromhex("04ffeeddccbbaa"))
        box.open(link.recv())
    assert len(box.authorisations()) == 2


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda box: b"nonsense", 4400),
        (lambda box: box.envelope()[:-1] + b"\0", 4401),
        (lambda box: box.envelope(counter=1), 4409),
        (lambda box: bytes(8_200), 4413),
    ],
    ids=["damaged", "forged", "replayed", "oversized"],
)
def test_a_bad_envelope_closes_the_link_with_its_code(served, make, code):
    box = served.claim()
    with served.link() as link:
        talk(link, box, box.hello())
        talk(link, box, box.held())
        link.send(make(box))
        with pytest.raises(ConnectionClosed) as closed:
            link.recv()
    assert closed.value.rcvd.code == code


def test_a_newer_link_of_the_same_box_replaces_the_older(served):
    box = served.claim()
    with served.link() as older, served.link() as newer:
        talk(older, box, box.hello())
        talk(newer, box, box.hello())
        with pytest.raises(ConnectionClosed) as closed:
            older.recv()
        assert closed.value.rcvd.code == 1001
        served.book()
        assert box.open(newer.recv()).part == 1


def test_a_replaced_link_whose_carrier_is_gone_ends_without_an_error(served):
    """What a car that comes out of a tunnel leaves behind: nobody is there to be told goodbye."""
    box = served.claim()
    told = []

    async def leave_by_surprise():
        arriving = asyncio.Queue()
        greeted = asyncio.Event()

        async def send(message):
            told.append(message["type"])
            if message["type"] == "websocket.send":
                greeted.set()
            if message["type"] == "websocket.close":
                raise OSError("nobody is there")

        arriving.put_nowait({"type": "websocket.connect"})
        arriving.put_nowait({"type": "websocket.receive", "bytes": box.envelope(box.hello())})
        app = types.SimpleNamespace(state=types.SimpleNamespace(cloud=served.cloud))
        socket = WebSocket({"type": "websocket", "app": app}, arriving.get, send)
        ending = asyncio.ensure_future(link_api.link(socket))
        await greeted.wait()
        served.cloud.hub.join(Link(box.box_id, 1), None)
        await ending

    asyncio.run(leave_by_surprise())
    assert told[-1] == "websocket.close"


def test_a_stop_closes_links_and_a_start_goes_on_where_it_was(tmp_path):
    first = Served(tmp_path)
    box = first.claim()
    box.session_start(first.now, 0, ANNE_UID)
    with first.link() as link:
        talk(link, box, box.hello(), box.records())
        closing = threading.Thread(target=first.close)
        closing.start()
        with pytest.raises(ConnectionClosed):
            link.recv()
        closing.join()
    again = Server(first.config, first.clock)
    again.start()
    url = f"https://localhost:{again.box_port}/box/v1/sync"
    box.send = lambda raw: httpx.post(url, content=raw, verify=first.tls).content
    assert box.sync(box.hello(), box.records()).acks == {(1, 1): 1}
    again.stop()


def test_openapi_is_served_and_names_every_resource(served):
    paths = served.web.get("/api/v1/openapi.json").json()["paths"]
    for resource in ("reservations", "vehicles", "sites", "people", "trips", "availability"):
        assert f"/api/v1/{resource}" in paths


def test_a_port_in_use_is_an_error_at_once(served, tmp_path):
    with pytest.raises(OSError, match=r"in use"):
        Server(Config(tmp_path / "other", web_port=served.server.web_port, box_port=0)).start()


def test_the_servers_certificate_is_for_its_name_and_lasts(tmp_path):
    from cryptography import x509
    from glovebox.tls import ensure_certificates

    ensure_certificates(tmp_path, "cars.example.org", FakeClock()())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ensure_certificates(tmp_path, "cars.example.org", FakeClock()() + DAY)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    certificate = x509.load_pem_x509_certificate(before["server.pem"])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "cars.example.org" in names.get_values_for_type(x509.DNSName)
    assert {Path(path).stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_command_serves_until_it_is_asked_to_stop_and_ends_well(tmp_path, number):
    assert Program(tmp_path).end(number) == 0


def test_behind_a_proxy_that_ends_tls_the_box_port_is_plain(tmp_path):
    server = Server(Config(tmp_path, web_port=0, box_port=0, box_plain=True), FakeClock(), SeededEntropy())
    server.start()
    try:
        url = f"http://127.0.0.1:{server.box_port}/box/v1/sync"
        assert httpx.post(url, content=b"nonsense").status_code == 400
    finally:
        server.stop()
