"""Today as a manager meets it."""

import re

from support_web import HOUR

PART = {"hx-request": "true"}


def headings(text):
    return re.findall(r'<h2 id="kind-(\w+)">', text)


def test_worst_comes_first_each_line_has_one_action_and_the_words_are_peoples(quiet_town):
    text = quiet_town.browser("manager").get("/console/today").text
    found = headings(text)
    assert found == ["battery_low", "energy_low", "fault", "silent", "damage", "approval", "incident"]
    assert text.count('class="button small" href="/console/') == len(re.findall('id="line-', text)) + 1
    assert "11.5\u00a0V: it may not start" in text
    assert "Yann Guillou" in text


def test_a_line_is_taken_shown_to_colleagues_and_given_back(town):
    manager = town.browser("manager")
    which = {"kind": "silent", "subject": town.car["GB-201-NZ"]}
    shown = manager.get(manager.submit("/console/today/take", which).headers["location"]).text
    assert "You look after it" in shown
    assert "1 of them yours" in shown
    assert "Claire Morvan looks after it" in town.browser("administrator").get("/console/today").text
    manager.submit("/console/today/take", {**which, "release": "1"})
    assert "looks after it" not in town.browser("administrator").get("/console/today").text


def test_a_line_is_put_away_until_a_time_and_brought_back(town):
    manager = town.browser("manager")
    which = {"kind": "silent", "subject": town.car["GB-201-NZ"]}
    offered = [int(at) for at in re.findall(r'<option value="(\d+)">', manager.get("/console/today").text)]
    assert all(at > town.time[0] for at in offered)
    manager.submit("/console/today/snooze", {**which, "until": offered[0]})
    assert "silent" not in headings(manager.get("/console/today").text)
    assert headings(manager.get("/console/today?view=snoozed").text) == ["silent"]
    manager.submit("/console/today/snooze", {**which, "wake": "1"})
    assert "silent" in headings(manager.get("/console/today").text)
    manager.submit("/console/today/snooze", {**which, "until": offered[0]})
    town.time[0] += 2 * HOUR
    assert "silent" in headings(manager.get("/console/today").text)
    assert manager.submit("/console/today/snooze", which).status_code == 422
    assert manager.submit("/console/today/take", {"kind": "odd", "subject": 1}).status_code == 404


def test_another_bodys_manager_has_a_calm_page(quiet_town):
    text = quiet_town.browser("guest_manager").get("/console/today").text
    assert "All is well" in text
    assert "GB-" not in text


def test_the_part_that_lives_is_asked_for_alone_and_notes_no_audit_line(town):
    from glovebox.audit.tables import audit_lines
    from sqlalchemy import func, select

    def count():
        with town.apps.cloud.store.read() as tx:
            return tx.execute(select(func.count()).select_from(audit_lines)).scalar_one()

    manager = town.browser("manager")
    manager.get("/console/today")
    before = count()
    part = manager.get("/console/today", headers=PART).text
    assert part.lstrip().startswith('<div id="today" data-poll')
    assert "<html" not in part
    assert count() == before


def test_for_managers_the_fleet_begins_with_today_and_for_site_staff_with_the_vehicles(quiet_town):
    assert 'href="/console/today"' in quiet_town.browser("manager").get("/").text
    assert 'href="/console/today"' not in quiet_town.browser("staff").get("/").text
    assert quiet_town.browser("staff").get("/console/today").status_code == 403


def test_a_manager_who_logs_in_begins_with_today_and_a_driver_with_the_bookings(town):
    from support_web import PASSWORD

    for number, target in (("S-001", "/console/today"), ("S-100", "/")):
        visitor = town.browser()
        fields = {"identifier": number, "password": PASSWORD}
        assert visitor.submit("/login", fields, page="/login").headers["location"] == target
        visitor = town.browser()
        fields["next"] = "/console/people"
        assert visitor.submit("/login", fields, page="/login").headers["location"] == "/console/people"
