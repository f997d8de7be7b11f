"""What may stand on the command line, with its help and its complaints in the installer's language."""

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from glovebox_tools.box.help_texts import COMPLAINTS, HELP
from glovebox_tools.box.messages import LANGUAGES
from glovebox_tools.firmware_build import FIRMWARE

EXIT_USAGE = 2


def make_parser(language: str) -> argparse.ArgumentParser:
    """The command line with its help in one language."""
    say = {key: texts[LANGUAGES.index(language)] for key, texts in HELP.items()}
    parser_class = _parser_class(language, say)

    def add(parser: argparse.ArgumentParser, flag: str, key: str, **more: Any) -> None:
        parser.add_argument(flag, help=say[key], **more)

    parser = parser_class(prog="glovebox-box", description=say["description"], epilog=say["epilog"])
    common = parser_class(has_help=False)
    # On the program and on each command, so that it may stand before or after the command's name.
    add(parser, "--lang", "lang", choices=LANGUAGES)
    add(common, "--lang", "lang", choices=LANGUAGES, default=argparse.SUPPRESS)
    with_port = parser_class(has_help=False, parents=[common])
    add(with_port, "--port", "port", metavar="PORT")
    add(with_port, "--verbose", "verbose", action="store_true")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar=say["command"], parser_class=parser_class
    )

    def command(name: str, parent: _Parser = with_port) -> _Parser:
        return commands.add_parser(name, help=say[name], description=say[name + "_long"], parents=[parent])

    command("ports", common)
    one = command("partitions", common)
    add(one, "--output", "output", type=Path, default=Path("partitions.bin"), metavar="FILE")
    one = command("flash")
    add(one, "--firmware", "firmware", type=Path, default=FIRMWARE, metavar="DIR")
    add(one, "--dry-run", "dry_run", action="store_true")
    one = command("provision")
    add(one, "--cloud", "cloud", required=True, metavar="URL")
    add(one, "--token", "token", required=True, metavar="TOKEN")
    add(one, "--ca", "ca", type=Path, metavar="FILE")
    add(one, "--wifi", "wifi", action="append", required=True, metavar="SSID")
    files = {"type": Path, "action": "append", "default": [], "metavar": "FILE"}
    add(one, "--wifi-password-file", "wifi_password_file", **files)
    one = command("verify")
    add(one, "--firmware", "firmware", type=Path, default=FIRMWARE, metavar="DIR")
    one = command("self-test")
    add(one, "--move-relay", "move_relay", action="store_true")
    one = command("log")
    add(one, "--seconds", "seconds", type=float, default=None, metavar="S")
    one = command("measure")
    add(one, "--output", "output", type=Path, default=Path("board_costs_measured.json"), metavar="FILE")
    return parser


def asked_language(arguments: Sequence[str]) -> str | None:
    """`--lang` is needed before the parser is built, because the help is in that language."""
    for flag, value in zip(arguments, [*arguments[1:], ""], strict=False):
        if flag == "--lang":
            return value
        if flag.startswith("--lang="):
            return flag.partition("=")[2]
    return None


def translate_complaint(message: str, language: str) -> str:
    """argparse's own words, which are English, in the installer's language; as they are if unknown."""
    if language == "fr":
        for pattern, text in COMPLAINTS:
            found = re.search(pattern, message)
            if found:
                message = message[: found.start()] + found.expand(text) + message[found.end() :]
    return message


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's, with "usage: " in the installer's language."""

    usage_prefix = ""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, self.usage_prefix if prefix is None else prefix)


class _Parser(argparse.ArgumentParser):
    """argparse's, with our language in it; it takes no abbreviated options, because it never guesses."""

    language = ""
    say: ClassVar[dict[str, str]] = {}
    formatter: type[_Formatter] = _Formatter

    def __init__(self, *, has_help: bool = True, **more: Any) -> None:
        super().__init__(formatter_class=self.formatter, add_help=False, allow_abbrev=False, **more)
        self._optionals.title = self.say["options"]
        self._positionals.title = self.say["commands"]
        if has_help:
            self.add_argument("-h", "--help", action="help", help=self.say["help"])

    def error(self, message: str) -> NoReturn:
        text = translate_complaint(message, self.language)
        self.exit(EXIT_USAGE, f"{self.prog}: {text}\n  {self.say['see_help'].format(prog=self.prog)}\n")


def _parser_class(in_language: str, texts: dict[str, str]) -> type[_Parser]:
    class Formatter(_Formatter):
        usage_prefix = texts["usage"]

    class Parser(_Parser):
        language = in_language
        say = texts
        formatter = Formatter

    return Parser
