"""A box's real TLS connection through its proxy, in virtual time."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from glovebox_sim.network import MSS, AccessPoint
from support_sim_core import assert_sound, printed, simulated


class EchoServer:
    """Answers each TLS message with the same bytes; keeps its connections to look at."""

    def __init__(self, directory: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("cloud.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        (directory / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (directory / "k.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(directory / "c.pem", directory / "k.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.messages: list[bytes] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.ended = threading.Event()
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            connection = self._context.wrap_socket(raw, server_side=True)
            self._connections.append(connection)
            while data := connection.recv(4096):
                self.messages.append(data)
                self.before_answer()
                connection.sendall(data)
        except OSError:
            pass
        self.ended.set()

    def close(self) -> None:
        self._listener.close()
        for connection in self._connections:
            connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EchoServer]:
    echo = EchoServer(tmp_path)
    yield echo
    echo.close()


def firmware(server: EchoServer, body: str) -> str:
    """A client; `body` is the coroutine's text after the connection stands, indented by eight."""
    return f"""
    import asyncio, binascii, network, time, tls
    wlan = network.WLAN(network.STA_IF)
    CA = binascii.a2b_base64("{base64.b64encode(server.der).decode()}")

    async def join():
        wlan.active(True)
        wlan.connect("car", "secret")
        while not wlan.isconnected():
            await asyncio.sleep_ms(100)

    async def connect():
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        context.load_verify_locations(CA)
        name = "cloud.test"
        return await asyncio.open_connection(name, {server.port}, ssl=context, server_hostname=name)

    async def ask(reader, writer, text):
        began = time.ticks_ms()
        writer.write(text)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(100), 30)
        return answer, time.ticks_diff(time.ticks_ms(), began)

    async def main():
        await join()
        print("joined", time.ticks_ms())
        reader, writer = await connect()
{body}

    asyncio.run(main())
    """


def test_an_answer_takes_no_virtual_time_and_the_handshake_the_modelled_one(
    tmp_path: Path, server: EchoServer
) -> None:
    body = """
        for n in range(5):
            answer, took_ms = await ask(reader, writer, b"question %d" % n)
            print(answer.decode(), took_ms < 100)
            await asyncio.sleep(60)
        writer.close()
        await writer.wait_closed()
    """
    with simulated(tmp_path, firmware(server, body), cloud=("127.0.0.1", server.port)) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 600)
        assert_sound(box)
        assert printed(box)[1:] == [f"question {n} True" for n in range(5)]
        assert server.messages == [b"question %d" % n for n in range(5)]
        assert box.board.costs["tls_handshake_us"] == 1_200_000
        assert sim.now_us > 300_000_000
        sim.run_until(lambda: not box.network.has_connections, 1)


def test_a_box_that_the_machine_keeps_from_running_loses_no_virtual_time(
    tmp_path: Path, server: EchoServer
) -> None:
    """The box is stopped when its answer comes and goes on 0.8 s later; another task of its has a time."""
    body = """
        async def be_busy():
            while True:
                await asyncio.sleep_ms(200)
        asyncio.create_task(be_busy())
        answer, took_ms = await ask(reader, writer, b"question")
        print(answer.decode(), took_ms < 50)
    """
    with simulated(tmp_path, firmware(server, body), cloud=("127.0.0.1", server.port)) as (sim, box):

        def stop() -> None:
            assert box.pid is not None
            os.kill(box.pid, signal.SIGSTOP)
            threading.Timer(0.8, os.kill, (box.pid, signal.SIGCONT)).start()

        server.before_answer = stop
        assert sim.run_until(lambda: box.is_idle, 60)
        assert_sound(box)
        assert printed(box)[1:] == ["question True"]


def test_bytes_are_billed_with_headers_and_acknowledgements(tmp_path: Path, server: EchoServer) -> None:
    body = """
        await ask(reader, writer, b"x" * 1000)
        await asyncio.sleep(1)
    """
    with simulated(tmp_path, firmware(server, body), cloud=("127.0.0.1", server.port)) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 60)
        network = box.network
        payload = network.bytes_up + network.bytes_down
        assert network.bytes_up > 1000
        assert network.bytes_down > 1000
        # Each payload segment costs a header, and at most one acknowledgement a segment.
        bursts = payload // MSS + 1
        assert payload + 80 * bursts <= network.billed_bytes() <= payload + 80 * 40


