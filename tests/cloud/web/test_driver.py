"""What a driver does with the pages, and what they answer when it does not work."""

import re

import pytest
from glovebox.boxes.tables import boxes, commands
from glovebox.people.tables import people
from glovebox.reservations.tables import reservations
from sqlalchemy import select, update
from support_web import HOUR, NOW, Town

WISH = "day=2026-03-10&start=10:00&end_day=2026-03-10&end=12:00"


def wish(town: Town, plate: str, starts: int = NOW + HOUR, ends: int = NOW + 2 * HOUR) -> dict[str, object]:
    return {"vehicle": town.car[plate], "starts": starts, "ends": ends}


def test_a_booking_is_one_form_and_leads_to_its_page(town):
    driver = town.browser("driver")
    answer = driver.submit("/bookings", wish(town, "GB-202-NZ"))
    assert answer.status_code == 303
    page = driver.get(answer.headers["location"])
    assert "The car is booked for you." in page.text
    assert "GB-202-NZ" in page.text


def test_a_clash_shows_other_cars_and_the_same_car_later_and_each_can_be_taken(town):
    driver = town.browser("colleague")
    answer = driver.submit("/bookings", wish(town, "GB-101-NZ"))
    assert answer.status_code == 409
    assert "Nothing was booked" in answer.text
    assert "At the same time, another car" in answer.text
    assert "The same car, at another time" in answer.text
    forms = re.findall(
        r'name="vehicle" value="(\d+)"><input type="hidden" name="starts" value="(\d+)"'
        r'><input type="hidden" name="ends" value="(\d+)"',
        answer.text,
    )
    assert str(town.car["GB-104-NZ"]) in {vehicle for vehicle, _starts, _ends in forms}
    own = [int(starts) for vehicle, starts, _ends in forms if int(vehicle) == town.car["GB-101-NZ"]]
    assert own == [NOW + 3 * HOUR]
    vehicle, starts, ends = forms[0]
    assert driver.submit("/bookings", {"vehicle": vehicle, "starts": starts, "ends": ends}).status_code == 303


def test_a_clash_of_a_managers_booking_keeps_the_colleague(town):
    manager = town.browser("manager")
    answer = manager.submit("/console/book", {"person": town.person["colleague"], **wish(town, "GB-101-NZ")})
    assert answer.status_code == 409
    assert f'name="person" value="{town.person["colleague"]}"' in answer.text
    assert 'action="/console/book"' in answer.text


@pytest.mark.parametrize(
    ("starts", "ends", "sentence"),
    [
        (NOW - 86_400, NOW - 3600, "in the past"),
        (NOW + 3600, NOW + 3600, "end"),
        (NOW + HOUR, NOW + 90 * 86_400, "31"),
    ],
)
def test_an_interval_that_cannot_be_says_why(town, starts, ends, sentence):
    answer = town.browser("driver").submit("/bookings", wish(town, "GB-104-NZ", starts, ends))
    assert answer.status_code == 422
    assert sentence in answer.text


def test_an_expired_licence_is_told_in_words(town):
    with town.apps.cloud.store.write() as tx:
        tx.execute(update(people).where(people.c.id == town.person["driver"]).values(licence_until=NOW))
    answer = town.browser("driver").submit("/bookings", wish(town, "GB-202-NZ"))
    assert answer.status_code == 403
    assert "licence" in answer.text


def test_the_search_shows_free_cars_here_then_nearly_free_then_elsewhere(quiet_town):
    text = quiet_town.browser("driver").get(f"/find?site={quiet_town.site['hall']}&{WISH}").text
    here, _, rest = text.partition('id="free"')[2].partition('id="nearly"')
    nearly, _, elsewhere = rest.partition('id="elsewhere"')
    assert "GB-104-NZ" in here
    assert "GB-101-NZ" not in here
    assert "GB-102-NZ" in nearly
    assert "1 h 40 later" in nearly
    assert "GB-202-NZ" in elsewhere
    assert "1.8\u00a0km away" in elsewhere
    assert "Not heard from for 3 days" in elsewhere


