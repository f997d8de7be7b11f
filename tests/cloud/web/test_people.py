"""People with telephone and licence: forms, lists imported, downloaded, changed and imported again."""

import csv
import io
from datetime import datetime

import pytest
from glovebox.people import service as people
from glovebox.scope import SYSTEM
from support_town import PEOPLE
from support_web import PARIS

NADIA = {"given_name": "Nadia", "family_name": "Le Goff", "active": "1"}
HEAD = "matricule;prénom;nom;téléphone;catégories du permis;fin du permis\n"


def person(town, key="driver"):
    with town.apps.cloud.store.read() as tx:
        return people.find_person(tx, SYSTEM, town.body[PEOPLE[key][0]], PEOPLE[key][1])


def midnight(*day):
    return int(datetime(*day, tzinfo=PARIS).timestamp())


def send_list(browser, town, text):
    token = browser.form_token()
    fields = {"organisation": str(town.body["town"]), "form_token": token}
    files = {"file": ("people.csv", text.encode(), "text/csv")}
    return browser.post("/console/people/import", data=fields, files=files)


def store_list(browser, town, shown):
    content = shown.text.split('name="content" value="')[1].split('"')[0]
    fields = {"organisation": town.body["town"], "content": content}
    return browser.submit("/console/people/import/store", fields)


def test_telephone_and_licence_are_kept_as_they_are_written_everywhere(town):
    fields = {"phone": "+33 (0)6 12.34-56 78", "licence_categories": "be, b", "licence_until": "2031-05-14"}
    path = f"/console/people/{town.person['driver']}"
    manager = town.browser("manager")
    assert manager.submit(f"{path}/edit", {**NADIA, **fields}).status_code == 303
    one = person(town)
    assert (one.phone, one.licence_categories, one.licence_until) == (
        "+33612345678", "B BE", midnight(2031, 5, 15),
    )  # fmt: skip
    assert "+33612345678" in manager.get(path).text
    new = {"organisation": town.body["town"], "staff_number": "N-9", **NADIA, **fields}
    assert manager.submit("/console/people/new", new).status_code == 303


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("phone", "06 12 34 56 78", "with its country"),
        ("licence_categories", "B, Z9", "Z9"),
        ("licence_until", "31/02/2030", "no last day of a licence"),
        ("licence_until", "2130-01-01", "no last day of a licence"),
    ],
)
def test_what_cannot_be_is_refused_alike_in_form_and_list(town, field, text, said):
    manager = town.browser("manager")
    answer = manager.submit(f"/console/people/{town.person['driver']}/edit", {**NADIA, field: text})
    assert (answer.status_code, said in answer.text, f'value="{text}"' in answer.text) == (422, True, True)
    shown = send_list(manager, town, f'staff_number,given_name,family_name,{field}\nN-1,A,B,"{text}"\n')
    assert said in shown.text
    assert "0 lines are good" in shown.text


def test_a_list_renews_licence_and_telephone_of_people_known_and_nothing_else(town):
    manager = town.browser("manager", "fr")
    shown = send_list(manager, town, HEAD + "S-100;Nadine;Legoff;+33612345678;B BE;14/05/2031\n")
    assert "14 mai 2031" in shown.text
    assert store_list(manager, town, shown).status_code == 303
    one = person(town)
    assert (one.given_name, one.phone, one.licence_until) == ("Nadia", "+33612345678", midnight(2031, 5, 15))
    send_list(manager, town, HEAD + "S-100;Nadia;Le Goff;;;\n")
    assert person(town).phone == "+33612345678"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_list_that_is_downloaded_can_be_imported_as_it_is(town, language):
    manager = town.browser("manager", language)
    fields = {"phone": "+33612345678", "licence_until": "2031-05-14"}
    manager.submit(f"/console/people/{town.person['driver']}/edit", {**NADIA, **fields})
    answer = manager.get("/console/people/list.csv")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    (mine,) = [row for row in rows if "S-100" in row]
    assert {"'+33612345678", "2031-05-14"} <= set(mine)
    before = person(town)
    shown = send_list(manager, town, answer.text)
    assert {"fr": "a un problème", "en": "has a problem"}[language] not in shown.text
    assert store_list(manager, town, shown).status_code == 303
    assert person(town) == before


def test_nobody_of_another_body_is_in_the_downloaded_list(town):
    text = town.browser("guest_manager").get("/console/people/list.csv").text
    assert "A-200" in text
    assert "S-100" not in text


def test_an_sms_goes_to_the_number_at_work_until_the_person_chooses_another(town):
    driver, manager = town.browser("driver"), town.browser("manager")
    path = f"/console/people/{town.person['driver']}/edit"
    manager.submit(path, {**NADIA, "phone": "+33612345678"})
    assert driver.put("/api/v1/message-choice", json={"channel": "sms"}).json()["phone"] == "+33612345678"
    manager.submit(path, {**NADIA, "phone": "+33612345679"})
    assert driver.get("/api/v1/message-choice").json()["phone"] == "+33612345679"
    own = {"channel": "sms", "phone": "+33700000000"}
    driver.put("/api/v1/message-choice", json=own)
    manager.submit(path, {**NADIA, "phone": "+33612345678"})
    assert driver.get("/api/v1/message-choice").json() == own
    assert "+33700000000" not in manager.get(path).text
