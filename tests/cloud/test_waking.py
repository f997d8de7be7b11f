"""Links are woken by other processes' changes, wait without a transaction, and end at a stop in a way that
spreads their return."""

import asyncio
import contextlib
import ssl
import threading
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from glovebox.config import Config
from glovebox.link import hub as hubs
from glovebox.link.hub import Hub, Link
from glovebox.people import service as people
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from glovebox.serving import Server
from glovebox.store.engine import open_store
from glovebox.store.news import News, tell
from glovebox.store.notify import PAYLOAD_LIMIT, pack_payload, parse_payload
from support_cloud import ANNE_UID, DAY, Depot
from support_serve import WAIT_S, LinkClient, Program, run_command
from websockets.exceptions import ConnectionClosed

WHO = ("Ville", "1001")


class Deployment:
    """A database with a small fleet and one box, for servers and commands in processes of their own."""

    def __init__(self, directory, url):
        self.directory, self.url = directory, url
        depot = Depot(directory, url)
        depot.clock.now = int(time.time())
        self.box = depot.claim()
        self.car = depot.car
        depot.close()

    @contextlib.contextmanager
    def serve(self):
        """A server of it, which ends well."""
        served = Program(self.directory, self.url)
        try:
            yield served
        finally:
            assert served.end() == 0

    def book(self, hour=8):
        """A reservation tomorrow, by the command."""
        day = datetime.now(ZoneInfo("Europe/Paris")).date() + timedelta(days=1)
        times = (f"{day}T{hour:02}:00", f"{day}T{hour + 1:02}:00")
        told = run_command(self.directory, self.url, "reservation", "add", *WHO, "AA-101-AA", *times)
        return int(told.split()[1].rstrip(":"))

    def greet(self, link):
        link.send(self.box.envelope(self.box.hello()))
        self.box.open(link.recv())
        link.send(self.box.envelope(self.box.held()))
        self.box.open(link.recv())

    def hear(self, link):
        self.box.open(link.recv())
        return {number for _, number in self.box.authorisations()}


@pytest.fixture
def deployment(create_database, tmp_path):
    return Deployment(tmp_path / "cloud", create_database(tmp_path))


def test_a_reservation_made_on_the_command_line_comes_down_the_open_link(deployment):
    with deployment.serve() as served, LinkClient(served.box_port, served.tls) as link:
        deployment.greet(link)
        number = deployment.book()
        assert deployment.hear(link) == {number}


@pytest.mark.postgresql
def test_what_one_server_wrote_comes_down_the_links_of_the_other(postgresql, tmp_path):
    deployment = Deployment(tmp_path / "cloud", postgresql.create_database())
    box = deployment.box
    with (
        contextlib.closing(open_store(deployment.url)) as store,
        deployment.serve() as first,
        deployment.serve() as second,
        LinkClient(first.box_port, first.tls) as link,
    ):
        deployment.greet(link)
        # A trip of the journal, by the second server: the first one's link hears nothing of a sync ...
        with LinkClient(second.box_port, second.tls) as other:
            other.send(box.envelope(box.state(int(time.time()))))
            box.open(other.recv())
        # ... and of a right of the whole pool.
        with store.write() as tx:
            now = int(time.time())
            people.add_standing_right(tx, now, 1, 1, "standing", now, now + DAY)
        assert deployment.hear(link) == {0x8000_0001}


@pytest.mark.postgresql
def test_what_changed_while_nobody_listened_is_found_by_comparing_versions(postgresql, tmp_path):
    deployment = Deployment(tmp_path / "cloud", postgresql.create_database())
    with deployment.serve() as served:
        with LinkClient(served.box_port, served.tls) as link, connect(deployment.url) as admin:
            deployment.greet(link)
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
            assert admin.execute(end).fetchall() == [(True,)]
            number = deployment.book()
            assert deployment.hear(link) == {number}
        assert "no news of other processes" in served.log


