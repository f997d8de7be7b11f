"""The box's end of the wire: held to the vectors on both Pythons, and to giving only its own errors."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from box.protocols import wire
from box.protocols.crypto import Hmac
from hypothesis import given
from hypothesis import strategies as st

REPO = Path(__file__).parents[3]
VECTORS = REPO / "tests" / "vectors"
SCRIPT = REPO / "tests" / "firmware" / "on_device" / "wire_vectors.py"
MICROPYTHON = os.environ.get("MICROPYTHON", str(Path(sys.executable).parent / "micropython"))
WIRE = json.loads((VECTORS / "wire.json").read_text())
BOX = bytes.fromhex(WIRE["box_id"])
KEY = Hmac(bytes(range(32)))
REQUEST_NONCE = bytes(range(8))


def answer(body: bytes, part: int = 0, counter: int = 1) -> bytes:
    head = struct.pack("<BB8sBIH8sH", 0x44, 1, BOX, 1, counter, part, bytes(8), len(body)) + body
    return head + KEY.digest(head, REQUEST_NONCE)[:16]


def requests() -> wire.Requests:
    asked = wire.Requests()
    asked.remember(1, REQUEST_NONCE)
    return asked


def decode(envelope: bytes, asked: wire.Requests | None = None):
    return wire.decode_down(envelope, KEY, BOX, 1, asked or requests())


@pytest.mark.parametrize("interpreter", [sys.executable, MICROPYTHON])
def test_the_vectors_of_the_wire_hold_on_both_pythons(interpreter):
    env = {
        **os.environ,
        "PYTHONPATH": f"{REPO}/firmware:{REPO}/tests/shims",
        "MICROPYPATH": f"{REPO}/firmware:.frozen",
    }
    done = subprocess.run(
        [interpreter, str(SCRIPT), str(VECTORS)],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("OK "), done.stdout
    assert int(done.stdout.split()[1]) >= 90


def test_the_file_of_vectors_is_what_its_generator_writes():
    done = subprocess.run([sys.executable, str(VECTORS / "make_wire.py"), "--check"], check=False)
    assert done.returncode == 0


@given(st.binary(max_size=300))
def test_no_bytes_from_anyone_raise_but_a_wire_error(data):
    with pytest.raises(wire.WireError):
        decode(data)


@given(st.binary(max_size=400))
def test_no_body_of_a_cloud_gone_mad_raises_but_a_wire_error(body):
    asked = requests()
    try:
        fields = decode(answer(body), asked)
    except wire.WireError:
        assert asked.find(1)[2] == -1
    else:
        assert asked.find(1)[2] == 0
        assert all(isinstance(field[0], int) for field in fields)


TLV = st.lists(
    st.tuples(st.integers(0x7E, 0x8D) | st.integers(0, 0x0B), st.binary(max_size=60)), max_size=6
).map(lambda rows: b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in rows))


@given(TLV)
def test_no_well_formed_fields_raise_but_a_wire_error(body):
    try:
        fields = decode(answer(body))
    except wire.WireError:
        return
    assert all(isinstance(field[0], int) for field in fields)


@given(st.sampled_from(WIRE["down"]), st.data())
def test_no_single_changed_byte_passes(case, data):
    envelope = bytearray.fromhex(case["bytes"])
    at = data.draw(st.integers(0, len(envelope) - 1))
    envelope[at] ^= data.draw(st.integers(1, 255))
    key = next(bytes.fromhex(k["key"]) for k in WIRE["keys"] if k["purpose"] == "wire" and k["key_id"] == 1)
    asked = wire.Requests()
    asked.remember(case["counter"], bytes.fromhex(case["request_nonce"]))
    with pytest.raises(wire.WireError):
        wire.decode_down(bytes(envelope), Hmac(key), BOX, 1, asked)


def test_an_envelope_cut_anywhere_is_damaged():
    envelope = bytes.fromhex(WIRE["down"][1]["bytes"])
    for size in range(len(envelope)):
        with pytest.raises(wire.DamagedError):
            decode(envelope[:size])


def test_parts_are_taken_once_and_rising():
    asked = requests()
    decode(answer(b"", part=0), asked)
    decode(answer(b"", part=3), asked)
    for part in (0, 2, 3):
        with pytest.raises(wire.ReplayedError):
            decode(answer(b"", part=part), asked)
    decode(answer(b"", part=4), asked)


def test_answers_come_to_the_last_four_requests_only():
    asked = requests()
    for counter in (2, 3, 4):
        asked.remember(counter, REQUEST_NONCE)
    decode(answer(b"", counter=1), asked)
    asked.remember(5, REQUEST_NONCE)
    with pytest.raises(wire.UnaskedError):
        decode(answer(b"", part=1, counter=1), asked)
    asked.forget()
    with pytest.raises(wire.UnaskedError):
        decode(answer(b"", counter=5), asked)


def test_a_body_too_long_is_not_sent():
    with pytest.raises(wire.OversizedError):
        wire.encode_up(KEY, BOX, 1, 1, REQUEST_NONCE, bytes(wire.MAX_BODY + 1))
    assert len(wire.encode_up(KEY, BOX, 1, 1, REQUEST_NONCE, bytes(wire.MAX_BODY))) == wire.MAX_ENVELOPE
