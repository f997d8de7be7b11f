"""One NMEA 0183 sentence: bytes in, values out. Pure; only `NmeaError` comes out of `parse_sentence`.

Decoded are RMC, GGA, GNS, GLL, VTG and ZDA of any talker (GP, GL, GA, GB, GN, GQ ...); others are only
checked. Positions are integers in 1e-7 degrees computed without floats: a single-precision float is off by
up to 0.85 m. An estimated, manual or simulated position (FAA mode E, M, S; quality 6, 7, 8) is not a fix.

Source: NMEA 0183 as receivers' protocol descriptions give it (u-blox M8 receiver description, "NMEA
protocol").
"""

from binascii import unhexlify
from collections import namedtuple

from micropython import const

# NMEA allows 82 characters; high-precision receivers send 91, proprietary text longer. Beyond this it is not
# a sentence.
MAX_SENTENCE_BYTES = const(256)

RMC = const(0)
GGA = const(1)
GNS = const(2)
GLL = const(3)
ZDA = const(4)
VTG = const(5)

_MAX_SPEED_KMH = 4000.0  # more than any receiver may report (export limit 1,000 kn): a corrupted field
_KMH_PER_KNOT = 1.852
_BEFORE_MONTH = (0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAYS_IN_MONTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class NmeaError(ValueError):
    """A line that is not a whole, correct sentence. Nothing of it may be used."""


Sentence = namedtuple(
    "Sentence",
    ("kind", "time_ms", "valid", "lat_e7", "lon_e7", "speed_kmh", "course_deg", "hdop", "satellites", "days"),
)
"""One decoded sentence:

`kind` RMC ... VTG, `time_ms` of the day (UTC), `days` since 2000-01-01 as reported; unknown fields are None.
"""


def checksum(body):
    """Exclusive-or of all bytes between `$` and `*`, at most `MAX_SENTENCE_BYTES` of them.

    Folded as one long integer: both Pythons do that in C, a loop over the bytes costs ten times as much.
    """
    folded = int.from_bytes(body, "little")
    if len(body) > 64:
        folded ^= folded >> 1024
        folded ^= folded >> 512
    folded ^= folded >> 256
    folded ^= folded >> 128
    folded ^= folded >> 64
    folded ^= folded >> 32
    folded ^= folded >> 16
    return (folded ^ folded >> 8) & 0xFF


def parse_sentence(line):
    """Decode the sentence that starts at the last `$` of `line` (bytes; without or with its line end).

    Returns a `Sentence`, or None for a correct sentence of a kind that is not decoded. Raises NmeaError.
    """
    start = line.rfind(b"$") + 1
    star = line.find(b"*", start)
    if start == 0 or star < 0:
        raise NmeaError("not a sentence")
    body = line[start:star]
    if star - start > MAX_SENTENCE_BYTES:
        raise NmeaError("too long")
    try:
        told = unhexlify(line[star + 1 :].rstrip())
    except ValueError:
        raise NmeaError("checksum is not hexadecimal")
    if len(told) != 1 or told[0] != checksum(body):
        raise NmeaError("checksum")
    decode = _DECODERS.get(body[2:6])
    if decode is None or body[0] == 80:  # P: proprietary
        return None
    return decode(body.split(b","))


# A receiver repeats time, date and position letter by letter in RMC, GGA, GNS and GLL of one instant: the
# last of each is kept decoded.
_NOWHERE = (None, None)
_time_text = _date_text = _position_text = None
_time_ms = _date_days = 0
_position_e7 = _NOWHERE


def _number(field, limit):
    """A non-negative decimal number, or None if the field is empty."""
    if not field:
        return None
    if not field.replace(b".", b"", 1).isdigit() or len(field) > 16:
        raise NmeaError("number")
    value = float(field)
    if value > limit:
        raise NmeaError("number too large")
    return value


def _time(field):
    """hhmmss[.fff] as milliseconds of the day, or None.

    A leap second counts as the first of the next minute (86,400,000 ms).
    """
    global _time_text, _time_ms
    if field == _time_text:
        return _time_ms
    whole = field[:6]
    if len(whole) != 6 or not whole.isdigit():
        if not field:
            return None
        raise NmeaError("time")
    number = int(whole)
    hour = number // 10000
    minute = number // 100 % 100
    second = number % 100
    if hour > 23 or minute > 59 or second > 60:
        raise NmeaError("time")
    time_ms = (hour * 3600 + minute * 60 + second) * 1000
    if len(field) > 6:
        if field[6] != 46 or not (field[7:] + b"0").isdigit():
            raise NmeaError("time")
        time_ms += int((field[7:] + b"000")[:3])
    _time_ms = time_ms
    _time_text = field
    return time_ms


def _days(day, month, year):
    """Days from 2000-01-01 to this date of the Gregorian calendar, 1980 to 2099 (negative before 2000)."""
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS_IN_MONTH[month] or not 1980 <= year <= 2099:
        raise NmeaError("date")
    is_leap = year % 4 == 0  # also 2000; 1900 and 2100 are out of range
    if month == 2 and day == 29 and not is_leap:
        raise NmeaError("date")
    elapsed = year - 2000
    return elapsed * 365 + (elapsed + 3) // 4 + _BEFORE_MONTH[month] + (is_leap and month > 2) + day - 1


def _date(field):
    """ddmmyy as days since 2000; the years 80 to 99 are of the last century."""
    global _date_text, _date_days
    if field == _date_text:
        return _date_days
    if len(field) != 6 or not field.isdigit():
        if not field:
            return None
        raise NmeaError("date")
    number = int(field)
    year = number % 100
    _date_days = _days(number // 10000, number // 100 % 100, year + (1900 if year >= 80 else 2000))
    _date_text = field
    return _date_days


def _angle(field, dot, limit_e7):
    """[d]ddmm[.mmmm] with `dot` digits before the point as an integer in 1e-7 degrees, rounded to the
    nearest.
    """
    fraction = field[dot + 1 :]
    whole = field[:dot]
    # The dot is where the standard puts it, or leading zeros are missing (some receivers), or there is no
    # fraction.
    if field[dot : dot + 1] != b"." or not (whole + fraction).isdigit():
        whole, _, fraction = field.partition(b".")
        if not 3 <= len(whole) <= dot or not (whole + fraction).isdigit():
            raise NmeaError("angle")
    number = int(whole)
    minutes = number % 100
    if minutes > 59 and (minutes > 60 or fraction.replace(b"0", b"")):  # some receivers round up to 60.0000
        raise NmeaError("minutes")
    # What is cut after seven decimals is less than one, and rounding to 60ths turns at a whole number: the
    # result is still exact.
    minutes_e7 = minutes * 10000000 + int((fraction + b"0000000")[:7])
    angle_e7 = number // 100 * 10000000 + (minutes_e7 + 30) // 60
    if angle_e7 > limit_e7:
        raise NmeaError("angle")
    return angle_e7


def _position(fields, at, valid):
    """(latitude, longitude) from latitude, its half, longitude, its half from `fields[at]` on.

    (None, None) without a fix: what stands there then is the last place known, or nonsense such as 8960.0000.
    """
    global _position_text, _position_e7
    if not valid:
        return _NOWHERE
    text = fields[at : at + 4]
    if text == _position_text:
        return _position_e7
    lat, north, lon, east = text
    lat_e7 = _angle(lat, 4, 900000000)
    if north == b"S":
        lat_e7 = -lat_e7
    elif north != b"N":
        raise NmeaError("north or south")
    lon_e7 = _angle(lon, 5, 1800000000)
    if east == b"W":
        lon_e7 = -lon_e7
    elif east != b"E":
        raise NmeaError("east or west")
    _position_text = text
    _position_e7 = (lat_e7, lon_e7)
    return _position_e7


def _status(status):
    if status == b"V" or not status:
        return False
    if status != b"A":
        raise NmeaError("status")
    return True


def _measures(mode):
    """FAA mode indicator:

    A, D, F, P, R are measured, E (dead reckoning), M, N, S and V not. Old receivers leave it out.
    """
    if not mode or mode in b"ADFPRCU":
        return True
    if mode not in b"EMNSV":
        raise NmeaError("mode")
    return False


def _rmc(fields):
    if len(fields) < 10:
        raise NmeaError("too few fields")
    time_ms = _time(fields[1])
    valid = _status(fields[2]) and (len(fields) < 13 or _measures(fields[12]))
    lat_e7, lon_e7 = _position(fields, 3, valid)
    speed = _number(fields[7], 2000.0)
    course = _number(fields[8], 360.0)
    days = _date(fields[9])
    if speed is not None:
        speed *= _KMH_PER_KNOT
    return Sentence(RMC, time_ms, valid, lat_e7, lon_e7, speed, course, None, None, days)


def _satellites(field):
    if not field:
        return None
    if not field.isdigit() or len(field) > 2:
        raise NmeaError("satellites")
    return int(field)


def _gga(fields):
    if len(fields) < 9:
        raise NmeaError("too few fields")
    time_ms = _time(fields[1])
    quality = fields[6]
    if quality and (len(quality) != 1 or not quality.isdigit()):
        raise NmeaError("quality")
    valid = quality in (b"1", b"2", b"3", b"4", b"5", b"9")
    lat_e7, lon_e7 = _position(fields, 2, valid)
    satellites = _satellites(fields[7])
    hdop = _number(fields[8], 1000.0)
    return Sentence(GGA, time_ms, valid, lat_e7, lon_e7, None, None, hdop, satellites, None)


def _gns(fields):
    if len(fields) < 9:
        raise NmeaError("too few fields")
    time_ms = _time(fields[1])
    valid = False
    for mode in fields[6]:  # one letter a constellation
        if mode in b"ADFPR":
            valid = True
        elif mode not in b"EMNSV":
            raise NmeaError("mode")
    lat_e7, lon_e7 = _position(fields, 2, valid)
    satellites = _satellites(fields[7])
    hdop = _number(fields[8], 1000.0)
    return Sentence(GNS, time_ms, valid, lat_e7, lon_e7, None, None, hdop, satellites, None)


def _gll(fields):
    if len(fields) < 7:
        raise NmeaError("too few fields")
    time_ms = _time(fields[5])
    valid = _status(fields[6]) and (len(fields) < 8 or _measures(fields[7]))
    lat_e7, lon_e7 = _position(fields, 1, valid)
    return Sentence(GLL, time_ms, valid, lat_e7, lon_e7, None, None, None, None, None)


def _zda(fields):
    if len(fields) < 5:
        raise NmeaError("too few fields")
    time_ms = _time(fields[1])
    day, month, year = fields[2:5]
    days = None
    if day and month and year:
        if not (day + month + year).isdigit() or len(day) > 2 or len(month) > 2 or len(year) != 4:
            raise NmeaError("date")
        days = _days(int(day), int(month), int(year))
    return Sentence(ZDA, time_ms, None, None, None, None, None, None, None, days)


def _vtg(fields):
    if len(fields) < 9:
        raise NmeaError("too few fields")
    course = _number(fields[1], 360.0)
    knots = _number(fields[5], 2000.0)
    speed = _number(fields[7], _MAX_SPEED_KMH)
    if speed is None and knots is not None:
        speed = knots * _KMH_PER_KNOT
    if len(fields) > 9 and not _measures(fields[9]):
        speed = course = None
    return Sentence(VTG, None, None, None, None, speed, course, None, None, None)


_DECODERS = {
    b"RMC,": _rmc,
    b"GGA,": _gga,
    b"GNS,": _gns,
    b"GLL,": _gll,
    b"ZDA,": _zda,
    b"VTG,": _vtg,
}
