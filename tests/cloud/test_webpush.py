"""Messages to devices by web push: the RFC's own example, a push service of one's own that decrypts as a
browser does, and addresses that must never be called."""

from email.utils import formatdate

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from glovebox.accounts import service as accounts
from glovebox.blocks import service as blocks
from glovebox.errors import Conflict, Invalid, NotFound
from glovebox.keys import create_keyring, load_keyring
from glovebox.messages import service, subscriptions, webpush
from glovebox.messages.push import LIFE_S
from glovebox.people import service as people
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from support_cloud import DAY, HOUR
from support_push import Browser, from64, to64
from support_push_depot import add, choice, devices, put, send, states, subscribe

# RFC 8291, appendix A.
VECTOR = {
    "text": b"When I grow up, I want to be a watermelon",
    "sender": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    "receiver": "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    "salt": "DGv6ra1nlYgDCS1FRnbzlw",
    "body": "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
}


def private(text):
    return ec.derive_private_key(int.from_bytes(from64(text), "big"), ec.SECP256R1())


def test_the_example_of_rfc_8291_is_met_byte_for_byte_and_read_again():
    receiver = Browser(private(VECTOR["receiver"]), from64(VECTOR["auth"]))
    sender, salt = private(VECTOR["sender"]), from64(VECTOR["salt"])
    body = webpush.encrypt(VECTOR["text"], receiver.public, receiver.auth, sender, salt)
    assert to64(body) == VECTOR["body"]
    assert receiver.read(body) == VECTOR["text"]


def test_each_message_has_a_key_and_a_salt_of_its_own_and_none_is_too_long():
    receiver = Browser()
    one, other = (webpush.encrypt(b"same", receiver.public, receiver.auth) for _ in range(2))
    assert one[:16] != other[:16]
    assert one[21:86] != other[21:86]
    assert len(webpush.encrypt(b"x" * webpush.LARGEST_TEXT, receiver.public, receiver.auth)) == 4096
    with pytest.raises(ValueError, match="too long"):
        webpush.encrypt(b"x" * (webpush.LARGEST_TEXT + 1), receiver.public, receiver.auth)


def test_the_deployments_key_is_the_same_after_a_restart_and_another_one_elsewhere(sqlite_depot, tmp_path):
    def public(keyring):
        return webpush.point_of(keyring.push_key())

    again = load_keyring(sqlite_depot.config.key_path)
    assert public(again) == public(sqlite_depot.cloud.keyring)
    assert public(create_keyring(tmp_path / "other.json")) != public(again)


def test_every_device_shows_a_message_in_its_readers_words_and_where_it_leads(depot, push):
    subscribe(depot, push, "phone")
    subscribe(depot, push, "desk")
    assert choice(depot) == "push"
    facts = {"car": "AA-101-AA", "place": "Mairie", "reservation_id": 7}
    facts |= {"starts_at": depot.now + HOUR, "ends_at": depot.now + 3 * HOUR}
    put(depot, "booked-7", kind="booked_for_you", facts=facts)
    assert send(depot) == 1
    assert sorted(name for name, _headers, _shown in push.taken) == ["desk", "phone"]
    for _name, headers, shown in push.taken:
        assert set(shown) == {"title", "body", "lang", "path", "tag"}
        assert shown["title"] == "Un véhicule est réservé pour vous"
        assert "aujourd’hui, de 09:00 à 11:00, Mairie" in shown["body"]
        assert (shown["path"], shown["lang"]) == ("/bookings/7", "fr")
        assert (headers["TTL"], headers["Urgency"]) == (str(3 * HOUR), "normal")
        assert shown["tag"] == headers["Topic"]
    assert states(depot) == [("sent", "push", 1, "")]
    assert push.keys == {to64(webpush.point_of(depot.cloud.keyring.push_key()))}
    assert [one.last_taken_at for one in devices(depot)] == [depot.now, depot.now]
    assert send(depot) == 0
    assert len(push.taken) == 2


@pytest.mark.parametrize("status", [404, 410])
def test_a_device_that_is_gone_is_removed_and_the_message_goes_the_way_that_is_left(depot, push, status):
    depot.run(lambda tx: people.change_person(tx, SYSTEM, depot.anne, email="anne@ville.example"))
    subscribe(depot, push, "phone")
    push.answers["phone"] = [(status, {})]
    put(depot)
    send(depot)
    assert devices(depot) == []
    assert choice(depot) == "mail"
    assert states(depot) == [("waiting", "push", 1, "no_device")]
    depot.clock.now += service.FIRST_WAIT_S
    send(depot)
    assert states(depot) == [("kept", "mail", 1, "not_set_up")], "no mail server here"


