"""After a power loss between a record and the snapshot that follows it: books and state are made one again.

A record is written first, then the snapshot, and only then is anything announced or moved. So what the
snapshot does not know was never announced: a session whose start stands alone in the journal is closed at
once as one that has not begun, so that its driver may badge again; an end that stands there has happened.
"""

from .protocols import records
from .protocols.codes import (
    END_REASON_NOT_BEGUN,
    RECORD_SESSION_END,
    RECORD_SESSION_START,
    STATE_PARKED,
)
from .protocols.records import RecordError

_MANY = 63  # a snapshot follows its records at once: what it has not seen is among the newest


def settle(session, ring, writer, now_s):
    """Bring `session` (restored) in step with the records of `ring` that it does not know yet.

    Returns the number of the session that was closed because only its start was written, or 0.
    """
    open_start = None
    has_ended = False
    first = max(session.vital_sequence, ring.last_sequence - _MANY) + 1
    for sequence, slot in ring.iterate(first, _MANY):
        try:
            kind, _, _, _, _, payload, _ = records.unpack_slot(slot)
            values = records.unpack(kind, payload)
        except RecordError:
            continue
        if kind == RECORD_SESSION_START:
            open_start = (sequence, values[0])
        elif kind == RECORD_SESSION_END:
            if open_start and values[0] == open_start[0]:
                open_start = None
            elif values[0] == session.number:
                has_ended = True
    if has_ended and session.is_running:
        session.end(now_s or 0)
        session.state = STATE_PARKED
    if open_start is None:
        return 0
    number, authorisation_id = open_start
    writer.write(
        RECORD_SESSION_END,
        number,
        authorisation_id,
        END_REASON_NOT_BEGUN,
        0,
        0,
        0,
        0,
        0,
        0,
        0xFFFFFFFF,
        255,
        0,
        0x7FFFFFFF,
        0x7FFFFFFF,
    )
    return number
