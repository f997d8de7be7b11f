"""A town whose pages are tested, and browsers logged in as its people; `support_town` builds it."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi.testclient import TestClient
from glovebox.accounts import service as accounts
from glovebox.accounts.passwords import hash_password
from glovebox.app import Apps

PARIS = ZoneInfo("Europe/Paris")
NOW = int(datetime(2026, 3, 10, 9, 40, tzinfo=PARIS).timestamp())
PASSWORD = "quatre mots bien longs"
PASSWORD_HASH = hash_password(PASSWORD)
HOUR = 3600
TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


@dataclass
class Town:
    """The running applications and the ids of what is in the database."""

    apps: Apps
    time: list[int]
    person: dict[str, int] = field(default_factory=dict)
    car: dict[str, int] = field(default_factory=dict)
    site: dict[str, int] = field(default_factory=dict)
    body: dict[str, int] = field(default_factory=dict)
    pool: dict[str, int] = field(default_factory=dict)
    booking: dict[str, int] = field(default_factory=dict)
    trip: int = 0
    block: int = 0
    group: int = 0
    series: int = 0
    incident: int = 0
    damage: int = 0
    device: int = 0

    def browser(self, name: str = "", language: str = "en") -> "Browser":
        """A browser, logged in as that person if one is named."""
        return Browser(self, name, language)

    def close(self) -> None:
        """Closes the database."""
        self.apps.cloud.close()


class Browser(TestClient):
    """A browser without JavaScript: fills the form token in as the page gives it."""

    def __init__(self, town: Town, name: str, language: str) -> None:
        headers = {"accept-language": language}
        super().__init__(
            town.apps.web, base_url="http://glovebox.test", headers=headers, follow_redirects=False
        )
        self.town = town
        if name:
            cloud = town.apps.cloud
            token = f"token of {name} {cloud.entropy(8).hex()}"
            with cloud.store.write() as tx:
                accounts.start_session(tx, cloud.now(), town.person[name], token)
            self.cookies.set("glovebox", token, domain="glovebox.test")

    def form_token(self, path: str = "/account") -> str:
        """The token a page of ours carries."""
        found = TOKEN.search(self.get(path).text)
        assert found, f"no form on {path}"
        return found.group(1)

    def submit(self, path: str, fields: dict[str, object] | None = None, page: str = ""):
        """Sends a form as the page `page` (by default any of ours) would."""
        token = self.form_token(page or ("/account" if self.cookies.get("glovebox") else "/login"))
        return self.post(path, data={"form_token": token, **(fields or {})})
