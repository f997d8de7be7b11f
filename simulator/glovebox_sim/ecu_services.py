"""What an engine's control unit says of its car: OBD services 01, 03, 04, 07, 09 (SAE J1979) and 22 (ISO
14229).

Pure but for the car it reads: bytes of a request in, bytes of an answer out. Scaling as in SAE J1979's
table of PIDs: 0C quarter revolutions, 0D km/h, 2F 100/255 %, 31 km, 5E 0.05 l/h, A6 0.1 km.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .car import Car

GENERAL_REJECT, NOT_SUPPORTED, SUB_NOT_SUPPORTED, BAD_LENGTH, OUT_OF_RANGE = 0x10, 0x11, 0x12, 0x13, 0x31
BUSY, PENDING = 0x21, 0x78
SILENT_WHEN_FUNCTIONAL = (NOT_SUPPORTED, SUB_NOT_SUPPORTED, OUT_OF_RANGE)
"""A unit asked by the functional address keeps quiet instead of saying these."""
MAX_PIDS_ASKED = 6

Pid = Callable[[Car], bytes]


def _u8(value: float) -> bytes:
    return bytes([min(max(round(value), 0), 255)])


def _u16(value: float) -> bytes:
    return min(max(round(value), 0), 0xFFFF).to_bytes(2, "big")


def _u32(value: float) -> bytes:
    return min(max(int(value), 0), 0xFFFF_FFFF).to_bytes(4, "big")


def _monitor_status(car: Car) -> bytes:
    return bytes([(0x80 if car.mil else 0) | min(len(car.dtcs), 0x7F), 0x07, 0x65, 0x00])


def _coolant_c(car: Car) -> float:
    """Warms from 18 to 90 degrees in six minutes of running."""
    return 18 + 72 * min(car.engine_on_s / 360, 1.0)


def _load(car: Car) -> float:
    return 0.0 if not car.engine_on else 18 + min(car.wheel_speed_kmh * 0.4 + car.acceleration_ms2 * 20, 80)


COMMON_PIDS: dict[int, Pid] = {
    0x01: _monitor_status,
    0x0D: lambda car: _u8(car.wheel_speed_kmh),
    0x1C: lambda car: b"\x06",
    0x1F: lambda car: _u16(car.engine_on_s),
    0x21: lambda car: _u16(0),
    0x31: lambda car: _u16((car.odometer_m / 1000) % 0x1_0000),
    0x33: lambda car: _u8(101),
    0x42: lambda car: _u16(car.battery.mv),
    0x46: lambda car: _u8(14 + 40),
    0xA6: lambda car: _u32(car.odometer_m / 100),
}
PETROL_PIDS: dict[int, Pid] = {
    **COMMON_PIDS,
    0x04: lambda car: _u8(max(_load(car), 0) * 2.55),
    0x05: lambda car: _u8(_coolant_c(car) + 40),
    0x0C: lambda car: _u16(car.rpm * 4),
    0x0F: lambda car: _u8(22 + 40),
    0x11: lambda car: _u8(max(_load(car), 0) * 1.6),
    0x2F: lambda car: _u8(car.fuel_percent * 2.55),
    0x51: lambda car: b"\x01",
    0x5E: lambda car: _u16(car.fuel_rate_l_per_h * 20),
}
ELECTRIC_PIDS: dict[int, Pid] = {
    **COMMON_PIDS,
    0x51: lambda car: b"\x08",
    0x5B: lambda car: _u8(car.fuel_percent * 2.55),
}
GEARBOX_PIDS: dict[int, Pid] = {
    0x01: lambda car: bytes([0, 0x04, 0x00, 0x00]),
    0x0D: lambda car: _u8(car.wheel_speed_kmh),
}


def bitmap(supported: Mapping[int, object], base: int) -> bytes:
    """The four bytes that say which of `base + 1 .. base + 32` exist; the last bit also says that more
    bitmaps do."""
    bits = 0
    for number in supported:
        if base < number <= base + 32:
            bits |= 1 << (base + 32 - number)
        elif number > base + 32:
            bits |= 1
    return bits.to_bytes(4, "big")


class RequestRefused(Exception):
    """The negative response code a unit would send."""

    def __init__(self, code: int) -> None:
        super().__init__(f"negative response {code:02X}")
        self.code = code


class Services:
    """One control unit's knowledge. `answer(request)` never raises: a bad request gets a negative
    response."""

    def __init__(
        self,
        car: Car,
        pids: Mapping[int, Pid],
        *,
        vin: str | None = None,
        name: str = "",
        holds_dtcs: bool = True,
        dids: Mapping[int, Pid] | None = None,
    ) -> None:
        self.car = car
        self.pids = dict(pids)
        self.vin = vin
        self.name = name
        self.holds_dtcs = holds_dtcs
        self.dids = dict(dids or {})
        self._handlers: dict[int, Callable[[bytes], bytes]] = {
            0x01: self._current_data,
            0x03: lambda rest: self._codes(rest, self.car.dtcs),
            0x04: self._clear_codes,
            0x07: lambda rest: self._codes(rest, []),
            0x09: self._vehicle_information,
            0x22: self._data_by_identifier,
        }

    def answer(self, request: bytes, functional: bool) -> bytes | None:
        """The answer's bytes, or None where a unit keeps quiet."""
        if not request:
            return None
        service = request[0]
        try:
            handler = self._handlers.get(service)
            if handler is None:
                raise RequestRefused(NOT_SUPPORTED)
            return bytes([service + 0x40]) + handler(request[1:])
        except RequestRefused as refused:
            if functional and refused.code in SILENT_WHEN_FUNCTIONAL:
                return None
            return bytes([0x7F, service, refused.code])

    def _current_data(self, asked: bytes) -> bytes:
        if not 1 <= len(asked) <= MAX_PIDS_ASKED:
            raise RequestRefused(BAD_LENGTH)
        said = b""
        for pid in asked:
            if pid % 0x20 == 0 and (pid == 0 or any(p > pid for p in self.pids)):
                said += bytes([pid]) + bitmap(self.pids, pid)
            elif pid in self.pids:
                said += bytes([pid]) + self.pids[pid](self.car)
        if not said:
            raise RequestRefused(SUB_NOT_SUPPORTED)
        return said

    def _codes(self, rest: bytes, codes: list[int]) -> bytes:
        if rest:
            raise RequestRefused(BAD_LENGTH)
        mine = codes if self.holds_dtcs else []
        return bytes([len(mine)]) + b"".join(code.to_bytes(2, "big") for code in mine)

    def _clear_codes(self, rest: bytes) -> bytes:
        if rest:
            raise RequestRefused(BAD_LENGTH)
        if self.holds_dtcs:
            self.car.dtcs.clear()
        return b""

    def _vehicle_information(self, asked: bytes) -> bytes:
        if len(asked) != 1:
            raise RequestRefused(BAD_LENGTH)
        known = {0x02: self.vin, 0x0A: self.name or None}
        if asked[0] == 0:
            return b"\x00" + bitmap({k: v for k, v in known.items() if v}, 0)
        text = known.get(asked[0])
        if text is None:
            raise RequestRefused(SUB_NOT_SUPPORTED)
        data = text.encode("ascii")
        if asked[0] == 0x0A:
            data = data.ljust(20, b"\0")[:20]
        return bytes([asked[0], 1]) + data

    def _data_by_identifier(self, asked: bytes) -> bytes:
        if len(asked) != 2:
            raise RequestRefused(BAD_LENGTH)
        did = int.from_bytes(asked, "big")
        if did not in self.dids:
            raise RequestRefused(OUT_OF_RANGE)
        return asked + self.dids[did](self.car)
