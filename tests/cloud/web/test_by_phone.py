"""Opening and closing by phone: what is offered fits what the car said last, and the API refuses the rest."""

import pytest
from glovebox.boxes import by_phone
from glovebox.boxes.schemas import Live
from glovebox.boxes.tables import boxes, commands
from glovebox.link import codes
from glovebox.reservations.tables import reservations
from sqlalchemy import select, update
from support_town import pack_state
from support_web import HOUR, NOW


class Promise:
    def __init__(self, state, starts_at=NOW - HOUR, ends_at=NOW + HOUR):
        self.state, self.starts_at, self.ends_at = state, starts_at, ends_at


def live(state, *, is_locked=None, heard_at=NOW):
    return Live(1, 1, is_linked=True, heard_at=heard_at, state=state, is_locked=is_locked)


@pytest.mark.parametrize(
    ("state", "said", "offered"),
    [
        ("confirmed", live("parked"), ("open",)),
        ("confirmed", live("open", is_locked=False), ("open",)),  # another's session: the car refuses
        ("in_use", live("open", is_locked=False), ("close",)),
        ("in_use", live("open", is_locked=True), ("open",)),
        ("in_use", live("open"), ("open", "close")),
        ("in_use", live("stopover", is_locked=True), ("open",)),
        ("in_use", live("ending"), ("open",)),
        ("in_use", live("driving"), ()),
        ("in_use", live("driving", heard_at=NOW - by_phone.FRESH_S - 1), ("open", "close")),
        ("in_use", live("open", is_locked=False, heard_at=NOW - by_phone.FRESH_S - 1), ("open", "close")),
        ("in_use", live(None, heard_at=None), ("open", "close")),
        ("in_use", None, ()),
        ("completed", live("parked"), ()),
        ("pending", live("parked"), ()),
    ],
)
def test_what_is_offered_fits_what_the_car_said(state, said, offered):
    assert by_phone.list_acts(NOW, Promise(state), said) == offered


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "offered"),
    [
        (NOW + 900, NOW + HOUR, ("open",)),
        (NOW + 901, NOW + HOUR, ()),
        (NOW - HOUR, NOW + 1, ("open",)),
        (NOW - HOUR, NOW, ()),
    ],
)
def test_it_is_offered_from_15_minutes_before_the_start_until_the_end(starts_at, ends_at, offered):
    assert by_phone.list_acts(NOW, Promise("confirmed", starts_at, ends_at), live("parked")) == offered


def say(town, state, *, is_locked, booking="next"):
    """The driver's car is in use and says this of itself."""
    locked = 1 << codes.INPUT_BIT.index("locked")
    packed = pack_state(state, town.site["hall"], inputs=locked if is_locked else 0)
    car = select(reservations.c.vehicle_id).where(reservations.c.id == town.booking[booking])
    with town.apps.cloud.store.write() as tx:
        tx.execute(
            update(reservations).where(reservations.c.id == town.booking[booking]).values(state="in_use")
        )
        values = {"state": packed, "heard_at": NOW}
        tx.execute(update(boxes).where(boxes.c.vehicle_id == car.scalar_subquery()).values(**values))


def test_an_open_car_is_offered_to_be_closed_and_the_other_way_round(town):
    driver, path = town.browser("driver"), f"/bookings/{town.booking['next']}"
    say(town, "open", is_locked=False)
    shown = driver.get(path).text
    assert ("Close by phone" in shown, "Open by phone" in shown) == (True, False)
    assert "open already" in driver.get(f"{path}/open").text
    refused = driver.submit(f"{path}/open")
    assert (refused.status_code, "The car is open already." in refused.text) == (409, True)
    sent = driver.submit(f"{path}/close")
    assert "The car is being asked" in driver.get(sent.headers["location"]).text
    with town.apps.cloud.store.read() as tx:
        row = tx.execute(select(commands)).one()
    assert (row.kind, row.role, row.argument) == ("lock", "driver", town.booking["next"])
    say(town, "open", is_locked=True)
    shown = driver.get(path).text
    assert ("Close by phone" in shown, "Open by phone" in shown) == (False, True)
    assert driver.submit(f"{path}/close").status_code == 409


@pytest.mark.parametrize(
    ("state", "is_locked", "act", "code"),
    [
        ("open", False, "open", "open_already"),
        ("open", True, "close", "closed_already"),
        ("driving", True, "open", "car_driving"),
        ("driving", True, "close", "car_driving"),
    ],
)
def test_the_api_refuses_what_does_not_fit_the_state_by_name(town, state, is_locked, act, code):
    say(town, state, is_locked=is_locked)
    answer = town.browser("driver").post(f"/api/v1/reservations/{town.booking['next']}/{act}")
    assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_who_has_not_begun_opens_and_does_not_close(town):
    driver, path = town.browser("driver"), f"/api/v1/reservations/{town.booking['next']}"
    assert driver.post(f"{path}/close").json()["code"] == "not_begun"
    sent = driver.post(f"{path}/open")
    assert (sent.status_code, sent.json()["kind"]) == (201, "open_for")
    number, car = sent.json()["id"], sent.json()["vehicle_id"]
    assert driver.get(f"/api/v1/vehicles/{car}/commands/{number}").json()["state"] == "queued"
    assert town.browser("manager").post(f"{path}/open").status_code == 404