def test_one_device_is_gone_and_the_other_has_it(depot, push):
    subscribe(depot, push, "phone")
    subscribe(depot, push, "desk")
    push.answers["phone"] = [(410, {})]
    put(depot)
    send(depot)
    assert [name for name, _headers, _shown in push.taken] == ["desk"]
    assert states(depot) == [("sent", "push", 1, "")]
    assert len(devices(depot)) == 1
    assert choice(depot) == "push"


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "a date"])
def test_a_service_that_is_too_busy_is_not_asked_before_it_said(depot, push, as_date):
    subscribe(depot, push, "phone")
    later = formatdate(depot.now + 900, usegmt=True) if as_date else "900"
    push.answers["phone"] = [(429, {"Retry-After": later}), (503, {})]
    put(depot)
    send(depot)
    assert states(depot) == [("waiting", "push", 1, "HTTP 429")]
    depot.clock.now += 899
    assert send(depot) == 0
    depot.clock.now += 1
    assert send(depot) == 1
    assert depot.rows("SELECT next_at FROM messages") == [(depot.now + 2 * service.FIRST_WAIT_S,)]
    depot.clock.now += 2 * service.FIRST_WAIT_S
    send(depot)
    assert states(depot) == [("sent", "push", 3, "")]


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e9", "²", "99999999999999999999", "Fri, 99 Foo 2026"])
def test_a_retry_after_that_is_nonsense_delays_by_a_day_at_most(sqlite_depot, sqlite_push, text):
    subscribe(sqlite_depot, sqlite_push, "phone")
    sqlite_push.answers["phone"] = [(429, {"Retry-After": text.encode().decode("latin-1")})]
    put(sqlite_depot)
    send(sqlite_depot)
    [(next_at,)] = sqlite_depot.rows("SELECT next_at FROM messages")
    assert service.FIRST_WAIT_S <= next_at - sqlite_depot.now <= DAY


def test_a_device_that_has_the_message_is_not_sent_it_again_while_another_waits(depot, push):
    subscribe(depot, push, "phone")
    subscribe(depot, push, "desk")
    push.answers["phone"] = [(503, {}), (503, {})]
    put(depot)
    for _ in range(3):
        send(depot)
        depot.clock.now += HOUR
    assert [name for name, _headers, _shown in push.taken] == ["desk", "phone"]
    assert states(depot) == [("sent", "push", 3, "")]
    assert depot.rows("SELECT * FROM push_receipts") == []


def test_a_message_that_one_device_has_is_sent_though_the_other_never_takes_it(sqlite_depot, sqlite_push):
    depot, push = sqlite_depot, sqlite_push
    subscribe(depot, push, "phone")
    subscribe(depot, push, "desk")
    push.answers["phone"] = [(500, {})] * service.ATTEMPTS
    put(depot, facts={"ends_at": depot.now + 30 * DAY})
    for _ in range(service.ATTEMPTS):
        send(depot)
        depot.clock.now += HOUR
    assert states(depot) == [("sent", "push", service.ATTEMPTS, "HTTP 500")]
    assert [(one.last_taken_at is None, one.last_refusal) for one in devices(depot)] == [
        (True, "HTTP 500"),
        (False, ""),
    ]


def test_a_device_that_leaves_while_it_alone_waits_leaves_the_message_sent(depot, push):
    subscribe(depot, push, "phone")
    subscribe(depot, push, "desk")
    push.answers["phone"] = [(503, {})]
    put(depot)
    send(depot)
    scope, phone = depot.driver(depot.anne), devices(depot)[0].id
    depot.run(lambda tx: subscriptions.remove_device(tx, scope, phone))
    depot.clock.now += HOUR
    send(depot)
    assert states(depot)[0][:2] == ("sent", "push")
    assert len(push.taken) == 1


def test_what_a_service_refuses_for_good_fails_at_once_and_stands_with_the_device(depot, push):
    subscribe(depot, push, "phone")
    push.answers["phone"] = [(413, {})]
    put(depot)
    send(depot)
    assert states(depot) == [("failed", "push", 1, "HTTP 413")]
    [one] = devices(depot)
    assert (one.last_refused_at, one.last_refusal) == (depot.now, "HTTP 413")


