"""The host's end of the bridge: takes a box's operations in their time order and answers them.

The protocol is described in hal/_bridge.py. A box is always in one of three states: *running* (it has its
answer and computes), *queued* (its next operations are known, with their times) or *waiting* (for an
instant or an event). The scheduler only ever lets the earliest thing of all boxes and of the world happen.
"""

from __future__ import annotations

import json
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, Any

from chips.errors import PowerCut

from glovebox_sim.network_in_process import InProcessNetwork

if TYPE_CHECKING:
    from glovebox_sim.host_box import Box

SYNC, WAIT, INTERRUPT, HELLO = 1, 2, 3, 4
PIN_MODE, PIN_WRITE, PIN_IRQ = 10, 11, 12
SPI_OPEN, SPI_WRITE, SPI_TRANSFER = 20, 21, 22
I2C_WRITE, I2C_READ, I2C_READ_MEMORY = 30, 31, 32
UART_OPEN, UART_WRITE = 40, 41
PWM, BITSTREAM = 51, 52
WDT_START, WDT_FEED, RTC_MEMORY, RTC_SET, RESET, SLEEP = 60, 61, 62, 63, 64, 65
FLASH_PROGRAM, FLASH_ERASE = 70, 71
WLAN, RESOLVE = 80, 81
NET_OPEN, NET_WRITE, NET_CLOSE = 82, 83, 84
CRASHED, FINISHED, HEAP, NVS = 90, 91, 92, 93

EVENT_PIN, EVENT_UART, EVENT_NET = 1, 2, 3
WAIT_UART, WAIT_SOCKETS = 1, 2
FOREVER_US = (1 << 62) - 1

_HEADER = struct.Struct("<BBHQ")
_ANSWER = struct.Struct("<HHHHQQ")
_EVENT = struct.Struct("<BBH")
_POSTED = frozenset(
    {PIN_MODE, PIN_WRITE, PIN_IRQ, SPI_WRITE, UART_WRITE, PWM, BITSTREAM, WDT_FEED}
    | {RTC_MEMORY, RTC_SET, HEAP, INTERRUPT, NET_WRITE}
)
_SLICE_US = 200_000
_READ_SIZE = 65536
_ERRNO_ENODEV = 19

Operation = tuple[int, int, int, bytes]  # code, argument, instant, payload


class BoxHung(RuntimeError):
    """The firmware has computed for very long without any operation, and no watchdog is armed."""


