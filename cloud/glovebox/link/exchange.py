"""From bytes to bytes: checks an envelope outside the writer, has it handled inside, and seals what goes
back."""

import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from glovebox.clock import HOUR_S, Clock, Entropy, to_device_s
from glovebox.keys import Keyring
from glovebox.link import service, wire
from glovebox.link.service import Reply, Terms
from glovebox.link.wire import Envelope, Up, WireError
from glovebox.store.plain import Plain
from glovebox.store.writer import Writer

NONCE_BYTES: Final = 8
PART_LIMIT: Final = 0xFFFF
# Code of the field REFUSED; no box asks for it.
GOING_AWAY: Final = 1


class Request:
    """The up envelope that down envelopes answer; `next_part` numbers them."""

    __slots__ = ("envelope", "next_part")

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.next_part = 0


class Exchange:
    """The link's work apart from sockets. Refused envelopes are counted in memory and written out now and
    then, so that a flood of them costs no transaction each."""

    def __init__(
        self,
        writer: Writer,
        keyring: Keyring,
        clock: Clock,
        entropy: Entropy,
        store_epoch: int,
        heartbeat_s: int,
        timezone: str,
    ) -> None:
        self._writer, self._keyring, self._clock, self._entropy = writer, keyring, clock, entropy
        self._store_epoch, self._heartbeat_s = store_epoch, heartbeat_s
        self._timezone = ZoneInfo(timezone)
        self._offset = (-1, 0)
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()

    async def receive(self, raw: bytes, is_link: bool) -> tuple[Request, Reply]:
        """Handles one up envelope; returns after the commit. Raises WireError (counted) or Busy."""
        try:
            envelope, body = self._open(raw)
            reply = await self._handle(envelope, body, is_link)
        except WireError as error:
            self.count_refused(error.reason)
            raise
        return Request(envelope), reply

    async def fetch_news(self, request: Request, with_settings: bool = True) -> list[bytes]:
        """Sealed down envelopes with what the box should be told now, as further parts of its open
        request."""
        now, box_id = int(self._clock()), request.envelope.box_id

        def job(tx: Connection) -> list[bytes]:
            return service.handle_news(tx, now, self._keyring, box_id, with_settings)

        if request.next_part + 128 > PART_LIMIT:
            return []  # told with the next request; a box speaks every quarter of an hour
        reads = service.list_reads(box_id)
        return self.seal(request, await self._writer.write(job, urgent=False, reads=reads))

    def seal(self, request: Request, bodies: list[bytes]) -> list[bytes]:
        """Down envelopes of these bodies, as the next parts of the request."""
        envelope = request.envelope
        key = self._keyring.box_key(envelope.box_id, envelope.key_id, "wire")
        sealed = []
        for body in bodies:
            head = (envelope.box_id, envelope.key_id, envelope.counter, request.next_part)
            sealed.append(wire.pack_envelope(*head, self._entropy(NONCE_BYTES), body, key, envelope.nonce))
            request.next_part += 1
        return sealed

    def seal_refusal(self, request: Request, retry_after_s: int) -> bytes:
        """The server stops: come back then, not at once."""
        return self.seal(request, [wire.pack_refused(GOING_AWAY, retry_after_s)])[0]

    def answer_time(self, request: bytes) -> bytes:
        """The answer to a time request, or WireError for one that is none."""
        if len(request) != 17 or request[8] == 0:
            self.count_refused("time")
            raise WireError(wire.DAMAGED, "a time request has 17 bytes")
        key = self._keyring.box_key(request[:8], request[8], "time")
        return wire.answer_time_request(request, to_device_s(int(self._clock())), key)

    def count_refused(self, reason: str) -> None:
        """One more envelope refused."""
        with self._lock:
            self._refused[reason] += 1

    def take_refused(self) -> dict[str, int]:
        """The counts since the last call, for `store_refused`."""
        with self._lock:
            counts, self._refused = dict(self._refused), Counter()
        return counts

    def _open(self, raw: bytes) -> tuple[Envelope, Up | WireError]:
        envelope = wire.parse_envelope(raw)
        if not envelope.key_id:
            raise WireError(wire.UNAUTHENTIC, "generation 0")
        wire.verify(raw, self._keyring.box_key(envelope.box_id, envelope.key_id, "wire"))
        try:
            return envelope, wire.parse_body(envelope.body)
        except WireError as error:
            return envelope, error  # told only after the counter has been checked

    async def _handle(self, envelope: Envelope, body: Up | WireError, is_link: bool) -> Reply:
        now = int(self._clock())
        terms = Terms(
            self._store_epoch, self._heartbeat_s, service.local_minute(now, self._utc_offset_s(now))
        )

        def job(tx: Connection) -> Reply | WireError:
            try:
                return service.handle_up(tx, now, self._keyring, terms, envelope, body, is_link)
            except WireError as error:
                return error  # nothing was changed: not a reason to do the whole batch again

        reads = service.list_reads(envelope.box_id, body)
        result = await self._writer.write(job, urgent=False, reads=reads)
        if isinstance(result, WireError):
            raise result
        return result

    def _utc_offset_s(self, now: int) -> int:
        """The zone's offset, looked up once an hour."""
        hour = now // HOUR_S
        if self._offset[0] != hour:
            offset = datetime.fromtimestamp(now, UTC).astimezone(self._timezone).utcoffset()
            self._offset = (hour, int(offset.total_seconds()) if offset else 0)
        return self._offset[1]


_COUNT: Final = Plain("""
    INSERT INTO refused_envelopes (reason, count, last_at) VALUES (?, ?, ?)
    ON CONFLICT (reason) DO UPDATE
    SET count = refused_envelopes.count + excluded.count, last_at = excluded.last_at""")


def store_refused(tx: Connection, now: int, counts: dict[str, int]) -> None:
    """Adds counts of refused envelopes to the books."""
    for reason, count in sorted(counts.items()):
        _COUNT.run(tx, (reason, count, now))
