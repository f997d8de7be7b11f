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
