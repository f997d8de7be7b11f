"""Bookings moved and extended on the timeline: the plain form, its refusals, and the way back."""

import re

import pytest
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from support_web import HOUR, NOW


def booking(town, key):
    with town.apps.cloud.store.read() as tx:
        one = reservations.get_reservation(tx, SYSTEM, town.booking[key])
    return one.vehicle_id, one.starts_at, one.ends_at


def move(town, key, plate, starts, ends, who="manager", **more):
    fields = {"reservation": town.booking[key], "vehicle": town.car[plate], "starts": starts, "ends": ends}
    return town.browser(who).submit("/console/timeline/move", {**fields, "day": "2026-03-10", **more})


def test_a_booking_goes_to_another_car_and_time_and_comes_back_within_30_seconds(town):
    before = booking(town, "next")
    wanted = (town.car["GB-104-NZ"], NOW + HOUR, NOW + 2 * HOUR)
    answer = move(town, "next", "GB-104-NZ", *wanted[1:], view="week", site="1")
    assert answer.status_code == 303
    assert booking(town, "next") == wanted
    manager = town.browser("manager")
    shown = manager.get(answer.headers["location"]).text
    assert "The booking is changed." in shown
    assert 'class="timeline week"' in shown
    back = re.search(r'name="back" value="([^"]+)"', shown).group(1).replace("&amp;", "&")
    undone = manager.submit(f"/console/reservations/{town.booking['next']}/undo", {"back": back})
    assert booking(town, "next") == before
    assert undone.headers["location"].startswith("/console/timeline?view=week&day=2026-03-09&site=1")


def test_what_cannot_be_is_refused_in_words_with_a_way_on_and_nothing_moves(town):
    before = booking(town, "next")
    taken = move(town, "next", "GB-103-NZ", NOW + HOUR, NOW + 2 * HOUR)
    assert taken.status_code == 409
    assert "The booking stays as it was." in taken.text
    assert f'href="/console/reservations/{town.booking["next"]}/change"' in taken.text
    blocked = move(town, "next", "GB-202-NZ", NOW + 7 * HOUR, NOW + 8 * HOUR)
    assert blocked.status_code == 409
    assert "GB-202-NZ" in blocked.text
    assert move(town, "next", "GB-104-NZ", NOW + HOUR, NOW).status_code == 422
    assert move(town, "colleague", "GB-104-NZ", NOW - HOUR, NOW + HOUR).status_code == 409  # under way
    assert move(town, "next", "HO-900-AA", NOW + HOUR, NOW + 2 * HOUR).status_code == 404
    assert booking(town, "next") == before


def test_of_a_booking_under_way_the_end_alone_is_moved(town):
    car, starts, ends = booking(town, "colleague")
    assert move(town, "colleague", "GB-102-NZ", starts, ends + HOUR).status_code == 303
    assert booking(town, "colleague") == (car, starts, ends + HOUR)


def test_bars_say_what_may_be_moved_and_only_to_those_who_may(quiet_town):
    def moves(who):
        return dict(
            re.findall(
                r'data-move="(\w+)" data-id="(\d+)"', quiet_town.browser(who).get("/console/timeline").text
            )
        )

    assert set(moves("manager")) == {"all", "end"}
    assert moves("staff") == {}
    assert str(quiet_town.booking["next"]) not in moves("guest_manager").values()


@pytest.mark.parametrize("view", ["day", "week"])
def test_blocks_risks_and_other_organisations_are_told_by_words_too(quiet_town, view):
    text = quiet_town.browser("manager").get(f"/console/timeline?view={view}").text
    assert "In the workshop" in text
    assert quiet_town.browser("manager").get("/console/timeline?view=year").status_code == 404


def test_the_plain_form_moves_to_any_car_one_may_give(town):
    manager = town.browser("manager")
    path = f"/console/reservations/{town.booking['next']}/change"
    car = town.car["GB-104-NZ"]
    assert f'<option value="{car}"' in manager.get(path).text
    assert manager.submit(path, {"vehicle": car}).status_code == 303
    assert booking(town, "next")[0] == car