def test_what_is_of_no_use_any_more_is_not_sent_and_nothing_is_held_beyond_its_use(depot, push):
    subscribe(depot, push, "phone")
    put(depot, "late", facts={"ends_at": depot.now})
    put(depot, "offer", kind="test", facts={"until": depot.now + 600, "ends_at": depot.now + DAY})
    put(depot, "far", facts={"ends_at": depot.now + 90 * DAY})
    put(depot, "timeless")
    send(depot)
    assert [headers["TTL"] for _name, headers, _shown in push.taken] == ["600", str(LIFE_S), str(LIFE_S)]
    assert states(depot)[0] == ("failed", "push", 1, "expired")


def test_the_longest_message_is_cut_to_what_a_screen_shows_and_fits(sqlite_depot, sqlite_push):
    subscribe(sqlite_depot, sqlite_push, "phone")
    facts = {"car": "\U0001f697" * 400, "starts_at": 1, "ends_at": sqlite_depot.now + 60, "place": "x"}
    put(sqlite_depot, kind="booked_for_you", facts=facts)
    send(sqlite_depot)
    [(_name, _headers, shown)] = sqlite_push.taken
    assert len(shown["body"]) <= 500


def test_rehousing_reaches_by_push_who_chose_it_and_wakes_the_phone(depot, push):
    subscribe(depot, push, "phone")
    number = depot.book(depot.anne, vehicle_id=depot.car)
    where = (depot.car, "workshop", depot.now, None)
    depot.run(lambda tx: blocks.add_block(tx, depot.now, SYSTEM, *where))
    depot.clock.now += service.UNDO_S
    depot.run(lambda tx: apply_rules(tx, depot.now))
    depot.clock.now += service.UNDO_S
    send(depot)
    told = depot.rows("SELECT kind FROM messages WHERE kind LIKE 'rehouse%' AND state = 'sent'")
    assert len(told) == 1
    assert ("high", f"/bookings/{number}") in [
        (headers["Urgency"], shown["path"]) for _name, headers, shown in push.taken
    ]


def test_somebody_who_may_no_longer_drive_is_shown_nothing(depot, push):
    subscribe(depot, push, "phone")
    depot.run(lambda tx: people.change_person(tx, SYSTEM, depot.anne, is_active=False))
    put(depot)
    send(depot)
    assert push.taken == []
    assert states(depot) == [("kept", "push", 0, "no_device")]


def test_a_browser_belongs_to_who_used_it_last(depot, push):
    asked = push.subscribe("shared-desk")
    add(depot, asked["endpoint"], depot.anne, **asked["keys"])
    add(depot, asked["endpoint"], depot.bob, **asked["keys"])
    assert devices(depot) == []
    assert choice(depot) == "page"
    assert len(devices(depot, depot.bob)) == 1


def test_a_browser_is_renewed_in_its_place_and_a_sixth_is_refused(sqlite_depot, sqlite_push):
    for number in range(subscriptions.MAX_DEVICES):
        subscribe(sqlite_depot, sqlite_push, f"d{number}")
    subscribe(sqlite_depot, sqlite_push, "d0")
    with pytest.raises(Conflict) as refused:
        subscribe(sqlite_depot, sqlite_push, "sixth")
    assert (refused.value.code, refused.value.values) == ("too_many_devices", {"limit": 5})
    assert len(devices(sqlite_depot)) == 5


def test_the_last_device_removed_leaves_mail_or_the_page_and_keeps_the_number(depot, push):
    scope = depot.driver(depot.anne)
    depot.run(lambda tx: service.choose(tx, scope, "sms", "+33612345678"))
    one = subscribe(depot, push, "phone")
    with pytest.raises(NotFound):
        depot.run(lambda tx: subscriptions.remove_device(tx, depot.driver(depot.bob), one.id))
    depot.run(lambda tx: subscriptions.remove_device(tx, scope, one.id))
    chosen = depot.read(lambda tx: service.get_choice(tx, scope))
    assert (chosen.channel, chosen.phone) == ("page", "+33612345678")
    with pytest.raises(Invalid) as refused:
        depot.run(lambda tx: service.choose(tx, scope, "push"))
    assert refused.value.code == "no_device"


def test_who_logs_all_devices_out_has_none_show_messages(depot, push):
    subscribe(depot, push, "lost-phone")
    subscribe(depot, push, "bobs", depot.bob)
    depot.run(lambda tx: accounts.end_other_sessions(tx, depot.anne, None))
    assert (len(devices(depot)), len(devices(depot, depot.bob))) == (0, 1)
