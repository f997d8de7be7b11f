"""What the link must not let through, and how it ends; under the real MicroPython, against a real cloud."""

import struct

import pytest
from support_link import (
    NOW_S,
    Authority,
    Cloud,
    acks,
    answer_all,
    box_to,
    entry,
    full_set,
    greeting,
    tlv,
)
from vectors.wire_cases.envelope import UIDS, badge

FAULT_CERTIFICATE_REFUSED = 12
FAULT_WIFI_MISSING = 20
BADGE = badge(UIDS[0])


# --- what must not get through ---


def test_garbage_and_replayed_truncated_and_forged_envelopes_are_counted_and_change_nothing(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        up = cloud.next_up()
        good = cloud.push(full_set(5, [entry(BADGE, 1)])[0])
        box.expect("authorisations", version=5)
        cloud.next_up(7)
        other = tlv(0x84, struct.pack("<II", 5, 6) + b"\1" + entry(BADGE, 2))
        forged = bytearray(up.down(other, 9))
        forged[-1] ^= 1
        cloud.send_raw(good)  # replayed
        cloud.send_raw(up.down(other, 9)[:-5])  # truncated
        cloud.send_raw(bytes(forged))
        cloud.send_raw(b"")
        cloud.send_raw(b"\x44" * 60)
        cloud.push(tlv(0x82, struct.pack("<I", NOW_S + 5)) + tlv(0x89, b"\0"))  # valid MAC, broken body
        cloud.push(tlv(0x82, struct.pack("<I", NOW_S + 7)))
        assert box.expect("time", now_s=NOW_S + 7)
        box.say("counters")
        told = box.expect("counters")
        assert (told["refused"], told["up"]) == (6, True)
        box.say(f"ask {BADGE.hex()} 100")
        assert box.expect("verdict")["found"] == 1


@pytest.mark.parametrize("nonsense", ["text", b"x" * 8193])
def test_what_is_no_message_of_ours_ends_the_link_and_the_box_comes_again(cloud, authority, nonsense):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up(1)
        cloud.send_raw(nonsense)
        box.expect("link", is_up=False)
        assert cloud.next_up(1)


def test_a_cloud_whose_envelopes_never_verify_is_left(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up(1)
        for _ in range(8):
            cloud.send_raw(b"\x44" * 60)
        box.expect("link", is_up=False)


@pytest.mark.parametrize("case", ["host", "authority", "expired", "not yet"])
def test_a_server_that_cannot_prove_it_is_our_cloud_hears_nothing_from_the_box(authority, tmp_path, case):
    context = {
        "host": lambda: authority.context("elsewhere.example"),
        "authority": lambda: Authority(tmp_path).context(),
        "expired": lambda: authority.context(from_day=-10, to_day=-1),
        "not yet": lambda: authority.context(from_day=5, to_day=9),
    }[case]()
    with Cloud(context) as cloud, box_to(cloud, authority) as box:
        box.expect("fault", code=FAULT_CERTIFICATE_REFUSED)
        box.say("counters")
        assert box.expect("counters")["up"] is False
        assert cloud.received.empty()
        assert "upgrade" not in list(cloud.seen.queue)


def test_a_certificate_renewed_clears_the_fault(authority):
    with Cloud(authority.context(to_day=-1, from_day=-9)) as cloud, box_to(cloud, authority) as box:
        box.expect("fault", code=FAULT_CERTIFICATE_REFUSED)
        cloud.context.load_cert_chain(authority.issue())
        box.expect("fault_cleared", code=FAULT_CERTIFICATE_REFUSED)
        box.expect("link", is_up=True)


# --- time before TLS ---


def test_a_box_without_a_date_asks_for_it_before_it_opens_a_connection(cloud, authority):
    with box_to(cloud, authority, trust=0) as box:
        box.expect("time", now_s=NOW_S)
        box.expect("link", is_up=True)
        assert cloud.seen.get() == "POST /box/v1/time HTTP/1.1"


def test_a_time_that_is_forged_or_of_another_nonce_is_not_taken(cloud, authority):
    old = good = None

    def answer(request: bytes) -> bytes:
        nonlocal old, good
        from support_link import good_time

        good = good_time(request)
        if old is None:
            old = good
            return good[:4] + bytes(16)
        if old is not good and not done:
            done.append(1)
            return old
        return good

    done: list[int] = []
    cloud.time_answer = answer
    with box_to(cloud, authority, trust=0) as box:
        box.expect("link", is_up=True)
        box.say("counters")
        assert box.expect("counters")["refused"] == 2


# --- dead, busy and refusing ---


def test_a_link_that_dies_without_a_word_is_found_by_the_missing_answer(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up(1)
        cloud.answer = lambda up: None
        box.say("write 16 1")
        cloud.next_up(3)
        cloud.answer = answer_all
        box.say("late")
        box.expect("link", is_up=False)
        box.expect("link", is_up=True)
        box.say("counters")
        assert box.expect("counters")["lost"] == 1


def test_a_network_that_goes_ends_the_link_and_is_no_link_found_dead(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        box.say("far")
        box.expect("link", is_up=False)
        box.expect("fault", code=FAULT_WIFI_MISSING)
        box.say("near")
        box.expect("link", is_up=True)
        box.say("counters")
        assert box.expect("counters")["lost"] == 0


def test_a_heartbeat_comes_as_often_as_the_cloud_says(cloud, authority):
    cloud.answer = lambda up: [acks(up) + greeting(heartbeat_s=1)]
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        first = cloud.next_up(1)
        heartbeat = cloud.next_up()
        assert heartbeat.get(1) is None
        assert heartbeat.get(2) is not None
        assert heartbeat.counter > first.counter


def test_a_box_dozes_as_the_cloud_says_or_where_the_battery_wants_it(cloud, authority):
    dozing = tlv(0x8A, struct.pack("<HBB", 60, 1, 0))
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up(1)
        box.say("saving")
        assert box.expect("dozing")["is_dozing"] is True
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up(1)
        box.say("dozing")
        assert box.expect("dozing")["is_dozing"] is False
        cloud.push(dozing + tlv(0x82, struct.pack("<I", NOW_S + 1)))
        box.expect("time", now_s=NOW_S + 1)
        box.say("dozing")
        assert box.expect("dozing")["is_dozing"] is True


@pytest.mark.parametrize("code", [4400, 4401, 4409, 4503])
def test_a_box_that_is_refused_comes_again_later_with_a_counter_of_its_own(cloud, authority, code):
    with box_to(cloud, authority, counter=5000) as _:
        first = cloud.next_up(1)
        assert first.counter == 5001
        cloud.close(code)
        again = cloud.next_up(1)
        assert again.counter > (6000 if code == 4409 else 5001)


def test_a_box_told_to_wait_closes_the_link(cloud, authority):
    cloud.answer = lambda up: [tlv(0x8B, struct.pack("<BH", 1, 0))]
    with box_to(cloud, authority):
        cloud.wait_seen("gone")
        cloud.answer = answer_all
        assert cloud.next_up(1).counter < cloud.next_up(1).counter
