"""ISO-TP against recordings of real cars, against the can-isotp package as a peer, and against noise."""

import itertools
import random

import isotp as peer
import pytest
import support_recordings
from box.protocols import isotp
from box.protocols.isotp_sender import Sender
from hypothesis import given
from hypothesis import strategies as st

REQUEST_ID, ANSWER_ID = 0x7E0, 0x7E8


def read_damaged():
    return [item for item in support_recordings.read_json("isotp.json") if item["messages"] is None]


def usable_frames(recording):
    """The lines that are CAN frames at all: hexadecimal, whole bytes, at most eight."""
    for arbitration_id, data in recording["frames"]:
        try:
            yield int(arbitration_id, 16), bytes.fromhex(data)
        except ValueError:
            continue


def whole_messages(frames):
    """What may be delivered, told apart from the receiver:

    a first frame and, next from that id, all that it announced.
    """
    for at, (arbitration_id, data) in enumerate(frames):
        if not data or len(data) > 8:
            continue
        if data[0] >> 4 == 0 and 1 <= data[0] <= len(data) - 1:
            yield arbitration_id, data[1 : 1 + data[0]]
        elif data[0] >> 4 == 1 and len(data) == 8:
            length, body = (data[0] & 15) << 8 | data[1], data[2:]
            followers = [frame for sender, frame in frames[at + 1 :] if sender == arbitration_id]
            for count, follower in enumerate(followers, 1):
                if (
                    len(body) >= length
                    or not follower
                    or follower[0] != 0x20 | count & 15
                    or len(follower) > 8
                ):
                    break
                body += follower[1:]
            if len(body) >= length:
                yield arbitration_id, body[:length]


def test_nothing_is_delivered_from_the_damaged_part_of_a_recording():
    damaged = read_damaged()
    assert damaged
    for recording in damaged:
        frames = list(usable_frames(recording))
        receiver = isotp.Receiver(get_flow_control_id=lambda *_: None)
        delivered = []
        for at_ms, (arbitration_id, data) in enumerate(frames):
            message = receiver.on_frame(arbitration_id, data, at_ms)
            if message is not None:
                delivered.append((arbitration_id, message))
        assert delivered == list(whole_messages(frames)), recording["name"]


def test_the_recordings_with_an_address_byte_are_read_when_told_of_it():
    recordings = [
        item
        for item in support_recordings.read_json("isotp.json")
        if "750.758.221004" in item["name"] and "COROLLAHYBRID_TT_1" in item["expected_values"]
    ]
    assert recordings
    for recording in recordings:
        receiver = isotp.Receiver(address=0x2A, get_flow_control_id=lambda *_: None)
        messages = [receiver.on_frame(*frame, 0) for frame in usable_frames(recording)]
        assert messages[-1][:3] == bytes.fromhex("621004")
        # Tyre temperature of the first wheel: a byte less 40 degrees.
        assert messages[-1][3] - 40 == recording["expected_values"]["COROLLAHYBRID_TT_1"]


