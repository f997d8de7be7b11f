"""Logging in and out, sessions, the limit on tries, changing a password."""

import asyncio

import pytest
from glovebox.accounts import passwords, service
from glovebox.accounts.tables import login_failures, login_sessions
from glovebox.errors import Busy, Invalid
from glovebox.people.tables import people
from sqlalchemy import select, update
from support_web import PASSWORD, Town

RIGHT = {"identifier": "S-100", "password": PASSWORD}
WRONG = {"identifier": "S-100", "password": "not this one at all"}


def log_in(town: Town, fields: dict[str, str], language: str = "en"):
    browser = town.browser(language=language)
    return browser, browser.submit("/login", fields)


@pytest.mark.parametrize("identifier", ["S-100", "driver@example.org", " Driver@Example.ORG "])
def test_staff_number_and_email_both_log_in(town, identifier):
    browser, answer = log_in(town, {**RIGHT, "identifier": identifier})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert "Nadia" in browser.get("/").text


def test_the_cookie_is_unreadable_to_scripts_and_stays_home(town):
    _browser, answer = log_in(town, RIGHT)
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("glovebox="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_the_token_is_nowhere_in_the_database(town):
    browser, _answer = log_in(town, RIGHT)
    token = browser.cookies["glovebox"].encode()
    with town.apps.cloud.store.read() as tx:
        stored = [bytes(row) for row in tx.scalars(select(login_sessions.c.token_hash))]
    assert stored
    assert all(token not in row and row != token for row in stored)


def test_each_login_gets_another_token_than_the_visitor_had(town):
    browser = town.browser()
    browser.get("/login")
    before = browser.cookies["glovebox-visitor"]
    browser.submit("/login", RIGHT)
    assert browser.cookies["glovebox"] != before


@pytest.mark.parametrize("identifier", ["S-100", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_account_look_alike(town, identifier):
    _browser, answer = log_in(town, {**WRONG, "identifier": identifier})
    assert answer.status_code == 403
    assert "Unknown account or wrong password" in answer.text


def test_the_sixth_try_is_refused_even_with_the_right_password_until_a_quarter_of_an_hour_has_passed(town):
    for _ in range(service.LIMIT_ACCOUNT_AT_ADDRESS):
        _browser, answer = log_in(town, WRONG)
        assert answer.status_code == 403
    _browser, answer = log_in(town, RIGHT)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == service.WINDOW_S
    assert "Too many tries" in answer.text
    town.time[0] += service.WINDOW_S
    _browser, answer = log_in(town, RIGHT)
    assert answer.status_code == 303


def test_another_account_may_log_in_from_the_same_address_meanwhile(town):
    for _ in range(service.LIMIT_ACCOUNT_AT_ADDRESS):
        log_in(town, WRONG)
    _browser, answer = log_in(town, {**RIGHT, "identifier": "S-101"})
    assert answer.status_code == 303


def test_a_right_password_forgives_what_was_mistyped_before(town):
    for _ in range(3):
        for _ in range(service.LIMIT_ACCOUNT_AT_ADDRESS - 1):
            assert log_in(town, WRONG)[1].status_code == 403
        assert log_in(town, RIGHT)[1].status_code == 303


def test_one_address_trying_many_accounts_is_refused(town):
    now = town.time[0]
    with town.apps.cloud.store.write() as tx:
        for number in range(service.LIMIT_ADDRESS):
            service.begin_try(tx, now, f"account {number}", "192.0.2.1")
        with pytest.raises(service.TooManyTries):
            service.begin_try(tx, now, "another account", "192.0.2.1")
        service.begin_try(tx, now, "another account", "192.0.2.2")


def test_one_account_tried_from_many_addresses_is_refused(town):
    now = town.time[0]
    with town.apps.cloud.store.write() as tx:
        for number in range(service.LIMIT_ACCOUNT):
            service.begin_try(tx, now, "S-100", f"192.0.2.{number}")
        with pytest.raises(service.TooManyTries):
            service.begin_try(tx, now, "s-100 ", "198.51.100.1")


def guess_from_everywhere(town: Town) -> None:
    """Somebody keeps the account's count full."""
    with town.apps.cloud.store.write() as tx:
        for number in range(service.LIMIT_ACCOUNT):
            service.begin_try(tx, town.time[0], "S-100", f"192.0.2.{number}")


def test_who_guesses_from_everywhere_does_not_lock_out_a_browser_that_has_been_in_before(town):
    browser, _answer = log_in(town, RIGHT)
    browser.submit("/logout")
    guess_from_everywhere(town)
    assert log_in(town, RIGHT)[1].status_code == 429
    assert browser.submit("/login", RIGHT).status_code == 303


def test_a_browser_that_has_been_in_before_has_five_tries_too_and_for_that_account_alone(town):
    browser, _answer = log_in(town, RIGHT)
    browser.submit("/logout")
    guess_from_everywhere(town)
    answers = [browser.submit("/login", WRONG).status_code for _ in range(6)]
    assert answers == [403] * 5 + [429]
    with town.apps.cloud.store.write() as tx:
        for number in range(service.LIMIT_ACCOUNT):
            service.begin_try(tx, town.time[0], "S-101", f"192.0.2.{number}")
    assert browser.submit("/login", {**RIGHT, "identifier": "S-101"}).status_code == 429


@pytest.mark.parametrize("made_up", ["x", "x.y", ".", "a." + "0" * 64])
def test_a_made_up_proof_of_having_been_in_before_counts_for_nothing(town, made_up):
    guess_from_everywhere(town)
    browser = town.browser()
    browser.get("/login")
    browser.cookies.set("glovebox-device", made_up, domain="glovebox.test")
    assert browser.submit("/login", RIGHT).status_code == 429


def test_a_login_takes_no_token_that_was_laid_down_before_it_and_ends_the_session_it_came_with(town):
    browser = town.browser()
    token = browser.form_token("/login")
    fields = {"form_token": token, **RIGHT}
    browser.cookies.set("glovebox", "chosen by another", domain="glovebox.test")
    assert browser.post("/login", data=fields).status_code == 303
    planted = town.browser()
    planted.cookies.set("glovebox", "chosen by another", domain="glovebox.test")
    assert planted.get("/account").status_code == 303
    first, _answer = log_in(town, RIGHT)
    former = first.cookies["glovebox"]
    assert first.post("/api/v1/session", json=RIGHT).status_code == 204
    assert first.cookies["glovebox"] != former
    again = town.browser()
    again.cookies.set("glovebox", former, domain="glovebox.test")
    assert again.get("/account").status_code == 303


def test_an_unknown_account_is_answered_as_a_wrong_password_is_and_costs_as_many_checks(town, monkeypatch):
    """Said without a clock: the sentence, the status, the headers, and one look at a hash each."""
    told = {}
    hasher, looks = passwords._hasher, []

    class Counting:
        def verify(self, *arguments):
            looks.append(1)
            return hasher.verify(*arguments)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    for who in ("S-100", "nobody"):
        looks.clear()
        _browser, answer = log_in(town, {**WRONG, "identifier": who})
        text = answer.text.replace(who, "")
        text = "".join(line for line in text.splitlines() if "form_token" not in line)
        told[who] = (answer.status_code, text, sorted(answer.headers), len(looks))
    assert told["S-100"] == told["nobody"]


def test_sessions_and_tries_outlive_the_server(town):
    from glovebox.app import create_app

    browser, _answer = log_in(town, RIGHT)
    for _ in range(service.LIMIT_ACCOUNT_AT_ADDRESS):
        log_in(town, {**WRONG, "identifier": "S-101"})
    cookie = browser.cookies["glovebox"]
    config = town.apps.cloud.config
    town.apps.cloud.close()
    town.apps = create_app(config, clock=lambda: float(town.time[0]))
    restarted = town.browser()
    restarted.cookies.set("glovebox", cookie, domain="glovebox.test")
    assert restarted.get("/account").status_code == 200
    assert log_in(town, {**RIGHT, "identifier": "S-101"})[1].status_code == 429


def test_old_failures_leave_the_table(town):
    with town.apps.cloud.store.write() as tx:
        service.begin_try(tx, 1_000, "a", "b")
        service.begin_try(tx, 1_000 + service.WINDOW_S, "c", "d")
        assert len(tx.execute(select(login_failures)).all()) == 3


def test_the_same_staff_number_in_two_bodies_logs_each_into_his_own(town):
    other = passwords.hash_password("another body's password")
    with town.apps.cloud.store.write() as tx:
        tx.execute(update(people).where(people.c.id == town.person["guest"]).values(staff_number="S-100"))
        service.set_password(tx, town.time[0], town.person["guest"], other)
    browser, answer = log_in(town, {"identifier": "S-100", "password": "another body's password"})
    assert answer.status_code == 303
    assert "Marc" in browser.get("/").text
    browser, _answer = log_in(town, RIGHT)
    assert "Nadia" in browser.get("/").text


def test_the_same_staff_number_with_the_same_first_password_logs_nobody_into_anothers_account(town):
    same = passwords.hash_password(RIGHT["password"])
    with town.apps.cloud.store.write() as tx:
        tx.execute(update(people).where(people.c.id == town.person["guest"]).values(staff_number="S-100"))
        service.set_password(tx, town.time[0], town.person["guest"], same)
    browser, answer = log_in(town, {**RIGHT, "identifier": "S-100"})
    assert answer.status_code == 403
    assert "Log in with your e-mail address." in answer.text
    assert browser.get("/api/v1/session").status_code == 401


def test_a_session_ends_when_idle_and_lives_on_while_used(town):
    browser, _answer = log_in(town, RIGHT)
    for _ in range(3):
        town.time[0] += service.DRIVER_IDLE_S - 1
        assert browser.get("/").status_code == 200
    town.time[0] += service.DRIVER_IDLE_S
    assert browser.get("/").headers["location"] == "/login?next=/"


def test_a_session_ends_after_its_longest_life_however_much_it_is_used(town):
    browser, _answer = log_in(town, RIGHT)
    start = town.time[0]
    while town.time[0] < start + service.DRIVER_LONGEST_S - service.DRIVER_IDLE_S:
        town.time[0] += service.DRIVER_IDLE_S - 1
        assert browser.get("/").status_code == 200
    town.time[0] = start + service.DRIVER_LONGEST_S
    assert browser.get("/").status_code == 303


def test_a_managers_session_ends_sooner_than_a_drivers(town):
    browser, _answer = log_in(town, {**RIGHT, "identifier": "S-001"})
    town.time[0] += service.CONSOLE_IDLE_S - 1
    assert browser.get("/console").status_code == 200
    town.time[0] += service.CONSOLE_IDLE_S
    assert browser.get("/console").status_code == 303


def test_logging_out_ends_the_session_on_the_server_too(town):
    browser, _answer = log_in(town, RIGHT)
    token = browser.cookies["glovebox"]
    assert browser.submit("/logout").headers["location"] == "/login?said=logged_out"
    browser.cookies.set("glovebox", token, domain="glovebox.test")
    assert browser.get("/").status_code == 303


def test_somebody_who_left_is_logged_out_at_once(town):
    browser, _answer = log_in(town, RIGHT)
    with town.apps.cloud.store.write() as tx:
        tx.execute(update(people).where(people.c.id == town.person["driver"]).values(is_active=0))
    assert browser.get("/").status_code == 303
    assert log_in(town, RIGHT)[1].status_code == 403


def test_changing_the_password_keeps_this_device_and_logs_out_the_others(town):
    here, _answer = log_in(town, RIGHT)
    there, _answer = log_in(town, RIGHT)
    fields = {"present": PASSWORD, "new": "a new long sentence", "again": "a new long sentence"}
    assert here.submit("/account/password", fields).headers["location"] == "/account?said=password"
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 303
    assert log_in(town, RIGHT)[1].status_code == 403
    assert log_in(town, {**RIGHT, "password": "a new long sentence"})[1].status_code == 303


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"present": "wrong", "new": "a new long sentence", "again": "a new long sentence"},
            "wrong password",
        ),
        ({"present": PASSWORD, "new": "short", "again": "short"}, "10 to 200 characters"),
        ({"present": PASSWORD, "new": "a new long sentence", "again": "another"}, "differ"),
    ],
)
def test_a_password_change_that_is_refused_says_why(town, fields, sentence):
    browser, _answer = log_in(town, RIGHT)
    answer = browser.submit("/account/password", fields)
    assert answer.status_code in (403, 422)
    assert sentence in answer.text
    assert log_in(town, RIGHT)[1].status_code == 303


