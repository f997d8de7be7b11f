"""What a tester can do to a simulated car, as one table: the bench's buttons and the steps of scenarios.

An action is a name, words in English and French, a group of the page, the arguments it takes, and a
function. `act` runs one and answers words for the person at the bench; whatever cannot be done raises
`ActionRefused`, in words too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import faults
from .car import CarRefusal
from .route import RouteError
from .speed_trace import TraceError
from .world import UID_LENGTHS, CarWorld
from .world_words import REFUSALS, STARTER, Words

Arguments = Mapping[str, Any]
MAX_TEXT = 200
"""Longest text argument: a path, a hex UID, a name."""


class BadArgument(ValueError):
    """What the person typed cannot be meant; `words` says why."""

    def __init__(self, en: str, fr: str) -> None:
        super().__init__(en)
        self.words: Words = {"en": en, "fr": fr}


class ActionRefused(RuntimeError):
    """An action that cannot be done now, or that nobody knows. `words` says why in both languages."""

    def __init__(self, code: str, words: Words) -> None:
        super().__init__(words["en"])
        self.code = code
        self.words = words


@dataclass(frozen=True)
class Action:
    """One thing a tester can do. `arguments` names what it takes; a trailing `?` marks what may be left
    out."""

    slug: str
    group: str
    words: Words
    do: Callable[[CarWorld, Arguments], object]
    arguments: tuple[str, ...] = ()


def _both(text: str) -> Words:
    return {"en": text, "fr": text}


def _text(arguments: Arguments, name: str) -> str:
    value = arguments[name]
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"{name} must be a text of at most {MAX_TEXT} characters")
    return value


def _uid(arguments: Arguments) -> bytes:
    text = _text(arguments, "uid").replace(":", "").replace(" ", "")
    try:
        uid = bytes.fromhex(text)
    except ValueError:
        raise BadArgument(
            "A card's UID is written in hexadecimal digits, as 04 A1 B2 C3.",
            "L'UID d'un badge s'écrit en chiffres hexadécimaux, comme 04 A1 B2 C3.",
        ) from None
    if len(uid) not in UID_LENGTHS:
        raise BadArgument(
            f"A card's UID has 4, 7 or 10 bytes, not {len(uid)}.",
            f"L'UID d'un badge compte 4, 7 ou 10 octets, pas {len(uid)}.",
        )
    return uid


def _number(arguments: Arguments, name: str) -> float:
    value = arguments[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e6 < value < 1e6:
        raise ValueError(f"{name} must be a number")
    return float(value)


def _hold(world: CarWorld, arguments: Arguments) -> object:
    world.hold_card(_uid(arguments))
    return None


def _take_away(world: CarWorld, arguments: Arguments) -> object:
    world.take_card_away(_uid(arguments) if "uid" in arguments else None)
    return None


def _tap(world: CarWorld, arguments: Arguments) -> object:
    world.tap(_uid(arguments), _number(arguments, "seconds") if "seconds" in arguments else 0.8)
    return None


def _start(world: CarWorld, _arguments: Arguments) -> object:
    return STARTER[str(world.person("turn_starter"))]


def _drive(world: CarWorld, arguments: Arguments) -> object:
    trace = _text(arguments, "trace") if "trace" in arguments else "town"
    metres = _number(arguments, "metres") if "metres" in arguments else None
    if arguments.get("home"):
        world.drive_to(trace, world.home)
    elif "lat" in arguments and "lon" in arguments:
        world.drive_to(trace, (_number(arguments, "lat"), _number(arguments, "lon")))
    else:
        world.drive(trace, _text(arguments, "route") if "route" in arguments else "town_loop", metres)
    return None


def _person(action: str) -> Callable[[CarWorld, Arguments], object]:
    return lambda world, _arguments: world.person(action) and None


def _inject(world: CarWorld, arguments: Arguments) -> object:
    faults.inject(world, _text(arguments, "fault"))
    return None


def _undo(world: CarWorld, arguments: Arguments) -> object:
    faults.undo(world, _text(arguments, "fault"))
    return None


def _words(en: str, fr: str) -> Words:
    return {"en": en, "fr": fr}


_TABLE = [
    Action("hold_card", "card", _words("Hold the card", "Présenter le badge"), _hold, ("uid",)),
    Action("take_card_away", "card", _words("Take it away", "Retirer le badge"), _take_away, ("uid?",)),
    Action("tap", "card", _words("Tap for a moment", "Badger un instant"), _tap, ("uid", "seconds?")),
    Action("get_in", "person", _words("Get in", "Monter"), _person("get_in")),
    Action("get_out", "person", _words("Get out", "Descendre"), _person("get_out")),
    Action("open_door", "person", _words("Open a door", "Ouvrir une porte"), _person("open_door")),
    Action("close_door", "person", _words("Close the doors", "Fermer les portes"), _person("close_door")),
    Action("take_key", "person", _words("Take the key", "Prendre la clé"), _person("take_key")),
    Action("put_key_back", "person", _words("Put the key back", "Ranger la clé"), _person("put_key_back")),
    Action("ignition_on", "engine", _words("Ignition on", "Mettre le contact"), _person("ignition_on")),
    Action("start", "engine", _words("Start", "Démarrer"), _start),
    Action("ignition_off", "engine", _words("Ignition off", "Couper le contact"), _person("ignition_off")),
    Action(
        "drive", "drive", _words("Drive", "Rouler"), _drive,
        ("trace?", "route?", "metres?", "lat?", "lon?", "home?"),
    ),
    Action("brake", "drive", _words("Stop", "S'arrêter"), _person("brake")),
    Action(
        "carry", "drive", _words("Carry it on a flatbed", "Emporter sur un plateau"),
        lambda world, a: world.carry(_text(a, "trace") if "trace" in a else "town"), ("trace?",),
    ),
    Action(
        "network_down", "box", _words("Pull the network", "Couper le réseau"),
        lambda world, _: world.set_network(False),
    ),
    Action(
        "network_up", "box", _words("Put the network back", "Rétablir le réseau"),
        lambda world, _: world.set_network(True),
    ),
    Action(
        "power_off", "box", _words("Cut the box's power", "Couper le boîtier"),
        lambda world, _: world.set_power(False),
    ),
    Action(
        "power_on", "box", _words("Power the box", "Alimenter le boîtier"),
        lambda world, _: world.set_power(True),
    ),
    Action("inject", "faults", _words("Make the fault", "Provoquer la panne"), _inject, ("fault",)),
    Action("undo", "faults", _words("Mend it", "Réparer"), _undo, ("fault",)),
]  # fmt: skip
ACTIONS = {action.slug: action for action in _TABLE}


def act(world: CarWorld, slug: str, arguments: Arguments | None = None) -> Words | None:
    """Do it. Answers words where there is something to say. Raises `ActionRefused`, changing nothing."""
    arguments = arguments or {}
    action = ACTIONS.get(slug)
    if action is None:
        raise ActionRefused("unknown_action", _both(f"no action {slug!r}; known: {', '.join(ACTIONS)}"))
    known = {name.rstrip("?") for name in action.arguments}
    missing = {name for name in action.arguments if not name.endswith("?")} - set(arguments)
    if missing or set(arguments) - known:
        wanted = ", ".join(action.arguments) or "nothing"
        raise ActionRefused("bad_arguments", _both(f"{slug} takes {wanted}"))
    try:
        answer = action.do(world, arguments)
    except CarRefusal as refusal:
        raise ActionRefused(refusal.code, REFUSALS[refusal.code]) from refusal
    except BadArgument as problem:
        raise ActionRefused("bad_arguments", problem.words) from problem
    except (ValueError, TraceError, RouteError, OSError) as problem:
        raise ActionRefused("bad_arguments", _both(str(problem))) from problem
    return answer if isinstance(answer, dict) else None
