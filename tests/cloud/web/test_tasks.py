"""Ten tasks of a working day, done in a real browser as people would: five of a manager, three of a driver,
two of site staff. Clicks are counted and held to the table in the README of cloud/; the server's seconds are
taken around its handling of each request and printed (`pytest tests/cloud/web/test_tasks.py -m browser -s`).

A drag counts as a click, typing into a field does not. Each begins where the person begins after the login.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import support_pages
import support_town
import support_web
from support_browser import context_of
from support_served import serving

pytestmark = pytest.mark.browser
README = Path(__file__).parents[3] / "cloud" / "README.md"
ROW = re.compile(
    r"^\| (?P<who>manager|driver|site staff) \| (?P<what>[^|]+) \| (?P<clicks>\d+) \|", re.MULTILINE
)


class Timed:
    """The application with the time it takes over pages and forms, not over files."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.seconds = 0.0
        self.requests = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_page = scope["type"] == "http" and not scope["path"].startswith("/static/")
        begin = time.perf_counter()
        try:
            await self.app(scope, receive, send)
        finally:
            if is_page:
                self.seconds += time.perf_counter() - begin
                self.requests += 1


@dataclass
class Hand:
    """A page and how often it was clicked."""

    page: Any
    clicks: int = 0

    def press(self, role: str, name: str | re.Pattern[str], within: str = "main") -> None:
        """Presses the first button or link of that name."""
        self.page.locator(within).get_by_role(role, name=name).first.click()
        self.clicks += 1

    def sees(self, text: str) -> None:
        """Waits for a text that tells that it worked."""
        self.page.get_by_text(text).first.wait_for()


@dataclass
class Day:
    """A served town with its clock around it."""

    town: support_web.Town
    base: str
    timed: Timed
    rows: dict[tuple[str, str], tuple[int, float, int]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    built = support_town.build_town(tmp_path_factory.mktemp("tasks"))
    built.apps.cloud.writer.start()
    timed = Timed(built.apps.web)
    with serving(timed) as base:
        yield Day(built, base, timed)
    built.close()


def weak_battery(hand: Hand, _day: Day) -> None:
    hand.press("link", re.compile("Take out of service.*GB-103-NZ"))
    hand.press("button", "Take out of service")
    hand.sees("The car is out of service.")


def damage_repaired(hand: Hand, _day: Day) -> None:
    hand.press("link", re.compile("Decide.*GB-102-NZ"))
    hand.press("button", "Repaired: back in service")
    hand.sees("It is closed.")


def approve(hand: Hand, _day: Day) -> None:
    hand.press("link", re.compile("Answer.*GB-201-NZ"))
    hand.press("button", re.compile("Approve.*GB-201-NZ"))
    hand.sees("The reservation is approved.")


def move_to_another_car(hand: Hand, day: Day) -> None:
    hand.press("link", "Timeline", "nav.sub")
    page, number = hand.page, day.town.booking["guest"]
    bar = page.locator(f"a[data-id='{number}']").bounding_box()
    other = page.locator(f"tr[data-vehicle='{day.town.car['GB-101-NZ']}'] th").bounding_box()
    page.mouse.move(bar["x"] + 20, bar["y"] + bar["height"] / 2)
    page.mouse.down()
    page.mouse.move(bar["x"] + 20, other["y"] + other["height"] / 2, steps=5)
    page.mouse.up()
    hand.clicks += 1
    hand.sees("The booking is changed.")


def book_for_colleague(hand: Hand, _day: Day) -> None:
    hand.press("link", "Book for a colleague")
    hand.page.locator("#q").fill("Le Goff")
    hand.press("button", "Search")
    hand.press("link", "Book for Nadia Le Goff")
    hand.press("button", re.compile("^Book GB-"))
    hand.sees("The car is booked.")


def book_now(hand: Hand, _day: Day) -> None:
    hand.press("button", re.compile("^Book this car"))
    hand.sees("The car is booked for you.")


def be_late(hand: Hand, _day: Day) -> None:
    hand.press("link", "Details")
    hand.press("link", "I will be late")
    hand.press("button", re.compile("^until"))
    hand.sees("The booking is changed.")


def cancel(hand: Hand, _day: Day) -> None:
    hand.press("link", "Cancel")
    hand.press("button", "Yes, cancel it")
    hand.sees("The booking is cancelled.")


def report_damage(hand: Hand, _day: Day) -> None:
    hand.press("link", "Fleet", "nav.primary")
    hand.press("link", "GB-104-NZ")
    hand.press("link", "Report damage")
    hand.page.locator("#text").fill("Pare-brise fendu")
    hand.page.get_by_label("No, nobody should drive it").click()
    hand.clicks += 1
    hand.press("button", "Report it")
    hand.sees("Thank you")


def end_session(hand: Hand, _day: Day) -> None:
    hand.press("link", "Fleet", "nav.primary")
    hand.press("link", "GB-102-NZ")
    hand.press("link", "End the session")
    hand.page.locator("#reason").fill("Conducteur parti en train")
    hand.press("button", "Send to the car")
    hand.sees("The command is on its way")


TASKS: list[tuple[str, str, str, str, Callable[[Hand, Day], None]]] = [
    ("driver", "book a car for now", "installer", "/", book_now),
    ("driver", "keep the car longer than booked", "colleague", "/", be_late),
    ("driver", "cancel the next booking", "driver", "/", cancel),
    ("manager", "take a car with a weak battery out of service", "manager", "/console/today", weak_battery),
    ("manager", "close a reported damage as repaired", "manager", "/console/today", damage_repaired),
    ("manager", "approve a reservation that waits", "manager", "/console/today", approve),
    ("manager", "move a booking to another car", "manager", "/console/today", move_to_another_car),
    ("manager", "book a car for a colleague", "manager", "/console/today", book_for_colleague),
    ("site staff", "report damage of a car that must not go", "staff", "/", report_damage),
    ("site staff", "end a session that was forgotten", "staff", "/", end_session),
]


@pytest.mark.timeout(240)
def test_ten_tasks_take_as_many_clicks_as_the_readme_says(chromium, day):
    for who, what, person, start, task in TASKS:
        context = context_of(chromium, day.town, day.base, person, "en")
        context.set_default_timeout(10_000)
        hand = Hand(context.new_page())
        hand.page.goto(start)
        seconds, requests = day.timed.seconds, day.timed.requests
        task(hand, day)
        spent = day.timed.seconds - seconds, day.timed.requests - requests
        day.rows[who, what] = (hand.clicks, *spent)
        assert context.complaints == [], what
        context.close()
    for (who, what), (clicks, seconds, _requests) in day.rows.items():
        print(f"| {who} | {what} | {clicks} | {seconds:.2f} |")
    told = {(row["who"], row["what"].strip()): int(row["clicks"]) for row in ROW.finditer(README.read_text())}
    assert told == {key: row[0] for key, row in day.rows.items()}


@pytest.mark.timeout(240)
def test_at_twice_the_size_no_page_needs_to_be_moved_sideways(chromium, served_town):
    """A window of 1,280 by 800 at 200 % is one of 640 by 400."""
    town, base = served_town
    problems, contexts = [], {}
    for name, (who, path) in support_pages.pages_of(town).items():
        if who not in contexts:
            contexts[who] = context_of(chromium, town, base, who, "fr", "zoomed")
        page = contexts[who].new_page()
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(name)
        page.close()
    for context in contexts.values():
        context.close()
    assert problems == []
