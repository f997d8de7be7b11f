"""The satellite receiver: its sentences read back by pynmea2, its starts, its silences."""

import statistics

import pynmea2
import pytest
from glovebox_sim import gnss_world
from glovebox_sim.gnss_world import Receiver, ReceiverError
from glovebox_sim.route import Place, metres_between
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_814_400_000.0
HOME = Place(47.2735, -2.2137, 90.0)


def sentences(data: bytes):
    return [pynmea2.parse(line, check=True) for line in data.decode().splitlines()]


def running(seed=1, **more):
    receiver = Receiver(seed, **more)
    receiver.set_power(True, NOW)
    return receiver


def seconds(receiver, count, speed_ms=0.0, start=NOW):
    return [receiver.second(start + i, HOME, speed_ms) for i in range(count)]


def fixed(seed=1):
    receiver = running(seed)
    seconds(receiver, 60)
    assert receiver.has_fix
    return receiver


def test_a_second_is_rmc_gga_vtg_gsa_of_one_time_of_day_and_fits_9600_baud():
    data = fixed().second(NOW + 61, HOME, 10.0)
    rmc, gga, vtg, gsa = sentences(data)
    assert [s.sentence_type for s in (rmc, gga, vtg, gsa)] == ["RMC", "GGA", "VTG", "GSA"]
    assert rmc.timestamp == gga.timestamp
    assert rmc.is_valid
    assert gga.gps_qual == 1
    assert gsa.mode_fix_type == "3"
    assert float(vtg.spd_over_grnd_kmph) == pytest.approx(36, abs=1)
    assert float(rmc.spd_over_grnd) * 1.852 == pytest.approx(float(vtg.spd_over_grnd_kmph), abs=0.01)
    assert rmc.true_course == pytest.approx(90, abs=4)
    assert all(len(line) <= 82 for line in data.decode().splitlines(keepends=True))
    assert len(data) < 0.5 * 960


def test_the_place_wanders_by_metres_about_the_truth():
    receiver = fixed()
    errors = []
    for data in seconds(receiver, 3_000, start=NOW + 100):
        rmc = sentences(data)[0]
        errors.append(metres_between((rmc.latitude, rmc.longitude), (HOME.lat, HOME.lon)))
    assert 1.0 < statistics.mean(errors) < 5.0
    assert max(errors) < 15


def test_a_standing_car_is_read_as_standing_without_a_course():
    receiver = fixed()
    for data in seconds(receiver, 300, start=NOW + 100):
        rmc = sentences(data)[0]
        assert float(rmc.spd_over_grnd) * 1.852 < 1.5
        assert rmc.true_course is None


def test_a_cold_start_knows_neither_place_nor_time_then_the_time_then_both():
    receiver = running()
    stages = []
    for data in seconds(receiver, 40):
        rmc = sentences(data)[0]
        stages.append((rmc.is_valid, rmc.timestamp is not None))
    assert stages[0] == (False, False)
    assert stages[-1] == (True, True)
    assert (False, True) in stages
    assert stages == sorted(stages)
    assert stages.index((True, True)) == 26


def test_no_fix_is_empty_fields_never_zero_zero():
    rmc, gga, _, gsa = sentences(running().second(NOW, HOME, 0))
    assert (rmc.lat, rmc.lon, gga.lat, gga.lon) == ("", "", "", "")
    assert gga.gps_qual == 0
    assert gsa.mode_fix_type == "1"


def test_underground_the_fix_goes_and_the_time_stays_and_both_return():
    receiver = fixed()
    receiver.sky_open = False
    rmc = sentences(receiver.second(NOW + 61, HOME, 5))[0]
    assert not rmc.is_valid
    assert rmc.timestamp is not None
    receiver.sky_open = True
    states = [sentences(data)[0].is_valid for data in seconds(receiver, 5, start=NOW + 62)]
    assert states == [False, False, True, True, True]


def test_a_short_cut_of_power_means_a_hot_start_and_a_long_one_a_cold_start():
    for off_s, wait in ((3, 3), (5 * 3600, 27)):
        receiver = fixed()
        receiver.set_power(False, NOW + 60)
        assert receiver.second(NOW + 61, HOME, 0) == b""
        receiver.set_power(True, NOW + 60 + off_s)
        states = [sentences(data)[0].is_valid for data in seconds(receiver, 40, start=NOW + 60 + off_s)]
        assert states.index(True) == wait - 1


def test_a_dead_receiver_says_nothing():
    receiver = fixed()
    receiver.is_dead = True
    assert seconds(receiver, 5) == [b""] * 5


def test_the_same_seed_prints_the_same_bytes_and_another_seed_others():
    assert seconds(running(3), 50) == seconds(running(3), 50)
    assert seconds(running(3), 50) != seconds(running(4), 50)


@given(
    st.floats(-89, 89), st.floats(-180, 179.9999), st.floats(0, 60), st.floats(0, 359.9),
    st.integers(946_684_800, 4_102_444_800),
)  # fmt: skip
def test_any_place_on_earth_and_any_time_is_written_as_pynmea2_reads_it(lat, lon, speed, course, now):
    receiver = Receiver(5)
    receiver.cold_start_s = 0
    receiver.set_power(True, now)
    data = receiver.second(now, Place(lat, lon, course), speed)
    rmc = sentences(data)[0]
    assert metres_between((rmc.latitude, rmc.longitude), (lat, lon)) < 20
    assert rmc.datetime.timestamp() % (100 * 365.25 * 86400) == pytest.approx(now % (100 * 365.25 * 86400))


def test_a_sentence_that_reads_back_differently_is_a_fault_of_the_model():
    line = gnss_world._render("GN", "GGA", ("000000.00", "4716.41", "N", "00212.82", "W", "1", *[""] * 8))
    with pytest.raises(ReceiverError, match="away from"):
        gnss_world._check(line, (47.0, -2.2137))
    with pytest.raises(ReceiverError, match="refuses"):
        gnss_world._check(line[:-1] + "Z", None)
