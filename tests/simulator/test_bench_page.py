"""The bench page in a real browser: by keyboard, in both languages, at a phone's width, under axe's rules."""

import os
import re
import threading
from pathlib import Path

import pytest
from glovebox_sim.bench.server import Bench, BenchServer
from glovebox_sim.simulation import Simulation
from support_sim_world import make_world

pytestmark = pytest.mark.browser
SHOTS = Path(os.environ.get("GLOVEBOX_SCREENSHOTS", Path(__file__).parents[2] / "build" / "screenshots"))

STRANGER = {
    "uid": "8A11C0DE", "name": {"en": "A stranger", "fr": "Un inconnu"},
    "note": {"en": "in nobody's list", "fr": "sur aucune liste"},
}  # fmt: skip


@pytest.fixture
def world(tmp_path):
    sim = Simulation(seed=21, real_time=True)
    made = make_world(sim, tmp_path)
    made.set_power(True)
    runner = threading.Thread(target=sim.run_forever, daemon=True)
    runner.start()
    yield made
    sim.stop()
    runner.join(10)
    made.close()
    sim.close()


@pytest.fixture
def address(world):
    cards = [{"uid": "04A1B2C3D4E5F6", "name": "Claire Moreau"}, STRANGER]
    bench = Bench(world.sim, [world], cards=cards, places=[{"name": "Gare", "lat": 47.2867, "lon": -2.2109}])
    server = BenchServer(bench)
    yield server.start()
    server.stop()
    bench.close()


def open_page(browser, address, locale="en-GB", width=1280):
    page = browser.new_page(viewport={"width": width, "height": 900}, locale=locale)
    problems = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(address)
    page.get_by_role("heading", name="AB-123-CD").wait_for()
    page.get_by_text("Box running" if locale == "en-GB" else "Boîtier en marche").wait_for()
    return page, problems


def press_on(page, name):
    """Reach a button by the keyboard's tab key alone and press it."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if (
            page.evaluate("(document.activeElement.ariaLabel || document.activeElement.textContent).trim()")
            == name
        ):
            page.keyboard.press("Enter")
            return
    pytest.fail(f"the tab key never reaches {name!r}")


def test_a_car_is_badged_entered_started_and_driven_by_keyboard(browser, address, world):
    page, problems = open_page(browser, address)
    press_on(page, "Get in")
    page.get_by_role("status").get_by_text("The doors are locked.").wait_for()
    world.box.board.locked = False
    press_on(page, "Hold: Claire Moreau")
    page.locator("#chips").get_by_text("04A1B2C3D4E5F6").wait_for()
    for name, seen in (
        ("Get in", "Driver inside"), ("Take the key", "Key with the driver"), ("Ignition on", "Ignition on"),
        ("Start", "Engine running"),
    ):  # fmt: skip
        press_on(page, name)
        page.locator("#glance").get_by_text(seen).wait_for()
    press_on(page, "Drive")
    page.locator("#speed", has_text=re.compile(r"^\d\d")).wait_for()
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "bench.png", full_page=True)
    assert [problem for problem in problems if "409" not in problem] == []  # the one refusal provoked above


def test_light_and_relay_are_told_in_words_and_the_language_changes_them(browser, address, world):
    page, problems = open_page(browser, address, locale="fr-FR")
    page.locator("#cards").get_by_text("Un inconnu").wait_for()
    page.locator("#cards").get_by_text("sur aucune liste").wait_for()
    shown = page.locator("#where option").all_inner_texts() + page.locator("#trace option").all_inner_texts()
    assert "Aller et retour jusqu'à la porte du chantier naval" in shown
    assert not [text for text in shown if re.search(r"\b(to|the|round|back)\b", text, re.IGNORECASE)]
    assert page.locator("#contact").inner_text() == "Accord"
    page.get_by_role("button", name="Maintenant: Un choc bascule le relais sur interdit").click()
    page.locator("#contact").get_by_text("Interdit").wait_for()
    page.locator("#events").get_by_text("Relais : interdit").wait_for()
    page.get_by_role("button", name="English").click()
    page.locator("#contact").get_by_text("Inhibit").wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_text("The starter's wire is open: the next start is prevented.").wait_for()
    assert problems == []


def test_a_fault_is_made_and_mended_with_a_button_that_says_so(browser, address, world):
    page, problems = open_page(browser, address)
    button = page.get_by_role("button", name="Make: Satellite receiver dead")
    button.click()
    page.locator("#chips").get_by_text("receiver silent").wait_for()
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    page.locator("[data-fault=gnss_dead] button[aria-pressed=false]").wait_for()
    assert problems == []


def test_nothing_is_wider_than_a_phone(browser, address):
    SHOTS.mkdir(parents=True, exist_ok=True)
    for locale in ("en-GB", "fr-FR"):
        page, _ = open_page(browser, address, locale=locale, width=360)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        cut = """[...document.querySelectorAll("button, h2, dt, .who strong")]
            .filter((node) => node.clientWidth && node.scrollWidth > node.clientWidth + 1)
            .map((node) => node.textContent)"""
        assert page.evaluate(cut) == []
        page.screenshot(path=SHOTS / f"bench-phone-{locale[:2]}.png", full_page=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_wrong(browser, address, width):
    from axe_playwright_python.sync_playwright import Axe

    page, _ = open_page(browser, address, width=width)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
