"""The client's WebSocket against somebody else's server (`websockets`, without I/O), and against nonsense."""

import struct

import pytest
from box.protocols import websocket as ws
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

KEY = ws.encode_key(bytes(range(16)))
MASK = b"\x12\x34\x56\x78"


def connect() -> ServerProtocol:
    """A server that has taken our upgrade, whose answer we have taken."""
    server = ServerProtocol()
    server.receive_data(ws.build_upgrade("box.example", 8443, "/box/v1/link", KEY))
    (request,) = server.events_received()
    assert request.path == "/box/v1/link"
    assert request.headers["Host"] == "box.example:8443"
    server.send_response(server.accept(request))
    status, headers = ws.parse_head(b"".join(server.data_to_send()))
    assert ws.is_accepted(status, headers, KEY)
    return server


def test_the_answer_to_another_key_is_not_accepted():
    server = ServerProtocol()
    server.receive_data(ws.build_upgrade("h", 1, "/", KEY))
    (request,) = server.events_received()
    server.send_response(server.accept(request))
    status, headers = ws.parse_head(b"".join(server.data_to_send()))
    assert not ws.is_accepted(status, headers, ws.encode_key(bytes(16)))
    assert not ws.is_accepted(200, headers, KEY)


@given(st.binary(max_size=8192), st.binary(min_size=4, max_size=4))
def test_a_server_reads_what_we_frame(payload, mask):
    server = connect()
    server.receive_data(bytes(ws.encode_frame(ws.BINARY, payload, mask)))
    (frame,) = server.events_received()
    assert frame.opcode == Opcode.BINARY
    assert bytes(frame.data) == payload


@given(st.binary(max_size=8192), st.integers(1, 9000))
def test_we_read_what_a_server_frames_in_pieces_of_any_size(payload, step):
    server = connect()
    server.send_binary(payload)
    data = b"".join(server.data_to_send())
    decoder = ws.Decoder()
    events = []
    for at in range(0, len(data), step):
        events += decoder.feed(data[at : at + step])
    assert events == [(ws.BINARY, payload)]


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=5))
def test_fragments_are_joined_and_a_ping_between_them_is_told(parts):
    data = b""
    for number, part in enumerate(parts):
        opcode = Opcode.BINARY if number == 0 else Opcode.CONT
        data += Frame(opcode, part, fin=number == len(parts) - 1).serialize(mask=False)
        if number < len(parts) - 1:
            data += Frame(Opcode.PING, b"?").serialize(mask=False)
    events = ws.Decoder().feed(data)
    assert events == [(ws.PING, b"?")] * (len(parts) - 1) + [(ws.BINARY, b"".join(parts))]


def test_a_server_answers_our_ping_and_takes_our_close():
    server = connect()
    server.receive_data(bytes(ws.encode_frame(ws.PING, b"alive?", MASK)))
    assert ws.Decoder().feed(b"".join(server.data_to_send())) == [(ws.PONG, b"alive?")]
    server.receive_data(bytes(ws.encode_close(ws.NORMAL, MASK)))
    assert ws.Decoder().feed(b"".join(server.data_to_send())) == [(ws.CLOSE, ws.NORMAL)]
    assert server.close_rcvd is not None
    assert server.close_rcvd.code == ws.NORMAL


def test_a_close_without_a_code_is_told_as_such_and_ends_the_reading():
    assert ws.Decoder().feed(b"\x88\x00\x82\x01x") == [(ws.CLOSE, ws.NO_STATUS)]


@pytest.mark.parametrize(
    ("data", "close_code"),
    [
        (b"\xc2\x00", ws.PROTOCOL_ERROR),  # reserved bit
        (b"\x82\x81\0\0\0\0x", ws.PROTOCOL_ERROR),  # masked by a server
        (b"\x83\x00", ws.PROTOCOL_ERROR),  # opcode not assigned
        (b"\x81\x01x", ws.UNSUPPORTED),  # text
        (b"\x08\x00", ws.PROTOCOL_ERROR),  # fragmented control frame
        (b"\x89\x7e\x00\x80", ws.PROTOCOL_ERROR),  # control frame too long
        (b"\x80\x00", ws.PROTOCOL_ERROR),  # continues nothing
        (b"\x02\x01a\x82\x01b", ws.PROTOCOL_ERROR),  # a new message inside a fragmented one
        (b"\x82\x7e\x00\x05", ws.PROTOCOL_ERROR),  # length not minimal
        (b"\x82\x7e\x20\x01", ws.TOO_BIG),
        (b"\x82\x7f" + struct.pack(">Q", 1 << 40), ws.TOO_BIG),
        (b"\x02\x7e\x20\x00" + bytes(8192) + b"\x80\x01x", ws.TOO_BIG),  # too big in sum
        (b"\x88\x01\x03", ws.PROTOCOL_ERROR),  # half a close code
    ],
)
def test_what_rfc_6455_forbids_or_we_do_not_take_is_refused_with_its_close_code(data, close_code):
    with pytest.raises(ws.WebSocketError) as caught:
        ws.Decoder().feed(data)
    assert caught.value.close_code == close_code


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_no_bytes_raise_but_a_websocket_error(pieces):
    decoder = ws.Decoder(256)
    try:
        for piece in pieces:
            decoder.feed(piece)
            assert len(decoder._buffer) <= 512  # nothing unbounded is held
    except ws.WebSocketError:
        pass


@given(st.binary(max_size=200))
def test_no_head_raises_but_a_websocket_error(head):
    try:
        status, headers = ws.parse_head(head)
        assert not ws.is_accepted(status, headers, KEY)
    except ws.WebSocketError:
        pass