def test_a_lost_network_swallows_bytes_and_ends_the_connection_after_the_beacons(
    tmp_path: Path, server: EchoServer
) -> None:
    body = """
        print(await ask(reader, writer, b"before") is not None)
        try:
            while True:
                await asyncio.sleep(1)
                writer.write(b"lost")
                await writer.drain()
                await asyncio.wait_for(reader.read(100), 20)
        except (OSError, asyncio.TimeoutError) as error:
            print(type(error).__name__, wlan.isconnected())
        while not wlan.isconnected():
            await asyncio.sleep_ms(200)
        reader, writer = await connect()
        print((await ask(reader, writer, b"again"))[0].decode())
    """
    with simulated(tmp_path, firmware(server, body), cloud=("127.0.0.1", server.port)) as (sim, box):
        assert sim.run_until(lambda: b"before" in server.messages, 60)
        box.network.up(False)
        sim.run_for(60)
        assert printed(box)[-1] == "OSError False"
        assert box.network.bytes_lost > 0
        assert not server.ended.is_set(), "the cloud is not told that the box is gone"
        box.network.up(True)
        assert sim.run_until(lambda: box.is_idle, 60)
        assert_sound(box)
        assert printed(box)[-1] == "again"
        assert server.messages[-1] == b"again"


def test_a_silent_death_is_told_to_nobody(tmp_path: Path, server: EchoServer) -> None:
    body = """
        print((await ask(reader, writer, b"before"))[0].decode())
        await asyncio.sleep(10)
        try:
            await ask(reader, writer, b"vanishes")
        except asyncio.TimeoutError:
            print("timeout", wlan.isconnected())
        reader, writer = await connect()
        print((await ask(reader, writer, b"after"))[0].decode())
    """
    with simulated(tmp_path, firmware(server, body), cloud=("127.0.0.1", server.port)) as (sim, box):
        assert sim.run_until(lambda: "before" in printed(box), 60)
        box.network.silent_death()
        assert sim.run_until(lambda: box.is_idle, 120)
        assert_sound(box)
        assert printed(box)[-3:] == ["before", "timeout True", "after"]
        assert server.messages == [b"before", b"after"]


def test_a_refused_connection_is_an_error_at_once(tmp_path: Path, server: EchoServer) -> None:
    body = "        print(await ask(reader, writer, b'?'))"
    with simulated(tmp_path, firmware(server, body), cloud=("127.0.0.1", server.port)) as (sim, box):
        box.network.refuse = True
        assert sim.run_until(lambda: box.is_idle, 60)
        assert "OSError" in box.crashes[-1]
        assert not server.messages


def test_a_delay_is_virtual_time(tmp_path: Path, server: EchoServer) -> None:
    body = """
        await ask(reader, writer, b"the handshake comes with the first bytes")
        answer, took_ms = await ask(reader, writer, b"slow")
        print(answer.decode(), 800 <= took_ms < 1200, took_ms)
    """
    with simulated(tmp_path, firmware(server, body), cloud=("127.0.0.1", server.port)) as (sim, box):
        box.network.delay_ms = 400
        assert sim.run_until(lambda: box.is_idle, 60)
        assert_sound(box)
        assert printed(box)[-1].startswith("slow True")


def test_without_an_access_point_nothing_resolves(tmp_path: Path, server: EchoServer) -> None:
    main = f"""
    import network, socket
    network.WLAN(network.STA_IF).active(True)
    try:
        socket.getaddrinfo("cloud.test", {server.port}, 0, socket.SOCK_STREAM)
    except OSError as error:
        print("OSError", error.errno)
    """
    with simulated(tmp_path, main, cloud=("127.0.0.1", server.port)) as (sim, box):
        assert sim.run_until(lambda: box.is_idle, 60)
        assert printed(box) == ["OSError -202"]


def test_only_known_access_points_with_the_right_key_can_be_joined(tmp_path: Path) -> None:
    main = """
    import network, time
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    print([row[:2] for row in wlan.scan()])
    for name, key in (("nowhere", "k"), ("site", "wrong"), ("site", "right")):
        wlan.connect(name, key)
        time.sleep(4)
        print(wlan.status(), wlan.isconnected())
        wlan.disconnect()
    """
    with simulated(tmp_path, main) as (sim, box):
        box.network.accepts_any = False
        box.network.access_points = [AccessPoint("site", b"\x02\x00\x00\x00\x00\x07", key="right")]
        assert sim.run_until(lambda: box.is_idle, 60)
        assert_sound(box)
        assert printed(box) == [
            "[(b'site', b'\\x02\\x00\\x00\\x00\\x00\\x07')]",
            "201 False",
            "202 False",
            "1010 True",
        ]
