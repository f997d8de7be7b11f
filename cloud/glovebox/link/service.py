"""One up envelope in, the bodies of its answer out, inside the writer's transaction.

The first body is the answer (part 0); the others are further parts on a link. Nothing is acknowledged that
this transaction does not hold.
The two statements each envelope costs are plain SQL (`box_row.py`); what is rare (a greeting, an
authorisation, a command) is SQLAlchemy Core's.
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection, select, update

from glovebox.boxes.tables import boxes, commands
from glovebox.clock import DAY_S, MINUTE_S, to_device_s
from glovebox.keys import Keyring, KeyringError
from glovebox.link import codes, wire
from glovebox.link.box_row import BOX, Box
from glovebox.link.settings import read_settings
from glovebox.link.verdicts import judge
from glovebox.link.wire import REPLAYED, UNAUTHENTIC, Envelope, Up, WireError
from glovebox.records import faults
from glovebox.records.facts import apply_command_result, apply_records
from glovebox.records.journal import take
from glovebox.reservations import authorisations
from glovebox.scope import ROLE_CODES
from glovebox.store.writer import Reads

COMMANDS_AT_ONCE: Final = 4
# Below this a car costs more than its 2 MB a month even asleep; carriers that drop sooner are not worth a
# link.
HEARTBEAT_LEAST_S: Final = 120
READY: Final = 0
DOZING: Final = 1
_LINK_LOST: Final = codes.COUNTER["link_lost"]


class Terms(NamedTuple):
    """What of the deployment an answer needs: the store's number, the heartbeat to begin with, the local
    minute of the day."""

    store_epoch: int
    heartbeat_s: int
    local_minute: int


class Reply(NamedTuple):
    """The bodies to send, in order, and whose they are."""

    box_pk: int
    vehicle_id: int | None
    pool_id: int | None
    bodies: list[bytes]


def list_reads(box_id: bytes, body: Up | WireError | None = None) -> Reads:
    """What `handle_up` of this body, or `handle_news` without one, reads first."""
    if body is None or isinstance(body, WireError) or not body.records:
        return BOX, (0, 0, box_id)
    first = body.records[0]
    return BOX, (first.epoch, first.ring, box_id)


def handle_up(
    tx: Connection,
    now: int,
    keyring: Keyring,
    terms: Terms,
    envelope: Envelope,
    body: Up | WireError,
    is_link: bool,
) -> Reply:
    """Takes one envelope whose MAC is right. Raises WireError (401 generation, 409 counter, 400 body) and
    changes nothing then."""
    first = None if isinstance(body, WireError) or not body.records else body.records[0]
    box_row, key = list_reads(envelope.box_id, body)
    row = box_row.read(tx, key)
    if row is None:
        raise WireError(UNAUTHENTIC, "no such box")
    box = Box(envelope.box_id, row)
    _accept_counter(box, envelope)
    if isinstance(body, WireError):
        raise body
    head = []
    refused = 0
    sender = box.sender()
    if body.hello is not None:
        _greet(tx, box, body.hello, terms)
    # A box that knows another store sends on from where that one was. It is told of this one now, and sends
    # again from what this one lacks; taken here, its newest records would stand for those before them.
    may_leave_gap = box.store_epoch in (0, terms.store_epoch)
    for field in body.records:
        head_of_ring = box.head if field is first else None
        taken = take(tx, now, keyring, sender, field, may_leave_gap=may_leave_gap, head=head_of_ring)
        refused += taken.refused
        if apply_records(tx, now, keyring, sender, field.epoch, taken.fresh) and box.vehicle_id is not None:
            # An ended session frees the rest of its time.
            box.wanted_version = authorisations.read_version(tx, box.vehicle_id)
        head.append(wire.pack_ack(field.ring, field.epoch, taken.sequence))
    for result in body.results:
        apply_command_result(tx, now, result.command_id, result.result, result.reason)
    if body.faults is not None and box.vehicle_id is not None and body.faults != (box.faults or b""):
        faults.reconcile(tx, box.vehicle_id, box.pk, body.faults, now)
    if body.held is not None and body.held <= (box.wanted_version or 0):
        box.held_version = body.held
    _learn_heartbeat(box, body, terms)
    head.append(wire.pack_time(to_device_s(now)) + wire.pack_store(terms.store_epoch))
    verdicts = [
        wire.pack_verdict(ask.ask_id, judge(tx, now, keyring, sender, ask.badge)) for ask in body.asks
    ]
    bodies, more = _tell(
        tx, now, keyring, box, is_link, body.page_wanted, len(body.asks) > 0 or body.hello is not None
    )
    bodies[0] = b"".join(head) + bodies[0]
    bodies[-1] += b"".join(verdicts)
    bodies[0] += wire.pack_pace(box.heartbeat_s, _pace_mode(now, terms, box, body), more)
    box.store_epoch = terms.store_epoch
    box.store(tx, now, body, refused)
    return Reply(box.pk, box.vehicle_id, box.pool_id, bodies)


def handle_news(
    tx: Connection, now: int, keyring: Keyring, box_id: bytes, with_settings: bool = True
) -> list[bytes]:
    """What a box with an open link should be told now; empty if it has been told all. Settings are four
    statements a car: they are looked at where they may have changed."""
    row = BOX.read(tx, (0, 0, box_id))
    if row is None or row[4] is None:
        return []
    box = Box(box_id, row)
    bodies, _more = _tell(tx, now, keyring, box, True, None, with_settings)
    if bodies == [b""]:
        return []
    box.store_told(tx)
    return bodies


def _accept_counter(box: Box, envelope: Envelope) -> None:
    """The generation in use, or the one issued next, which takes over with its first envelope."""
    if envelope.key_id == box.key_id:
        if envelope.counter <= box.counter:
            raise WireError(REPLAYED, "counter")
    elif envelope.key_id == box.next_key_id and box.next_key_id:
        box.key_id, box.next_key_id = box.next_key_id, 0
    else:
        raise WireError(UNAUTHENTIC, "generation")
    box.counter = envelope.counter


def _greet(tx: Connection, box: Box, hello: wire.Hello, terms: Terms) -> None:
    is_ours = hello.store_epoch == terms.store_epoch
    box.held_version = box.sent_version = hello.authorisations_version if is_ours else 0
    if box.held_version > (box.wanted_version or 0):
        box.held_version = box.sent_version = 0  # another car's set, or one from before a restore
    box.settings_version = hello.settings_version
    box.store_epoch = hello.store_epoch
    firmware = "".join(filter(str.isprintable, hello.firmware))[:32]
    tx.execute(update(boxes).where(boxes.c.id == box.pk).values(firmware=firmware))


def _learn_heartbeat(box: Box, body: Up, terms: Terms) -> None:
    """Links found dead mean that the carrier forgets them sooner than we speak: speak a quarter sooner."""
    if not box.heartbeat_s:
        box.heartbeat_s = terms.heartbeat_s
    for counter, value in body.counters or ():
        if counter == _LINK_LOST:
            if value > box.links_lost:
                box.heartbeat_s = max(HEARTBEAT_LEAST_S, box.heartbeat_s * 3 // 4)
            box.links_lost = value


def _pace_mode(now: int, terms: Terms, box: Box, body: Up) -> int:
    """`ready` in the site's opening hours, and for 24 hours after use."""
    if box.opens_minute is not None and box.opens_minute <= terms.local_minute < box.closes_minute:
        return READY
    is_parked = body.state is None or body.state.state == 0
    return DOZING if is_parked and now - box.used_at > DAY_S else READY


