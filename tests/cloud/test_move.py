"""Moving a deployment from SQLite to PostgreSQL: everything arrives, or nothing has happened."""

import hashlib
import shutil
import signal
import sqlite3

import psycopg
import pytest
from glovebox import cli, seed
from glovebox.keys import create_keyring
from glovebox.people import service as people
from glovebox.store import guard, move
from glovebox.store.all_tables import metadata
from glovebox.store.engine import open_store
from glovebox.store.migrate import read_store_epoch
from support_cloud import ANNE_UID, HOUR, NOW, Depot, SeededEntropy
from support_filled import fill_empty_tables
from support_serve import Program

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def filled(sqlite_template, tmp_path_factory):
    """The fleet to try with its year, and rows in every other table; the newest person is gone again."""
    directory = tmp_path_factory.mktemp("filled")
    path = directory / "glovebox.sqlite"
    shutil.copy(sqlite_template, path)
    store = open_store(f"sqlite:///{path}")
    with store.write() as tx:
        keyring = create_keyring(directory / "keys.json", SeededEntropy())
        seed.seed(tx, NOW, keyring, with_logins=False)
        tables = fill_empty_tables(tx)
        assert set(tables) == set(metadata.tables)
        gone = people.add_person(
            tx, NOW, organisation_id=1, staff_number="0", given_name="A", family_name="B"
        )
        tx.exec_driver_sql(f"DELETE FROM people WHERE id = {gone}")
    store.close()
    return path, gone


@pytest.fixture
def deployment(filled, tmp_path, capsys):
    """A copy of it to move; `run` calls the command line."""
    (tmp_path / "data").mkdir()
    database = shutil.copy(filled[0], tmp_path / "data" / "glovebox.sqlite")

    def run(*arguments):
        status = cli.main(["--directory", str(tmp_path / "data"), *arguments])
        return (status, *capsys.readouterr())

    run.database, run.directory = database, tmp_path / "data"
    return run


@pytest.fixture
def empty(postgresql):
    return postgresql.create_database(empty=True)


def dsn(url):
    return url.replace("postgresql+psycopg", "postgresql")


def everything(connection, tables):
    """Each table's rows, read by the drivers alone."""
    return {
        name: sorted(connection.execute(f"SELECT {', '.join(columns)} FROM {name}").fetchall(), key=repr)
        for name, columns in tables.items()
    }


def tables_of(database):
    with sqlite3.connect(database) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: [f'"{row[1]}"' for row in connection.execute(f"PRAGMA table_info({name})")]
            for (name,) in names
            if name != "sqlite_sequence"
        }


def is_empty(url):
    with psycopg.connect(dsn(url)) as connection:
        return not connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall()


def compare_all(old, new):
    for table in metadata.sorted_tables:
        move.compare(old, new, table)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_row_of_every_table_arrives_and_the_old_file_is_untouched(deployment, empty):
    before, tables = digest(deployment.database), tables_of(deployment.database)
    assert tables.keys() == {*metadata.tables, "alembic_version"}
    status, said, complaint = deployment("move", empty.replace("glovebox@", "glovebox:secret@"))
    assert (status, complaint) == (0, "")
    assert "GLOVEBOX_DATABASE_URL=postgresql+psycopg://glovebox:***@" in said
    with sqlite3.connect(deployment.database) as old, psycopg.connect(dsn(empty)) as new:
        there, here = everything(old, tables), everything(new, tables)
    for name in tables:
        assert there[name], f"nothing to move in {name}"
        assert there[name] == here[name], name
        assert name == "alembic_version" or f" {name}: {len(here[name])} rows" in said
    assert digest(deployment.database) == before


def test_the_new_database_serves_under_the_same_guard_number_and_sequences(deployment, filled, empty):
    assert deployment("move", empty)[0] == 0
    store = open_store(empty)
    with store.write() as tx:
        guard.check(tx)
        epoch = read_store_epoch(tx)
        (given,) = tx.exec_driver_sql("SELECT nextval(pg_get_serial_sequence('people', 'id'))").first()
        for table in metadata.sorted_tables:
            if table.name != "people" and table.autoincrement_column is not None:
                name = table.autoincrement_column.name
                number, last = tx.exec_driver_sql(
                    f"SELECT nextval(pg_get_serial_sequence('{table.name}', '{name}')),"
                    f" (SELECT max({name}) FROM {table.name})"
                ).first()
                assert number > last, table.name
    store.close()
    with sqlite3.connect(deployment.database) as old:
        (was,) = old.execute("SELECT value FROM store_facts WHERE name = 'store_epoch'").fetchone()
    assert epoch == int(was)
    assert given == filled[1] + 1, "a number that was given and taken back is not given again"


