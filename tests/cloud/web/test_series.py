"""Booking a series with forms and links alone: looked at, days left out, booked, changed, given back,
undone."""

import re

from glovebox.fleet import service as fleet
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM
from sqlalchemy import select

ASKED = {
    "asked": "1", "vehicle": "", "w1": "1", "w3": "1", "first": "2026-05-05", "last": "2026-05-21",
    "start": "08:00", "end": "12:00", "every": "1", "holidays": "1", "purpose": "Tournée",
}  # fmt: skip


def kept(town):
    query = select(reservations).where(
        reservations.c.series_id.is_not(None), reservations.c.series_id != town.series
    )
    with town.apps.cloud.store.read() as tx:
        rows = tx.execute(query.order_by(reservations.c.series_day)).all()
    return [(row.series_day, row.vehicle_id, row.state) for row in rows]


def hidden(text):
    form = text[text.index('method="post" action="/series/new"') :]
    return dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[: form.index("</form>")])
    )


def test_what_can_be_had_is_looked_at_days_are_left_out_and_the_rest_is_booked(town):
    driver, car = town.browser("driver"), town.car["GB-104-NZ"]
    other = town.browser("colleague")
    assert 'name="w1"' in driver.get("/series/new").text
    other.submit(
        "/bookings", {"vehicle": car, "starts": 1_778_140_800, "ends": 1_778_144_400}
    )  # 7 May, 10:00
    asked = {**ASKED, "vehicle": str(car)}
    text = driver.get("/series/new", params=asked).text
    assert "5 days can be had" in text
    assert "The car is reserved by another at that time." in text
    assert "Free then:" in text
    [leave_out] = re.findall(r'href="(/series/new\?[^"]*but=2026-05-12&[^"]*)"', text)
    text = driver.get(leave_out.replace("&amp;", "&")).text
    assert "4 days can be had" in text
    answer = driver.submit("/series/new", hidden(text) | {"others": "1"})
    assert answer.status_code == 303
    page = driver.get(answer.headers["location"]).text
    assert "The series is booked." in page
    assert "Tuesday, Thursday, 08:00 to 12:00, from Tuesday 5 May 2026 to Thursday 21 May 2026" in page
    days = [day for day, *_ in kept(town)]
    assert days == ["2026-05-05", "2026-05-07", "2026-05-14", "2026-05-19", "2026-05-21"]
    cars = [vehicle for _, vehicle, _ in kept(town)]
    assert cars[1] != car
    assert {cars[0], *cars[2:]} == {car}


def test_a_car_that_is_out_of_service_is_said_so_for_each_day(town):
    driver, car = town.browser("driver"), town.car["GB-104-NZ"]
    with town.apps.cloud.store.write() as tx:
        fleet.change_vehicle(tx, SYSTEM, car, status="workshop")
    text = driver.get("/series/new", params={**ASKED, "vehicle": str(car)}).text
    assert "0 days can be had" in text
    assert "GB-104-NZ" in text
    refused = driver.submit("/series/new", {**ASKED, "vehicle": str(car)})
    assert refused.status_code == 409
    assert "nothing was done" in refused.text


def test_a_series_is_changed_from_a_day_on_given_back_and_undone(town):
    driver = town.browser("driver")
    answer = driver.submit("/series/new", {**ASKED, "vehicle": str(town.car["GB-104-NZ"])})
    where = answer.headers["location"].partition("?")[0]
    town.time[0] += 60
    changed = driver.submit(f"{where}/change", {"from": "2026-05-14", "start": "09:30", "end": "11:00"})
    text = driver.get(changed.headers["location"]).text
    assert text.count("09:30 to 11:00") == 3
    town.time[0] += 60
    driver.submit(f"{where}/cancel", {"from": "2026-05-19"})
    assert [state for _, _, state in kept(town)] == ["confirmed"] * 4 + ["cancelled"] * 2
    assert f'action="{where}/undo"' in driver.get(where).text
    driver.submit(f"{where}/undo")
    assert {state for _, _, state in kept(town)} == {"confirmed"}
    assert where in driver.get("/bookings").text


def test_a_manager_books_a_series_for_a_colleague_who_sees_it(town):
    manager, person = town.browser("manager"), town.person["driver"]
    asked = {**ASKED, "vehicle": str(town.car["GB-104-NZ"]), "person": str(person)}
    text = manager.get("/console/series/new", params=asked).text
    assert "Nadia Le Goff" in text
    answer = manager.submit("/console/series/new", asked)
    assert answer.headers["location"].startswith("/console/series/")
    assert "Nadia Le Goff" in manager.get(answer.headers["location"]).text
    assert "Tournée" in town.browser("driver").get(answer.headers["location"].removeprefix("/console")).text


def test_what_is_typed_wrongly_is_said_beside_the_form_and_kept(town):
    driver, car = town.browser("driver"), str(town.car["GB-104-NZ"])
    for more, sentence in (
        ({"vehicle": ""}, "Choose a car."),
        ({"vehicle": car, "last": "2026-05-01"}, "The last day is before the first."),
        ({"vehicle": car, "w1": "", "w3": ""}, "Choose at least one day of the week."),
        ({"vehicle": car, "first": "2026-02-30"}, "does not exist"),
        ({"vehicle": car, "but": "x"}, "does not exist"),
        ({"vehicle": car, "start": "25:00"}, "does not exist"),
    ):
        answer = driver.get("/series/new", params={**ASKED, **more})
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'value="Tournée"' in answer.text
    assert kept(town) == []


def test_days_that_could_not_move_are_told_with_what_would_do(town):
    driver, car = town.browser("driver"), town.car["GB-104-NZ"]
    answer = driver.submit("/series/new", {**ASKED, "vehicle": str(car)})
    where = answer.headers["location"].partition("?")[0]
    # 7 May, 14:00 to 15:00.
    town.browser("colleague").submit(
        "/bookings", {"vehicle": car, "starts": 1_778_155_200, "ends": 1_778_158_800}
    )
    town.time[0] += 60
    changed = driver.submit(f"{where}/change", {"end": "16:00"})
    text = driver.get(changed.headers["location"]).text
    assert "The series is changed, but for the days told below." in text
    assert "1 day could not be moved and stays as it was" in text
    assert "The car is reserved by another at that time." in text
    form = text[text.index('id="stayed"') :]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    action = re.search(r'action="(/bookings/\d+/change)"', form)[1]
    driver.submit(action, {name: fields[name] for name in ("vehicle", "starts", "ends")})
    assert "could not be moved" not in driver.get(where).text
    assert next(vehicle for day, vehicle, _ in kept(town) if day == "2026-05-07") != car
