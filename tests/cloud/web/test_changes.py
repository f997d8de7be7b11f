"""Changing a booking with forms alone: another time or car, earlier, later, and what a refusal offers."""

import re

import pytest
from glovebox.audit.tables import audit_lines
from glovebox.messages.tables import messages
from glovebox.reservations.tables import reservations
from sqlalchemy import select, update
from support_web import HOUR, NOW, Town

FORM = re.compile(
    r'name="vehicle" value="(\d+)"><input type="hidden" name="starts" value="(\d+)">'
    r'<input type="hidden" name="ends" value="(\d+)"'
)


def kept(town: Town, key: str):
    with town.apps.cloud.store.read() as tx:
        return tx.execute(select(reservations).where(reservations.c.id == town.booking[key])).one()


def path(town: Town, key: str, what: str = "change") -> str:
    return f"/bookings/{town.booking[key]}/{what}"


def offers(text: str) -> set[tuple[int, int, int]]:
    return {tuple(map(int, found)) for found in FORM.findall(text)}


def test_a_booking_is_moved_by_what_is_typed_and_what_was_left_keeps_its_second(town):
    with town.apps.cloud.store.write() as tx:
        one = reservations.c.id == town.booking["next"]
        tx.execute(update(reservations).where(one).values(starts_at=NOW + 307))
    driver = town.browser("driver")
    form = driver.get(path(town, "next")).text
    assert 'name="end" value="12:40"' in form
    sent = {"day": "2026-03-10", "start": "09:45", "end_day": "2026-03-10", "end": "14:00"}
    answer = driver.submit(path(town, "next"), sent)
    assert answer.status_code == 303
    assert "The booking is changed." in driver.get(answer.headers["location"]).text
    assert kept(town, "next").starts_at == NOW + 307
    assert kept(town, "next").ends_at == NOW + 4 * HOUR + 20 * 60


def test_an_extension_over_the_next_booking_is_refused_with_what_this_car_and_others_can_give(town):
    car, guest = town.car["GB-103-NZ"], town.browser("guest")
    cloud = town.apps.cloud
    with cloud.store.write() as tx:
        tx.execute(
            update(reservations)
            .where(reservations.c.id == town.booking["colleague"])
            .values(vehicle_id=car, state="confirmed", starts_at=NOW + 5 * HOUR, ends_at=NOW + 6 * HOUR)
        )
    ends = NOW + 6 * HOUR
    answer = guest.submit(path(town, "guest"), {"starts": NOW + HOUR, "ends": ends})
    assert answer.status_code == 409
    assert "The booking stays as it was." in answer.text
    assert 'name="end" value="15:40"' in answer.text
    found = offers(answer.text)
    assert (car, NOW + HOUR, NOW + 5 * HOUR) in found
    assert (town.car["GB-104-NZ"], NOW + HOUR, ends) in found
    assert kept(town, "guest").ends_at == NOW + 4 * HOUR
    for vehicle, first, last in sorted(found):
        fields = {"vehicle": vehicle, "starts": first, "ends": last}
        assert guest.submit(path(town, "guest"), fields).status_code == 303
        assert kept(town, "guest").vehicle_id == vehicle
        assert (kept(town, "guest").starts_at, kept(town, "guest").ends_at) == (first, last)


def test_another_car_at_the_same_time_is_one_tap(town):
    driver = town.browser("driver")
    found = offers(driver.get(path(town, "next")).text)
    car = town.car["GB-104-NZ"]
    assert (car, NOW + 300, NOW + 3 * HOUR) in found
    fields = {"vehicle": car, "starts": NOW + 300, "ends": NOW + 3 * HOUR}
    assert driver.submit(path(town, "next"), fields).status_code == 303
    assert kept(town, "next").vehicle_id == car


def test_returned_earlier_the_rest_is_free_for_another_at_once(town):
    colleague = town.browser("colleague")
    form = colleague.get(path(town, "colleague")).text
    assert 'name="start"' not in form
    assert "Take this one instead" not in form
    answer = colleague.submit(path(town, "colleague"), {"end": "10:10"})
    assert answer.status_code == 303
    assert "The rest is free for others." in colleague.get(answer.headers["location"]).text
    wish = {"vehicle": town.car["GB-102-NZ"], "starts": NOW + HOUR, "ends": NOW + 2 * HOUR}
    assert town.browser("driver").submit("/bookings", wish).status_code == 303


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"end": "09:00"}, 422, "in the past"),
        ({"end": "25:00"}, 422, "does not exist"),
        ({"end_day": "2026-02-30"}, 422, "does not exist"),
        ({"starts": NOW - HOUR + 60, "ends": NOW + 3 * HOUR}, 409, "only the end"),
    ],
)
def test_a_change_that_cannot_be_says_why_beside_the_form_and_keeps_what_was_typed(
    town, fields, status, sentence
):
    answer = town.browser("colleague").submit(path(town, "colleague"), fields)
    assert answer.status_code == status
    assert sentence in answer.text
    for name in ("end", "end_day"):
        if name in fields:
            assert f'name="{name}" value="{fields[name]}"' in answer.text
    assert kept(town, "colleague").ends_at == NOW + 2 * HOUR


