"""The policy every answer carries, and pages that keep to it."""

import re

import pytest
from glovebox.config import Config
from glovebox.web.security import HEADERS
from support_town import build_town

PATHS = [
    "/login",
    "/healthz",
    "/nothing-here",
    "/static/app.css",
    "/static/missing.css",
    "/api/v1/session",
    "/",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_policy(quiet_town, path):
    answer = quiet_town.browser().get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value


@pytest.mark.parametrize("path", [*PATHS, "/console/people", "/api/v1/vehicles"])
def test_head_is_answered_as_get_is_without_the_body(quiet_town, path):
    for who in ("", "manager"):
        browser = quiet_town.browser(who) if who else quiet_town.browser()
        head, get = browser.head(path), browser.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers.get("content-length") == get.headers.get("content-length")
        assert head.headers.get("content-type") == get.headers.get("content-type")


def test_the_policy_lets_only_our_own_files_run_and_nobody_frame_us():
    policy = dict(part.split(" ", 1) for part in HEADERS["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in HEADERS["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/", "/find", "/bookings", "/account", "/console", "/console/timeline", "/console/people"]
)
def test_a_page_has_no_inline_script_style_or_foreign_address(quiet_town, path):
    html = quiet_town.browser("manager").get(path).text
    assert not re.search(r"<[^>]+\sstyle=", html)
    assert not re.search(r"<style", html)
    assert not re.search(r"<[^>]+\son[a-z]+=", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html)
    assert not re.search(r"hx-(?:on|vals)|js:", html)


def test_pages_are_kept_by_no_cache_and_files_for_ever_under_a_name_that_changes(quiet_town):
    browser = quiet_town.browser("driver")
    page = browser.get("/")
    assert page.headers["cache-control"] == "no-store"
    sheet = re.search(r'href="(/static/app\.css\?v=\d+)"', page.text)
    assert sheet
    assert "immutable" in browser.get(sheet.group(1)).headers["cache-control"]
    assert browser.get("/static/missing.css").headers["cache-control"] == "no-store"


def test_behind_tls_cookies_are_secure_bound_to_the_host_and_transport_security_is_told(tmp_path):
    town = build_town(tmp_path, Config(tmp_path, secure_cookies=True))
    try:
        browser = town.browser()
        browser.base_url = "https://glovebox.test"
        answer = browser.submit("/login", {"identifier": "S-100", "password": "wrong password"})
        assert answer.status_code == 403
        page = town.browser().get("/login")
        cookie = page.headers["set-cookie"]
        assert cookie.startswith("__Host-glovebox-visitor=")
        assert "Secure" in cookie
        assert "max-age=" in page.headers["strict-transport-security"]
    finally:
        town.close()
