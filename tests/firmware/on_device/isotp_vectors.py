"""Runs tests/vectors/isotp.json and, where they are, recorded answers of real cars. Prints `OK <cases>`."""

import json
import sys

from box.protocols import isotp
from box.protocols.isotp_sender import Sender


def unhex(text):
    """Bytes of a hexadecimal text. Raises ValueError if it is none."""
    if len(text) % 2:
        raise ValueError("half a byte")
    return bytes(int(text[i : i + 2], 16) for i in range(0, len(text), 2))


def hexed(data):
    """Hexadecimal text of bytes."""
    return "".join(f"{byte:02X}" for byte in data)


def run_receiver(case):
    """Feed the frames; compare messages, errors and what was sent."""
    options = dict(case["options"])
    pairs = {int(k, 16): int(v, 16) for k, v in options.pop("pairs", {}).items()}
    errors, messages, sent = [], [], []
    receiver = isotp.Receiver(
        on_error=lambda error: errors.append(type(error).__name__),
        get_flow_control_id=lambda i, extended: isotp.get_physical_id(i, extended, pairs),
        **options,
    )
    for arbitration_id, data, at_ms in case["frames"]:
        number = int(arbitration_id, 16)
        message = receiver.on_frame(number, unhex(data), at_ms, len(arbitration_id) > 3)
        if message is not None:
            messages.append([arbitration_id, hexed(message)])
        out = receiver.next_frame()
        while out is not None:
            sent.append([f"{out[0]:X}", hexed(out[1])])
            out = receiver.next_frame()
    assert messages == case["messages"], (case["name"], messages)
    assert errors == case["errors"], (case["name"], errors)
    assert sent == case["sent"], (case["name"], sent)


def run_sender(case):
    """Step the sender and compare each frame, then how it ended."""
    sender = Sender(0x7E0, **case["options"])
    sender.send(unhex(case["data"]))
    for verb, at_ms, frame in case["steps"]:
        if verb == "hear":
            sender.on_frame(unhex(frame), at_ms)
        else:
            have = sender.next_frame(at_ms)
            assert (have and hexed(have)) == frame, (case["name"], at_ms, have)
    assert sender.is_idle, case["name"]
    assert (sender.error and type(sender.error).__name__) == case["error"], (case["name"], sender.error)


def by_sender(messages):
    """The messages of each sender in their order."""
    senders = {}
    for arbitration_id, message in messages:
        senders.setdefault(arbitration_id, []).append(message)
    return senders


def run_recordings(path):
    """Every recording makes the messages told, or, if it was damaged, none of its damaged part."""
    try:
        with open(path) as file:
            recordings = json.load(file)
    except OSError:
        return 0
    for recording in recordings:
        receiver = isotp.Receiver(get_flow_control_id=lambda i, extended: None)
        messages = []
        for at_ms, (arbitration_id, data) in enumerate(recording["frames"]):
            try:
                number, frame = int(arbitration_id, 16), unhex(data)
            except ValueError:
                continue  # no frame: an adapter's text
            message = receiver.on_frame(number, frame, at_ms)
            if message is not None:
                messages.append([arbitration_id, hexed(message)])
        if recording["messages"] is not None:
            # Told in the order of the senders, not of time.
            assert by_sender(messages) == by_sender(recording["messages"]), (recording["name"], messages)
    return len(recordings)


def run(folder):
    """Everything; returns how much."""
    with open(folder + "/isotp.json") as file:
        vectors = json.load(file)
    for case in vectors["receivers"]:
        run_receiver(case)
    for case in vectors["senders"]:
        run_sender(case)
    for code, microseconds in vectors["st_min_us"]:
        assert isotp.get_st_min_us(code) == microseconds
    for arbitration_id, extended, physical in vectors["physical_ids"]:
        have = isotp.get_physical_id(int(arbitration_id, 16), extended)
        assert have == (physical and int(physical, 16)), (arbitration_id, have)
    return len(vectors["receivers"]) + len(vectors["senders"]) + run_recordings("../shared/data/isotp.json")


if __name__ == "__main__":
    print("OK", run(sys.argv[1]))
