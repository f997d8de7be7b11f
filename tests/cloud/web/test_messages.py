"""Messages on pages: at home, in the list, how one is told, and what managers see of it."""


def test_a_new_message_stands_at_home_until_it_is_read_and_in_the_list_for_good(town):
    browser = town.browser("driver")
    text = browser.get("/").text
    assert "GB-101-NZ is booked for you" in text
    assert browser.submit("/messages/seen", {"until": 1}).status_code == 303
    assert "is booked for you" not in browser.get("/").text
    assert "is booked for you" in browser.get("/messages").text
    assert "is booked for you" not in town.browser("colleague").get("/messages").text


def test_a_person_chooses_the_way_and_tries_it(town):
    browser = town.browser("driver")
    assert "By e-mail to driver@example.org" in browser.get("/account/messages").text
    refused = browser.submit("/account/messages", {"channel": "sms", "phone": "0612"})
    assert refused.status_code == 422
    assert "+33 6 12 34 56 78" in refused.text
    assert 'value="sms" checked' in refused.text
    sent = {"channel": "sms", "phone": "+33612345678", "test": "1"}
    assert browser.submit("/account/messages", sent).status_code == 303
    assert 'value="+33612345678"' in browser.get("/account/messages").text
    assert "This is how Glovebox tells you" in browser.get("/").text


def test_a_manager_sees_why_a_message_failed_and_has_it_tried_again(town):
    browser = town.browser("manager")
    text = browser.get("/console/messages?state=failed").text
    assert "550 no such user" in text
    assert "Nadia Le Goff" in text
    assert "Le Goff" not in town.browser("guest_manager").get("/console/messages").text
    assert browser.submit("/console/messages/1/retry").status_code == 303
    assert "550 no such user" not in browser.get("/console/messages?state=failed").text
    assert "Waiting" in browser.get("/console/messages?state=waiting").text
    assert browser.submit("/console/messages/1/retry").status_code == 303, "the second tap changes nothing"
