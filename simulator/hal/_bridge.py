"""The box's end of the bridge to the simulator's host, and the box's own clock.

One AF_UNIX stream. The box sends operations, each `code u8, argument u8, length u16, time u64 (us)` and its
payload (little-endian). Most are *posted*: kept in a buffer until an operation that needs an answer goes,
so that `cs.off(); spi.write(..); spi.readinto(..); cs.on()` costs one round trip. An answer is `result
length u16, events length u16, status u16 (0 or an errno), battery sense in 0.1 mV u16, time u64, levels of
the pins u64`, the result and the events (`code u8, argument u8, length u16`, payload).

Time is in microseconds since the simulation began. In virtual time the box owns its clock between two
answers: modelled costs move it on (`advance`), and an operation carries the instant at which it happened.
In real time the clock is the host's own and costs move nothing.
"""

import json
import os
import struct
import sys

import _host_socket
from _host_time import ticks_us as _host_ticks_us
from micropython import const

SYNC = const(1)
WAIT = const(2)
INTERRUPT = const(3)
HELLO = const(4)
PIN_MODE = const(10)
PIN_WRITE = const(11)
PIN_IRQ = const(12)
SPI_OPEN = const(20)
SPI_WRITE = const(21)
SPI_TRANSFER = const(22)
I2C_WRITE = const(30)
I2C_READ = const(31)
I2C_READ_MEMORY = const(32)
UART_OPEN = const(40)
UART_WRITE = const(41)
PWM = const(51)
BITSTREAM = const(52)
WDT_START = const(60)
WDT_FEED = const(61)
RTC_MEMORY = const(62)
RTC_SET = const(63)
RESET = const(64)
SLEEP = const(65)
FLASH_PROGRAM = const(70)
FLASH_ERASE = const(71)
WLAN = const(80)
RESOLVE = const(81)
NET_OPEN = const(82)
NET_WRITE = const(83)
NET_CLOSE = const(84)
CRASHED = const(90)
FINISHED = const(91)
HEAP = const(92)
NVS = const(93)

EVENT_PIN = const(1)
EVENT_UART = const(2)
EVENT_NET = const(3)

FOREVER_US = (1 << 62) - 1
WAIT_UART = const(1)  # a task waits for a UART: its bytes end the wait
WAIT_SOCKETS = const(2)  # a task waits for a socket: what reaches it ends the wait
_HORIZON_US = const(
    10000
)  # the clock never runs further ahead of the host than this: interrupts come in time
_STALE_US = const(1000)  # an input level older than this is asked for again
_HEADER = "<BBHQ"
_HEADER_SIZE = const(12)
_BUFFER_SIZE = const(16384)
_FLUSH_SIZE = const(8192)
_POLLIN = const(1)

levels = 0
sense = 0  # the battery's divider, 0.1 mV
handlers = {}  # (event code, argument) -> function(payload)
config = {}
costs = {}
is_virtual = True

_now_us = 0
_synced_us = 0
_out = bytearray(_BUFFER_SIZE)
_view = memoryview(_out)
_used = 0
raw_sockets = {}  # id of a TLS stream -> (the socket beneath it, the stream)
_answer = bytearray(24)
_socket = _host_socket.socket(_host_socket.AF_UNIX)
_events = []
_is_dispatching = False


def open_bridge():
    """Connect to the host named in GLOVEBOX_BRIDGE and take over its configuration."""
    global is_virtual
    path = os.getenv("GLOVEBOX_BRIDGE")
    if not path:
        raise RuntimeError("GLOVEBOX_BRIDGE is not set: this firmware runs under the simulator's host")
    _socket.connect(struct.pack("<H", _host_socket.AF_UNIX) + path.encode() + b"\0")
    config.update(json.loads(call(HELLO)))
    costs.update(config["costs"])
    is_virtual = config["virtual"]
    _set_now(config["now_us"])


def _set_now(now_us):
    global _now_us, _synced_us
    _synced_us = now_us
    # In real time `_now_us` is the difference to the process' own counter.
    _now_us = now_us if is_virtual else now_us - _host_ticks_us()


def now_us():
    return _now_us if is_virtual else _now_us + _host_ticks_us()


def advance(us):
    """Let a modelled cost pass; in real time it passes by itself."""
    global _now_us
    if not is_virtual:
        return
    _now_us += us
    if _now_us - _synced_us > _HORIZON_US:
        call(SYNC)


def add_step(us):
    """Let the modelled cost of one step of a task pass, without a round trip."""
    global _now_us
    if is_virtual:
        _now_us += us


def freshen():
    """Have input levels and received bytes that are at most a millisecond old."""
    if _used or now_us() - _synced_us > _STALE_US:
        call(SYNC)


def post(code, argument=0, payload=b""):
    """Queue an operation that needs no answer."""
    global _used
    length = len(payload)
    if _used + _HEADER_SIZE + length > _BUFFER_SIZE:
        call(SYNC)
    struct.pack_into(_HEADER, _out, _used, code, argument, length, now_us())
    at = _used + _HEADER_SIZE
    if length:
        _out[at : at + length] = payload
    _used = at + length
    if _used > _FLUSH_SIZE and code != SYNC:
        call(SYNC)


def call(code, argument=0, payload=b""):
    """Do an operation and return the bytes of its result; OSError(errno) if the host says so."""
    post(code, argument, payload)
    flush()
    return _read_answer()


def wait(until_us, flags=0, poller=None):
    """Sleep until `until_us` or an event, among them what reaches one of the poller's sockets.

    In virtual time the host, through which all bytes come, ends the wait; in real time the box looks itself.
    """
    if poller is not None:
        flags |= WAIT_SOCKETS
        if not is_virtual:
            poller.register(_socket, _POLLIN)
    post(WAIT, flags, struct.pack("<Q", until_us))
    flush()
    if poller is not None and not is_virtual:
        is_answered = False
        for stream, _ in poller.ipoll(-1):
            is_answered = is_answered or stream is _socket
        if not is_answered:
            post(INTERRUPT)
            flush()
    _read_answer()


def stop(code, argument=0, payload=b""):
    """Hand the process over to the host, which ends it. Never returns."""
    post(code, argument, payload)
    flush()
    while True:
        _read_answer()


def post_heap(allocated, free):
    post(HEAP, 0, struct.pack("<II", allocated, free))


def flush():
    """Send what is posted, without waiting for anything."""
    global _used
    sent, _used = _used, 0
    _socket.write(_view[:sent])


def _read_answer():
    global levels, sense
    if _socket.readinto(_answer) != 24:
        sys.exit(9)  # the host is gone
    result_length, events_length, status, sense, at_us, levels = struct.unpack("<HHHHQQ", _answer)
    result = _socket.read(result_length) if result_length else b""
    if is_virtual:
        _set_now(max(at_us, _now_us))
    else:
        _set_now(at_us)
    if events_length:
        _queue_events(_socket.read(events_length))
        _dispatch()
    if status:
        raise OSError(status)
    return result


def _queue_events(data):
    at = 0
    while at < len(data):
        code, argument, length = struct.unpack_from("<BBH", data, at)
        at += 4
        _events.append((code, argument, data[at : at + length]))
        at += length


def _dispatch():
    """Run interrupt handlers, as the board does between two byte codes; never one within another."""
    global _is_dispatching
    if _is_dispatching:
        return
    _is_dispatching = True
    try:
        while _events:
            code, argument, payload = _events.pop(0)
            handler = handlers.get((code, argument))
            if handler is not None:
                handler(payload)
    finally:
        _is_dispatching = False