@pytest.mark.postgresql
def test_no_transaction_is_open_while_a_link_waits(postgresql, tmp_path):
    deployment = Deployment(tmp_path / "cloud", postgresql.create_database())
    with (
        deployment.serve() as served,
        LinkClient(served.box_port, served.tls) as link,
        connect(deployment.url) as admin,
    ):
        deployment.greet(link)
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        )
        # The timed rules have one now and then; a link's would be there for as long as the link.
        give_up = time.monotonic() + WAIT_S
        while admin.execute(others).fetchone() != (0,):
            assert time.monotonic() < give_up, "a transaction stays open"
        deployment.book()
        deployment.hear(link)


def connect(url):
    """A connection beside the server's own."""
    name, _, host = url.removeprefix("postgresql+psycopg://glovebox@/").partition("?host=")
    return psycopg.connect(f"host={host} user=glovebox dbname={name}", autocommit=True)


# -- what is told to other processes
def test_news_are_told_by_car_and_pool_each_once_and_nobody_hears_their_own():
    news = [News("authorisations", 12), News("command", 12), News("authorisations", 0, 3)]
    payload = pack_payload("me", news)
    assert payload == "me v12 p3"
    assert parse_payload(payload, but_of="other") == [
        News("authorisations", 12),
        News("authorisations", 0, 3),
    ]
    assert parse_payload(payload, but_of="me") == []


def test_more_news_than_fit_and_what_another_release_says_mean_look_yourself():
    many = [News("authorisations", 1_000_000 + number) for number in range(1_000)]
    payload = pack_payload("me", many)
    assert len(payload) <= PAYLOAD_LIMIT
    assert parse_payload(payload, but_of="other") is None
    assert parse_payload("me x7", but_of="other") is None


@pytest.mark.postgresql
def test_only_a_transaction_that_commits_and_changes_what_boxes_hold_is_told(postgresql, tmp_path):
    depot = Depot(tmp_path / "cloud", postgresql.create_database())
    box = depot.claim()
    try:
        with connect(depot.config.url) as listener:
            listener.execute("LISTEN glovebox")
            box.record(9, b"", depot.now)
            box.greet(box.state(depot.now), box.records())
            with pytest.raises(ValueError, match=r"^$"), depot.cloud.store.write() as tx:
                _grant_and_fail(tx, depot)
            depot.book(depot.anne)
            heard = [notice.payload.split()[1:] for notice in listener.notifies(timeout=1, stop_after=9)]
        assert heard == [[f"v{depot.car}"]]
    finally:
        depot.close()


@pytest.mark.postgresql
def test_what_was_refused_in_its_savepoint_is_not_told_when_the_rest_commits(postgresql, tmp_path):
    depot = Depot(tmp_path / "cloud", postgresql.create_database())
    depot.claim()
    try:
        with connect(depot.config.url) as listener:
            listener.execute("LISTEN glovebox")
            with depot.cloud.store.write() as tx:
                tell(tx, "authorisations", 11)
                with contextlib.suppress(ValueError), tx.begin_nested():
                    tell(tx, "authorisations", 11)
                    with tx.begin_nested():
                        tell(tx, "command", 12)
                    _grant_and_fail(tx, depot)
                with tx.begin_nested():
                    tell(tx, "settings", 13)
            with contextlib.suppress(ValueError), depot.cloud.store.write() as tx, tx.begin_nested():
                _grant_and_fail(tx, depot)
            heard = [notice.payload.split()[1:] for notice in listener.notifies(timeout=1, stop_after=9)]
        assert heard == [["v11", "v13"]]
    finally:
        depot.close()


def _grant_and_fail(tx, depot):
    values = (depot.bob, depot.pool, "standing", depot.now, depot.now + DAY)
    people.add_standing_right(tx, depot.now, *values)
    raise ValueError


