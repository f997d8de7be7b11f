"""`glovebox serve` as real processes: stopped while requests are under way, several on one PostgreSQL, and a
PostgreSQL that goes away."""

import http.client
import json
import signal
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest
from glovebox import cli
from glovebox.accounts import service as accounts
from glovebox.accounts.passwords import hash_password
from glovebox.incidents.tables import incidents
from glovebox.reservations.tables import reservations
from glovebox.store.engine import open_store
from glovebox.store.migrate import read_store_epoch
from sqlalchemy import func, insert, select
from support_cloud import DAY, HOUR, Depot
from support_serve import WAIT_S, Program

TOKEN = "a driver's session"
PASSWORD = "quatre mots bien longs"
UNDER_WAY = 6
# A line for each booking that has reached the queue of the writer: from then on it is under way.
TELLS_WHAT_WAITS = """
import sys
from glovebox.store.writer import Writer
put = Writer._put
def tell(self, entry):
    put(self, entry)
    if entry.urgent:
        print("queued", file=sys.stderr, flush=True)
Writer._put = tell
"""
pytestmark = pytest.mark.timeout(180)


class Deployment:
    """The small fleet on one database, Anne logged in; programs that serve it."""

    def __init__(self, directory, url):
        self.directory, self.url = directory / "cloud", url
        depot = Depot(self.directory, url)
        self.car, self.town, self.anne, self.bob = depot.car, depot.town, depot.anne, depot.bob
        for number, car in enumerate((depot.car, depot.car_2)):
            depot.claim(car, f"board-{number}")
        self.now = int(time.time())
        depot.run(lambda tx: accounts.set_password(tx, self.now, depot.anne, hash_password(PASSWORD)))
        depot.run(lambda tx: accounts.set_password(tx, self.now, depot.bob, hash_password(PASSWORD)))
        depot.run(lambda tx: accounts.start_session(tx, self.now, depot.anne, TOKEN))
        depot.close()
        self._programs = []

    def serve(self, before="", **options):
        """One more process."""
        self._programs.append(Program(self.directory, self.url, before, **options))
        return self._programs[-1]

    def close(self):
        """Ends what a test that failed has left."""
        for program in self._programs:
            if program.process.poll() is None:
                program.end(signal.SIGKILL)

    def read(self, statement):
        store = open_store(self.url)
        try:
            with store.read() as tx:
                return tx.execute(statement).all()
        finally:
            store.close()

    def booking(self, number):
        """The n-th that is asked for; none overlaps another."""
        start = self.now + DAY + number * HOUR
        return {"vehicle_id": self.car, "starts_at": start, "ends_at": start + HOUR}

    def booked(self):
        return {row.id for row in self.read(select(reservations.c.id))}


@pytest.fixture
def deployment(create_database, tmp_path):
    made = Deployment(tmp_path, create_database(tmp_path))
    yield made
    made.close()


@pytest.fixture
def on_postgresql(postgresql, tmp_path):
    made = Deployment(tmp_path, postgresql.create_database())
    yield made
    made.close()


def ask(port, method, path, body=None, token=TOKEN):
    """Status, headers, body over a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)) as connection:
        headers = {"cookie": f"glovebox={token}", "content-type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in reversed(answer.getheaders())}
        return answer.status, headers, answer.read()


def book(port, booking):
    status, headers, body = ask(port, "POST", "/api/v1/reservations", booking)
    return status, headers, json.loads(body)


def wait_until(is_so, what):
    """Looks again and again; a deadline, not a pause."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def is_closed(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S).close()
    except ConnectionRefusedError:
        return True
    return False


