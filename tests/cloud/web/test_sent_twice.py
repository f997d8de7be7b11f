"""A button pressed twice, on a slow line, sends its form twice: the second answer is the first one's."""

from glovebox.blocks.tables import blocks
from glovebox.reservations.tables import reservations
from glovebox.series.tables import series
from sqlalchemy import func, select
from support_at_once import all_at_once
from support_web import NOW

HOUR = 3600


def count(town, table):
    with town.apps.cloud.store.read() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


def twice(browser, path, fields):
    """Both answers."""
    token = browser.form_token()
    return [browser.post(path, data={"form_token": token, **fields}) for _ in range(2)]


def twice_at_once(browser, path, fields):
    """Both answers of a form that is sent by two threads."""
    data = {"form_token": browser.form_token(), **fields}
    return all_at_once(*[lambda: browser.post(path, data=data)] * 2)


def test_one_tap_too_many_leads_to_the_booking_and_not_to_another_car(town):
    fields = {"vehicle": town.car["GB-202-NZ"], "starts": NOW + HOUR, "ends": NOW + 2 * HOUR}
    before = count(town, reservations)
    first, second = twice(town.browser("driver"), "/bookings", fields)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    assert count(town, reservations) == before + 1


def test_both_at_the_same_time_are_one_booking_too(town):
    town.apps.cloud.writer.start()
    fields = {"vehicle": town.car["GB-202-NZ"], "starts": NOW + HOUR, "ends": NOW + 2 * HOUR}
    one, other = twice_at_once(town.browser("driver"), "/bookings", fields)
    assert one.headers["location"] == other.headers["location"]
    assert one.headers["location"].startswith("/bookings/")


def test_what_was_booked_longer_ago_or_by_another_is_a_clash(town):
    fields = {"vehicle": town.car["GB-202-NZ"], "starts": NOW + HOUR, "ends": NOW + 2 * HOUR}
    driver, colleague = town.browser("driver"), town.browser("colleague")
    assert driver.submit("/bookings", fields).status_code == 303
    assert colleague.submit("/bookings", fields).status_code == 409
    town.time[0] += 31
    assert driver.submit("/bookings", fields).status_code == 409


def test_a_booking_for_a_colleague_a_cancellation_a_swap_and_a_block_are_done_once(town):
    manager, mine, guests = town.browser("manager"), town.booking["next"], town.booking["guest"]
    fields = {"vehicle": town.car["GB-202-NZ"], "starts": NOW + HOUR, "ends": NOW + 2 * HOUR}
    for_colleague = {"person": town.person["colleague"], **fields}
    first, second = twice(manager, "/console/book", for_colleague)
    assert (second.status_code, second.headers["location"]) == (303, first.headers["location"])

    with town.apps.cloud.store.read() as tx:
        car = tx.execute(select(reservations.c.vehicle_id).where(reservations.c.id == guests)).scalar()
    twice(manager, f"/console/reservations/{mine}/swap", {"other": guests})
    with town.apps.cloud.store.read() as tx:
        assert tx.execute(select(reservations.c.vehicle_id).where(reservations.c.id == mine)).scalar() == car

    for browser, path in ((town.browser("driver"), "/bookings"), (manager, "/console/reservations")):
        answers = twice(browser, f"{path}/{mine}/cancel", {})
        assert [answer.status_code for answer in answers] == [303, 303]

    before = count(town, blocks)
    block = {"kind": "workshop", "day": "2026-03-12", "start": "10:00", "end_day": "", "reason": "Pneus"}
    answers = twice(manager, f"/console/vehicles/{town.car['GB-202-NZ']}/block", block)
    assert [answer.status_code for answer in answers] == [303, 303]
    assert count(town, blocks) == before + 1


def test_a_series_sent_twice_is_one_series_and_leads_to_it(town):
    """On a car that nothing else holds, and after a day was refused too."""
    driver, before = town.browser("driver"), count(town, series)
    fields = {
        "asked": "1", "vehicle": str(town.car["GB-202-NZ"]), "w1": "1", "w3": "1", "first": "2026-05-05",
        "last": "2026-06-11", "start": "08:00", "end": "12:00", "every": "1", "holidays": "1",
    }  # fmt: skip
    first, second = twice(driver, "/series/new", fields)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    assert count(town, series) == before + 1

    number = first.headers["location"].rpartition("/")[2].partition("?")[0]
    assert driver.submit(f"/series/{number}/undo", {}).status_code == 303
    third = driver.submit("/series/new", fields)
    assert third.status_code == 303
    assert third.headers["location"] != first.headers["location"], "taken back, it is asked for anew"


def test_both_series_at_the_same_time_are_one_too(town):
    town.apps.cloud.writer.start()
    fields = {
        "asked": "1", "vehicle": str(town.car["GB-202-NZ"]), "w1": "1", "w3": "1", "first": "2026-05-05",
        "last": "2026-05-28", "start": "14:00", "end": "16:00", "every": "1", "holidays": "1",
    }  # fmt: skip
    before = count(town, series)
    one, other = twice_at_once(town.browser("driver"), "/series/new", fields)
    assert one.headers["location"] == other.headers["location"]
    assert count(town, series) == before + 1
