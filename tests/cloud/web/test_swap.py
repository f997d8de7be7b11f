"""Exchanging two reservations' cars with forms alone."""

from glovebox.reservations.tables import reservations
from sqlalchemy import select


def cars(town):
    with town.apps.cloud.store.read() as tx:
        rows = tx.execute(select(reservations.c.id, reservations.c.vehicle_id)).all()
    return {row.id: row.vehicle_id for row in rows}


def test_a_manager_exchanges_two_cars_and_takes_it_back(town):
    manager, mine, guests = town.browser("manager"), town.booking["next"], town.booking["guest"]
    where, before = f"/console/reservations/{mine}", cars(town)
    assert f"{where}/swap" in manager.get(where).text
    page = manager.get(f"{where}/swap").text
    assert "Marc Dubois" in page
    assert f'name="other" value="{guests}"' in page
    answer = manager.submit(f"{where}/swap", {"other": guests})
    assert answer.status_code == 303
    text = manager.get(answer.headers["location"]).text
    assert "The cars are exchanged." in text
    assert "GB-103-NZ" in text
    assert cars(town) == before | {mine: before[guests], guests: before[mine]}
    manager.submit(f"{where}/undo")
    assert cars(town) == before


def test_what_cannot_be_exchanged_is_said_beside_the_choice(town):
    manager, before = town.browser("manager"), cars(town)
    where = f"/console/reservations/{town.booking['next']}/swap"
    answer = manager.submit(where, {"other": town.booking["colleague"]})
    assert answer.status_code == 409
    assert "under way or over" in answer.text
    assert "Both reservations stay as they were." in answer.text
    assert cars(town) == before
    assert "under way" not in manager.get(where).text
