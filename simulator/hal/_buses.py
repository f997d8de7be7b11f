"""SPI, I2C and UART of `machine`. Transfers go to the chip models at the host; their time is the bus's."""

import io
import struct

import _bridge
from _pins import Pin
from micropython import const

_POLL = const(3)
_POLL_IN = const(1)
_POLL_OUT = const(4)
_DEFAULT_RX_BUFFER = const(256)


def _number(pin):
    if pin is None:
        return 255
    return pin.number if isinstance(pin, Pin) else Pin(pin).number


class SPI:
    """An SPI master; which chip answers is decided by the chip selects, as on the board."""

    MSB = 0
    LSB = 1
    CONTROLLER = 0

    def __init__(self, id=2, baudrate=500000, **kwargs):
        self._id = id
        self._baudrate = baudrate
        self._polarity = 0
        self._phase = 0
        self._pins = (255, 255, 255)
        self.init(baudrate, **kwargs)

    def init(
        self, baudrate=None, *, polarity=0, phase=0, bits=8, firstbit=MSB, sck=None, mosi=None, miso=None
    ):
        if bits != 8 or firstbit != self.MSB:
            raise ValueError("bits")
        if baudrate is not None:
            self._baudrate = baudrate
        self._polarity = polarity
        self._phase = phase
        if sck is not None:
            self._pins = (_number(sck), _number(mosi), _number(miso))
        _bridge.call(
            _bridge.SPI_OPEN,
            self._id,
            struct.pack("<IBBBBB", self._baudrate, polarity, phase, *self._pins),
        )

    def deinit(self):
        pass

    def _pass_time(self, length):
        _bridge.advance(_bridge.costs["spi_overhead_us"] + length * 8000000 // self._baudrate)

    def write(self, buffer):
        _bridge.post(_bridge.SPI_WRITE, self._id, buffer)
        self._pass_time(len(buffer))

    def read(self, length, write=0):
        result = _bridge.call(_bridge.SPI_TRANSFER, self._id, bytes((write,)) * length)
        self._pass_time(length)
        return result

    def readinto(self, buffer, write=0):
        length = len(buffer)
        buffer[:] = _bridge.call(_bridge.SPI_TRANSFER, self._id, bytes((write,)) * length)
        self._pass_time(length)

    def write_readinto(self, write_buffer, read_buffer):
        if len(write_buffer) != len(read_buffer):
            raise ValueError("buffers must be the same length")
        read_buffer[:] = _bridge.call(_bridge.SPI_TRANSFER, self._id, write_buffer)
        self._pass_time(len(write_buffer))


class SoftSPI(SPI):
    """The same bus driven by software; only slower."""

    def __init__(self, baudrate=500000, **kwargs):
        super().__init__(2, min(baudrate, 500000), **kwargs)


class I2C:
    """An I2C master. OSError(ENODEV) if nobody acknowledges the address."""

    def __init__(self, id=0, *, scl=None, sda=None, freq=400000, timeout=50000):
        self._freq = freq
        self._pins = (_number(scl), _number(sda))

    def init(self, *args, **kwargs):
        pass

    def _pass_time(self, length):
        _bridge.advance(_bridge.costs["i2c_overhead_us"] + (length + 1) * 9000000 // self._freq)

    def scan(self):
        found = []
        for address in range(0x08, 0x78):
            try:
                self.writeto(address, b"")
                found.append(address)
            except OSError:
                pass
        return found

    def writeto(self, address, buffer, stop=True):
        try:
            answer = _bridge.call(
                _bridge.I2C_WRITE, address, bytes(self._pins) + (b"\1" if stop else b"\0") + bytes(buffer)
            )
        finally:
            self._pass_time(len(buffer))
        return answer[0]

    def writevto(self, address, vector, stop=True):
        return self.writeto(address, b"".join(vector), stop)

    def readfrom(self, address, length, stop=True):
        try:
            payload = bytes(self._pins) + (b"\1" if stop else b"\0") + struct.pack("<H", length)
            return _bridge.call(_bridge.I2C_READ, address, payload)
        finally:
            self._pass_time(length)

    def readfrom_into(self, address, buffer, stop=True):
        buffer[:] = self.readfrom(address, len(buffer), stop)

    def _memory_address(self, memaddr, addrsize):
        return memaddr.to_bytes(addrsize // 8, "big")

    def readfrom_mem(self, address, memaddr, length, *, addrsize=8):
        where = self._memory_address(memaddr, addrsize)
        try:
            payload = bytes(self._pins) + struct.pack("<H", length) + where
            return _bridge.call(_bridge.I2C_READ_MEMORY, address, payload)
        finally:
            self._pass_time(len(where) + 1 + length)

    def readfrom_mem_into(self, address, memaddr, buffer, *, addrsize=8):
        buffer[:] = self.readfrom_mem(address, memaddr, len(buffer), addrsize=addrsize)

    def writeto_mem(self, address, memaddr, buffer, *, addrsize=8):
        self.writeto(address, self._memory_address(memaddr, addrsize) + bytes(buffer))


class SoftI2C(I2C):
    def __init__(self, scl=None, sda=None, *, freq=400000, timeout=50000):
        super().__init__(0, scl=scl, sda=sda, freq=freq)


class UART(io.IOBase):
    """A UART. Received bytes wait in a buffer of `rxbuf`; what does not fit is lost, as in the port's
    driver."""

    INV_TX = 1
    INV_RX = 2
    RTS = 1
    CTS = 2
    is_hal_uart = True

    def __init__(self, id, baudrate=115200, **kwargs):
        self._id = id
        self._buffer = bytearray()
        self._size = _DEFAULT_RX_BUFFER
        self._timeout_ms = 0
        self.lost = 0
        self._pins = (255, 255)
        self.init(baudrate, **kwargs)

    def init(self, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, rts=None, cts=None,
             txbuf=256, rxbuf=None, timeout=0, timeout_char=0, invert=0, flow=0):  # fmt: skip
        if rxbuf is not None:
            self._size = max(rxbuf, 129)  # the port's own lower bound
        self._timeout_ms = timeout
        if tx is not None or rx is not None:
            self._pins = (_number(tx), _number(rx))
        _bridge.handlers[(_bridge.EVENT_UART, self._id)] = self._on_bytes
        _bridge.call(_bridge.UART_OPEN, self._id, struct.pack("<IBB", baudrate, *self._pins))

    def deinit(self):
        _bridge.handlers.pop((_bridge.EVENT_UART, self._id), None)

    def _on_bytes(self, payload):
        room = self._size - len(self._buffer)
        self._buffer.extend(payload[:room])
        self.lost += max(0, len(payload) - room)

    def any(self):
        _bridge.freshen()
        return len(self._buffer)

    def _take(self, length):
        data = bytes(self._buffer[:length])
        self._buffer = self._buffer[length:]
        return data

    def _wait_for_one(self):
        _bridge.freshen()
        until_us = _bridge.now_us() + self._timeout_ms * 1000
        while not self._buffer and _bridge.now_us() < until_us:
            _bridge.wait(until_us, _bridge.WAIT_UART)
        return len(self._buffer) > 0

    def read(self, length=-1):
        if not self._wait_for_one():
            return None
        return self._take(len(self._buffer) if length is None or length < 0 else length)

    def readinto(self, buffer, length=-1):
        if not self._wait_for_one():
            return None
        data = self._take(len(buffer) if length < 0 else length)
        buffer[: len(data)] = data
        return len(data)

    def readline(self):
        if not self._wait_for_one():
            return None
        end = self._buffer.find(b"\n") + 1
        return self._take(end or len(self._buffer))

    def write(self, buffer):
        _bridge.post(_bridge.UART_WRITE, self._id, buffer)
        return len(buffer)

    def flush(self):
        pass

    def txdone(self):
        return True

    def ioctl(self, operation, argument):
        if operation == _POLL:
            return argument & ((_POLL_IN if self._buffer else 0) | _POLL_OUT)
        return -1