class TestWithThePeer:
    """The other end is can-isotp, in the same process, its time-outs out of reach."""

    @staticmethod
    def make_peer(to_us, from_us, **params):
        address = peer.Address(peer.AddressingMode.Normal_11bits, txid=ANSWER_ID, rxid=REQUEST_ID)
        errors = []
        return (
            peer.TransportLayerLogic(
                rxfn=lambda timeout: from_us.pop(0) if from_us else None,
                txfn=to_us.append,
                address=address,
                error_handler=errors.append,
                params={"tx_padding": 0xAA, "rx_flowcontrol_timeout": 60000, **params},
            ),
            errors,
        )

    @pytest.mark.parametrize("length", [1, 6, 7, 8, 13, 14, 15, 20, 104, 111, 331, 4095])
    @pytest.mark.parametrize("block_size", [0, 1, 2, 15])
    def test_we_receive_what_it_sends(self, length, block_size):
        to_us, from_us = [], []
        other, errors = self.make_peer(to_us, from_us)
        message = random.Random(length).randbytes(length)
        other.send(message)
        receiver = isotp.Receiver(block_size=block_size)
        for now_ms in range(2000):
            other.process(rx_timeout=0)
            while to_us:
                frame = to_us.pop(0)
                received = receiver.on_frame(frame.arbitration_id, frame.data, now_ms)
                if received is not None:
                    assert received == message
                    assert errors == []
                    return
                answer = receiver.next_frame()
                if answer is not None:
                    from_us.append(peer.CanMessage(arbitration_id=answer[0], data=answer[1], dlc=8))
        raise AssertionError("never arrived")

    @pytest.mark.parametrize("length", [1, 7, 8, 13, 14, 62, 331, 4095])
    @pytest.mark.parametrize(("block_size", "st_min"), [(0, 0), (1, 0), (3, 5), (8, 0xF3), (0, 0x80)])
    def test_it_receives_what_we_send(self, length, block_size, st_min):
        to_us, from_us = [], []
        other, errors = self.make_peer(to_us, from_us, blocksize=block_size, stmin=st_min)
        message = random.Random(length).randbytes(length)
        sender = Sender(REQUEST_ID)
        sender.send(message)
        gap_ms = -(-isotp.get_st_min_us(st_min) // 1000)
        for now_ms in range(0, 100000):
            data = sender.next_frame(now_ms)
            if data is not None:
                from_us.append(peer.CanMessage(arbitration_id=REQUEST_ID, data=data, dlc=8))
                other.process(rx_timeout=0)
            while to_us:
                sender.on_frame(to_us.pop(0).data, now_ms)
            if sender.is_idle:
                break
        assert sender.error is None
        assert errors == []
        assert other.recv() == message
        assert now_ms >= (gap_ms if length > 20 else 0)

    @pytest.mark.parametrize("fault", ["drop", "double", "swap"])
    def test_a_fault_on_the_way_delivers_nothing_wrong(self, fault):
        for seed in range(60):
            dice = random.Random(seed)
            to_us, from_us = [], []
            other, _ = self.make_peer(to_us, from_us)
            message = dice.randbytes(dice.randrange(8, 200))
            other.send(message)
            receiver = isotp.Receiver()
            other.process(rx_timeout=0)
            first = to_us.pop(0)
            assert receiver.on_frame(first.arbitration_id, first.data, 0) is None
            arbitration_id, data, _ = receiver.next_frame()
            from_us.append(peer.CanMessage(arbitration_id=arbitration_id, data=data, dlc=8))
            for _ in range(40):
                other.process(rx_timeout=0)
            frames = list(to_us)
            at = dice.randrange(len(frames))
            if fault == "drop":
                del frames[at]
            elif fault == "double":
                frames.insert(at, frames[at])
            elif at + 1 < len(frames):
                frames[at], frames[at + 1] = frames[at + 1], frames[at]
            got = [receiver.on_frame(frame.arbitration_id, frame.data, 1) for frame in frames]
            assert set(got) <= {None, message}


FRAMES = st.tuples(
    st.sampled_from([0x7E8, 0x7E9, 0x18DAF110]),
    st.one_of(
        st.binary(max_size=9),
        st.builds(
            lambda head, rest: bytes([head]) + rest,
            st.sampled_from([0x10, 0x20, 0x21, 0x22, 0x30, 0x02, 0x07]),
            st.binary(max_size=7),
        ),
    ),
    st.integers(0, 700),
)


@given(st.lists(FRAMES, max_size=60))
def test_any_frames_make_messages_or_named_errors(frames):
    errors = []
    receiver = isotp.Receiver(on_error=errors.append)
    now_ms = 0
    for arbitration_id, data, later_ms in frames:
        now_ms += later_ms
        message = receiver.on_frame(arbitration_id, data, now_ms, arbitration_id > 0x7FF)
        assert message is None or 1 <= len(message) <= isotp.MAX_MESSAGE_BYTES
        out = receiver.next_frame()
        if out is not None:
            assert out[0] in (0x7E0, 0x7E1, 0x18DA10F1)
            assert len(out[1]) == 8
    receiver.step(now_ms + 1001)
    assert not receiver.is_busy
    assert all(isinstance(error, isotp.IsoTpError) for error in errors)


@given(st.lists(st.tuples(st.binary(max_size=9), st.integers(0, 700)), max_size=30), st.integers(1, 4095))
def test_any_answers_leave_the_sender_done_or_with_a_named_error(answers, length):
    sender = Sender(0x7E0)
    sender.send(bytes(length))
    now_ms = 0
    for data, later_ms in answers:
        now_ms += later_ms
        sender.on_frame(data, now_ms)
        frame = sender.next_frame(now_ms)
        assert frame is None or len(frame) == 8
    for _ in range(700):
        now_ms += 1001
        sender.next_frame(now_ms)
    assert sender.is_idle
    assert sender.error is None or isinstance(sender.error, isotp.IsoTpError)


@given(st.lists(st.sampled_from(range(8)), min_size=24, max_size=24))
def test_transfers_of_eight_control_units_in_any_order_are_never_mixed(order):
    messages = {unit: bytes([unit]) * 20 for unit in range(8)}
    queues = {
        unit: [b"\x10\x14" + body[:6], b"\x21" + body[6:13], b"\x22" + body[13:]]
        for unit, body in messages.items()
    }
    receiver = isotp.Receiver()
    for unit in itertools.chain(order, *([unit] * 3 for unit in range(8))):
        if queues[unit]:
            message = receiver.on_frame(0x7E8 + unit, queues[unit].pop(0), 0)
            assert message in (None, messages[unit])
            assert (message is None) == bool(queues[unit])


def test_every_error_has_its_own_class_and_a_vector_that_provokes_it():
    vectors = support_recordings.REPOSITORY / "tests/vectors/isotp.json"
    text = vectors.read_text()
    for error in isotp.IsoTpError.__subclasses__():
        if error is not isotp.UnexpectedFlowControlError:
            assert f'"{error.__name__}"' in text


def test_a_flow_control_that_nobody_waits_for_is_named_and_ignored():
    errors = []
    sender = Sender(0x7E0, on_error=errors.append)
    sender.on_frame(b"\x30\x00\x00", 0)
    assert [type(error) for error in errors] == [isotp.UnexpectedFlowControlError]
    assert sender.is_idle
    assert sender.error is None


def test_times_may_wrap():
    receiver = isotp.Receiver(ticks_diff=lambda a, b: ((a - b + 512) & 1023) - 512)
    receiver.on_frame(0x7E8, bytes.fromhex("1008410011223344"), 1020)
    assert receiver.on_frame(0x7E8, bytes.fromhex("215566"), 5) == bytes.fromhex("4100112233445566")


def test_a_sender_takes_one_message_at_a_time():
    sender = Sender(0x7E0)
    sender.send(bytes(20))
    with pytest.raises(ValueError, match="busy"):
        sender.send(b"\x01")
    with pytest.raises(ValueError, match="length"):
        Sender(0x7E0).send(b"")
