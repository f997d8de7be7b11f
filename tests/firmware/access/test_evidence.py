"""Motion evidence: two proofs, four kinds of signs, and silence, which is neither (S2, S3)."""

import pytest
from box.access.evidence import FOREVER_MS, Evidence
from box.protocols.codes import MOTION_MOVING, MOTION_STILL, MOTION_UNKNOWN
from hypothesis import given
from hypothesis import strategies as st


def still(evidence, seconds, step_ms=100):
    for _ in range(int(seconds * 1000 / step_ms)):
        evidence.advance(step_ms)
        evidence.note_accelerometer(0, 0, 1000)


def fixes(evidence, seconds, speed_kmh):
    for _ in range(seconds):
        evidence.advance(1000)
        evidence.note_fix(speed_kmh)


def test_a_box_that_has_read_nothing_knows_nothing():
    assert Evidence().assess()[0] == MOTION_UNKNOWN


def test_an_accelerometer_at_rest_for_ten_seconds_is_a_proof_and_for_less_is_none():
    evidence = Evidence()
    still(evidence, 9.9)
    assert evidence.assess()[0] == MOTION_UNKNOWN
    still(evidence, 0.3)
    assert evidence.assess()[0] == MOTION_STILL


def test_a_proof_grows_old_and_is_none_after_two_seconds():
    evidence = Evidence()
    still(evidence, 12)
    evidence.advance(2000)
    assert evidence.assess()[:2] == (MOTION_STILL, 2000)
    evidence.advance(1)
    assert evidence.assess()[0] == MOTION_UNKNOWN


def test_a_silent_accelerometer_begins_its_ten_seconds_anew():
    evidence = Evidence()
    still(evidence, 12)
    evidence.advance(2500)
    still(evidence, 5)
    assert evidence.assess()[0] == MOTION_UNKNOWN


def test_slow_fixes_for_ten_seconds_are_a_proof():
    evidence = Evidence()
    fixes(evidence, 11, 3.0)  # the first may have come at the end of the second it is counted in
    assert evidence.assess()[0] == MOTION_UNKNOWN
    fixes(evidence, 1, 3.0)
    assert evidence.assess()[0] == MOTION_STILL


def test_a_gap_between_fixes_breaks_the_proof():
    evidence = Evidence()
    fixes(evidence, 8, 0.0)
    evidence.advance(3000)
    fixes(evidence, 8, 0.0)
    assert evidence.assess()[0] == MOTION_UNKNOWN


def test_fixes_without_a_speed_prove_nothing():
    evidence = Evidence()
    fixes(evidence, 30, None)
    assert evidence.assess()[0] == MOTION_UNKNOWN


def test_a_wheel_speed_of_zero_is_no_proof():
    evidence = Evidence()
    for _ in range(60):
        evidence.advance(1000)
        evidence.note_speed(0)
        evidence.note_rpm(0)
    assert evidence.assess()[0] == MOTION_UNKNOWN


SIGNS = {
    "a fix above 3 km/h": lambda evidence: evidence.note_fix(3.1),
    "a turning wheel": lambda evidence: evidence.note_speed(1),
    "a turning engine": lambda evidence: evidence.note_rpm(1),
    "a jolt": lambda evidence: [evidence.note_accelerometer(x_mg, 0, 1000) for x_mg in (0, 200)],
    "a knock": lambda evidence: evidence.note_unrest(),
}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("proof", ["accelerometer", "fixes", "both"])
def test_any_sign_from_any_source_vetoes_any_proof(sign, proof):
    evidence = Evidence()
    for _ in range(12):
        evidence.advance(1000)
        if proof != "fixes":
            evidence.note_accelerometer(0, 0, 1000)
        if proof != "accelerometer":
            evidence.note_fix(0.0)
    assert evidence.assess()[0] == MOTION_STILL
    SIGNS[sign](evidence)
    assert evidence.assess()[0] == MOTION_MOVING


def test_proof_and_sign_together_are_a_contradiction():
    evidence = Evidence()
    still(evidence, 12)
    evidence.note_speed(30)
    assert evidence.assess() == (MOTION_MOVING, 0, True)


def test_a_wheel_speed_that_nothing_refuted_vetoes_for_a_minute_of_silence():
    evidence = Evidence()
    evidence.note_speed(50)
    still(evidence, 59)
    assert evidence.assess()[0] == MOTION_MOVING
    still(evidence, 2)
    assert evidence.assess()[0] == MOTION_STILL


