"""Rules on pages: what a manager lays down, who is asked for approval, and what a driver is told."""

import html
import re

import pytest
from glovebox.accounts import roles
from glovebox.policies import hours, service
from glovebox.policies.schemas import Policy
from glovebox.scope import SYSTEM
from support_web import HOUR, NOW


def text_of(answer):
    plain = re.sub(r"<[^>]+>", " ", answer.text)
    return re.sub(r"\s+", " ", html.unescape(plain).replace("\u00a0", " "))


def lay_down(town, **values):
    policy = Policy(town.body["town"], **values)
    with town.apps.cloud.store.write() as tx:
        service.set_policy(tx, NOW, SYSTEM, policy)


def book(town, who, start, end, car="GB-202-NZ"):
    fields = {"vehicle": town.car[car], "starts": NOW + start, "ends": NOW + end}
    return town.browser(who).submit("/bookings", fields)


def test_a_rule_is_typed_in_its_unit_shown_with_what_is_inherited_and_put_back(town):
    manager = town.browser("manager")
    where = {"organisation": town.body["town"], "pool": town.pool["town"]}
    sent = manager.submit("/console/rules/edit", {**where, "buffer_s": "30", "lead_s": "1,5"})
    assert sent.status_code == 303
    shown = text_of(manager.get(sent.headers["location"]))
    assert "They hold for bookings from now on." in shown
    assert "Last changed today at" in shown
    listed = text_of(manager.get("/console/rules"))
    assert "Gap between two bookings 30 min" in listed
    assert "Book ahead at least 1 h 30" in listed
    assert "Longest booking 31 days (built in)" in listed
    manager.submit("/console/rules/undo", where)
    assert "Gap between two bookings none (built in)" in text_of(manager.get("/console/rules"))
    again = manager.submit("/console/rules/undo", where)
    assert (again.status_code, "There is nothing left to put back." in again.text) == (422, True)


@pytest.mark.parametrize(
    ("typed", "told"),
    [("x", "A number was expected."), ("1441", "Gap between two bookings of a car (minutes): 0 to 1440.")],
)
def test_a_value_that_cannot_be_is_told_and_stays_in_its_field(town, typed, told):
    answer = town.browser("manager").submit(
        "/console/rules/edit", {"organisation": town.body["town"], "buffer_s": typed}
    )
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert f'value="{typed}"' in answer.text


def test_a_group_is_made_filled_and_a_pool_kept_for_it(town):
    manager = town.browser("manager")
    made = manager.submit("/console/groups", {"organisation": town.body["town"], "name": "Urgences"})
    address = made.headers["location"].partition("?")[0]
    assert "Le Goff, Nadia" in text_of(manager.get(f"{address}?q=Nadia"))
    manager.submit(f"{address}/members", {"person": town.person["driver"]})
    assert "1 person" in text_of(manager.get(address))
    number = address.rsplit("/", 1)[1]
    where = {"organisation": town.body["town"], "pool": town.pool["town"]}
    manager.submit("/console/rules/edit", {**where, f"kept_{number}": "1"})
    assert "Only for: Urgences" in text_of(manager.get("/console/rules"))
    refused = book(town, "colleague", 60 * HOUR, 61 * HOUR, "GB-104-NZ")
    assert refused.status_code == 403
    assert "are kept for certain groups of people." in text_of(refused)
    assert book(town, "driver", 60 * HOUR, 61 * HOUR, "GB-104-NZ").status_code == 303


def test_hours_over_midnight_and_closed_days_are_typed_and_taken_away(town):
    manager, address = town.browser("manager"), f"/console/sites/{town.site['hall']}/hours"
    sent = manager.submit(
        address,
        {
            "opens_4": "18:00", "closes_4": "02:00", "first_day": "2026-08-10", "closure_name": "Été",
            "holidays": "fr",
        },
    )  # fmt: skip
    assert sent.status_code == 303
    with town.apps.cloud.store.read() as tx:
        held = hours.get_hours(tx, town.site["hall"])
    assert [(one.weekday, one.opens_minute, one.closes_minute) for one in held.hours] == [(4, 1_080, 1_560)]
    assert [(one.first_day, one.last_day, one.name) for one in held.closures] == [
        ("2026-08-10", "2026-08-10", "Été")
    ]
    assert held.holidays == "FR"
    assert "Friday, 18:00 – 02:00" in text_of(manager.get("/console/sites"))
    manager.submit(address, {"drop_0_2026-08-10": "1"})
    with town.apps.cloud.store.read() as tx:
        assert hours.get_hours(tx, town.site["hall"]).closures == ()
    manager.submit(f"{address}/undo")
    with town.apps.cloud.store.read() as tx:
        assert hours.get_hours(tx, town.site["hall"]) == held
    wrong = manager.submit(address, {"holidays": "QQ"})
    assert (wrong.status_code, "No public holidays are known under QQ" in text_of(wrong)) == (422, True)


