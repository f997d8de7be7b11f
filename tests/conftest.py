"""What holds for every test, and the browser of those that need one."""

import shutil

import pytest
from hypothesis import settings

# A loaded machine is slow, not wrong: hypothesis must not judge by the clock.
settings.register_profile("glovebox", deadline=None)
settings.load_profile("glovebox")


@pytest.fixture(scope="module")
def chromium():
    """Debian's browser, or whatever is installed; for no longer than a module, as playwright keeps an event
    loop in this thread meanwhile."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium):
    """The same, its windows closed after each test."""
    yield chromium
    for context in chromium.contexts:
        context.close()