def test_a_wheel_that_came_to_stand_vetoes_ten_seconds_more():
    evidence = Evidence()
    evidence.note_speed(50)
    evidence.note_speed(0)
    still(evidence, 9)
    assert evidence.assess()[0] == MOTION_MOVING
    still(evidence, 2)
    assert evidence.assess()[0] == MOTION_STILL


def test_a_tilt_that_settles_is_a_new_rest_position():
    evidence = Evidence()
    still(evidence, 12)
    for _ in range(150):
        evidence.advance(100)
        evidence.note_accelerometer(300, 0, 950)
    assert evidence.assess()[0] == MOTION_STILL


def test_running_needs_a_fresh_wheel_or_engine_speed():
    evidence = Evidence()
    evidence.note_speed(50)
    assert evidence.is_running()
    evidence.advance(2001)
    assert not evidence.is_running()
    evidence.note_rpm(800)
    assert evidence.is_running()
    evidence.note_rpm(0)
    assert not evidence.is_running()


def test_ignition_off_counts_from_its_last_change():
    evidence = Evidence()
    evidence.advance(5000)
    assert evidence.kl15_off_ms == 0  # never read: not off
    evidence.note_ignition(False)
    evidence.advance(5000)
    evidence.note_ignition(False)
    assert evidence.kl15_off_ms == 5000
    evidence.note_ignition(True)
    evidence.advance(5000)
    evidence.note_ignition(False)
    assert evidence.kl15_off_ms == 0


def test_a_ferry_carries_and_a_driven_car_does_not():
    evidence = Evidence()
    evidence.note_ignition(False)
    fixes(evidence, 12, 25.0)
    assert evidence.is_carried()
    evidence.note_ignition(True)
    assert not evidence.is_carried()


def test_what_shook_and_moved_with_the_ignition_on_carries_nobody_when_it_goes_off():
    evidence = Evidence()
    evidence.note_ignition(True)
    for second in range(60):
        evidence.advance(1000)
        evidence.note_accelerometer(200 * (second % 2), 0, 1000)
        evidence.note_fix(50.0)
    evidence.note_ignition(False)
    evidence.advance(1000)
    evidence.note_accelerometer(0, 0, 1000)
    assert not evidence.is_carried()


def test_loading_the_boot_does_not_carry_and_a_lorry_does():
    evidence = Evidence()
    evidence.note_ignition(False)
    for second in range(25):
        evidence.advance(1000)
        evidence.note_accelerometer(200 * (second % 2), 0, 1000)
    assert not evidence.is_carried()
    for second in range(10):
        evidence.advance(1000)
        evidence.note_accelerometer(200 * (second % 2), 0, 1000)
    assert evidence.is_carried()


def test_ages_stop_growing_and_never_come_round():
    evidence = Evidence()
    evidence.note_ignition(False)
    evidence.note_speed(50)
    for _ in range(10):
        evidence.advance(FOREVER_MS // 2)
    assert evidence.speed_age_ms == evidence.kl15_off_ms == FOREVER_MS == 0x1FFFFFFF
    assert evidence.assess()[0] == MOTION_UNKNOWN


STEPS = st.one_of(
    st.tuples(st.just("advance"), st.integers(1, 5000)),
    st.tuples(st.just("note_fix"), st.sampled_from([0.0, 2.9, 3.0, 3.1, 60.0, None])),
    st.tuples(st.just("note_speed"), st.sampled_from([0, 1, 90])),
    st.tuples(st.just("note_rpm"), st.sampled_from([0, 800])),
    st.tuples(st.just("jolt"), st.sampled_from([0, 400])),
)


@given(st.lists(STEPS, max_size=60))
def test_still_is_never_said_within_ten_seconds_of_a_sign_nor_of_silence(steps):
    evidence = Evidence()
    now = 0
    last_sign = None
    last_sample = None
    x_mg = 0
    for name, value in steps:
        if name == "advance":
            now += value
            evidence.advance(value)
        elif name == "jolt":
            moved = last_sample is not None and value != x_mg
            x_mg = value
            if moved and now - last_sample <= 2000:
                last_sign = now
            last_sample = now
            evidence.note_accelerometer(value, 0, 1000)
        else:
            if value is not None and value > (3.0 if name == "note_fix" else 0):
                last_sign = now
            getattr(evidence, name)(value)
        motion, age_ms, _ = evidence.assess()
        if last_sign is not None and now - last_sign < 10_000:
            assert motion == MOTION_MOVING
        if motion == MOTION_STILL:
            assert age_ms <= 2000
