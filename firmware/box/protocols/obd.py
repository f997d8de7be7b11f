"""OBD-II services 01, 03 and 09: requests out, values in. Pure.

To add a PID, add its row to `PIDS` and a vector to tests/vectors/obd.json; nothing else knows PIDs one by
one.

Source: SAE J1979 (the same as ISO 15031-5): formulas and lengths of the PIDs, formats on CAN; negative
answers as in ISO 14229-1. PID 31 counts kilometres since the codes were cleared and comes round after 65,535.
"""

from micropython import const

CURRENT_DATA = const(0x01)
STORED_CODES = const(0x03)
VEHICLE_INFORMATION = const(0x09)

# Negative answers that mean something to a poller
BUSY = const(0x21)
PENDING = const(0x78)
_UNSUPPORTED = (0x11, 0x12, 0x31)  # service, sub-function or out of range: not to be asked again

MAX_CODES = const(16)  # as many as one record of the journal holds; a car with more is known to be ill
MAX_UNITS = const(8)  # 7E8..7EF
_VIN_BYTES = const(17)
_WRAP_KM = const(65536)
# nobody drives farther between two readings; more means that the codes were cleared
_MAX_STEP_KM = const(5000)


class ObdError(ValueError):
    """An answer that does not follow SAE J1979. Nothing of it may be used."""


class NegativeAnswer(ObdError):
    """7F: the control unit refuses. `service` is the one asked for, `code` the reason."""

    def __init__(self, service, code):
        super().__init__(service, code)
        self.service = service
        self.code = code

    @property
    def is_pending(self):
        """The answer will come, it may take 5 s (P2*), and this may be said again."""
        return self.code == PENDING

    @property
    def is_busy(self):
        """Ask again later."""
        return self.code == BUSY

    @property
    def is_unsupported(self):
        """Never ask this unit for this again."""
        return self.code in _UNSUPPORTED


def _integer(data):
    value = 0
    for byte in data:
        value = value << 8 | byte
    return value


def _quarter(data):
    return _integer(data) / 4


def _percent(data):
    return data[0] * 100 / 255


def _rate_ml_h(data):
    return _integer(data) * 50  # one bit is 0.05 l/h


def _monitor(data):
    """(malfunction lamp on, number of codes)."""
    return bool(data[0] & 0x80), data[0] & 0x7F


def _vin(data):
    text = bytes(data[1:]).lstrip(b"\x00")
    if data[0] != 1 or len(text) != _VIN_BYTES:
        raise ObdError("VIN")
    for byte in text:
        if byte not in b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ":  # no I, O, Q: ISO 3779
            raise ObdError("VIN")
    return text.decode()


# service, PID, name of the value with its unit, bytes of data (None: all that is left), formula
PIDS = (
    (0x01, 0x00, "supported", 4, _integer),
    (0x01, 0x20, "supported", 4, _integer),
    (0x01, 0x40, "supported", 4, _integer),
    (0x01, 0x60, "supported", 4, _integer),
    (0x01, 0x80, "supported", 4, _integer),
    (0x01, 0xA0, "supported", 4, _integer),
    (0x01, 0x01, "monitor", 4, _monitor),
    (0x01, 0x0C, "rpm", 2, _quarter),
    (0x01, 0x0D, "speed_kmh", 1, _integer),
    (0x01, 0x1F, "running_s", 2, _integer),
    (0x01, 0x21, "lamp_distance_km", 2, _integer),
    (0x01, 0x2F, "fuel_percent", 1, _percent),
    (0x01, 0x31, "cleared_distance_km", 2, _integer),
    (0x01, 0x42, "module_mv", 2, _integer),
    (0x01, 0x51, "fuel_type", 1, _integer),
    (0x01, 0x5B, "hybrid_battery_percent", 1, _percent),
    (0x01, 0x5E, "fuel_rate_ml_h", 2, _rate_ml_h),
    (0x01, 0xA6, "odometer_hm", 4, _integer),
    (0x09, 0x00, "supported", 4, _integer),
    (0x09, 0x02, "vin", None, _vin),
)


def build_request(service, pid=None):
    """The message to send; service 03 has no PID."""
    return bytes((service,)) if pid is None else bytes((service, pid))


def parse_answer(message):
    """The values of an answer as a list of (service, pid, name, value); one for each PID asked for.

    Service 03 gives one row (3, None, "codes", list of two-byte codes as integers). Raises NegativeAnswer,
    ObdError.
    """
    if len(message) < 2:
        raise ObdError("too short")
    if message[0] == 0x7F:
        if len(message) < 3:
            raise ObdError("too short")
        raise NegativeAnswer(message[1], message[2])
    service = message[0] - 0x40
    if service == STORED_CODES:
        return [(service, None, "codes", _parse_codes(message))]
    values = []
    at = 1
    while at < len(message):
        row = _find_row(service, message[at])
        end = len(message) if row[3] is None else at + 1 + row[3]
        if end > len(message) or end == at + 1:
            raise ObdError("too short")
        values.append((service, message[at], row[2], row[4](message[at + 1 : end])))
        at = end
    return values


def _find_row(service, pid):
    for row in PIDS:
        if row[0] == service and row[1] == pid:
            return row
    raise ObdError("not in the table")


def _parse_codes(message):
    """43, number of codes, two bytes each. Units pad with zeros: 0000 is no code."""
    count = message[1]
    if len(message) < 2 + 2 * count:
        raise ObdError("too short")
    codes = []
    for at in range(2, 2 + 2 * count, 2):
        code = message[at] << 8 | message[at + 1]
        if code and len(codes) < MAX_CODES:
            codes.append(code)
    return codes


def get_code_text(code):
    """A diagnostic trouble code as people write it: 0x0133 is P0133, 0xC100 is U0100."""
    return "PCBU"[code >> 14] + "{:04X}".format(code & 0x3FFF)


def get_distance_step_km(before_km, now_km):
    """Kilometres between two readings of PID 31, across its wrap;

    None if the codes were cleared in between.
    """
    step_km = (now_km - before_km) % _WRAP_KM
    return step_km if step_km <= _MAX_STEP_KM else None


class SupportedPids:
    """Which control unit supports which PID of service 01. The bitmaps of two units are never mixed."""

    def __init__(self):
        self._units = {}

    def note(self, arbitration_id, base_pid, bitmap):
        """Remember one answer to PID 00, 20, 40 ...; units beyond `MAX_UNITS` are ignored."""
        if arbitration_id not in self._units:
            if len(self._units) >= MAX_UNITS:
                return
            self._units[arbitration_id] = {}
        self._units[arbitration_id][base_pid] = bitmap

    def forget(self, arbitration_id, pid):
        """The unit said that it does not support the PID after all."""
        bitmaps = self._units.get(arbitration_id)
        base_pid = (pid - 1) & 0xE0
        if bitmaps is not None and base_pid in bitmaps:
            bitmaps[base_pid] &= ~self._bit(pid)

    def get_units(self, pid):
        """Ids of the units that support it, ascending."""
        base_pid = (pid - 1) & 0xE0
        bit = self._bit(pid)
        units = []
        for arbitration_id in sorted(self._units):
            if self._units[arbitration_id].get(base_pid, 0) & bit:
                units.append(arbitration_id)
        return units

    @property
    def is_known(self):
        """At least one unit has said what it supports."""
        return bool(self._units)

    @staticmethod
    def _bit(pid):
        return 1 << (31 - ((pid - 1) & 0x1F))
