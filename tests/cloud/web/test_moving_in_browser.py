"""The timeline in a real browser: a booking is dragged, extended, moved by keyboard, and refused in words."""

import pytest
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM
from support_browser import context_of
from support_web import HOUR, NOW

pytestmark = pytest.mark.browser


@pytest.fixture
def manager(chromium, served_town):
    town, base = served_town
    context = context_of(chromium, town, base, "manager", "en")
    page = context.new_page()
    yield town, page
    assert context.complaints == []
    context.close()


@pytest.fixture
def booked(served_town):
    """A booking of its own for each test, taken back after it."""
    town, _base = served_town
    where = (town.car["GB-104-NZ"], town.person["driver"], NOW + 3 * HOUR + 1200, NOW + 4 * HOUR + 1200)
    number = town.apps.cloud.writer.run(lambda tx: reservations.book(tx, NOW, SYSTEM, *where))
    yield number
    town.apps.cloud.writer.run(lambda tx: reservations.cancel(tx, NOW, SYSTEM, number))


def read(town, number):
    with town.apps.cloud.store.read() as tx:
        one = reservations.get_reservation(tx, SYSTEM, number)
    return one.registration, one.starts_at, one.ends_at


def box_of(page, selector):
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    return box["x"], box["y"], box["width"], box["height"]


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 8, start[1])
    page.mouse.move(*end, steps=4)


def test_a_booking_is_dragged_to_another_car_and_time_and_undone(manager, booked):
    town, page = manager
    before = read(town, booked)
    page.goto("/console/timeline")
    bar = f"a[data-id='{booked}']"
    x, y, width, height = box_of(page, bar)
    other = box_of(page, f"tr[data-vehicle='{town.car['GB-101-NZ']}'] th")
    hour = width  # the booking lasts one
    drag(page, (x + width / 2, y + height / 2), (x + width / 2 + 2 * hour, other[1] + other[3] / 2))
    assert "GB-101-NZ" in page.locator("#what").inner_text()
    with page.expect_navigation():
        page.mouse.up()
    page.get_by_text("The booking is changed.").wait_for()
    plate, starts, ends = read(town, booked)
    assert plate == "GB-101-NZ"
    assert abs(starts - before[1] - 2 * HOUR) <= 900
    assert ends - starts == HOUR
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("It is undone").wait_for()
    assert "/console/timeline" in page.url
    assert read(town, booked) == before


def test_the_right_end_is_dragged_to_extend(manager, booked):
    town, page = manager
    before = read(town, booked)
    page.goto("/console/timeline")
    x, y, width, height = box_of(page, f"a[data-id='{booked}']")
    drag(page, (x + width - 4, y + height / 2), (x + width - 4 + width, y + height / 2))
    with page.expect_navigation():
        page.mouse.up()
    after = read(town, booked)
    assert after[:2] == before[:2]
    assert abs(after[2] - before[2] - HOUR) <= 900


def test_by_keyboard_it_is_taken_up_told_moved_put_down_or_left(manager, booked):
    town, page = manager
    before = read(town, booked)
    page.goto("/console/timeline")
    bar = page.locator(f"a[data-id='{booked}']")
    said = page.locator("#what")
    bar.focus()
    page.keyboard.press("Space")
    assert "GB-104-NZ: Tue 13:00 to Tue 14:00" in said.inner_text().replace(",", "")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert "GB-103-NZ: Tue 13:15 to Tue 14:15" in said.inner_text().replace(",", "")
    page.keyboard.press("Escape")
    assert said.inner_text() == "Left as it was."
    assert read(town, booked) == before
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert read(town, booked) == (before[0], before[1] + 900, before[2] + 1800)


def test_where_the_car_is_taken_the_refusal_is_in_words_and_nothing_moves(manager, booked):
    town, page = manager
    before = read(town, booked)
    page.goto("/console/timeline")
    page.locator(f"a[data-id='{booked}']").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowUp")  # GB-103-NZ, the guest's until 13:40
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert "The booking stays as it was." in page.get_by_role("alert").inner_text()
    assert read(town, booked) == before
    page.context.complaints[:] = [text for text in page.context.complaints if "409" not in text]


def test_a_click_still_opens_the_booking_and_the_grid_fits_a_phone(manager, booked):
    _town, page = manager
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/console/timeline?view=week")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert page.evaluate(wide) is False
    page.locator(f"a[data-id='{booked}']").click()
    page.wait_for_url(f"**/console/reservations/{booked}")
