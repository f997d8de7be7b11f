"""A small real cloud for the link tests (TLS, WebSocket, HTTP), and a box under MicroPython that talks to it.

The cloud's end of the wire is WIRE.md's, by way of the generator of the vectors: no code of either end.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import queue
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support_micropython import MICROPYTHON, ON_DEVICE, REPO
from vectors.wire_cases import envelope as signed
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

BOX = signed.BOX
WAIT_S = 300.0
"""Only a hang reaches it: nothing here asks how fast the machine is."""
NOW_S = signed.NOW_S
tlv = signed.tlv


class Authority:
    """A P-256 certificate authority, and server certificates of it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "deployment CA")])
        self.certificate = self._sign(self._name, self._key.public_key(), -1, 3650, is_ca=True, host="")

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def _sign(
        self, name: x509.Name, key: Any, from_day: int, to_day: int, *, is_ca: bool, host: str
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=from_day))
            .not_valid_after(now + datetime.timedelta(days=to_day))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, host: str = "localhost", from_day: int = -1, to_day: int = 90) -> Path:
        """A file with a new key and its certificate for `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        certificate = self._sign(name, key.public_key(), from_day, to_day, is_ca=False, host=host)
        path = self._directory / f"{host}{from_day}{to_day}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def context(self, host: str = "localhost", from_day: int = -1, to_day: int = 90) -> ssl.SSLContext:
        """A server's context with a certificate for `host`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(host, from_day, to_day))
        return context


@dataclass
class Up:
    """An envelope from the box, its MAC checked."""

    counter: int
    nonce: bytes
    fields: list[tuple[int, bytes]]

    def get(self, tag: int) -> bytes | None:
        return next((value for have, value in self.fields if have == tag), None)

    def records(self, ring: int) -> list[bytes]:
        for tag, value in self.fields:
            if tag == 3 and value[0] == ring:
                return [value[at : at + 64] for at in range(9, len(value), 64)]
        return []

    def down(self, body: bytes, part: int = 0) -> bytes:
        return signed.down(body, self.counter, part, os.urandom(8), self.nonce)


def parse_up(data: bytes) -> Up:
    direction, version, box, key_id, counter, part, nonce, length = struct.unpack_from("<BB8sBIH8sH", data)
    assert (direction, version, box, key_id, part) == (0x55, 1, BOX, 1, 0)
    assert len(data) == 43 + length
    assert signed.sha_mac(signed.WIRE, data[:-16])[:16] == data[-16:]
    fields, at = [], 27
    while at < 27 + length:
        tag, size = struct.unpack_from("<BH", data, at)
        fields.append((tag, data[at + 3 : at + 3 + size]))
        at += 3 + size
    assert at == 27 + length
    return Up(counter, nonce, fields)


