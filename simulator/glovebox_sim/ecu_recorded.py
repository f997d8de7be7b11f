"""Recorded answers of real cars, played back frame by frame.

The file is a list of recordings: a name whose last but one part says what was asked (`7E0.010D`,
`743.220207`, `750.758.2130|e=2A,ta=2A,fc=1`, `DB33.0101`), and the frames that came back. Frames go out
exactly as recorded, damage included; only flow control is honoured: after a first frame the rest waits for
the tester's "continue", with its block size and separation time. This is not an ISO-TP stack, on purpose:
it must be able to say what a stack never would.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import can

from .ecu_transport import FRAME_S, CanPort, Clockwork

FLOW_CONTROL_S = 1.0
"""N_Bs: how long a unit waits for flow control before it gives up."""
MAX_RECORDINGS = 100_000


class RecordingError(ValueError):
    """A file that holds no recorded answers."""


@dataclass(frozen=True)
class Recording:
    """One recorded answer: what was asked of which id, and the frames (arbitration id, extended, data)."""

    name: str
    car: str
    request_id: int
    extended: bool
    prefix: bytes
    """First byte of each frame with extended addressing, else empty."""
    request: bytes
    frames: tuple[tuple[int, bool, bytes], ...]


def _parse(entry: dict[str, object]) -> Recording | None:
    """A recording, or None where the recorder wrote what is no CAN frame or no request we understand."""
    name = str(entry["name"])
    car, _year, asked = name.split("/")[:3]
    head, _, options = asked.partition("|")
    ids = head.split(".")
    prefix = b""
    for option in options.split(","):
        if option.startswith("ta="):
            prefix = bytes.fromhex(option[3:])
    try:
        request = bytes.fromhex(ids[-1])
        extended = len(ids[0]) == 4
        request_id = 0x18000000 | int(ids[0], 16) << 8 | 0xF1 if extended else int(ids[0], 16)
        frames = []
        for arbitration_id, data in entry["frames"]:  # type: ignore[attr-defined]
            payload = bytes.fromhex(data)
            if len(payload) <= 8 and len(arbitration_id) in (3, 8):
                frames.append((int(arbitration_id, 16), len(arbitration_id) == 8, payload))
    except ValueError:
        return None
    return Recording(name, car, request_id, extended, prefix, request, tuple(frames)) if frames else None


def load(path: Path | str) -> list[Recording]:
    """All usable recordings of a file. Raises `RecordingError`, `OSError`."""
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
        found = [_parse(entry) for entry in entries[:MAX_RECORDINGS]]
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise RecordingError(f"{Path(path).name}: not a list of recorded answers ({problem})") from problem
    return [recording for recording in found if recording is not None]


def _separation_s(st_min: int) -> float:
    """Separation time of a flow-control frame: 00..7F ms, F1..F9 100 us steps, the reserved rest 127 ms."""
    if st_min <= 0x7F:
        return st_min / 1000
    if 0xF1 <= st_min <= 0xF9:
        return (st_min - 0xF0) / 10_000
    return 0.127


class RecordedEcu:
    """Answers requests with recordings, in turn where one question was recorded more than once.

    `answered` lists the names of what was played. A question without a recording gets silence.
    """

    def __init__(
        self, clockwork: Clockwork, channel: str, recordings: list[Recording], latency_s: float = 0.015
    ) -> None:
        self._clockwork = clockwork
        self.latency_s = latency_s
        self.answered: list[str] = []
        self.is_awake = True
        self._answers: dict[tuple[int, bytes, bytes], list[Recording]] = {}
        for recording in recordings:
            key = (recording.request_id, recording.prefix, recording.request)
            self._answers.setdefault(key, []).append(recording)
        self._waiting: dict[int, tuple[float, bytes, list[tuple[int, bool, bytes]]]] = {}
        """Response id -> (until, prefix, frames held back until flow control)."""
        self.port = CanPort(clockwork, channel, self._heard)

    def close(self) -> None:
        self.port.close()

    def _heard(self, message: can.Message) -> None:
        data = bytes(message.data)
        if not self.is_awake or not data:
            return
        if self._is_flow_control(message.arbitration_id, data):
            return
        for prefix in (b"", data[:1]):
            body = data[len(prefix) :]
            if not body or body[0] >> 4 != 0 or not 0 < body[0] < len(body):
                continue
            recordings = self._find(message.arbitration_id, prefix, body[1 : 1 + body[0]])
            if recordings:
                recording = recordings.pop(0)
                recordings.append(recording)
                self.answered.append(recording.name)
                self._clockwork.call_later(self.latency_s, partial(self._play, recording))
                return

    def _find(self, arbitration_id: int, prefix: bytes, request: bytes) -> list[Recording]:
        """By the id asked; a functional request also finds what was asked physically, as in a car."""
        physical = range(0x7E0, 0x7E8) if arbitration_id == 0x7DF else range(0)
        for request_id in (arbitration_id, *physical):
            found = self._answers.get((request_id, prefix, request))
            if found:
                return found
        return []

    def _play(self, recording: Recording) -> None:
        held: dict[int, list[tuple[int, bool, bytes]]] = {}
        now: list[tuple[int, bool, bytes]] = []
        for frame in recording.frames:
            arbitration_id, _, data = frame
            kind = data[len(recording.prefix)] >> 4 if len(data) > len(recording.prefix) else -1
            if arbitration_id in held:
                held[arbitration_id].append(frame)
                continue
            now.append(frame)
            if kind == 1:
                held[arbitration_id] = []
        until = self._clockwork.now + FLOW_CONTROL_S
        for arbitration_id, rest in held.items():
            self._waiting[arbitration_id] = (until, recording.prefix, rest)
        self._send_all(now, FRAME_S)

    def _is_flow_control(self, arbitration_id: int, data: bytes) -> bool:
        for response_id, (until, prefix, rest) in list(self._waiting.items()):
            if self._clockwork.now > until:
                del self._waiting[response_id]
                continue
            body = data[len(prefix) :]
            if len(body) < 3 or body[0] >> 4 != 3 or not _is_pair(arbitration_id, response_id):
                continue
            if body[0] & 0x0F == 1:
                self._waiting[response_id] = (self._clockwork.now + FLOW_CONTROL_S, prefix, rest)
                return True
            del self._waiting[response_id]
            if body[0] & 0x0F == 0:
                block = len(rest) if body[1] == 0 else body[1]
                if rest[block:]:
                    waiting = (self._clockwork.now + FLOW_CONTROL_S, prefix, rest[block:])
                    self._waiting[response_id] = waiting
                self._send_all(rest[:block], max(_separation_s(body[2]), FRAME_S))
            return True
        return False

    def _send_all(self, frames: list[tuple[int, bool, bytes]], apart_s: float) -> None:
        for i, frame in enumerate(frames):
            self._clockwork.call_later(i * apart_s, self._sender(*frame))

    def _sender(self, arbitration_id: int, extended: bool, data: bytes) -> Callable[[], None]:
        return lambda: self.port.send(arbitration_id, data, extended)


def _is_pair(request_id: int, response_id: int) -> bool:
    """Does flow control sent to `request_id` reach the unit that answers with `response_id`?"""
    if response_id > 0x7FF:
        unit, tester = response_id & 0xFF, (response_id >> 8) & 0xFF
        return request_id == (response_id & 0xFFFF0000) | unit << 8 | tester
    return request_id not in (0x7DF, response_id)
