"""Boxes in cars: claim tokens, keys, commands and who may give them."""

import pytest
from glovebox.boxes import service as boxes
from glovebox.clock import to_device_s
from glovebox.link.codes import REFUSAL
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from support_cloud import HOUR, NOW


def command(depot, kind="flash_lights", scope=SYSTEM, **options):
    return depot.run(
        lambda tx: boxes.add_command(tx, depot.now, scope, depot.car, kind, "because", **options)
    )


def test_a_command_goes_down_once_and_its_answer_is_kept(depot, box):
    number = command(depot, "open_for", argument=5, expires_in_s=60)
    (told,) = box.sync().commands
    assert told == {"id": number, "kind": 1, "expires_s": to_device_s(NOW + 60), "role": 6, "argument": 5,
                    "reason": "because"}  # fmt: skip
    assert box.sync().commands == []
    box.sync(box.command_result(number, result=1, reason=REFUSAL["door_open"]))
    kept = depot.rows("SELECT state, refusal, answered_at FROM commands WHERE id = :number", number=number)
    assert kept == [("refused", REFUSAL["door_open"], NOW)]


def test_a_command_that_came_too_late_is_never_told(depot, box):
    number = command(depot, expires_in_s=60)
    depot.clock.now += 61
    assert box.sync().commands == []
    depot.clock.now += 60
    depot.run(lambda tx: apply_rules(tx, depot.now))
    assert depot.rows("SELECT state FROM commands WHERE id = :number", number=number) == [("expired",)]


def test_a_driver_opens_the_own_reserved_car_and_no_other(sqlite_depot, sqlite_box):
    depot, scope = sqlite_depot, sqlite_depot.driver(sqlite_depot.anne)
    mine, his = depot.book(depot.anne, 0, HOUR), depot.book(depot.bob, 2 * HOUR, 3 * HOUR)
    command(depot, "open_for", scope, argument=mine)
    for kind, argument in (
        ("open_for", his),
        ("open_for", 0),
        ("end_session", 0),
        ("garage", 3),
        ("track", 0),
    ):
        with pytest.raises(PermissionError):
            command(depot, kind, scope, argument=argument)


def test_a_claim_token_works_once_and_for_fifteen_minutes(depot):
    cloud = depot.cloud

    def token():
        return depot.run(
            lambda tx: boxes.add_claim_token(tx, depot.now, SYSTEM, cloud.keyring, cloud.entropy, depot.car)
        )

    def claim(value):
        return depot.run(
            lambda tx: boxes.claim(tx, depot.now, cloud.keyring, cloud.entropy, value, "board-1")
        )

    first, second = token(), token()
    claim(first)
    for wrong in (first, "no such token"):
        with pytest.raises(PermissionError):
            claim(wrong)
    depot.clock.now += 15 * 60
    with pytest.raises(PermissionError):
        claim(second)


def test_new_keys_take_over_with_the_first_envelope_under_them(depot, box):
    old_key = dict(box.keys)
    newer = depot.claim()
    assert newer.key_id == box.key_id + 1
    assert newer.keys != old_key
    box.sync()
    newer.greet()
    assert depot.post(box.envelope()).status_code == 401
    newer.sync()
