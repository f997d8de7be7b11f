"""What the cloud tells the box, acted on field by field once an envelope has been validated whole."""

import struct
import time

from micropython import const

from ..protocols import codes, wire
from ..storage.authorisations import AuthorisationsError
from ..storage.snapshot import Snapshot
from .hooks import SERVED_MOST_MS

_TIME_AGE_MS = const(10_000)  # a time that was longer on its way is not the present
_HEARTBEAT_LEAST_S = const(15)
_HEARTBEAT_MOST_S = const(3_600)
DOZING_HEARTBEAT_S = const(900)
_MAX_SETS_REFUSED = const(3)  # deltas and sets on one link that do not follow or have a wrong MAC ...
_SET_PAUSE_S = const(600)  # ... then the box slows down
_FIRST = (wire.STORE, wire.DELTA, wire.PAGE, wire.SET_MAC)  # a verdict "look again" counts on them


class Inbox:
    """Acts. `heartbeat_s` is what the cloud wants; `refused_s` is set when it refuses the box for a while."""

    def __init__(self, journal, authorisations, hooks, outbox, directory):
        self._rings = {ring.ring_id: ring for ring in (journal.vital, journal.telemetry)}
        self._authorisations = authorisations
        self._hooks = hooks
        self._outbox = outbox
        self._store = Snapshot(directory, "link")
        self.heartbeat_s = 60
        self.least_heartbeat_s = _HEARTBEAT_LEAST_S
        self.served_most_ms = SERVED_MOST_MS
        self.is_dozing = False
        self.refused_s = None
        data = self._store.load()
        if data and len(data) == 4:
            (outbox.store_epoch,) = struct.unpack("<I", data)
        else:  # our files were lost: the store may be a restored one that lacks what is acknowledged
            held = [ring for ring in self._rings.values() if ring.acked >= ring.first_held]
            outbox.replay = {ring.ring_id: ring.first_held for ring in held}
        self._new_store_epoch = 0
        self._sets_refused = 0
        self.acks_refused = 0  # of what a ring can never have held
        self._wait_until = 0

    async def take(self, fields, age_ms, is_http):
        """Act on a decoded envelope that answers a request sent `age_ms` ago. Raises OSError if flash
        fails.

        What is kept on littlefs may erase: it gives way to a card that is being served.
        """
        self._wait_until = time.ticks_add(time.ticks_ms(), self.served_most_ms)
        for field in fields:
            if field[0] in _FIRST:
                await self._take_authorisations(field, is_http)
        for field in fields:
            tag = field[0]
            if tag == wire.ACK:
                self._take_ack(field[1], field[2], field[3])
            elif tag == wire.TIME:
                if age_ms <= _TIME_AGE_MS:
                    self._hooks.on_time(field[1])
            elif tag == wire.SETTINGS:
                await self._give_way()
                self._hooks.on_settings(field[1])
            elif tag == wire.COMMAND:
                result, reason = await self._hooks.on_command(*field[1:6])
                self._outbox.add_result(field[1], result, reason)
            elif tag == wire.VERDICT:
                self._take_verdict(field[1], field[2])
            elif tag == wire.PACE:
                self._take_pace(field[1], field[2], field[3], is_http)
            elif tag == wire.REFUSED:
                self.refused_s = field[2]
        await self._end_replay()

    async def _give_way(self):
        await self._hooks.give_way(self._wait_until)

    def abandon(self):
        """The link is gone: a full set on its way will begin again."""
        self._sets_refused = 0
        self._authorisations.abandon_set()

    # --- authorisations ---

    async def _take_authorisations(self, field, is_http):
        if field[0] != wire.STORE:
            await self._give_way()
        version = self._authorisations.version
        try:
            if field[0] == wire.STORE:
                self._take_store(field[1])
            elif field[0] == wire.DELTA:
                if field[2] != version:  # else it was had already
                    self._authorisations.apply_delta(field[1], field[2], field[3])
            elif field[0] == wire.PAGE:
                self._take_page(field[1], field[2], field[3], field[4], is_http)
            elif self._authorisations.is_taking:  # else the set was given up with one of its pages
                for _ in self._authorisations.finish_set(field[1], field[2], field[3]):
                    await self._give_way()
                self._outbox.owe_held()
        except AuthorisationsError:
            self._authorisations.abandon_set()
            self._outbox.wants_full_set = self._outbox.wants_hello = True
            self._sets_refused += 1
            if self._sets_refused >= _MAX_SETS_REFUSED:
                self.refused_s = _SET_PAUSE_S
        if self._authorisations.version != version:
            self._hooks.on_authorisations()

    def _take_page(self, version, page, pages, entries, is_http):
        if page == 0:
            self._authorisations.begin_set(version, pages)
        elif not self._authorisations.is_taking:
            return
        self._authorisations.put_page(version, page, entries)
        if is_http and page + 1 < pages:
            self._outbox.next_page = (version, page + 1)

    # --- acknowledgements, and a cloud restored from its backup ---

    def _take_ack(self, ring_id, epoch, sequence):
        ring = self._rings[ring_id]
        if epoch != ring.epoch:
            return
        if sequence > ring.last_sequence:
            # The cloud has records this ring has not: a sector of flash died with the newest in it.
            if ring.skip_to(sequence):
                self._hooks.set_fault(codes.FAULT_FLASH_DAMAGED, sequence)
            else:
                self.acks_refused += 1
            return
        sequence = min(sequence, self._outbox.sent_to.get(ring_id, 0))
        ring.acknowledge(sequence)
        if ring_id in self._outbox.replay:
            self._outbox.replay[ring_id] = max(self._outbox.replay[ring_id], sequence + 1)

    def _take_store(self, store_epoch):
        outbox = self._outbox
        if store_epoch in (outbox.store_epoch, self._new_store_epoch):
            return
        self._new_store_epoch = store_epoch
        if outbox.store_epoch:
            outbox.forget_sent()
            outbox.replay = {ring_id: ring.first_held for ring_id, ring in self._rings.items()}

    async def _end_replay(self):
        """When all that is held has been sent again, the new store is the one we know."""
        if not self._new_store_epoch:
            return
        replay = self._outbox.replay
        for ring_id in list(replay):
            if replay[ring_id] > self._rings[ring_id].acked:
                del replay[ring_id]
        if not replay:
            await self._give_way()
            self._store.save(struct.pack("<I", self._new_store_epoch))
            self._outbox.store_epoch, self._new_store_epoch = self._new_store_epoch, 0

    # --- the rest ---

    def _take_verdict(self, ask_id, verdict):
        for ask in self._outbox.asks:
            if ask.ask_id == ask_id and ask.verdict is None:
                ask.verdict = verdict
                ask.event.set()

    def _take_pace(self, heartbeat_s, mode, more, is_http):
        self.is_dozing = mode == codes.PACE_MODE_DOZING
        least_s = DOZING_HEARTBEAT_S if self.is_dozing else self.least_heartbeat_s
        self.heartbeat_s = min(max(heartbeat_s, least_s), _HEARTBEAT_MOST_S)
        if is_http and more:
            self._outbox.wants_more = True
