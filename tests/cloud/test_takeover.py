"""A car taken over from who is late: two trips, each with its reservation, and nothing that contradicts."""

import pytest
from glovebox.incidents import service as incidents
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from support_cloud import ANNE_UID, BOB_UID, HOUR, NOW

TAKEN_OVER, BY_TAKEOVER = 2, 3


@pytest.mark.parametrize("is_late_news", [False, True])
def test_who_is_late_has_his_trip_ended_and_who_takes_over_has_his_own(depot, box, is_late_news):
    """Also where the box tells of it only after the second reservation began by the clock."""
    late, following = depot.book(depot.anne, 0, HOUR), depot.book(depot.bob, HOUR, 3 * HOUR)
    session = box.session_start(NOW, late, ANNE_UID)
    box.sync(box.records())
    depot.clock.now = NOW + HOUR + 600
    depot.run(lambda tx: apply_rules(tx, depot.now))
    assert [depot.reservation(one).state for one in (late, following)] == ["in_use", "confirmed"]
    box.session_end(depot.now, session, late, reason=TAKEN_OVER)
    second = box.session_start(depot.now, following, BOB_UID, via=BY_TAKEOVER)
    if is_late_news:
        depot.clock.now += HOUR
        depot.run(lambda tx: apply_rules(tx, depot.now))
    box.sync(box.records(1, session + 1))
    assert [depot.reservation(one).state for one in (late, following)] == ["completed", "in_use"]
    rows = depot.rows(
        "SELECT reservation_id, person_id, via, end_reason, ended_at - started_at"
        " FROM trips ORDER BY started_at"
    )
    assert rows == [
        (late, depot.anne, "badge", "taken_over", HOUR + 600),
        (following, depot.bob, "takeover", "", None),
    ]
    assert depot.read(lambda tx: incidents.list_incidents(tx, SYSTEM)) == []
    box.session_end(depot.now + 60, second, following)
    depot.clock.now += 120
    box.sync(box.records(1, second + 1))
    assert depot.reservation(following).state == "completed"


def test_a_takeover_told_again_changes_nothing(depot, box):
    late, following = depot.book(depot.anne, 0, HOUR), depot.book(depot.bob, HOUR, 3 * HOUR)
    session = box.session_start(NOW, late, ANNE_UID)
    depot.clock.now = NOW + HOUR + 600
    box.session_end(depot.now, session, late, reason=TAKEN_OVER)
    box.session_start(depot.now, following, BOB_UID, via=BY_TAKEOVER)
    for _ in range(2):
        box.sync(box.records())
    assert depot.rows("SELECT count(*) FROM trips") == [(2,)]
    assert [depot.reservation(one).state for one in (late, following)] == ["completed", "in_use"]