class Host:
    """One process's bridge. `next_us` is the instant of its next operation or of the end of its wait."""

    def __init__(self, box: Box, connection: socket.socket, not_before_us: int = 0) -> None:
        self._box = box
        self._socket = connection
        # A blocking read that gives up now and then: one system call less than to poll first.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, _SLICE_US))
        self._rest = b""
        self._not_before_us = not_before_us  # the first operation comes before the box knows the time
        self._operations: deque[Operation] = deque()
        self._events = bytearray()
        self.is_running = True
        self.is_waiting = False
        self.wait_flags = 0
        self.next_us = FOREVER_US
        self.operations_done = 0
        self.round_trips = 0
        self._handlers = {
            SYNC: self._on_sync,
            HELLO: self._on_hello,
            PIN_MODE: self._on_pin_mode,
            PIN_WRITE: self._on_pin_write,
            PIN_IRQ: self._on_pin_irq,
            SPI_OPEN: self._on_spi_open,
            SPI_WRITE: self._on_spi_write,
            SPI_TRANSFER: self._on_spi_transfer,
            I2C_WRITE: self._on_i2c_write,
            I2C_READ: self._on_i2c_read,
            I2C_READ_MEMORY: self._on_i2c_read_memory,
            UART_OPEN: self._on_uart_open,
            UART_WRITE: self._on_uart_write,
            PWM: self._on_pwm,
            BITSTREAM: self._on_bitstream,
            WDT_START: self._on_wdt_start,
            WDT_FEED: self._on_wdt_feed,
            RTC_MEMORY: self._on_rtc_memory,
            RTC_SET: self._on_rtc_set,
            RESET: self._on_reset,
            SLEEP: self._on_sleep,
            FLASH_PROGRAM: self._on_flash_program,
            FLASH_ERASE: self._on_flash_erase,
            WLAN: self._on_wlan,
            RESOLVE: self._on_resolve,
            NET_OPEN: self._on_net_open,
            NET_WRITE: self._on_net_write,
            NET_CLOSE: self._on_net_close,
            CRASHED: self._on_crashed,
            FINISHED: self._on_finished,
            HEAP: self._on_heap,
            NVS: self._on_nvs,
        }

    def fileno(self) -> int:
        return self._socket.fileno()

    # -- receiving ------------------------------------------------------------------------------------------
    def receive_batch(self) -> None:
        """Read until the box blocks on an answer. Raises BoxHung if it says nothing for very long."""
        waited_s = 0.0
        while self.is_running:
            if self._receive(0) is None:
                self._box.drain_output()
                waited_s += _SLICE_US / 1_000_000
                if waited_s >= self._box.sim.hang_s:
                    # What it did before it began to compute has happened; no time has passed since.
                    while self._operations:
                        code, argument, _, payload = self._operations.popleft()
                        self._handlers[code](argument, payload, self._box.sim.now_us)
                    self._box.on_hang()
                    return

    def receive_some(self) -> None:
        """Take what has arrived; never blocks."""
        self._receive(socket.MSG_DONTWAIT)

    def _receive(self, flags: int) -> bool | None:
        """True: bytes were taken. False: the process has gone, and the box knows. None: nothing has come."""
        try:
            data = self._socket.recv(_READ_SIZE, flags)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            self.is_running = False
            self.next_us = FOREVER_US
            self._box.on_process_gone()
            return False
        self._parse(self._rest + data if self._rest else data)
        return True

    def _parse(self, data: bytes) -> None:
        at, end = 0, len(data)
        operations = self._operations
        while end - at >= 12:
            code, argument, length, at_us = _HEADER.unpack_from(data, at)
            if end - at - 12 < length:
                break
            payload = data[at + 12 : at + 12 + length]
            at += 12 + length
            if code == INTERRUPT:
                self.wake()
                continue
            operations.append((code, argument, at_us, payload))
            if code not in _POSTED:
                self.is_running = False
        self._rest = data[at:]
        if operations and not self.is_waiting:
            self.next_us = max(operations[0][2], self._not_before_us)

    def is_due(self, now_us: int) -> bool:
        """Real time: an operation has arrived or a wait is over."""
        return bool(self._operations) or (self.is_waiting and self.next_us <= now_us)

    @property
    def next_batched_us(self) -> int:
        """When the next operation of those that came along is due; FOREVER_US: there is none."""
        return self.next_us if self._operations and not self.is_waiting else FOREVER_US

    @property
    def is_waiting_for_sockets(self) -> bool:
        return self.is_waiting and bool(self.wait_flags & WAIT_SOCKETS)

    # -- doing ----------------------------------------------------------------------------------------------
    def do_next(self, now_us: int) -> None:
        """Let the next operation happen, or end the wait."""
        if self.is_waiting:
            self.is_waiting = False
            self._answer(now_us)
            return
        operation = self._operations.popleft()
        self.operations_done += 1
        code, argument, _, payload = operation
        if code == WAIT:
            self._box.drain_output_soon()
            (until_us,) = struct.unpack("<Q", payload)
            self.wait_flags = argument
            self.is_waiting = True
            self.next_us = max(now_us, until_us)
            if self._events or self._box.board.has_uart_bytes(argument & WAIT_UART):
                self.next_us = now_us
            return
        try:
            self._handlers[code](argument, payload, now_us)
        except PowerCut as cut:
            self._box.on_power_cut(str(cut))
            return
        if self._operations:
            self.next_us = self._operations[0][2]

    def _answer(self, now_us: int, result: bytes = b"", status: int = 0) -> None:
        events = self._events
        board = self._box.board
        received = board.take_uart_bytes()
        if received:
            events += _EVENT.pack(EVENT_UART, 2, len(received)) + received
        self._events = bytearray()
        self.is_running = True
        self.next_us = FOREVER_US
        self.round_trips += 1
        try:
            self._socket.sendall(
                _ANSWER.pack(len(result), len(events), status, board.sense_100uv, now_us, board.levels)
                + result
                + events
            )
        except OSError:
            self.is_running = False
            self._box.on_process_gone()

    def add_event(self, code: int, argument: int, payload: bytes = b"") -> None:
        """Queue an event for the next answer and end a wait."""
        self._events += _EVENT.pack(code, argument, len(payload)) + payload
        self.wake()

    def add_net_event(self, number: int, payload: bytes) -> None:
        """Something has reached a socket whose other end is in this process."""
        self.add_event(EVENT_NET, number, payload)

    def wake(self) -> None:
        """End a wait now."""
        if self.is_waiting:
            self.next_us = min(self.next_us, self._box.sim.now_us)
            self._box.sim.notify()

    # -- operations -----------------------------------------------------------------------------------------
    def _on_sync(self, argument: int, payload: bytes, now_us: int) -> None:
        self._answer(now_us)

    def _on_hello(self, argument: int, payload: bytes, now_us: int) -> None:
        self._answer(now_us, json.dumps(self._box.get_boot_configuration()).encode())

    def _on_pin_mode(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.board.set_pin_mode(argument, payload[0], payload[1], payload[2])

    def _on_pin_write(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.board.write_pin(argument, payload[0])

    def _on_pin_irq(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.board.set_pin_irq(argument, payload[0])

    def _on_spi_open(self, argument: int, payload: bytes, now_us: int) -> None:
        baudrate, polarity, phase, *pins = struct.unpack("<IBBBBB", payload)
        self._box.board.open_spi(argument, baudrate, polarity, phase, tuple(pins))
        self._answer(now_us)

    def _on_spi_write(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.board.transfer_spi(payload)

    def _on_spi_transfer(self, argument: int, payload: bytes, now_us: int) -> None:
        self._answer(now_us, self._box.board.transfer_spi(payload))

    def _on_i2c_write(self, argument: int, payload: bytes, now_us: int) -> None:
        scl, sda, stop = payload[:3]
        acknowledged = self._box.board.write_i2c(argument, payload[3:], scl, sda, bool(stop))
        if acknowledged is None:
            self._answer(now_us, status=_ERRNO_ENODEV)
        else:
            self._answer(now_us, bytes([min(acknowledged, 255)]))

    def _on_i2c_read(self, argument: int, payload: bytes, now_us: int) -> None:
        scl, sda, _, length = struct.unpack("<BBBH", payload)
        data = self._box.board.read_i2c(argument, length, scl, sda)
        if data is None:
            self._answer(now_us, status=_ERRNO_ENODEV)
        else:
            self._answer(now_us, data)

    def _on_i2c_read_memory(self, argument: int, payload: bytes, now_us: int) -> None:
        scl, sda, length = struct.unpack_from("<BBH", payload)
        if self._box.board.write_i2c(argument, payload[4:], scl, sda, stop=False) is None:
            self._answer(now_us, status=_ERRNO_ENODEV)
            return
        self._answer(now_us, self._box.board.read_i2c(argument, length, scl, sda) or b"")

    def _on_uart_open(self, argument: int, payload: bytes, now_us: int) -> None:
        baudrate, tx, rx = struct.unpack("<IBB", payload)
        self._box.board.open_uart(argument, baudrate, tx, rx)
        self._answer(now_us)

    def _on_uart_write(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.board.write_uart(argument, payload)

    def _on_pwm(self, argument: int, payload: bytes, now_us: int) -> None:
        frequency, duty = struct.unpack("<IH", payload)
        self._box.board.set_pwm(argument, frequency, duty)

    def _on_bitstream(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.board.send_bitstream(argument, struct.unpack_from("<4H", payload), payload[8:])

    def _on_wdt_start(self, argument: int, payload: bytes, now_us: int) -> None:
        (timeout_ms,) = struct.unpack("<I", payload)
        self._box.start_watchdog(timeout_ms * 1000)
        self._answer(now_us)

    def _on_wdt_feed(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.feed_watchdog()

    def _on_rtc_memory(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.rtc_memory = payload

    def _on_rtc_set(self, argument: int, payload: bytes, now_us: int) -> None:
        (self._box.rtc_offset_us,) = struct.unpack("<q", payload)

    def _on_reset(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.on_reset(argument)

    def _on_sleep(self, argument: int, payload: bytes, now_us: int) -> None:
        until_us, count = struct.unpack_from("<QB", payload)
        pins = [(payload[9 + 2 * i], payload[10 + 2 * i]) for i in range(count)]
        if argument:
            self._box.on_deep_sleep(until_us, pins)
            return
        # Light sleep keeps the process: it is a wait that the wake-up pins end too.
        self._box.board.wake_pins = pins
        self.is_waiting = True
        self.wait_flags = 0
        self.next_us = max(now_us, until_us)
        self._box.board.check_wake_pins()

    def _on_flash_program(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.board.flash.program(struct.unpack_from("<I", payload)[0], payload[4:])
        self._answer(now_us)

    def _on_flash_erase(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.board.flash.erase(struct.unpack("<I", payload)[0])
        self._answer(now_us)

    def _on_wlan(self, argument: int, payload: bytes, now_us: int) -> None:
        verb, *arguments = json.loads(payload)
        self._answer(now_us, json.dumps(self._box.network.call(verb, arguments)).encode())

    def _on_resolve(self, argument: int, payload: bytes, now_us: int) -> None:
        name, port = json.loads(payload)
        self._answer(now_us, json.dumps(self._box.network.resolve(name, port)).encode())

    def _on_net_open(self, argument: int, payload: bytes, now_us: int) -> None:
        self._in_process().open(argument, int.from_bytes(payload, "little"))
        self._answer(now_us)

    def _on_net_write(self, argument: int, payload: bytes, now_us: int) -> None:
        self._in_process().write(argument, payload)

    def _on_net_close(self, argument: int, payload: bytes, now_us: int) -> None:
        self._in_process().shut(argument)
        self._answer(now_us)

    def _in_process(self) -> InProcessNetwork:
        network = self._box.network
        assert isinstance(network, InProcessNetwork), "a socket of the host in a run with sockets of its own"
        return network

    def _on_crashed(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.on_crash(payload.decode("utf-8", "replace"))

    def _on_finished(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.on_finished()

    def _on_heap(self, argument: int, payload: bytes, now_us: int) -> None:
        self._box.heap_allocated, self._box.heap_free = struct.unpack("<II", payload)

    def _on_nvs(self, argument: int, payload: bytes, now_us: int) -> None:
        verb, namespace, key, value = json.loads(payload)
        store: dict[str, Any] = self._box.nvs.setdefault(namespace, {})
        if verb == "set":
            store[key] = value
            self._answer(now_us, b"null")
        elif key not in store:
            self._answer(now_us, status=2)
        elif verb == "erase":
            del store[key]
            self._answer(now_us, b"null")
        else:
            self._answer(now_us, json.dumps(store[key]).encode())
