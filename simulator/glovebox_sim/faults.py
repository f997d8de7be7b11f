"""Faults a tester can make and mend, as one table: name -> what it does, how it is undone, words in two
languages.

`inject` and `undo` act on a `CarWorld`; `world.faults` holds what is broken now. A fault that is over at
once (a blow, a flipped bit) has no undo. `expect` says what a sound box makes of it, so that a tester knows
what to look for.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .world import CarWorld
from .world_words import Words

SAG_MV = 8_600
"""Below the 9 V of the relay's coil and above what stops the box."""
DEAD_BATTERY_MV = 4_500
MISFIRE_DTC = 0x0301
"""P0301: cylinder 1 misfire; any stored code lights the lamp."""

Act = Callable[[CarWorld], None]


class UnknownFault(ValueError):
    """A fault nobody has written down."""


@dataclass(frozen=True)
class FaultKind:
    """One fault of the table. `mend` None: it happens at once and cannot be taken back."""

    slug: str
    words: Words
    expect: Words
    act: Act
    mend: Act | None = None


def _flag(attribute: str, broken: bool = True) -> tuple[Act, Act]:
    """Set an attribute reached from the world by a dotted path, and set it back."""

    def setter(value: bool) -> Act:
        def act(world: CarWorld) -> None:
            *path, last = attribute.split(".")
            target: object = world
            for name in path:
                target = getattr(target, name)
            if not hasattr(target, last):
                raise AttributeError(f"{attribute}: the model has no such switch")
            setattr(target, last, value)

        return act

    return setter(broken), setter(not broken)


def _flip_bit(world: CarWorld) -> None:
    """One programmed bit of the vital ring reads the other way, chosen by the simulation's seed."""
    board = world.box.board
    offset, size = next((row[2], row[3]) for row in board.partitions if row[4] == "vital")
    rng = random.Random(f"{world.sim.seed}/{world.name}/bit")
    written = [
        at for at in range(offset, offset + size, 64) if bytes(board.flash.memory[at : at + 1]) != b"\xff"
    ]
    at = (rng.choice(written) if written else offset) + rng.randrange(64)
    value = board.flash.memory[at] ^ (1 << rng.randrange(8))
    board.flash.memory[at : at + 1] = bytes([value])
    world.sim.emit(world.name, "flash", "bit_flip", {"address": at})


def _battery(mv: int | None) -> Act:
    def act(world: CarWorld) -> None:
        world.battery_override_mv = mv
        world._push()

    return act


def _ignition_wire(world: CarWorld) -> None:
    world.kl15_override = False
    world._push()


def _mend_ignition_wire(world: CarWorld) -> None:
    world.kl15_override = None
    world._push()


def _leave_door_open(world: CarWorld) -> None:
    """Somebody has left a door ajar, whatever the lock says."""
    if not world.car.door_open:
        world.car.door_open = True
        world.car._door_shuts_s = 0.0
    world._push()


def _close_door(world: CarWorld) -> None:
    world.person("close_door")


def _words(en: str, fr: str) -> Words:
    return {"en": en, "fr": fr}


