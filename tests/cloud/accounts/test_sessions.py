"""Where one is logged in: listed, ended one by one or all at once, by oneself and by who keeps people; first
passwords that end."""

import re

from glovebox.accounts import service
from glovebox.accounts.members import FIRST_PASSWORD_S
from glovebox.audit.tables import audit_lines
from sqlalchemy import select
from support_web import PASSWORD

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"
RIGHT = {"identifier": "S-100", "password": PASSWORD}
WORDS = "a sentence of my own"


def log_in(town, agent="", fields=RIGHT, language="en"):
    browser = town.browser(language=language)
    browser.headers["user-agent"] = agent
    answer = browser.submit("/login", fields)
    assert answer.status_code == 303
    return browser


def is_in(browser):
    return browser.get("/api/v1/session").status_code == 200


def test_the_page_lists_each_device_and_ends_the_one_that_is_chosen(town):
    here, phone, other = log_in(town, FIREFOX), log_in(town, SAFARI), log_in(town)
    text = here.get("/account").text
    assert text.count("/end") == 2  # not this one: that is what logging out is for
    assert "Firefox" in text
    assert "iPhone" in text
    assert text.index("Firefox") < text.index("iPhone")
    (number,) = [one["id"] for one in here.get("/api/v1/sessions").json() if one["system"] == "iPhone"]
    assert here.submit(f"/account/sessions/{number}/end").status_code == 303
    assert [is_in(browser) for browser in (here, phone, other)] == [True, False, True]
    assert "iPhone" not in here.get("/account").text


def test_the_list_has_since_when_and_when_last_seen_and_nothing_that_lets_anybody_in(town):
    here = log_in(town, FIREFOX)
    town.time[0] += 600
    phone = log_in(town, SAFARI)
    town.time[0] += 1_200
    assert is_in(phone)
    (mine, other) = here.get("/api/v1/sessions").json()
    assert mine["is_this"]
    assert (mine["browser"], mine["system"]) == ("Firefox", "Windows")
    assert not other["is_this"]
    assert (other["started_at"], other["last_seen_at"]) == (town.time[0] - 1_200, town.time[0])
    names = {"id", "browser", "system", "started_at", "last_seen_at", "is_this"}
    assert set(mine) == set(other) == names


def test_what_was_idle_for_too_long_is_not_listed(town):
    log_in(town, SAFARI)
    town.time[0] += service.DRIVER_IDLE_S
    here = log_in(town, FIREFOX)
    assert [one["browser"] for one in here.get("/api/v1/sessions").json()] == ["Firefox"]


def test_a_long_list_comes_in_parts_with_this_one_first(town):
    here = log_in(town, FIREFOX)
    for _ in range(3):
        town.time[0] += 1
        town.browser("driver")
    parts = [here.get(f"/api/v1/sessions?limit=2&offset={at}").json() for at in (0, 2, 4)]
    assert [len(part) for part in parts][:2] == [2, 2]
    assert parts[0][0]["is_this"]
    assert len({one["id"] for part in parts for one in part}) == sum(map(len, parts)) >= 4


def test_nobody_ends_anothers_session_by_its_number(town):
    here, manager = log_in(town), town.browser("manager")
    (session,) = here.get("/api/v1/sessions").json()
    assert manager.delete(f"/api/v1/sessions/{session['id']}").status_code == 404
    assert manager.submit(f"/account/sessions/{session['id']}/end").status_code == 404
    assert is_in(here)


def test_the_api_ends_one_and_all_others(town):
    here, first, second = log_in(town), log_in(town, SAFARI), log_in(town)
    (number,) = [one["id"] for one in here.get("/api/v1/sessions").json() if one["system"] == "iPhone"]
    assert here.delete(f"/api/v1/sessions/{number}").status_code == 204
    assert [is_in(browser) for browser in (here, first, second)] == [True, False, True]
    assert here.delete("/api/v1/sessions").status_code == 204
    assert [is_in(browser) for browser in (here, second)] == [True, False]


def test_a_manager_logs_a_person_out_everywhere_and_that_is_noted(town):
    person = town.person["driver"]
    for send in ("page", "api"):
        driver, manager = log_in(town), town.browser("manager")
        if send == "page":
            assert "Log this person out everywhere" in manager.get(f"/console/people/{person}").text
            assert manager.submit(f"/console/people/{person}/sessions").status_code == 303
        else:
            assert manager.delete(f"/api/v1/people/{person}/sessions").status_code == 204
        assert not is_in(driver)
    with town.apps.cloud.store.read() as tx:
        noted = tx.scalars(select(audit_lines.c.action)).all()
    assert noted.count("sessions ended") == 2


def first_password(town, name="driver"):
    """What the manager's page shows."""
    text = town.browser("manager").submit(f"/console/people/{town.person[name]}/login").text
    return text, re.search(r'class="secret">([a-z2-7-]+)<', text)[1]


def test_a_first_password_ends_after_three_days_and_the_page_that_makes_it_says_so(town):
    text, password = first_password(town)
    assert "this one works until" in text
    fields = {"identifier": "S-100", "password": password}
    town.time[0] += FIRST_PASSWORD_S
    for language, sentence in (("en", "no longer good"), ("fr", "n’est plus valable")):
        answer = town.browser(language=language).submit("/login", fields)
        assert answer.status_code == 403
        assert sentence in answer.text
    said = town.browser().post("/api/v1/session", json=fields)
    assert (said.status_code, said.json()["code"]) == (403, "first_password_ended")


def test_who_comes_in_with_a_first_password_is_asked_for_an_own_one_which_does_not_end(town):
    _text, password = first_password(town)
    fields = {"identifier": "S-100", "password": password}
    town.time[0] += FIRST_PASSWORD_S - 1
    browser = town.browser()
    answer = browser.submit("/login", {**fields, "next": "/bookings"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "You have a first password. It works until" in browser.get("/account").text
    change = {"present": password, "new": WORDS, "again": WORDS}
    assert browser.submit("/account/password", change).status_code == 303
    assert "first password" not in browser.get("/account").text
    town.time[0] += 2 * FIRST_PASSWORD_S
    log_in(town, fields={"identifier": "S-100", "password": WORDS})


def test_the_api_tells_until_when_a_first_password_is_good(town):
    answer = town.browser("manager").post(f"/api/v1/people/{town.person['driver']}/first-password")
    assert answer.json()["ends_at"] == town.time[0] + FIRST_PASSWORD_S


def test_a_program_changes_its_owners_password_with_the_present_one_and_stays_logged_in_alone(town):
    here, there = log_in(town, FIREFOX), log_in(town, SAFARI)
    address = "/api/v1/session/password"
    assert (
        here.put(address, json={"present": "not this one", "new": WORDS}).json()["code"] == "wrong_password"
    )
    assert here.put(address, json={"present": PASSWORD, "new": "short"}).status_code == 422
    assert is_in(there)
    assert here.put(address, json={"present": PASSWORD, "new": WORDS}).status_code == 204
    assert (is_in(here), is_in(there)) == (True, False)
    log_in(town, fields={**RIGHT, "password": WORDS})


def test_a_program_that_guesses_the_present_password_is_counted_like_a_login(town):
    here, address = log_in(town), "/api/v1/session/password"
    wrong = {"present": "not this one", "new": WORDS}
    codes = [here.put(address, json=wrong).json()["code"] for _ in range(6)]
    assert codes == ["wrong_password"] * 5 + ["too_many_tries"]
    assert here.put(address, json={**wrong, "present": PASSWORD}).status_code == 429
