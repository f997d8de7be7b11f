"""kill -9 of the serving process while boxes push their journals over TLS: what was acknowledged is there
after the restart, nothing is there twice, every chain is whole."""

import http.client
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from glovebox.boxes.tables import boxes
from glovebox.records.tables import records, ring_gaps
from glovebox.store.engine import open_store
from glovebox.trips.tables import trips
from sqlalchemy import func, select
from support_cloud import ANNE_UID, NOW, Depot
from support_serve import WAIT_S, LinkClient, Program
from websockets.exceptions import WebSocketException

# An SQLite file and its checkpoints, a commit, an answer, TLS: each takes some milliseconds at most.
LATEST_KILL_S = 0.004
RECORDS = 600
BATCH_LIMIT = 6

ACKNOWLEDGES_TOO_EARLY = """
from glovebox.store import writer

class Careless(writer.Writer):
    '''Answers first and commits with the batch that comes next.'''

    open_transaction = None

    def _run_together(self, batch):
        if self.open_transaction is not None:
            self.open_transaction.commit()
        tx = self._connect()
        self.open_transaction = tx.begin()
        for entry in batch:
            entry.result = entry.job(tx)

writer.Writer = Careless
"""


class Lost(AssertionError):
    """The books are not what was acknowledged."""


class Moment:
    """When the process is to die: at the n-th envelope that any box sends, `delay_s` after it has left, or
    as soon as it is answered (None)."""

    def __init__(self, count, delay_s=None):
        self._count, self._delay_s = count, delay_s
        self._lock = threading.Lock()

    @classmethod
    def draw(cls, draw):
        """Any."""
        return cls(draw.randrange(3, 60), draw.choice((None, draw.uniform(0, LATEST_KILL_S))))

    def sent(self, program):
        """An envelope is on its way. Returns True if the process dies at its answer."""
        with self._lock:
            self._count -= 1
            is_now = self._count == 0
        if is_now and self._delay_s is not None:
            time.sleep(self._delay_s)  # not to wait for anything: any moment is as good as another
            program.kill()
        return is_now and self._delay_s is None


class Pusher:
    """A box that sends its journal as far as it gets."""

    def __init__(self, box, seed):
        self.box, self._draw = box, random.Random(seed)
        self.acknowledged = 0
        for start in range(0, RECORDS, 2):
            session = box.session_start(NOW + start, 0, ANNE_UID)
            box.session_end(NOW + start + 1, session, 0)

    def push(self, program, moment, by_link):
        """Until all is acknowledged or the process is gone."""
        carrier = (self._by_link if by_link else self._by_post)(program)
        try:
            send = next(carrier)
            while self.acknowledged < RECORDS:
                # A box that lost power before it noted an acknowledgement sends the same again.
                first = max(self.acknowledged + 1 - self._draw.randrange(3), 1)
                fields = self.box.records(1, first, first + self._draw.randrange(2, BATCH_LIMIT))
                answer = send(self.box.envelope(fields), moment)
                self.acknowledged = max(self.box.open(answer).acks[1, self.box.epoch], self.acknowledged)
        except (OSError, WebSocketException, http.client.HTTPException):
            assert moment is not None, "the link broke while the process lived"
        finally:
            carrier.close()

    def _by_post(self, program):
        connection = http.client.HTTPSConnection(
            "localhost", program.box_port, context=program.tls, timeout=WAIT_S
        )

        def send(raw, moment):
            connection.request("POST", "/box/v1/sync", raw)
            is_last = moment is not None and moment.sent(program)
            answer = connection.getresponse()
            body = answer.read()
            if is_last:
                program.kill()
            assert answer.status == 200
            return body

        try:
            yield send
        finally:
            connection.close()

    def _by_link(self, program):
        with LinkClient(program.box_port, program.tls) as link:

            def send(raw, moment):
                link.send(raw)
                is_last = moment is not None and moment.sent(program)
                answer = link.recv()
                if is_last:
                    program.kill()
                return answer

            yield send


class Deployment:
    """A store with three boxes, and the processes that serve it one after the other."""

    def __init__(self, directory, url, seed):
        self.directory, self.url = directory / "cloud", url
        self.draw = random.Random(seed)
        depot = Depot(self.directory, url)
        cars = (depot.car, depot.car_2, depot.car_3)
        self.pushers = [
            Pusher(depot.claim(car, f"board-{number}"), seed * 10 + number) for number, car in enumerate(cars)
        ]
        depot.close()

    def run_round(self, moment, before="", pushers=None):
        """One life of the process, to that moment or until all is stored; the books are looked at when it
        has started."""
        program, waiting = Program(self.directory, self.url, before), []
        try:
            self.check()
            with ThreadPoolExecutor() as together:
                for pusher in pushers or self.pushers:
                    is_by_link = self.draw.random() < 0.5
                    waiting.append(together.submit(pusher.push, program, moment, is_by_link))
        finally:
            status = program.end()
        assert (status == 0) is (moment is None)
        for pushed in waiting:
            pushed.result()
        assert "Traceback" not in program.log

    def check(self):
        """Raises Lost unless the books hold each box's journal, from the first record to at least the
        last one acknowledged, once."""
        store = open_store(self.url)
        try:
            with store.read() as tx:
                for pusher in self.pushers:
                    self._check_box(tx, pusher)
        finally:
            store.close()

    def _check_box(self, tx, pusher):
        mine = select(boxes.c.id).where(boxes.c.box_id == pusher.box.box_id).scalar_subquery()
        columns = (records.c.sequence, records.c.verdict, records.c.slot)
        stored = tx.execute(select(*columns).where(records.c.box_id == mine).order_by(columns[0])).fetchall()
        if len(stored) < pusher.acknowledged:
            raise Lost(f"{pusher.acknowledged} acknowledged, {len(stored)} stored")
        if [row.sequence for row in stored] != list(range(1, len(stored) + 1)):
            raise Lost("a record is missing between others, or there twice")
        whole = [(0, slot) for slot in pusher.box.slots[1][: len(stored)]]
        if [(row.verdict, bytes(row.slot)) for row in stored] != whole:
            raise Lost("the chain is broken")
        gaps = tx.scalar(select(func.count()).where(ring_gaps.c.box_id == mine))
        told = (func.count(trips.c.started_at), func.count(trips.c.ended_at))
        counts = tuple(tx.execute(select(*told).where(trips.c.box_id == mine)).one())
        if gaps or counts != ((len(stored) + 1) // 2, len(stored) // 2):
            raise Lost(f"{gaps} gaps, {counts} trips started and ended of {len(stored)} records")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.sweep)])
def test_kill_9_at_any_moment_loses_nothing_acknowledged_and_stores_nothing_twice(
    create_database, tmp_path, seed
):
    deployment = Deployment(tmp_path, create_database(tmp_path), seed)
    for _ in range(5):
        deployment.run_round(Moment.draw(deployment.draw))
    assert any(0 < pusher.acknowledged < RECORDS for pusher in deployment.pushers)
    deployment.run_round(None)
    deployment.check()
    assert [pusher.acknowledged for pusher in deployment.pushers] == [RECORDS] * 3


def test_a_cloud_that_acknowledges_before_it_commits_is_caught(create_database, tmp_path):
    deployment = Deployment(tmp_path, create_database(tmp_path), seed=3)
    deployment.run_round(Moment(9), ACKNOWLEDGES_TOO_EARLY, deployment.pushers[:1])
    with pytest.raises(Lost, match="acknowledged"):
        deployment.check()
