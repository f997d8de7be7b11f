"""After an outage: journals in any pieces, again and again, beside jobs that fail; the books hold each record
and each trip once, and a cloud that is busy loses none."""

import asyncio
import struct
import threading

import httpx
import pytest
from glovebox.errors import Busy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_cloud import ANNE_UID, HOUR, NOW

TRIPS = 4
RECORDS = {1: TRIPS * 4, 2: 6}


def write_journal(depot, box):
    """Trips with a stopover in one ring, health in the other."""
    for number in range(TRIPS):
        at = NOW - DAYS_AGO + number * HOUR
        session = box.session_start(at, 0, ANNE_UID, depot.site, auth_kind=2)
        box.record(4, struct.pack("<IH", session, depot.site), at + 60)
        box.record(5, struct.pack("<IB", session, 4), at + 120)
        box.session_end(at + 600, session, 0, depot.site)
    for number in range(RECORDS[2]):
        box.record(32, struct.pack("<HBBIII", 12_600, 80, 0, 1, 1, 1), NOW - number, ring=2)


DAYS_AGO = 20 * HOUR


def books(depot, box):
    """What is in them of this box, without the numbers that differ from box to box."""
    mine = {"box": box.box_id}
    return (
        depot.rows(
            "SELECT ring, sequence, verdict FROM records r JOIN boxes b ON b.id = r.box_id"
            " WHERE b.box_id = :box ORDER BY ring, sequence",
            **mine,
        ),
        depot.rows(
            "SELECT started_at, ended_at, person_id, distance_m FROM trips t JOIN boxes b ON b.id = t.box_id"
            " WHERE b.box_id = :box ORDER BY started_at",
            **mine,
        ),
        depot.rows(
            "SELECT count(*) FROM stopovers s JOIN trips t ON t.id = s.trip_id"
            " JOIN boxes b ON b.id = t.box_id WHERE b.box_id = :box",
            **mine,
        ),
        depot.rows(
            "SELECT count(*) FROM ring_gaps g JOIN boxes b ON b.id = g.box_id WHERE b.box_id = :box", **mine
        ),
    )


def poison(_tx):
    raise ZeroDivisionError


PIECES = st.lists(
    st.tuples(st.sampled_from((1, 2)), st.integers(1, 16), st.integers(0, 16), st.booleans(), st.booleans()),
    max_size=20,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES)
def test_a_journal_in_any_pieces_and_repetitions_is_in_the_books_once(depot, pieces):
    """A piece begins anywhere up to the first record not acknowledged; whole envelopes come again too, and
    jobs that fail share their commits."""
    number = len(depot.rows("SELECT id FROM boxes"))
    box = depot.claim(depot.car_2, f"board-{number}")
    box.sync(box.hello())
    write_journal(depot, box)
    acked, sent = {1: 0, 2: 0}, []

    def push(ring, first, count):
        last = min(first + count - 1, RECORDS[ring])
        sent.append(box.envelope(box.records(ring, first, last)))
        down = box.open(depot.send(sent[-1]))
        acked[ring] = max(acked[ring], last)
        assert down.acks == {(ring, box.epoch): acked[ring]}

    for ring, wished, count, comes_again, is_poisoned in pieces:
        if is_poisoned:
            with pytest.raises(ZeroDivisionError):
                depot.cloud.writer.run(poison, urgent=False)
        push(ring, min(wished, acked[ring] + 1), count)
        if comes_again:
            assert depot.post(sent[number % len(sent)]).status_code == 409
    for ring, count in RECORDS.items():
        push(ring, 1, count)
    records, trips, stopovers, gaps = books(depot, box)
    assert records == [(ring, n, 0) for ring, count in RECORDS.items() for n in range(1, count + 1)]
    assert [trip[:2] for trip in trips] == [
        (NOW - DAYS_AGO + n * HOUR, NOW - DAYS_AGO + n * HOUR + 600) for n in range(TRIPS)
    ]
    assert {trip[2:] for trip in trips} == {(depot.anne, 23_266)}
    assert (stopovers, gaps) == ([(TRIPS,)], [(0,)])


def test_boxes_that_find_the_writer_full_are_told_when_to_come_and_lose_nothing(depot):
    """Three journals and forty failing jobs at once before a queue of two and a writer that is busy until one
    of the boxes is told to wait."""
    cars = [depot.car, depot.car_2, depot.car_3]
    fleet = [depot.claim(car, f"board-{car}") for car in cars]
    for box in fleet:
        box.sync(box.hello())
        write_journal(depot, box)
    depot.cloud.writer._queue_limit = 2
    depot.cloud.writer.start()

    is_busy, one_waits = threading.Event(), threading.Event()

    def be_busy(_tx):
        is_busy.set()
        assert one_waits.wait(60)  # only a hang reaches it

    async def drain():
        transport = httpx.ASGITransport(depot.apps.box)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            busy = asyncio.ensure_future(depot.cloud.writer.write(be_busy, urgent=False))
            await asyncio.to_thread(is_busy.wait)
            told = await asyncio.gather(*(push(client, box) for box in fleet), *(fail() for _ in range(40)))
            await busy
        return sum(told)

    async def push(client, box):
        """One record an envelope, as often as it takes; how often it was told to wait."""
        waits = 0
        for ring, count in RECORDS.items():
            for number in range(1, count + 1):
                while True:
                    raw = box.envelope(box.records(ring, number, number))
                    answer = await client.post("/box/v1/sync", content=raw)
                    if answer.status_code == 200:
                        assert box.open(answer.content).acks == {(ring, box.epoch): number}
                        break
                    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
                    waits += 1
                    one_waits.set()
                    await asyncio.sleep(0)
        return waits

    async def fail():
        try:
            await depot.cloud.writer.write(poison, urgent=False)
        except (ZeroDivisionError, Busy):
            return 0
        return 0

    assert asyncio.run(drain()) > 0
    for box in fleet:
        records, trips, stopovers, gaps = books(depot, box)
        assert len(records) == sum(RECORDS.values())
        assert (len(trips), stopovers, gaps) == (TRIPS, [(TRIPS,)], [(0,)])
