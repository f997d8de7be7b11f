"""A small town for one seed: cars with their boxes, people with badges, the real cloud in this process.

What costs time is made once a process, as a template: the migrated database with the town in it, and each
box's flash as the firmware's own provisioning left it. A seed copies both.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from glovebox.boxes import service as boxes
from glovebox.clock import DAY_S
from glovebox.fleet import service as fleet
from glovebox.keys import PURPOSES
from glovebox.link import settings
from glovebox.people import service as people
from glovebox.scope import SYSTEM
from glovebox_sim.car_powertrain import PETROL_CAR
from glovebox_sim.process import FIRMWARE_DIRECTORY
from glovebox_sim.simulation import Simulation
from glovebox_sim.world import CarWorld
from glovebox_tools.firmware_build import build

from seeds.cloud_in_process import BOX_PORT, TIME_PORT, CloudInProcess

TEMPLATE_AT = 1_773_126_000
"""Tuesday 2026-03-10, 07:00 UTC."""
TOWN_HALL = (47.2735, -2.2137)
SITE_RADIUS_M = 60
"""A small yard: half a minute's drive is elsewhere."""
REGISTRATIONS = ("GB-101-NZ", "GB-102-NZ")
UIDS = {
    "alice": "04A1B2C3D4E5F6",
    "bob": "B2565401",
    "carol": "04112233445566",
    "dan": "0499887766AABB",  # a fitter
    "eve": "0455667788AABB",  # a card nobody knows
}
CA_PATH = Path(__file__).with_name("ca.pem")
"""A certificate authority that signs nothing: no TLS is spoken, but a box is provisioned with one, and a
new one each time would have another length."""
FORGOTTEN_S, ENDING_S = 45, 20
"""A busy town's settings: a session's end may be taken back for 20 s, so that a life sees sessions end."""
settings._SECONDS = (*settings._SECONDS[:3], FORGOTTEN_S, settings._SECONDS[4], ENDING_S)
RIGHTS = """(select vehicle_id, badge_id, authorisation_id, version, starts_at, ends_at, is_removed
from authorisations union all
select a.vehicle_id, p.badge_id, p.authorisation_id, p.version, p.starts_at, p.ends_at, p.is_removed
from pool_authorisations p join authorisation_versions a on a.pool_id = p.pool_id)"""
"""What each car's box should hold, as a table of SQL: the car's reservations and its pool's rights."""
FOREVER_S = 40 * 365 * DAY_S
FRAMES_PER_S = 60.0
"""On the car's own bus: enough for the fifty clean frames that rule S5 waits for."""


