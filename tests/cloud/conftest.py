"""Databases for the cloud's tests: every test that takes `database_url` runs on SQLite and, marked, on a
real PostgreSQL."""

import shutil

import pytest
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate
from support_cloud import Depot, SeededEntropy
from support_postgresql import NoPostgreSQL, PostgreSQL
from support_push_depot import started


@pytest.fixture(scope="session")
def postgresql():
    """The server, started when first needed."""
    try:
        server = PostgreSQL()
    except NoPostgreSQL as error:
        pytest.skip(str(error))
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
def store(database_url):
    """That database, open."""
    opened = open_store(database_url)
    yield opened
    opened.close()


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


@pytest.fixture
def push(depot):
    """A push service, and nothing else that the deployment may reach."""
    yield from started(depot)


@pytest.fixture
def sqlite_push(sqlite_depot):
    """The same on SQLite alone."""
    yield from started(sqlite_depot)
