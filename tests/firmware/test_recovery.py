"""A power loss between a record and the snapshot that follows it: books and state are made one again."""

from box.access.session import Session
from box.protocols import codes, records
from box.protocols.crypto import Hmac
from box.recovery import settle

ENTRY = (b"driverA1", 17, 1000, 9000, codes.AUTHORISATION_KIND_RESERVATION, 0, 0)
START = (codes.RECORD_SESSION_START, (17, b"driverA1", 1, 1, 0, 0xFFFFFFFF, 255, 12600))


def end_of(number):
    values = (number, 17, codes.END_REASON_BADGE, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0x7FFFFFFF, 0x7FFFFFFF)
    return codes.RECORD_SESSION_END, values


class Ring:
    """Records by their sequence, sealed as on flash; it is also the journal that is written to."""

    def __init__(self, *rows):
        self._chain = records.Chain(Hmac(b"k"), b"BOX00001", 1, 1)
        self.slots = []
        for kind, values in rows:
            self.write(kind, *values)

    @property
    def last_sequence(self):
        return len(self.slots)

    def write(self, kind, *values):
        sequence = len(self.slots) + 1
        payload = records.pack(kind, *values)
        self.slots.append(self._chain.seal(bytes(16), kind, 1, 1, sequence, 5000, payload))
        return sequence

    def iterate(self, first, limit):
        for sequence in range(first, min(first + limit, len(self.slots) + 1)):
            yield sequence, self.slots[sequence - 1]

    def values(self):
        for slot in self.slots:
            kind, *_, payload, _ = records.unpack_slot(slot)
            yield kind, records.unpack(kind, payload)


def running(number, vital_sequence):
    session = Session()
    session.begin(number, ENTRY, codes.VIA_BADGE, 5000)
    session.state = codes.STATE_ENDING
    session.vital_sequence = vital_sequence
    return session


def test_a_start_that_was_written_and_never_announced_is_closed_in_the_books():
    ring = Ring(START)
    assert settle(Session(), ring, ring, 6000) == 1
    kind, values = list(ring.values())[-1]
    assert (kind, *values[:3]) == (codes.RECORD_SESSION_END, 1, 17, codes.END_REASON_NOT_BEGUN)


def test_an_end_that_was_written_has_happened():
    ring = Ring(START, end_of(1))
    session = running(1, 1)
    assert settle(session, ring, ring, 6000) == 0
    assert (session.state, session.is_running, session.last_badge) == (codes.STATE_PARKED, False, b"driverA1")
    assert len(ring.slots) == 2


def test_a_session_the_snapshot_knows_goes_on():
    ring = Ring(START, (codes.RECORD_DRIVING, (1,)))
    session = running(1, 1)
    assert settle(session, ring, ring, 6000) == 0
    assert session.is_running
    assert len(ring.slots) == 2


def test_a_takeover_cut_off_after_both_its_records_leaves_the_car_free():
    ring = Ring(START, end_of(1), START)
    session = running(1, 1)
    assert settle(session, ring, ring, None) == 3
    assert not session.is_running
    assert list(ring.values())[-1][1][0] == 3


def test_what_the_snapshot_already_knows_is_not_settled_again():
    ring = Ring(START, end_of(1))
    session = Session()
    session.vital_sequence = 2
    assert settle(session, ring, ring, 6000) == 0
    assert len(ring.slots) == 2


def test_a_damaged_record_is_passed_over():
    ring = Ring(START)
    ring.slots.insert(0, bytearray(64))
    assert settle(Session(), ring, ring, 6000) == 2


def test_many_records_after_the_snapshot_do_not_hide_the_newest():
    ring = Ring(*[(codes.RECORD_REFUSED, (bytes(8), 1, 0))] * 500, START)
    assert settle(Session(), ring, ring, 6000) == 501