def test_a_search_at_a_time_already_booked_says_so_and_another_time_does_not(quiet_town):
    said = "There is already a booking at that time:"
    driver, manager = quiet_town.browser("driver"), quiet_town.browser("manager")
    own = f'<a href="/bookings/{quiet_town.booking["next"]}">GB-101-NZ'
    clashing = driver.get(f"/find?{WISH}").text
    assert said in clashing
    assert own in clashing
    assert said not in driver.get(f"/find?{WISH.replace('03-10', '03-20')}").text
    for_driver = manager.get(f"/console/book?person={quiet_town.person['driver']}&{WISH}").text
    assert own.replace("/bookings", "/console/reservations") in for_driver


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [("seats=7", "GB-201-NZ", "GB-202-NZ"), ("energy=electric", "GB-202-NZ", "GB-104-NZ")],
)
def test_the_search_filters_by_seats_and_energy(quiet_town, query, shown, hidden):
    text = quiet_town.browser("driver").get(f"/find?{WISH}&site=&{query}").text
    assert shown in text
    assert hidden not in text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("day=2026-03-09&start=10:00&end_day=2026-03-09&end=12:00", "already passed"),
        ("day=2026-03-11&start=12:00&end_day=2026-03-11&end=10:00", "end must be after"),
        ("day=2026-03-29&start=02:30&end_day=2026-03-29&end=05:00", "does not exist"),
        ("day=rubbish", "does not exist"),
    ],
)
def test_a_search_that_cannot_be_says_why_and_keeps_the_form(quiet_town, query, sentence):
    for who, path in (
        ("driver", "/find?"),
        ("manager", f"/console/book?person={quiet_town.person['driver']}&"),
    ):
        answer = quiet_town.browser(who).get(path + query)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'name="start"' in answer.text


def test_cancelling_asks_first_and_frees_the_car(town):
    driver = town.browser("driver")
    path = f"/bookings/{town.booking['next']}/cancel"
    assert "Yes, cancel it" in driver.get(path).text
    sent = driver.submit(path).headers["location"]
    assert sent == f"/bookings/{town.booking['next']}?said=cancelled"
    assert "Book it again" in driver.get(sent).text
    asked_again = driver.get(path).text
    assert "This booking is cancelled already." in asked_again
    assert "Cancel this booking?" not in asked_again
    assert town.browser("colleague").submit("/bookings", wish(town, "GB-101-NZ")).status_code == 303


def test_a_cancellation_is_taken_back_with_one_button(town):
    driver = town.browser("driver")
    path = f"/bookings/{town.booking['next']}"
    driver.submit(f"{path}/cancel")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', driver.get(path).text))
    again = driver.post("/bookings", data=fields)
    assert again.status_code == 303
    text = driver.get(again.headers["location"]).text
    assert "GB-101-NZ" in text
    assert "Chantier rue du Port" in text


def test_a_car_without_a_box_is_offered_after_the_others_and_its_booking_speaks_of_no_badge(town):
    driver = town.browser("driver")
    found = driver.get(f"/find?site={town.site['hall']}&{WISH.replace('03-10', '03-12')}").text
    first, second = found.index("GB-103-NZ"), found.index("GB-104-NZ")
    assert first < second
    note = "your fleet manager hands out its key"
    assert note not in found[first:second]
    assert note in found[second : found.index("GB-201-NZ")]
    fields = {"vehicle": town.car["GB-104-NZ"], "starts": NOW + HOUR, "ends": NOW + 2 * HOUR}
    booking = driver.get(driver.submit("/bookings", fields).headers["location"]).text
    assert note in booking
    assert "Hold your badge" not in booking


def test_a_booking_in_use_cannot_be_cancelled_and_the_page_says_so(town):
    colleague = town.browser("colleague")
    path = f"/bookings/{town.booking['colleague']}/cancel"
    assert "can no longer be cancelled" in colleague.get(path).text
    assert colleague.submit(path).status_code == 409


