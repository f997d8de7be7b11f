"""The console's menu: one calm row on a phone, open where there is room; without scripts, by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from support_browser import context_of

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", ["phone", "zoomed", "desk"])
def test_the_menu_is_one_row_and_every_page_is_reached_by_keyboard_without_scripts(
    chromium, served_town, language, width
):
    town, base = served_town
    context = context_of(chromium, town, base, "manager", language, width, scripts=False)
    page = context.new_page()
    page.goto("/console/people")
    menu = page.locator("nav.sub")
    rows = menu.bounding_box()["height"] / 44
    people = menu.locator('a[href="/console/people"]')
    if width == "desk":
        assert people.is_visible()
        assert rows < 2.2
        assert not menu.locator("summary").is_visible()
    else:
        assert rows < 1.2
        assert not people.is_visible()
        assert people.inner_text() == "" or people.text_content() in menu.locator("summary").inner_text()
        menu.locator("summary").press("Enter")
        assert people.is_visible()
    assert people.get_attribute("aria-current") == "page"
    menu.locator('a[href="/console/messages"]').press("Enter")
    page.wait_for_url("**/console/messages")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    context.close()


@pytest.mark.parametrize("width", ["phone", "desk"])
def test_the_open_menu_pleases_axe(chromium, served_town, width):
    town, base = served_town
    context = context_of(chromium, town, base, "manager", "fr", width)
    page = context.new_page()
    page.goto("/console")
    if width == "phone":
        page.locator("nav.sub summary").click()
        assert page.locator("nav.sub a[aria-current]").count() == 1
    assert Axe().run(page).response["violations"] == []
    context.close()
