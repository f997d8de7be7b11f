"""A small fleet for tests of the cloud: two bodies, two sites, three cars, some people; boxes that speak
the wire."""

import asyncio
import random

import httpx
from glovebox.app import create_app
from glovebox.boxes import service as boxes
from glovebox.config import Config
from glovebox.errors import GloveboxError
from glovebox.fleet import service as fleet
from glovebox.keys import PURPOSES
from glovebox.people import service as people
from glovebox.policies import service as policies
from glovebox.policies.schemas import Policy
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM, Scope
from support_cloud_box import Box

NOW = 1_773_126_000
"""Tuesday 2026-03-10, 07:00 UTC: 8 in the morning in Saint-Nazaire."""
HOUR = 3_600
DAY = 86_400
ANNE_UID = bytes.fromhex("04a1b2c3d4e5f6")
BOB_UID = bytes.fromhex("b2565401")
CORA_UID = bytes.fromhex("04112233445566")
STRANGER_UID = bytes.fromhex("0455667788aabb")


class FakeClock:
    """Time that stands until told."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


class SeededEntropy:
    """Random bytes that repeat with the seed."""

    def __init__(self, seed=1):
        self._draw = random.Random(seed)

    def __call__(self, count):
        return self._draw.randbytes(count)


class Client:
    """Calls an application without a socket; what it raises by mistake is an answer of status 500."""

    def __init__(self, app):
        self._app = app

    def request(self, method, path, **options):
        async def call():
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **options)

        return asyncio.run(call())

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)


class Depot:
    """The fleet on one database. The writer has no thread: what is written is there when the call returns."""

    def __init__(self, directory, database_url, seed=1, is_filled=False):
        self.clock = FakeClock()
        self.config = Config(directory, database_url=database_url)
        self.apps = create_app(self.config, self.clock, SeededEntropy(seed))
        self.cloud = self.apps.cloud
        self.cloud.authenticate = self._authenticate
        self.scope = None
        if not is_filled:
            self.run(self._fill)
        self.box_client = Client(self.apps.box)
        self.web_client = Client(self.apps.web)

    def close(self):
        self.cloud.close()

    @property
    def now(self):
        return self.clock.now

    def run(self, job):
        """Runs `job(tx)` through the writer."""
        return self.cloud.writer.run(job)

    def read(self, job):
        with self.cloud.store.read() as tx:
            return job(tx)

    def rows(self, sql, **values):
        from sqlalchemy import text

        return self.read(lambda tx: [tuple(row) for row in tx.execute(text(sql), values)])

    # -- who asks
    def driver(self, person_id):
        organisation_id = self.read(lambda tx: people.get_person(tx, SYSTEM, person_id).organisation_id)
        return Scope(organisation_id, person_id, frozenset({"driver"}))

    def manager(self, organisation_id):
        managed = frozenset({organisation_id})
        return Scope(organisation_id, None, frozenset({"manager"}), managed, approves_ids=managed)

    def colleague(self):
        """Bob, who manages the town."""
        return Scope(self.town, self.bob, frozenset({"driver", "manager"}), frozenset({self.town}))

    def lay_down(self, organisation_id=None, pool_id=None, group_id=None, **values):
        """Rules for the town's cars, or another body's."""
        policy = Policy(organisation_id or self.town, pool_id, group_id, **values)
        self.run(lambda tx: policies.set_policy(tx, self.now, SYSTEM, policy))

    def _authenticate(self, _connection):
        if self.scope is None:
            error = GloveboxError("not_logged_in")
            error.status = 401
            raise error
        return self.scope

    # -- bookings
    def book(self, person_id, start=HOUR, end=3 * HOUR, vehicle_id=None, scope=SYSTEM, **options):
        """Books relative to now; returns the reservation's id."""
        where = (vehicle_id or self.car, person_id, self.now + start, self.now + end)
        return self.run(lambda tx: reservations.book(tx, self.now, scope, *where, **options))

    def reservation(self, reservation_id, scope=SYSTEM):
        return self.read(lambda tx: reservations.get_reservation(tx, scope, reservation_id))

    # -- boxes
    def claim(self, vehicle_id=None, hardware_id="board-1"):
        """Claims a box through the endpoint and returns the client that speaks for it."""
        vehicle_id = vehicle_id or self.car
        token = self.run(
            lambda tx: boxes.add_claim_token(
                tx, self.now, SYSTEM, self.cloud.keyring, self.cloud.entropy, vehicle_id
            )
        )
        claimed = self.run(
            lambda tx: boxes.claim(tx, self.now, self.cloud.keyring, self.cloud.entropy, token, hardware_id)
        )
        keys = {
            name: self.cloud.keyring.box_key(claimed.box_id, claimed.key_id, name).hex() for name in PURPOSES
        }
        bundle = {"box_id": claimed.box_id.hex(), "key_id": claimed.key_id, "keys": keys}
        return Box({**bundle, "epoch": claimed.journal_epoch}, self.send)

    def post(self, raw):
        return self.box_client.post("/box/v1/sync", content=raw)

    def send(self, raw):
        answer = self.post(raw)
        assert answer.status_code == 200, answer.text
        return answer.content

    def _fill(self, tx):
        now = self.now
        self.town = fleet.add_organisation(tx, now, "Ville")
        self.agglo = fleet.add_organisation(tx, now, "Agglomération")
        self.pool = fleet.add_pool(tx, self.town, "Partagés")
        self.other_pool = fleet.add_pool(tx, self.agglo, "Partagés")
        self.site = fleet.add_site(tx, self.town, "Mairie", 472_735_000, -22_137_000, 150)
        self.station = fleet.add_site(tx, self.town, "Gare", 472_860_000, -22_110_000, 150)
        common = {"make": "Renault", "energy": "petrol", "seats": 5, "tank_ml": 42_000}
        self.car = fleet.add_vehicle(
            tx, organisation_id=self.town, pool_id=self.pool, site_id=self.site, registration="AA-101-AA",
            model="Clio", interlock_kind="starter_wire", key_holder_fitted=1, **common,
        )  # fmt: skip
        self.car_2 = fleet.add_vehicle(
            tx, organisation_id=self.town, pool_id=self.pool, site_id=self.site, registration="BB-202-BB",
            model="Twingo", interlock_kind="none", **common,
        )  # fmt: skip
        self.car_3 = fleet.add_vehicle(
            tx, organisation_id=self.agglo, pool_id=self.other_pool, site_id=self.station,
            registration="CC-303-CC", model="Zoe", interlock_kind="fob_supply", **common,
        )  # fmt: skip
        self.anne = self._person(tx, self.town, "1001", "Anne", "Morin", ANNE_UID)
        self.bob = self._person(tx, self.town, "1002", "Bob", "Le Gall", BOB_UID)
        self.cora = self._person(tx, self.agglo, "2001", "Cora", "Huet", CORA_UID)

    def _person(self, tx, organisation_id, staff_number, given_name, family_name, uid):
        person_id = people.add_person(
            tx, self.now, organisation_id=organisation_id, staff_number=staff_number,
            given_name=given_name, family_name=family_name,
        )  # fmt: skip
        people.add_badge(tx, self.now, self.cloud.keyring, self.cloud.entropy, person_id, uid)
        return person_id
