"""What managers keep in order: vehicles, rights without reservation, Wi-Fi of sites, addresses, groups and
their undo."""

import re

import pytest
from glovebox.fleet import service as fleet
from glovebox.fleet import wifi
from glovebox.people import importing, standing
from glovebox.scope import SYSTEM
from support_web import NOW, PARIS


def vehicle(town, plate="GB-101-NZ"):
    with town.apps.cloud.store.read() as tx:
        return fleet.get_vehicle(tx, SYSTEM, town.car[plate])


def test_a_vehicle_is_changed_and_what_was_not_sent_stays(town):
    manager = town.browser("manager")
    path = f"/console/vehicles/{town.car['GB-101-NZ']}"
    assert f'href="{path}/edit"' in manager.get(path).text
    fields = {"registration": "GB-109-NZ", "bay": "", "seats": "4", "site": town.site["depot"]}
    shown = manager.get(manager.submit(f"{path}/edit", fields).headers["location"]).text
    assert "The car is changed." in shown
    one = vehicle(town)
    assert (one.registration, one.bay, one.seats, one.site_id) == ("GB-109-NZ", "", 4, town.site["depot"])
    assert (one.make, one.energy, one.status) == ("Renault", "petrol", "in_service")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"registration": "GB-102-NZ"}, "Another car has the plate GB-102-NZ."),
        ({"registration": " "}, "must be filled in"),
        ({"seats": "0"}, "A number from 1 to 60"),
        ({"seats": "many"}, "A number was expected."),
        ({"status": "retired"}, "This car has bookings ahead (1):"),
        ({"licence_category": "Z9"}, "no category"),
        ({"energy": "steam"}, "not complete"),
    ],
)
def test_what_cannot_be_stored_is_said_and_what_was_typed_stays(town, fields, words):
    before = vehicle(town)
    manager = town.browser("manager")
    answer = manager.submit(f"/console/vehicles/{town.car['GB-101-NZ']}/edit", {**fields, "model": "Clio V"})
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Clio V"' in answer.text
    assert vehicle(town) == before


def rights(town):
    with town.apps.cloud.store.read() as tx:
        found = standing.list_rights(tx, town.time[0], SYSTEM, town.person["colleague"])
    return [(one.kind, one.pool_name) for one in found]


def test_a_right_without_reservation_is_given_shown_refused_twice_and_ended(town):
    manager = town.browser("manager")
    path = f"/console/people/{town.person['colleague']}"
    fields = {"pool": town.pool["town"], "kind": "standing", "until": "2026-12-31"}
    shown = manager.get(manager.submit(f"{path}/rights", fields).headers["location"]).text
    assert "Thursday 31 December 2026" in shown
    assert rights(town) == [("standing", "Voitures partagées")]
    assert "has this right" in manager.submit(f"{path}/rights", fields).text
    assert manager.submit(f"{path}/rights", {**fields, "pool": town.pool["hospital"]}).status_code == 404
    assert "no such right" in manager.submit(f"{path}/rights", {**fields, "kind": "all"}).text.lower()
    assert manager.submit(f"{path}/rights", {**fields, "until": "2026-01-01"}).status_code == 422
    number = re.search(r'name="end" value="(\d+)"', shown).group(1)
    town.time[0] += 60
    assert town.browser("strange_manager").submit(f"{path}/rights", {"end": number}).status_code == 404
    manager.submit(f"{path}/rights", {"end": number})
    assert rights(town) == []


def test_access_points_are_added_in_any_writing_once_and_removed(town):
    manager = town.browser("manager")
    path = f"/console/sites/{town.site['hall']}/wifi"
    for text in ("24:6f:28:00:00:01", "246F28000002", "24-6f-28-00-00-03"):
        assert manager.submit(path, {"bssid": text}).status_code == 303
    assert manager.submit(path, {"bssid": "24:6F:28:00:00:01"}).status_code == 422
    refused = manager.submit(path, {"bssid": "24:6F:28"})
    assert "six pairs" in refused.text
    assert 'value="24:6F:28"' in refused.text
    with town.apps.cloud.store.read() as tx:
        found = wifi.list_wifi(tx, SYSTEM, town.site["hall"])
    assert [one.bssid[-2:] for one in found] == ["01", "02", "03"]
    manager.submit(path, {"remove": found[0].id})
    assert "00:00:01</span>" not in manager.get(path).text


