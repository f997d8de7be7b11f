"""Ask every part that is wired to the box, and say in words what to check where one does not answer.

The firmware's own drivers do the asking, on the board, so that a pass means what the firmware will meet.
"""

from collections.abc import Callable
from typing import Any

from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.flash import read_facts, started_again
from glovebox_tools.box.messages import Words

GNSS_S = 4  # a receiver sends its sentences once a second
CHECKS = ("reader", "accelerometer", "clock", "can", "relay", "gnss", "battery", "inputs", "wifi")
MOVE_SILENCE_S = 150.0  # inhibit asks for a minute of ignition off and ten seconds of standstill
CONTACTS = {1: "allow", 2: "inhibit"}  # as in tests/vectors/codes.json, record `relay`


def self_test(board: Board, words: Words, say: Callable[[str], None], *, move_relay: bool = False) -> bool:
    """Run all checks and say each result; True if all that can be judged are good. Starts the box again."""
    say(words("board_is", **read_facts(board)))
    with started_again(board):
        return _run_checks(board, words, say, move_relay=move_relay)


def _run_checks(board: Board, words: Words, say: Callable[[str], None], *, move_relay: bool) -> bool:
    answered: dict[str, bool] = {}
    for answer in board.answers("self_test.py", {"gnss_s": GNSS_S}):
        answered[answer["check"]] = answer["ok"] is not False
        say(describe(words, answer))
    if move_relay:
        say(words("moving_relay"))
        for answer in board.answers("move_relay.py", None, MOVE_SILENCE_S):
            answered[answer["check"]] = answer["ok"] is not False
            say(describe(words, answer))
    missing = [check for check in CHECKS if check not in answered]
    if missing:
        raise BoardError("checks_missing", checks=", ".join(missing), port=board.port)
    bad = [check for check, good in answered.items() if not good]
    say(
        words("test_bad", checks=", ".join(words("check_" + check) for check in bad))
        if bad
        else words("test_good", count=len(answered))
    )
    return not bad


def describe(words: Words, answer: dict[str, Any]) -> str:
    """One line for a check, and a second one that says what to look at if it failed."""
    check = str(answer["check"])
    mark = {True: words("test_pass"), False: words("test_fail"), None: words("test_told")}[answer["ok"]]
    if "error" in answer:
        result = str(answer["error"])
    else:
        result = _result(words, check, answer)
    text = f"  {mark:<8} {words('test_line', check=words('check_' + check), result=result)}"
    if answer["ok"] is False:
        text += f"\n           {words('fix_' + check)}"
    return text


def _result(words: Words, check: str, answer: dict[str, Any]) -> str:
    if check == "clock":
        return words("result_clock" if answer["time_s"] is not None else "result_clock_unset")
    if check == "relay":
        return words("result_relay", contact=words("contact_" + CONTACTS.get(answer["contact"], "unknown")))
    if check == "gnss":
        return words("result_gnss", fix=words("fix_yes" if answer["fix"] else "fix_no"), **_numbers(answer))
    if check == "inputs":
        states = {name: words("yes" if answer[name] else "no") for name in ("kl15", "door", "key_there")}
        return words("result_inputs", **states)
    if check == "relay_moved":
        return words("result_relay_moved", steps="; ".join(_relay_steps(words, answer["outcomes"])))
    if check == "wifi" and not answer["networks"]:
        return words("result_wifi_none")
    return words("result_" + check, **_numbers(answer))


def _relay_steps(words: Words, outcomes: list[list[int]]) -> list[str]:
    return [
        words(
            "relay_step",
            target=words("contact_" + CONTACTS[target]),
            outcome=words(f"outcome_{outcome}"),
            contact=words("contact_" + CONTACTS[contact]),
        )
        for target, outcome, contact in outcomes
    ]


def _numbers(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("check", "ok", "fix")}
