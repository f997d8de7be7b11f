"""Sentences: both languages, the same placeholders, and one for every code."""

import re
import string
from pathlib import Path

import pytest
from glovebox import words
from glovebox.link import codes
from glovebox.words.quantities import Quantity

CLOUD = Path(__file__).parents[2] / "cloud" / "glovebox"


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(words.SENTENCES))
def test_a_sentence_is_there_in_both_languages_with_the_same_placeholders(key):
    english, french = words.SENTENCES[key]
    assert english
    assert french
    assert placeholders(english) == placeholders(french)


def test_every_fault_says_what_it_is_and_what_to_do():
    for name in codes.FAULT:
        assert {f"fault.{name}", f"fault.{name}.todo"} <= set(words.SENTENCES)


@pytest.mark.parametrize(
    ("group", "table"),
    [
        ("refusal", codes.REFUSAL),
        ("relay_outcome", codes.RELAY_OUTCOME),
        ("relay_source", codes.RELAY_SOURCE),
        ("line", codes.RECORD),
        ("command", codes.COMMAND),
        ("command_result", codes.COMMAND_RESULT),
        ("end_reason", codes.END_REASON),
        ("via", codes.VIA),
        ("reset_cause", codes.RESET_CAUSE),
        ("contact", codes.CONTACT),
        ("motion", codes.MOTION),
        ("alarm_cause", codes.ALARM_CAUSE),
        ("counter", codes.COUNTER),
    ],
)
def test_every_code_has_its_word(group, table):
    assert [name for name in table if f"{group}.{name}" not in words.SENTENCES] == []


LOGIN = {"accounts/api.py", "accounts/service.py"}


def test_every_error_and_incident_in_the_code_has_its_sentence():
    missing = []
    for path in CLOUD.rglob("*.py"):
        # What pages and logins alone refuse is said by the pages; commands refuse passwords and roles too.
        if "web" in path.relative_to(CLOUD).parts or path.relative_to(CLOUD).as_posix() in LOGIN:
            continue
        text = path.read_text()
        for code in re.findall(r'(?:NotFound|Forbidden|Conflict|Invalid)\(\s*"(\w+)"', text):
            missing += [code] if f"error.{code}" not in words.SENTENCES else []
        for code in re.findall(r'^    code = "(\w+)"', text, re.MULTILINE):
            missing += [code] if f"error.{code}" not in words.SENTENCES else []
        for kind in re.findall(r'(?:open_incident|_incident)\(tx, now, (?:box, )?"(\w+)"', text):
            missing += [kind] if f"incident.{kind}" not in words.SENTENCES else []
    assert missing == []


def test_a_sentence_is_said_in_the_language_asked_for_and_else_in_english():
    assert words.say("fr", "refusal.too_early") == "trop tôt"
    assert words.say("en", "refusal.too_early") == words.say("de", "refusal.too_early") == "too early"


def test_words_in_a_sentence_are_said_too_and_a_missing_value_does_not_break_it():
    assert words.say("fr", "line.refused", refusal="@refusal.too_late") == (
        "Badge refusé : trop tard, la réservation est terminée"
    )
    assert words.say("en", "line.refused") == "Badge refused: ?"
    assert words.say("en", "no.such.key") == "no.such.key"


@pytest.mark.parametrize(
    ("language", "distance", "battery", "charge"),
    [
        ("en", "41,200\u00a0km", "12.6\u00a0V", "65%"),
        ("fr", "41\u202f200\u00a0km", "12,6\u00a0V", "65\u00a0%"),
    ],
)
def test_quantities_in_a_sentence_are_written_as_its_language_does(language, distance, battery, charge):
    taken = words.say(language, "line.session_start", via="@via.badge", odometer=Quantity(41_200, "km"))
    assert taken.endswith(distance)
    health = {"battery": Quantity(12.6, "V", 1), "fuel": Quantity(65, "%"), "heap": "@word.unknown"}
    assert f"{battery}, " in words.say(language, "line.health", **health)
    assert f" {charge}, " in words.say(language, "line.health", **health)


def test_the_counters_of_a_box_are_named_in_words():
    counts = [
        ("counter.link_lost", {"count": Quantity(1_203)}),
        ("counter.unknown_badge", {"count": Quantity(2)}),
    ]
    assert words.say("fr", "line.counters", counters=counts) == (
        "Compteurs : liaisons perdues 1\u202f203, badges inconnus 2"
    )
