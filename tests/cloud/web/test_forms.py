"""Every form of every page, with one field wrong: it is refused, keeps what was typed, says why at that
field, and has its focus there. What cannot be wrong is named below; a new field fails until somebody has
decided."""

import re

import pytest
from glovebox.web.page import HERE
from support_forms import TYPED, Field, Form, Reader
from support_pages import pages_of
from support_web import Town

# name: what nobody may type there, besides what its type forbids to all of its kind.
WRONG = {
    "email": ("nadia@",),
    "phone": ("06 12 34",),
    "licence_until": ("2199-01-01",),
    "licence_categories": ("B Z",),
    "staff_number": ("S-001",),
    "uid": ("XYZ", "0811"),
    "until": ("2020-01-01",),
    "registration": ("GB-103-NZ",),
    "seats": ("99",),
    "battery_wh": ("1",),
    "bssid": ("24:6F",),
    "priority": ("999",),
    "holidays": ("ZZ-9",),
    "time_zone": ("Mars/Base",),
    "password": ("wrong words",),
    "present": ("wrong words",),
    "new": ("short",),
    "again": ("other words, long",),
    "end_day": ("2020-01-01",),
    "last": ("2020-01-01",),
    "last_day": ("2020-01-01",),
}
OF_KIND = {"date": ("x", "2026-02-30"), "time": ("25:00",), "file": ("",)}
# Any words will do, also none.
FREE = {"purpose", "reason", "closure_name", "department", "bay", "note", "q"}
# name: what is right there; else words, a day, an hour or a number.
RIGHT = {
    "identifier": "S-100", "password": "quatre mots bien longs", "present": "quatre mots bien longs",
    "new": "cinq mots vraiment bien longs", "again": "cinq mots vraiment bien longs",
    "email": "n@example.org", "phone": "+33612345678", "licence_categories": "B BE", "uid": "04A1B2C3D4E5F6",
    "staff_number": "N-77", "registration": "AA-777-AA", "bssid": "24:6F:28:00:00:77", "holidays": "FR-57",
    "time_zone": "Europe/Rome", "priority": "7", "status": "workshop", "seats": "4", "energy": "electric",
    "battery_wh": "50000", "consumption_wh_per_km": "150", "charge_w": "7000", "bay": "7b",
    "licence_until": "2030-01-31",
}  # fmt: skip
NEVER_SHOWN_AGAIN = {"password", "present", "new", "again", "file", "form_token"}
FIRST = re.compile(r"^(day|start|first|first_day|opens_\d)$")


def right(one: Field) -> str | None:
    """Something that may stand there and, where there is a choice, is not what stands there."""
    if one.kind == "checkbox":
        return None if one.value else one.choices[0]
    if one.name in RIGHT:
        return RIGHT[one.name]
    if one.kind in ("select", "radio"):
        return one.choices[-1]
    if one.kind == "date":
        return "2026-05-05" if FIRST.match(one.name) else "2026-05-06"
    if one.kind == "time":
        return "10:15" if FIRST.match(one.name) else "11:45"
    return "2" if one.is_numeric else "Some words"


def wrong(one: Field) -> list[str | None]:
    """All that may not stand there; None for nothing chosen."""
    if one.kind in ("select", "radio", "checkbox"):
        nothing = None if one.kind == "radio" else ""
        is_open = one.kind == "radio" and one.value is None
        return [nothing] if one.is_required and (is_open or "" in one.choices) else []
    values: list[str | None] = [*WRONG.get(one.name, ()), *OF_KIND.get(one.kind, ())]
    if one.is_numeric:
        values.append("many")
    if one.is_required and one.kind not in ("date", "time", "file"):
        values.append("  ")
    assert values or one.name in FREE, f"what may not stand in {one.name}?"
    return values


def forms_of(town: Town):
    """(who, form) for each form with something to type in, once."""
    pages = {
        **pages_of(town),
        "electric": ("manager", f"/console/vehicles/{town.car['GB-102-NZ']}/edit"),
    }
    seen = set()
    for who, path in pages.values():
        for form in Reader(town.browser(who).get(path).text).forms:
            key = (form.method, re.sub(r"\d+", "1", form.action), *form.shown)
            if key not in seen and any(one.kind in TYPED or wrong(one) for one in form.shown.values()):
                seen.add(key)
                yield who, form


def faults_of(answer, form: Form, sent: dict[str, str], name: str) -> list[str]:
    """What is amiss with the answer to a form whose field `name` is wrong."""
    if not 400 <= answer.status_code < 500:
        return [f"status {answer.status_code}"]
    page = Reader(answer.text)
    same = [one for one in page.forms if (one.method, one.action) == (form.method, form.action)]
    same = [one for one in same if name in one.shown]
    if len(same) != 1:
        return [f"{len(same)} such forms in the answer: {page.texts.get('main', '')[:200]!r}"]
    again = same[0].values
    lost = {
        key: (sent.get(key), again.get(key))
        for key in {*sent, *again} - {*form.button, *NEVER_SHOWN_AGAIN}
        if sent.get(key, "") != again.get(key, "")
    }
    found = [f"lost {lost}"] if lost else []
    marked = [named for _tag, named in page.tags if "aria-invalid" in named]
    if [one.get("name") for one in marked] != [name] or marked[0] not in same[0].fields[name].attributes:
        return [*found, f"marked {[one.get('name') for one in marked]}"]
    if [named for _tag, named in page.tags if "autofocus" in named] != marked:
        found.append("the focus is elsewhere")
    told = (marked[0].get("aria-describedby") or "").split()
    if "wrong" not in told or len(page.texts.get("wrong", "").strip()) < 8:
        found.append("its field does not say why")
    if [one for one in told if one not in page.texts]:
        found.append("described by what is not there")
    return found


