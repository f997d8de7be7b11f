"""Recordings: what is in them, and that asking cannot change them."""

import json
import threading

import pytest
import sqlite_utils
from glovebox_sim import recorder
from glovebox_sim.recorder import QueryError, Recorder

NOW = 1_814_400_000.0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.db"


def test_events_and_cars_of_a_run_can_be_asked_for_in_their_order(path):
    with Recorder(path, name="story", seed=7, started=NOW) as recording:
        recording.event(NOW + 1, "AB-123-CD", "relay", "contact", {"to": "allow"})
        recording.event(NOW + 2.5, "AB-123-CD", "reader", "card", {"uid": b"\x04\xaa"})
        recording.car(NOW + 3, "AB-123-CD", speed_kmh=12.5, kl15=1, lat=47.2)
    (run,) = recorder.query(path, "select * from runs")
    assert (run["name"], run["seed"], run["started"], run["ended"]) == ("story", 7, NOW, NOW + 3)
    events = list(recorder.query(path, "select * from events order by t"))
    assert [(e["source"], e["name"]) for e in events] == [("relay", "contact"), ("reader", "card")]
    assert events[0]["at"] == "2027-07-01T00:00:01.000Z"
    assert json.loads(events[1]["data"]) == {"uid": "04aa"}
    assert [r["name"] for r in recorder.query(path, "select name from relay")] == ["contact"]
    (car,) = recorder.query(path, "select * from cars where speed_kmh > ?", [10])
    assert (car["box"], car["speed_kmh"], car["lat"]) == ("AB-123-CD", 12.5, 47.2)


def test_sqlite_utils_reads_the_tables_and_views_as_documented(path):
    Recorder(path).close()
    db = sqlite_utils.Database(path)
    assert set(db.table_names()) == {"runs", "events", "cars"}
    assert set(db.view_names()) == {"relay", "light", "sounds", "cards", "flash", "log"}


def test_more_events_than_are_held_at_once_all_arrive_from_several_threads(path):
    with Recorder(path) as recording:

        def tell(number):
            for i in range(700):
                recording.event(NOW + i, f"car {number}", "x", "y", {"i": i})

        threads = [threading.Thread(target=tell, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = list(
        recorder.query(path, "select box, count(*) n, count(distinct data) d from events group by box")
    )
    assert [(row["n"], row["d"]) for row in rows] == [(700, 700)] * 3


def test_a_second_run_goes_into_the_same_file(path):
    for name in ("first", "second"):
        with Recorder(path, name=name) as recording:
            recording.event(NOW, "c", "s", name, {})
    rows = list(recorder.query(path, "select run, name from events"))
    assert [(r["run"], r["name"]) for r in rows] == [(1, "first"), (2, "second")]


@pytest.mark.parametrize(
    "sql", ["delete from events", "drop table runs", "select", "attach 'x.db' as x; select 1"]
)
def test_a_question_that_would_write_or_is_none_is_refused(path, sql):
    with Recorder(path) as recording:
        recording.event(NOW, "c", "s", "n", {})
    with pytest.raises(QueryError):
        list(recorder.query(path, sql))
    assert len(list(recorder.query(path, "select * from events"))) == 1


def test_no_recording_is_an_error_not_an_empty_answer(tmp_path):
    with pytest.raises(QueryError, match="no recording"):
        list(recorder.query(tmp_path / "none.db", "select 1"))
    assert not (tmp_path / "none.db").exists()


def test_a_column_nobody_knows_is_refused(path):
    with Recorder(path) as recording, pytest.raises(ValueError, match="colour"):
        recording.car(NOW, "c", colour="red")
