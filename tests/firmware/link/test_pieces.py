"""Back-off and the time request, without a network."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from box.link.backoff import LEAST_MS, MOST_MS, REFUSED_LEAST_MS, REFUSED_MOST_MS, Backoff
from box.link.hooks import SERVED_MOST_MS, Hooks
from box.link.time_request import TimeError, build_request, check_answer
from box.protocols.crypto import Hmac
from hypothesis import given
from hypothesis import strategies as st

WIRE = json.loads((Path(__file__).parents[2] / "vectors" / "wire.json").read_text())
BOX = bytes.fromhex(WIRE["box_id"])
KEY = Hmac(
    next(
        bytes.fromhex(row["key"])
        for row in WIRE["keys"]
        if row["purpose"] == "time" and row["key_id"] == 1 and row["box_id"] == WIRE["box_id"]
    )
)


@given(st.lists(st.integers(0, 255), min_size=20, max_size=20))
def test_tries_grow_apart_with_jitter_and_within_bounds(draws):
    values = iter(draws)
    backoff = Backoff(lambda: next(values))
    waits = [backoff.after_failure() for _ in range(12)]
    for number, wait_ms in enumerate(waits):
        rung_ms = min(LEAST_MS << number, MOST_MS)
        assert rung_ms // 2 <= wait_ms <= rung_ms
    backoff.reset()
    assert backoff.after_failure() <= LEAST_MS


def test_boxes_that_lost_the_same_cloud_do_not_come_back_in_one_moment():
    waits = {Backoff(lambda d=draw: d).after_failure() for draw in range(256)}
    assert len(waits) > 200


@given(st.lists(st.integers(0, 1 << 20), min_size=1, max_size=12))
def test_a_refused_box_never_hammers_and_never_gives_up(asked):
    backoff = Backoff(lambda: 0)
    for least_ms in asked:
        wait_ms = backoff.after_refusal(least_ms)
        assert max(REFUSED_LEAST_MS, min(least_ms, REFUSED_MOST_MS)) <= wait_ms <= REFUSED_MOST_MS * 2


@pytest.mark.parametrize("case", WIRE["time"]["good"], ids=lambda case: case["name"])
def test_the_time_request_is_the_wires(case):
    nonce = bytes.fromhex(case["nonce"])
    assert build_request(BOX, 1, nonce) == bytes.fromhex(case["request"])
    assert check_answer(bytes.fromhex(case["answer"]), KEY, BOX, nonce, 0) == case["now_s"]


@pytest.mark.parametrize("case", WIRE["time"]["bad"], ids=lambda case: case["name"])
def test_an_answer_that_is_not_the_wires_is_refused(case):
    with pytest.raises(TimeError):
        check_answer(bytes.fromhex(case["answer"]), KEY, BOX, bytes.fromhex(case["nonce"]), 0)


@given(st.binary(max_size=40))
def test_no_answer_raises_but_a_time_error(answer):
    with pytest.raises(TimeError):
        check_answer(answer, KEY, BOX, bytes(8), 0)


def test_a_card_that_never_goes_holds_nothing_up_for_longer_than_the_bound(monkeypatch):
    now_ms = [0]

    async def sleep_ms(ms):
        now_ms[0] += ms

    monkeypatch.setattr(asyncio, "sleep_ms", sleep_ms, raising=False)
    monkeypatch.setattr(time, "ticks_ms", lambda: now_ms[0], raising=False)
    monkeypatch.setattr(time, "ticks_diff", lambda a, b: a - b, raising=False)
    lent = Hooks(*[None] * 12, is_serving=lambda: True)
    asyncio.run(lent.give_way(SERVED_MOST_MS))
    assert SERVED_MOST_MS <= now_ms[0] <= SERVED_MOST_MS + 100
    lent.is_serving = lambda: False
    asyncio.run(lent.give_way(2 * SERVED_MOST_MS))
    assert now_ms[0] <= SERVED_MOST_MS + 100