def test_an_approver_without_another_role_approves_or_refuses_in_one_action(town):
    with town.apps.cloud.store.write() as tx:
        roles.grant_role(tx, town.person["colleague"], "approver", pool_id=town.pool["town"])
    lay_down(town, needs_approval=1)
    asked = book(town, "driver", 60 * HOUR, 61 * HOUR, "GB-104-NZ")
    assert "said=asked" in asked.headers["location"]
    number = int(asked.headers["location"].rsplit("/", 1)[1].partition("?")[0])
    approver = town.browser("colleague")
    assert 'href="/console/approvals"' in approver.get("/").text
    assert approver.get("/console").status_code == 403
    waiting = text_of(approver.get("/console/approvals"))
    assert "Nadia Le Goff" in waiting
    assert "Salon" in waiting
    silent = approver.submit(f"/console/approvals/{number}", {"refuse": "1", "reason": ""})
    assert (silent.status_code, "Say why it is refused" in silent.text) == (422, True)
    sent = approver.submit(f"/console/approvals/{number}", {"refuse": "1", "reason": "Prenez le train."})
    assert sent.status_code == 303
    driver = town.browser("driver")
    assert "Refused: Prenez le train." in text_of(driver.get(f"/bookings/{number}"))
    other = town.booking["asked"]
    assert "until an approver answers" in text_of(driver.get(f"/bookings/{other}"))
    approver.submit(f"/console/approvals/{other}")
    assert "Nothing waits for your answer." in text_of(approver.get("/console/approvals"))
    assert "until an approver answers" not in text_of(driver.get(f"/bookings/{other}"))
    late = approver.submit(f"/console/approvals/{other}")
    assert (late.status_code, "no longer waits" in text_of(late)) == (422, True)


def test_a_search_tells_what_a_rule_forbids_and_what_would_do(town):
    lay_down(town, lead_s=200 * HOUR)
    wish = "day=2026-03-12&start=10:00&end_day=2026-03-12&end=12:00"
    for language, title, sentence in (
        ("en", "Not held by anybody, but not at this time", "at least 8 days 8 h ahead. A start from"),
        ("fr", "Libres, mais pas à ces horaires", "au moins 8 jours 8 h à l'avance. Un début à partir du"),
    ):
        shown = text_of(town.browser("driver", language).get(f"/find?{wish}"))
        assert title in shown
        assert sentence in shown


def test_two_bookings_too_close_are_told_with_what_is_free_instead(town):
    assert book(town, "driver", 60 * HOUR, 61 * HOUR, "GB-104-NZ").status_code == 303
    lay_down(town, buffer_s=1_800)
    close = book(town, "colleague", 61 * HOUR, 62 * HOUR, "GB-104-NZ")
    assert close.status_code == 409
    shown = text_of(close)
    assert "Too close to another booking" in shown
    assert "30 min stay free between two bookings of this car" in shown
    assert "The same car, at another time" in shown


def test_a_car_asks_for_a_category_and_a_person_has_it_on_file(town):
    manager = town.browser("manager")
    car = town.car["GB-104-NZ"]
    manager.submit("/console/rules/licences", {"vehicle": car, "category": "C1"})
    refused = book(town, "driver", 60 * HOUR, 61 * HOUR, "GB-104-NZ")
    assert (refused.status_code, "needs a driving licence of category C1" in text_of(refused)) == (403, True)
    fields = {"given_name": "Nadia", "family_name": "Le Goff", "active": "1", "licence_categories": "b, c1"}
    manager.submit(f"/console/people/{town.person['driver']}/edit", fields)
    assert book(town, "driver", 60 * HOUR, 61 * HOUR, "GB-104-NZ").status_code == 303
    wrong = manager.submit(
        f"/console/people/{town.person['driver']}/edit", {**fields, "licence_categories": "B X9"}
    )
    assert (wrong.status_code, "X9 is no category of driving licence" in text_of(wrong)) == (422, True)
