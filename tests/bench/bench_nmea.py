"""Figure `nmea_ratio`: sentences a second, our parser over pynmea2, both under this CPython, in one process.

The input is a drive as a receiver tells it at 1 Hz: RMC, VTG, GGA a second, each second elsewhere (our
parser keeps the last position decoded, so a repeated line would flatter it). Both sides check the checksum
and end with the same values: time, date, position in degrees or 1e-7 degrees, speed, course, HDOP,
satellites. pynmea2 converts a field when it is read, so it is read. Ours assembles whole fixes besides,
from the stream of bytes.

Rounds alternate; the figure is the median of the rounds' ratios. Prints one JSON object.
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parents[1] / "shims"),
    str(Path(__file__).resolve().parents[2] / "firmware"),
]

import pynmea2  # noqa: E402
from box.protocols.nmea import Parser  # noqa: E402

SECONDS = 4000
ROUNDS = 7
CHUNK_BYTES = 240  # what the UART's buffer holds after a quarter of a second at 9600 baud


def sentences() -> list[str]:
    """An hour's drive north-east at 50 km/h, from Saint-Nazaire."""
    lines = []
    for second in range(SECONDS):
        at = f"{8 + second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}.00"
        lat, lon = 47.28 + second * 1.0e-4, -2.21 + second * 1.1e-4
        place = (_dm(lat, 2), "N", _dm(-lon, 3), "W")
        knots, course = f"{27 + second % 7 / 10:.3f}", f"{44 + second % 11 / 10:.1f}"
        lines += [
            str(pynmea2.RMC("GN", "RMC", (at, "A", *place, knots, course, "120526", "", "", "A"))),
            str(
                pynmea2.VTG(
                    "GN", "VTG", (course, "T", "", "M", knots, "N", f"{float(knots) * 1.852:.3f}", "K", "A")
                )
            ),
            str(pynmea2.GGA("GN", "GGA", (at, *place, "1", "09", "0.94", "14.3", "M", "47.1", "M", "", ""))),
        ]
    return lines


def _dm(degrees: float, digits: int) -> str:
    whole = int(degrees)
    return f"{whole:0{digits}d}{(degrees - whole) * 60:08.5f}"


def time_ours(stream: bytes) -> float:
    """Seconds for the whole stream."""
    parser = Parser()
    begin = time.perf_counter()
    fixes = 0
    for at in range(0, len(stream), CHUNK_BYTES):
        fixes += len(parser.feed(stream[at : at + CHUNK_BYTES]))
    took = time.perf_counter() - begin
    if (fixes, parser.accepted, parser.rejected) != (SECONDS, 3 * SECONDS, 0):
        raise RuntimeError(
            f"not all was read: {fixes} fixes, {parser.accepted} sentences, {parser.rejected} refused"
        )
    return took


def time_theirs(lines: list[str]) -> float:
    """Seconds for the same sentences, one by one as text, every value read."""
    begin = time.perf_counter()
    for line in lines:
        sentence = pynmea2.parse(line, check=True)
        kind = sentence.sentence_type
        if kind == "RMC":
            _ = sentence.timestamp, sentence.datestamp, sentence.latitude, sentence.longitude
            _ = sentence.spd_over_grnd, sentence.true_course, sentence.status
        elif kind == "GGA":
            _ = sentence.timestamp, sentence.latitude, sentence.longitude, sentence.gps_qual
            _ = sentence.num_sats, sentence.horizontal_dil
        else:
            _ = sentence.true_track, sentence.spd_over_grnd_kmph
    return time.perf_counter() - begin


def main() -> None:
    """Print the figure."""
    lines = sentences()
    stream = "".join(line + "\r\n" for line in lines).encode("ascii")
    ratios = [time_theirs(lines) / time_ours(stream) for _ in range(ROUNDS)]
    print(json.dumps({"nmea_ratio": round(statistics.median(ratios), 2)}))


if __name__ == "__main__":
    main()
