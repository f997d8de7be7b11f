"""Everything the tool says exists in both languages, with the same blanks."""

import ast
import re
import string
from pathlib import Path

import glovebox_tools.box
import pytest
from glovebox_tools.box.command_line import make_parser
from glovebox_tools.box.help_texts import HELP
from glovebox_tools.box.messages import MESSAGES, Words, choose_language

SOURCES = sorted(Path(glovebox_tools.box.__file__).parent.glob("*.py"))
CALLED_WITH_A_KEY = {"words", "BoardError"}


def blanks(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(MESSAGES))
def test_a_message_has_the_same_blanks_in_both_languages(key):
    english, french = MESSAGES[key]
    assert blanks(english) == blanks(french)
    assert english.strip()
    assert french.strip()


def keys_in_the_code():
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in CALLED_WITH_A_KEY and node.args:
                first = node.args[0]
                for value in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
                    if isinstance(value, ast.Constant):
                        yield value.value


def test_every_key_in_the_code_has_its_message():
    whole = set(keys_in_the_code())
    assert len(whole) > 40
    assert whole - set(MESSAGES) == set()


def test_every_failure_of_mpremote_that_is_known_has_its_message():
    from glovebox_tools.box.board import _WORDS

    assert {key for _, key in _WORDS} <= set(MESSAGES)


def test_every_failure_says_what_to_do():
    for key in (
        "port_gone",
        "port_busy",
        "unplugged",
        "not_micropython",
        "silent",
        "flash_full",
        "token_refused",
    ):
        for text in MESSAGES[key]:
            assert len(text.splitlines()) >= 2, key


@pytest.mark.parametrize("key", sorted(HELP))
def test_the_help_exists_in_both_languages(key):
    assert all(text.strip() for text in HELP[key])


@pytest.mark.parametrize(("language", "word"), [("en", "in this order"), ("fr", "dans cet ordre")])
def test_the_help_teaches_the_order_of_the_work(language, word):
    text = make_parser(language).format_help()
    assert word in text
    order = [
        text.index(f"glovebox-box {name} ") for name in ("ports", "flash", "self-test", "provision", "verify")
    ]
    assert order == sorted(order)


def test_the_language_is_the_asked_one_or_the_computers(monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert choose_language("fr") == "fr"
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    assert choose_language(None) == "fr"
    assert choose_language("en") == "en"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert choose_language(None) == "en"


def test_no_message_holds_a_key_or_password_blank():
    for texts in MESSAGES.values():
        assert not re.search(r"\{(keys?|password|bundle)\b", " ".join(texts))


def test_an_unknown_key_is_an_error_not_an_empty_line():
    with pytest.raises(KeyError):
        Words("en")("no_such_text")
