"""A car's bus on the chip bench, under either Python: a wire, control units, traffic, our controller."""

from box.drivers.mcp2515 import MCP2515
from chips.mcp2515 import Mcp2515
from support_chip_bench import Clock, Pin, SelectPin, Spi

FRAME_US = 240  # 8 bytes at 500 kbit/s
BIT_RATE = 500_000


class Wire:
    """One frame at a time. `sent` is what the box put on it, as (id, data, extended)."""

    def __init__(self, crystal_hz=16_000_000, bit_rate=BIT_RATE):
        self.clock = Clock()
        self.chip = Mcp2515(crystal_hz)
        self.clock.chips.append(self.chip)
        self.chip.on_transmit = self._on_transmit
        self.int_pin = Pin(self.clock, 1)
        self.chip.on_int = self._on_int
        self.chip.power_on(self.clock.now_us)
        self.bit_rate = bit_rate
        self.units = []
        self.sent = []
        self.outcome = "acknowledged"
        self._free_us = 0
        self.driver = MCP2515(
            Spi(self.clock, self.chip),
            SelectPin(self.clock, self.chip),
            self.int_pin,
            crystal_hz=crystal_hz,
            sleep_ms=self.clock.sleep_ms,
        )

    def put(self, arbitration_id, data, extended=False, after_us=0):
        """A node other than the box sends, now or later."""
        if after_us:
            self.clock.call_at(self.clock.now_us + after_us, lambda: self.put(arbitration_id, data, extended))
            return
        end_us = max(self.clock.now_us, self._free_us) + FRAME_US
        self._free_us = end_us
        frame = (arbitration_id, extended, False, bytes(data))

        def deliver():
            self.chip.receive(frame, self.bit_rate, self.clock.now_us)
            for unit in self.units:
                unit.hear(arbitration_id, frame[3], extended)

        self.clock.call_at(end_us, deliver)

    def chatter(self, frames, period_us=6000):
        """Traffic of the running car: ids that have nothing to do with diagnostics."""
        for index in range(frames):
            self.put(0x100 + index * 7 % 0x400, bytes([index & 0xFF]) * 8, False, index * period_us)

    def _on_int(self, level):
        self.int_pin.level = level

    def _on_transmit(self, frame):
        end_us = max(self.clock.now_us, self._free_us) + FRAME_US
        self._free_us = end_us

        def finish():
            if self.outcome == "acknowledged":
                self.sent.append((frame[0], frame[3], frame[1]))
                for unit in self.units:
                    unit.hear(frame[0], frame[3], frame[1])
            self.chip.end_transmission(self.outcome, self.clock.now_us)

        self.clock.call_at(end_us, finish)


class Unit:
    """A control unit: answers what is in `answers` ((service, pid) -> whole message), within 10 ms.

    An answer that is a list is given in turn, one at each request; None is silence.
    """

    def __init__(self, wire, answers, request_id=0x7E0, answer_id=0x7E8, extended=False, delay_us=8000):
        self._wire = wire
        self.answers = answers
        self._request_id = request_id
        self._answer_id = answer_id
        self._functional_id = 0x18DB33F1 if extended else 0x7DF
        self._extended = extended
        self._delay_us = delay_us
        self._rest = b""
        self._sequence = 0
        self.requests = []
        self.flow_controls = []
        wire.units.append(self)

    def hear(self, arbitration_id, data, extended):
        """A frame was on the wire."""
        if extended != self._extended or arbitration_id not in (self._request_id, self._functional_id):
            return
        if data[0] >> 4 == 3:
            self.flow_controls.append((arbitration_id, data))
            self._go_on(data)
        elif data[0] >> 4 == 0:
            self._answer(bytes(data[1 : 1 + data[0]]))

    def _answer(self, request):
        key = (request[0], request[1] if len(request) > 1 else None)
        self.requests.append(key)
        answer = self.answers.get(key)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        if answer is None:
            return
        for part in answer if isinstance(answer, tuple) else (answer,):
            self._send(part)

    def _send(self, message):
        if len(message) <= 7:
            self._put(bytes((len(message),)) + message, self._delay_us)
        else:
            self._rest = message[6:]
            self._sequence = 1
            self._put(bytes((0x10 | len(message) >> 8, len(message) & 0xFF)) + message[:6], self._delay_us)

    def _go_on(self, flow_control):
        gap_us = flow_control[2] * 1000
        after_us = 1000
        while self._rest:
            self._put(bytes((0x20 | self._sequence & 15,)) + self._rest[:7], after_us)
            self._rest = self._rest[7:]
            self._sequence += 1
            after_us += gap_us or FRAME_US

    def _put(self, frame, after_us):
        padded = frame + b"\xaa" * (8 - len(frame))
        self._wire.put(self._answer_id, padded, self._extended, after_us)


def bitmap(*pids):
    """Four bytes of a bitmap; PIDs counted from 1 within it."""
    value = 0
    for pid in pids:
        value |= 1 << (32 - pid)
    return bytes((value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255))


VIN = b"VF1AG000012345678"


def petrol_answers():
    """What a small petrol car's engine unit answers."""
    return {
        (1, 0x00): b"\x41\x00" + bitmap(0x01, 0x0C, 0x0D, 0x20),
        (1, 0x20): b"\x41\x20" + bitmap(0x2F - 0x20, 0x31 - 0x20, 0x20),
        (1, 0x40): b"\x41\x40" + bitmap(0x5E - 0x40, 0x20),
        (1, 0x60): b"\x41\x60" + bitmap(0x20),
        (1, 0x80): b"\x41\x80" + bitmap(0x20),
        (1, 0xA0): b"\x41\xa0" + bitmap(0xA6 - 0xA0),
        (1, 0x01): b"\x41\x01\x82\x07\x65\x04",
        (1, 0x0C): b"\x41\x0c\x0b\xb8",
        (1, 0x0D): b"\x41\x0d\x32",
        (1, 0x2F): b"\x41\x2f\x80",
        (1, 0x31): b"\x41\x31\x1c\x00",
        (1, 0x5E): b"\x41\x5e\x00\x48",  # 3.6 l/h: 1 ml a second
        (1, 0xA6): b"\x41\xa6\x00\x01\xb3\x00",
        (3, None): b"\x43\x02\x01\x33\xc1\x00",
        (9, 0x02): b"\x49\x02\x01" + VIN,
    }
