"""French and English: nothing untranslated, nothing stale, chosen as the person wishes."""

import re
from datetime import date
from html.parser import HTMLParser
from string import Formatter

import pytest
from glovebox.link import codes
from glovebox.web import catalogue, fleet_words, incident_words, notices, state_words, today_words
from glovebox.web.i18n import LANGUAGES, Speech, choose_language
from glovebox.web.page import HERE
from support_pages import pages_of
from support_web import NOW, Town

TEMPLATES = sorted((HERE / "templates").rglob("*.html"))
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
NAMES_KEPT = {
    "Glovebox",
    "V",
    "km",
    "L",
    "h",
    "m",
    "%",
    "CSV",
    "UID",
}


def test_the_catalogue_holds_every_text_of_templates_and_code_and_no_other():
    wanted = {message.id for message in catalogue.extract_messages() if message.id}
    held = {message.id for message in catalogue.read_catalogue("fr") if message.id}
    assert wanted - held == set(), "run: python -m glovebox.web.catalogue"
    assert held - wanted == set(), "run: python -m glovebox.web.catalogue"


def test_nothing_is_untranslated():
    assert [message.id for message in catalogue.untranslated(catalogue.read_catalogue("fr"))] == []


def test_a_translation_has_the_placeholders_of_its_text():
    for message in catalogue.read_catalogue("fr"):
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        translations = message.string if isinstance(message.string, tuple) else (message.string,)
        for translation in translations:
            if message.id:
                assert set(PLACEHOLDER.findall(translation)) == set(PLACEHOLDER.findall(originals[-1])), (
                    message.id
                )


@pytest.mark.parametrize(
    ("module", "table"),
    [
        (module, name)
        for module in (state_words, notices, fleet_words, incident_words, today_words)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, dict) and name != "STEP_SAID"
    ],
)
def test_every_word_of_a_table_is_in_the_catalogue(module, table):
    held = {message.id for message in catalogue.read_catalogue("fr")}
    for value in getattr(module, table).values():
        text = value[0] if isinstance(value, tuple) else value
        assert text in held, text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_no_text_that_is_not_marked(template):
    source = template.read_text(encoding="utf-8")
    source = re.sub(r"{#.*?#}", "", source, flags=re.S)
    source = re.sub(r"{% block (?:width|area) %}\w+{% endblock %}", "", source)  # names of classes
    source = re.sub(r"{%.*?%}", "", source, flags=re.S)
    source = re.sub(r"{{.*?}}", "", source, flags=re.S)
    found = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.extend(re.findall(r"[^\W\d_][\w'’ .-]*", data))

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                if name in ("aria-label", "title", "alt", "placeholder") and re.search(
                    r"[^\W\d_]", value or ""
                ):
                    found.append(f"{name}={value}")

    Reader().feed(source)
    assert [text.strip() for text in found if text.strip() not in NAMES_KEPT] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_drawn_in_both_languages(quiet_town: Town, language):
    for name, (who, path) in pages_of(quiet_town).items():
        answer = quiet_town.browser(who, language).get(path)
        assert answer.status_code in (200, 403, 404), name
        assert f'<html lang="{language}">' in answer.text, name
        assert not re.search(r"error\.\w|fault\.\w|line\.\w|%\(", answer.text), name


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("en", "fr-FR,fr;q=0.9", "en"),
        (None, "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "de-DE,de;q=0.9,en;q=0.5,fr;q=0.4", "en"),
        (None, "de-DE", "fr"),
        (None, "", "fr"),
        (None, "fr;q=0,en;q=0.1", "en"),
        (None, "fr;q=rubbish,en;q=0.1", "en"),
        ("xx", "en", "en"),
    ],
)
def test_the_persons_choice_comes_before_the_browsers_and_french_before_nothing(chosen, accepted, language):
    assert choose_language(chosen, accepted) == language


def test_a_choice_is_kept_with_the_person_and_by_the_browser_before_the_login(town):
    browser = town.browser("driver", "fr")
    assert "Bonjour Nadia" in browser.get("/").text
    assert browser.submit("/language", {"language": "en", "back": "/find"}).headers["location"] == "/find"
    assert "Hello, Nadia" in browser.get("/").text
    assert "Hello, Nadia" in town.browser("driver", "fr").get("/").text
    visitor = town.browser(language="fr")
    visitor.submit("/language", {"language": "en", "back": "https://evil.example"}, page="/login")
    assert "Log in" in visitor.get("/login").text


def test_the_services_sentences_for_errors_have_the_values_they_ask_for():
    from glovebox.words import SENTENCES

    for key, texts in SENTENCES.items():
        names = [{field for _, field, _, _ in Formatter().parse(text) if field} for text in texts]
        assert names[0] == names[1], key


@pytest.mark.parametrize(
    ("language", "seconds", "text"),
    [
        ("en", NOW, "today at 09:40"),
        ("fr", NOW, "aujourd’hui à 09:40"),
        ("en", NOW + 86_400, "tomorrow at 09:40"),
        ("fr", NOW + 3 * 86_400, "vendredi 13 mars à 09:40"),
        ("en", NOW + 300 * 86_400, "Monday 4 January 2027 at 09:40"),
        ("en", NOW + 20 * 86_400, "Monday 30 March at 10:40"),
    ],
)
def test_an_instant_is_told_on_the_sites_clock_with_an_unambiguous_day(language, seconds, text):
    assert Speech(language, NOW).when(seconds) == text


def test_durations_and_distances_are_told_as_people_do():
    french, english = Speech("fr", NOW), Speech("en", NOW)
    assert (french.kilometres(23_266), english.kilometres(23_266)) == ("23,3\u00a0km", "23.3\u00a0km")
    assert [english.lasting(seconds) for seconds in (59, 60, 3600, 5400, 100_000)] == [
        "0 min",
        "1 min",
        "1 h",
        "1 h 30",
        "1 day 3 h",
    ]
    assert [english.ago(NOW - seconds) for seconds in (-5, 59, 60, 7200, 86_400, 200_000)] == [
        "just now",
        "just now",
        "1\u00a0min ago" if "\u00a0" in english.ago(NOW - 60) else "1 min ago",
        "2 h ago",
        "1 day ago",
        "2 days ago",
    ]


def test_every_refusal_of_a_car_says_what_to_do():
    assert set(codes.REFUSAL) <= set(state_words.REFUSALS_TODO)


def test_in_french_the_first_of_a_month_alone_is_an_ordinal():
    days = [date(2026, 3, 1), date(2026, 3, 11)]
    spoken = {language: Speech(language, NOW, "Europe/Paris") for language in LANGUAGES}
    assert [spoken["fr"].full_day(day) for day in days] == ["dimanche 1er mars 2026", "mercredi 11 mars 2026"]
    assert spoken["fr"].short_day(days[0]) == "dim. 1er mars"
    assert spoken["en"].full_day(days[0]) == "Sunday 1 March 2026"
