"""A socket whose other end is the host itself: for runs in which the cloud lies in the host's process.

Bytes travel over the bridge in virtual time, so a run can be repeated to the bit; the host says when they
arrive, and whether. TLS is not spoken on it: `wrap` takes the time of a handshake, and refuses a certificate
by the board's date as the port does.
"""

import io

import _bridge
from micropython import const

_CONNECTED = const(0)
_DATA = const(1)
_END = const(2)
_RESET = const(3)
_POLL = const(3)
_CLOSE = const(4)
_POLLIN = const(1)
_POLLOUT = const(4)
_POLLERR = const(8)
_POLLHUP = const(16)
_EINPROGRESS = const(115)
_ECONNRESET = const(104)
_ENOTCONN = const(107)
_PIECE = const(4096)
_IDS = const(256)
_next_id = 0


class Socket(io.IOBase):
    """A TCP socket that never blocks, as asyncio uses one."""

    def __init__(self, family=0, kind=0, protocol=0):
        self._id = None
        self._received = b""
        self._is_connected = False
        self._is_ended = False
        self._error = 0
        self._refusal = None

    def setblocking(self, is_blocking):
        pass

    def connect(self, address):
        global _next_id
        while (_bridge.EVENT_NET, _next_id) in _bridge.handlers:
            _next_id = (_next_id + 1) % _IDS
        self._id = _next_id
        _next_id = (_next_id + 1) % _IDS
        _bridge.handlers[(_bridge.EVENT_NET, self._id)] = self._take
        _bridge.call(_bridge.NET_OPEN, self._id, address[1].to_bytes(2, "little"))
        raise OSError(_EINPROGRESS)

    def _take(self, payload):
        kind = payload[0]
        if kind == _CONNECTED:
            self._is_connected = True
        elif kind == _DATA:
            self._received += payload[1:]
        elif kind == _END:
            self._is_ended = True
        else:
            self._error = _ECONNRESET

    def ioctl(self, request, argument):
        if request == _CLOSE:
            self.close()
            return 0
        if request != _POLL:
            return -1
        events = 0
        if self._error or self._refusal is not None:
            events |= _POLLIN | _POLLOUT | (_POLLERR if self._error else 0)
        if self._received or self._is_ended:
            events |= _POLLIN
        if self._is_connected:
            events |= _POLLOUT
        return events & (argument | _POLLERR | _POLLHUP)

    def _check(self):
        if self._refusal is not None:
            raise ValueError(self._refusal)
        if self._error:
            raise OSError(self._error)
        if self._id is None:
            raise OSError(_ENOTCONN)

    def read(self, size=-1):
        self._check()
        if not self._received:
            return b"" if self._is_ended else None
        size = len(self._received) if size < 0 else size
        data, self._received = self._received[:size], self._received[size:]
        return data

    def readline(self):
        end = self._received.find(b"\n")
        return self.read(end + 1 if end >= 0 else -1)

    def readinto(self, buffer):
        data = self.read(len(buffer))
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        self._check()
        if not self._is_connected:
            return None
        data = bytes(data[:_PIECE])
        _bridge.post(_bridge.NET_WRITE, self._id, data)
        return len(data)

    def close(self):
        if self._id is not None:
            del _bridge.handlers[(_bridge.EVENT_NET, self._id)]
            _bridge.call(_bridge.NET_CLOSE, self._id)
            self._id = None


def wrap(sock):
    """What `SSLContext.wrap_socket` does to such a socket."""
    _bridge.advance(_bridge.costs["tls_handshake_us"])
    import time

    since_s, until_s = _bridge.config["certificate"]
    if not since_s <= time.time() < until_s:
        sock._refusal = "The certificate validity is not now"
    return sock