def _tell(
    tx: Connection,
    now: int,
    keyring: Keyring,
    box: Box,
    is_link: bool,
    page_wanted: wire.PageWanted | None,
    with_settings: bool,
) -> tuple[list[bytes], bool]:
    """Settings, commands and authorisations this box has not been told: bodies (at least one, maybe empty),
    and whether HTTP should ask again."""
    if box.vehicle_id is None:
        return [b""], False
    first = b""
    if with_settings:
        version, settings = read_settings(tx, box.vehicle_id)
        if version != box.settings_version:
            first += wire.pack_settings(version, settings)
            box.settings_version = version
    more = False
    if box.has_commands:
        fields, more = _take_commands(tx, now, box.vehicle_id)
        first += fields
    pages: list[bytes] = []
    if page_wanted is not None and not is_link:
        pages = _pack_pages(tx, keyring, box)
        index = page_wanted.page if page_wanted.version == box.wanted_version else 0
        index = index if index < len(pages) else 0
        more = more or index + 1 < len(pages)
        pages = pages[index : index + 1]
        box.sent_version = box.wanted_version
    elif box.wanted_version != box.sent_version:
        pages = _pack_authorisations(tx, keyring, box)
        box.sent_version = box.wanted_version
        if not is_link:
            more = more or len(pages) > 1
            pages = pages[:1]
    if pages:
        pages[0] = first + pages[0]
        return pages, more
    return [first], more


