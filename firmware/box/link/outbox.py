"""What the box has to tell the cloud, put together into the body of the next envelope.

Within one link nothing is told twice but what changes; a link that breaks makes everything untold again. So
what matters reaches the cloud at least once: records until acknowledged, results of commands until
answered.
"""

import time

from micropython import const

from ..protocols import wire

BATCH = const(32)  # records an envelope: 2 KB, and with both rings full still under a second envelope's size
_SETTLE_MS = const(300)  # a tap writes several records within this: one envelope for them
_STATE_MS = const(1_000)  # a state that flickers is told once a second at most
_TELEMETRY_AT = const(16)  # telemetry goes along with whatever is sent; alone only from so many records on
_MAX_RESULTS = const(8)  # of commands not yet answered; the cloud sends few at a time
_MAX_ASKS = const(4)
_STILL_BIT = const(0x10)  # flickers in every gust of wind: not worth an envelope


class Ask:
    """A badge the cloud is asked about."""

    def __init__(self, ask_id, badge, event):
        self.ask_id = ask_id
        self.badge = badge
        self.event = event
        self.is_sent = False
        self.verdict = None


class Outbox:
    """`journal` gives the rings, `authorisations.version` what is held, `hooks` the rest
    (`box.link.hooks.Hooks`).
    """

    def __init__(self, journal, authorisations, hooks, firmware_version, reset_cause, boot_count):
        self._rings = (journal.vital, journal.telemetry)
        self._authorisations = authorisations
        self._hooks = hooks
        self._firmware_version = firmware_version
        self._reset_cause = reset_cause
        self._boot_count = boot_count
        self.store_epoch = 0
        self.replay = {}  # ring id -> sequence from which a cloud with a new store wants the records again
        self.asks = []
        self._results = []  # [command_id, result, reason, counter of the envelope it went with or None]
        self.wants_full_set = False
        self.next_page = (0, 0)  # version and page wanted over HTTP; page 0 comes by itself
        self.wants_more = False  # the cloud said so: another request brings more
        self.reset()

    def reset(self):
        """A new link: nothing has been told on it."""
        self.wants_hello = True
        self.next_page = (0, 0)
        self.wants_more = False
        self.forget_sent()
        self._told_state = b""
        self._told_faults = b""
        self._told_counters = ()
        self._told_version = None
        self._told_at = time.ticks_ms()
        self._news_at = None  # since when records wait to be sent
        for ask in self.asks:
            ask.is_sent = False
        for row in self._results:
            row[3] = None

    def forget_sent(self):
        """What was sent and not acknowledged is to be sent again."""
        self.sent_to = {}  # ring id -> last sequence sent on this link

    def add_result(self, command_id, result, reason):
        """Tell what became of a command."""
        self._results.append([command_id, result, reason, None])
        if len(self._results) > _MAX_RESULTS:
            self._results.pop(0)

    def add_ask(self, ask):
        """Ask; returns whether there is room."""
        if len(self.asks) >= _MAX_ASKS:
            return False
        self.asks.append(ask)
        return True

    def owe_held(self):
        """A whole set lies in flash: the cloud that sent it waits to hear so, be it the version held
        before (a store restored from its backup sends that one).
        """
        self._told_version = 0

    def note_answered(self, counter):
        """The cloud has answered the envelope with `counter`: what went with it has arrived."""
        self._results = [row for row in self._results if row[3] is None or row[3] > counter]

    # --- is there anything to tell ---

    def has_ask(self):
        """Tell whether a badge waits to be asked about: that goes at once."""
        return any(not ask.is_sent for ask in self.asks)

    def has_news(self, now):
        """Tell whether anything is due now."""
        if self.wants_hello or self.next_page[1] or self.wants_more or self.has_ask():
            return True
        if any(row[3] is None for row in self._results) or self._is_version_news():
            return True
        if self._are_records_due(now):
            return True
        if time.ticks_diff(now, self._told_at) < _STATE_MS:
            return False
        return self._hooks.active_faults() != self._told_faults or self._mask_state() != self._told_state

    def is_settling(self):
        """Tell whether records wait for those that come with them."""
        return self._news_at is not None

    def _is_version_news(self):
        return self._told_version is not None and self._authorisations.version != self._told_version

    def _are_records_due(self, now):
        vital, telemetry = self._rings
        waiting = vital.last_sequence - self._first(vital) + 1
        along = telemetry.last_sequence - self._first(telemetry) + 1
        least = 1 if telemetry.ring_id in self.replay else _TELEMETRY_AT
        if waiting <= 0 and along < least:
            self._news_at = None
            return False
        if waiting >= BATCH or along >= BATCH:
            return True  # a full envelope has nobody to wait for: a long outage's records drain at once
        if self._news_at is None:
            self._news_at = now
        return time.ticks_diff(now, self._news_at) >= _SETTLE_MS

    def _mask_state(self):
        """Return the part of STATE whose change is news: not voltage, fuel, odometer, stillness and time."""
        state = bytearray(self._hooks.get_state())
        state[2] &= ~_STILL_BIT & 0xFF
        state[3] &= ~_STILL_BIT & 0xFF
        return bytes(state[0:4] + state[12:18])

    def _first(self, ring):
        """Return the first sequence of a ring to be sent."""
        first = self.replay.get(ring.ring_id) or ring.first_unacked
        return max(first, self.sent_to.get(ring.ring_id, 0) + 1)

    # --- telling ---

    def compose(self, counter, with_counters):
        """Return the body of the envelope `counter`, and hold what is in it for told on this link."""
        body = bytearray()
        if self._is_version_news() and not self._authorisations.version:
            self.wants_hello = True  # the set is lost: HELLO with version 0 asks for a full one
        if self.wants_hello:
            self._add_hello(body)
        for ask in self.asks:
            if not ask.is_sent:
                body.extend(wire.encode_ask(ask.ask_id, ask.badge))
                ask.is_sent = True
        for row in self._results:
            if row[3] is None:
                body.extend(wire.encode_command_result(row[0], row[1], row[2]))
                row[3] = counter
        body.extend(wire.encode_field(wire.STATE, self._hooks.get_state()))
        self._told_state = self._mask_state()
        faults = self._hooks.active_faults()
        if faults != self._told_faults or self.wants_hello:
            body.extend(wire.encode_field(wire.FAULTS, faults))
            self._told_faults = faults
        if self._is_version_news() and self._authorisations.version:
            body.extend(wire.encode_held(self._authorisations.version))
        self._told_version = self._authorisations.version
        if self.next_page[1]:
            body.extend(wire.encode_next_page(*self.next_page))
        if with_counters or self.wants_hello:
            self._add_counters(body)
        for ring in self._rings:
            self._add_records(body, ring)
        self.wants_hello = self.wants_full_set = self.wants_more = False
        self.next_page = (0, 0)
        self._news_at = None
        self._told_at = time.ticks_ms()
        return body

    def _add_hello(self, body):
        body.extend(
            wire.encode_hello(
                self._reset_cause,
                self._boot_count,
                self.store_epoch,
                self._hooks.get_settings_version(),
                0 if self.wants_full_set else self._authorisations.version,
                self._firmware_version,
            )
        )

    def _add_counters(self, body):
        counters = tuple([pair for pair in self._hooks.list_counters() if pair[1]])
        if counters and counters != self._told_counters:
            body.extend(wire.encode_counters(counters))
            self._told_counters = counters

    def _add_records(self, body, ring):
        first = self._first(ring)
        slots = []
        for sequence, slot in ring.iterate(first, BATCH):
            if not slots:
                first = sequence
            elif sequence != first + len(slots):
                break  # flash was damaged there: what follows goes with the next envelope
            slots.append(slot)
        if slots:
            body.extend(wire.encode_records(ring.ring_id, ring.epoch, first, slots))
            self.sent_to[ring.ring_id] = first + len(slots) - 1
