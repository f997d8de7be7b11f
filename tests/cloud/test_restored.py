"""A backup taken while boxes have their links open and more to send, the disk lost, the backup restored:
nothing that boxes still hold is missing in the end, and they hold what the restored store has."""

import signal
import threading
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from glovebox.store.engine import open_store
from sqlalchemy import text
from support_cloud import ANNE_UID, DAY, Depot
from support_serve import WAIT_S, LinkClient, Program, run_command

RECORDS = 60
BATCH = 4
HELD_BACK = 20


class HeldBox(threading.Thread):
    """A box on its link: sends from the first record on that its store has not acknowledged, and all again to
    a store it does not know. Keeps some back until the backup has been taken."""

    def __init__(self, box, served, may_go_on):
        super().__init__(daemon=True)
        self.box, self.served, self.may_go_on = box, served, may_go_on
        self.acknowledged, self.error = 0, None
        self.is_under_way = threading.Event()

    def run(self):
        try:
            with LinkClient(self.served.box_port, self.served.tls) as link:
                self._push(link)
        except BaseException as error:
            self.error = error
            self.is_under_way.set()

    def _push(self, link):
        box, known = self.box, self.box.store_epoch
        first = self._talk(link, box.hello())
        while box.version and not first.all(0x86) and first.all(0x85):
            first = box.open(link.recv())
        if box.store_epoch != known:
            self.acknowledged = 0
        while self.acknowledged < RECORDS:
            if self.acknowledged >= HELD_BACK:
                self.is_under_way.set()
                self.may_go_on.wait(WAIT_S)
            first = self.acknowledged + 1
            down = self._talk(link, box.records(1, first, first + BATCH - 1))
            self.acknowledged = down.acks[1, box.epoch]
        self._talk(link, box.held())

    def _talk(self, link, *fields):
        """One request, its answer, and the news before it."""
        link.send(self.box.envelope(*fields))
        down = self.box.open(link.recv())
        while not down.all(0x82):
            down = self.box.open(link.recv())
        return down


def push(fleet, served, may_go_on):
    """All of them to this server; the threads, begun."""
    threads = [HeldBox(box, served, may_go_on) for box in fleet]
    for thread in threads:
        thread.start()
    return threads


def finish(threads):
    for thread in threads:
        thread.join(3 * WAIT_S)
        assert thread.error is None, thread.error
        assert thread.acknowledged == RECORDS


def book(directory, hour):
    day = datetime.now(ZoneInfo("Europe/Paris")).date() + timedelta(days=1)
    times = (f"{day}T{hour:02}:00", f"{day}T{hour + 1:02}:00")
    told = run_command(directory, "", "reservation", "add", "Ville", "1001", "AA-101-AA", *times)
    return int(told.split()[1].rstrip(":"))


def read_books(directory):
    store = open_store(f"sqlite:///{directory / 'glovebox.sqlite'}")
    try:
        with store.read() as tx:
            return [
                [tuple(row) for row in tx.execute(text(statement))]
                for statement in (
                    "SELECT box_id, sequence, verdict FROM records ORDER BY 1, 2",
                    "SELECT count(*), count(ended_at) FROM trips",
                    "SELECT count(*) FROM ring_gaps",
                )
            ]
    finally:
        store.close()


@pytest.mark.timeout(240)
def test_a_backup_restored_under_a_fleet_ends_with_nothing_lost_that_boxes_still_hold(tmp_path):
    directory, backup = tmp_path / "cloud", tmp_path / "backup.sqlite"
    depot = Depot(directory, "")
    depot.clock.now = int(time.time()) - DAY
    fleet = [depot.claim(car, f"board-{car}") for car in (depot.car, depot.car_2, depot.car_3)]
    for box in fleet:
        for number in range(RECORDS // 2):
            session = box.session_start(depot.now + number * 600, 0, ANNE_UID, depot.site, auth_kind=2)
            box.session_end(depot.now + number * 600 + 300, session, 0, depot.site)
    depot.close()
    may_go_on = threading.Event()

    served = Program(directory)
    kept = book(directory, 8)
    threads = push(fleet, served, may_go_on)
    for thread in threads:
        assert thread.is_under_way.wait(WAIT_S)
        assert thread.error is None
    run_command(directory, "", "backup", str(backup))
    may_go_on.set()
    book(directory, 12)  # lost, and told to the boxes
    finish(threads)
    served.end(signal.SIGKILL)
    assert len(read_books(directory)[0]) == 3 * RECORDS

    for path in directory.glob("glovebox.sqlite*"):
        path.unlink()
    run_command(directory, "", "restore", str(backup))
    assert len(read_books(directory)[0]) < 3 * RECORDS
    served = Program(directory)
    try:
        finish(push(fleet, served, may_go_on))
    finally:
        assert served.end() == 0
    records, trips, gaps = read_books(directory)
    assert records == [(box, number, 0) for box in (1, 2, 3) for number in range(1, RECORDS + 1)]
    assert trips == [(3 * RECORDS // 2, 3 * RECORDS // 2)]
    assert gaps == [(0,)]
    assert [number for _, number in fleet[0].authorisations()] == [kept]
