"""A server with few open files lets in as many as it can serve and tells the next one when to come back."""

import os
import socket
from contextlib import ExitStack

import pytest
from glovebox.bounds import COME_BACK_S, OTHER_FILES, REFUSED_AT_ONCE, Doors
from support_serve import WAIT_S, Program

FILES = 2 * OTHER_FILES + 20
ROOM = FILES - OTHER_FILES
LOW = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, {FILES}))"
GET = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
UPGRADE = (
    b"GET /box/v1/link HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)


def ask(connection, raw=GET):
    """The head of the answer."""
    connection.sendall(raw)
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(4096)
        assert more, f"closed after {got!r}"
        got += more
    return got.partition(b"\r\n\r\n")[0].decode().lower()


@pytest.fixture
def served(tmp_path):
    program = Program(tmp_path, before=LOW)
    yield program
    assert program.end() == 0
    assert "files" not in program.log


def test_the_next_one_is_told_when_to_come_back_at_both_ports_and_the_others_are_served(served):
    with ExitStack() as stack:
        held = [stack.enter_context(connect(served.web_port)) for _ in range(ROOM)]
        for raw in (GET, UPGRADE):  # they queue behind those held
            with connect(served.web_port) as late:
                answer = ask(late, raw)
                assert answer.startswith("http/1.1 503")
                assert f"retry-after: {COME_BACK_S}" in answer
        for raw in (GET, UPGRADE):
            plain = connect(served.box_port)
            with served.tls.wrap_socket(plain, server_hostname="localhost") as late:
                answer = ask(late, raw)
                assert answer.startswith("http/1.1 503")
                assert f"retry-after: {COME_BACK_S}" in answer
        assert ask(held[0]).startswith("http/1.1 200")
        assert ask(held[-1]).startswith("http/1.1 200")
        with connect(served.web_port) as late:
            assert ask(late).startswith("http/1.1 503")


def test_who_leaves_makes_room(served):
    with ExitStack() as stack:
        held = [stack.enter_context(connect(served.web_port)) for _ in range(ROOM)]
        with connect(served.web_port) as late:
            assert ask(late).startswith("http/1.1 503")
        held[0].sendall(GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        while held[0].recv(4096):
            pass
        with connect(served.web_port) as late:
            assert ask(late).startswith("http/1.1 200")


def test_a_crowd_that_says_nothing_takes_no_file_from_those_within(served):
    with ExitStack() as stack:
        held = [stack.enter_context(connect(served.web_port)) for _ in range(ROOM)]
        crowd = [
            stack.enter_context(connect(served.web_port)) for _ in range(REFUSED_AT_ONCE + 2 * OTHER_FILES)
        ]
        assert crowd[-1].recv(1) == b""  # put out at once: more than are told
        assert ask(held[0]).startswith("http/1.1 200")
        own = len(os.listdir(f"/proc/{served.process.pid}/fd"))
        assert own <= FILES - OTHER_FILES // 2


def test_room_is_never_less_than_half_of_what_may_be_open():
    assert Doors(100).room == 50
    assert Doors(65_536).room == 65_536 - OTHER_FILES
