"""A booking's calendar file and the private address, from the pages."""

import re

from icalendar import Calendar


def test_the_bookings_page_gives_a_file_that_a_calendar_reads(town):
    driver = town.browser("driver")
    where = f"/bookings/{town.booking['next']}"
    assert f'href="{where}/booking.ics"' in driver.get(where).text
    answer = driver.get(f"{where}/booking.ics")
    assert answer.headers["content-disposition"] == 'attachment; filename="glovebox-GB101NZ.ics"'
    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event["summary"] == "GB-101-NZ Renault Clio"
    assert event["location"].startswith("Hôtel de ville, bay 12")


def test_the_private_address_is_shown_once_works_without_a_login_and_ends(town):
    driver, program = town.browser("driver"), town.browser()
    assert "You have no address yet." in driver.get("/account/calendar").text
    made = driver.submit("/account/calendar")
    [url] = re.findall(r'value="http://glovebox\.test(/calendar/[\w-]{43}\.ics)"', made.text)
    assert url not in driver.get("/account/calendar").text
    events = Calendar.from_ical(program.get(url).content).walk("VEVENT")
    plates = {str(event["summary"]).split()[0] for event in events}
    assert plates >= {"GB-101-NZ", "GB-201-NZ"}
    assert "GB-103-NZ" not in plates
    driver.submit("/account/calendar/revoke")
    assert program.get(url).status_code == 404
