"""The modelled car: distance, fuel, starter, doors, battery, motion."""

import json
import math
from pathlib import Path

import pytest
from glovebox_sim import car_powertrain as powertrain
from glovebox_sim import speed_trace
from glovebox_sim.car import Car, CarRefusal
from glovebox_sim.car_powertrain import ELECTRIC_CAR, PETROL_CAR, CarSpec
from glovebox_sim.speed_trace import SpeedTrace, TraceError
from hypothesis import given
from hypothesis import strategies as st

CYCLES = Path(__file__).parents[2] / ".." / "shared" / "data" / "cycles"


def ready_car(spec: CarSpec = PETROL_CAR, **more: object) -> Car:
    car = Car(spec, **more)  # type: ignore[arg-type]
    car.locked = False
    car.get_in()
    car.step(3)
    if spec.key_holder_fitted:
        car.take_key()
    car.ignition_on()
    car.turn_starter()
    car.step(1)
    assert car.engine_on
    return car


def cycle(name: str) -> tuple[SpeedTrace, float]:
    if not CYCLES.is_dir():
        pytest.skip("the driving cycles are not beside the checkout (../shared/data/cycles)")
    expected = json.loads((CYCLES / "expected.json").read_text())[name]["distance_m"]
    return speed_trace.find(name, CYCLES), expected


@pytest.mark.parametrize("name", ["wltc_class3b", "udds"])
@pytest.mark.parametrize("step_s", [0.1, 0.37])
def test_the_car_drives_the_published_distance_of_a_cycle(name, step_s):
    trace, expected_m = cycle(name)
    car = ready_car()
    before = car.odometer_m
    car.drive(trace)
    while car.is_driving:
        car.step(step_s)
    assert car.odometer_m - before == pytest.approx(expected_m, rel=0.0001)
    assert not car.is_moving


def independent_fuel_ml(trace: SpeedTrace, spec: CarSpec, running_s: float) -> float:
    """The stated model summed naively in slices of 2 ms."""
    slices, joules = 500, 0.0
    for second in range(math.ceil(trace.duration_s)):
        for i in range(slices):
            t = second + (i + 0.5) / slices
            v, a = trace.speed_ms(t), trace.acceleration_ms2(t)
            force = spec.mass_kg * (1.04 * a + 9.80665 * spec.rolling) + 0.6 * spec.drag_area_m2 * v * v
            joules += max(0.0, force * v) / slices
    return spec.idle_ml_per_h * running_s / 3600 + joules / spec.efficiency / 32_200


def test_fuel_burnt_on_a_trip_is_what_the_stated_model_says():
    trace = speed_trace.town()
    car = ready_car()
    tank, burnt = car.fuel_ml, car.fuel_burnt_ml
    running = car.engine_on_s
    car.drive(trace)
    while car.is_driving:
        car.step(0.1)
    expected = independent_fuel_ml(trace, PETROL_CAR, car.engine_on_s - running)
    assert car.fuel_burnt_ml - burnt == pytest.approx(expected, rel=1e-5)
    assert tank - car.fuel_ml == pytest.approx(car.fuel_burnt_ml - burnt, abs=1e-6)


@given(st.lists(st.floats(0.05, 0.5), min_size=1, max_size=20))
def test_fuel_and_distance_do_not_depend_on_the_steps_of_time(steps):
    trace = speed_trace.block()
    one, other = ready_car(), ready_car()
    for car in (one, other):
        car.drive(trace)
    one.step(sum(steps))
    for step in steps:
        other.step(step)
    assert one.odometer_m == pytest.approx(other.odometer_m, abs=1e-6)
    assert one.fuel_ml == pytest.approx(other.fuel_ml, abs=1e-9)


def test_a_wltc_of_the_petrol_car_costs_what_such_cars_cost():
    trace, metres = cycle("wltc_class3b")
    car = ready_car()
    car.drive(trace)
    before = car.fuel_ml
    while car.is_driving:
        car.step(0.5)
    litres_per_100_km = (before - car.fuel_ml) / 1000 / metres * 100_000
    assert 4.0 < litres_per_100_km < 6.5


