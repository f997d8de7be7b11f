"""The end of a seed: everybody goes home, and boxes and cloud must agree on everything."""

from __future__ import annotations

from typing import Any

from glovebox.link.wire import parse_state
from glovebox_sim.car import CarRefusal

from seeds.trace import CODES, KINDS
from seeds.watch import CarWatch, Violation

AGREE_S = 420
"""The longest back-off of two minutes after a failure, a network's own pause, an end that may be taken back,
and the minute of ignition off before a parked car is inhibited."""
LOOK_S = 2.0


def go_home(life: Any) -> None:
    """Whoever sits in a car stops, gets out and leaves the key; who has one taps once more, or forgets."""
    for side in life.town.cars:
        car = side.car
        side.world.take_card_away()
        car.brake()
        life.sim.run_until(lambda car=car: not car.is_driving, 30)
        for action in ("ignition_off", "open_door", "put_key_back", "get_out", "close_door"):
            try:
                side.world.person(action)
            except CarRefusal:
                continue
            life.sim.run_for(0.5)
        life.sim.run_for(3)
        watch = life.watches[side.name]
        if watch.session is not None and life.rng.random() < 0.4:
            for uid in life.town.uids.values():
                if watch.hash_of(uid) == watch.session.badge and watch.state != "ending":
                    side.world.tap(uid)
                    life.sim.run_for(3)
                    break


def wait_for_all(life: Any) -> None:
    """Until they agree. Raises Violation with what still differs when the time is up."""
    until = life.t + AGREE_S
    while True:
        differences = [text for watch in life.watches.values() for text in _differences(life, watch)]
        if not differences:
            break
        if life.t > until:
            raise Violation("no agreement: " + "; ".join(differences))
        life.sim.run_for(LOOK_S)
    life._look()
    life.trace.say("all", f"agree after {life.t - until + AGREE_S:.0f} s")


def _differences(life: Any, watch: CarWatch) -> list[str]:
    side, found = watch.side, []
    if side.vehicle not in life.town.cloud.cloud.hub.linked():
        return [f"{side.name} has no link"]
    row = life.books(
        "select b.state, b.held_version, max(a.version, p.version) from boxes b "
        "join authorisation_versions a on a.vehicle_id = b.vehicle_id "
        "join pool_versions p on p.pool_id = a.pool_id where b.id = ?",
        side.keys["pk"],
    )[0]
    if row[1] != row[2]:
        found.append(f"{side.name} holds rights {row[1]} of {row[2]}")
    found += _missing_records(life, watch)
    said = parse_state(row[0]) if row[0] else None
    wanted = 0 if watch.session is None else watch.session.authorisation_id
    states = [CODES["state"][state] for state in (watch.state, watch.other_state) if state]
    if said is None or said.authorisation_id != wanted or said.state not in states:
        found.append(f"{side.name} is {watch.state} ({wanted}), the cloud says {said}")
    if watch.state == "ending":
        found.append(f"{side.name} is still ending")
    found += _trips(life, watch)
    found += _relay(watch)
    waiting = life.books(
        "select id, kind from commands where vehicle_id = ? and state in ('queued', 'sent')", side.vehicle
    )
    if waiting and not life.has_jumped:  # one given by a wrong clock expires by that clock
        found.append(f"{side.name} has not answered {waiting}, and they do not expire")
    return found


def _missing_records(life: Any, watch: CarWatch) -> list[str]:
    rows = life.books(
        "select epoch, sequence, slot from records where box_id = ? and ring = 1", watch.side.keys["pk"]
    )
    told = {(epoch, sequence): bytes(slot) for epoch, sequence, slot in rows}
    missing = [key for key, slot in watch.slots.items() if key not in watch.damaged and told.get(key) != slot]
    if missing:
        return [f"{watch.side.name}: records {missing[:5]} are not in the cloud"]
    last = max((sequence for _epoch, sequence in watch.slots), default=0)
    if watch.acked < last:
        return [f"{watch.side.name}: {watch.acked} of {last} records are acknowledged"]
    return []


def _trips(life: Any, watch: CarWatch) -> list[str]:
    """A trip for each session, ended as the journal says; a reservation in use for an open one only."""
    from glovebox.records.layout import read_payload, read_record

    found = []
    trips = {
        (epoch, session): (ended_at, reason, reservation)
        for epoch, session, ended_at, reason, reservation in life.books(
            "select journal_epoch, session, ended_at, end_reason, reservation_id from trips where box_id = ?",
            watch.side.keys["pk"],
        )
    }
    for (epoch, sequence), slot in watch.slots.items():
        if (epoch, sequence) in watch.damaged:
            continue
        record = read_record(slot)
        kind = KINDS[record.kind]
        if kind == "session_start" and (epoch, sequence) not in trips:
            found.append(f"session {sequence} has no trip")
        if kind == "session_end":
            session = read_payload(record.kind, record.payload)["session"]
            if trips.get((epoch, session), (None,))[0] is None:
                found.append(f"the end of session {session} is lost")
    open_trips = [key for key, values in trips.items() if values[0] is None]
    if watch.session is None and open_trips:
        found.append(f"{watch.side.name} is parked, but trips {open_trips} are open")
    in_use = life.books(
        "select id from reservations where vehicle_id = ? and state = 'in_use'", watch.side.vehicle
    )
    if watch.session is None and in_use:
        found.append(f"{watch.side.name} is parked, but reservations {in_use} are in use")
    return found


def _relay(watch: CarWatch) -> list[str]:
    contact = watch.side.box.board.relay.contact
    if watch.state in ("open", "driving") and watch.other_state is None and contact != "allow":
        return [f"{watch.side.name} has a session and does not start"]
    if watch.session is None and contact == "allow" and not watch.garage:
        return [f"{watch.side.name} is parked and starts for anybody"]
    return []
