"""Simulated cars from what the caller has: a bench file, or the bundles that a claim of the cloud gave.

A bench file is JSON: `cars`, and optionally `cards`, `places`, `links`. A car has `name`, `directory` (its
box's flash and chips live there), and optionally `bundle` (a path or the bundle itself; the box is
provisioned once), `cloud` ([host, port]), `time_port`, `fuel`, `interlock_kind`, `key_holder_fitted`,
`tank_ml`, `at` ([lat, lon]), `odometer_km`, `fuel_percent`, `frames_per_s`, `firmware` (another folder of
device files). What is not said is taken from the bundle, else from a plain petrol car.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .car_powertrain import SPECS, CarSpec
from .world import CarWorld

PROVISIONED = "provisioned.json"
"""Written beside the flash image once the box has taken its bundle."""
INTERLOCK_KINDS = ("none", "starter_wire", "start_button", "fob_supply")
MAX_CARS = 100
BENCH_WIFI = [{"ssid": "bench", "password": "any network is there"}]
"""For a bundle that names no network, as the cloud gives it: the installer's tool adds the site's."""
_KNOWN = (
    *("name", "directory", "bundle", "cloud", "time_port", "fuel", "interlock_kind", "key_holder_fitted"),
    *("tank_ml", "at", "odometer_km", "fuel_percent", "frames_per_s", "firmware"),
)


class FleetError(ValueError):
    """A bench file or a bundle that cannot be used; the message names the file or the car."""


def read_json(path: Path | str) -> Any:
    """Raises `FleetError` naming the file."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise FleetError(f"{path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise FleetError(f"{path} is not JSON: {problem}") from problem


def _settings(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, value) of a SETTINGS field: version u32, then tag u8, length u8, value."""
    at = 4
    while at + 2 <= len(data):
        tag, length = data[at], data[at + 1]
        yield tag, data[at + 2 : at + 2 + length]
        at += 2 + length


def vehicle_of(bundle: dict[str, Any]) -> dict[str, Any]:
    """What a bundle says of its car: fuel, and in its settings interlock_kind, key_holder_fitted, tank_ml
    and a place to stand. Whatever burns something is simulated as a petrol car."""
    found: dict[str, Any] = {}
    if energy := (bundle.get("vehicle") or {}).get("energy"):
        found["fuel"] = "electric" if energy == "electric" else "petrol"
    for tag, value in _settings(base64.b64decode(bundle.get("settings", ""))):
        if tag == 1 and len(value) >= 6 and value[0] < len(INTERLOCK_KINDS):
            found["interlock_kind"] = INTERLOCK_KINDS[value[0]]
            found["key_holder_fitted"] = bool(value[1])
            if tank_ml := int.from_bytes(value[2:6], "little"):
                found["tank_ml"] = tank_ml
        elif tag == 0x10 and len(value) >= 10 and "at" not in found:
            lat, lon = (int.from_bytes(value[i : i + 4], "little", signed=True) / 1e7 for i in (2, 6))
            found["at"] = [lat, lon]
    return found


def spec_of(wanted: dict[str, Any]) -> CarSpec:
    """The model of car for a description. Raises `FleetError`."""
    fuel = wanted.get("fuel") or "petrol"
    if fuel not in SPECS:
        raise FleetError(f"fuel must be one of {', '.join(SPECS)}, not {fuel!r}")
    changes: dict[str, Any] = {k: wanted[k] for k in ("interlock_kind", "key_holder_fitted") if k in wanted}
    if fuel == "petrol" and wanted.get("tank_ml"):
        changes["tank_ml"] = wanted["tank_ml"]
    try:
        return replace(SPECS[fuel], **changes)
    except ValueError as problem:
        raise FleetError(str(problem)) from problem


def read_bench(path: Path) -> dict[str, Any]:
    """A bench file, checked. Raises `FleetError`."""
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("cars"), list) or not data["cars"]:
        raise FleetError(f"{path}: a bench file has a list of cars")
    if len(data["cars"]) > MAX_CARS:
        raise FleetError(f"{path}: more than {MAX_CARS} cars")
    for car in data["cars"]:
        if not isinstance(car, dict):
            raise FleetError(f"{path}: a car is described by names and values, not by {car!r}")
        unknown = set(car) - set(_KNOWN)
        if unknown:
            raise FleetError(f"{path}: unknown: {', '.join(sorted(unknown))}; known: {', '.join(_KNOWN)}")
    return data


def from_bundles(paths: list[Path], directory: Path) -> dict[str, Any]:
    """A bench of one car per bundle, each in a directory of its own under `directory`."""
    cars = []
    for path in paths:
        bundle = read_json(path)
        name = (bundle.get("vehicle") or {}).get("registration") or path.stem
        cars.append({"name": name, "directory": str(directory / name), "bundle": bundle})
    return {"cars": cars}


def add_car(
    sim: Any, wanted: dict[str, Any], traces: Path | None = None, beside: Path | None = None
) -> CarWorld:
    """A box and its car in a simulation, provisioned and with power. Relative paths start at `beside`."""
    base = beside or Path.cwd()
    bundle = wanted.get("bundle")
    if isinstance(bundle, str):
        bundle = read_json(base / bundle)
    known = {**(vehicle_of(bundle) if bundle else {}), **wanted}
    name = known.get("name") or "car"
    directory = base / (known.get("directory") or name)
    cloud = known.get("cloud") or ([bundle["cloud_host"], bundle["cloud_port"]] if bundle else None)
    time_port = known.get("time_port") or (bundle or {}).get("time_port")
    box = sim.add_box(
        name,
        directory=directory,
        cloud=tuple(cloud) if cloud else None,
        time_port=time_port,
        firmware=base / known["firmware"] if "firmware" in known else None,
    )
    if bundle and not (directory / PROVISIONED).exists():
        box.provision({"wifi": BENCH_WIFI, **bundle})
        (directory / PROVISIONED).write_text(json.dumps({"box_id": bundle.get("box_id")}), encoding="utf-8")
    more = {"frames_per_s": known["frames_per_s"]} if "frames_per_s" in known else {}
    world = CarWorld(
        sim,
        box,
        spec=spec_of(known),
        at=tuple(known.get("at") or (47.2735, -2.2137)),
        odometer_m=1000 * float(known.get("odometer_km", 18_452.3)),
        fuel_share=float(known.get("fuel_percent", 62)) / 100,
        traces=traces,
        **more,
    )
    world.set_power(True)
    return world
