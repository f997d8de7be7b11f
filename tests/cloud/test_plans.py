"""What is asked most often never reads all of a large table of reservations on PostgreSQL."""

import json

import pytest
from glovebox.accounts import roles
from glovebox.reservations import availability
from glovebox.reservations.availability import Wanted
from glovebox.scope import SYSTEM
from glovebox.today import service as today
from glovebox.web import console_queries
from sqlalchemy import event, text
from support_cloud import DAY, HOUR, NOW

pytestmark = pytest.mark.postgresql

CARS, ROWS = 100, 85_000
A_CAR = ROWS // CARS
AHEAD = 50


@pytest.fixture
def engine_name():
    """Plans are one engine's own."""
    return "postgresql"


@pytest.fixture
def filled(depot):
    """A year and more of a hundred cars, most of it past: one reservation of an hour each twelve hours."""
    columns = depot.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'vehicles'")
    same = ", ".join(name for (name,) in columns if name not in ("id", "registration"))

    def fill(tx):
        tx.execute(
            text(
                f"INSERT INTO vehicles (id, registration, {same})"
                f" SELECT 1000 + n, 'PL-' || n, {same} FROM vehicles, generate_series(1, {CARS}) n"
                " WHERE id = :car"
            ),
            {"car": depot.car},
        )
        tx.execute(
            text(
                "INSERT INTO reservations (vehicle_id, organisation_id, person_id, starts_at, ends_at, state,"
                " created_at, changed_at, start_site_id)"
                f" SELECT 1001 + n % {CARS}, :town, :anne, start, start + {HOUR},"
                f" CASE WHEN start > {NOW} THEN 'confirmed' ELSE 'completed' END, start, start, :site"
                f" FROM (SELECT n, {NOW + 60} + (n / {CARS} - {A_CAR - AHEAD}) * {12 * HOUR} AS start"
                f" FROM generate_series(0, {ROWS - 1}) n) AS drawn"
            ),
            {"town": depot.town, "anne": depot.anne, "site": depot.site},
        )

    depot.run(fill)
    with depot.cloud.store.writing.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        plain.execute(text("ANALYZE"))
    depot.run(lambda tx: roles.grant_role(tx, depot.bob, "manager", organisation_id=depot.town))
    assert depot.rows("SELECT count(*) FROM reservations") == [(ROWS,)]
    return depot


def scans(plan):
    """Names of the tables that a plan reads whole."""
    found = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" else []
    return found + [name for part in plan.get("Plans", ()) for name in scans(part)]


def asked(tx, job):
    """The SQL that the job sends, with its values."""
    sent = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        sent.append((statement, parameters))

    event.listen(tx.engine, "before_cursor_execute", note)
    try:
        job(tx)
    finally:
        event.remove(tx.engine, "before_cursor_execute", note)
    return sent


def test_no_usual_question_reads_all_reservations(filled):
    viewer = filled.read(lambda tx: roles.read_viewer(tx, filled.bob, "fr"))
    wanted = Wanted(NOW + 5 * HOUR, NOW + 6 * HOUR, filled.site)
    cars = [1000 + number for number in range(1, CARS + 1)]
    day = {"starts_before": NOW + DAY, "ends_after": NOW}
    questions = {
        "search": lambda tx: availability.look(tx, NOW, SYSTEM, wanted, person_id=filled.anne),
        "next gap": lambda tx: availability.next_free(tx, 1001, NOW, HOUR),
        "timeline": lambda tx: console_queries.list_promises(tx, viewer, vehicle_ids=cars, **day),
        "today": lambda tx: today.list_lines(tx, NOW, viewer.scope),
        "guard": lambda tx: tx.execute(
            text(
                "SELECT id FROM reservations WHERE vehicle_id = 1001"
                f" AND int8range(starts_at, ends_at) && int8range({NOW}, {NOW + HOUR})"
                " AND state IN ('pending', 'confirmed', 'in_use')"
            )
        ),
    }

    def plan_of(tx, statement, parameters=None):
        answer = tx.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar()
        return (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]

    def explain(tx):
        whole = []
        assert scans(plan_of(tx, "SELECT 1 FROM reservations WHERE purpose = 'x'")) == ["reservations"]
        for name, question in questions.items():
            for statement, parameters in asked(tx, question):
                plan = plan_of(tx, statement, parameters)
                whole += [(name, statement) for table in scans(plan) if table == "reservations"]
        return whole

    assert filled.read(explain) == []