class Template:
    """What every seed begins with. `firmware` and its boxes are provisioned once."""

    def __init__(self, firmware: Path | None = None) -> None:
        base = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self._scratch = tempfile.TemporaryDirectory(prefix="gbx-seeds-", dir=base)
        self.directory = Path(self._scratch.name)
        # As a board has it: compiled, executed in place. What is edited while seeds run changes none of them.
        build(firmware or FIRMWARE_DIRECTORY, self.directory / "firmware")
        self.firmware = self.directory / "firmware.romfs"
        mpremote = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy", "-o", str(self.firmware)]
        subprocess.run(
            [*mpremote, "build", str(self.directory / "firmware")], check=True, stdout=subprocess.DEVNULL
        )
        self.vehicles: dict[str, int] = {}
        self.people: dict[str, int] = {}
        self.pool = 0
        self.box_keys: dict[str, dict[str, Any]] = {}
        with Simulation(seed=0, start_at=TEMPLATE_AT) as sim:
            cloud = CloudInProcess(sim, self.directory / "cloud")
            cloud.run(lambda tx: self._found(tx, cloud))
            for registration in REGISTRATIONS:
                self._provision(sim, cloud, registration)
            cloud.stop()

    def close(self) -> None:
        self._scratch.cleanup()

    def _found(self, tx: Any, cloud: CloudInProcess) -> None:
        now = TEMPLATE_AT
        town = fleet.add_organisation(tx, now, "Ville")
        self.pool = fleet.add_pool(tx, town, "Centre")
        site = fleet.add_site(tx, town, "Mairie", *(round(x * 1e7) for x in TOWN_HALL), SITE_RADIUS_M)
        for registration in REGISTRATIONS:
            self.vehicles[registration] = fleet.add_vehicle(
                tx, organisation_id=town, pool_id=self.pool, site_id=site, registration=registration,
                make="Renault", model="Clio", energy="petrol", seats=5, interlock_kind="starter_wire",
                key_holder_fitted=1, tank_ml=PETROL_CAR.tank_ml,
            )  # fmt: skip
        for name, uid in UIDS.items():
            if name == "eve":
                continue
            self.people[name] = people.add_person(
                tx, now, organisation_id=town, staff_number=name, given_name=name.title(), family_name="T"
            )
            people.add_badge(
                tx, now, cloud.cloud.keyring, cloud.entropy, self.people[name], bytes.fromhex(uid)
            )
        people.add_standing_right(tx, now, self.people["dan"], self.pool, "service", now, now + FOREVER_S)

    def _provision(self, sim: Simulation, cloud: CloudInProcess, registration: str) -> None:
        now, keyring, vehicle = TEMPLATE_AT, cloud.cloud.keyring, self.vehicles[registration]
        token = cloud.run(lambda tx: boxes.add_claim_token(tx, now, SYSTEM, keyring, cloud.entropy, vehicle))
        claimed = cloud.run(lambda tx: boxes.claim(tx, now, keyring, cloud.entropy, token, registration))
        version, packed = cloud.run(lambda tx: settings.read_settings(tx, vehicle))
        ca = x509.load_pem_x509_certificate(CA_PATH.read_bytes())
        bundle = {
            "box_id": claimed.box_id.hex(),
            "key_id": claimed.key_id,
            "keys": {p: keyring.box_key(claimed.box_id, claimed.key_id, p).hex() for p in PURPOSES},
            "epoch": claimed.journal_epoch,
            "cloud_host": "cloud",
            "cloud_port": BOX_PORT,
            "time_port": TIME_PORT,
            "ca_der": base64.b64encode(ca.public_bytes(Encoding.DER)).decode(),
            "store_epoch": cloud.cloud.store_epoch,
            "settings": base64.b64encode(version.to_bytes(4, "little") + packed).decode(),
            "wifi": [{"ssid": "mairie", "password": "a town's network"}],
        }
        self.box_keys[registration] = {"box_id": claimed.box_id, "pk": claimed.box_pk, **bundle["keys"]}
        box = sim.add_box(registration, directory=self.directory / registration, firmware=self.firmware)
        box.provision(bundle)


class CarSide:
    """One car of a seed: its world, its box, its numbers in the cloud."""

    def __init__(self, town: Town, registration: str) -> None:
        template = town.template
        self.name = registration
        self.vehicle = template.vehicles[registration]
        self.keys = template.box_keys[registration]
        directory = town.directory / registration
        shutil.copytree(template.directory / registration, directory)
        self.box = town.sim.add_box(
            registration,
            directory=directory,
            cloud=("cloud", BOX_PORT),
            time_port=TIME_PORT,
            firmware=template.firmware,
            server=town.cloud,
        )
        self.world = CarWorld(town.sim, self.box, spec=PETROL_CAR, at=TOWN_HALL, frames_per_s=FRAMES_PER_S)
        self.car = self.world.car
        self.network: Any = self.box.network


class Town:
    """Everything of one seed. `cars` are powered by whoever plays."""

    def __init__(self, template: Template, seed: int, start_at: int, count: int) -> None:
        self.template = template
        self.seed = seed
        self.directory = template.directory / f"seed-{seed}"
        self.directory.mkdir()
        self.sim = Simulation(seed=seed, start_at=start_at)
        shutil.copytree(template.directory / "cloud", self.directory / "cloud")
        self.cloud = CloudInProcess(self.sim, self.directory / "cloud")
        self.cars = [CarSide(self, registration) for registration in REGISTRATIONS[:count]]
        self.people = template.people
        self.uids = {name: bytes.fromhex(uid) for name, uid in UIDS.items()}

    @property
    def now(self) -> int:
        return int(self.sim.now)

    def close(self) -> None:
        if self.cloud.apps is not None:
            self.cloud.stop()
        self.cloud.close_books()
        for side in self.cars:
            side.world.close()
        self.sim.close()
        shutil.rmtree(self.directory, ignore_errors=True)
