"""Recorded answers played back, and the door for other CAN tools."""

import json
import socket
from pathlib import Path

import can
import pytest
from glovebox_sim import ecu_recorded
from glovebox_sim.ecu_gateway import MAX_CLIENTS, SocketCanServer
from glovebox_sim.ecu_recorded import RecordedEcu, RecordingError
from support_sim_world import Clockwork

RECORDED = Path(__file__).parents[2] / ".." / "shared" / "data" / "isotp.json"


def recordings():
    if not RECORDED.is_file():
        pytest.skip("the recorded answers are not beside the checkout (../shared/data/isotp.json)")
    return ecu_recorded.load(RECORDED)


def ask(clockwork, bus, arbitration_id, request, answer_flow=True, prefix=b"", extended=False):
    """Ask by hand and answer each first frame with flow control; give back all frames, then the messages."""
    data = prefix + bytes([len(request)]) + request
    bus.send(can.Message(arbitration_id=arbitration_id, data=data.ljust(8, b"\0"), is_extended_id=extended))
    frames = []
    for _ in range(400):
        clockwork.run_for(0.001)
        while (message := bus.recv(timeout=0)) is not None:
            body = bytes(message.data)[len(prefix) :]
            frames.append((f"{message.arbitration_id:03X}", bytes(message.data).hex().upper()))
            if answer_flow and body[:1] and body[0] >> 4 == 1:
                response = message.arbitration_id
                to = response - 8 if arbitration_id == 0x7DF else arbitration_id
                if response > 0x7FF:
                    to = (response & 0xFFFF0000) | (response & 0xFF) << 8 | (response >> 8) & 0xFF
                flow = prefix + b"\x30\x00\x00"
                bus.send(can.Message(arbitration_id=to, data=flow, is_extended_id=response > 0x7FF))
    return frames


def test_every_recording_can_be_asked_for_and_comes_as_it_was_recorded():
    wanted = {r.name: r for r in recordings()}
    entries = {e["name"]: e for e in json.loads(RECORDED.read_text())}
    assert len(wanted) > 1_100
    for name, recording in list(wanted.items())[::9]:
        clockwork = Clockwork()
        ecu = RecordedEcu(clockwork, "recorded", [recording])
        bus = can.Bus(interface="virtual", channel="recorded")
        frames = ask(
            clockwork, bus, recording.request_id, recording.request,
            prefix=recording.prefix, extended=recording.extended,
        )  # fmt: skip
        ecu.close()
        bus.shutdown()
        sent = [(i, d.replace(" ", "")) for i, d in entries[name]["frames"]]
        assert ecu.answered == [name]
        assert sorted(frames) == sorted(f for f in sent if len(f[1]) <= 16 and len(f[0]) in (3, 8)), name


def test_without_flow_control_only_the_first_frame_comes():
    vin = next(r for r in recordings() if len(r.frames) > 2 and r.request_id == 0x7E4)
    clockwork = Clockwork()
    ecu = RecordedEcu(clockwork, "quiet", [vin])
    bus = can.Bus(interface="virtual", channel="quiet")
    assert len(ask(clockwork, bus, 0x7E4, vin.request, answer_flow=False)) == 1
    clockwork.run_for(1)
    bus.send(can.Message(arbitration_id=0x7E4, data=b"\x30\x00\x00", is_extended_id=False))
    clockwork.run_for(0.1)
    assert bus.recv(timeout=0) is None
    ecu.close()
    bus.shutdown()


def test_a_question_recorded_twice_gets_its_answers_in_turn():
    asked = (0x79B, b"\x21\x01")
    leaf = [r for r in recordings() if r.car == "Nissan-Leaf" and (r.request_id, r.request) == asked]
    assert len(leaf) > 1
    clockwork = Clockwork()
    ecu = RecordedEcu(clockwork, "turns", leaf)
    bus = can.Bus(interface="virtual", channel="turns")
    for _ in range(len(leaf) + 1):
        assert ask(clockwork, bus, 0x79B, b"\x21\x01")
    assert ecu.answered == [r.name for r in leaf] + [leaf[0].name]
    ecu.close()
    bus.shutdown()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"name": "a/b"}]'])
def test_a_file_without_recordings_is_refused_by_name(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match="bad"):
        ecu_recorded.load(path)


@pytest.fixture
def gateway():
    server = SocketCanServer("gateway")
    server.start()
    yield server
    server.stop()


def test_a_python_can_program_joins_the_cars_bus_over_tcp(gateway):
    inside = can.Bus(interface="virtual", channel="gateway")
    tool = can.Bus(interface="socketcand", host="127.0.0.1", port=gateway.port, channel="can0")
    tool.send(can.Message(arbitration_id=0x7DF, data=b"\x02\x01\x0d", is_extended_id=False))
    heard = inside.recv(timeout=5)
    assert (heard.arbitration_id, bytes(heard.data), heard.is_extended_id) == (0x7DF, b"\x02\x01\x0d", False)
    inside.send(can.Message(arbitration_id=0x18DAF110, data=bytes(range(8)), is_extended_id=True))
    answer = tool.recv(timeout=5)
    assert (answer.arbitration_id, bytes(answer.data), answer.is_extended_id) == (
        0x18DAF110,
        bytes(range(8)),
        True,
    )
    tool.shutdown()
    inside.shutdown()


def test_two_tools_hear_each_other_and_a_third_party_inside(gateway):
    one, other = (
        can.Bus(interface="socketcand", host="127.0.0.1", port=gateway.port, channel="can0") for _ in range(2)
    )
    one.send(can.Message(arbitration_id=0x123, data=b"", is_extended_id=False))
    heard = other.recv(timeout=5)
    assert (heard.arbitration_id, heard.dlc) == (0x123, 0)
    one.shutdown()
    other.shutdown()


@pytest.mark.parametrize(
    "command",
    [b"< open can7 >", b"< send 123 1 11 >", b"< nonsense >", b"< rawmode >< send 900 1 11 >",
     b"< rawmode >< send x 1 1 >",
     b"< rawmode >< send 123 3 11 >", b"< >"],
)  # fmt: skip
def test_a_bad_command_is_refused_and_the_door_stays_open(gateway, command):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as client:
        assert client.recv(64) == b"< hi >"
        client.sendall(command)
        answer = b""
        while b"error" not in answer:
            answer += client.recv(256)
        client.sendall(b"< echo >")
        while b"echo" not in answer:
            answer += client.recv(256)
    assert gateway.refused_commands == 1


def test_a_client_that_sends_no_commands_but_noise_is_dropped(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as client:
        assert client.recv(64) == b"< hi >"
        client.sendall(b"x" * 1000)
        assert client.recv(64) == b""


def test_only_so_many_tools_at_once(gateway):
    clients = [socket.create_connection(("127.0.0.1", gateway.port), timeout=5) for _ in range(MAX_CLIENTS)]
    assert all(c.recv(64) == b"< hi >" for c in clients)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as one_more:
        assert one_more.recv(64) == b""
    for client in clients:
        client.close()