def acks(up: Up) -> bytes:
    """Acknowledge what the envelope brought."""
    body = b""
    for tag, value in up.fields:
        if tag == 3:
            ring, epoch, first = struct.unpack_from("<BII", value)
            body += tlv(0x81, struct.pack("<BII", ring, epoch, first + (len(value) - 9) // 64 - 1))
    return body


def greeting(heartbeat_s: int = 60, store_epoch: int = 7) -> bytes:
    return (
        tlv(0x82, struct.pack("<I", NOW_S))
        + tlv(0x83, struct.pack("<I", store_epoch))
        + tlv(0x8A, struct.pack("<HBB", heartbeat_s, 0, 0))
    )


def answer_all(up: Up) -> list[bytes]:
    """What a cloud with no news answers: one part."""
    return [acks(up) + greeting()]


def full_set(version: int, entries: list[bytes], per_page: int = 170) -> list[bytes]:
    """The bodies of a full set: its pages, the last with the MAC."""
    pages = [entries[at : at + per_page] for at in range(0, len(entries), per_page)] or [[]]
    bodies = [
        tlv(0x85, struct.pack("<IHH", version, page, len(pages)) + b"".join(rows))
        for page, rows in enumerate(pages)
    ]
    head = struct.pack("<II", version, len(entries))
    mac = signed.sha_mac(signed.AUTHORISATIONS, head + b"".join(entries))[:16]
    bodies[-1] += tlv(0x86, head + mac)
    return bodies


@dataclass
class Cloud:
    """Runs in a thread. `answer(up)` gives the bodies of the answer's parts; None leaves it unanswered."""

    context: ssl.SSLContext
    with_websocket: bool = True
    answer: Callable[[Up], list[bytes] | None] = answer_all
    port: int = 0
    time_port: int = 0
    received: queue.Queue[Up] = field(default_factory=queue.Queue)
    seen: queue.Queue[str] = field(default_factory=queue.Queue)
    time_answer: Callable[[bytes], bytes] | None = None
    http_status: int = 200
    _link: ServerConnection | None = None
    _last: Up | None = None
    _part: int = 0

    def __enter__(self) -> Cloud:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_S)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        plain = await asyncio.start_server(self._tell_time, "127.0.0.1", self.time_port)
        self.time_port = plain.sockets[0].getsockname()[1]
        if self.with_websocket:
            server: Any = await serve(
                self._talk,
                "127.0.0.1",
                self.port,
                ssl=self.context,
                ping_interval=None,
                open_timeout=None,
                compression=None,
            )
        else:
            server = await asyncio.start_server(self._http, "127.0.0.1", self.port, ssl=self.context)
        self.port = next(iter(server.sockets)).getsockname()[1]
        started.set()
        await self._stop.wait()
        plain.close()
        server.close()
        pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    # --- the WebSocket ---

    async def _talk(self, link: ServerConnection) -> None:
        self._link = link
        self.seen.put("upgrade")
        try:
            async for message in link:
                assert isinstance(message, bytes)
                up = parse_up(message)
                self._last, self._part = up, 0
                bodies = self.answer(up)
                for body in bodies or ():
                    await link.send(up.down(body, self._part))
                    self._part += 1
                self.received.put(up)
        except ConnectionClosed:
            pass
        self.seen.put("gone")

    def _do(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_S)

    def push(self, body: bytes) -> bytes:
        """Tell news on the last request; returns the envelope."""
        assert self._link is not None
        assert self._last is not None
        envelope = self._last.down(body, self._part)
        self._part += 1
        self.send_raw(envelope)
        return envelope

    def send_raw(self, data: bytes | str) -> None:
        assert self._link is not None
        self._do(self._link.send(data))

    def close(self, code: int) -> None:
        assert self._link is not None
        self._do(self._link.close(code))

    def cut(self) -> None:
        """The connection is gone, without a goodbye."""
        assert self._link is not None
        transport = self._link.transport
        self._loop.call_soon_threadsafe(transport.abort)

    def next_up(self, tag: int | None = None) -> Up:
        """The next envelope (with that field), in order."""
        while True:
            up = self.received.get(timeout=WAIT_S)
            if tag is None or up.get(tag) is not None:
                return up

    def wait_seen(self, what: str) -> None:
        while self.seen.get(timeout=WAIT_S) != what:
            pass

    # --- HTTP ---

    async def _read_request(self, reader: asyncio.StreamReader) -> tuple[str, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = next(
            (int(h.split(":")[1]) for h in head.split("\r\n") if h.lower().startswith("content-length")), 0
        )
        return head.split("\r\n")[0], await reader.readexactly(size)

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                line, body = await self._read_request(reader)
                self.seen.put(line)
                if not line.startswith("POST /box/v1/sync"):
                    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    continue
                if self.http_status != 200:
                    writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % self.http_status)
                    continue
                up = parse_up(body)
                bodies = self.answer(up) or [b""]
                data = up.down(bodies[0])
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
                self.received.put(up)
        writer.close()

    async def _tell_time(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            line, body = await self._read_request(reader)
            self.seen.put(line)
            answer = (self.time_answer or good_time)(body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
            await writer.drain()
        writer.close()


def good_time(request: bytes) -> bytes:
    assert request[:9] == BOX + b"\x01"
    packed = struct.pack("<I", NOW_S)
    return packed + signed.sha_mac(signed.key_of("time"), b"time" + BOX + request[9:] + packed)[:16]


class BoxProcess:
    """link_box.py under MicroPython: its events, and commands to it."""

    def __init__(self, options: dict[str, Any], heap: str) -> None:
        command = [MICROPYTHON, "-X", f"heapsize={heap}", str(ON_DEVICE / "link_box.py")]
        env = {**os.environ, "MICROPYPATH": f"{REPO}/firmware:.frozen"}
        self._process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.log: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.say(json.dumps(options))  # the port takes no argument longer than 255 bytes

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.log.append(line)
            if line.startswith("{"):
                self.events.put(json.loads(line))
        self.events.put({"event": "exit"})

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def expect(self, event: str, **values: Any) -> dict[str, Any]:
        """The next event of that name with those values; others before it are passed over."""
        while True:
            try:
                have = self.events.get(timeout=WAIT_S)
            except queue.Empty:
                raise AssertionError(f"no {event} {values} in:\n" + "".join(self.log)) from None
            if have["event"] == event and values.items() <= have.items():
                return have
            assert have["event"] != "exit", f"the box ended, no {event} {values} in:\n" + "".join(self.log)

    def end(self) -> None:
        self._process.kill()
        self._process.wait(WAIT_S)
        self._thread.join(WAIT_S)


@contextlib.contextmanager
def box_to(cloud: Cloud, authority: Authority, heap: str = "4m", **options: Any) -> Iterator[BoxProcess]:
    """A box provisioned for that cloud."""
    purposes = ("wire", "time", "badge", "journal", "authorisations")
    box = BoxProcess(
        {
            "keys": {purpose: signed.key_of(purpose).hex() for purpose in purposes},
            "box_id": BOX.hex(),
            "host": "localhost",
            "port": cloud.port,
            "time_port": cloud.time_port,
            "ca_der": authority.der.hex(),
            **options,
        },
        heap,
    )
    try:
        yield box
    finally:
        box.end()


def entry(badge: bytes, number: int, starts: int = NOW_S, ends: int = NOW_S + 3600) -> bytes:
    """An authorisation of 24 bytes: a reservation's."""
    return struct.pack("<8sIIIBBH", badge, number, starts, ends, 1, 0, 0)


def sequences(slots: list[bytes]) -> list[int]:
    """The sequence number of each record."""
    return [struct.unpack_from("<I", slot, 4)[0] for slot in slots]