def _take_commands(tx: Connection, now: int, vehicle_id: int) -> tuple[bytes, bool]:
    """Commands not yet told; each goes out once, whatever becomes of it."""
    waiting = (
        (commands.c.vehicle_id == vehicle_id) & (commands.c.state == "queued") & (commands.c.expires_at > now)
    )
    rows = tx.execute(
        select(commands).where(waiting).order_by(commands.c.id).limit(COMMANDS_AT_ONCE + 1)
    ).all()
    some = rows[:COMMANDS_AT_ONCE]
    sent = update(commands).where(commands.c.id.in_([row.id for row in some]))
    tx.execute(sent.values(state="sent", sent_at=now))
    fields = [
        wire.pack_command(
            row.id,
            codes.COMMAND[row.kind],
            to_device_s(row.expires_at),
            ROLE_CODES[row.role],
            row.argument,
            row.reason,
        )
        for row in some
    ]
    return b"".join(fields), len(rows) > COMMANDS_AT_ONCE


def _pack_authorisations(tx: Connection, keyring: Keyring, box: Box) -> list[bytes]:
    """The delta from what the box was sent last, or the full set in pages."""
    if box.sent_version:
        changed = authorisations.read_delta(tx, box.vehicle_id, box.sent_version)
        if changed is not None and len(changed) <= wire.DELTA_OPERATIONS:
            operations = [
                (2 if is_removed else 1, entry)
                for is_removed, row, sealed in changed
                if (entry := _entry(keyring, box, row, sealed)) is not None
            ]
            return [wire.pack_delta(box.sent_version, box.wanted_version, operations)]
    return _pack_pages(tx, keyring, box)


def _pack_pages(tx: Connection, keyring: Keyring, box: Box) -> list[bytes]:
    rows = authorisations.read_set(tx, box.vehicle_id)
    entries = sorted(
        wire.pack_entry(entry)
        for row, sealed in rows
        if (entry := _entry(keyring, box, row, sealed)) is not None
    )
    count = max(1, -(-len(entries) // wire.PAGE_ENTRIES))
    pages = [
        wire.pack_page(
            box.wanted_version,
            page,
            count,
            entries[page * wire.PAGE_ENTRIES : (page + 1) * wire.PAGE_ENTRIES],
        )
        for page in range(count)
    ]
    key = keyring.box_key(box.box_id, box.key_id, "authorisations")
    pages[-1] += wire.pack_set_mac(box.wanted_version, entries, key)
    return pages


def _entry(keyring: Keyring, box: Box, row: authorisations.Row, sealed: bytes) -> wire.Entry | None:
    """One authorisation under this box's badge key; None for a UID that no longer opens (another key
    file)."""
    try:
        uid = keyring.open_uid(sealed)
    except KeyringError:
        return None
    badge = keyring.badge_hash(box.box_id, box.key_id, uid)
    starts, ends = to_device_s(row.starts_at), to_device_s(row.ends_at)
    return wire.Entry(badge, row.authorisation_id, starts, ends, row.kind, row.flags, row.place)


def local_minute(now: int, utc_offset_s: int) -> int:
    """Minute of the local day."""
    return (now + utc_offset_s) % DAY_S // MINUTE_S