def test_who_is_late_reads_who_waits_by_interval_and_organisation_and_no_name(town):
    with town.apps.cloud.store.write() as tx:
        one = reservations.c.id == town.booking["colleague"]
        tx.execute(update(reservations).where(one).values(ends_at=NOW + HOUR))
        one = reservations.c.id == town.booking["guest"]
        tx.execute(update(reservations).where(one).values(vehicle_id=town.car["GB-102-NZ"]))
    colleague = town.browser("colleague")
    text = colleague.get(path(town, "colleague", "late")).text
    assert "10:40 to 13:40, CARENE" in text
    for name in ("Marc", "Dubois", "confidentielle"):
        assert name not in text
    assert "Call your fleet manager" in text
    assert 'name="ends"' not in text


def test_who_is_late_and_awaited_by_nobody_keeps_the_car_with_one_tap(town):
    colleague = town.browser("colleague")
    text = colleague.get(path(town, "colleague", "late")).text
    assert "Nobody waits" in text
    ends = [int(value) for value in re.findall(r'name="ends" value="(\d+)"', text)]
    assert ends == [NOW + 2 * HOUR + more for more in (900, 1800, HOUR, 2 * HOUR)]
    answer = colleague.submit(path(town, "colleague"), {"starts": NOW - HOUR, "ends": ends[0]})
    assert answer.status_code == 303
    assert kept(town, "colleague").ends_at == ends[0]


def test_a_manager_of_the_cars_pool_moves_a_guests_booking_and_reading_the_name_is_noted(town):
    manager, where = town.browser("manager"), f"/console/reservations/{town.booking['guest']}"
    assert f"{where}/change" in manager.get(where).text
    with town.apps.cloud.store.read() as tx:
        before = len(tx.execute(select(audit_lines)).all())
    assert "Marc Dubois" in manager.get(f"{where}/change").text
    with town.apps.cloud.store.read() as tx:
        assert len(tx.execute(select(audit_lines)).all()) == before + 1
    answer = manager.submit(f"{where}/change", {"end": "15:00"})
    assert answer.headers["location"].startswith(where)
    assert kept(town, "guest").ends_at == NOW + 5 * HOUR + 20 * 60


def test_a_booking_that_is_over_says_so_and_is_not_changed(town):
    driver = town.browser("driver")
    assert "can no longer be changed" in driver.get(path(town, "past1")).text
    assert driver.submit(path(town, "past1"), {"end": "23:00"}).status_code == 409


def test_a_manager_who_cannot_move_a_guests_booking_is_offered_what_is_free(town):
    where = f"/console/reservations/{town.booking['guest']}/change"
    taken = {"vehicle": town.car["GB-101-NZ"], "starts": NOW + HOUR, "ends": NOW + 4 * HOUR}
    answer = town.browser("manager").submit(where, taken)
    assert answer.status_code == 409
    assert (town.car["GB-104-NZ"], NOW + HOUR, NOW + 4 * HOUR) in offers(answer.text)
    assert kept(town, "guest").vehicle_id == town.car["GB-103-NZ"]


def test_what_was_just_done_is_undone_with_one_button_and_later_the_button_is_gone(town):
    driver = town.browser("driver")
    where = f"/bookings/{town.booking['next']}"
    assert "/undo" not in driver.get(where).text
    driver.submit(f"{where}/cancel")
    assert f'action="{where}/undo"' in driver.get(where).text
    answer = driver.submit(f"{where}/undo")
    assert "everything is as before" in driver.get(answer.headers["location"]).text
    assert kept(town, "next").state == "confirmed"
    driver.submit(f"{where}/change", {"end": "13:00"})
    town.time[0] += 30
    assert "/undo" not in driver.get(where).text
    answer = driver.submit(f"{where}/undo")
    assert answer.status_code == 409
    assert "30 seconds only" in answer.text


def test_a_colleagues_booking_cancelled_by_mistake_is_given_back_and_nothing_was_told(town):
    manager, where = town.browser("manager"), f"/console/reservations/{town.booking['next']}"
    manager.submit(f"{where}/cancel")
    assert f'action="{where}/undo"' in manager.get(where).text
    assert manager.submit(f"{where}/undo").status_code == 303
    assert kept(town, "next").state == "confirmed"
    with town.apps.cloud.store.read() as tx:
        about = messages.c.reservation_id == town.booking["next"]
        told = tx.execute(select(messages.c.state).where(about, messages.c.kind == "cancelled_for_you"))
        assert list(told.scalars()) == ["dropped"]