_TABLE = [
    FaultKind(
        "reader_stuck",
        _words("Card reader stuck", "Lecteur de badges figé"),
        _words("The box restarts the reader and reports it", "Le boîtier relance le lecteur et le signale"),
        *_flag("box.board.reader.chip.is_dead"),
    ),
    FaultKind(
        "gnss_dead",
        _words("Satellite receiver dead", "Récepteur satellite muet"),
        _words(
            "Fault gnss_silent; trips end with an unconfirmed place", "Panne gnss_silent ; lieu non confirmé"
        ),
        *_flag("receiver.is_dead"),
    ),
    FaultKind(
        "gnss_no_sky",
        _words("No sky: underground car park", "Pas de ciel : parking souterrain"),
        _words(
            "No fix and no fault: the last place counts",
            "Pas de position, pas de panne : le dernier lieu compte",
        ),
        *_flag("receiver.sky_open", broken=False),
    ),
    FaultKind(
        "can_missing",
        _words("CAN chip missing", "Puce CAN absente"),
        _words("Fault can_missing; badges still work", "Panne can_missing ; les badges marchent toujours"),
        *_flag("box.board.can.chip.is_dead"),
    ),
    FaultKind(
        "can_bus_off",
        _words("CAN wire cut", "Fil CAN coupé"),
        _words("Fault can_silent while the ignition is on", "Panne can_silent quand le contact est mis"),
        *_flag("bus.is_broken"),
    ),
    FaultKind(
        "accelerometer_missing",
        _words("Accelerometer missing", "Accéléromètre absent"),
        _words("Stillness must then be proven by satellites", "L'immobilité se prouve alors par satellites"),
        *_flag("box.board.accelerometer.chip.is_dead"),
    ),
    FaultKind(
        "relay_stuck",
        _words("Relay stuck", "Relais collé"),
        _words(
            "The contact is believed: relay_contact_disagrees",
            "Le contact fait foi : relay_contact_disagrees",
        ),
        *_flag("box.board.relay.is_stuck"),
    ),
    FaultKind(
        "relay_shock",
        _words("A blow throws the relay to inhibit", "Un choc bascule le relais sur interdit"),
        _words(
            "During a session the box pulses allow again", "Pendant une session le boîtier rétablit l'accord"
        ),
        lambda world: world.box.board.relay.shock("inhibit"),
    ),
    FaultKind(
        "contact_stuck",
        _words("Feedback contact's wire broken", "Fil du contact de retour coupé"),
        _words("The contact reads allow whatever the relay does", "Le contact dit toujours accord"),
        lambda world: world.box.board.relay.break_wire(True),
        lambda world: world.box.board.relay.break_wire(False),
    ),
    FaultKind(
        "contact_shorted",
        _words("Feedback contact's wire on ground", "Fil du contact de retour à la masse"),
        _words(
            "The contact reads inhibit: drivers drive, relay_contact_disagrees",
            "Le contact dit toujours interdit : on roule, relay_contact_disagrees",
        ),
        lambda world: world.box.board.relay.short_wire(True),
        lambda world: world.box.board.relay.short_wire(False),
    ),
    FaultKind(
        "contact_reversed",
        _words("Feedback contact wired the wrong way round", "Contact de retour câblé à l'envers"),
        _words("Drivers drive all the same; relay_contact_disagrees", "On roule ; relay_contact_disagrees"),
        lambda world: world.box.board.relay.reverse_contact(True),
        lambda world: world.box.board.relay.reverse_contact(False),
    ),
    FaultKind(
        "contact_chatters",
        _words("Feedback contact worn: it chatters", "Contact de retour usé : il vibre"),
        _words(
            "A few pulses, then relay_contact_disagrees and patience",
            "Quelques impulsions, puis relay_contact_disagrees et patience",
        ),
        lambda world: world.box.board.relay.chatter(True),
        lambda world: world.box.board.relay.chatter(False),
    ),
    FaultKind(
        "battery_sag",
        _words("12 V sags to 8.6 V", "Le 12 V tombe à 8,6 V"),
        _words("No relay pulse below 9 V; reported", "Aucune impulsion du relais sous 9 V ; signalé"),
        _battery(SAG_MV),
        _battery(None),
    ),
    FaultKind(
        "battery_dead",
        _words("12 V battery dead", "Batterie 12 V à plat"),
        _words("The box goes out; the relay stays as it was", "Le boîtier s'éteint ; le relais ne bouge pas"),
        _battery(DEAD_BATTERY_MV),
        _battery(None),
    ),
    FaultKind(
        "box_power_cut",
        _words("Box unplugged", "Boîtier débranché"),
        _words("Nothing moves; the session goes on afterwards", "Rien ne bouge ; la session reprend ensuite"),
        lambda world: world.set_power(False),
        lambda world: world.set_power(True),
    ),
    FaultKind(
        "network_down",
        _words("Network down", "Réseau coupé"),
        _words("The box decides alone and keeps its records", "Le boîtier décide seul et garde ses traces"),
        lambda world: world.set_network(False),
        lambda world: world.set_network(True),
    ),
    FaultKind(
        "network_silent",
        _words("Network dies silently", "Le réseau meurt en silence"),
        _words("Found dead by heartbeat, then opened again", "Constaté mort au battement, puis rouvert"),
        lambda world: world.box.network.silent_death(),
        lambda world: world.set_network(True),
    ),
    FaultKind(
        "door_left_open",
        _words("A door left open", "Une porte laissée ouverte"),
        _words("The end is refused and says why", "La fin est refusée et dit pourquoi"),
        _leave_door_open,
        _close_door,
    ),
    FaultKind(
        "ignition_wire",
        _words("Ignition wire (KL15) broken", "Fil du contact (KL15) coupé"),
        _words("Motion still vetoes the relay", "Le mouvement interdit toujours le relais"),
        _ignition_wire,
        _mend_ignition_wire,
    ),
    FaultKind(
        "flash_bit",
        _words("One bit of the journal flips", "Un bit du journal bascule"),
        _words("The damaged record is found and counted", "La trace abîmée est trouvée et comptée"),
        _flip_bit,
    ),
    FaultKind(
        "clock_chip_missing",
        _words("Clock chip missing", "Horloge absente"),
        _words(
            "Fault clock_chip_missing at the next start", "Panne clock_chip_missing au prochain démarrage"
        ),
        *_flag("box.board.clock_chip.chip.is_dead"),
    ),
    FaultKind(
        "clock_battery",
        _words("Clock's battery removed", "Pile de l'horloge retirée"),
        _words(
            "After a power cut the time is unknown",
            "Après une coupure, heure inconnue",
        ),
        lambda world: world.box.board.clock_chip.forget(),
    ),
    FaultKind(
        "engine_warning",
        _words("Engine warning lamp", "Voyant moteur"),
        _words("The code P0301 reaches the console", "Le code P0301 arrive sur la console"),
        lambda world: world.car.dtcs.append(MISFIRE_DTC),
        lambda world: world.car.dtcs.clear(),
    ),
]
FAULTS = {fault.slug: fault for fault in _TABLE}


def _find(slug: str) -> FaultKind:
    if slug not in FAULTS:
        raise UnknownFault(f"no fault {slug!r}; known: {', '.join(FAULTS)}")
    return FAULTS[slug]


def inject(world: CarWorld, slug: str) -> None:
    """Make a fault. A second time is without effect while it lasts. Raises `UnknownFault`."""
    fault = _find(slug)
    with world.sim.lock:
        if slug in world.faults:
            return
        fault.act(world)
        if fault.mend is not None:
            world.faults.add(slug)
        world.sim.emit(world.name, "fault", "injected", {"fault": slug})


def undo(world: CarWorld, slug: str) -> None:
    """Mend it; without effect if it is not broken. Raises `UnknownFault`."""
    fault = _find(slug)
    with world.sim.lock:
        if slug in world.faults and fault.mend is not None:
            world.faults.discard(slug)
            fault.mend(world)
            world.sim.emit(world.name, "fault", "undone", {"fault": slug})
