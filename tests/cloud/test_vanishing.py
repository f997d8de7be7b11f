"""Clients that do not behave, at both ports of the real process: each gets its answer or a closed connection,
none leaves a traceback in the log, and the next one is served as if nothing had been."""

import contextlib
import http.client
import socket
import ssl
import struct

import pytest
from glovebox.config import Config
from glovebox.serving import Server
from support_cloud import Depot
from support_serve import WAIT_S, LinkClient, Program, reset_at_close
from websockets.exceptions import ConnectionClosed

UPGRADE = (
    b"GET /box/v1/link HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
POST = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
PLANTED = """
from glovebox.link.exchange import Exchange

async def receive(self, raw, is_link):
    raise ValueError("planted")

Exchange.receive = receive
"""


class Ports:
    """The real process with one box, and the ways to reach it."""

    def __init__(self, directory, before=""):
        depot = Depot(directory, f"sqlite:///{directory / 'glovebox.sqlite'}")
        self.box = depot.claim()
        depot.close()
        self.program = Program(directory, before=before)

    def plain(self, port=None):
        bound = (port or self.program.box_port, "localhost")
        return socket.create_connection(bound[::-1], timeout=WAIT_S)

    def tls(self):
        return self.program.tls.wrap_socket(self.plain(), server_hostname="localhost")

    def upgraded(self):
        """A WebSocket spoken by hand."""
        connection = self.tls()
        connection.sendall(UPGRADE)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 101")
        return connection

    def link(self):
        return LinkClient(self.program.box_port, self.program.tls)

    def greet(self, link):
        """An envelope up, its answer down: the other end has done all that was asked before."""
        link.send(self.box.envelope(self.box.hello()))
        return self.box.open(link.recv())


@pytest.fixture
def ports(tmp_path):
    opened = Ports(tmp_path)
    yield opened
    assert opened.program.end() == 0
    assert "Traceback" not in opened.program.log
    assert "never retrieved" not in opened.program.log


def reset(connection):
    """Gone as a car in a tunnel is, as far as TCP can tell: no goodbye, but a reset."""
    reset_at_close(connection)
    connection.close()


def masked(opcode, payload, is_final=True):
    """A frame of a client, masked with zeros."""
    length = len(payload)
    size = bytes((0x80 | length,)) if length < 126 else b"\xfe" + struct.pack(">H", length)
    return bytes((opcode | (0x80 if is_final else 0),)) + size + bytes(4) + payload


def read_all(connection):
    """What comes until the other end closes, however it does."""
    answer = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := connection.recv(65_536):
            answer += piece
    return answer


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closed", "reset"])
def test_a_client_that_vanishes_at_any_point_leaves_no_trace(ports, leave):
    envelope = ports.box.envelope(ports.box.hello())
    for cut in (0, 1, 5, 60):
        halfway = ports.plain()
        halfway.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[:cut] + bytes(max(cut - 11, 0)))
        leave(halfway)
    post = POST % (b"/box/v1/sync", 200)
    beginnings = [UPGRADE[:40], UPGRADE, post, post + envelope[:50]]
    frames = [masked(2, envelope)[:end] for end in (0, 1, 3, 7, 30, None)]
    frames += [masked(2, envelope[:9], is_final=False), masked(8, b"\x03\xe9")]
    for open_one, sayings in ((ports.tls, beginnings), (ports.upgraded, frames)):
        for said in sayings:
            connection = open_one()
            connection.sendall(said)
            leave(connection)
    with ports.link() as link:
        assert ports.greet(link), "the next client is served as if nothing had been"


def test_a_replaced_link_is_told_so_and_one_whose_carrier_is_gone_ends_in_silence(ports):
    for how in ("stays", "closed", "reset") * 3:
        with ports.link() as older:
            ports.greet(older)
            if how != "stays":
                older.vanish(is_reset=how == "reset")
            with ports.link() as newer:
                ports.greet(newer)
                if how == "stays":
                    with pytest.raises(ConnectionClosed) as closed:
                        older.recv()
                    assert closed.value.rcvd.code == 1001
                ports.greet(newer)


