"""The command line: first steps, the seeded fleet, files in and out, backup and restore."""

import csv
import io
import json
import re
import shlex
import sqlite3
from pathlib import Path

import pytest
import sqlite_utils
from glovebox import cli, seed
from glovebox.config import ENVIRONMENT, Config
from glovebox.keys import KeyringError, create_keyring, load_keyring
from glovebox.store import guard
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate, read_store_epoch
from support_cloud import ANNE_UID, HOUR, NOW, Depot, SeededEntropy


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a command in a deployment of one's own; returns (status, output, complaints)."""

    def call(*arguments):
        status = cli.main(["--directory", str(tmp_path / "data"), *map(str, arguments)])
        return (status, *capsys.readouterr())

    call.database = tmp_path / "data" / "glovebox.sqlite"
    return call


@pytest.fixture
def small(run):
    """One body with a site and a car."""
    assert run("migrate")[0] == 0
    for command in (
        ["organisation", "add", "Ville"],
        ["site", "add", "Ville", "Mairie", "47.2735", "-2.2137"],
        [
            "vehicle",
            "add",
            "Ville",
            "Mairie",
            "AB-123-CD",
            "Renault",
            "Clio",
            "petrol",
            "--interlock",
            "starter_wire",
        ],
    ):
        status, _, complaint = run(*command)
        assert (status, complaint) == (0, "")
    return run


def test_the_first_steps_of_the_help_work(small):
    assert small("person", "add", "Ville", "1042", "Anne", "Morin", "--badge", "04:A1:B2:C3:D4:E5:F6")[0] == 0
    assert "AB-123-CD" in small("vehicle", "list")[1]
    token = small("box", "claim-token", "AB-123-CD")[1].strip()
    assert re.fullmatch(r"[0-9a-f]{40}", token)
    assert small("check")[0] == 0


def leaves(parser):
    """Every command that does something."""
    choices = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    for command in choices[0].values() if choices else ():
        yield from leaves(command)
    if not choices:
        yield parser


def test_degrees_may_have_a_comma(small):
    for place in (("47,2735", "-2,2137"), ("47.2735", "-2,2137")):
        assert small("site", "add", "Ville", f"Port {place[0]}", *place)[0] == 0
    with sqlite3.connect(small.database) as database:
        assert set(database.execute("SELECT lat_e7, lon_e7 FROM sites")) == {(472_735_000, -22_137_000)}


@pytest.mark.parametrize(
    "command", [("organisation", "add", "Ville"), ("vehicle", "list"), ("login", "end-all")]
)
def test_nothing_arises_where_there_is_no_database(run, command):
    status, _said, complaint = run(*command)
    assert (status, complaint) == (
        1,
        f"glovebox: no database at {run.database}; `glovebox migrate` makes one\n",
    )
    assert not run.database.parent.exists()


def test_an_organisation_gets_another_name_that_no_other_has(small):
    assert small("organisation", "rename", "Ville", "Ville de Y") == (0, "organisation 1: Ville de Y\n", "")
    assert small("organisation", "add", "Pays")[0] == 0
    assert small("organisation", "rename", "Pays", "Ville de Y")[0] == 1
    assert small("organisation", "rename", "Ville", "Z")[0] == 1
    assert small("site", "add", "Ville de Y", "Port", "47.2", "-2.2")[0] == 0