def test_the_car_knows_is_said_in_words_and_why_not_yet(town):
    driver = town.browser("driver")
    path = f"/bookings/{town.booking['next']}"
    assert "it is being told" in driver.get(path).text
    with town.apps.cloud.store.write() as tx:
        car = boxes.c.vehicle_id == town.car["GB-101-NZ"]
        tx.execute(update(boxes).where(car).values(heard_at=NOW - 2 * HOUR))
        assert tx.scalar(
            select(reservations.c.known_version).where(reservations.c.id == town.booking["next"])
        )
    assert "out of reach for 2 h" in driver.get(path).text
    with town.apps.cloud.store.write() as tx:
        tx.execute(update(boxes).where(car).values(held_version=2**31))
    assert "The car knows" in driver.get(path).text


def test_opening_by_phone_goes_through_a_question_to_the_cars_answer(town):
    driver = town.browser("driver")
    path = f"/bookings/{town.booking['next']}/open"
    assert "Are you standing beside this car?" in driver.get(path).text
    watch = driver.submit(path).headers["location"]
    assert "Waiting for the car" in driver.get(watch).text
    with town.apps.cloud.store.write() as tx:
        sent = tx.execute(select(commands)).one()
        assert (sent.kind, sent.argument, sent.role) == ("open_for", town.booking["next"], "driver")
        tx.execute(update(commands).values(state="done", answered_at=NOW))
    assert "The car is open." in driver.get(watch).text


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"state": "refused", "refusal": 10}, "Shut all doors"),
        ({"state": "refused", "refusal": 200}, "Refused by the car"),
        ({"state": "expired"}, "works without network"),
    ],
)
def test_a_car_that_does_not_open_says_what_to_do(town, answer, sentence):
    driver = town.browser("driver")
    watch = driver.submit(f"/bookings/{town.booking['next']}/open").headers["location"]
    with town.apps.cloud.store.write() as tx:
        tx.execute(update(commands).values(**answer))
    assert sentence in driver.get(watch).text


def test_a_car_that_stays_silent_is_not_waited_for_beyond_the_commands_life(town):
    driver = town.browser("driver")
    watch = driver.submit(f"/bookings/{town.booking['next']}/open").headers["location"]
    assert "hx-trigger" in driver.get(watch).text
    town.time[0] += 61
    text = driver.get(watch, headers={"hx-request": "true"}).text
    assert "hx-trigger" not in text
    assert "did not answer in time" in text


def test_opening_long_before_the_start_is_not_offered_and_refused(town):
    driver = town.browser("driver")
    path = f"/bookings/{town.booking['later']}"
    assert "Open by phone" not in driver.get(path).text
    assert "cannot be opened by phone now" in driver.get(f"{path}/open").text
    assert driver.submit(f"{path}/open").status_code == 403


def test_past_bookings_come_in_pages_with_their_distance(quiet_town):
    driver = quiet_town.browser("driver")
    first, second = driver.get("/bookings").text, driver.get("/bookings?from=20").text
    assert "23.4\u00a0km" in first
    assert "Next page" in first
    assert "Next page" not in second
    assert "Previous page" in second
    assert "Not used, given back" in first


def test_a_part_asked_for_by_htmx_is_a_part(quiet_town):
    for who, path in (
        ("driver", f"/bookings/{quiet_town.booking['next']}"),
        ("manager", "/console"),
        ("manager", f"/console/vehicles/{quiet_town.car['GB-101-NZ']}"),
        ("manager", "/console/timeline"),
    ):
        text = quiet_town.browser(who).get(path, headers={"hx-request": "true"}).text
        assert "<html" not in text
        assert text.count("hx-get") == 1


def test_what_a_person_typed_is_shown_as_text(town):
    driver = town.browser("driver")
    answer = driver.submit(
        "/bookings", {**wish(town, "GB-202-NZ"), "purpose": "<script>alert(1)</script>\x00"}
    )
    text = driver.get(answer.headers["location"]).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
