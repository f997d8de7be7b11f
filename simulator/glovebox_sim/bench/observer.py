"""What the bench shows of a car: its state, and what its chips lately saw, gathered from the simulation's
events."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from .. import world_words
from ..recorder import utc
from ..world import CarWorld
from ..world_words import Words

EVENTS_KEPT = 120
LOG_LINES_KEPT = 200
MELODY_GAP_S = 0.4
"""A pause this long ends a melody."""
STEADY_S = 0.15
"""A frame that stands this long is told by itself."""
TURNS = 6
"""So many quick frames after each other are a moving light."""
MAX_TONES = 40
PATTERN_S = 4.0
"""A pattern or a melody that comes back within this time is the same one, still going on."""
Frame = list[world_words.Pixel]

_WORDS: dict[tuple[str, str], Words] = {
    ("relay", "contact:allow"): {"en": "Relay: allow", "fr": "Relais : accord"},
    ("relay", "contact:inhibit"): {"en": "Relay: inhibit", "fr": "Relais : interdit"},
    ("door", "lock"): {"en": "Doors locked", "fr": "Portes verrouillées"},
    ("door", "unlock"): {"en": "Doors unlocked", "fr": "Portes déverrouillées"},
    ("reader", "card:True"): {"en": "Card held to the windscreen", "fr": "Badge présenté au pare-brise"},
    ("reader", "card:False"): {"en": "Card taken away", "fr": "Badge retiré"},
    ("box", "power_on"): {"en": "Box powered", "fr": "Boîtier alimenté"},
    ("box", "power_off"): {"en": "Box without power", "fr": "Boîtier sans courant"},
    ("box", "reset"): {"en": "Box starts", "fr": "Le boîtier démarre"},
    ("box", "crash"): {"en": "The firmware ended with an error", "fr": "Micrologiciel arrêté en erreur"},
    ("box", "watchdog"): {"en": "Watchdog reset", "fr": "Redémarrage par le chien de garde"},
    ("box", "deep_sleep"): {"en": "Box asleep", "fr": "Boîtier endormi"},
    ("car", "engine:True"): {"en": "Engine running", "fr": "Le moteur tourne"},
    ("car", "engine:False"): {"en": "Engine stopped", "fr": "Moteur arrêté"},
    ("car", "ignition:True"): {"en": "Ignition on", "fr": "Contact mis"},
    ("car", "ignition:False"): {"en": "Ignition off", "fr": "Contact coupé"},
    ("car", "door:True"): {"en": "A door opens", "fr": "Une porte s'ouvre"},
    ("car", "door:False"): {"en": "The door shuts", "fr": "La porte se ferme"},
    ("car", "key:holder"): {"en": "Key in its holder", "fr": "Clé rangée"},
    ("car", "key:hand"): {"en": "Key taken", "fr": "Clé prise"},
    ("car", "drive"): {"en": "The car drives off", "fr": "La voiture part"},
    ("car", "stopped"): {"en": "The car stands", "fr": "La voiture s'arrête"},
    ("car", "carried"): {"en": "The car is carried away", "fr": "La voiture est emportée"},
    ("network", "down"): {"en": "Network pulled", "fr": "Réseau coupé"},
    ("network", "up"): {"en": "Network back", "fr": "Réseau rétabli"},
    ("fault", "injected"): {"en": "Fault made", "fr": "Panne provoquée"},
    ("fault", "undone"): {"en": "Fault mended", "fr": "Panne réparée"},
}  # fmt: skip


def event_words(source: str, name: str, data: dict[str, Any]) -> Words | None:
    """An event for people, None for those that are only for a recording."""
    for key in ("contact", "on", "open", "where", "present"):
        if key in data:
            found = _WORDS.get((source, f"{name}:{data[key]}"))
            if found:
                return found
    return _WORDS.get((source, name))


class Observer:
    """Listens to the events of one car. `look` gives all there is to show, as plain values for JSON."""

    def __init__(self, world: CarWorld) -> None:
        self.world = world
        self._lock = threading.Lock()
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS_KEPT)
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LINES_KEPT)
        self._tones: list[tuple[float, int]] = []
        self._sound: tuple[int, Words] = (0, {"en": "", "fr": ""})
        self._last_sound: tuple[float, Words] = (0.0, {})
        self._frame: tuple[float, Frame] = (0.0, [])
        self._turns = 0
        self._lights: dict[str, float] = {}
        self._number = 0

    def event(self, t: float, source: str, name: str, data: dict[str, Any]) -> None:
        with self._lock:
            self._number += 1
            if source == "log":
                self._log.append({"id": self._number, "text": data.get("text", "")})
            elif source == "buzzer":
                self._tone(t, int(data.get("hz", 0)))
            elif source == "light":
                self._light(t, data.get("pixels", []))
            else:
                words = event_words(source, name, data)
                if words is not None:
                    self._append(t, words, str(data.get("uid") or data.get("fault") or ""))

    def _append(self, t: float, words: Words, detail: str = "") -> None:
        self._events.append({"id": self._number, "at": utc(t)[11:23], "words": words, "detail": detail})

    def _tone(self, t: float, hz: int) -> None:
        self._finish_melody(t)
        self._tones.append((t, hz))
        del self._tones[:-MAX_TONES]

    def _finish_melody(self, now: float) -> None:
        if not self._tones or self._tones[-1][1] != 0 or now - self._tones[-1][0] < MELODY_GAP_S:
            return
        heard = [
            (hz, round((following[0] - t) * 1000))
            for (t, hz), following in zip(self._tones, self._tones[1:], strict=False)
        ]
        words = world_words.tones(heard)
        self._number += 1
        self._sound = (self._number, words)
        self._tones.clear()
        is_new = words != self._last_sound[1] or now - self._last_sound[0] >= PATTERN_S
        self._last_sound = (now, words)
        if is_new:
            self._append(now, {"en": f"Sound: {words['en']}", "fr": f"Son : {words['fr']}"})

    def _light(self, now: float, pixels: Frame | None = None) -> None:
        """Tell a frame that stands, once; a light that turns is one pattern, not each of its places."""
        begun, shown = self._frame
        if shown and now - begun >= STEADY_S:
            self._turns = 0
            self._tell_light(now, "".join(map(str, shown)), world_words.light(shown))
        elif pixels is not None and shown:
            names = [name for name in map(world_words.colour, shown) if name]
            self._turns += 1
            if self._turns >= TURNS:
                self._tell_light(now, f"turning {len(names)} {names[:1]}", world_words.turning(shown))
        if pixels is not None:
            self._frame = (now, pixels if any(map(any, pixels)) else [])
            self._turns = self._turns if self._frame[1] else 0

    def _tell_light(self, now: float, pattern: str, words: Words) -> None:
        is_new = now - self._lights.get(pattern, -PATTERN_S) >= PATTERN_S
        self._lights = {key: at for key, at in self._lights.items() if now - at < PATTERN_S} | {pattern: now}
        if is_new:
            self._number += 1
            self._append(now, {"en": f"Light: {words['en']}", "fr": f"Voyant : {words['fr']}"})

    def news(self, since: int) -> dict[str, Any]:
        """Events and log lines numbered above `since`."""
        with self._lock:
            self._finish_melody(self.world.sim.now)
            self._light(self.world.sim.now)
            return {
                "events": [event for event in self._events if event["id"] > since],
                "log": [line for line in self._log if line["id"] > since],
                "last": self._number,
            }

    def look(self) -> dict[str, Any]:
        """The car and its box now."""
        with self._lock:
            self._finish_melody(self.world.sim.now)
            number, words = self._sound
        with self.world.sim.lock:
            return {
                "name": self.world.name,
                "car": self._car(),
                "box": self._box(),
                "chips": self._chips(),
                "sound": {"id": number, "words": words},
                "faults": sorted(self.world.faults),
            }

    def _car(self) -> dict[str, Any]:
        car = self.world.car
        return {
            "fuel": car.spec.fuel,
            "interlock_kind": car.spec.interlock_kind,
            "has_key_holder": car.spec.key_holder_fitted,
            "locked": car.locked,
            "door_open": car.door_open,
            "driver_inside": car.driver_inside,
            "key": car.key,
            "kl15": car.kl15,
            "engine": car.engine_on,
            "cranking": car.is_cranking,
            "speed_kmh": round(car.speed_ms * 3.6, 1),
            "rpm": round(car.rpm),
            "odometer_km": round(car.odometer_m / 1000, 1),
            "fuel_percent": round(car.fuel_percent, 1),
            "driving": car.is_driving,
            "trip_share": None if car.trip_share is None else round(car.trip_share, 3),
            "lat": round(car.place.lat, 5),
            "lon": round(car.place.lon, 5),
            "mil": car.mil,
        }

    def _box(self) -> dict[str, Any]:
        box = self.world.box
        pixels = box.board.light
        return {
            "on": box.is_on,
            "running": box.host is not None,
            "crashes": len(box.crashes),
            "contact": box.board.relay.contact,
            "light": [list(pixel) for pixel in pixels],
            "light_words": world_words.light(pixels),
            "buzzer_hz": box.board.buzzer_hz,
            "heap_free": box.heap_free,
            "heap_allocated": box.heap_allocated,
            "network_up": box.network.is_up,
            "bytes_up": box.network.bytes_up,
            "bytes_down": box.network.bytes_down,
        }

    def _chips(self) -> dict[str, Any]:
        world, board = self.world, self.world.box.board
        receiver = world.receiver
        if not world.box.is_on:
            fix = "off"
        elif receiver.is_dead:
            fix = "dead"
        else:
            fix = "fix" if receiver.has_fix else "searching"
        return {
            "cards": sorted(world.cards),
            "fix": fix,
            "can_asleep": not world.bus.is_awake,
            "can_car_frames": world.bus.frames_sent,
            "can_heard_frames": world.bus.frames_seen,
            "can_lately": [
                {"id": f"{i:X}", "data": data.hex(" "), "from": sender}
                for sender, i, data in world.bus.lately
            ],
            "battery_mv": board.battery_mv,
            "kl15": board.kl15,
            "door_open": board.door_open,
            "key_in_holder": board.key_in_holder,
            "flash_programs": board.flash.programs,
            "flash_erases": board.flash.erases,
        }