def test_a_link_on_which_nobody_says_who_it_is_is_closed(tmp_path):
    config = Config(tmp_path, web_port=0, box_port=0, greeting_s=0)
    server = Server(config)
    server.start()
    tls = ssl.create_default_context(cafile=str(config.tls_directory / "ca.pem"))
    with LinkClient(server.box_port, tls) as link, pytest.raises(ConnectionClosed) as closed:
        link.recv()
    server.stop()
    assert closed.value.rcvd.code == 4401


def test_a_message_that_is_no_envelope_closes_the_link_with_its_code(ports):
    """Damaged, a byte too many, too much to be read at all."""
    messages = ("a text", "", b"", bytes(8_193), bytes(1_000_000), "é" * 500_000)
    codes = []
    for message in messages:
        with ports.link() as link:
            link.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                link.recv()
        codes.append(closed.value.rcvd.code)
    assert codes == [4400, 4400, 4400, 4413, 1009, 1009]
    with ports.link() as link:
        ports.greet(link)


def test_frames_that_break_the_protocol_close_the_link(ports):
    """Text that is no UTF-8, an unmasked frame, an unknown opcode, a continuation of nothing, a ping too
    long."""
    frames = [masked(1, b"\xff\xfe"), b"\x82\x01a", masked(11, b""), masked(0, b"a"), masked(9, bytes(126))]
    codes = []
    for frame in frames:
        with ports.upgraded() as connection:
            connection.sendall(frame)
            codes.append(struct.unpack(">H", connection.recv(65_536)[2:4])[0])
    assert codes == [1007, 1002, 1002, 1002, 1002]
    with ports.link() as link:
        ports.greet(link)


def test_posts_of_a_megabyte_of_nothing_and_of_text_are_refused_with_a_status(ports):
    refused = {}
    for name, path, body in (
        ("megabyte", "/box/v1/sync", bytes(1_000_000)),
        ("nothing", "/box/v1/sync", b""),
        ("text", "/box/v1/sync", b"hello"),
        ("claim", "/box/v1/claim", b"\xff{"),
        ("claim of nothing", "/box/v1/claim", b""),
        ("claim of a list", "/box/v1/claim", b"[[[[1]]]]"),
    ):
        connection = http.client.HTTPSConnection(
            "localhost", ports.program.box_port, context=ports.program.tls, timeout=WAIT_S
        )
        with contextlib.suppress(ConnectionError, ssl.SSLError):  # refused before all of it was read
            connection.request("POST", path, body, {"content-type": "application/json"})
        refused[name] = connection.getresponse().status
        connection.close()
    assert refused == {
        "megabyte": 413,
        "nothing": 400,
        "text": 400,
        "claim": 400,
        "claim of nothing": 422,
        "claim of a list": 422,
    }


def test_neither_plain_http_at_the_boxes_port_nor_nonsense_at_the_webs_leaves_a_trace(ports):
    for port, said in (
        (ports.program.box_port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (ports.program.web_port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40)),
        (ports.program.web_port, b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n"),
        (ports.program.web_port, UPGRADE),
        (ports.program.web_port, POST % (b"/login", 500) + b"identifier="),
        (ports.program.web_port, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000),
    ):
        with ports.plain(port) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(said)
            with contextlib.suppress(ConnectionError):
                connection.shutdown(socket.SHUT_WR)
            assert b" 500 " not in read_all(connection)[:40]


def test_a_traceback_in_the_log_is_seen(tmp_path):
    ports = Ports(tmp_path, PLANTED)
    with ports.link() as link:
        link.send(b"anything")
        with pytest.raises(ConnectionClosed):
            link.recv()
    assert ports.program.end() == 0
    assert "Traceback" in ports.program.log
    assert "planted" in ports.program.log
