"""The serial line of a GNSS receiver: every byte arrives at its own instant, and a receiving driver takes
them in gulps.

Ten bit times a byte (8N1). The ESP32's driver moves bytes from its FIFO when 120 are there or the line has
been still for some byte times (ESP32 technical reference manual, "UART interrupts": rxfifo_full,
rxfifo_tout); `ready_us` is that instant.
"""

_FIFO_FULL = 120
_STILL_BYTES = 3


class GnssUart:
    def __init__(self, baudrate=9600):
        self.baudrate = baudrate
        self.host_baudrate = baudrate  # what the box has set; another one reads garbage
        self._bytes = bytearray()
        self._arrivals_us = []
        self._line_free_us = 0
        self._taken = 0

    def feed(self, data, now_us):
        """The receiver starts to send `data` now, or when what it is still sending is out."""
        start_us = max(now_us, self._line_free_us)
        self._compact()
        for i in range(len(data)):
            self._arrivals_us.append(start_us + (i + 1) * 10000000 // self.baudrate)
        self._bytes.extend(data)
        self._line_free_us = start_us + len(data) * 10000000 // self.baudrate

    def clear(self):
        self._bytes = bytearray()
        self._arrivals_us = []
        self._taken = 0

    @property
    def is_pending(self):
        """Is anything on its way that was not taken?"""
        return self._taken < len(self._arrivals_us)

    def take(self, now_us):
        """The bytes that have arrived and were not taken yet."""
        first = last = self._taken
        arrivals_us = self._arrivals_us
        while last < len(arrivals_us) and arrivals_us[last] <= now_us:
            last += 1
        self._taken = last
        data = bytes(self._bytes[first:last])
        if self.host_baudrate != self.baudrate:
            return bytes([b ^ 0x5A for b in data])
        return data

    def ready_us(self):
        """When the driver next has something for its reader, or None."""
        first = self._taken
        arrivals_us = self._arrivals_us
        if first >= len(arrivals_us):
            return None
        byte_us = 10000000 // self.baudrate
        last = min(first + _FIFO_FULL, len(arrivals_us)) - 1
        for i in range(first, last):
            if arrivals_us[i + 1] - arrivals_us[i] > (_STILL_BYTES + 1) * byte_us:
                return arrivals_us[i] + _STILL_BYTES * byte_us
        return arrivals_us[last] + (0 if last - first + 1 == _FIFO_FULL else _STILL_BYTES * byte_us)

    def _compact(self):
        self._bytes = self._bytes[self._taken :]
        self._arrivals_us = self._arrivals_us[self._taken :]
        self._taken = 0
