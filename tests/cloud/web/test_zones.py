"""A site on another clock than the deployment's: people read its times there, and say so; what they type for
it is meant there."""

import json

import pytest
from glovebox.blocks import service as blocks
from glovebox.feeds import ics
from glovebox.messages.wording import write
from glovebox.policies import hours
from glovebox.policies.schemas import SiteHours
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM, Scope
from glovebox.web.i18n import Speech
from support_web import HOUR, NOW

# 16:00 in Paris, 11:00 in Martinique.
STARTS = NOW + 6 * HOUR + 1_200
LONG = 5_400


@pytest.fixture
def island(town):
    """The town, whose cars' sites all lie in Martinique."""
    cloud = town.apps.cloud
    for site_id in town.site.values():
        there = SiteHours(site_id, (), (), "", "America/Martinique")
        cloud.writer.run(lambda tx, there=there: hours.set_hours(tx, NOW, SYSTEM, there))
    assert cloud.config.timezone == "Europe/Paris"
    return town


def run(town, job):
    return town.apps.cloud.writer.run(job)


def book(town, person="driver", car="GB-104-NZ", starts=STARTS):
    where = (town.car[car], town.person[person], starts, starts + LONG)
    return run(town, lambda tx: reservations.book(tx, NOW, SYSTEM, *where))


def test_a_booking_is_told_on_its_sites_clock_on_every_page(island):
    number, driver, manager = book(island), island.browser("driver"), island.browser("manager")
    told, car = "today, 11:00 to 12:30 (Martinique)", island.car["GB-104-NZ"]
    for reader, path in (
        (driver, "/"), (driver, "/bookings"), (driver, f"/bookings/{number}"),
        (driver, f"/bookings/{number}/change"), (driver, f"/bookings/{number}/cancel"),
        (driver, f"/bookings/{number}/late"), (manager, "/console/reservations"),
        (manager, f"/console/reservations/{number}"), (manager, f"/console/vehicles/{car}"),
    ):  # fmt: skip
        text = reader.get(path).text
        assert told in text, path
        assert "16:00" not in text, path
    change = driver.get(f"/bookings/{number}/change").text
    assert 'value="11:00"' in change


def test_what_is_typed_for_a_site_is_meant_there(island):
    driver, site = island.browser("driver"), str(island.site["hall"])
    asked = {
        "day": "2026-03-10",
        "start": "11:00",
        "end_day": "2026-03-10",
        "end": "12:30",
        "site": str(site),
    }
    text = driver.get("/find", params=asked).text
    assert f'name="starts" value="{STARTS}"' in text
    assert "today, 11:00 to 12:30 (Martinique)" in text


def test_a_series_is_looked_at_on_its_sites_clock(island):
    driver = island.browser("driver")
    asked = {
        "asked": "1", "vehicle": str(island.car["GB-104-NZ"]), "w1": "1", "first": "2026-05-05",
        "last": "2026-05-12", "start": "08:00", "end": "12:00", "every": "1",
    }  # fmt: skip
    text = driver.get("/series/new", params=asked).text
    assert "Tuesday 5 May, 08:00 to 12:00 (Martinique)" in text
    answer = driver.submit("/series/new", asked)
    text = driver.get(answer.headers["location"]).text
    assert "Tuesday 12 May, 08:00 to 12:00 (Martinique)" in text
    assert "14:00" not in text


def test_a_refusal_tells_the_time_on_the_sites_clock_to_pages_and_programs(island):
    car = island.car["GB-104-NZ"]
    run(island, lambda tx: blocks.add_block(tx, NOW, SYSTEM, car, "workshop", NOW, STARTS + HOUR))
    where = {"vehicle": car, "starts": STARTS, "ends": STARTS + LONG}
    driver = island.browser("driver")
    answer = driver.submit("/bookings", where)
    assert "12:00 (Martinique)" in answer.text
    assert "17:00" not in answer.text
    sent = {"vehicle_id": car, "starts_at": STARTS, "ends_at": STARTS + LONG}
    told = driver.post("/api/v1/reservations", json=sent).json()
    assert told["code"] == "blocked"
    assert "12:00 (Martinique)" in told["message"]


