"""Run the product on this machine: the cloud with a seeded fleet, three simulated cars, the bench page.

Everything is started as an operator would start it, by the programs' own commands; all state lies in one
directory that each start makes anew. Ctrl-C ends all of it.
"""

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from glovebox_tools.box.board import BoardError
from glovebox_tools.box.claim import fetch_claim

BIN = Path(sys.executable).parent
START_LIMIT_S = 120.0
"""Longest wait for a program to answer; the three boxes are provisioned one after the other."""
STOP_LIMIT_S = 15.0
TAIL_LINES = 30
WIFI = [{"ssid": "Glovebox demo", "password": "any network is there"}]


class DemoError(RuntimeError):
    """Something did not start; the message says what and shows the end of its log."""


class Program:
    """One of the demo's processes with its log."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("wb") as output:
            # A group of its own: Ctrl-C in the terminal reaches only the demo, which ends all in order.
            self.process = subprocess.Popen(
                arguments, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip

    def tail(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])

    def wait_for(self, url: str) -> None:
        """Until it answers. Raises DemoError where it ends or stays silent."""
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise DemoError(f"{self.name} has ended:\n{self.tail()}")
            try:
                if httpx.get(url, timeout=2, trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise DemoError(f"{self.name} does not answer at {url}:\n{self.tail()}")

    def stop(self) -> None:
        """As Ctrl-C would end it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def choose_port(wanted: int) -> int:
    """The wanted port, or a free one where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("no free port on this machine")


def run(arguments: list[str]) -> str:
    """A command to its end; its output. Raises DemoError with what it said."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"{' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Demo:
    """The running demo. `seeded` is what the seed tells: logins, badges, which cars are simulated."""

    def __init__(self, directory: Path, web_port: int, box_port: int, bench_port: int) -> None:
        self.directory = directory
        self.web_port, self.box_port, self.bench_port = web_port, box_port, bench_port
        self.cloud_directory = directory / "cloud"
        self.programs: list[Program] = []
        self.seeded: dict[str, Any] = {}

    @property
    def web(self) -> str:
        """The console's address."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def bench(self) -> str:
        """The bench page's address."""
        return f"http://127.0.0.1:{self.bench_port}"

    def start(self) -> None:
        """Seed, serve, claim a box for each simulated car, start the cars. Raises DemoError, BoardError."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        say("filling a fleet of 66 cars with a year of reservations and trips ...")
        self.seeded = json.loads(run([*self._glovebox(), "seed", "--json"]))
        say("starting the cloud ...")
        cloud = self._start_program(
            "cloud",
            [*self._glovebox(), "serve", "--web-port", str(self.web_port), "--box-port", str(self.box_port)],
        )
        cloud.wait_for(f"{self.web}/healthz")
        say("claiming a box for each of three cars ...")
        (self.directory / "bench.json").write_text(json.dumps(self._bench_file(), indent=1))
        say("starting the cars ...")
        cars = self._start_program(
            "cars",
            [str(BIN / "glovebox-sim"), "bench", "--file", str(self.directory / "bench.json"),
             "--port", str(self.bench_port)],
        )  # fmt: skip
        cars.wait_for(self.bench)

    def stop(self) -> None:
        """The cars first, so that the cloud hears them out."""
        for program in reversed(self.programs):
            program.stop()

    def watch(self) -> None:
        """Until Ctrl-C. Raises DemoError where one of the programs ends by itself."""
        while True:
            for program in self.programs:
                if program.process.poll() is not None:
                    raise DemoError(f"{program.name} has ended:\n{program.tail()}")
            time.sleep(0.5)

    def _glovebox(self) -> list[str]:
        return [str(BIN / "glovebox"), "--directory", str(self.cloud_directory)]

    def _start_program(self, name: str, arguments: list[str]) -> Program:
        program = Program(name, arguments, self.directory / f"{name}.log")
        self.programs.append(program)
        return program

    def _bench_file(self) -> dict[str, Any]:
        seeded = self.seeded
        places = self._places()
        stands = {place["name"]: [place["lat"], place["lon"]] for place in places}
        cars = []
        for registration in seeded["simulated"]:
            token = run([*self._glovebox(), "box", "claim-token", registration]).split()[0]
            claim = fetch_claim(
                f"https://localhost:{self.box_port}", token, f"demo {registration}",
                self.cloud_directory / "tls" / "ca.pem",
            )  # fmt: skip
            bundle = {**claim.bundle, "wifi": WIFI}
            directory = str((self.directory / "cars" / registration).resolve())
            at = stands[bundle["vehicle"]["site"]]
            cars.append({"name": registration, "directory": directory, "bundle": bundle, "at": at})
        cards = [
            {"uid": seeded[who]["uid"], "name": seeded[who]["name"], "note": seeded[who]["identifier"]}
            for who in ("driver", "second_driver", "manager")
        ]
        stranger = {"en": "A stranger", "fr": "Un inconnu"}
        note = {"en": "in nobody's list", "fr": "sur aucune liste"}
        cards.append({"uid": seeded["stranger_uid"], "name": stranger, "note": note})
        return {"cars": cars, "cards": cards, "places": places, "links": {"Glovebox": self.web}}

    def _places(self) -> list[dict[str, Any]]:
        with httpx.Client(base_url=f"{self.web}/api/v1", timeout=30, trust_env=False) as client:
            who = {name: self.seeded["driver"][name] for name in ("identifier", "password")}
            client.post("/session", json=who).raise_for_status()
            sites = client.get("/sites").raise_for_status().json()
        return [{"name": s["name"], "lat": s["lat_e7"] / 1e7, "lon": s["lon_e7"] / 1e7} for s in sites]


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


@contextmanager
def running(demo: Demo) -> Iterator[Demo]:
    """Started; ended in the end, whatever happens."""
    # A shell's background job ignores SIGINT and its children would inherit that: they end by it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        demo.start()
        yield demo
    finally:
        demo.stop()


def describe(demo: Demo) -> str:
    """What to open and who to be."""
    driver, manager = demo.seeded["driver"], demo.seeded["manager"]
    return f"""
Glovebox is running.

  reserve a car, see the fleet   {demo.web}
      driver     {driver["identifier"]}   password {driver["password"]}   ({driver["name"]})
      manager    {manager["identifier"]}   password {manager["password"]}   ({manager["name"]})
  hold a badge, drive, break     {demo.bench}
      cars       {", ".join(demo.seeded["simulated"])}

Reserve one of these cars as the driver, then hold the driver's card to its windscreen on the bench.
Ctrl-C ends everything. State and logs: {demo.directory}
"""


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `make demo`."""
    parser = argparse.ArgumentParser(prog="demo", description="Run Glovebox on this machine, to try it.")
    parser.add_argument("--directory", type=Path, default=Path(".demo"), help="made anew (default .demo)")
    parser.add_argument("--web-port", type=int, default=8000, help="another is chosen where it is taken")
    parser.add_argument("--box-port", type=int, default=8443, help="the same")
    parser.add_argument("--bench-port", type=int, default=8100, help="the same")
    asked = parser.parse_args(arguments)
    ports = [choose_port(port) for port in (asked.web_port, asked.box_port, asked.bench_port)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(Demo(asked.directory, *ports)) as demo:
            say(describe(demo))
            demo.watch()
    except KeyboardInterrupt:
        say("\nended")
        return 0
    except (DemoError, BoardError, httpx.HTTPError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