def test_a_refused_form_keeps_what_was_typed_and_says_at_its_field_what_is_wrong(quiet_town):
    found, names = [], set()
    for who, form in list(forms_of(quiet_town)):
        browser = quiet_town.browser(who)
        token = browser.form_token("/account" if who else "/login")
        names |= set(form.shown)
        for one in form.shown.values():
            for value in wrong(one):
                sent = form.values | form.button | {name: right(other) for name, other in form.shown.items()}
                sent |= {"form_token": token, one.name: value}
                if one.name == "new":
                    sent["again"] = value
                sent = {name: text for name, text in sent.items() if text is not None}
                if form.method == "post":
                    answer = browser.post(form.action, data=sent)
                else:
                    answer = browser.get(form.action, params=sent)
                if value is not None:
                    sent[one.name] = value.strip()
                faults = faults_of(answer, form, sent, one.name)
                found += [f"{form.method} {form.action} {one.name}={value!r}: {fault}" for fault in faults]
    assert not found, "\n".join(found)
    assert names >= typed_names_of_templates(), "a page of `pages_of` for each form"


def typed_names_of_templates() -> set[str]:
    """What is to be typed anywhere, by the templates' own words."""
    found = set()
    for template in (HERE / "templates").rglob("*.html"):
        for tag in re.findall(r"<input[^>]*>", template.read_text(encoding="utf-8")):
            name = re.search(r'\bname="(\w+)"', tag)
            if name and not re.search(r'type="(hidden|checkbox|radio)"', tag):
                found.add(name[1])
    return found


@pytest.mark.parametrize(
    ("who", "path", "fields", "name"),
    [
        ("manager", "/console/groups", {"organisation": "1", "name": "Astreinte", "priority": "7"}, "name"),
        ("driver", "/bookings/{booking}/change",
         {"day": "2026-03-12", "start": "10:00", "end_day": "2026-03-12", "end": "09:00"}, "end"),
        ("manager", "/console/vehicles/{car}/block",
         {"kind": "damage", "day": "2026-03-12", "start": "09:00", "end_day": "2026-03-11", "end": "10:00"},
         "end"),
        ("driver", "/series/new",
         {"asked": "1", "vehicle": "4", "first": "2026-03-12", "last": "2026-03-30", "start": "08:00",
          "end": "12:00", "every": "1"}, "w0"),
    ],
)  # fmt: skip
def test_what_only_two_fields_together_make_wrong_is_told_at_one(quiet_town, who, path, fields, name):
    target = path.format(booking=quiet_town.booking["next"], car=quiet_town.car["GB-101-NZ"])
    browser, method = quiet_town.browser(who), "get" if path == "/series/new" else "post"
    answer = browser.get(target, params=fields) if method == "get" else browser.submit(target, fields)
    assert faults_of(answer, Form(method, target), fields, name) == []


def test_what_is_given_back_is_text_and_a_password_is_not_given_back(quiet_town):
    odd = '"><b onfocus="x">&amp;</option>'
    answer = quiet_town.browser("manager").submit(
        "/console/groups", {"organisation": "1", "name": odd, "priority": "many"}
    )
    assert answer.status_code == 422
    assert "<b onfocus" not in answer.text
    assert odd in [one.values.get("name") for one in Reader(answer.text).forms]
    fields = {"present": "no such words", "new": "a sentence that is new", "again": "a sentence that is new"}
    answer = quiet_town.browser("driver").submit("/account/password", fields)
    assert 400 <= answer.status_code < 500
    assert not [words for words in fields.values() if words in answer.text]


def test_a_form_that_lay_closed_lies_open_after_a_refusal(quiet_town):
    path = f"/console/people/{quiet_town.person['driver']}"
    manager, form = quiet_town.browser("manager"), f'action="{path}/rights"'
    shut = manager.get(path).text.partition(form)[0]
    assert shut[shut.rindex("<details") :].startswith("<details>")
    fields = {"pool": "1", "kind": "service", "until": "x"}
    refused = manager.submit(f"{path}/rights", fields).text.partition(form)[0]
    assert refused[refused.rindex("<details") :].startswith("<details open>")


def test_a_refusal_about_a_field_that_the_page_does_not_show_is_told_above_the_form(quiet_town):
    path = f"/console/vehicles/{quiet_town.car['GB-101-NZ']}/edit"  # petrol: no battery in its form
    answer = quiet_town.browser("manager").submit(path, {"battery_wh": "1"})
    assert answer.status_code == 422
    assert 'id="wrong"' not in answer.text
    assert '<div class="notice bad" role="alert">' in answer.text
