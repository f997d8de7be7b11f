"""What fleet managers, site staff and installers do with the console."""

import html
import re
import shlex
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from glovebox.accounts import roles
from glovebox.blocks import service as blocks
from glovebox.boxes.tables import boxes, commands
from glovebox.fleet import service as fleet
from glovebox.people.tables import badges, people
from glovebox.reservations.tables import reservations
from glovebox.scope import SYSTEM
from sqlalchemy import select, update
from support_town import pack_state
from support_web import HOUR, NOW

OFFER = (
    r'name="vehicle" value="(\d+)"><input type="hidden" name="starts" value="(\d+)"'
    r'><input type="hidden" name="ends" value="(\d+)"'
)


def test_the_list_tells_state_place_fuel_battery_and_last_contact_in_words(quiet_town):
    text = quiet_town.browser("manager").get("/console").text
    for words in (
        "Free",
        "Driving",
        "Silent",
        "No box yet",
        "away from the sites",
        "2 faults",
        "11.5\u00a0V",
        "3 days ago",
    ):
        assert words in text
    assert "Yann Guillou, until 11:40" in re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(
    ("query", "plates"),
    [
        ("view=free", {"GB-101-NZ", "GB-103-NZ", "GB-104-NZ", "GB-202-NZ"}),
        ("view=used", {"GB-102-NZ"}),
        ("view=attention", {"GB-103-NZ", "GB-201-NZ"}),
        ("q=renault+zoe", {"GB-102-NZ"}),
        ("q=103", {"GB-103-NZ"}),
        ("q=%25", set()),
    ],
)
def test_the_list_is_filtered(quiet_town, query, plates):
    text = quiet_town.browser("manager").get(f"/console?{query}", headers={"hx-request": "true"}).text
    assert set(re.findall(r">(GB-\d+-NZ)<", text)) == plates


def test_a_car_out_of_service_is_not_called_free(town):
    car = town.car["GB-101-NZ"]
    town.apps.cloud.writer.run(
        lambda tx: blocks.add_block(tx, NOW, SYSTEM, car, "damage", NOW - HOUR, None, "wing mirror")
    )
    manager = town.browser("manager")
    assert "Out of service now" in manager.get(f"/console/vehicles/{car}").text
    rows = {"hx-request": "true"}
    assert ">GB-101-NZ<" not in manager.get("/console?view=free", headers=rows).text
    assert ">GB-101-NZ<" in manager.get("/console?view=attention", headers=rows).text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("parked", "Free"),
        ("asking", "A badge is being checked"),
        ("open", "Taken, standing"),
        ("driving", "Driving"),
        ("stopover", "Stopover, locked"),
        ("ending", "Just returned"),
    ],
)
def test_each_state_of_a_box_has_its_word(town, state, words):
    car = town.car["GB-201-NZ"]
    with town.apps.cloud.store.write() as tx:
        values = {"state": pack_state(state, town.site["depot"]), "heard_at": NOW}
        tx.execute(update(boxes).where(boxes.c.vehicle_id == car).values(**values))
    assert words in town.browser("manager").get(f"/console/vehicles/{car}").text


def test_a_car_without_a_box_shows_its_booking_all_the_same(town):
    manager = town.browser("manager")
    path = f"/console/vehicles/{town.car['GB-104-NZ']}"
    assert "No box yet" in manager.get(path).text
    town.time[0] += 9 * HOUR
    assert "Booked now, no box yet" in manager.get(path).text


def test_a_fault_stands_with_what_to_do(quiet_town):
    text = quiet_town.browser("manager", "fr").get(f"/console/vehicles/{quiet_town.car['GB-103-NZ']}").text
    assert "Le récepteur satellite est muet" in text
    assert "Vérifiez le câble" in text


def test_the_journal_is_told_in_words_with_seconds(quiet_town):
    text = quiet_town.browser("manager").get(f"/console/vehicles/{quiet_town.car['GB-101-NZ']}/journal").text
    assert "Badge refused" in text
    assert "08:45:00" in text
    assert "line." not in text


def test_a_command_needs_a_reason_and_is_queued_with_the_role_of_who_sent_it(town):
    staff = town.browser("staff")
    path = f"/console/vehicles/{town.car['GB-101-NZ']}/commands/lock"
    refused = staff.submit(path, {"reason": "  "})
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert staff.submit(path, {"reason": "left unlocked"}).status_code == 303
    with town.apps.cloud.store.read() as tx:
        sent = tx.execute(select(commands)).one()
    assert (sent.kind, sent.role, sent.reason) == ("lock", "site_staff", "left unlocked")