def test_every_command_explains_itself_its_words_and_shows_an_example_that_it_takes():
    parser = cli.build_parser()
    commands = {command.prog: command for command in leaves(parser)}
    assert len(commands) > 15
    for prog, command in commands.items():
        assert command.description, prog
        assert all(action.help for action in command._actions), prog
        examples = re.findall(r"^  (glovebox .*)$", command.description, re.MULTILINE)
        assert examples or not command._get_positional_actions() or prog == "glovebox restore", prog
        for example in examples:
            options = parser.parse_args(shlex.split(example)[1:])
            assert options.run is command.get_default("run")
    for example in re.findall(r"^  (glovebox .*?)(?:   .*)?$", parser.epilog, re.MULTILINE):
        parser.parse_args(shlex.split(example)[1:])


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (
            ["vehicle", "add", "Ville", "Mairie", "AB-123-CD", "Renault", "Clio", "petrol"],
            "Another car has the plate",
        ),
        (["badge", "add", "Ville", "99", "04a1b2c3"], "Nobody has the staff number 99"),
        (["person", "add", "Nulle part", "1", "A", "B"], "No body is called Nulle part"),
        (["person", "add", "Ville", "1", "A", "B", "--badge", "08112233"], "random number"),
        (["person", "add", "Ville", "1", "A", "B", "--badge", "0411"], "4, 7 or 10 bytes"),
        (["person", "add", "Ville", "1", "A", "B", "--badge", "xyz"], "hexadecimal"),
        (["box", "claim-token", "ZZ-999-ZZ"], "ZZ-999-ZZ"),
        (["site", "add", "Ville", "Lune", "95", "0"], "-90 to 90 degrees north"),
        (["vehicle", "add", "Ville", "Lune", "ZZ-1", "Renault", "Clio", "petrol"], "No site is called Lune"),
        (
            ["vehicle", "add", "Ville", "Mairie", "ZZ-1", "Renault", "Clio", "petrol", "--pool", "B"],
            "Ville has no pool B",
        ),
        (["pool", "add", "Ville", "Pool"], "exists already"),
        (["export", "trips", "trips.csv", "--since", "yesterday"], "YYYY-MM-DD"),
        (["restore"], "glovebox restore FILE"),
    ],
)
def test_a_refused_command_says_why_and_changes_nothing(small, command, complaint):
    before = sqlite3.connect(small.database).execute("SELECT count(*) FROM people").fetchone()
    status, _, said = small(*command)
    assert status == 1
    assert complaint in said
    assert sqlite3.connect(small.database).execute("SELECT count(*) FROM people").fetchone() == before


CSV = """staff_number;given_name;family_name;email;department;language;badge_uid
1;Anne;Morin;anne@example.org;Sports;fr;04 A1 B2 C3 D4 E5 F6
2;Bob;Le Gall;;;;08 11 22 33
3;;Huet;;;;
4;Dora;Roux;;;de;
5;Eva;Roux;;;;04a1b2c3d4e5f6
6;Fanny;Colin;;;en;b2565401
"""


def test_an_import_shows_every_line_first_and_stores_only_the_good_ones(small, tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CSV.encode())
    status, shown, _ = small("person", "import", path)
    assert status == 1
    endings = ("good", "identify anybody.", "given_name is empty.", "fr or en.", "in line 2 already.", "good")
    assert [line.endswith(end) for line, end in zip(shown.splitlines(), endings, strict=False)] == [True] * 6
    assert "2 good, 4 with problems" in shown
    assert (
        small("person", "import", path, "--store")[1].splitlines()[-1]
        == "stored: 2 people, 2 badges, 0 renewed"
    )
    again = small("person", "import", path, "--store")[1].splitlines()[-1]
    assert again == "stored: 0 people, 0 badges, 0 renewed"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"name;first\nA;B\n", "column staff_number is missing"),
        (b"", "column staff_number is missing"),
    ],
)
def test_a_file_that_is_no_list_is_refused(small, tmp_path, content, complaint):
    (tmp_path / "people.csv").write_bytes(content)
    status, _, said = small("person", "import", tmp_path / "people.csv")
    assert (status, complaint in said) == (1, True)


def test_the_seeded_fleet_has_the_size_the_product_is_for_and_can_be_logged_into(run):
    status, shown, _ = run("seed", "--json")
    seeded = json.loads(shown)
    assert status == 0
    assert (seeded["vehicles"], seeded["people"]) == (66, 450)
    assert 16_000 <= seeded["reservations"] <= 19_000
    assert seeded["driver"]["password"] == seed.PASSWORD
    assert len(seeded["simulated"]) == 3
    assert run("seed")[0] == 1
    assert run("check")[0] == 0


