"""The pages in a real browser: each in both languages on a phone and on a desk, looked at by axe, kept as
pictures."""

import re
from pathlib import Path

import pytest
import support_pages
import support_town
import support_web
from axe_playwright_python.sync_playwright import Axe
from glovebox.reservations import rehousing
from support_browser import WIDTHS, context_of

pytestmark = pytest.mark.browser
SCREENSHOTS = Path(__file__).parents[3] / "artefacts" / "screenshots"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.timeout(600)
def test_every_page_pleases_axe_fits_its_screen_and_keeps_the_policy(chromium, served_town, language, width):
    town, base = served_town
    folder = SCREENSHOTS / language / width
    folder.mkdir(parents=True, exist_ok=True)
    axe = Axe()
    problems = []
    contexts = {}
    for name, (who, path) in support_pages.pages_of(town).items():
        if who not in contexts:
            contexts[who] = context_of(chromium, town, base, who, language, width)
        page = contexts[who].new_page()
        page.goto(path)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        for violation in axe.run(page).response["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"][:2]]
            problems.append(f"{name}: {violation['id']}: {nodes}")
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            problems.append(f"{name}: {overflow} px wider than the screen")
        if page.locator("html").get_attribute("lang") != language:
            problems.append(f"{name}: not in {language}")
        page.close()
    for context in contexts.values():
        # A refused or missing page is one of ours, and the browser says so in its console.
        problems += [text for text in context.complaints if not re.search(r"status of (403|404)", text)]
        context.close()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_driver_logs_in_books_at_one_tap_and_cancels(chromium, served_town, scripts):
    town, base = served_town
    context = context_of(chromium, town, base, "", "en", "phone", scripts)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("E-mail or staff number").fill("S-100")
    page.get_by_label("Password").fill(support_web.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Hello, Nadia").wait_for()
    page.get_by_role("link", name="Find a car").click()
    page.goto(f"/find?site={town.site['depot']}&{support_pages.SEARCH.replace('03-10', '03-20')}")
    page.get_by_role("button", name="Book GB-202-NZ").click()
    page.get_by_text("The car is booked for you.").wait_for()
    page.screenshot(path=SCREENSHOTS / "booked.png", full_page=True)
    page.get_by_role("link", name="Cancel this booking").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    page.get_by_text("The booking is cancelled.").wait_for()
    assert context.complaints == []
    context.close()


def test_the_vehicle_page_changes_without_a_reload_when_the_car_speaks(chromium, served_town):
    from glovebox.boxes.tables import boxes
    from sqlalchemy import update

    town, base = served_town
    context = context_of(chromium, town, base, "manager", "en")
    page = context.new_page()
    car = town.car["GB-201-NZ"]
    page.goto(f"/console/vehicles/{car}")
    page.evaluate("window.not_reloaded = true")
    page.locator("#live").get_by_text("Silent", exact=True).wait_for()
    state = support_town.pack_state("stopover", 0xFFFF)
    town.apps.cloud.writer.run(
        lambda tx: tx.execute(
            update(boxes).where(boxes.c.vehicle_id == car).values(state=state, heard_at=support_web.NOW)
        )
    )
    page.locator("#live").get_by_text("Stopover, locked").wait_for()
    assert page.evaluate("window.not_reloaded") is True
    assert context.complaints == []
    context.close()


def test_a_page_that_has_lost_the_network_says_so_until_it_is_back(chromium, served_town):
    town, base = served_town
    context = context_of(chromium, town, base, "driver", "en", "phone")
    page = context.new_page()
    page.goto(f"/bookings/{town.booking['next']}")
    note = page.get_by_text("No connection: this page may be out of date.")
    assert not note.is_visible()
    context.set_offline(True)
    note.wait_for()
    context.set_offline(False)
    note.wait_for(state="hidden")
    page.route("**/bookings/*", lambda route: route.abort())
    note.wait_for()
    page.unroute_all()
    note.wait_for(state="hidden")
    context.close()


def test_the_timeline_is_walked_with_the_arrow_keys(chromium, served_town):
    town, base = served_town
    context = context_of(chromium, town, base, "manager", "en")
    page = context.new_page()
    page.goto("/console/timeline")
    page.locator(".timeline td a").first.focus()
    before = page.evaluate("document.activeElement.href")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    after = page.evaluate("document.activeElement.href")
    assert before != after
    assert page.evaluate("document.activeElement.closest('.timeline') !== null")
    context.close()


def test_opening_by_phone_shows_the_cars_refusal_with_what_to_do(chromium, served_town):
    from glovebox.boxes.tables import commands
    from sqlalchemy import update

    town, base = served_town
    context = context_of(chromium, town, base, "driver", "fr", "phone")
    page = context.new_page()
    page.goto(f"/bookings/{town.booking['next']}")
    page.get_by_role("link", name="Ouvrir par téléphone").click()
    page.get_by_role("button", name="Oui, l’ouvrir maintenant").click()
    page.get_by_text("En attente du véhicule").wait_for()
    page.screenshot(path=SCREENSHOTS / "opening.png", full_page=True)
    answer = {"state": "refused", "refusal": 5, "answered_at": support_web.NOW}
    town.apps.cloud.writer.run(lambda tx: tx.execute(update(commands).values(**answer)))
    page.get_by_text("Refusée par le véhicule").wait_for()
    page.screenshot(path=SCREENSHOTS / "opening_refused.png", full_page=True)
    assert context.complaints == []
    context.close()


def test_axe_finds_what_is_planted(chromium, served_town):
    town, base = served_town
    context = context_of(chromium, town, base, "", "en")
    page = context.new_page()
    page.goto("/login")
    page.evaluate("document.querySelector('label[for=password]').remove()")
    assert {violation["id"] for violation in Axe().run(page).response["violations"]} == {"label"}
    context.close()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_pages_that_follow_a_form_please_axe_too(chromium, served_town, language):
    town, base = served_town
    context = context_of(chromium, town, base, "colleague", language, "phone")
    page = context.new_page()
    folder = SCREENSHOTS / language / "phone"
    folder.mkdir(parents=True, exist_ok=True)
    page.goto(f"/find?site={town.site['hall']}&{support_pages.SEARCH}")
    page.evaluate("document.querySelector('input[name=vehicle]').value = " + str(town.car["GB-101-NZ"]))
    page.locator(".offer button").first.click()
    page.get_by_text({"fr": "Rien n’a été réservé", "en": "Nothing was booked"}[language]).wait_for()
    page.screenshot(path=folder / "clash.png", full_page=True)
    assert Axe().run(page).response["violations"] == []
    context.clear_cookies()
    page.goto("/login")
    page.locator("#identifier").fill("S-100")
    page.locator("#password").fill("wrong")
    page.locator("button.button").click()
    page.get_by_role("alert").wait_for()
    page.screenshot(path=folder / "login_refused.png", full_page=True)
    assert Axe().run(page).response["violations"] == []
    context.close()

    context = context_of(chromium, town, base, "manager", language)
    page = context.new_page()
    page.goto("/console/people/import")
    lines = "staff_number,given_name,family_name,badge_uid\nS-900,A,B,\nS-901,,C,\nS-902,D,E,08112233\n"
    page.locator("#file").set_input_files({"name": "p.csv", "mimeType": "text/csv", "buffer": lines.encode()})
    page.locator("main button").click()
    page.locator("table").wait_for()
    page.screenshot(path=SCREENSHOTS / language / "desk" / "people_preview.png", full_page=True)
    assert Axe().run(page).response["violations"] == []
    context.close()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_what_is_at_risk_please_axe_and_fit_their_screen(chromium, served_town, language, width):
    town, base = served_town
    with town.apps.cloud.store.write() as tx:
        rehousing.rehouse(tx, support_web.NOW, town.booking["later"], "late_car", 1)
    problems = []
    for who, path in (
        ("driver", f"/bookings/{town.booking['later']}"),
        ("driver", "/"),
        ("manager", "/console/risks"),
    ):
        context = context_of(chromium, town, base, who, language, width)
        page = context.new_page()
        page.goto(path)
        for violation in Axe().run(page).response["violations"]:
            problems.append(f"{path}: {violation['id']}: {violation['nodes'][0]['html'][:160]}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{path}: wider than the screen")
        problems += [text for text in context.complaints if not re.search(r"status of (403|404)", text)]
        context.close()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_refused_change_keeps_what_was_typed_and_the_button_that_undoes_pleases_axe_and_works(
    chromium, served_town, language, scripts
):
    town, base = served_town
    folder = SCREENSHOTS / language / "phone"
    folder.mkdir(parents=True, exist_ok=True)
    looker = context_of(chromium, town, base, "driver", language, "phone")
    context = context_of(chromium, town, base, "driver", language, "phone", scripts)
    page = context.new_page()
    where = f"/bookings/{town.booking['later']}"
    page.goto(f"{where}/change")
    page.locator("#end").fill("00:05")
    page.locator("form:has(#end) button").click()
    page.get_by_role("alert").wait_for()
    page.screenshot(path=folder / "change_refused.png", full_page=True)
    assert page.locator("#end").input_value() == "00:05"
    page.goto(f"{where}/change")
    page.locator("#end").fill("13:00")
    page.locator("form:has(#end) button").click()
    page.locator(f"form[action='{where}/undo']").wait_for()
    shown = looker.new_page()
    shown.goto(where)
    shown.screenshot(path=folder / "booking_undo.png", full_page=True)
    assert Axe().run(shown).response["violations"] == []
    page.locator(f"form[action='{where}/undo'] button").press("Enter")
    page.locator(f"form[action='{where}/undo']").wait_for(state="detached")
    context.close()
    looker.close()