@contextmanager
def nobody_books(url):
    """The database takes no booking meanwhile: another holds it."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
    else:
        connection = psycopg.connect(url.replace("+psycopg", ""))
        connection.execute("LOCK TABLE reservations IN EXCLUSIVE MODE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


def test_what_is_under_way_when_the_server_is_to_stop_is_answered_and_kept(deployment):
    program = deployment.serve(TELLS_WHAT_WAITS)
    with ThreadPoolExecutor(UNDER_WAY) as together:
        with nobody_books(deployment.url):
            answers = [
                together.submit(book, program.web_port, deployment.booking(number))
                for number in range(UNDER_WAY)
            ]
            wait_until(lambda: program.log.count("queued") == UNDER_WAY, "all bookings wait")
            program.process.send_signal(signal.SIGTERM)
            wait_until(lambda: is_closed(program.web_port), "the server takes no new connection")
        told = [answer.result() for answer in answers]
    assert program.end() == 0
    assert [status for status, _, _ in told] == [201] * UNDER_WAY
    assert {body["id"] for _, _, body in told} == deployment.booked()


@pytest.mark.postgresql
def test_two_processes_answer_at_one_address_and_either_may_end(on_postgresql):
    one = on_postgresql.serve(options=["--share-ports"])
    ports = (one.web_port, one.box_port)
    other = on_postgresql.serve(ports=ports, options=["--share-ports"])
    assert (other.web_port, other.box_port) == ports
    booked = {book(ports[0], on_postgresql.booking(number))[2]["id"] for number in range(8)}
    assert one.end() == 0
    booked |= {book(ports[0], on_postgresql.booking(8))[2]["id"]}
    one = on_postgresql.serve(ports=ports, options=["--share-ports"])
    assert other.end() == 0
    booked |= {book(ports[0], on_postgresql.booking(9))[2]["id"]}
    assert one.end() == 0
    assert booked == on_postgresql.booked()
    assert len(booked) == 10


@pytest.mark.postgresql
def test_a_port_is_shared_only_if_both_say_so(on_postgresql):
    one = on_postgresql.serve()
    with pytest.raises(AssertionError, match="in use"):
        on_postgresql.serve(ports=(one.web_port, one.box_port))
    assert one.end() == 0


@pytest.mark.postgresql
def test_a_login_a_logout_and_failed_tries_of_one_process_hold_in_the_other(on_postgresql):
    one, other = (on_postgresql.serve() for _ in range(2))
    login = {"identifier": "1001", "password": PASSWORD}
    status, headers, _ = ask(one.web_port, "POST", "/api/v1/session", login)
    name, token = headers["set-cookie"].split(";")[0].split("=", 1)
    assert name == "glovebox", "the session's cookie is set first"
    assert (status, ask(other.web_port, "GET", "/api/v1/session", token=token)[0]) == (204, 200)
    assert ask(other.web_port, "DELETE", "/api/v1/session", token=token)[0] == 204
    assert ask(one.web_port, "GET", "/api/v1/session", token=token)[0] == 401
    wrong = {"identifier": "1002", "password": "wrong"}
    told = [ask((one, other)[n % 2].web_port, "POST", "/api/v1/session", wrong)[0] for n in range(6)]
    assert told == [403] * accounts.LIMIT_ACCOUNT_AT_ADDRESS + [429]
    right = {"identifier": "1002", "password": PASSWORD}
    assert ask(one.web_port, "POST", "/api/v1/session", right)[0] == 429
    assert (one.end(), other.end()) == (0, 0)


@pytest.mark.postgresql
def test_what_is_due_by_the_clock_is_done_once_by_several_processes(on_postgresql):
    programs = [on_postgresql.serve() for _ in range(3)]
    store = open_store(on_postgresql.url)
    rows = [
        {
            "vehicle_id": on_postgresql.car,
            "organisation_id": on_postgresql.town,
            "person_id": on_postgresql.anne,
            "starts_at": on_postgresql.now - (number + 2) * HOUR,
            "ends_at": on_postgresql.now - (number + 1) * HOUR,
            "state": "confirmed",
            "created_at": on_postgresql.now - 999 * HOUR,
            "changed_at": on_postgresql.now - 999 * HOUR,
        }
        for number in range(300)
    ]
    with store.write() as tx:
        tx.execute(insert(reservations), rows)
    store.close()
    left = select(func.count()).where(reservations.c.state == "confirmed")
    wait_until(lambda: on_postgresql.read(left) == [(0,)], "all have lapsed")
    assert [program.end() for program in programs] == [0, 0, 0]
    told = on_postgresql.read(
        select(incidents.c.reservation_id).where(incidents.c.kind == "silent_reservation")
    )
    assert len(told) == len(set(told)) == len(rows)
    assert all("failed" not in program.log for program in programs)


@pytest.mark.postgresql
def test_a_process_outlives_its_database_and_answers_503_meanwhile(postgresql, on_postgresql):
    program = on_postgresql.serve()
    booked = [book(program.web_port, on_postgresql.booking(0))[2]["id"]]
    postgresql.crash()
    try:
        for answer in (
            ask(program.web_port, "POST", "/api/v1/reservations", on_postgresql.booking(1)),
            ask(program.web_port, "GET", "/api/v1/reservations"),
            ask(program.web_port, "GET", "/console"),
        ):
            assert (answer[0], answer[1]["retry-after"]) == (503, "10")
        assert ask(program.web_port, "GET", "/healthz")[0] == 200
    finally:
        postgresql.start()
    status, _, body = book(program.web_port, on_postgresql.booking(1))
    assert status == 201
    assert program.end() == 0
    assert on_postgresql.booked() == {*booked, body["id"]}


@pytest.mark.postgresql
def test_a_dump_taken_while_bookings_are_made_is_whole_and_serves_after_its_restore(
    postgresql, on_postgresql
):
    """By PostgreSQL's own tools, then `glovebox restore`: bookings acknowledged before the dump are in it."""
    program = on_postgresql.serve()
    before = [book(program.web_port, on_postgresql.booking(number))[2]["id"] for number in range(10)]
    with ThreadPoolExecutor() as together:
        more = [
            together.submit(book, program.web_port, on_postgresql.booking(number)) for number in range(10, 60)
        ]
        dump = postgresql.dump(on_postgresql.url)
        assert [answer.result()[0] for answer in more] == [201] * 50
    assert program.end() == 0
    restored = postgresql.create_database(empty=True)
    postgresql.restore(dump, restored)
    assert cli.main(["--directory", str(on_postgresql.directory), "--database", restored, "restore"]) == 0
    old_epoch = epoch_of(on_postgresql.url)
    on_postgresql.url = restored
    assert set(before) <= on_postgresql.booked()
    assert epoch_of(restored) not in (0, old_epoch)
    program = on_postgresql.serve()
    status, _, body = book(program.web_port, on_postgresql.booking(90))
    assert (status, body["id"] > max(before) + 10_000) == (201, True)
    assert program.end() == 0


def epoch_of(url):
    store = open_store(url)
    try:
        with store.read() as tx:
            return read_store_epoch(tx)
    finally:
        store.close()
