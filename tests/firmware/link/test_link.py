"""The link under the real MicroPython, against a real TLS WebSocket server: what goes up and comes down."""

import struct

import pytest
from support_link import (
    NOW_S,
    Cloud,
    Up,
    acks,
    answer_all,
    box_to,
    entry,
    full_set,
    greeting,
    sequences,
    tlv,
)
from vectors.wire_cases.envelope import UIDS, badge
from vectors.wire_cases.fields import SETTINGS, settings_bytes

FAULT_FLASH_DAMAGED = 14
BADGE = badge(UIDS[0])
PATIENCE_MS = 600_000
HOUR_MS = 3_600_000


# --- coming up ---


def test_the_first_envelope_greets_and_the_box_is_up_when_it_is_answered(cloud, authority):
    with box_to(cloud, authority) as box:
        first = cloud.next_up()
        assert first.fields[0][0] == 1
        protocol, cause, boots, store, settings, version = struct.unpack_from("<BBIIII", first.fields[0][1])
        assert (protocol, cause, boots, store, settings, version) == (1, 1, 7, 0, 0, 0)
        assert first.fields[0][1][18:] == b"0.1.0-test"
        assert first.get(2) == bytes(22)
        assert first.get(6) == b""
        assert first.get(8) == struct.pack("<BI", 5, 3)
        assert [box.expect("wifi")["ssid"] for _ in range(2)] == ["elsewhere", "depot"]
        box.expect("time", now_s=NOW_S)
        box.expect("link", is_up=True)


