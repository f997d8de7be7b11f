"""The car's state as the wire carries it (pure)."""

import struct

from ..protocols.codes import (
    CONTACT_INHIBIT,
    INPUT_BIT_CONTACT_INHIBIT,
    INPUT_BIT_DOOR_OPEN,
    INPUT_BIT_IGNITION,
    INPUT_BIT_KEY_IN_HOLDER,
    INPUT_BIT_LOCKED,
    INPUT_BIT_STILL,
    MODE_BIT_CARRIED,
    MODE_BIT_GARAGE,
    MOTION_STILL,
    MOTION_UNKNOWN,
)
from .trip import NO_FUEL, NO_ODOMETER


def pack_state(parts, battery_mv, modes):
    """Return the wire's STATE, 22 bytes;

    `modes` brings the bits that are not of access (dozing, safe mode).
    """
    session = parts.session
    inputs, evidence, car = parts.inputs, parts.evidence, parts.car
    bits = known = 0
    motion = evidence.assess()[0]
    for bit, value in (
        (INPUT_BIT_IGNITION, evidence.kl15),
        (INPUT_BIT_DOOR_OPEN, inputs.door_open),
        (INPUT_BIT_KEY_IN_HOLDER, inputs.key_in_holder if parts.settings.key_holder_fitted else None),
        (INPUT_BIT_CONTACT_INHIBIT, parts.interlock.read_contact() == CONTACT_INHIBIT),
        (INPUT_BIT_STILL, None if motion == MOTION_UNKNOWN else motion == MOTION_STILL),
        (INPUT_BIT_LOCKED, session.is_locked),
    ):
        if value is not None:
            known |= 1 << bit
            bits |= int(value) << bit
    if session.garage:
        modes |= 1 << MODE_BIT_GARAGE
    if session.carried:
        modes |= 1 << MODE_BIT_CARRIED
    return struct.pack(
        "<BBBBHBBIIHI",
        session.state,
        modes,
        bits,
        known,
        battery_mv,
        NO_FUEL if car.fuel_percent is None else int(car.fuel_percent + 0.5),
        parts.clock.trust,
        NO_ODOMETER if car.odometer_hm is None else car.odometer_hm,
        session.authorisation_id,
        parts.whereabouts.get_place(),
        parts.clock.now_s() or 0,
    )