def test_a_mail_and_a_calendar_tell_the_time_on_the_sites_clock(island):
    manager = island.person["manager"]
    where = (island.car["GB-104-NZ"], island.person["driver"], STARTS, STARTS + LONG)
    cloud = island.apps.cloud
    by = Scope(island.body["town"], manager, frozenset({"manager"}), frozenset({island.body["town"]}))
    number = run(island, lambda tx: reservations.book(tx, NOW, by, *where))
    with cloud.store.read() as tx:
        rows = tx.exec_driver_sql(f"SELECT kind, facts FROM messages WHERE reservation_id = {number}").all()
        content = ics.write(
            tx, cloud.config, "en", [reservations.get_reservation(tx, SYSTEM, number)]
        ).decode()
    for kind, facts in rows:
        text = write(Speech("en", NOW, cloud.config.timezone), kind, json.loads(facts)).text
        assert "today, 11:00 to 12:30 (Martinique)" in text
    assert rows
    assert "DTSTART;TZID=America/Martinique:20260310T110000" in content


def test_at_home_no_place_is_named(town):
    book(town)
    text = town.browser("driver").get("/bookings").text
    assert "today, 16:00 to 17:30" in text
    assert "(Paris)" not in text


def test_lists_tell_each_line_on_its_sites_clock(island):
    """09:30 in Paris is 04:30 there: a damage reported then, a booking, trips begun at 04:45."""
    number, manager, driver = book(island), island.browser("manager"), island.browser("driver")
    car = island.car["GB-101-NZ"]
    for reader, path, told, elsewhere in (
        (manager, "/console/incidents", "today at 04:30 (Martinique)", "09:30"),
        (manager, f"/console/incidents/{island.damage}", "today at 04:30 (Martinique)", "09:30"),
        (manager, "/console", "today at 04:30 (Martinique)", "09:30"),
        (manager, "/console/today", "today at 04:30 (Martinique)", "09:30"),
        (manager, f"/console/vehicles/{car}/trips", "yesterday at 04:45 (Martinique)", "09:45"),
        (manager, f"/console/trips/{island.trip}", "at 04:45 (Martinique)", "09:45"),
        (driver, f"/trips/{island.trip}", "at 04:45 (Martinique)", "09:45"),
        (manager, "/console/timeline", "11:00–12:30", "16:00–17:30"),
    ):
        text = reader.get(path).text
        assert told in text, path
        assert elsewhere not in text, path
    assert "times of Martinique; the columns are those of Paris" in manager.get("/console/timeline").text
    assert f'href="/console/reservations/{number}" title="' in manager.get("/console/timeline").text


def test_the_timeline_of_one_site_has_the_columns_of_its_clock(island):
    site = island.site["hall"]
    page = f"/console/timeline?site={site}"
    island.time[0] = NOW + 16 * HOUR  # 01:40 in Paris, 20:40 the day before there
    text = island.browser("manager").get(page).text
    assert "Tuesday 10 March 2026" in text
    assert f'data-edges="{1773115200}' in text, "midnight there"
    assert ", times of Martinique<" in text
    text = island.browser("manager").get("/console/timeline").text
    assert "Wednesday 11 March 2026" in text


def test_a_gap_of_the_timeline_is_offered_to_be_booked_at_the_time_it_shows(island):
    text = island.browser("manager").get("/console/timeline").text
    row = text.partition(f'data-vehicle="{island.car["GB-202-NZ"]}"')[2].partition("</tr>")[0]
    assert "day=2026-03-10&amp;start=04:45&amp;end_day=2026-03-10&amp;end=06:45" in row


def test_today_where_the_car_stands_is_the_day_that_forms_and_lists_begin_with(island):
    island.time[0] = NOW + 16 * HOUR
    driver, manager = island.browser("driver"), island.browser("manager")
    for reader, path in (
        (driver, "/series/new"),
        (driver, f"/series/new?vehicle={island.car['GB-104-NZ']}"),
        (manager, f"/console/reservations?site={island.site['hall']}"),
    ):
        assert 'value="2026-03-10"' in reader.get(path).text, path


def test_a_line_of_today_is_put_away_until_the_morning_of_its_site(island):
    text = island.browser("manager").get("/console/today").text
    tomorrow_at_eight = 1773230400  # 12:00 UTC
    assert f'<option value="{tomorrow_at_eight}">until tomorrow at 08:00 (Martinique)</option>' in text
