"""A whole bench: simulation in real time, cars, CAN doors, recording, web page; started and stopped
together."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from ..cli_fleet import add_car
from ..ecu_gateway import SocketCanServer
from ..recorder import Recorder
from ..simulation import Simulation
from ..world import CarWorld
from .server import Bench, BenchServer


class BenchSession:
    """Use as a context manager. `address` is the page's; `can_ports` holds each car's socketcand port.

    `wanted` is a bench file's content (see `cli_fleet`). Provisioning happens in `start`, before the page
    is served.
    """

    def __init__(
        self,
        wanted: dict[str, Any],
        *,
        beside: Path | None = None,
        port: int = 0,
        seed: int = 1,
        traces: Path | None = None,
        record: Path | None = None,
    ) -> None:
        self._wanted = wanted
        self._beside = beside
        self._port = port
        self._traces = traces
        self._record = record
        self.sim = Simulation(seed=seed, start_at=int(time.time()), real_time=True)
        self.worlds: list[CarWorld] = []
        self.can_ports: dict[str, int] = {}
        self.address = ""
        self._doors: list[SocketCanServer] = []
        self._runner: threading.Thread | None = None
        self._server: BenchServer | None = None
        self._bench: Bench | None = None
        self._recorder: Recorder | None = None

    def start(self) -> str:
        """Answers the page's address."""
        for car in self._wanted["cars"]:
            self.worlds.append(add_car(self.sim, car, self._traces, self._beside))
        for world in self.worlds:
            door = SocketCanServer(world.bus.channel)
            self._doors.append(door)
            self.can_ports[world.name] = door.start()
        if self._record is not None:
            self._recorder = Recorder(self._record, "bench", self.sim.seed, self.sim.now)
            self.sim.on_event.append(self._recorder.event)
            for world in self.worlds:
                world.record_to(self._recorder)
        self._bench = Bench(
            self.sim,
            self.worlds,
            cards=self._wanted.get("cards", ()),
            places=self._wanted.get("places", ()),
            links=self._wanted.get("links", {}),
            traces=self._traces,
        )
        self._runner = threading.Thread(target=self.sim.run_forever, name="simulation", daemon=True)
        self._runner.start()
        self._server = BenchServer(self._bench, self._port)
        self.address = self._server.start()
        return self.address

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
        self.sim.stop()
        if self._runner is not None:
            self._runner.join(10)
        for door in self._doors:
            door.stop()
        for world in self.worlds:
            world.close()
        if self._bench is not None:
            self._bench.close()
        if self._recorder is not None:
            self._recorder.close()
        self.sim.close()

    def __enter__(self) -> BenchSession:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
