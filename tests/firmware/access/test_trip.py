"""Distance within 1 % and fuel as burnt, by an odometer of 100 m steps and with power lost under way."""

import math

import pytest
from box.access.trip import NO_ODOMETER, Trip
from box.protocols import codes


def drive(
    trip,
    seconds,
    start_mm=0,
    start_odometer_mm=98_765_432,
    speed=lambda s: 60 + 40 * math.sin(s / 50),
    **options,
):
    """Drive, reading the speed 5 times a second and the odometer every 4 s; return the millimetres."""
    poll_odometer = options.get("odometer", True)
    lost = options.get("lost", ())
    driven_mm = start_mm
    restored = None
    for step in range(int(seconds * 5)):
        second = step / 5
        speed_kmh = speed(second)
        driven_mm += speed_kmh / 3.6 * 200
        if second in lost:
            restored = trip.pack()
        if any(begin <= second < begin + 33 for begin in lost):
            continue
        if restored and any(second == begin + 33 for begin in lost):
            trip.restore(restored)
            trip._speed_kmh = None
        trip.note_speed(int(speed_kmh + 0.5), step * 200)
        if poll_odometer and step % 20 == 0:
            trip.note_odometer(int((start_odometer_mm + driven_mm) // 100_000))
    return driven_mm


@pytest.mark.parametrize("start_mm", [98_700_001, 98_750_000, 98_799_999])
@pytest.mark.parametrize("seconds", [60, 300, 1800])
def test_the_odometer_refined_by_the_wheel_speed_is_right_to_a_few_metres(start_mm, seconds):
    trip = Trip()
    driven_mm = drive(trip, seconds, start_odometer_mm=start_mm)
    distance_m, source = trip.compute_distance()
    assert source == codes.DISTANCE_SOURCE_ODOMETER
    assert (
        abs(distance_m - driven_mm / 1000) < 130
    )  # a step of the odometer is seen up to 4 s late: 110 m at 100 km/h


def test_power_lost_on_the_way_costs_nothing_the_odometer_has_counted():
    trip = Trip()
    driven_mm = drive(trip, 1500, lost=(300, 900))
    distance_m, _ = trip.compute_distance()
    assert abs(distance_m - driven_mm / 1000) < 0.01 * driven_mm / 1000


def test_without_an_odometer_the_wheel_speed_stands_alone():
    trip = Trip()
    driven_mm = drive(trip, 600, odometer=False)
    distance_m, source = trip.compute_distance()
    assert source == codes.DISTANCE_SOURCE_WHEEL_SPEED
    assert abs(distance_m - driven_mm / 1000) < 0.005 * driven_mm / 1000


def test_a_car_without_any_of_both_is_measured_by_satellites_and_one_that_says_nothing_not_at_all():
    trip = Trip()
    assert trip.compute_distance() == (0, codes.DISTANCE_SOURCE_UNKNOWN)
    for second in range(101):
        trip.note_gnss_speed(36.0, second * 1000)
    assert trip.compute_distance() == (1000, codes.DISTANCE_SOURCE_GNSS)


def test_a_car_that_did_not_move_has_gone_no_way():
    trip = Trip()
    trip.note_odometer(500)
    trip.note_odometer(500)
    assert trip.compute_distance() == (0, codes.DISTANCE_SOURCE_ODOMETER)


def test_an_odometer_that_runs_backwards_is_not_believed():
    trip = Trip()
    for odometer_hm in (500, 501, 7, 502):
        trip.note_odometer(odometer_hm)
    assert trip.odometer_hm == 502
    assert trip.compute_distance()[0] in range(100, 201)


def test_speeds_on_both_sides_of_a_gap_are_not_joined():
    trip = Trip()
    trip.note_speed(100, 0)
    assert trip.note_speed(100, 60_000) == 0


def test_fuel_is_what_the_bus_has_counted_stretched_over_what_it_has_missed():
    trip = Trip()
    trip.note_odometer(1000)
    trip.note_burnt(5.0)  # counted before this session
    for second in range(101):
        trip.note_speed(36, second * 1000)
    trip.note_odometer(1010)  # a kilometre counted
    trip.note_burnt(65.0)
    again = Trip()
    again.restore(trip.pack())  # power lost; the bus counts from 0
    again.note_odometer(1020)  # another kilometre, unseen
    again.note_burnt(0.0)
    fuel_ml, source = again.compute_fuel(None, 0)
    assert source == codes.FUEL_SOURCE_RATE
    assert fuel_ml in range(116, 125)


def test_without_a_rate_the_fall_of_the_level_is_the_fuel():
    trip = Trip()
    trip.note_fuel_level(80.2)
    trip.note_fuel_level(70.0)
    assert trip.compute_fuel(75.0, 50_000) == (2500, codes.FUEL_SOURCE_LEVEL)
    assert trip.compute_fuel(85.0, 50_000) == (0, codes.FUEL_SOURCE_LEVEL)  # filled up
    assert trip.compute_fuel(75.0, 0)[1] == codes.FUEL_SOURCE_UNKNOWN
    assert trip.compute_fuel(None, 50_000)[1] == codes.FUEL_SOURCE_UNKNOWN


def test_counters_survive_packing():
    trip = Trip()
    drive(trip, 100)
    again = Trip()
    again.restore(trip.pack())
    assert again.pack() == trip.pack()
    assert again.odometer_start_hm != NO_ODOMETER


# --- to the millimetre: 36 km/h are 10 mm/ms, 3.6 km/h are 1 mm/ms ----------------------------------------


def make(speed_kmh=36, seconds=0, odometer_hm=None):
    """A trip of so many seconds; a step of the odometer is taken to lie 2.5 s back."""
    trip = Trip()
    if odometer_hm is not None:
        trip.note_odometer(odometer_hm)
    for second in range(seconds + 1):
        trip.note_speed(speed_kmh, second * 1000)
    return trip


def restore(trip):
    again = Trip()
    again.restore(trip.pack())
    return again


NOTHING_YET = bytes([0xFF] * 12 + [0] * 21 + [0xFF])


def test_before_anything_is_known_odometer_and_level_are_unknown_and_all_else_is_nothing():
    assert Trip().pack() == NOTHING_YET


def test_a_rate_of_fuel_is_noted_as_soon_as_there_is_one():
    trip = Trip()
    trip.note_burnt(3.0)
    assert trip.pack() == bytes([*NOTHING_YET[:-2], 1, 0xFF])
    assert trip.compute_fuel(None, 0) == (0, codes.FUEL_SOURCE_RATE)


@pytest.mark.parametrize("note", [Trip.note_speed, Trip.note_gnss_speed])
def test_each_speed_tells_the_metres_it_adds_and_the_first_and_one_after_a_gap_add_none(note):
    trip = Trip()
    assert note(trip, 36, 5) == 0
    assert trip.compute_distance() == (0, codes.DISTANCE_SOURCE_UNKNOWN)
    assert [note(trip, 36, 5 + second * 1000) for second in range(1, 121)] == [10] * 120
    assert note(trip, 36, 120_005 + 10_001) == 0
    assert trip.compute_distance()[0] == 1200
    assert note(trip, 36, 120_005 + 20_001) == 100
    assert trip.compute_distance()[0] == 1300
    assert note(trip, 36, 120_005 + 20_000) == 0  # time does not run backwards


def test_a_gap_adds_nothing_to_a_trip_of_no_way():
    trip = Trip()
    trip.note_speed(36, 0)
    trip.note_speed(36, 10_001)
    assert trip.compute_distance() == (0, codes.DISTANCE_SOURCE_UNKNOWN)


def test_a_millisecond_counts():
    trip = Trip()
    for at_ms in range(501):
        trip.note_speed(3.6, at_ms)
    assert trip.compute_distance() == (1, codes.DISTANCE_SOURCE_WHEEL_SPEED)


@pytest.mark.parametrize("note", [Trip.note_speed, Trip.note_gnss_speed])
@pytest.mark.parametrize(("mm", "metres"), [(499, 0), (500, 1), (1499, 1), (1500, 2)])
def test_a_distance_is_rounded_to_the_nearest_metre(note, mm, metres):
    trip = Trip()
    note(trip, 3.6, 0)
    note(trip, 3.6, mm)
    assert trip.compute_distance()[0] == metres


@pytest.mark.parametrize(
    ("seconds", "steps_hm", "metres"),
    [
        (0, 1, 0 + 25),  # the step may be the start's own
        (8, 1, 55 + 25),
        (30, 1, 100 + 25),  # less than a unit lies before the first step
        (0, 3, 200 + 25),  # two steps were not seen
        (25, 3, 225 + 25),
        (60, 3, 300 + 25),
    ],
)
def test_the_way_before_the_odometers_first_step_is_refined_by_the_wheels(seconds, steps_hm, metres):
    trip = make(seconds=seconds, odometer_hm=500)
    trip.note_odometer(500 + steps_hm)
    assert trip.compute_distance() == (metres, codes.DISTANCE_SOURCE_ODOMETER)
    assert restore(trip).compute_distance() == trip.compute_distance()


def test_the_way_after_the_odometers_last_step_is_less_than_a_unit():
    trip = make(seconds=8, odometer_hm=500)
    trip.note_odometer(501)
    distances = []
    for second in range(9, 30):
        trip.note_speed(36, second * 1000)
        trip.note_odometer(501)
        distances.append(trip.compute_distance()[0])
    assert distances == [min(80 + 10 * n, 55 + 100) for n in range(1, 22)]


def test_an_odometer_that_never_steps_leaves_the_distance_to_the_wheels():
    trip = make(seconds=3, odometer_hm=500)
    trip.note_odometer(500)
    assert trip.compute_distance() == (30, codes.DISTANCE_SOURCE_WHEEL_SPEED)


def test_without_any_speed_the_odometer_stands_alone():
    trip = Trip()
    for odometer_hm in (500, 501, 1501):
        trip.note_odometer(odometer_hm)
    assert trip.compute_distance() == (100_000, codes.DISTANCE_SOURCE_ODOMETER)
    assert restore(trip).compute_distance() == trip.compute_distance()


@pytest.mark.parametrize(("speed_kmh", "metres"), [(18, 13), (17.999, 12)])
def test_the_step_of_the_odometer_lies_half_its_period_back(speed_kmh, metres):
    trip = make(speed_kmh, odometer_hm=500)  # 2.5 s at 5 m/s: 12.5 m
    trip.note_odometer(501)
    assert trip.compute_distance()[0] == metres


COUNTERS = ("_head_mm", "_tail_mm", "_wheel_mm", "_gnss_mm", "_fuel_ul")


@pytest.mark.parametrize("name", COUNTERS)
@pytest.mark.parametrize("count", [2**32 - 2, 2**32 - 1, 2**32, 2**40])
def test_a_count_beyond_its_field_is_kept_at_the_most_the_field_holds(name, count):
    trip = Trip()
    setattr(trip, name, count)
    assert getattr(restore(trip), name) == min(count, 2**32 - 1)


@pytest.mark.parametrize(
    ("burnt_ml", "fuel_ml"),
    [
        ((5.0, 1005.0), 1000),
        ((0.0, 0.499, 0.0), 0),
        ((0.0, 0.5, 0.0), 1),
        ((0.0, 7.0, 2.0, 4.0), 9),
        ((5.0,), 0),
    ],
)
def test_fuel_is_what_was_burnt_since_the_first_reading_and_a_count_that_falls_begins_anew(burnt_ml, fuel_ml):
    trip = Trip()
    for count in burnt_ml:
        trip.note_burnt(count)
    assert trip.compute_fuel(None, 0) == (fuel_ml, codes.FUEL_SOURCE_RATE)


@pytest.mark.parametrize(
    ("seconds", "odometer_hm", "fuel_ml"),
    [
        (0, (500, 501, 510), 800),  # no way was counted: nothing to stretch by
        (100, (500, 501, 510), 820),  # 1000 m counted of 1025
        (50, (500, 510), 1480),  # 500 m counted of 925
        (100, (500, 501), 800),  # more counted than driven: not shrunk
        (50, (), 800),
    ],
)
def test_fuel_is_stretched_over_the_way_on_which_nothing_was_counted(seconds, odometer_hm, fuel_ml):
    trip = make(seconds=seconds)
    trip.note_burnt(0.0)
    trip.note_burnt(800.0)
    for reading in odometer_hm:
        trip.note_odometer(reading)
    assert trip.compute_fuel(None, 0)[0] == fuel_ml


def test_half_a_metre_of_rounding_stretches_no_fuel():
    trip = Trip()
    for at_ms in (0, 1600):
        trip.note_speed(3.6, at_ms)
    trip.note_burnt(0.0)
    trip.note_burnt(500.0)
    assert trip.compute_distance()[0] == 2
    assert trip.compute_fuel(None, 0)[0] == 500


def test_a_level_that_was_not_known_at_the_start_tells_no_fuel():
    assert Trip().compute_fuel(75.0, 50_000) == (0, codes.FUEL_SOURCE_UNKNOWN)
