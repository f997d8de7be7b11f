"""The link: comes up, tells the cloud what is new, does what it is told, and comes up again when it is lost.

One TLS connection is held. Each envelope is a request; the cloud answers it at once and uses it for news
until the next. An answer that does not come means that the link is dead, however alive it looks: carriers
drop the state of a quiet connection without a word, so the cloud sets how often the box speaks and learns
from the links found dead.
"""

import asyncio
import os
import time

from micropython import const

from ..protocols import codes, wire
from ..protocols.crypto import Hmac
from . import connection as transport
from .backoff import Backoff
from .hooks import SERVED_MOST_MS
from .inbox import DOZING_HEARTBEAT_S, Inbox
from .outbox import Ask, Outbox
from .time_request import TimeError, fetch_time

_ANSWER_MS = const(20_000)  # a link that owes an answer for so long is dead
_ASK_ANSWER_MS = const(8_000)  # with somebody at the windscreen: the time an ask may take
_GUARD_MS = const(50)
_TICK_MS = const(1_000)  # how often a quiet link looks whether there is news
_WIFI_LEAST_MS = const(5_000)
_WIFI_MOST_MS = const(60_000)  # underground for a week: each try costs two seconds of radio
_REST_MS = const(15_000)  # a network that joins is tried at once, but for its sake no sooner than this again
_HURRY_MS = const(1_000)  # with somebody at the windscreen tries follow each other this fast
_MAX_OUTSTANDING = const(3)  # requests without an answer: only a badge's question goes out beside another
_MAX_WAITING = const(4)  # messages read and not yet acted on
_MAX_REFUSED = const(8)  # bad envelopes in a row: the other end is not our cloud
_REPLAYED = const(4409)
_HTTP_FOR_MS = const(3_600_000)  # a network that let no WebSocket through is tried again after this