def test_the_same_number_gives_the_same_fleet_and_another_another(tmp_path):
    def fleet(directory, number):
        keyring = create_keyring(tmp_path / directory / "keys.json", SeededEntropy())
        store = open_store(f"sqlite:///{tmp_path / directory / 'x.sqlite'}")
        migrate(store, SeededEntropy())
        with store.write() as tx:
            seed.seed(tx, NOW, keyring, number, with_logins=False)
            guard.check(tx)
            tables = ("vehicles", "people", "reservations", "trips")
            rows = [tx.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id").all() for table in tables]
        store.close()
        return rows

    first = fleet("a", 1)
    assert fleet("b", 1) == first
    assert fleet("c", 2) != first


def test_trips_of_the_seeded_fleet_are_plausible(run):
    run("seed")
    db = sqlite3.connect(run.database)
    assert db.execute("SELECT count(*) FROM trips WHERE ended_at <= started_at").fetchone() == (0,)
    speeds = "SELECT max(distance_m * 1.0 / (ended_at - started_at)) FROM trips"
    assert db.execute(speeds).fetchone()[0] <= 14
    assert 15_000 < db.execute("SELECT avg(distance_m) FROM trips").fetchone()[0] < 40_000
    lost = "SELECT count(*) FROM trips WHERE end_fuel_percent > start_fuel_percent"
    assert db.execute(lost).fetchone() == (0,)


def test_exports_name_nobody_unless_asked_and_then_it_is_noted(run, tmp_path):
    run("seed")
    assert run("export", "trips", tmp_path / "trips.csv")[0] == 0
    with (tmp_path / "trips.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 10_000
    assert "person_name" not in rows[0]
    assert rows[0]["started_at_utc"].endswith("Z")
    assert run("export", "trips", tmp_path / "trips.db", "--with-people")[0] == 0
    exported = sqlite_utils.Database(tmp_path / "trips.db")["trips"]
    assert exported.count == len(rows)
    assert next(exported.rows)["person_name"]
    noted = sqlite3.connect(run.database).execute("SELECT action, people_count FROM audit_lines").fetchall()
    assert noted == [("export.trips", len(rows))]
    assert run("export", "trips", tmp_path / "trips.csv")[0] == 1


def test_a_text_that_a_spreadsheet_would_run_is_disarmed(small, tmp_path):
    small("person", "add", "Ville", "1", "=1+1", "Morin")
    small("export", "people", tmp_path / "people.csv", "--with-people")
    assert "'=1+1" in (tmp_path / "people.csv").read_text(encoding="utf-8-sig")


def test_a_backup_is_whole_and_restoring_it_makes_boxes_send_again(sqlite_template, tmp_path, run):
    directory = run.database.parent
    directory.mkdir()
    depot = Depot(directory, f"sqlite:///{run.database}")
    number = depot.book(depot.anne)
    box = depot.claim()
    box.session_start(NOW, number, ANNE_UID)
    box.greet(box.records())
    backup = tmp_path / "backup.sqlite"
    assert run("backup", backup)[0] == 0
    assert run("backup", backup)[0] == 1
    box.session_start(NOW + HOUR, 0, ANNE_UID)
    box.sync(box.records(first=2))
    assert run("restore", backup)[0] == 1
    depot.close()
    for path in directory.glob("glovebox.sqlite*"):
        path.unlink()
    assert run("restore", backup)[0] == 0
    restored = Depot(directory, f"sqlite:///{run.database}", seed=9, is_filled=True)
    box.send = restored.send
    old_epoch = box.store_epoch
    down = box.sync(box.hello(), box.records())
    assert down.store_epoch not in (0, old_epoch)
    assert down.all(0x85)
    # The lost store may have given the next numbers to others: boxes know them by sessions and answers.
    assert restored.book(depot.bob, 5 * HOUR, 6 * HOUR, vehicle_id=depot.car) > number + 10_000
    assert down.acks == {(1, box.epoch): 2}
    assert restored.rows("SELECT sequence FROM records ORDER BY 1") == [(1,), (2,)]
    restored.close()


def test_a_store_that_its_own_tools_restored_gets_a_new_number_too(empty_url, tmp_path, capsys):
    store = open_store(empty_url)
    migrate(store, SeededEntropy())
    with store.read() as tx:
        before = read_store_epoch(tx)
    status = cli.main(["--directory", str(tmp_path / "data"), "--database", empty_url, "restore"])
    with store.read() as tx:
        after = read_store_epoch(tx)
    store.close()
    if empty_url.startswith("sqlite"):
        assert (status, after) == (1, before)
        assert "which backup" in capsys.readouterr().err
    else:
        assert (status, f"number is now {after}" in capsys.readouterr().out) == (0, True)
        assert after not in (0, before)


def test_a_role_is_given_on_one_pool(small, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("quatre mots bien longs\n"))
    assert small("pool", "add", "Ville", "Voirie")[0] == 0
    assert small("person", "add", "Ville", "7", "Ana", "Roux")[0] == 0
    assert small("login", "set", "Ville", "7", "--role", "manager", "--pool", "Voirie")[0] == 0
    grants = sqlite3.connect(small.database).execute("SELECT role, organisation_id, pool_id FROM role_grants")
    assert grants.fetchall() == [("manager", None, 2)]


def test_a_password_that_is_too_short_is_refused_in_a_sentence(small, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert small("person", "add", "Ville", "7", "Ana", "Roux")[0] == 0
    status, _, said = small("login", "set", "Ville", "7")
    assert (status, said) == (1, "glovebox: A password has 10 to 200 characters.\n")


def test_a_plate_written_otherwise_is_the_same_car(small):
    assert small("vehicle", "add", "Ville", "Mairie", "QZ-123-CD", "Renault", "Zoe", "electric")[0] == 0
    for plate in ("QZ-123-CD", "qz123cd", "QZ 123 CD", "QZ.123-cd"):
        status, _, said = small("vehicle", "add", "Ville", "Mairie", plate, "Renault", "Zoe", "electric")
        assert (status, said) == (1, "glovebox: Another car has the plate QZ-123-CD.\n")


def test_another_password_by_the_command_line_ends_the_persons_sessions(small, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("quatre mots bien longs\n" * 2))
    assert small("person", "add", "Ville", "7", "Ana", "Roux")[0] == 0
    assert small("login", "set", "Ville", "7")[0] == 0
    with sqlite3.connect(small.database) as database:
        database.execute("INSERT INTO login_sessions VALUES (1, x'00', 1, 1, 1, 9999999999, '', '')")
    assert small("login", "set", "Ville", "7")[0] == 0
    assert database.execute("SELECT count(*) FROM login_sessions").fetchone() == (0,)


def test_one_person_or_everybody_is_logged_out_by_the_command_line(small):
    rows = "INSERT INTO login_sessions VALUES (NULL, randomblob(32), ?, 1, 1, 9999999999, '', '')"
    for number in ("7", "8"):
        assert small("person", "add", "Ville", number, "Ana", "Roux")[0] == 0
    with sqlite3.connect(small.database) as database:
        database.executemany(rows, [(1,), (1,), (2,)])
    assert small("login", "end", "Ville", "7") == (0, "Ana Roux: 2 sessions ended\n", "")
    assert database.execute("SELECT person_id FROM login_sessions").fetchall() == [(2,)]
    assert small("login", "end-all") == (0, "1 sessions ended\n", "")
    assert database.execute("SELECT count(*) FROM login_sessions").fetchone() == (0,)
    noted = database.execute("SELECT action FROM audit_lines ORDER BY id").fetchall()
    assert noted == [("sessions ended",), ("all sessions ended",)]


def test_a_restore_refuses_what_is_no_backup(run, tmp_path):
    (tmp_path / "x").write_bytes(b"no database at all, but long enough to look like a file of some sort" * 20)
    assert run("restore", tmp_path / "x")[0] == 1
    sqlite3.connect(tmp_path / "y").execute("CREATE TABLE t (x)").connection.close()
    status, _, said = run("restore", tmp_path / "y")
    assert (status, "no Glovebox database" in said) == (1, True)
    assert not run.database.exists()


def test_keys_are_made_once_kept_private_and_never_overwritten(tmp_path):
    path = tmp_path / "keys.json"
    create_keyring(path, SeededEntropy())
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        create_keyring(path, SeededEntropy())
    path.write_text("{}")
    with pytest.raises(KeyringError):
        load_keyring(path)


def test_a_stolen_database_yields_no_badge_number(small):
    small("person", "add", "Ville", "1", "Anne", "Morin", "--badge", ANNE_UID.hex())
    content = b"".join(path.read_bytes() for path in small.database.parent.glob("glovebox.sqlite*"))
    assert ANNE_UID not in content
    assert ANNE_UID.hex().encode() not in content.lower()


def test_sealed_numbers_do_not_open_under_another_key(tmp_path):
    mine = create_keyring(tmp_path / "a.json", SeededEntropy())
    other = create_keyring(tmp_path / "b.json", SeededEntropy(seed=2))
    sealed = mine.seal_uid(ANNE_UID, SeededEntropy())
    assert mine.open_uid(sealed) == ANNE_UID
    for keyring, damaged in ((other, sealed), (mine, sealed[:-1]), (mine, b"")):
        with pytest.raises(KeyringError):
            keyring.open_uid(damaged)
    assert mine.uid_lookup(ANNE_UID) != other.uid_lookup(ANNE_UID)


def test_every_setting_of_the_environment_is_read_and_stands_in_the_readme(tmp_path):
    texts = {name: str(number) for number, name in enumerate(ENVIRONMENT)}
    texts |= {f"GLOVEBOX_{name}": "1" for name in ("BOX_PLAIN", "SECURE_COOKIES", "SHARE_PORTS")}
    texts |= {"GLOVEBOX_SMTP_SECURITY": "tls"}
    config = Config.from_environment({"GLOVEBOX_DIRECTORY": str(tmp_path), **texts})
    assert config.directory == tmp_path
    for variable, name in ENVIRONMENT.items():
        value = getattr(config, name)
        assert str(value[0] if isinstance(value, tuple) else value) in (texts[variable], "True"), variable
    readme = (Path(__file__).parents[2] / "cloud" / "README.md").read_text()
    assert [name for name in (*ENVIRONMENT, "GLOVEBOX_DIRECTORY") if f"`{name}`" not in readme] == []


def test_an_export_of_people_can_be_imported_again_with_licence_and_telephone(small, tmp_path):
    head = "staff_number,given_name,family_name,phone,licence_categories,licence_until\n"
    (tmp_path / "in.csv").write_text(
        head + '1,Anne,Morin,0033612345678,"be, b",14/05/2031\n', encoding="utf-8"
    )
    small("person", "import", tmp_path / "in.csv", "--store")
    small("export", "people", tmp_path / "out.csv", "--with-people")
    (row,) = csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8-sig"))
    kept = ("'+33612345678", "B BE", "2031-05-14")
    assert (row["phone"], row["licence_categories"], row["licence_until"]) == kept
    again = small("person", "import", tmp_path / "out.csv", "--store")
    assert again[1].splitlines()[-1] == "stored: 0 people, 0 badges, 0 renewed"


def test_people_are_under_one_name_of_the_command_line(run, capsys):
    with pytest.raises(SystemExit):
        run("people", "add")
    assert "person" in capsys.readouterr().err
