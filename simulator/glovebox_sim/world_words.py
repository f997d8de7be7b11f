"""What the light ring and the buzzer do, in words, for those who do not see or hear it.

Written from the pixels and tones alone, as an onlooker would: nothing here knows what the firmware meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Pixel = tuple[int, int, int]
Words = dict[str, str]
"""One text in each language: {"en": ..., "fr": ...}."""

_COLOURS: dict[str, Words] = {
    "red": {"en": "red", "fr": "rouge"},
    "amber": {"en": "amber", "fr": "orange"},
    "green": {"en": "green", "fr": "vert"},
    "cyan": {"en": "cyan", "fr": "cyan"},
    "blue": {"en": "blue", "fr": "bleu"},
    "violet": {"en": "violet", "fr": "violet"},
    "white": {"en": "white", "fr": "blanc"},
}
_CLOCK = ("top", "top right", "right", "bottom right", "bottom", "bottom left", "left", "top left")
_CLOCK_FR = ("haut", "haut droite", "droite", "bas droite", "bas", "bas gauche", "gauche", "haut gauche")


MAX_GROUPS = 3
"""A melody of more groups of tones than this is only called changing."""


def colour(pixel: Pixel) -> str | None:
    """The name of a pixel's colour, None when it is dark."""
    red, green, _ = pixel
    most = max(pixel)
    if most == 0:
        return None
    high = [channel >= 0.6 * most for channel in pixel]
    if all(high):
        return "white"
    if red == most and not high[1] and not high[2]:
        return "amber" if green >= 0.2 * most else "red"
    if high[0] and high[1]:
        return "amber"
    if high[0] and high[2]:
        return "violet"
    if high[1] and high[2]:
        return "cyan"
    return "green" if green == most else "blue"


def _longest_run(lit: Sequence[bool]) -> tuple[int, int]:
    """(first, length) of the longest unbroken arc of a ring."""
    count = len(lit)
    best = (0, 0)
    for first in range(count):
        length = 0
        while length < count and lit[(first + length) % count]:
            length += 1
        if length > best[1]:
            best = (first, length)
    return best