def test_opening_for_a_driver_and_tracking_are_not_sent_from_the_list_of_commands(town):
    manager = town.browser("manager")
    for kind in ("open_for", "track", "explode"):
        path = f"/console/vehicles/{town.car['GB-101-NZ']}/commands/{kind}"
        assert manager.get(path).status_code == 404
        assert manager.submit(path, {"reason": "because"}).status_code == 422


def test_a_command_to_a_car_without_a_box_says_so(town):
    path = f"/console/vehicles/{town.car['GB-104-NZ']}/commands/lock"
    answer = town.browser("manager").submit(path, {"reason": "test"})
    assert answer.status_code == 409
    assert "box" in answer.text


def test_booking_for_a_colleague_goes_from_the_name_to_the_car(town):
    manager = town.browser("manager")
    found = manager.get(
        "/console/book?q=guillou&vehicle=6&day=2026-03-12&start=09:00&end_day=2026-03-12&end=11:00"
    ).text
    link = re.search(r'href="(/console/book\?person=[^"]+)"', found)
    assert link
    offers = manager.get(link.group(1).replace("&amp;", "&")).text
    assert "A car for Yann Guillou" in offers
    form = re.search(
        OFFER,
        offers,
    )
    assert form
    assert int(form.group(1)) == 6
    fields = {
        "person": town.person["colleague"],
        "vehicle": 6,
        "starts": form.group(2),
        "ends": form.group(3),
    }
    page = manager.get(manager.submit("/console/book", fields).headers["location"])
    assert "Yann Guillou" in page.text
    assert "GB-202-NZ" in town.browser("colleague").get("/bookings").text


def test_nobody_is_booked_for_across_the_wall(town):
    for who in ("guest", "stranger"):
        fields = {"person": town.person[who], "vehicle": 6, "starts": NOW + HOUR, "ends": NOW + 2 * HOUR}
        assert town.browser("manager").submit("/console/book", fields).status_code == 404


def test_a_badge_is_added_by_what_the_reader_types_and_never_shown_again(town):
    manager = town.browser("manager")
    path = f"/console/people/{town.person['colleague']}"
    assert manager.submit(f"{path}/badges", {"uid": "04 a1:B2-c3 d4 e5 f6"}).status_code == 303
    text = manager.get(path).text
    assert "Badge ending in F6" in text
    assert "A1B2" not in text.upper().replace("FORM_TOKEN", "")
    with town.apps.cloud.store.read() as tx:
        sealed = tx.execute(select(badges.c.uid_sealed)).scalars().all()
    assert all(bytes.fromhex("04A1B2C3D4E5F6") not in row for row in sealed)


@pytest.mark.parametrize("uid", ["", "xyz", "08112233", "0411", "04112233445 5A0".replace(" ", "")])
def test_a_badge_that_cannot_identify_or_is_somebodys_is_refused_with_a_reason(town, uid):
    manager = town.browser("manager")
    answer = manager.submit(f"/console/people/{town.person['colleague']}/badges", {"uid": uid})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_withdrawing_a_badge_asks_first(town):
    manager = town.browser("manager")
    path = f"/console/people/{town.person['driver']}"
    link = re.search(rf'href="({path}/badges/\d+/revoke)"', manager.get(path).text)
    assert link
    assert "Yes, withdraw it" in manager.get(link.group(1)).text
    assert manager.submit(link.group(1)).status_code == 303
    assert "withdrawn on" in manager.get(path).text
    assert manager.get(f"/console/people/{town.person['colleague']}/badges/1/revoke").status_code == 404


def test_a_person_is_added_changed_and_given_a_first_password_that_works_once_shown(town):
    manager = town.browser("manager")
    fields = {
        "organisation": town.body["town"],
        "staff_number": "S-500",
        "given_name": "Zoé",
        "family_name": "Adam",
    }
    path = manager.submit("/console/people/new", fields).headers["location"].split("?")[0]
    again = manager.submit("/console/people/new", fields)
    assert again.status_code == 422
    assert "S-500" in again.text
    change = {"given_name": "Zoé", "family_name": "Adam-Roux", "active": "1", "licence_until": "2030-06-30"}
    assert manager.submit(f"{path}/edit", change).status_code == 303
    text = manager.get(path).text
    assert "Adam-Roux" in text
    assert "Sunday 30 June 2030" in text
    assert 'value="2030-06-30"' in manager.get(f"{path}/edit").text
    shown = manager.submit(f"{path}/login").text
    password = re.search(r'class="secret">([a-z2-7-]+)<', shown)
    assert password
    assert password.group(1) not in manager.get(path).text
    answer = town.browser().submit("/login", {"identifier": "S-500", "password": password.group(1)})
    assert answer.status_code == 303


