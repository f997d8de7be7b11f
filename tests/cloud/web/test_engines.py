"""The pages' own queries on both engines: every page is drawn and every kind of form is taken."""

import pytest
from glovebox.config import Config
from support_pages import pages_of
from support_town import build_town
from support_web import HOUR, NOW, PASSWORD

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def any_town(database_url, tmp_path):
    """The town on SQLite, then on PostgreSQL."""
    built = build_town(tmp_path, Config(tmp_path, database_url=database_url))
    yield built
    built.close()


def test_login_pages_and_forms_work_on_this_engine(any_town):
    visitor = any_town.browser()
    assert (
        visitor.submit("/login", {"identifier": "S-100", "password": "a wrong password"}).status_code == 403
    )
    assert visitor.submit("/login", {"identifier": "S-100", "password": PASSWORD}).status_code == 303
    for name, (who, path) in pages_of(any_town).items():
        assert any_town.browser(who).get(path).status_code in (200, 403, 404), name
    manager = any_town.browser("manager")
    for query in ("?q=renault+100%25", "?site=1&view=attention", "?view=free"):
        assert manager.get(f"/console{query}").status_code == 200
    taken = {"vehicle": any_town.car["GB-101-NZ"], "starts": NOW + HOUR, "ends": NOW + 2 * HOUR}
    assert any_town.browser("colleague").submit("/bookings", taken).status_code == 409
    path = f"/console/people/{any_town.person['colleague']}"
    assert manager.submit(f"{path}/badges", {"uid": "04AABBCCDDEEFF"}).status_code == 303
    assert manager.submit(f"{path}/edit", {"given_name": "Y\x00ann", "family_name": "G"}).status_code == 303
