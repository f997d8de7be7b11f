"""Incidents and damage as managers, site staff and drivers meet them."""

import pytest
from glovebox.blocks import service as blocks
from glovebox.scope import SYSTEM


def blocked(town, plate):
    with town.apps.cloud.store.read() as tx:
        return blocks.list_blocks(tx, SYSTEM, [town.car[plate]], ends_after=town.time[0])


def test_the_list_is_filtered_and_tells_facts_in_words(quiet_town):
    manager = quiet_town.browser("manager")
    text = manager.get("/console/incidents").text
    assert "A reservation passed without word from the car" in text
    assert "Rétroviseur droit cassé" in text
    assert "Boîtier contrôlé" not in text
    closed = manager.get("/console/incidents?state=closed").text
    assert "5 records" in closed
    assert "Looked at on the spot" in closed
    only = manager.get(f"/console/incidents?kind=damage&vehicle={quiet_town.car['GB-101-NZ']}").text
    assert "Nothing fits this filter." in only
    assert quiet_town.browser("strange_manager").get("/console/incidents").text.count('class="card"') == 0
    assert manager.get("/console/incidents?state=odd").status_code == 404


def test_one_incident_is_closed_with_a_remark_and_reopened_within_30_seconds(town):
    manager = town.browser("manager")
    path = f"/console/incidents/{town.incident}"
    answer = manager.submit(path, {"step": "talked", "note": "Clé oubliée"})
    shown = manager.get(answer.headers["location"]).text
    for words in ("It is closed.", "Talked with the driver", "Clé oubliée", "Claire Morvan", "Undo"):
        assert words in shown
    again = manager.submit(path, {"step": "nothing"})
    assert again.status_code == 409
    assert "closed already" in again.text
    assert "open again" in manager.get(manager.submit(f"{path}/undo").headers["location"]).text
    manager.submit(path, {"step": "checked"})
    town.time[0] += 30
    assert "Undo" not in manager.get(path).text
    assert manager.submit(f"{path}/undo").status_code == 409
    assert manager.submit(path, {"step": "odd"}).status_code == 422


def test_what_is_proposed_is_one_button(town):
    manager = town.browser("manager")
    path = f"/console/incidents/{town.damage}"
    assert "Take out of service" in manager.get(path).text
    manager.submit(path, {"step": "take_out"})
    assert [one.reason for one in blocked(town, "GB-102-NZ")] == ["Rétroviseur droit cassé"]
    shown = manager.get(path).text
    assert 'value="take_out"' not in shown
    assert "Repaired: back in service" in shown
    manager.submit(path, {"step": "repaired"})
    assert blocked(town, "GB-102-NZ") == []


@pytest.mark.parametrize("may_drive", [True, False])
def test_a_program_reports_damage_and_a_car_that_must_not_go_is_out_at_once(town, may_drive):
    path = f"/api/v1/vehicles/{town.car['GB-102-NZ']}/damage"
    before = blocked(town, "GB-102-NZ")
    sent = {"text": "Pneu crevé", "may_drive": may_drive, "reservation_id": town.booking["colleague"]}
    answer = town.browser("colleague").post(path, json=sent)
    assert answer.status_code == 201, answer.text
    manager = town.browser("manager")
    one = manager.get(f"/api/v1/incidents/{answer.json()['id']}").json()
    assert (one["kind"], one["detail"], one["reservation_id"]) == (
        "damage",
        "Pneu crevé",
        town.booking["colleague"],
    )
    out = [(one.kind, one.reason) for one in blocked(town, "GB-102-NZ") if one not in before]
    assert out == ([] if may_drive else [("damage", "Pneu crevé")])


@pytest.mark.parametrize(("who", "where"), [("colleague", "/bookings/{}"), ("staff", "/console/vehicles/{}")])
def test_a_driver_and_site_staff_report_damage_and_say_whether_the_car_may_go(town, who, where):
    browser = town.browser(who)
    back = where.format(town.booking["colleague"] if who == "colleague" else town.car["GB-102-NZ"])
    assert f'href="{back}/damage"' in browser.get(back).text
    unsaid = browser.submit(f"{back}/damage", {"text": "Pneu plat"})
    assert unsaid.status_code == 422
    assert "Say whether the car may go." in unsaid.text
    assert 'value="Pneu plat"' in unsaid.text
    empty = browser.submit(f"{back}/damage", {"may_drive": "yes"})
    assert "what is damaged" in empty.text.lower()
    answer = browser.submit(f"{back}/damage", {"text": "Pneu plat", "may_drive": "no"})
    assert "Thank you" in browser.get(answer.headers["location"]).text
    assert [one.kind for one in blocked(town, "GB-102-NZ")] == ["damage"]
    assert "Pneu plat" in town.browser("manager").get("/console/incidents").text


def test_damage_of_a_booking_still_far_away_is_not_reported(town):
    browser = town.browser("driver")
    back = f"/bookings/{town.booking['later']}"
    assert f"{back}/damage" not in browser.get(back).text
    assert browser.get(f"{back}/damage").status_code == 403


def test_site_staff_see_incidents_of_their_cars_without_names_and_change_nothing(town):
    staff, manager = town.browser("staff"), town.browser("manager")
    assert 'href="/console/incidents"' in staff.get("/console").text
    listed = staff.get("/console/incidents").text
    assert "A reservation passed without word from the car" in listed
    path = f"/console/incidents/{town.incident}"
    named = manager.get("/api/v1/incidents?state=all").json()
    assert any(one["person_name"] for one in named)
    shown = staff.get(path).text
    assert "Le Goff" not in listed + shown
    assert "Guillou" not in listed + shown
    assert "<form" not in shown.split("<main")[1].split("</main")[0]
    assert staff.submit(path, {"step": "nothing"}).status_code == 403
    told = staff.get("/api/v1/incidents?state=all").json()
    assert len(told) == len(named)
    assert {(one["person_id"], one["person_name"], one["closing_note"]) for one in told} == {(None, "", "")}
    assert town.browser("installer").get("/console/incidents").status_code == 403