def test_a_box_goes_on_after_the_move_without_sending_anything_again(sqlite_template, tmp_path, empty):
    directory = tmp_path / "data"
    directory.mkdir()
    database = shutil.copy(sqlite_template, directory / "glovebox.sqlite")
    depot = Depot(directory, f"sqlite:///{database}")
    number = depot.book(depot.anne)
    box = depot.claim()
    box.session_start(NOW, number, ANNE_UID)
    box.greet(box.records())
    depot.close()
    assert cli.main(["--directory", str(directory), "move", empty]) == 0
    moved = Depot(directory, empty, is_filled=True)
    box.send = moved.send
    epoch = box.store_epoch
    box.session_start(NOW + HOUR, 0, ANNE_UID)
    down = box.sync(box.hello(), box.records(first=2))
    assert down.store_epoch == epoch
    assert down.acks == {(1, box.epoch): 2}
    assert moved.book(depot.bob, 5 * HOUR, 6 * HOUR, vehicle_id=depot.car) == number + 1
    moved.close()


def test_a_running_server_is_not_moved_and_a_moving_one_not_started(deployment, empty):
    server = Program(deployment.directory)
    status, _, said = deployment("move", empty)
    assert server.end(signal.SIGTERM) == 0
    assert (status, "is in use" in said) == (1, True)
    assert is_empty(empty)


def test_two_servers_do_not_share_an_sqlite_database(deployment):
    server = Program(deployment.directory)
    with pytest.raises(AssertionError, match="one process serves"):
        Program(deployment.directory)
    assert server.end(signal.SIGTERM) == 0


def test_a_database_with_tables_is_not_written_to(deployment, postgresql):
    with psycopg.connect(dsn(postgresql.create_database(empty=True)), autocommit=True) as connection:
        connection.execute("CREATE TABLE theirs (id integer)")
        url = postgresql.url(connection.info.dbname)
        status, _, said = deployment("move", url)
        assert (status, "not empty" in said) == (1, True)
        assert connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall() == [("theirs",)]


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE alembic_version SET version_num = '0003'", "has schema 0003"),
        ("CREATE TABLE forgotten (id integer)", "forgotten"),
        ("DROP TRIGGER reservations_no_overlap_update", "reservations_no_overlap_update"),
        ("UPDATE people SET staff_number = char(0) || 'x' WHERE id = 2", "NUL"),
        ("UPDATE people SET given_name = hex(zeroblob(60)) WHERE id = 2", "too long"),
        ("UPDATE vehicles SET tank_ml = 'full' WHERE id = 2", "full"),
        ("UPDATE vehicles SET bay = x'41' WHERE id = 2", "vehicles"),
    ],
)
def test_what_cannot_be_moved_whole_is_not_moved_at_all(deployment, empty, statement, complaint):
    with sqlite3.connect(deployment.database) as connection:
        connection.execute(statement)
    status, _, said = deployment("move", empty)
    assert status == 1
    assert complaint in said
    assert is_empty(empty)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sites SET lon_e7 = lon_e7 + 1 WHERE id = 3",
        "UPDATE people SET email = NULL WHERE id = 3",
        "UPDATE badges SET uid_sealed = uid_sealed || '\\x00'::bytea WHERE id = 3",
        "DELETE FROM trips WHERE id = (SELECT max(id) FROM trips)",
    ],
)
def test_one_value_that_differs_is_found(deployment, empty, statement):
    assert deployment("move", empty)[0] == 0
    source, target = open_store(f"sqlite:///{deployment.database}"), open_store(empty)
    with source.read() as old, target.write() as new:
        compare_all(old, new)
        new.exec_driver_sql("SET session_replication_role = replica")
        new.exec_driver_sql(statement)
        with pytest.raises(move.MoveError, match="differs"):
            compare_all(old, new)
    source.close()
    target.close()


def test_only_sqlite_is_moved_and_only_to_postgresql(deployment, empty, tmp_path):
    for arguments in (
        ("move", f"sqlite:///{tmp_path / 'other.sqlite'}"),
        ("--database", empty, "move", empty),
    ):
        assert deployment(*arguments)[0] == 1
    assert is_empty(empty)
    assert not (tmp_path / "other.sqlite").exists()
