"""Bookings as calendar files and as a private feed, read back with the library that calendars use."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from glovebox.errors import NotFound
from glovebox.feeds import ics, service
from glovebox.fleet import service as fleet
from glovebox.people import service as people
from glovebox.policies import hours
from glovebox.policies.schemas import SiteHours
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from icalendar import Calendar
from support_cloud import DAY, HOUR, NOW

TOKEN = "x" * 43


def at(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp())


def read(depot, *numbers):
    content = depot.read(
        lambda tx: ics.write(
            tx,
            depot.config,
            "fr",
            [reservations.get_reservation(tx, depot.driver(depot.anne), number) for number in numbers],
        )
    )
    return Calendar.from_ical(content)


def event(depot, number):
    [found] = read(depot, number).walk("VEVENT")
    return found


def feed(depot, token=TOKEN):
    reader = depot.read(lambda tx: service.find_reader(tx, token))
    return depot.read(lambda tx: service.list_events(tx, depot.now, reader.scope))


def change(depot, number, **values):
    depot.clock.now += 60
    depot.run(lambda tx: reservations.change(tx, depot.now, depot.driver(depot.anne), number, **values))


def test_a_file_says_plate_place_and_the_sites_own_time(depot):
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, bay="12"))
    number = depot.book(depot.anne, purpose="Réunion; à 9 h, salle 2", scope=depot.driver(depot.anne))
    found = event(depot, number)
    assert found["summary"] == "AA-101-AA Renault Clio"
    assert found["location"] == "Mairie, place 12"
    assert "Réunion; à 9 h, salle 2" in found["description"]
    assert found.decoded("dtstart") == datetime(2026, 3, 10, 9, 0, tzinfo=ZoneInfo("Europe/Paris"))
    assert found["dtstart"].params["tzid"] == "Europe/Paris"
    assert int(found.decoded("dtend").timestamp()) == NOW + 3 * HOUR
    assert found["status"] == "CONFIRMED"
    assert found["uid"] == f"reservation-{number}@localhost"
    [zone] = read(depot, number).walk("VTIMEZONE")
    assert zone["tzid"] == "Europe/Paris"


@pytest.mark.parametrize("second", [at(2026, 10, 25, 0, 30), at(2026, 10, 25, 1, 30), at(2026, 3, 29, 1, 0)])
def test_an_hour_that_comes_twice_or_not_at_all_is_the_right_instant(depot, second):
    number = depot.book(depot.anne, second - depot.now, second + 5 * HOUR - depot.now)
    assert int(event(depot, number).decoded("dtstart").timestamp()) == second
    assert int(event(depot, number).decoded("dtend").timestamp()) == second + 5 * HOUR


def test_a_site_elsewhere_has_its_own_zone(depot):
    wanted = SiteHours(depot.site, (), (), "", "America/Martinique")
    depot.run(lambda tx: hours.set_hours(tx, depot.now, SYSTEM, wanted))
    number = depot.book(depot.anne)
    found = event(depot, number)
    assert found["dtstart"].params["tzid"] == "America/Martinique"
    assert found.decoded("dtstart").hour == 4
    assert int(found.decoded("dtstart").timestamp()) == NOW + HOUR


def test_a_changed_booking_keeps_its_uid_and_its_sequence_grows_until_it_is_cancelled(depot):
    number = depot.book(depot.anne, scope=depot.driver(depot.anne))
    seen = [event(depot, number)]
    change(depot, number, ends_at=NOW + 4 * HOUR)
    seen.append(event(depot, number))
    change(depot, number, vehicle_id=depot.car_2)
    seen.append(event(depot, number))
    depot.clock.now += 1
    depot.run(lambda tx: reservations.cancel(tx, depot.now, depot.driver(depot.anne), number))
    seen.append(event(depot, number))
    assert len({one["uid"] for one in seen}) == 1
    sequences = [one["sequence"] for one in seen]
    assert sequences == sorted(set(sequences))
    assert [one["status"] for one in seen] == ["CONFIRMED"] * 3 + ["CANCELLED"]
    assert seen[2]["summary"].startswith("BB-202-BB")


def test_one_that_waits_for_approval_is_tentative(depot):
    depot.lay_down(needs_approval=1)
    number = depot.book(depot.anne, scope=depot.driver(depot.anne))
    assert event(depot, number)["status"] == "TENTATIVE"


def test_a_feed_shows_ones_own_bookings_of_a_month_back_and_a_year_ahead(depot):
    mine = depot.book(depot.anne)
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    gone = depot.book(depot.anne, 8 * HOUR, 9 * HOUR)
    depot.run(lambda tx: reservations.cancel(tx, depot.now, SYSTEM, gone))
    depot.run(lambda tx: service.make(tx, NOW, depot.driver(depot.anne), TOKEN))
    assert [one.id for one in feed(depot)] == [mine, gone]
    depot.clock.now += 32 * DAY
    assert feed(depot) == []


def test_a_feed_ends_when_it_is_revoked_or_made_anew_or_its_person_leaves(depot):
    anne = depot.driver(depot.anne)

    def is_read(token):
        try:
            depot.read(lambda tx: service.find_reader(tx, token))
        except NotFound:
            return False
        return True

    depot.run(lambda tx: service.make(tx, NOW, anne, TOKEN))
    depot.run(lambda tx: service.make(tx, NOW, anne, "y" * 43))
    assert (is_read(TOKEN), is_read("y" * 43)) == (False, True)
    depot.run(lambda tx: people.change_person(tx, SYSTEM, depot.anne, is_active=0))
    assert not is_read("y" * 43)
    depot.run(lambda tx: people.change_person(tx, SYSTEM, depot.anne, is_active=1))
    depot.run(lambda tx: service.revoke(tx, depot.driver(depot.bob)))
    assert is_read("y" * 43), "nobody ends another's"
    depot.run(lambda tx: service.revoke(tx, anne))
    assert not is_read("y" * 43)
    for token in ("", "y" * 42, "y" * 10_000, "\x00", "é" * 43):
        assert not is_read(token)


def test_the_token_is_in_no_table(depot):
    depot.run(lambda tx: service.make(tx, NOW, depot.driver(depot.anne), TOKEN))
    [(kept,)] = depot.rows("SELECT token_hash FROM calendar_feeds")
    assert TOKEN.encode() not in bytes(kept)


def test_a_feed_is_bounded(depot):
    for start in (1, 2, 3):
        depot.book(depot.anne, start * HOUR, (start + 1) * HOUR)
    depot.run(lambda tx: service.make(tx, NOW, depot.driver(depot.anne), TOKEN))
    anne = depot.driver(depot.anne)
    assert len(depot.read(lambda tx: service.list_events(tx, depot.now, anne, limit=2))) == 2


def test_the_api_gives_a_file_and_a_feed(sqlite_depot):
    depot = sqlite_depot
    number = depot.book(depot.anne)
    depot.scope = depot.driver(depot.anne)
    answer = depot.web_client.get(f"/api/v1/reservations/{number}/calendar")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert len(Calendar.from_ical(answer.content).walk("VEVENT")) == 1
    made = depot.web_client.post("/api/v1/calendar-feed")
    assert made.status_code == 201
    depot.scope = None
    assert depot.web_client.get(f"/api/v1/reservations/{number}/calendar").status_code == 401
    path = made.json()["url"].removeprefix("http://test")
    read_back = depot.web_client.get(path)
    assert read_back.status_code == 200
    assert read_back.headers["cache-control"] == "no-store"
    assert len(Calendar.from_ical(read_back.content).walk("VEVENT")) == 1
    depot.scope = depot.driver(depot.anne)
    assert depot.web_client.request("DELETE", "/api/v1/calendar-feed").status_code == 204
    assert depot.web_client.get(path).status_code == 404


def test_a_booking_of_a_car_that_will_stand_elsewhere_says_where(depot):
    depot.book(depot.bob, HOUR, 2 * HOUR, to_site=depot.station)
    number = depot.book(depot.anne, 3 * HOUR, 4 * HOUR)
    there = event(depot, number)
    assert there["location"] == "Gare"
    assert there["geo"].latitude == 47.286
