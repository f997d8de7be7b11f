"""The parser of satellite receivers' sentences against vectors, recordings of real receivers, and noise."""

import datetime as dt
import functools
import itertools
import json

import pytest
import support_recordings
from box.protocols import nmea
from hypothesis import given
from hypothesis import strategies as st

EXPECTED = json.loads(
    (support_recordings.RECORDINGS / "nmea_expected.json").read_text()
    if (support_recordings.RECORDINGS / "nmea_expected.json").exists()
    else "{}"
)
EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def sentence(body):
    return b"$%s*%02X\r\n" % (body, functools.reduce(lambda a, b: a ^ b, body, 0))


def parse_all(data, chunk_bytes=1000):
    parser = nmea.Parser()
    fixes = []
    for start in range(0, len(data), chunk_bytes):
        fixes += parser.feed(data[start : start + chunk_bytes])
    last = parser.pause()
    return parser, fixes + ([last] if last else [])


def read_recording(name):
    return support_recordings.require(f"nmea/{name}").read_bytes()


@pytest.mark.parametrize("name", sorted(EXPECTED) or ["ait250.log"])
class TestARecordingOfARealReceiver:
    def test_has_as_many_good_sentences_as_three_other_parsers_found(self, name):
        parser, _ = parse_all(read_recording(name))
        assert parser.accepted == EXPECTED[name]["checksum_ok"]

    def test_has_as_many_bad_ones(self, name):
        # The recordings' own comments, which no receiver sent, also contain dollars.
        lines = [line for line in read_recording(name).split(b"\n") if not line.startswith(b"#")]
        parser, _ = parse_all(b"\n".join(lines))
        told = EXPECTED[name]["checksum_bad"] + EXPECTED[name]["no_checksum_or_malformed"]
        assert parser.rejected == told

    def test_gives_the_same_fixes_however_it_is_cut(self, name):
        data = read_recording(name)[:6000]
        assert parse_all(data, 1)[1] == parse_all(data, 37)[1] == parse_all(data, len(data))[1]

    def test_begins_and_ends_where_the_receiver_stood(self, name):
        valid = [fix for fix in parse_all(read_recording(name))[1] if fix.valid]
        if EXPECTED[name]["first_pos"] is None:
            assert valid == []
            return
        # The expected figures come from the first and last RMC or GGA; a fix may hold another sentence of
        # that second.
        for fix, told in ((valid[0], EXPECTED[name]["first_pos"]), (valid[-1], EXPECTED[name]["last_pos"])):
            assert fix.lat_e7 == pytest.approx(told[0] * 1e7, abs=250)
            assert fix.lon_e7 == pytest.approx(told[1] * 1e7, abs=2500)

    def test_has_the_recorded_number_of_valid_and_void_sentences(self, name):
        counts = {("RMC", True): 0, ("RMC", False): 0, ("GGA", True): 0, ("GGA", False): 0}
        last = None
        for line in read_recording(name).replace(b"\r", b"\n").split(b"\n"):
            try:
                parsed = nmea.parse_sentence(line)
            except nmea.NmeaError:
                continue
            if parsed is not None and parsed.kind in (nmea.RMC, nmea.GGA):
                counts["RMC" if parsed.kind == nmea.RMC else "GGA", parsed.valid] += 1
                if parsed.kind == nmea.RMC and parsed.valid:
                    last = parsed
        told = EXPECTED[name]
        assert counts["RMC", True] == told["rmc"]["valid_A"]
        assert counts["RMC", False] == told["rmc"]["void"]
        assert counts["GGA", True] == told["gga"]["fix"]
        assert counts["GGA", False] == told["gga"]["nofix"]
        if last is not None and told["rmc"]["void"] == 0:
            at = EPOCH + dt.timedelta(days=last.days, milliseconds=last.time_ms)
            assert at == dt.datetime.fromisoformat(told["last_rmc_datetime"])
            assert last.speed_kmh == pytest.approx(told["last_rmc_speed_kn"] * 1.852)

    def test_puts_at_most_one_fix_on_one_instant(self, name):
        times = [fix.time_ms for fix in parse_all(read_recording(name))[1] if fix.time_ms is not None]
        assert all(a != b for a, b in itertools.pairwise(times))


