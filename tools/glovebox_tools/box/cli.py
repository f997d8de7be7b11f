"""`glovebox-box`: the installer's command line. Every command is safe to interrupt and to repeat."""

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glovebox_tools.box import flash, log, measure, ports, provision, self_test, verify
from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.help_texts import HELP
from glovebox_tools.box.messages import LANGUAGES, Words, choose_language
from glovebox_tools.firmware_build import FIRMWARE

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0 done, 1 not done (the reason and what to do on stderr), 2 a wrong command line."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    language = choose_language(_asked_language(arguments))
    words = Words(language)
    options = make_parser(language).parse_args(arguments)
    try:
        return _run(options, words)
    except BoardError as error:
        if options.verbose and error.detail:
            print(error.detail, file=sys.stderr)
        print(words(error.key, **error.values), file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print(words("interrupted"), file=sys.stderr)
        return EXIT_INTERRUPTED


def make_parser(language: str) -> argparse.ArgumentParser:
    """The command line with its help in one language."""
    say = {key: texts[LANGUAGES.index(language)] for key, texts in HELP.items()}

    def add(parser: argparse.ArgumentParser, flag: str, key: str, **more: Any) -> None:
        parser.add_argument(flag, help=say[key], **more)

    class Parser(argparse.ArgumentParser):
        def __init__(self, *, has_help: bool = True, **more: Any) -> None:

            super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False, **more)
            self._optionals.title = say["options"]
            self._positionals.title = say["commands"]
            if has_help:
                self.add_argument("-h", "--help", action="help", help=say["help"])

    parser = Parser(prog="glovebox-box", description=say["description"], epilog=say["epilog"])
    common = Parser(has_help=False)
    add(common, "--port", "port", metavar="PORT")
    add(common, "--verbose", "verbose", action="store_true")
    # On the program and on each command, so that it may stand before or after the command's name.
    add(parser, "--lang", "lang", choices=LANGUAGES)
    add(common, "--lang", "lang", choices=LANGUAGES, default=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=say[name], description=say[name + "_long"], parents=[common])

    command("ports")
    one = command("flash")
    add(one, "--firmware", "firmware", type=Path, default=FIRMWARE, metavar="DIR")
    add(one, "--dry-run", "dry_run", action="store_true")
    one = command("provision")
    add(one, "--cloud", "cloud", required=True, metavar="URL")
    add(one, "--token", "token", required=True, metavar="TOKEN")
    add(one, "--ca", "ca", type=Path, metavar="FILE")
    add(one, "--wifi", "wifi", action="append", required=True, metavar="SSID")
    add(
        one,
        "--wifi-password-file",
        "wifi_password_file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
    )
    one = command("verify")
    add(one, "--firmware", "firmware", type=Path, default=FIRMWARE, metavar="DIR")
    one = command("self-test")
    add(one, "--move-relay", "move_relay", action="store_true")
    one = command("log")
    add(one, "--seconds", "seconds", type=float, default=None, metavar="S")
    one = command("measure")
    add(one, "--output", "output", type=Path, default=Path("board_costs_measured.json"), metavar="FILE")
    return parser


def _asked_language(arguments: Sequence[str]) -> str | None:
    """`--lang` is needed before the parser is built, because the help is in that language."""
    for flag, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if flag == "--lang":
            return value
        if flag.startswith("--lang="):
            return flag.partition("=")[2]
    return None


def _run(options: argparse.Namespace, words: Words) -> int:
    if options.command == "ports":
        return _print_ports(words)
    port = ports.choose(options.port, [] if options.port else ports.read_ports())
    if not options.port:
        _say(words("using_port", port=port))
    board = Board(port)
    if options.command == "flash":
        flash.flash(board, words, _say, options.firmware, dry_run=options.dry_run)
    elif options.command == "provision":
        wifi = _read_wifi(options, words)
        provision.provision(board, words, _say, options.cloud, options.token, wifi, options.ca)
    elif options.command == "verify":
        return 0 if verify.verify(board, words, _say, options.firmware) else EXIT_FAILED
    elif options.command == "self-test":
        return 0 if self_test.self_test(board, words, _say, move_relay=options.move_relay) else EXIT_FAILED
    elif options.command == "log":
        log.show_log(board, words, _say, options.seconds)
    elif options.command == "measure":
        measure.measure(board, words, _say, options.output)
    return 0


def _print_ports(words: Words) -> int:
    found = ports.read_ports()
    if not found:
        _say(words("ports_none"))
    for port in found:
        _say(f"{port.device:<16} {words('ports_may_be' if port.may_be_box else 'ports_not'):<18} {port.what}")
    return 0


def _read_wifi(options: argparse.Namespace, words: Words) -> list[dict[str, str]]:
    """Networks with their passwords: from the files, in order, else asked for without echo."""
    networks = []
    files = list(options.wifi_password_file)
    for ssid in options.wifi:
        if files:
            try:
                password = files.pop(0).read_text(encoding="utf-8").rstrip("\r\n")
            except OSError as error:
                raise BoardError("file_unreadable", reason=str(error)) from error
        else:
            password = getpass.getpass(words("wifi_password", ssid=ssid))
        networks.append({"ssid": ssid, "password": password})
    provision.check_wifi(networks)
    return networks


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