def test_records_go_up_in_bounded_batches_and_only_what_was_acknowledged_is_not_sent_again(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        box.say("write 16 70")
        box.expect("written", sequence=70)
        got: list[int] = []
        while len(got) < 70:
            batch = sequences(cloud.next_up(3).records(1))
            assert len(batch) <= 32
            got += batch
        assert got == list(range(1, 71))
        box.say("write 32 3")  # telemetry waits for company
        box.expect("written", sequence=3)
        box.say("write 16 1")
        up = cloud.next_up(3)
        assert sequences(up.records(1)) == [71]
        assert sequences(up.records(2)) == [1, 2, 3]
        box.say("write 16 1")
        assert sequences(cloud.next_up(3).records(1)) == [72]
        box.say("acked")
        assert box.expect("acked")["telemetry"] == 3


def test_what_was_not_acknowledged_before_the_link_broke_is_sent_again(cloud, authority):
    cloud.answer = lambda up: [greeting()]
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        box.say("write 16 5")
        assert sequences(cloud.next_up(3).records(1)) == [1, 2, 3, 4, 5]
        cloud.answer = answer_all
        cloud.cut()
        box.expect("link", is_up=False)
        again = cloud.next_up(3)
        assert again.get(1) is not None
        assert sequences(again.records(1)) == [1, 2, 3, 4, 5]


def test_an_acknowledgement_beyond_what_was_sent_or_of_another_epoch_counts_for_no_more(cloud, authority):
    with box_to(cloud, authority) as box:
        box.say("write 16 3")
        up = cloud.next_up(3)
        box.expect("link", is_up=True)
        value = up.get(3)
        assert value is not None
        epoch = struct.unpack_from("<I", value, 1)[0]
        assert epoch >> 16 == 1
        cloud.answer = lambda up: [greeting()]
        box.say("write 16 40")
        cloud.next_up(3)
        cloud.push(tlv(0x81, struct.pack("<BII", 1, epoch + 1, 43)))
        cloud.push(tlv(0x81, struct.pack("<BII", 1, epoch, 43)))
        cloud.push(tlv(0x82, struct.pack("<I", NOW_S + 1)))
        box.expect("time", now_s=NOW_S + 1)
        box.say("acked")
        assert box.expect("acked")["vital"] == 35  # 3, and the batch of 32


def test_a_cloud_that_has_more_than_the_ring_makes_it_go_on_behind(cloud, authority):
    def has_more(up: Up) -> list[bytes]:
        value = up.get(3)
        if value is None:
            return [greeting()]
        return [tlv(0x81, struct.pack("<BII", 1, struct.unpack_from("<I", value, 1)[0], 50)) + greeting()]

    cloud.answer = has_more
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        box.say("write 16 2")
        assert sequences(cloud.next_up(3).records(1)) == [1, 2]
        box.expect("fault", code=FAULT_FLASH_DAMAGED)
        cloud.answer = answer_all
        assert sequences(cloud.next_up(3).records(1)) == [51, 52]


@pytest.mark.parametrize("sequence", [2 + 252 + 1, 2**32 - 1])
def test_an_acknowledgement_of_more_than_a_ring_can_have_lost_changes_nothing_and_is_counted(
    cloud, authority, sequence
):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.answer = lambda up: [greeting()]
        box.say("write 16 2")
        value = cloud.next_up(3).get(3)
        assert value is not None
        epoch = struct.unpack_from("<I", value, 1)[0]
        cloud.push(
            tlv(0x81, struct.pack("<BII", 1, epoch, sequence)) + tlv(0x82, struct.pack("<I", NOW_S + 1))
        )
        box.expect("time", now_s=NOW_S + 1)
        box.say("counters")
        assert box.expect("counters")["refused"] == 1
        cloud.answer = answer_all
        box.say("write 16 1")
        assert sequences(cloud.next_up(3).records(1))[-1] == 3


def test_a_state_that_changes_is_told_at_once_but_not_stillness_voltage_and_time(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up()
        quiet = bytearray(22)
        quiet[2] = quiet[3] = 0x10  # still
        quiet[4:6] = b"\x10\x30"
        quiet[18:22] = b"\1\1\1\1"
        box.say("state " + quiet.hex())
        loud = bytearray(quiet)
        loud[2], loud[3] = 0x11, 0x11
        box.say("state " + loud.hex())
        assert cloud.next_up(2).get(2) == bytes(loud)


# --- what comes down ---


def test_a_delta_is_held_and_the_cloud_hears_so(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up()
        for body in full_set(5, sorted(entry(bytes([n]) * 8, n) for n in range(1, 8)), per_page=3):
            cloud.push(body)
        box.expect("authorisations", version=5, count=7)
        assert cloud.next_up(7).get(7) == struct.pack("<I", 5)
        cloud.push(tlv(0x84, struct.pack("<II", 5, 6) + b"\1" + entry(BADGE, 77)))
        box.expect("authorisations", version=6, count=8)
        assert cloud.next_up(7).get(7) == struct.pack("<I", 6)


def test_a_delta_on_another_base_and_a_set_with_a_wrong_mac_ask_for_the_full_set(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up(1)
        cloud.push(full_set(5, [entry(BADGE, 1)])[0])
        box.expect("authorisations", version=5)
        cloud.push(tlv(0x84, struct.pack("<II", 9, 10) + b"\1" + entry(BADGE, 2)))
        hello = cloud.next_up(1).get(1)
        assert hello is not None
        assert hello[14:18] == bytes(4)
        wrong = bytearray(full_set(8, [entry(BADGE, 3)])[0])
        wrong[-1] ^= 1
        cloud.push(bytes(wrong))
        hello = cloud.next_up(1).get(1)
        assert hello is not None
        assert hello[14:18] == bytes(4)
        cloud.push(full_set(9, [entry(BADGE, 4)])[0])
        box.expect("authorisations", version=9, count=1)


def test_settings_commands_and_their_results(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up()
        settings = struct.pack("<I", 9) + settings_bytes(SETTINGS)
        command = struct.pack("<IBIBI", 77, 3, NOW_S + 60, 2, 0) + "vérification".encode()
        cloud.push(tlv(0x88, settings) + tlv(0x87, command))
        assert box.expect("settings", version=9, early_s=900)["places"][0] == [5, 472735000, -22137000, 150]
        box.expect("command", command_id=77, kind=3, role=2)
        assert cloud.next_up(5).get(5) == struct.pack("<IBB", 77, 1, 17)
        cloud.cut()
        hello = cloud.next_up(1).get(1)
        assert hello is not None
        assert struct.unpack_from("<I", hello, 10)[0] == 9


def test_what_is_to_be_kept_waits_until_the_card_is_served_and_is_told_as_held_only_then(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up(1)
        box.say("card")
        settings = tlv(0x88, struct.pack("<I", 9) + settings_bytes(SETTINGS))
        cloud.push(full_set(5, [entry(BADGE, 1)])[0] + settings)
        for _ in range(5):
            box.expect("gives_way")
        assert not [line for line in box.log if '"authorisations"' in line or '"settings"' in line]
        assert cloud.received.empty()
        box.say("gone")
        box.expect("authorisations", version=5, count=1)
        box.expect("settings", version=9)
        assert cloud.next_up(7).get(7) == struct.pack("<I", 5)


def test_a_result_that_was_not_answered_is_told_again(cloud, authority):
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        cloud.next_up()
        cloud.answer = lambda up: None
        cloud.push(tlv(0x87, struct.pack("<IBIBI", 5, 3, NOW_S + 60, 2, 0)))
        cloud.next_up(5)
        cloud.answer = answer_all
        cloud.cut()
        again = cloud.next_up(5)
        assert again.get(1) is not None
        assert again.get(5) == struct.pack("<IBB", 5, 1, 17)


def test_a_badge_is_asked_about_at_once_and_its_authorisation_is_there_with_the_verdict(cloud, authority):
    def judge(up: Up) -> list[bytes]:
        ask = up.get(4)
        if ask is None:
            return answer_all(up)
        assert ask[1:] == BADGE
        news = full_set(3, [entry(BADGE, 9)])[0]
        return [acks(up) + greeting() + tlv(0x89, bytes([ask[0], 0])) + news]

    cloud.answer = judge
    with box_to(cloud, authority) as box:
        box.expect("link", is_up=True)
        box.say(f"ask {BADGE.hex()} {PATIENCE_MS}")
        box.expect("verdict", verdict=0, found=1)
        cloud.answer = lambda up: [tlv(0x89, bytes([(up.get(4) or b"\0")[0], 2])) + greeting()]
        box.say(f"ask {BADGE.hex()} {PATIENCE_MS}")
        box.expect("verdict", verdict=2)


def test_a_badge_that_asks_before_there_is_a_link_brings_it_up_without_waiting(cloud, authority):
    cloud.answer = lambda up: [greeting() + (tlv(0x89, up.get(4)[:1] + b"\5") if up.get(4) else b"")]
    with box_to(cloud, authority, least_ms=HOUR_MS) as box:
        box.expect("link", is_up=True)
        cloud.close(4503)
        box.expect("link", is_up=False)  # and now it waits for an hour
        box.say(f"ask {BADGE.hex()} {PATIENCE_MS}")
        box.expect("verdict", verdict=5)


def test_a_cloud_restored_from_its_backup_gets_everything_held_again(cloud, authority):
    with box_to(cloud, authority) as box:
        box.say("write 16 40")
        box.say("write 32 20")
        box.expect("link", is_up=True)
        got = 0
        while got < 60:
            up = cloud.next_up(3)
            got += len(up.records(1)) + len(up.records(2))
        cloud.answer = lambda up: [acks(up) + greeting(store_epoch=8)]
        cloud.cut()
        assert struct.unpack_from("<I", cloud.next_up(1).get(1) or b"", 6)[0] == 7  # the store it knows
        vital: list[int] = []
        telemetry: list[int] = []
        while len(vital) < 40 or len(telemetry) < 20:
            up = cloud.next_up(3)
            vital += sequences(up.records(1))
            telemetry += sequences(up.records(2))
        assert vital == list(range(1, 41))
        assert telemetry == list(range(1, 21))
        cloud.cut()
        assert struct.unpack_from("<I", cloud.next_up(1).get(1) or b"", 6)[0] == 8


# --- where no WebSocket gets through ---


def test_without_a_websocket_the_same_goes_by_requests(authority):
    entries = sorted(entry(bytes([n]) * 8, n) for n in range(1, 6))
    pages = full_set(4, entries, per_page=2)

    def answer(up: Up) -> list[bytes]:
        wanted = up.get(9)
        if up.get(1) is not None:
            return [acks(up) + greeting() + pages[0]]
        if wanted is not None:
            version, page = struct.unpack("<IH", wanted)
            assert version == 4
            return [acks(up) + greeting() + pages[page]]
        return [acks(up) + greeting()]

    with (
        Cloud(authority.context(), with_websocket=False, answer=answer) as cloud,
        box_to(cloud, authority) as box,
    ):
        box.say("write 16 40")
        box.expect("link", is_up=True)
        box.expect("authorisations", version=4, count=5)
        got: list[int] = []
        while len(got) < 40:
            got += sequences(cloud.next_up(3).records(1))
        assert got == list(range(1, 41))
        assert cloud.seen.get() == "GET /box/v1/link HTTP/1.1"


@pytest.mark.parametrize("status", [400, 401, 409, 413, 503])
def test_a_refusal_by_http_is_no_answer(authority, status):
    with (
        Cloud(authority.context(), with_websocket=False, http_status=status) as cloud,
        box_to(cloud, authority) as box,
    ):
        cloud.wait_seen("POST /box/v1/sync HTTP/1.1")
        cloud.wait_seen("POST /box/v1/sync HTTP/1.1")
        cloud.http_status = 200
        box.expect("link", is_up=True)


# --- memory ---


def test_the_link_lives_in_a_small_heap(cloud, authority):
    """The flash in memory and the programs' bytecode, which the board runs in place, are not counted."""
    with box_to(cloud, authority, heap="420k") as box:
        box.expect("link", is_up=True)
        for body in full_set(5, sorted(entry(struct.pack(">Q", n), n) for n in range(400))):
            cloud.push(body)
        box.expect("authorisations", version=5, count=400)
        for round_number in range(1, 6):
            box.say("write 16 40")
            box.expect("written", sequence=40 * round_number)
        got = 0
        while got < 200:
            got += len(cloud.next_up(3).records(1))
        acked = 0
        while acked < 200:  # until no batch is under way
            box.say("acked")
            acked = box.expect("acked")["vital"]
        box.say("heap")
        used = box.expect("heap")["used"]
        assert used < 30_000, used  # words here are twice the board's