def test_an_electric_car_draws_charge_and_gives_some_back_when_braking():
    car = ready_car(ELECTRIC_CAR)
    before, drawn = car.charge_wh, car.charge_drawn_wh
    car.drive(speed_trace.town())
    while car.is_driving:
        car.step(0.1)
    assert before - car.charge_wh == pytest.approx(car.charge_drawn_wh - drawn)
    without = powertrain.charge_wh(ELECTRIC_CAR, 1e6, 0, 0)
    assert powertrain.charge_wh(ELECTRIC_CAR, 1e6, 5e5, 0) < without
    assert car.rpm == 0
    assert car.fuel_burnt_ml == 0


@pytest.mark.parametrize("kind", ["starter_wire", "start_button"])
def test_an_inhibiting_contact_keeps_the_engine_from_starting(kind):
    car = Car(CarSpec("x", interlock_kind=kind), contact=lambda: "inhibit")
    car.locked = False
    car.get_in()
    car.take_key()
    car.ignition_on()
    assert car.turn_starter() == "interlocked"
    car.step(3)
    assert not car.engine_on


def test_a_stored_fob_without_supply_keeps_the_ignition_off():
    car = Car(ELECTRIC_CAR, contact=lambda: "inhibit")
    car.locked = False
    car.get_in()
    with pytest.raises(CarRefusal, match="fob without supply"):
        car.ignition_on()
    assert not car.kl15


def test_without_an_interlock_the_contact_does_not_matter():
    car = Car(CarSpec("x", interlock_kind="none"), contact=lambda: "inhibit")
    car.locked = False
    car.get_in()
    car.take_key()
    car.ignition_on()
    assert car.turn_starter() == "turns"


@pytest.mark.parametrize("spec", [PETROL_CAR, ELECTRIC_CAR, CarSpec("b", interlock_kind="start_button")])
def test_a_running_engine_is_never_stopped_by_the_contact(spec):
    contact = "allow"
    car = ready_car(spec, contact=lambda: contact)
    car.drive(speed_trace.block())
    contact = "inhibit"
    while car.is_driving:
        car.step(0.1)
        assert car.engine_on
    car.step(60)
    assert car.engine_on
    assert car.odometer_m - 18_452_300 == pytest.approx(speed_trace.block().total_m)


def test_opening_the_starter_wire_while_cranking_stops_the_starter_only():
    contact = "allow"
    car = Car(contact=lambda: contact)
    car.locked = False
    car.get_in()
    car.take_key()
    car.ignition_on()
    car.turn_starter()
    car.step(0.2)
    contact = "inhibit"
    car.step(2)
    assert not car.engine_on
    assert car.kl15


def test_cranking_pulls_the_battery_below_nine_volts_and_the_alternator_lifts_it():
    car = Car()
    car.locked = False
    car.get_in()
    car.take_key()
    car.step(0.1)
    assert 12_300 <= car.battery.mv <= 12_700
    car.ignition_on()
    car.step(0.1)
    assert car.battery.mv < 12_500
    car.turn_starter()
    car.step(0.3)
    assert car.is_cranking
    assert 8_500 <= car.battery.mv <= 9_000
    car.step(2)
    assert car.battery.mv == 14_150
    car.ignition_off()
    car.step(1)
    assert car.battery.mv > 13_500
    car.step(300)
    assert car.battery.mv < 12_700


def test_a_locked_car_opens_from_inside_but_not_from_outside():
    car = Car()
    with pytest.raises(CarRefusal, match="door locked"):
        car.open_door()
    car.locked = False
    car.get_in()
    car.step(5)
    assert not car.door_open
    car.locked = True
    car.get_out()
    assert car.door_open
    car.step(5)
    assert not car.door_open


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("take_key", "not_inside"), ("ignition_on", "not_inside"), ("turn_starter", "ignition_off"),
        ("get_out", "nobody_inside"), ("put_key_back", "not_inside"),
    ],
)  # fmt: skip
def test_what_nobody_can_do_is_refused_and_changes_nothing(action, code):
    car = Car()
    before = {k: v for k, v in vars(car).items() if isinstance(v, str | bool | float)}
    with pytest.raises(CarRefusal) as refusal:
        getattr(car, action)()
    assert refusal.value.code == code
    assert {k: v for k, v in vars(car).items() if isinstance(v, str | bool | float)} == before