def test_rights_of_a_pool_make_no_box_look_for_settings_and_anything_else_does():
    for news, wanted in (
        ([News("authorisations", 0, 3)], [(True, False), (False, False), (True, False)]),
        ([News("settings", 0)], [(True, True)] * 3),
        (
            [News("authorisations", 1), News("authorisations", 0, 3)],
            [(True, True), (False, False), (True, False)],
        ),
    ):
        hub, links = Hub(), [Link(bytes((number,) * 8), number) for number in (1, 2, 3)]
        for number, (link, pool) in enumerate(zip(links, (3, 4, 3), strict=True), 1):
            hub.join(link, number, pool)
        asyncio.run(_publish(hub, news))
        assert [(link.wake.is_set(), link.may_need_settings) for link in links] == wanted


async def _publish(hub, news):
    hub.bind(asyncio.get_running_loop())
    hub.publish(news)
    await asyncio.sleep(0)


# -- the end
def test_of_many_links_the_first_come_back_as_they_like_and_the_others_spread():
    hub, links = Hub(), []
    for number in range(2_000):
        links.append(Link(number.to_bytes(8, "little"), number))
        hub.join(links[-1], number)
    draws = iter(range(2_000))
    hub.close(draw=lambda: next(draws) / 2_000)
    waits = [link.retry_after_s for link in links]
    assert all(link.is_replaced and link.wake.is_set() for link in links)
    assert waits[: hubs.COME_BACK_AT_ONCE] == [0] * hubs.COME_BACK_AT_ONCE
    told = waits[hubs.COME_BACK_AT_ONCE :]
    assert min(told) == hubs.LEAST_WAIT_S
    assert max(told.count(second) for second in set(told)) <= 2 * hubs.RECONNECTS_PER_S
    late = Link(bytes(8), 1)
    hub.join(late, 1)
    assert late.is_replaced


def test_a_stop_tells_a_box_when_to_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(hubs, "COME_BACK_AT_ONCE", 0)
    server = Server(Config(tmp_path / "cloud", web_port=0, box_port=0))
    depot = Depot(tmp_path / "cloud", "")
    box = depot.claim()
    depot.close()
    server.start()
    with LinkClient(server.box_port, _tls(tmp_path / "cloud")) as link:
        link.send(box.envelope(box.hello()))
        box.open(link.recv())
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert box.open(link.recv()).one(0x8B) == b"\x01" + hubs.LEAST_WAIT_S.to_bytes(2, "little")
        with pytest.raises(ConnectionClosed):
            link.recv()
        stopping.join()


def test_a_busy_writer_delays_news_and_ends_no_link(tmp_path, monkeypatch):
    depot = Depot(tmp_path / "cloud", "")
    box = depot.claim()
    depot.close()
    server = Server(Config(tmp_path / "cloud", web_port=0, box_port=0, writer_queue=1))
    server.start()
    writer, hub = server.apps.cloud.writer, server.apps.cloud.hub
    try:
        with LinkClient(server.box_port, _tls(tmp_path / "cloud")) as link:
            link.send(box.envelope(box.hello()))
            box.open(link.recv())
            began, release = threading.Event(), threading.Event()
            jobs = [
                threading.Thread(target=writer.run, args=(lambda _tx: (began.set(), release.wait(WAIT_S)),)),
                threading.Thread(target=writer.run, args=(lambda tx: _book(tx, depot),)),
            ]
            jobs[0].start()
            began.wait(WAIT_S)
            jobs[1].start()
            while not writer.waiting:
                time.sleep(0.001)
            refused, later = threading.Event(), hub.wake_later
            monkeypatch.setattr(hub, "wake_later", lambda *words: (refused.set(), later(*words)))
            hub.publish([News("authorisations", depot.car)])
            assert refused.wait(WAIT_S)
            release.set()
            for job in jobs:
                job.join()
            box.open(link.recv())
            assert [badge for badge, _ in box.authorisations()] == [box.badge(ANNE_UID)]
    finally:
        server.stop()


def _book(tx, depot):
    now = int(time.time())
    reservations.book(tx, now, SYSTEM, depot.car, depot.anne, now + DAY, now + 2 * DAY)


def _tls(directory):
    return ssl.create_default_context(cafile=str(directory / "tls" / "ca.pem"))