def test_guessing_the_present_password_in_a_stolen_session_is_limited(town):
    browser, _answer = log_in(town, RIGHT)
    fields = {"present": "wrong", "new": "a new long sentence", "again": "a new long sentence"}
    answers = [browser.submit("/account/password", fields).status_code for _ in range(6)]
    assert answers == [403] * 5 + [429]


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("/bookings?from=20", "/bookings?from=20"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nset-cookie: x", "/"),
    ],
)
def test_the_login_leads_on_only_to_our_own_pages(town, target, allowed):
    _browser, answer = log_in(town, {**RIGHT, "next": target})
    location = answer.headers["location"]
    assert location == allowed or (allowed == "/" and not location.startswith(("//", "/\\", "http")))
    assert "set-cookie: x" not in location or "\n" not in location


def test_passwords_out_of_bounds_are_refused_before_any_hashing():
    for password in ("x" * 9, "x" * 201):
        with pytest.raises(Invalid):
            passwords.hash_password(password)


def test_the_password_queue_is_bounded():
    async def fill() -> int:
        queue = passwords.PasswordQueue()
        wanted = passwords.CHECKS_AT_ONCE + passwords.CHECKS_WAITING + 3
        results = await asyncio.gather(
            *(queue.verify("x" * 300, None) for _ in range(wanted)), return_exceptions=True
        )
        return sum(isinstance(result, Busy) for result in results)

    assert asyncio.run(fill()) == 3


def test_the_json_login_answers_who_one_is_and_logs_out(town):
    browser = town.browser()
    assert browser.get("/api/v1/session").status_code == 401
    assert browser.post("/api/v1/session", json=WRONG).status_code == 403
    assert browser.post("/api/v1/session", json=RIGHT).status_code == 204
    me = browser.get("/api/v1/session").json()
    assert (me["name"], me["roles"]) == ("Nadia Le Goff", ["driver"])
    assert browser.delete("/api/v1/session").status_code == 204
    assert browser.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}],
)
def test_the_json_api_refuses_what_another_sites_page_sends(town, headers):
    browser = town.browser("driver")
    wanted = {"vehicle_id": town.car["GB-202-NZ"], "starts_at": town.time[0], "ends_at": town.time[0] + 3600}
    answer = browser.post("/api/v1/reservations", json=wanted, headers=headers)
    assert answer.status_code == 403
    assert browser.post("/api/v1/reservations", json=wanted).status_code == 201