@pytest.mark.parametrize("address", ["nadia", "nadia@ville", "na dia@ville.fr", "nadia@@ville.fr"])
def test_what_is_no_address_is_refused_in_the_form_and_the_import(town, address):
    manager = town.browser("manager")
    path = f"/console/people/{town.person['driver']}/edit"
    fields = {"given_name": "Nadia", "family_name": "Le Goff", "email": address, "active": "1"}
    answer = manager.submit(path, fields)
    assert answer.status_code == 422
    assert "is no e-mail address" in answer.text
    new = {"organisation": town.body["town"], "staff_number": "N-7", **fields}
    assert manager.submit("/console/people/new", new).status_code == 422
    line = f"staff_number,given_name,family_name,email\nN-8,A,B,{address}\n"
    with town.apps.cloud.store.read() as tx:
        reader = importing.Reader(NOW, SYSTEM, town.apps.cloud.keyring, PARIS)
        (found,) = importing.preview(tx, reader, town.body["town"], line.encode())
    assert [code for code, _values in found.problems] == ["email_invalid"]


def test_an_address_of_a_network_of_ones_own_is_kept(town):
    fields = {"given_name": "Nadia", "family_name": "Le Goff", "email": "nadia@ville.local", "active": "1"}
    path = f"/console/people/{town.person['driver']}/edit"
    assert town.browser("manager").submit(path, fields).status_code == 303


def test_a_change_of_a_group_and_its_removal_are_undone_within_30_seconds(town):
    manager = town.browser("manager")
    path = f"/console/groups/{town.group}"
    manager.submit(f"{path}/members", {"person": town.person["colleague"], "out": "1"})
    assert "Guillou" not in manager.get(path).text
    manager.submit(f"{path}/undo")
    assert "Guillou" in manager.get(path).text
    manager.submit(path, {"name": "Autre", "priority": "9"})
    town.time[0] += 30
    assert "Undo" not in manager.get(path).text
    assert manager.submit(f"{path}/undo").status_code == 409
    answer = manager.submit(f"{path}/remove")
    assert f'action="{path}/undo"' in manager.get(answer.headers["location"]).text
    assert town.browser("administrator").submit(f"{path}/undo").status_code == 403
    manager.submit(f"{path}/undo")
    shown = manager.get(path).text
    assert "Autre" in shown
    assert "Guillou" in shown


def test_what_the_console_changes_the_api_changes_by_the_same_rules(town):
    manager, api = town.browser("manager"), "/api/v1"
    car = f"{api}/vehicles/{town.car['GB-101-NZ']}"
    assert manager.patch(car, json={"bay": "99", "charge_w": None}).json()["bay"] == "99"
    assert manager.patch(car, json={"status": "retired"}).json()["code"] == "bookings_ahead"
    assert manager.patch(car, json={"seats": 99}).json()["code"] == "number_out_of_range"
    group = f"{api}/groups/{town.group}"
    before = manager.get(f"{group}/members").json()
    assert manager.put(f"{group}/members/{town.person['staff']}").status_code == 204
    assert len(manager.get(f"{group}/members").json()) == len(before) + 1
    assert manager.post(f"{group}/undo").status_code == 200
    assert manager.get(f"{group}/members").json() == before
    person = f"{api}/people/{town.person['driver']}"
    password = manager.post(f"{person}/first-password").json()["password"]
    login = {"identifier": "S-100", "password": password}
    assert town.browser().post(f"{api}/session", json=login).status_code == 204
    assert manager.patch(f"{person}", json={"phone": "06 12"}).json()["code"] == "phone_unreadable"
    me = f"{api}/people/{town.person['manager']}"
    assert manager.patch(me, json={"is_active": False}).status_code == 403
    assert manager.patch(f"{person}", json={"is_active": False}).json()["is_active"] is False


def test_spaces_that_do_not_break_are_spaces(town):
    manager = town.browser("manager")
    fields = {"organisation": town.body["town"], "staff_number": "N-9", "given_name": "Jean\u00a0Luc"}
    assert manager.submit("/console/people/new", {**fields, "family_name": "Le\u202fBris"}).status_code == 303
    listed = manager.get("/console/people?q=N-9").text
    assert "Jean Luc" in listed
    assert "Le Bris" in listed
    line = "staff_number,given_name,family_name\nN-10,Anne\u00a0Marie,Le\u202fBris\u00a0\n"
    with town.apps.cloud.store.read() as tx:
        reader = importing.Reader(NOW, SYSTEM, town.apps.cloud.keyring, PARIS)
        (found,) = importing.preview(tx, reader, town.body["town"], line.encode())
    assert (found.problems, found.values["given_name"], found.values["family_name"]) == (
        [],
        "Anne Marie",
        "Le Bris",
    )