def _shape(lit: Sequence[bool]) -> Words:
    count, total = sum(lit), len(lit)
    first, run = _longest_run(lit)
    if count == total:
        return {"en": "whole ring", "fr": "anneau entier"}
    if count == 1:
        i = first * 8 // total
        return {"en": f"one point, {_CLOCK[i]}", "fr": f"un point, {_CLOCK_FR[i]}"}
    if run == count:
        middle = ((first + (run - 1) / 2) % total) * 8 / total
        i = round(middle) % 8
        if count * 2 == total:
            return {"en": f"half ring, {_CLOCK[i]}", "fr": f"demi-anneau, {_CLOCK_FR[i]}"}
        return {
            "en": f"arc of {count} of {total}, {_CLOCK[i]}",
            "fr": f"arc de {count} sur {total}, {_CLOCK_FR[i]}",
        }
    if count * 2 == total and all(lit[i] != lit[(i + 1) % total] for i in range(total)):
        return {"en": "cross", "fr": "croix"} if lit[0] else {"en": "diagonal cross", "fr": "croix diagonale"}
    if count == 2 and lit[(first + total // 2) % total]:
        i, j = first * 8 // total, (first + total // 2) % total * 8 // total
        return {"en": f"{_CLOCK[i]} and {_CLOCK[j]}", "fr": f"{_CLOCK_FR[i]} et {_CLOCK_FR[j]}"}
    return {"en": f"{count} points", "fr": f"{count} points"}


def light(pixels: Sequence[Pixel]) -> Words:
    """One frame of the ring in words."""
    names = [colour(pixel) for pixel in pixels]
    lit = [name is not None for name in names]
    if not any(lit):
        return {"en": "dark", "fr": "éteint"}
    used = list(dict.fromkeys(name for name in names if name))
    shape = _shape(lit)
    return {
        "en": f"{shape['en']}, {' and '.join(_COLOURS[name]['en'] for name in used)}",
        "fr": f"{shape['fr']}, {' et '.join(_COLOURS[name]['fr'] for name in used)}",
    }


def turning(pixels: Sequence[Pixel]) -> Words:
    """A light in motion, by one of its frames: the shape without its place."""
    words = light(pixels)
    count = sum(colour(pixel) is not None for pixel in pixels)
    shape = {"en": "one point", "fr": "un point"} if count == 1 else {"en": "a shape", "fr": "une forme"}
    return {
        k: f"{shape[k]} {'moving' if k == 'en' else 'en mouvement'}, {words[k].rsplit(', ', 1)[-1]}"
        for k in words
    }


def _groups(pitches: Sequence[int]) -> list[tuple[int, Words]]:
    """Tones of the same pitch in a row, as (how many, pitch)."""
    groups: list[tuple[int, Words]] = []
    for hz in pitches:
        pitch = _pitch(hz)
        if groups and groups[-1][1] == pitch:
            groups[-1] = (groups[-1][0] + 1, pitch)
        else:
            groups.append((1, pitch))
    return groups


def _pitch(hz: int) -> Words:
    if hz < 700:
        return {"en": "low", "fr": "grave"}
    if hz < 1800:
        return {"en": "middle", "fr": "moyen"}
    return {"en": "high", "fr": "aigu"}


def tones(heard: Sequence[tuple[int, int]]) -> Words:
    """A melody of (hertz, milliseconds) in words; silence is hertz 0 and is not told."""
    sounds = [(hz, ms) for hz, ms in heard if hz > 0 and ms > 0]
    if not sounds:
        return {"en": "silence", "fr": "silence"}
    lengths = "long" if max(ms for _, ms in sounds) >= 300 else "short"
    lengths_fr = {"long": "long", "short": "court"}[lengths]
    pitches = [hz for hz, _ in sounds]
    if len(sounds) == 1:
        pitch = _pitch(pitches[0])
        return {"en": f"one {lengths} {pitch['en']} beep", "fr": f"un bip {pitch['fr']} {lengths_fr}"}
    plural = "s" if lengths_fr else ""
    if all(a < b for a, b in pairwise(pitches)):
        way, way_fr = "rising", "montants"
    elif all(a > b for a, b in pairwise(pitches)):
        way, way_fr = "falling", "descendants"
    elif len(set(pitches)) == 1:
        pitch = _pitch(pitches[0])
        way, way_fr = pitch["en"], pitch["fr"] + "s"
    elif len(groups := _groups(pitches)) <= MAX_GROUPS:
        told = ", then ".join(f"{count} {pitch['en']}" for count, pitch in groups)
        told_fr = ", puis ".join(
            f"{count} {pitch['fr']}{'s' if count > 1 else ''}" for count, pitch in groups
        )
        return {"en": f"beeps: {told}", "fr": f"bips : {told_fr}"}
    else:
        way, way_fr = "changing", "variés"
    return {
        "en": f"{len(sounds)} {lengths} {way} beeps",
        "fr": f"{len(sounds)} bips {way_fr} {lengths_fr}{plural}",
    }


REFUSALS: dict[str, Words] = {
    "already_inside": {"en": "You are already in the car.", "fr": "Vous êtes déjà dans la voiture."},
    "already_there": {"en": "The car is there already.", "fr": "La voiture y est déjà."},
    "door_locked": {"en": "The doors are locked.", "fr": "Les portes sont verrouillées."},
    "engine_off": {"en": "The engine is not running.", "fr": "Le moteur ne tourne pas."},
    "fob_without_supply": {
        "en": "The stored fob has no supply: the box inhibits.",
        "fr": "La clé rangée n'est pas alimentée : le boîtier interdit.",
    },
    "ignition_off": {"en": "The ignition is off.", "fr": "Le contact est coupé."},
    "ignition_on": {"en": "The ignition is on.", "fr": "Le contact est mis."},
    "key_in_holder": {"en": "The key is in its holder.", "fr": "La clé est dans son support."},
    "key_not_in_holder": {"en": "The key is not in its holder.", "fr": "La clé n'est pas dans son support."},
    "moving": {"en": "The car is moving.", "fr": "La voiture roule."},
    "no_key_holder": {"en": "This car has no key holder.", "fr": "Cette voiture n'a pas de support de clé."},
    "nobody_inside": {"en": "Nobody is in the car.", "fr": "Il n'y a personne dans la voiture."},
    "not_inside": {"en": "Get in first, or open a door.", "fr": "Montez d'abord, ou ouvrez une porte."},
}
"""What `CarRefusal` codes mean to the person at the bench."""

STARTER: dict[str, Words] = {
    "turns": {"en": "The starter turns.", "fr": "Le démarreur tourne."},
    "ready": {"en": "The car is ready to drive.", "fr": "La voiture est prête à rouler."},
    "interlocked": {
        "en": "Nothing happens: the box inhibits the start.",
        "fr": "Rien ne se passe : le boîtier interdit le démarrage.",
    },
    "already_running": {"en": "The engine is already running.", "fr": "Le moteur tourne déjà."},
    "battery_flat": {"en": "Only a click: the battery is flat.", "fr": "Un clic : la batterie est vide."},
    "no_fuel": {"en": "It turns, but there is no fuel.", "fr": "Il tourne, mais le réservoir est vide."},
}
"""What `Car.turn_starter` answers, in words."""
