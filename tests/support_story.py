"""The world of the story: a town, one car with its box, the real cloud on loopback TLS, in virtual time."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import struct
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from box.drivers.indicator import get_pattern
from glovebox.accounts import roles
from glovebox.accounts import service as accounts
from glovebox.accounts.passwords import hash_password
from glovebox.boxes import service as boxes
from glovebox.config import Config
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.scope import SYSTEM
from glovebox.serving import Server
from glovebox_sim import route as routes
from glovebox_sim import speed_trace
from glovebox_sim.car_powertrain import PETROL_CAR
from glovebox_sim.recorder import Recorder
from glovebox_sim.simulation import Simulation
from glovebox_sim.world import CarWorld

KINDS = json.loads((Path(__file__).parent / "vectors" / "codes.json").read_text())["record"]
VITAL_KINDS = frozenset(code for code in KINDS.values() if code < 32)
MINUTE = 60
START_AT = 1_773_126_000
"""Tuesday 2026-03-10, 07:00 UTC: 8 in the morning in Saint-Nazaire."""
TOWN_HALL = (47.2735, -2.2137)
STATION = (47.2862, -2.2116)
REGISTRATION = "GB-101-NZ"
PASSWORD = "a long enough password"
WLTC = Path(__file__).parents[2] / "shared" / "data" / "cycles" / "wltc_class3b.txt"
SHORTEST_STOP_S = 3
FRAMES_THAT_TELL = 3
"""So many first frames of a pattern tell it from every other, but for refusals, which begin alike."""


def find_trace() -> speed_trace.SpeedTrace:
    """WLTC class 3b where the recordings are at hand, else our own town trace driven as far."""
    if WLTC.is_file():
        return speed_trace.load(WLTC)
    return speed_trace.town().ending_after(23_266)


def rest_of(route: routes.Route, after_m: float) -> routes.Route:
    """The route from a point on the way to its end."""
    here = route.at(after_m)
    done = 0.0
    points = [(here.lat, here.lon)]
    for a, b in zip(route.points, route.points[1:], strict=False):
        done += routes.metres_between(a, b)
        if done > after_m:
            points.append(b)
    return routes.Route(f"rest of {route.name}", points)


class Person:
    """Someone of the town, with a badge and a login."""

    def __init__(self, given_name: str, family_name: str, staff_number: str, uid: str) -> None:
        self.given_name, self.family_name, self.staff_number = given_name, family_name, staff_number
        self.uid = bytes.fromhex(uid)
        self.client: httpx.Client | None = None


class StoryWorld:
    """Everything there is. `alice`, `bob` and `carol` drive, `stranger` is a card nobody knows."""

    def __init__(self, directory: Path, seed: int = 1, firmware: Path | None = None) -> None:
        self.trace = find_trace()
        self.alice = Person("Alice", "Morin", "A-1001", "04A1B2C3D4E5F6")
        self.bob = Person("Bob", "Le Gall", "A-1002", "B2565401")
        self.carol = Person("Carole", "Huet", "A-1003", "04112233445566")
        self.stranger = bytes.fromhex("0455667788AABB")
        self.began_at = time.monotonic()
        self.sim = Simulation(seed=seed, start_at=START_AT)
        self.recorder = Recorder(directory / "run.sqlite")
        self.sim.on_event.append(self.recorder.event)
        self.frames: list[tuple[float, int]] = []
        self.relay_moves = 0
        self.sim.on_event.append(self._note)
        self.config = Config(directory / "cloud", web_port=0, box_port=0)
        self.server = Server(self.config, clock=self.sim.clock)
        self.server.start()
        self.cloud = self.server.apps.cloud
        self.web = f"http://127.0.0.1:{self.server.web_port}"
        self.sim.add_hold(self._cloud_is_busy)
        self._seed()
        self.box = self.sim.add_box(
            REGISTRATION,
            directory=directory / "box",
            cloud=("127.0.0.1", self.server.box_port),
            time_port=self.server.web_port,
            firmware=firmware,
        )
        self.world = CarWorld(self.sim, self.box, spec=PETROL_CAR, at=TOWN_HALL)
        self.car = self.world.car
        self.bundle = self._claim()
        self.box.provision(self.bundle)

    def restart_cloud(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """The cloud is stopped, and served anew on the same ports; `meanwhile` acts on its directory."""
        self.server.stop()
        meanwhile()
        ports = {"web_port": self.server.web_port, "box_port": self.server.box_port}
        self.server = Server(Config(self.config.directory, **ports), clock=self.sim.clock)
        self.server.start()
        self.cloud = self.server.apps.cloud

    def close(self) -> None:
        self.world.close()
        self.sim.close()
        self.server.stop()
        self.recorder.close()

    # -- what was there before ---------------------------------------------------------------------
    def _seed(self) -> None:
        now = int(self.sim.now)
        keyring, entropy = self.cloud.keyring, self.cloud.entropy

        def seed(tx):
            town = fleet.add_organisation(tx, now, "Ville de Saint-Nazaire")
            pool = fleet.add_pool(tx, town, "Centre")
            site = fleet.add_site(tx, town, "Hôtel de Ville", *TOWN_HALL_E7, 150)
            fleet.add_site(tx, town, "Gare", *STATION_E7, 150)
            self.vehicle = fleet.add_vehicle(
                tx, organisation_id=town, pool_id=pool, site_id=site, registration=REGISTRATION,
                make="Renault", model="Clio", energy="petrol", seats=5, interlock_kind="starter_wire",
                key_holder_fitted=1, tank_ml=PETROL_CAR.tank_ml,
            )  # fmt: skip
            for person in (self.alice, self.bob, self.carol):
                person.id = people.add_person(
                    tx, now, organisation_id=town, staff_number=person.staff_number,
                    given_name=person.given_name, family_name=person.family_name,
                )  # fmt: skip
                people.add_badge(tx, now, keyring, entropy, person.id, person.uid)
                accounts.set_password(tx, now, person.id, hash_password(PASSWORD))

        self.cloud.writer.run(seed)

    def _claim(self) -> dict:
        now = int(self.sim.now)
        token = self.cloud.writer.run(
            lambda tx: boxes.add_claim_token(
                tx, now, SYSTEM, self.cloud.keyring, self.cloud.entropy, self.vehicle
            )
        )
        answer = httpx.post(
            f"https://localhost:{self.server.box_port}/box/v1/claim",
            json={"token": token, "hardware_id": "story"},
            verify=str(self.config.tls_directory / "ca.pem"),
        )
        answer.raise_for_status()
        return answer.json() | {"wifi": [{"ssid": "mairie", "password": "a town's network"}]}

    def let_in_manager(self, person: Person, language: str = "en") -> httpx.Client:
        """The person becomes a manager of the town; a window on the pages, logged in."""

        def grant(tx):
            town = people.get_person(tx, SYSTEM, person.id).organisation_id
            roles.grant_role(tx, person.id, "manager", organisation_id=town)

        self.cloud.writer.run(grant)
        cookies = self._client(person).cookies
        return httpx.Client(
            base_url=self.web, cookies=cookies, headers={"Accept-Language": language}, timeout=30
        )

    # -- time and what is seen ---------------------------------------------------------------------
    @property
    def now(self) -> int:
        return int(self.sim.now)

    def say(self, text: str) -> None:
        print(f"{self.sim.now - START_AT:9.1f} s  {text}  [{time.monotonic() - self.began_at:.0f} s real]")

    def run(self, seconds: float) -> None:
        self.sim.run_for(seconds)

    def wait(self, is_reached, timeout_s: float, what: str) -> None:
        """Let time pass until it is true. What lies in the database is looked at once a virtual second."""
        deadline = self.sim.now + timeout_s
        while not is_reached():
            assert self.sim.now < deadline, f"not within {timeout_s} s: {what}\n{self._trouble()}"
            self.sim.run_for(min(0.1 if timeout_s <= 10 else 1.0, max(deadline - self.sim.now, 0.001)))
        self.say(what)

    def _trouble(self) -> str:
        shown = [f"{t - self.sim.now:8.3f} s ring {mask:08b}" for t, mask in self.frames[-20:]]
        return "\n".join(self.box.console[-40:] + shown)

    def _cloud_is_busy(self) -> bool:
        return bool(self.cloud.writer.waiting)

    def _note(self, t: float, _box: str, source: str, name: str, data: dict) -> None:
        if source == "light":
            self.frames.append((t, sum(1 << pixel for pixel, rgb in enumerate(data["pixels"]) if any(rgb))))
        elif source == "relay" and name == "contact":
            self.relay_moves += 1

    def played(self, pattern: str, since: float, frames: int = FRAMES_THAT_TELL) -> bool:
        """Whether the ring has shown the pattern's shapes one after the other; a refusal to its end."""
        _colour, rounds, steps = get_pattern(pattern)
        expected = _without_repeats([shape for shape, _tone, _ms in steps] * rounds)
        seen = _without_repeats([0, *(mask for t, mask in self.frames if t >= since)])
        if expected[0] != 0xAA:
            expected = expected[:frames]
        return any(seen[i : i + len(expected)] == expected for i in range(len(seen)))

    def tap(self, uid: bytes, seconds: float = 0.8) -> float:
        self.world.tap(uid, seconds)
        return self.sim.now

    @property
    def contact(self) -> str:
        return self.box.board.relay.contact

    def count_relay_moves(self) -> int:
        return self.relay_moves

    # -- the way -----------------------------------------------------------------------------------
    def stop_on_the_way(self) -> tuple[float, float]:
        """(from, until) of a stop in the second half of the trace."""
        stops = [s for s in self.trace.stops_s() if s[0] > 600 and s[1] < self.trace.duration_s - 100]
        return next(s for s in stops if s[1] - s[0] >= SHORTEST_STOP_S)

    def loop_home(self) -> routes.Route:
        here = self.car.place
        return routes.find("town_loop").starting_at(here.lat, here.lon).fitted(self.trace.total_m)

    # -- the cloud, as people and the console see it -----------------------------------------------
    def _client(self, person: Person) -> httpx.Client:
        if person.client is None:
            person.client = httpx.Client(
                base_url=f"http://127.0.0.1:{self.server.web_port}/api/v1", timeout=30
            )
            answer = person.client.post(
                "/session", json={"identifier": person.staff_number, "password": PASSWORD}
            )
            answer.raise_for_status()
        return person.client

    def book(self, person: Person, starts_at: int, ends_at: int) -> int:
        """Reserve. Virtual time stands still until the cloud has told a car whose link is open."""
        told = self.box.network.bytes_down
        answer = self._client(person).post(
            "/reservations", json={"vehicle_id": self.vehicle, "starts_at": starts_at, "ends_at": ends_at}
        )
        assert answer.is_success, answer.text
        if self.is_linked() and self.box.network.is_up:
            _until(lambda: self.box.network.bytes_down > told, "the cloud tells the car")
        return answer.json()["id"]

    def reservation(self, person: Person, reservation: int) -> dict:
        answer = self._client(person).get(f"/reservations/{reservation}")
        assert answer.is_success, answer.text
        return answer.json()

    def car_knows(self, person: Person, reservation: int) -> bool:
        return self.reservation(person, reservation)["car_knows"]

    def live(self):
        with self.cloud.store.read() as tx:
            live = boxes.list_live(tx, [self.vehicle])[self.vehicle]
        return live

    def is_linked(self) -> bool:
        return self.vehicle in self.cloud.hub.linked()

    def finished_trips(self, person: Person) -> list[dict]:
        answer = self._client(person).get("/trips")
        assert answer.is_success, answer.text
        return [trip for trip in answer.json() if trip["ended_at"] is not None]

    def _rows(self, sql: str, *arguments) -> list[tuple]:
        with sqlite3.connect(f"file:{self.config.directory / 'glovebox.sqlite'}?mode=ro", uri=True) as db:
            return db.execute(sql, arguments).fetchall()

    def records(self) -> list[tuple[int, int, int, bytes]]:
        return self._rows("select epoch, ring, sequence, slot from records order by epoch, ring, sequence")

    def count_records(self, kind: str) -> int:
        return self._rows("select count(*) from records where kind = ?", KINDS[kind])[0][0]

    def count_vital(self) -> int:
        return self._rows("select count(*) from records where ring = 1")[0][0]

    def is_told(self) -> bool:
        """Whether the chip holds no vital record that goes on from the cloud's last, by its own seal."""
        last = self._rows(
            "select epoch, sequence, slot from records where ring = 1 order by 1 desc, 2 desc limit 1"
        )
        if not last:
            return False
        epoch, sequence, slot = last[0]
        board = self.box.board
        offset, size = next(row[2:4] for row in board.partitions if row[4] == "vital")
        image = bytes(board.flash.memory[offset : offset + size])
        following = struct.pack("<I", sequence + 1)
        return not any(
            image[at + 4 : at + 8] == following and self._is_sealed(1, epoch, slot[48:], image[at : at + 64])
            for at in range(0, size, 64)
        )

    def _is_sealed(self, ring: int, epoch: int, before: bytes, slot: bytes) -> bool:
        """Whether `slot` is chained to the record whose seal is `before`; computed here anew."""
        box_id = bytes.fromhex(self.bundle["box_id"])
        key = bytes.fromhex(self.bundle["keys"]["journal"])
        chained = before + box_id + struct.pack("<BI", ring, epoch) + slot[:48]
        return slot[48:] == hmac.new(key, chained, hashlib.sha256).digest()[:16]

    def all_acknowledged(self) -> bool:
        """Whether the cloud has all the vital records that the box wrote, and the car is parked."""
        return self.is_told() and not self.box.network.is_held() and self.live().state == "parked"

    # -- checks ------------------------------------------------------------------------------------
    def check_journal_whole(self) -> None:
        """Every record once, in order, without gaps, each chained to the one before; computed here anew."""
        last: dict[tuple[int, int], tuple[int, bytes]] = {}
        for epoch, ring, sequence, slot in self.records():
            before, mac = last.get((epoch, ring), (0, bytes(16)))
            assert sequence == before + 1, f"ring {ring}: record {sequence} after {before}"
            assert self._is_sealed(ring, epoch, mac, slot), f"broken at {sequence}"
            assert struct.unpack_from("<I", slot, 4)[0] == sequence
            last[epoch, ring] = sequence, slot[48:]
        assert {ring for _epoch, ring in last} >= {1}

    def check_no_position_is_stored(self) -> None:
        """No session's end away from its places, so no coordinate at all."""
        for _epoch, _ring, _sequence, slot in self.records():
            if slot[0] == KINDS["session_end"]:
                assert struct.unpack_from("<ii", slot, 12 + 28) == (0x7FFFFFFF, 0x7FFFFFFF)
        for table, column in self._rows(
            "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'"
        ):
            if ("lat" in column or "lon" in column) and table not in ("sites",) and column.endswith("_e7"):
                assert self._rows(f'select count("{column}") from "{table}"') == [(0,)], f"{table}.{column}"


class QuietWorld(StoryWorld):
    """The same without the lines that tell a reader of the story how far it is."""

    def say(self, text: str) -> None:
        pass


TOWN_HALL_E7 = tuple(round(x * 1e7) for x in TOWN_HALL)
STATION_E7 = tuple(round(x * 1e7) for x in STATION)


def _until(is_reached, what: str, limit_s: float = 20) -> None:
    """Wait in real time for another thread of this process."""
    deadline = time.monotonic() + limit_s
    while not is_reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.001)


def _without_repeats(shapes: list[int]) -> list[int]:
    return [s for i, s in enumerate(shapes) if i == 0 or s != shapes[i - 1]]
