"""The durable state of the car: who has it, in which state, since when (packed bytes, no position, no speed).

Saved on every change before anything is announced, and restored at boot in any state, so that a power loss
while driving goes unseen.
"""

import struct

from micropython import const

from ..protocols.codes import STATE_ASKING, STATE_ENDING, STATE_PARKED
from .trip import SIZE as _TRIP_SIZE
from .trip import Trip

_VERSION = const(1)
_LAYOUT = "<BBBBIIIIII8sBBHIIIHH8sIIII"
_SIZE = struct.calcsize(_LAYOUT)
NO_BADGE = bytes(8)


class Session:
    """All that must outlive a power loss.

    `number` is the sequence of the session's start record, 0 without a session.
    """

    def __init__(self):
        self.state = STATE_PARKED
        self.garage = False
        self.carried = False
        self.garage_until_s = 0
        self.last_command_id = 0
        # the last session that ended: the forgotten bag, and who holds nothing any more
        self.last_badge = NO_BADGE
        self.last_ended_s = 0
        self.last_number = 0
        self.last_authorisation_id = 0
        # whereabouts
        self.place = 0
        self.travelled_m = 0xFFFF
        # the vital ring's last sequence when this was saved: what follows it was written but not completed
        self.vital_sequence = 0
        self.is_locked = None
        self._clear()

    def _clear(self):
        self.number = 0
        self.authorisation_id = 0
        self.started_s = 0
        self.starts_s = 0
        self.ends_s = 0
        self.badge = NO_BADGE
        self.kind = 0
        self.via = 0
        self.allowed_place = 0
        self.deadline_s = 0
        self.flags = 0
        self.start_place = 0
        self.is_service_here = False  # a fitter has opened a driver's stopover
        self.trip = Trip()

    @property
    def is_running(self):
        """Whether somebody has the car."""
        return self.number != 0

    def begin(self, number, entry, via, now_s):
        """Begin a session by the authorisation `entry`, numbered by its start record."""
        badge, authorisation_id, starts_s, ends_s, kind, _, place = entry
        self._clear()
        self.number = number
        self.badge = badge
        self.authorisation_id = authorisation_id
        self.starts_s = starts_s
        self.ends_s = ends_s
        self.kind = kind
        self.via = via
        self.allowed_place = place
        self.started_s = now_s

    def end(self, now_s):
        """Forget the session but for what the forgotten bag needs."""
        self.last_badge = self.badge
        self.last_number = self.number
        self.last_ended_s = now_s
        self.last_authorisation_id = self.authorisation_id
        self._clear()

    def pack(self):
        """Return everything as bytes."""
        bits = (
            (1 if self.garage else 0)
            | (2 if self.carried else 0)
            | (4 if self.is_service_here else 0)
            | (8 if self.is_locked else 0)
            | (16 if self.is_locked is not None else 0)
        )
        return (
            struct.pack(
                _LAYOUT,
                _VERSION,
                self.state,
                bits,
                self.flags,
                self.number,
                self.authorisation_id,
                self.started_s,
                self.starts_s,
                self.ends_s,
                self.deadline_s,
                self.badge,
                self.kind,
                self.via,
                self.allowed_place,
                self.garage_until_s,
                self.last_command_id,
                self.vital_sequence,
                self.place,
                self.travelled_m,
                self.last_badge,
                self.last_ended_s,
                self.last_number,
                self.last_authorisation_id,
                self.start_place,
            )
            + self.trip.pack()
        )

    def restore(self, data):
        """Take the state from bytes into a session that was just made;

        return False (and stay parked, without a session) for bytes that are none of ours.
        """
        if data is None or len(data) != _SIZE + _TRIP_SIZE or data[0] != _VERSION:
            return False
        values = struct.unpack_from(_LAYOUT, data, 0)
        if values[1] > STATE_ENDING or (values[1] not in (STATE_PARKED, STATE_ASKING)) != (values[4] != 0):
            return False
        bits = values[2]
        self.garage = bool(bits & 1)
        self.carried = bool(bits & 2)
        self.is_service_here = bool(bits & 4)
        self.is_locked = bool(bits & 8) if bits & 16 else None
        (
            _,
            self.state,
            _,
            self.flags,
            self.number,
            self.authorisation_id,
            self.started_s,
            self.starts_s,
            self.ends_s,
            self.deadline_s,
            self.badge,
            self.kind,
            self.via,
            self.allowed_place,
            self.garage_until_s,
            self.last_command_id,
            self.vital_sequence,
            self.place,
            self.travelled_m,
            self.last_badge,
            self.last_ended_s,
            self.last_number,
            self.last_authorisation_id,
            self.start_place,
        ) = values
        self.trip.restore(data, _SIZE)
        if self.state == STATE_ASKING:  # a question does not outlive the power: the driver taps again
            self.state = STATE_PARKED
        return True
