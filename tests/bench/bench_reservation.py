"""Figure `reservation_to_box_s_p95`: a reservation answered, until the parked car knows it. Real time.

The real firmware in its own MicroPython process on the machine's clock, the real cloud over loopback TLS;
the link is up (mode ready). The clock starts when the booking's HTTP answer is there and stops when the
reservation says that the car has acknowledged it durably; it is asked every five milliseconds. Flash and
byte code run at the host's speed, not at the board's, and the network is loopback: what is measured is the
way through the programs. Prints one JSON object.
"""

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import httpx
from support_bench import percentile, tell

RESERVATIONS = 60
ASK_EVERY_S = 0.005
GIVE_UP_S = 20.0
PASSWORD = "un mot de passe de banc"
REGISTRATION = "AB-123-CD"


def seed(cloud, now: int) -> int:
    """One car, one driver who may log in; returns the car's id."""
    from glovebox.accounts import service as accounts
    from glovebox.accounts.passwords import hash_password
    from glovebox.fleet import service as fleet
    from glovebox.people import service as people

    def job(tx):
        town = fleet.add_organisation(tx, now, "Ville")
        pool = fleet.add_pool(tx, town, "Centre")
        site = fleet.add_site(tx, town, "Mairie", 472_735_000, -22_137_000, 150)
        car = fleet.add_vehicle(
            tx, organisation_id=town, pool_id=pool, site_id=site, registration=REGISTRATION, make="Renault",
            model="Clio", energy="petrol", seats=5, interlock_kind="starter_wire", key_holder_fitted=1,
            tank_ml=42_000,
        )  # fmt: skip
        person = people.add_person(
            tx, now, organisation_id=town, staff_number="A-1001", given_name="Alice", family_name="Morin"
        )
        people.add_badge(tx, now, cloud.keyring, cloud.entropy, person, bytes.fromhex("04A1B2C3D4E5F6"))
        accounts.set_password(tx, now, person, hash_password(PASSWORD))
        return car

    return int(cloud.writer.run(job))


def claim(server, config, car: int) -> dict:
    """The box's bundle, by the endpoint that the installer's tool uses."""
    from glovebox.boxes import service as boxes
    from glovebox.scope import SYSTEM

    cloud = server.apps.cloud
    token = cloud.writer.run(
        lambda tx: boxes.add_claim_token(tx, cloud.now(), SYSTEM, cloud.keyring, cloud.entropy, car)
    )
    answer = httpx.post(
        f"https://localhost:{server.box_port}/box/v1/claim",
        json={"token": token, "hardware_id": "bench"},
        verify=str(config.tls_directory / "ca.pem"),
    )
    answer.raise_for_status()
    return answer.json() | {"wifi": [{"ssid": "mairie", "password": "a town's network"}]}


def measure(client: httpx.Client, car: int) -> list[float]:
    """Seconds of each reservation."""
    waits = []
    now = int(time.time())
    for number in range(RESERVATIONS):
        starts_at = now + 86_400 + number * 7_200
        answer = client.post(
            "/reservations", json={"vehicle_id": car, "starts_at": starts_at, "ends_at": starts_at + 3_600}
        )
        begin = time.perf_counter()
        answer.raise_for_status()
        path = f"/reservations/{answer.json()['id']}"
        while not client.get(path).json()["car_knows"]:
            if time.perf_counter() - begin > GIVE_UP_S:
                raise RuntimeError(f"the car does not know reservation {number} after {GIVE_UP_S} s")
            time.sleep(ASK_EVERY_S)
        waits.append(time.perf_counter() - begin)
    return waits


def wait_for_link(cloud, car: int) -> None:
    """Until the box's link is up and it holds what there is."""
    deadline = time.monotonic() + 120
    while car not in cloud.hub.linked():
        if time.monotonic() > deadline:
            raise RuntimeError("the box does not connect")
        time.sleep(0.1)
    time.sleep(3)  # its greeting: settings and the first set


def main() -> None:
    """Print the figure."""
    from glovebox.config import Config
    from glovebox.serving import Server
    from glovebox_sim.simulation import Simulation

    with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
        config = Config(Path(directory, "cloud"), web_port=0, box_port=0)
        server = Server(config)
        server.start()
        sim = Simulation(start_at=int(time.time()), real_time=True)
        runner = threading.Thread(target=sim.run_forever, daemon=True)
        try:
            car = seed(server.apps.cloud, int(time.time()))
            box = sim.add_box(
                REGISTRATION,
                directory=Path(directory, "box"),
                cloud=("127.0.0.1", server.box_port),
                time_port=server.web_port,
            )
            box.provision(claim(server, config, car))
            runner.start()
            box.power_on()
            wait_for_link(server.apps.cloud, car)
            with httpx.Client(base_url=f"http://127.0.0.1:{server.web_port}/api/v1", timeout=30) as client:
                login = {"identifier": "A-1001", "password": PASSWORD}
                client.post("/session", json=login).raise_for_status()
                waits = measure(client, car)
        finally:
            sim.stop()
            runner.join()
            sim.close()
            server.stop()
    tell(f"reservation to box: median {percentile(waits, 50):.3f} s, highest {max(waits):.3f} s")
    print(json.dumps({"reservation_to_box_s_p95": round(percentile(waits, 95), 3)}))


if __name__ == "__main__":
    main()