def test_somebody_made_inactive_is_logged_out(town):
    colleague = town.browser("colleague")
    assert colleague.get("/").status_code == 200
    fields = {"given_name": "Yann", "family_name": "Guillou"}
    path = f"/console/people/{town.person['colleague']}"
    assert town.browser("manager").submit(f"{path}/edit", fields).status_code == 303
    assert colleague.get("/").status_code == 303


def test_people_are_searched_and_come_in_pages(town):
    from glovebox.people import service as people

    with town.apps.cloud.store.write() as tx:
        for number in range(120):
            people.add_person(
                tx,
                NOW,
                organisation_id=town.body["town"],
                staff_number=f"X{number}",
                given_name="X",
                family_name="Y",
            )
    manager = town.browser("manager")
    text = manager.get("/console/people?from=50").text
    assert "126 people" in text
    assert "Previous page" in text
    assert "Next page" in text
    assert "1 person" in manager.get("/console/people?q=le+goff").text
    assert "Nobody fits" in manager.get("/console/people?q=nobody").text


CSV = (
    "staff_number;given_name;family_name;email;department;language;badge_uid\r\n"
    "S-900;Inès;Caron;;Eau;fr;04 11 22 33 44 55 66\r\n"
    "S-901;;Sans-Prénom;;;;\r\n"
    "S-902;Luc;Double;;;;08112233\r\n"
)


def test_an_imported_list_is_shown_line_by_line_before_its_good_lines_are_stored(town):
    manager = town.browser("manager")
    fields = {"form_token": manager.form_token(), "organisation": town.body["town"]}
    shown = manager.post("/console/people/import", data=fields, files={"file": ("p.csv", CSV.encode())}).text
    assert "1 line is good." in shown
    assert "2 lines have a problem" in shown
    assert "Nobody fits" in manager.get("/console/people?q=caron").text
    content = re.search(r'name="content" value="([^"]+)"', shown)
    assert content
    stored = manager.submit(
        "/console/people/import/store", {"organisation": town.body["town"], "content": content.group(1)}
    )
    assert stored.headers["location"] == "/console/people?said=imported"
    assert "Caron" in manager.get("/console/people?q=caron").text
    assert "Double" not in manager.get("/console/people?q=double").text.replace('value="double"', "")


def test_a_list_with_french_names_of_columns_is_read_and_its_problems_name_them(town):
    manager = town.browser("manager")
    fields = {"form_token": manager.form_token(), "organisation": town.body["town"]}
    raw = "Matricule;Prenom;NOM;courriel;service;langue;badge\nS-910;Inès;Caron;;Eau;fr;\nS-911;;Seul;;;;\n"

    def shown(content):
        files = {"file": ("p.csv", content.encode())}
        return manager.post(
            "/console/people/import", data=fields, files=files, headers={"accept-language": "fr"}
        ).text

    assert "1 ligne est bonne." in shown(raw)
    assert "prénom est vide." in shown(raw)
    assert "La colonne nom manque." in shown("matricule;prénom\n1;A\n")
    template = manager.get("/console/people/template.csv", headers={"accept-language": "fr"}).text
    assert template == (
        "\ufeffmatricule;prénom;nom;courriel;téléphone;service;langue;"
        "catégories du permis;fin du permis;badge\r\n"
    )


def test_who_has_the_car_is_named_before_the_start_and_after_the_end_of_a_booking_in_use(town):
    manager = town.browser("manager")
    times = ((NOW + HOUR, NOW + 2 * HOUR), (NOW - 5 * HOUR, NOW - HOUR))
    for starts_at, ends_at in times:
        with town.apps.cloud.store.write() as tx:
            mine = reservations.c.id == town.booking["colleague"]
            tx.execute(update(reservations).where(mine).values(starts_at=starts_at, ends_at=ends_at))
        page = manager.get(f"/console/vehicles/{town.car['GB-102-NZ']}").text
        assert "<dt>Booked by</dt>" in page


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "Choose a file first."),
        (b"name\nA\n", "column"),
        ("staff_number,given_name,family_name\nS,\u00e9,B".encode("latin-1"), "UTF-8"),
        (b"x" * 250_001, "too large"),
    ],
)
def test_a_file_that_is_no_list_says_why(town, raw, sentence):
    manager = town.browser("manager")
    fields = {"form_token": manager.form_token(), "organisation": town.body["town"]}
    answer = manager.post("/console/people/import", data=fields, files={"file": ("p.csv", raw)})
    assert answer.status_code == 422
    assert sentence in answer.text


