"""`glovebox-box`: the installer's command line. Every command is safe to interrupt and to repeat."""

import argparse
import getpass
import sys
import warnings
from collections.abc import Sequence

from glovebox_tools.box import flash, log, measure, partition_table, ports, provision, self_test, verify
from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.command_line import EXIT_USAGE, asked_language, make_parser
from glovebox_tools.box.messages import Words, choose_language

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0 done and good; 1 not done, or a check is bad (the reason and what to do on stderr);
    2 a wrong command line; 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    language = choose_language(asked_language(arguments))
    words = Words(language)
    parser = make_parser(language)
    if not arguments:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    options = parser.parse_args(arguments)
    try:
        return _run(options, words)
    except BoardError as error:
        if getattr(options, "verbose", False) and error.detail:
            print(error.detail, file=sys.stderr)
        print(words(error.key, **error.values), file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print(words("interrupted"), file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(options: argparse.Namespace, words: Words) -> int:
    if options.command == "ports":
        return _print_ports(words)
    if options.command == "partitions":
        partition_table.write_table(words, _say, options.output)
        return 0
    wifi = _read_wifi(options, words) if options.command == "provision" else []
    port = ports.choose(options.port, [] if options.port else ports.read_ports())
    if not options.port:
        _say(words("using_port", port=port))
    board = Board(port)
    if options.command == "flash":
        flash.flash(board, words, _say, options.firmware, dry_run=options.dry_run)
    elif options.command == "provision":
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
    """Networks with their passwords: from the files, in order, else asked for without echo.

    Before anything is asked of box or cloud, so that a mistake here costs nothing. Raises BoardError.
    """
    files = list(options.wifi_password_file)
    if len(files) > len(options.wifi):
        raise BoardError("wifi_files_too_many", files=len(files), networks=len(options.wifi))
    networks = []
    for ssid in options.wifi:
        try:
            if files:
                password = files.pop(0).read_text(encoding="utf-8").rstrip("\r\n")
            else:
                password = _ask_hidden(words("wifi_password", ssid=ssid))
        except (OSError, UnicodeDecodeError) as error:
            raise BoardError("file_unreadable", reason=str(error)) from error
        except (EOFError, getpass.GetPassWarning):
            raise BoardError("no_password", ssid=ssid) from None
        networks.append({"ssid": ssid, "password": password})
    provision.check_wifi(networks)
    return networks


def _ask_hidden(question: str) -> str:
    """What is typed, never shown. Raises GetPassWarning where no terminal can hide it, EOFError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        return getpass.getpass(question)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
