"""The outbox: written with its cause, delivered at least once by a real mail server and a real HTTP server,
dropped when its cause is undone in time."""

import asyncio
import json
import threading
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from glovebox.config import Config
from glovebox.errors import Conflict, Invalid, NotFound
from glovebox.keys import create_keyring
from glovebox.messages import service
from glovebox.messages.carriers import make_carriers
from glovebox.messages.delivery import deliver
from glovebox.people import service as people
from glovebox.people.tables import people as people_table
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM, Scope
from sqlalchemy import update
from support_at_once import all_at_once
from support_cloud import HOUR, NOW, Depot
from support_http import answering


class AnyPort(Controller):
    """aiosmtpd's own, on a port the system chooses."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailBox:
    """What the mail server does with each mail: take it, or answer as told."""

    def __init__(self):
        self.answers, self.mails, self.recipients = [], [], []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@pytest.fixture
def mail_box():
    box = MailBox()
    box.server = AnyPort(box, hostname="127.0.0.1", port=0)
    box.server.start()
    box.port = box.server.port
    yield box
    box.server.stop()


@pytest.fixture
def sms_hook():
    """An HTTP server; `statuses` are answered first, then 200."""
    hook = SimpleNamespace(taken=[], statuses=[])

    def answer(_path, headers, body):
        hook.taken.append((headers, json.loads(body)))
        return (hook.statuses.pop(0) if hook.statuses else 200,)

    with answering(answer) as hook.origin:
        yield hook


def mail_config(depot, port, **more):
    values = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
    depot.cloud.config = replace(depot.config, smtp_from="parc@ville.example", **values, **more)
    return make_carriers(depot.cloud.config, depot.cloud.keyring)


def sms_config(depot, hook):
    depot.cloud.config = replace(depot.config, sms_url=f"{hook.origin}/sms", sms_token="secret")
    return make_carriers(depot.cloud.config, depot.cloud.keyring)


def put(depot, key="one", person_id=None, kind="test", facts=None, **options):
    person_id = person_id or depot.anne
    depot.run(lambda tx: service.put(tx, depot.now, person_id, kind, key, facts or {}, **options))


def choose(depot, channel, phone="", person_id=None):
    scope = depot.driver(person_id or depot.anne)
    return depot.run(lambda tx: service.choose(tx, scope, channel, phone))


def give_address(depot, person_id=None, email="anne@ville.example"):
    depot.run(lambda tx: people.change_person(tx, SYSTEM, person_id or depot.anne, email=email))


def give_any_address(depot, email):
    """Past the service, which takes none of these."""
    anne = update(people_table).where(people_table.c.id == depot.anne).values(email=email)
    depot.run(lambda tx: tx.execute(anne))


def send(depot, carriers):
    return asyncio.run(deliver(depot.cloud, carriers))


def states(depot):
    found = depot.read(lambda tx: service.list_deliveries(tx, SYSTEM))
    return [(one.state, one.attempts, one.last_error) for one in reversed(found)]


@pytest.mark.parametrize("address", ["anne@ville.example\r\nBcc: eve@evil.example", "a@b.example\nX: 1"])
def test_an_address_that_would_begin_another_header_is_refused_and_holds_nobody_else_up(
    depot, mail_box, address
):
    give_address(depot)
    give_address(depot, depot.bob, "bob@ville.example")
    give_any_address(depot, address)
    carriers = mail_config(depot, mail_box.port)
    put(depot, "to anne")
    put(depot, "to bob", depot.bob)
    send(depot, carriers)
    assert [mail["to"] for mail in mail_box.mails] == ["bob@ville.example"]
    assert sorted(state for state, _attempts, _error in states(depot)) == ["failed", "sent"]


def test_an_address_with_a_comma_is_one_recipient(depot, mail_box):
    both = "anne@ville.example, eve@evil.example"
    give_any_address(depot, both)
    put(depot)
    send(depot, mail_config(depot, mail_box.port))
    assert all(len(told) == 1 for told in mail_box.recipients)


def test_a_mail_says_in_its_readers_language_what_changed_and_where_to_look(depot, mail_box):
    give_address(depot)
    carriers = mail_config(depot, mail_box.port, public_url="https://cars.example/")
    facts = {"car": "AA-101-AA Renault Clio", "place": "Mairie", "reservation_id": 7}
    facts |= {"starts_at": NOW + HOUR, "ends_at": NOW + 3 * HOUR}
    put(depot, "booked-7", kind="booked_for_you", facts=facts)
    assert send(depot, carriers) == 1
    [mail] = mail_box.mails
    assert (mail["to"], mail["from"]) == ("anne@ville.example", "parc@ville.example")
    assert mail["subject"] == "Un véhicule est réservé pour vous"
    assert mail["message-id"] == "<booked-7@localhost>"
    text = mail.get_content()
    assert "aujourd’hui, de 09:00 à 11:00, Mairie" in text
    assert "https://cars.example/bookings/7" in text
    assert "iCalendar: https://cars.example/bookings/7/booking.ics" in text
    assert states(depot) == [("sent", 1, "")]
    assert send(depot, carriers) == 0
    assert len(mail_box.mails) == 1


def test_the_same_cause_is_told_once(depot):
    put(depot, "same")
    put(depot, "same")
    assert len(states(depot)) == 1


def test_a_message_waits_for_its_time_and_is_dropped_if_its_cause_is_undone_before(depot, mail_box):
    give_address(depot)
    carriers = mail_config(depot, mail_box.port)
    put(depot, "kept", wait_s=30)
    put(depot, "undone", wait_s=30)
    depot.clock.now += 29
    assert send(depot, carriers) == 0
    assert depot.run(lambda tx: service.drop(tx, depot.now, ["undone"]))
    depot.clock.now += 1
    assert send(depot, carriers) == 1
    assert not depot.run(lambda tx: service.drop(tx, depot.now, ["kept"])), "it has left"
    assert [state for state, _, _ in states(depot)] == ["sent", "dropped"]
    assert len(mail_box.mails) == 1


def test_a_server_that_is_away_is_tried_again_ever_more_slowly_and_not_for_ever(sqlite_depot, mail_box):
    depot = sqlite_depot
    give_address(depot)
    carriers = mail_config(depot, mail_box.port)
    mail_box.answers += ["451 try later"] * service.ATTEMPTS
    put(depot)
    waits = []
    for _ in range(service.ATTEMPTS):
        assert send(depot, carriers) == 1
        next_at = depot.rows("SELECT next_at FROM messages")[0][0]
        waits.append(next_at - depot.now)
        assert send(depot, carriers) == 0
        depot.clock.now = next_at
    assert waits[:7] == [60, 120, 240, 480, 960, 1920, 3600]
    assert max(waits[:-1]) == 3600
    assert states(depot) == [("failed", service.ATTEMPTS, "451 try later")]
    assert send(depot, carriers) == 0


def test_an_address_refused_for_good_fails_at_once_and_a_manager_tries_again(depot, mail_box):
    give_address(depot)
    carriers = mail_config(depot, mail_box.port)
    mail_box.answers.append("550 no such user")
    put(depot)
    send(depot, carriers)
    assert states(depot) == [("failed", 1, "550 no such user")]
    number = depot.rows("SELECT id FROM messages")[0][0]
    with pytest.raises(NotFound):
        depot.run(lambda tx: service.retry(tx, depot.now, depot.manager(depot.agglo), number))
    depot.run(lambda tx: service.retry(tx, depot.now, depot.manager(depot.town), number))
    with pytest.raises(Conflict):
        depot.run(lambda tx: service.retry(tx, depot.now, depot.manager(depot.town), number))
    assert send(depot, carriers) == 1
    assert states(depot) == [("sent", 1, "")]


def test_an_sms_carries_its_idempotency_key_and_the_services_token(depot, sms_hook):
    choose(depot, "sms", "+33 6 12-34.56 78")
    carriers = sms_config(depot, sms_hook)
    sms_hook.statuses += [503, 422]
    put(depot, "first")
    assert send(depot, carriers) == 1
    assert states(depot) == [("waiting", 1, "HTTP 503")]
    depot.clock.now += service.FIRST_WAIT_S
    send(depot, carriers)
    assert states(depot) == [("failed", 2, "HTTP 422")]
    put(depot, "second")
    send(depot, carriers)
    headers, body = sms_hook.taken[-1]
    assert (headers["Idempotency-Key"], headers["Authorization"]) == ("second", "Bearer secret")
    assert body == {"id": "second", "to": "+33612345678", "text": body["text"]}
    assert body["text"].startswith("Voici comment Glovebox")
    assert [head["Idempotency-Key"] for head, _ in sms_hook.taken] == ["first", "first", "second"]


def test_a_process_that_ends_between_sending_and_noting_sends_once_more_under_the_same_key(depot, mail_box):
    give_address(depot)
    carriers = mail_config(depot, mail_box.port)
    put(depot, "twice")
    lost = depot.run(lambda tx: service.claim(tx, depot.now, ("mail",)))
    assert [letter.message_key for letter in lost] == ["twice"]
    assert send(depot, carriers) == 0, "the other process has it"
    depot.clock.now += service.CLAIM_S
    assert send(depot, carriers) == 1
    assert states(depot) == [("sent", 2, "")]
    depot.run(lambda tx: service.settle(tx, depot.now, lost[0], "late", is_final=True))
    assert states(depot) == [("sent", 2, "")], "a late answer changes nothing"


def test_two_processes_never_claim_the_same_message(depot):
    give_address(depot)
    for number in range(12):
        put(depot, f"m{number}")
    claimed = []

    def claim():
        for _ in range(4):
            with depot.cloud.store.write() as tx:
                claimed.extend(letter.message_key for letter in service.claim(tx, NOW, ("mail",)))

    assert all_at_once(*[claim] * 3) == [None] * 3
    assert sorted(claimed) == sorted(f"m{number}" for number in range(12))


def test_without_a_way_the_message_stays_on_the_page_and_says_why(depot):
    put(depot, "no address")
    choose(depot, "page", person_id=depot.bob)
    put(depot, "page", person_id=depot.bob)
    give_address(depot, depot.cora, "cora@agglo.example")
    put(depot, "no server", person_id=depot.cora)
    assert send(depot, {}) == 0
    assert states(depot) == [("kept", 0, ""), ("kept", 0, ""), ("kept", 0, "not_set_up")]
    mine = depot.read(lambda tx: service.list_messages(tx, NOW, depot.driver(depot.cora)))
    assert [one.kind for one in mine] == ["test"]


def test_a_person_reads_ones_own_messages_only_and_only_when_they_are_due(depot):
    put(depot, "now")
    put(depot, "soon", wait_s=30)
    put(depot, "bobs", person_id=depot.bob)
    scope = depot.driver(depot.anne)

    def mine(**options):
        return depot.read(lambda tx: service.list_messages(tx, depot.now, scope, **options))

    assert len(mine()) == 1
    depot.run(lambda tx: service.mark_seen(tx, depot.now, scope, 99))
    assert mine(unseen_only=True) == []
    depot.clock.now += 30
    assert len(mine(unseen_only=True)) == 1
    assert len(mine()) == 2
    assert depot.rows("SELECT count(*) FROM messages WHERE seen_at IS NOT NULL") == [(1,)]


@pytest.mark.parametrize(
    ("channel", "phone", "code"),
    [
        ("pigeon", "", "no_such_channel"),
        ("sms", "", "phone_unreadable"),
        ("sms", "0612345678", "phone_unreadable"),
        ("page", "12", "phone_unreadable"),
        ("mail", "", "no_email_on_file"),
    ],
)
def test_a_choice_that_cannot_work_is_refused(sqlite_depot, channel, phone, code):
    with pytest.raises(Invalid) as refused:
        choose(sqlite_depot, channel, phone)
    assert refused.value.code == code


def test_who_books_or_cancels_for_a_colleague_has_him_told_after_the_time_to_undo(depot):
    scope = Scope(depot.town, depot.bob, frozenset({"manager"}), frozenset({depot.town}))

    def cancel(number, by):
        depot.run(lambda tx: reservations.cancel(tx, depot.now, by, number))

    undone = depot.book(depot.anne, scope=scope)
    cancel(undone, scope)
    told = depot.book(depot.anne, scope=scope)
    depot.clock.now += service.UNDO_S
    send(depot, {})
    cancel(told, scope)
    own = depot.book(depot.bob, scope=scope)
    cancel(own, scope)
    rows = depot.rows("SELECT message_key, state FROM messages ORDER BY id")
    assert rows == [
        (f"booked_for_you-{undone}", "dropped"),
        (f"booked_for_you-{told}", "kept"),
        (f"cancelled_for_you-{told}", "waiting"),
    ]


def test_the_api_shows_ones_messages_and_choice_and_managers_the_deliveries(depot):
    put(depot)
    client, depot.scope = depot.web_client, depot.driver(depot.anne)
    assert [one["kind"] for one in client.get("/api/v1/messages").json()] == ["test"]
    assert client.get("/api/v1/message-choice").json() == {"channel": "page", "phone": ""}
    chosen = {"channel": "sms", "phone": "+33612345678"}
    assert client.request("PUT", "/api/v1/message-choice", json=chosen).json() == chosen
    assert client.get("/api/v1/deliveries").json() == []
    send(depot, {})
    depot.scope = depot.manager(depot.town)
    [one] = client.get("/api/v1/deliveries?state=kept").json()
    assert (one["last_error"], one["person_name"]) == ("not_set_up", "Anne Morin")
    assert client.post(f"/api/v1/deliveries/{one['id']}/retry").status_code == 204
    assert client.post(f"/api/v1/deliveries/{one['id']}/retry").status_code == 409


def test_settings_of_mail_and_sms_are_read_from_the_environment_and_a_password_is_never_shown(tmp_path):
    names = {
        "GLOVEBOX_SMTP_HOST": "mail.example",
        "GLOVEBOX_SMTP_PORT": "465",
        "GLOVEBOX_SMTP_SECURITY": "tls",
        "GLOVEBOX_SMTP_PASSWORD": "hidden-1",
        "GLOVEBOX_SMS_URL": "https://sms.example",
        "GLOVEBOX_SMS_TOKEN": "hidden-2",
    }
    config = Config.from_environment(names)
    assert (config.smtp_host, config.smtp_port, config.smtp_security) == ("mail.example", 465, "tls")
    assert set(make_carriers(config, create_keyring(tmp_path / "keys.json"))) == {"mail", "push", "sms"}
    assert "hidden" not in repr(config)
    with pytest.raises(ValueError, match="GLOVEBOX_SMTP_SECURITY"):
        Config.from_environment({"GLOVEBOX_SMTP_SECURITY": "ssl"})


def test_a_running_server_delivers_by_itself_and_goes_on_after_a_restart(tmp_path, mail_box):
    from glovebox.serving import Server

    settings = {"smtp_host": "127.0.0.1", "smtp_port": mail_box.port, "smtp_security": "none"}
    depot = Depot(tmp_path / "cloud", f"sqlite:///{tmp_path / 'served.sqlite'}")
    give_address(depot)
    put(depot, "before-the-start")
    depot.close()
    config = replace(depot.config, web_port=0, box_port=0, **settings)
    server = Server(config, depot.clock)
    server.start()
    try:
        taken = threading.Event()
        for _ in range(600):
            if mail_box.mails:
                break
            taken.wait(0.1)
        assert [mail["message-id"] for mail in mail_box.mails] == ["<before-the-start@localhost>"]
    finally:
        server.stop()


def test_a_message_that_cannot_be_written_is_given_up_in_the_end_and_holds_nobody_else_up(depot, mail_box):
    give_address(depot)
    carriers = mail_config(depot, mail_box.port)
    put(depot, "broken", kind="wait_booked", facts={"starts_at": "soon", "ends_at": "later"})
    put(depot, "whole")
    for _ in range(service.ATTEMPTS):
        send(depot, carriers)
        depot.clock.now += service.LONGEST_WAIT_S
    assert states(depot) == [("failed", service.ATTEMPTS, "TypeError"), ("sent", 1, "")]
