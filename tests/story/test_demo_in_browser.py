"""The demo as a visitor has it: the same story in a real browser, through the console and the bench page.

Real time: the firmware runs at its own pace, so every wait is for what a person would wait for, with room.
"""

import re
from pathlib import Path

import pytest
from glovebox_tools.demo import Demo, choose_port, running
from playwright.sync_api import TimeoutError as StillNot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]
SHOTS = Path(__file__).parents[2] / "artefacts" / "screenshots" / "story"
PATIENCE_MS = 400_000
"""No wait of the story is near it; only a machine that hardly moves would be."""


@pytest.fixture
def demo(tmp_path):
    with running(Demo(tmp_path / "demo", choose_port(0), choose_port(0), choose_port(0))) as demo:
        yield demo


AGAIN_MS = 5_000
"""A person who sees nothing happen presses again."""


class Visitor:
    """A person with two windows: the product on a phone or a desk, and the bench."""

    def __init__(self, browser, demo):
        self.demo = demo
        self.car = demo.seeded["simulated"][0]
        self.taken = 0
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.phone = self._window(browser, demo.web, "driver", 390, 800)
        self.desk = self._window(browser, demo.web, "manager", 1280, 900)
        self.bench = self._window(browser, demo.bench, None, 1280, 1000)
        self.bench.goto("/")
        self.bench.locator(f'#cars [data-car="{self.car}"]').click()
        self.bench.get_by_role("heading", name=self.car).wait_for()

    def _window(self, browser, base, login, width, height):
        context = browser.new_context(
            base_url=base,
            locale="en-GB",
            timezone_id="Europe/Paris",
            viewport={"width": width, "height": height},
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        if login:
            who = self.demo.seeded[login]
            page.goto("/login")
            page.locator("#identifier").fill(who["identifier"])
            page.locator("#password").fill(who["password"])
            page.get_by_role("button", name="Log in").click()
            page.get_by_role("heading", name="Today" if login == "manager" else "Hello").wait_for()
        return page

    def keep(self, page, name):
        """A picture, numbered in the order of the story."""
        self.taken += 1
        page.screenshot(path=SHOTS / f"{self.taken:02d}-{name}.png", full_page=True)

    def tap(self, who):
        self.bench.locator(f'#cards [data-uid="{who}"] button').first.click()

    def sees(self, where, words):
        self.bench.locator(where).get_by_text(words, exact=True).first.wait_for()

    def press(self, name, seen):
        """Press a button of the bench until what it does is seen: a rolling car is not switched off."""
        for _ in range(PATIENCE_MS // AGAIN_MS):
            self.bench.get_by_role("button", name=name, exact=True).click()
            try:
                self.bench.locator("#glance").get_by_text(seen, exact=True).first.wait_for(timeout=AGAIN_MS)
                return
            except StillNot:
                continue
        raise AssertionError(f"{name} never led to {seen}: {self.bench.locator('#glance').inner_text()}")

    def live(self, words):
        """Wait until the console's page of the car says so, without a reload."""
        self.desk.locator("#live").get_by_text(words).first.wait_for()


def test_a_car_is_reserved_badged_driven_and_returned_in_the_browser(browser, demo):
    visitor = Visitor(browser, demo)
    reserve(visitor)
    badge(visitor)
    drive(visitor)
    give_back(visitor)


def reserve(visitor):
    visitor.sees("#contact", "Inhibit")
    phone = visitor.phone
    phone.goto("/find")
    phone.get_by_role("button", name="Show free cars").wait_for()
    visitor.keep(phone, "find")
    phone.get_by_role("button", name=f"Book {visitor.car}").first.click()
    phone.get_by_text("The car knows").first.wait_for()
    visitor.keep(phone, "booked-and-the-car-knows")
    visitor.desk.goto("/console")
    visitor.keep(visitor.desk, "console")
    visitor.desk.get_by_role("link", name=visitor.car).first.click()
    visitor.live(re.compile("Free|Booked, not taken yet"))


def badge(visitor):
    visitor.tap(visitor.demo.seeded["stranger_uid"])
    visitor.sees("#events", re.compile("diagonal cross"))
    assert visitor.bench.locator("#contact").inner_text() == "Inhibit"
    visitor.keep(visitor.bench, "a-stranger-is-refused")
    visitor.tap(visitor.demo.seeded["driver"]["uid"])
    visitor.sees("#contact", "Allow")
    visitor.sees("#glance", "Unlocked")
    visitor.keep(visitor.bench, "the-driver-is-welcome")


def drive(visitor):
    visitor.press("Get in", "Driver inside")
    visitor.press("Take the key", "Key with the driver")
    visitor.press("Ignition on", "Ignition on")
    visitor.press("Start", "Engine running")
    visitor.bench.locator("#where").select_option("route:town_loop")
    visitor.bench.locator("#trace").select_option("block")
    visitor.bench.get_by_role("button", name="Drive", exact=True).click()
    visitor.bench.locator("#speed", has_text=re.compile(r"^\d\d")).wait_for()
    visitor.live("Driving")
    visitor.bench.get_by_role("button", name="Pull the network").click()
    visitor.bench.get_by_role("button", name="Cut the box's power").click()
    visitor.sees("#glance", "Box without power")
    visitor.sees("#contact", "Allow")
    visitor.keep(visitor.bench, "driving-without-box-and-network")
    visitor.bench.get_by_role("button", name="Power the box").click()
    visitor.sees("#glance", "Box running")
    visitor.bench.get_by_role("button", name="Put the network back").click()
    visitor.bench.locator("#speed", has_text=re.compile(r"^0")).wait_for()


def give_back(visitor):
    visitor.press("Ignition off", "Ignition off")
    visitor.press("Put the key back", "Key in its holder")
    visitor.press("Get out", "Nobody inside")
    visitor.sees("#glance", "Doors shut")
    visitor.tap(visitor.demo.seeded["driver"]["uid"])
    visitor.sees("#glance", "Locked")
    visitor.sees("#contact", "Inhibit")
    # The box had no network when it started: it tries again at growing intervals, at most two minutes.
    visitor.live("Free")
    visitor.desk.reload()
    visitor.keep(visitor.desk, "the-car-is-free-again")
    visitor.phone.goto("/bookings")
    trip = visitor.phone.request.get("/api/v1/trips").json()[0]
    assert trip["registration"] == visitor.car
    assert trip["distance_m"] > 0
    visitor.keep(visitor.phone, "the-trip")
