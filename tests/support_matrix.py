"""Everybody who may knock at a route: the people of the small town, further ones of every other role, and a
second pool of the town with a manager of its own."""

import sqlite3
from pathlib import Path

from glovebox.accounts import roles
from glovebox.accounts import service as accounts
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.store.schema import metadata
from sqlalchemy import select
from support_town import PEOPLE, build_town
from support_web import NOW, PASSWORD_HASH, Town

# name: role; all of the town.
FURTHER = {
    "approver": "approver",
    "prescriber": "prescriber",
    "auditor": "auditor",
    "pool_manager": "manager",
}
EVERYBODY = frozenset({*PEOPLE, *FURTHER})
SERIES = {
    "vehicle_id": 4, "weekdays": [1, 3], "first_day": "2026-04-07", "last_day": "2026-04-16",
    "starts_minute": 480, "ends_minute": 600, "person_id": 1,
}  # fmt: skip
OF_TOWN = EVERYBODY - {"guest", "guest_manager", "stranger", "strange_manager"}
# Reading or refusing may change these: use of a session, tries, who looked at what.
CHANGING = {"login_sessions", "login_failures", "audit_lines"}


def build_full_town(directory: Path) -> Town:
    """The town with everybody. `pool_manager` manages the town's pool `service` and nothing else."""
    town = build_town(directory)
    with town.apps.cloud.store.write() as tx:
        town.pool["service"] = fleet.add_pool(tx, town.body["town"], "Service technique")
        for number, (key, role) in enumerate(FURTHER.items()):
            town.person[key] = person_id = people.add_person(
                tx, NOW, organisation_id=town.body["town"], staff_number=f"S-9{number}", given_name=key,
                family_name=role,
            )  # fmt: skip
            accounts.set_password(tx, NOW, person_id, PASSWORD_HASH)
            holder = {"organisation_id": town.body["town"]}
            if key == "pool_manager":
                holder = {"pool_id": town.pool["service"]}
            roles.grant_role(tx, person_id, role, **holder)
    driver = town.browser("driver")
    made = driver.post("/api/v1/series", json=SERIES)
    assert made.status_code == 201, made.text
    town.series = made.json()["series_id"]
    town.time[0] += 60  # what can be undone at once is no longer
    return town


class Things(dict[str, int | str]):
    """What the town has none of has the number 1."""

    def __missing__(self, _name: str) -> int:
        return 1


def things(town: Town) -> Things:
    """What stands in a route's path: things of the town, and of the driver where they are somebody's."""
    return Things({
        "vehicle_id": town.car["GB-101-NZ"], "reservation_id": town.booking["next"], "trip_id": town.trip,
        "person_id": town.person["driver"], "badge_id": 1, "block_id": town.block,
        "pool_id": town.pool["town"],
        "site_id": town.site["depot"], "body_id": town.body["town"], "group_id": town.group,
        "waiting_id": town.booking["asked"], "message_id": 1, "command_id": 1, "device_id": town.device,
        "kind": "flash_lights",
        "incident_id": town.incident, "series_id": town.series, "path": "x", "token": "x",
    })  # fmt: skip


class Snapshot:
    """The database as it was, to go back to. SQLite only."""

    def __init__(self, town: Town) -> None:
        self._path = town.apps.cloud.config.directory / "glovebox.sqlite"
        self._kept = sqlite3.connect(":memory:")
        with sqlite3.connect(self._path) as live:
            live.backup(self._kept)

    def restore(self) -> None:
        """Everything back, under the open connections' feet: none has a transaction."""
        live = sqlite3.connect(self._path)
        self._kept.backup(live)
        live.close()


def contents(town: Town) -> dict[str, list[object]]:
    """Every row of every table that a refused request must leave alone."""
    with town.apps.cloud.store.read() as tx:
        return {
            table.name: [tuple(row) for row in tx.execute(select(table))]
            for table in metadata.sorted_tables
            if table.name not in CHANGING
        }