class Link:
    """`run(alive)` never returns. `wifi` has `is_up`, `async connect(alive)`, `off()`; `clock` `trust`,
    `now_s()`.

    `is_up`: a request has been answered on this link. `envelopes_refused` and `links_lost` count since the
    start.
    """

    def __init__(
        self,
        identity,
        wifi,
        journal,
        authorisations,
        clock,
        hooks,
        directory="/",
        firmware_version="",
        reset_cause=0,
        boot_count=0,
    ):
        self._identity = identity
        self._wifi = wifi
        self._clock = clock
        self._hooks = hooks
        self._box_id = identity["box_id"]
        self._key_id = identity["key_id"]
        self._wire_hmac = Hmac(identity["keys"]["wire"])
        self._outbox = Outbox(journal, authorisations, hooks, firmware_version, reset_cause, boot_count)
        self.inbox = Inbox(journal, authorisations, hooks, self._outbox, directory)
        self.backoff = Backoff()
        self._requests = wire.Requests()
        self._outstanding = []  # (counter, ticks when sent, had an ask) of requests not answered
        self._received = []
        self._broken = None
        self._room = asyncio.Event()
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._needs_time = False
        self._http_since = None
        self._next_ask = 0
        self._refused_in_row = 0
        self._sent_at = 0
        self._tried_at = time.ticks_ms()
        self.answer_ms = _ANSWER_MS
        self.ask_answer_ms = _ASK_ANSWER_MS
        self.is_up = False
        self.envelopes_refused = 0
        self.links_lost = 0

    # --- for the app ---

    @property
    def is_dozing(self):
        """Tell whether the box speaks seldom: the cloud says so out of hours, or the battery is low."""
        return self.inbox.is_dozing or self._hooks.is_saving()

    def request_sync(self):
        """There may be news: look at once."""
        self._wake.set()

    async def ask(self, badge, timeout_ms):
        """Ask the cloud about a badge: a refusal's code, 0 "look again", or None if it does not answer in
        time.
        """
        self._next_ask = (self._next_ask + 1) & 0xFF
        ask = Ask(self._next_ask, badge, asyncio.Event())
        if not self._outbox.add_ask(ask):
            return None
        self._wake.set()
        self._hurry.set()
        try:
            await asyncio.wait_for_ms(ask.event.wait(), timeout_ms)
        except asyncio.TimeoutError:
            pass
        self._outbox.asks.remove(ask)
        return ask.verdict

    # --- coming up ---

    async def run(self, alive):
        """Keep the link for ever; `alive()` is called at least every few seconds."""
        wifi_pause_ms = _WIFI_LEAST_MS
        while True:
            alive()
            if not self._hooks.is_allowed():
                self._wifi.off()
                await self._pause(_WIFI_LEAST_MS, alive)
                continue
            was_joined = self._wifi.is_up
            if not await self._wifi.connect(alive):
                self._hooks.set_fault(codes.FAULT_WIFI_MISSING, 0)
                await self._pause(wifi_pause_ms, alive)
                wifi_pause_ms = min(wifi_pause_ms * 2, _WIFI_MOST_MS)
                continue
            wifi_pause_ms = _WIFI_LEAST_MS
            self._hooks.clear_fault(codes.FAULT_WIFI_MISSING)
            if not was_joined:
                self._note_join()
            await self._pause(await self._try_once(alive), alive)

    async def _try_once(self, alive):
        """Connect and serve until the link is lost; return the ms to wait before the next try."""
        self._tried_at = time.ticks_ms()
        try:
            await self._guard(self._give_way(), alive)
            await self._guard(self._fetch_time(), alive)
            link = await self._guard(self._connect(), alive)
        except transport.CertificateError as error:
            self._needs_time = True  # a wrong date makes a good certificate look bad
            self._hooks.set_fault(codes.FAULT_CERTIFICATE_REFUSED, 0)
            return (
                self.backoff.after_refusal() if self._clock.trust == codes.TRUST_CLOUD else self._fail(error)
            )
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            return self._fail(error)
        self.inbox.refused_s = None
        error = None
        try:
            await self._serve(link, alive)
        except (OSError, ValueError, asyncio.TimeoutError) as raised:
            error = raised
        was_up, self.is_up = self.is_up, False
        self.inbox.abandon()
        if self.inbox.refused_s is not None:
            return self.backoff.after_refusal(self.inbox.refused_s * 1000)
        return self._fail(error, was_up)

    def _fail(self, error, was_up=False):
        """Return how long to wait after `error`."""
        if isinstance(error, transport.CertificateError):
            self._needs_time = True
            self._hooks.set_fault(codes.FAULT_CERTIFICATE_REFUSED, 0)
        close_code = getattr(error, "close_code", 0)
        if close_code == _REPLAYED:
            self._identity.skip_counters()
        elif 4400 <= close_code < 4500:
            return self.backoff.after_refusal()
        if was_up and isinstance(error, transport.DeadLinkError) and self._wifi.is_up:
            self.links_lost += 1
        return self.backoff.after_failure()

    async def _guard(self, coroutine, alive):
        """Await something slow that has its own bound, showing proof of life meanwhile."""
        outcome = []
        task = asyncio.create_task(_capture(coroutine, outcome))
        try:
            while not outcome:
                alive()
                await asyncio.sleep_ms(_GUARD_MS)
        finally:
            task.cancel()
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    async def _give_way(self):
        """A look-up of a name and a handshake hold everything up: let a card be served first."""
        await self._hooks.give_way(time.ticks_add(time.ticks_ms(), SERVED_MOST_MS))

    async def _fetch_time(self):
        """Have a date to check certificates by."""
        if self._clock.trust == codes.TRUST_NONE or self._needs_time:
            keys = self._identity["keys"]
            host, port = self._identity["cloud_host"], self._identity["time_port"]
            try:
                now_s = await fetch_time(host, port, self._box_id, self._key_id, Hmac(keys["time"]))
            except TimeError:
                self.envelopes_refused += 1
                raise
            self._hooks.on_time(now_s)
            self._needs_time = False
        now_s = self._clock.now_s()
        if now_s is not None:
            transport.set_certificate_clock(now_s)

    async def _connect(self):
        """Return a connection: a WebSocket, or where the server refuses one plain requests."""
        await self._give_way()  # since it did so last, the time may have been fetched
        host, port = self._identity["cloud_host"], self._identity["cloud_port"]
        ca_der = self._identity["ca_der"]
        if self._http_since is not None:
            if time.ticks_diff(time.ticks_ms(), self._http_since) < _HTTP_FOR_MS:
                return transport.HttpConnection(host, port, ca_der)
            self._http_since = None
        stream = await transport.open_stream(host, port, ca_der)
        link = transport.WebSocketConnection(stream)
        try:
            await link.open(host, port)
        except transport.UpgradeRefused:
            self._http_since = time.ticks_ms()
            await transport.close_stream(stream)
            return transport.HttpConnection(host, port, ca_der)
        except (OSError, ValueError, asyncio.TimeoutError):
            await transport.close_stream(stream)
            raise
        return link

    async def _pause(self, wait_ms, alive):
        """Wait, showing proof of life. A badge that asks cuts it short, as long as it asks; so does a network
        that joins, but not after a refusal.
        """
        if self._outbox.has_ask():
            wait_ms = min(wait_ms, _HURRY_MS)
        until = time.ticks_add(time.ticks_ms(), wait_ms)
        self._hurry.clear()
        was_joined = self._wifi.is_up
        while True:
            is_joined = self._wifi.is_up
            if is_joined and not was_joined and not self.backoff.is_refused and self._note_join():
                until = time.ticks_add(time.ticks_ms(), min(self.backoff.after_failure(), wait_ms))
            was_joined = is_joined
            left_ms = time.ticks_diff(until, time.ticks_ms())
            if left_ms <= 0:
                return
            alive()
            try:
                await asyncio.wait_for_ms(self._hurry.wait(), min(left_ms, 2_000))
                return
            except asyncio.TimeoutError:
                pass

    def _note_join(self):
        """A network has joined: begin the failures' ladder anew and return True, unless a try was a moment
        ago: one that comes and goes is not tried each time it comes.
        """
        if time.ticks_diff(time.ticks_ms(), self._tried_at) < _REST_MS:
            return False
        self.backoff.restart()
        return True

    # --- the link that is up ---

    async def _serve(self, link, alive):
        self._outbox.reset()
        self._requests.forget()
        self._outstanding = []
        self._received = []
        self._broken = None
        self._refused_in_row = 0
        reader = asyncio.create_task(self._read(link))
        try:
            while True:
                alive()
                self._wake.clear()
                while self._received:
                    message = self._received.pop(0)
                    self._room.set()
                    await self._take(message, link.is_http)
                if self._broken is not None:
                    raise self._broken
                if self.inbox.refused_s is not None or not self._hooks.is_allowed():
                    return
                if not self._wifi.is_up:
                    raise transport.LinkError("no network")
                now = time.ticks_ms()
                self._check_answers(now)
                if self._is_due(now, link.is_http):
                    await self._send(link)
                    continue
                await self._wait(self._get_wait_ms())
        finally:
            reader.cancel()
            await link.close()

    async def _read(self, link):
        """Keep reading, so that what comes is there when the loop looks; bounded by `_MAX_WAITING`."""
        try:
            while True:
                message = await link.receive()
                self._received.append(message)
                self._wake.set()
                while len(self._received) >= _MAX_WAITING:
                    self._room.clear()
                    await self._room.wait()
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            self._broken = error
            self._wake.set()

    async def _wait(self, wait_ms):
        try:
            await asyncio.wait_for_ms(self._wake.wait(), wait_ms)
        except asyncio.TimeoutError:
            pass

    def _get_wait_ms(self):
        return _GUARD_MS if self._outbox.is_settling() else _TICK_MS

    def _is_due(self, now, is_http):
        if self._outstanding:
            return self._outbox.has_ask() and not is_http and len(self._outstanding) < _MAX_OUTSTANDING
        if self._outbox.has_news(now):
            return True
        return time.ticks_diff(now, self._sent_at) >= self._get_heartbeat_s() * 1000

    def _get_heartbeat_s(self):
        heartbeat_s = self.inbox.heartbeat_s
        return max(heartbeat_s, DOZING_HEARTBEAT_S) if self._hooks.is_saving() else heartbeat_s

    def _check_answers(self, now):
        for _, sent_at, is_ask in self._outstanding:
            if time.ticks_diff(now, sent_at) > (self.ask_answer_ms if is_ask else self.answer_ms):
                raise transport.DeadLinkError("no answer")

    async def _send(self, link):
        if link.is_http:
            await self._give_way()  # a connection of a moment ago is closed by now
        is_heartbeat = not self._outbox.has_news(time.ticks_ms())
        if is_heartbeat:
            self._outbox.forget_sent()  # what the cloud has not acknowledged by now it has not got
        counter = self._identity.take_counter()
        nonce = os.urandom(wire.NONCE_SIZE)
        has_ask = self._outbox.has_ask()
        body = self._outbox.compose(counter, is_heartbeat)
        envelope = wire.encode_up(self._wire_hmac, self._box_id, self._key_id, counter, nonce, body)
        self._requests.remember(counter, nonce)
        self._sent_at = time.ticks_ms()
        self._outstanding.append((counter, self._sent_at, has_ask))
        await link.send(envelope)

    async def _take(self, message, is_http):
        try:
            fields = wire.decode_down(message, self._wire_hmac, self._box_id, self._key_id, self._requests)
        except wire.WireError:
            self.envelopes_refused += 1
            self._refused_in_row += 1
            if self._refused_in_row >= _MAX_REFUSED:
                raise transport.LinkError("not our cloud")
            return
        self._refused_in_row = 0
        counter = wire.get_counter(message)
        age_ms = self._note_answer(counter)
        await self.inbox.take(fields, age_ms, is_http)

    def _note_answer(self, counter):
        """The request `counter`, and those before it, are answered; return the age of the request in ms."""
        age_ms = time.ticks_diff(time.ticks_ms(), self._sent_at)
        for row in self._outstanding:
            if row[0] == counter:
                age_ms = time.ticks_diff(time.ticks_ms(), row[1])
        self._outstanding = [row for row in self._outstanding if row[0] > counter]
        self._outbox.note_answered(counter)
        if not self.is_up:
            self.is_up = True
            self.backoff.reset()
            self._hooks.clear_fault(codes.FAULT_CERTIFICATE_REFUSED)
        return age_ms


async def _capture(coroutine, outcome):
    """Put the value or the error of `coroutine` into `outcome`: a task that nobody awaits must not raise."""
    try:
        outcome.append((await coroutine, None))
    except Exception as error:  # raised again where it is awaited
        outcome.append((None, error))