def test_driving_needs_an_engine_and_the_ignition_stays_on_while_moving():
    car = Car()
    with pytest.raises(CarRefusal, match="engine off"):
        car.drive(speed_trace.town())
    car = ready_car()
    car.drive(speed_trace.block())
    car.step(12)
    assert car.is_moving
    with pytest.raises(CarRefusal, match="moving"):
        car.ignition_off()
    with pytest.raises(CarRefusal, match="moving"):
        car.open_door()


def test_braking_ends_a_trip_early_and_calmly():
    car = ready_car()
    car.drive(speed_trace.town())
    car.step(25)
    speed, odometer = car.speed_ms, car.odometer_m
    car.brake()
    while car.is_driving:
        car.step(0.1)
        assert car.acceleration_ms2 >= -1.21
    assert car.odometer_m - odometer == pytest.approx(speed**2 / 2 / speed_trace.BRAKING_MS2)
    assert not car.is_moving


def test_an_empty_tank_stops_the_engine_and_the_car_comes_to_a_stand():
    car = ready_car(fuel_share=0.0002)
    car.drive(speed_trace.town())
    for _ in range(1000):
        car.step(0.5)
    assert car.fuel_ml == 0
    assert not car.engine_on
    assert not car.is_moving


def test_a_carried_car_moves_without_wheels_engine_or_odometer():
    car = Car()
    odometer = car.odometer_m
    car.carry(speed_trace.block())
    car.step(15)
    assert car.speed_ms > 3
    assert car.wheel_speed_kmh == 0
    assert car.odometer_m == odometer


def test_a_still_car_is_still_and_a_door_or_an_engine_can_be_felt():
    def spread(car: Car, seconds: float = 8) -> float:
        values = []
        for _ in range(int(seconds * 10)):
            car.step(0.1)
            values.append(
                car.motion.read_mg(0.1, acceleration_ms2=0, speed_ms=car.speed_ms, engine=car.engine_on)
            )
        return max(max(axis) - min(axis) for axis in zip(*values, strict=True))

    car = Car()
    still = spread(car)
    assert still < 25
    car.motion.knock()
    assert spread(car, 1) > 60
    assert spread(ready_car()) > 50


def test_the_accelerometer_feels_the_pull_of_the_engine():
    car = Car(seed=4)
    readings = [
        car.motion.read_mg(0.1, acceleration_ms2=a, speed_ms=0, engine=False)[0]
        for a in [0.0] * 50 + [1.5] * 50
    ]
    assert sum(readings[50:]) / 50 - sum(readings[:50]) / 50 == pytest.approx(153, abs=3)


def test_the_same_seed_gives_the_same_signal_and_another_a_different_one():
    def signal(seed: int) -> list[tuple[int, int, int]]:
        car = Car(seed=seed)
        return [car.motion.read_mg(0.1, acceleration_ms2=0, speed_ms=0, engine=False) for _ in range(50)]

    assert signal(7) == signal(7)
    assert signal(7) != signal(8)


def test_the_fuel_rate_is_the_mean_of_the_last_second():
    car = ready_car()
    car.step(5)
    assert car.fuel_rate_l_per_h == pytest.approx(0.650, rel=1e-6)


def test_parts_of_a_trace_drive_what_the_whole_drives():
    town = speed_trace.town()
    first, second = town.part(0, 100), town.part(100, town.duration_s)
    assert first.total_m + second.total_m == pytest.approx(town.total_m)
    assert first.then(second).duration_s == town.duration_s


@given(st.floats(30, 20_000))
def test_a_trace_ends_after_exactly_the_distance_asked(metres):
    trace = speed_trace.town().ending_after(metres)
    assert trace.total_m == pytest.approx(metres, abs=0.01)
    assert trace.speed_ms(trace.duration_s) == 0
    assert min(trace.acceleration_ms2(i / 2) for i in range(int(trace.duration_s * 2))) >= -1.6


@pytest.mark.parametrize("text", ["", "1.0", "0 -1 2", "0 nan 1", "0 x 1", "0 400 0"])
def test_a_file_that_is_no_trace_is_refused_by_name(tmp_path, text):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(TraceError, match="bad"):
        speed_trace.load(path)


def test_an_unknown_trace_names_the_known_ones():
    with pytest.raises(TraceError, match="block, town"):
        speed_trace.find("moon")
