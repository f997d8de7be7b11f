"""Three PostgreSQL nodes on loopback, kept by Patroni with synchronous replication.

Patroni's own Raft (pysyncobj) holds who leads: a majority of the three decides, and nothing else has to be
installed. Patroni has an environment of its own; the PostgreSQL is the one that the tests use.
"""

import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from support_postgresql import candidates

PATRONI = Path(__file__).resolve().parents[2] / "build" / "cluster" / "bin" / "patroni"
NEEDED = ("initdb", "postgres", "pg_basebackup", "pg_rewind")
START_LIMIT_S = 120
NODES = 3


def find_programs() -> Path:
    """Where a PostgreSQL lies that has what a cluster needs."""
    for folder in candidates():
        if all((folder / name).exists() for name in NEEDED):
            return folder
    raise RuntimeError(f"no PostgreSQL with {', '.join(NEEDED)} on this machine")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below those that the system gives to whoever connects: Patroni's Raft
    waits for ever, without a word, for a port that was taken before it came to it."""
    ports: list[int] = []
    for port in random.sample(range(20_000, 32_000), 1_000):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError(f"no {count} ports are free")


def wait_until(is_so, what: str, limit_s: float = START_LIMIT_S) -> None:
    """Looks again and again; a deadline, not a pause."""
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {limit_s} s: {what}")
        time.sleep(0.1)


class Node:
    """One machine of the cluster: Patroni and its PostgreSQL."""

    def __init__(self, cluster, index: int, port: int, rest_port: int, raft_ports: list[int]) -> None:
        self.name, self.port, self._rest_port = f"node{index + 1}", port, rest_port
        self._directory = cluster.directory / self.name
        self._directory.mkdir()
        self._user = cluster.user
        raft = [f"127.0.0.1:{one}" for one in raft_ports]
        self._process: subprocess.Popen | None = None
        self._path = self._directory / "patroni.yml"  # YAML takes JSON
        self._path.write_text(json.dumps(self._settings(cluster.programs, raft.pop(index), raft), indent=1))
        if self._user is not None:
            for path in (self._directory, self._path):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _settings(self, programs: Path, raft_address: str, partners: list[str]) -> dict:
        address = f"127.0.0.1:{self.port}"
        rest = f"127.0.0.1:{self._rest_port}"
        return {
            "scope": "glovebox",
            "name": self.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "raft": {
                "data_dir": str(self._directory / "raft"),
                "self_addr": raft_address,
                "partner_addrs": partners,
            },
            "bootstrap": {
                "dcs": {
                    "ttl": 20,
                    "loop_wait": 2,
                    "retry_timeout": 4,
                    "synchronous_mode": True,
                    # Without a second machine that has it, nothing is acknowledged.
                    "synchronous_mode_strict": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 60}},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": address,
                "connect_address": address,
                "data_dir": str(self._directory / "data"),
                "bin_dir": str(programs),
                "pgpass": str(self._directory / "pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres", "password": "loopback"},
                    "replication": {"username": "replicator", "password": "loopback"},
                },
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
                "parameters": {"unix_socket_directories": str(self._directory)},
            },
        }

    def start(self) -> None:
        """Starts Patroni, which starts PostgreSQL."""
        become = []
        if self._user is not None:  # PostgreSQL refuses root; Python may lie where only root may look
            become = [
                "setpriv", f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups",
                "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
            ]  # fmt: skip
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*become, str(PATRONI), str(self._path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "HOME": str(self._directory),
                    "LC_ALL": "C.UTF-8",
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
            )

    def is_(self, role: str) -> bool:
        """Whether it answers as `primary`, `replica`, `synchronous`."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._rest_port}/{role}", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def lose(self) -> None:
        """The machine is gone: SIGKILL to Patroni, PostgreSQL and all its processes."""
        assert self._process is not None
        doomed = [self._process.pid, *self._postgresql()]
        for number in doomed:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()
        self._process = None

    def _postgresql(self) -> list[int]:
        try:
            postmaster = int((self._directory / "data" / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return []
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        try:
            return [postmaster, *map(int, children.read_text().split())]
        except FileNotFoundError:
            return []

    def stop(self) -> None:
        """Ends it in order, if it runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(30)
            self._process = None
        except subprocess.TimeoutExpired:
            self.lose()

    def log(self) -> str:
        """The last it said."""
        path = self._directory / "log"
        return path.read_text(errors="replace")[-3_000:] if path.exists() else ""


class Cluster:
    """`with Cluster() as cluster`: three nodes, one leads, one follows in step."""

    def __init__(self) -> None:
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.directory = Path(tempfile.mkdtemp(prefix="glovebox-cluster-"))
        self.directory.chmod(0o755)
        self.programs = find_programs()
        ports = free_ports(3 * NODES)
        raft = ports[2 * NODES :]
        self.nodes = [Node(self, i, ports[i], ports[NODES + i], list(raft)) for i in range(NODES)]

    def __enter__(self) -> "Cluster":
        try:
            for node in self.nodes:
                node.start()
            self.wait_ready()
        except BaseException:
            for node in self.nodes:
                print(f"--- {node.name}\n{node.log()}")
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def wait_ready(self) -> None:
        """Until one leads and another has all that it acknowledges, and the third follows."""
        wait_until(
            lambda: (
                self.primary() is not None
                and any(node.is_("synchronous") for node in self.nodes)
                and sum(node.is_("replica") for node in self.nodes) == NODES - 1
            ),
            "a primary and two replicas, one of them synchronous",
        )

    def primary(self) -> Node | None:
        """Who leads now."""
        return next((node for node in self.nodes if node.is_("primary")), None)

    def url(self, database: str) -> str:
        """All three; a connection goes to the one that takes writes."""
        hosts = "&".join(f"host=127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql+psycopg://postgres@/{database}?{hosts}&target_session_attrs=read-write&connect_timeout=2"