def test_the_list_template_opens_in_a_spreadsheet(quiet_town):
    answer = quiet_town.browser("manager").get("/console/people/template.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.startswith("\ufeffstaff_number;")


def test_a_claim_token_is_shown_once_and_belongs_to_that_car(town):
    from glovebox.boxes import service

    installer = town.browser("installer")
    path = f"/console/boxes/claim/{town.car['GB-104-NZ']}"
    shown = installer.submit(path).text
    token = re.search(r'class="secret">([0-9a-f]{40})<', shown)
    assert token
    command = re.search(r'class="secret">(glovebox-box provision [^<]+)<', shown)
    assert command
    given = shlex.split(html.unescape(command.group(1)))
    options = dict(zip(given[2::2], given[3::2], strict=True))
    assert options["--cloud"] == town.apps.cloud.box_address
    assert options["--token"] == token.group(1)
    assert set(options) == {"--cloud", "--ca", "--token", "--wifi"}
    assert token.group(1) not in installer.get(path).text
    cloud = town.apps.cloud
    with cloud.store.write() as tx:
        claimed = service.claim(tx, NOW, cloud.keyring, cloud.entropy, token.group(1), "24:6f:28:ff:ff:ff")
    assert claimed.vehicle_id == town.car["GB-104-NZ"]
    assert "24:6f:28:ff:ff:ff" in installer.get("/console/boxes").text


def test_the_timeline_has_headers_names_times_and_a_way_to_book_each_gap(quiet_town):
    text = quiet_town.browser("manager").get("/console/timeline").text
    assert text.count('scope="rowgroup"') == 2
    assert text.count('<th scope="row">') == 6
    assert "Book GB-101-NZ, free from today at 12:40 to tomorrow at 00:00" in text
    assert 'class="now-line"' in text
    assert (
        'class="now-line"' not in quiet_town.browser("manager").get("/console/timeline?day=2026-03-11").text
    )
    assert "Book GB" not in quiet_town.browser("staff").get("/console/timeline").text


def test_a_free_car_of_today_is_offered_from_a_time_that_has_not_passed(quiet_town):
    text = quiet_town.browser("manager").get("/console/timeline").text
    starts = set(re.findall(r"/console/book\?vehicle=\d+&amp;day=2026-03-10&amp;start=(\d\d:\d\d)", text))
    assert min(starts) == "09:45"  # it is 9:40


def test_the_timeline_of_days_when_clocks_change_is_drawn(quiet_town):
    for day in ("2026-03-29", "2026-10-25"):
        assert quiet_town.browser("manager").get(f"/console/timeline?day={day}").status_code == 200


@pytest.mark.parametrize("day", ["2030-06-30", "2026-03-29", "2026-10-25"])
def test_a_licence_is_valid_through_the_day_named_whatever_the_clocks_do(town, day):
    manager, path = town.browser("manager"), f"/console/people/{town.person['colleague']}"
    change = {"given_name": "Yann", "family_name": "Guillou", "active": "1", "licence_until": day}
    assert manager.submit(f"{path}/edit", change).status_code == 303
    assert f'value="{day}"' in manager.get(f"{path}/edit").text
    with town.apps.cloud.store.read() as tx:
        query = select(people.c.licence_until).where(people.c.id == town.person["colleague"])
        ends_at = datetime.fromtimestamp(tx.execute(query).scalar_one(), ZoneInfo("Europe/Paris"))
    assert (ends_at.date() - date.fromisoformat(day), ends_at.hour) == (timedelta(days=1), 0)


def test_pools_of_two_bodies_under_one_name_are_counted_apart(town):
    def add(tx):
        pool = fleet.add_pool(tx, town.body["agglo"], "Voitures partagées")
        fleet.add_vehicle(
            tx, organisation_id=town.body["agglo"], pool_id=pool, site_id=town.site["depot"],
            registration="GB-301-NZ", make="Renault", model="Zoe", energy="electric", seats=5,
            interlock_kind="none",
        )  # fmt: skip
        roles.grant_role(tx, town.person["manager"], "manager", organisation_id=town.body["agglo"])

    town.apps.cloud.writer.run(add)
    text = town.browser("manager").get("/console/sites").text
    assert sorted(re.findall(r"<li>Voitures partagées \(.+?\), (\d+) cars?</li>", text)) == ["1", "6"]


def test_an_organisation_without_cars_has_pages_that_say_so(quiet_town):
    manager = quiet_town.browser("guest_manager")
    assert "No car fits this filter." in manager.get("/console").text
    assert "No site yet." in manager.get("/console/sites").text
