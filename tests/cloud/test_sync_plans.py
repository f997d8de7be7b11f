"""What a box's sync asks of SQLite never reads all of a table that grows with boxes, people or years."""

import struct

import pytest
from support_cloud import ANNE_UID, HOUR, NOW

GROWING = {
    "badges", "box_assignments", "boxes", "commands", "faults", "incidents", "people", "records",
    "reservations", "ring_gaps", "ring_heads", "stopovers", "trips", "vehicles",
}  # fmt: skip


@pytest.fixture
def engine_name():
    """Plans are one engine's own."""
    return "sqlite"


def drive(box, depot, at):
    session = box.session_start(at, 0, ANNE_UID, depot.site, auth_kind=2)
    box.record(4, struct.pack("<IH", session, depot.site), at + 60)
    box.record(5, struct.pack("<IB", session, 4), at + 120)
    box.session_end(at + 600, session, 0, depot.site)


def test_no_statement_of_a_sync_reads_all_of_a_table_that_grows(depot, box):
    plain = depot.run(lambda tx: tx.connection.driver_connection)
    statements = set()
    plain.set_trace_callback(statements.add)
    depot.book(depot.anne)
    for at in (NOW - 20 * HOUR, NOW - 2 * HOUR):  # before this box was in this car, and since
        drive(box, depot, at)
    box.sync(box.records())
    box.sync(box.state(NOW))
    plain.set_trace_callback(None)
    asked = [one for one in statements if one.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]
    assert any("box_assignments" in one for one in asked)
    assert len(asked) > 20
    scanned = {
        (row[3], one)
        for one in asked
        for row in plain.execute(f"EXPLAIN QUERY PLAN {one}")
        if row[3].startswith("SCAN") and "INDEX" not in row[3] and row[3].split()[1] in GROWING
        # An insertion's plan names tables that refer to it: looked at only where a row waits for it.
        if row[3].split()[1] in one
    }
    assert not scanned