class TestAFix:
    def test_comes_with_its_second_sentence_and_not_only_with_the_next_second(self):
        parser = nmea.Parser()
        assert parser.feed(sentence(b"GPGGA,120000,4807.038,N,01131.000,E,1,04,2.0,0,M,0,M,,")) == []
        assert len(parser.feed(sentence(b"GPRMC,120000,A,4807.038,N,01131.000,E,5.0,,010120"))) == 1

    def test_of_a_receiver_with_one_kind_of_sentence_comes_at_once_from_the_second_on(self):
        parser = nmea.Parser()
        rmc = b"GPRMC,12000%d,A,4807.038,N,01131.000,E,5.0,,010120"
        assert parser.feed(sentence(rmc % 0)) == []
        assert [fix.time_ms for fix in parser.feed(sentence(rmc % 1))] == [43200000, 43201000]
        assert [fix.time_ms for fix in parser.feed(sentence(rmc % 2))] == [43202000]

    def test_after_a_pause_takes_the_speed_that_was_said_before_its_position(self):
        parser = nmea.Parser()
        parser.pause()
        parser.feed(sentence(b"GPVTG,10.0,T,,M,5.0,N,9.26,K,A"))
        parser.feed(sentence(b"GPGGA,120000,4807.038,N,01131.000,E,1,04,2.0,0,M,0,M,,"))
        assert parser.pause().speed_kmh == pytest.approx(9.26)

    def test_never_takes_the_speed_of_another_second(self):
        parser = nmea.Parser()
        fixes = parser.feed(
            sentence(b"GPRMC,120000,A,4807.038,N,01131.000,E,0.0,,010120")
            + sentence(b"GPGGA,120000,4807.038,N,01131.000,E,1,04,2.0,0,M,0,M,,")
            + sentence(b"GPVTG,10.0,T,,M,50.0,N,92.6,K,A")
            + sentence(b"GPGGA,120001,4807.038,N,01131.000,E,1,04,2.0,0,M,0,M,,")
        )
        assert fixes[0].speed_kmh == 0.0
        assert parser.pause().speed_kmh is None

    def test_is_given_once(self):
        parser = nmea.Parser()
        rmc = sentence(b"GPRMC,120000,A,4807.038,N,01131.000,E,5.0,,010120")
        gga = sentence(b"GPGGA,120000,4807.038,N,01131.000,E,1,04,2.0,0,M,0,M,,")
        assert len(parser.feed(rmc + gga + gga + rmc)) == 1
        assert parser.pause() is None


@given(st.decimals(0, 90, places=8), st.booleans())
def test_an_angle_is_the_nearest_ten_millionth_of_a_degree(angle, is_south):
    degrees = int(angle)
    minutes = (angle - degrees) * 60
    text = b"%02d%s" % (degrees, f"{minutes:011.8f}".encode())
    half = b"S" if is_south else b"N"
    if text[2:4] == b"60":
        return
    parsed = nmea.parse_sentence(sentence(b"GPGLL," + text + b"," + half + b",00000.0000,E,120000,A"))
    told = int(text[:2]) + (float(text[2:]) / 60)
    assert abs(abs(parsed.lat_e7) - told * 1e7) <= 0.5001
    assert (parsed.lat_e7 <= 0) == (is_south or parsed.lat_e7 == 0)


@given(st.dates(dt.date(1980, 1, 1), dt.date(2079, 12, 31)))
def test_every_date_counts_its_days_as_the_calendar_does(date):
    body = b"GPRMC,000000,A,4807.038,N,01131.000,E,0.0,," + date.strftime("%d%m%y").encode()
    parsed = nmea.parse_sentence(sentence(body))
    assert parsed.days == (date - dt.date(2000, 1, 1)).days


@given(st.binary(max_size=300))
def test_any_bytes_are_a_sentence_or_an_nmea_error(data):
    try:
        parsed = nmea.parse_sentence(data)
    except nmea.NmeaError:
        return
    assert parsed is None or isinstance(parsed, nmea.Sentence)


FIELD = st.text(alphabet="0123456789.-+AVNSEWTKMe_ ,", max_size=12).map(str.encode)


@given(
    st.sampled_from([b"GPRMC", b"GNGGA", b"GAGNS", b"GLGLL", b"GNZDA", b"GQVTG", b"GPXXX", b"P", b""]),
    st.lists(FIELD, max_size=16),
)
def test_any_fields_under_a_right_checksum_are_a_sentence_or_an_nmea_error(address, fields):
    try:
        parsed = nmea.parse_sentence(sentence(b",".join([address, *fields])))
    except nmea.NmeaError:
        return
    if parsed is not None and parsed.lat_e7 is not None:
        assert abs(parsed.lat_e7) <= 900000000
        assert abs(parsed.lon_e7) <= 1800000000


NOISE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            sentence(b"GPRMC,120000,A,4807.038,N,01131.000,E,5.0,,010120"),
            sentence(b"GPGGA,120000,4807.038,N,01131.000,E,1,04,2.0,0,M,0,M,,"),
            sentence(b"GPVTG,10.0,T,,M,5.0,N,9.26,K,A"),
            sentence(b"GPRMC,120001,V,,,,,,,,,,N"),
            sentence(b"GPTXT," + b"x" * 255),
            b"$",
            b"$" * 300,
        ]
    ),
)


@given(st.lists(NOISE, max_size=12), st.integers(1, 50))
def test_a_stream_of_noise_means_the_same_however_it_is_cut(pieces, chunk_bytes):
    data = b"".join(pieces)
    whole, cut = parse_all(data, max(1, len(data))), parse_all(data, chunk_bytes)
    assert whole[1] == cut[1]
    assert (whole[0].accepted, whole[0].rejected) == (cut[0].accepted, cut[0].rejected)


def test_the_line_buffer_is_bounded():
    parser = nmea.Parser()
    for _ in range(100):
        parser.feed(b"$GPTXT" + bytes(range(14, 36)) * 20)
        assert len(parser._tail) <= nmea.MAX_SENTENCE_BYTES + 8


def test_the_checksum_is_the_exclusive_or_of_all_bytes():
    body = bytes(range(1, 256))
    assert nmea.checksum(body) == functools.reduce(lambda a, b: a ^ b, body)
    assert nmea.checksum(b"") == 0
