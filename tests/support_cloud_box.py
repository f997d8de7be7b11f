"""The box's end of the wire for tests of the cloud, written from tests/vectors/WIRE.md and nothing else."""

import hashlib
import hmac
import struct

UNKNOWN_U32 = 0xFFFF_FFFF
UNKNOWN_POSITION = 0x7FFF_FFFF
EPOCH_2000_S = 946_684_800


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def field(tag, value):
    return struct.pack("<BH", tag, len(value)) + value


def pages_to_entries(raw):
    return [raw[start : start + 24] for start in range(0, len(raw), 24)]


class Down:
    """One down envelope, verified and taken apart."""

    def __init__(self, part, fields):
        self.part, self.fields = part, fields

    def all(self, tag):
        return [value for number, value in self.fields if number == tag]

    def one(self, tag):
        (value,) = self.all(tag)
        return value

    @property
    def acks(self):
        return {
            (ring, epoch): sequence
            for ring, epoch, sequence in map(struct.Struct("<BII").unpack, self.all(0x81))
        }

    @property
    def now_s(self):
        return struct.unpack("<I", self.one(0x82))[0]

    @property
    def store_epoch(self):
        return struct.unpack("<I", self.one(0x83))[0]

    @property
    def verdicts(self):
        return [tuple(value) for value in self.all(0x89)]

    @property
    def pace(self):
        heartbeat_s, mode, more = struct.unpack("<HBB", self.one(0x8A))
        return {"heartbeat_s": heartbeat_s, "mode": mode, "more": more}

    @property
    def commands(self):
        names = ("id", "kind", "expires_s", "role", "argument")
        return [
            dict(zip(names, struct.unpack_from("<IBIBI", value), strict=True))
            | {"reason": value[14:].decode()}
            for value in self.all(0x87)
        ]

    @property
    def settings(self):
        return [(struct.unpack_from("<I", value)[0], value[4:]) for value in self.all(0x88)]


class Box:
    """A box with its keys, its journal and what it holds. `send` (bytes -> bytes) is set by the test."""

    def __init__(self, bundle, send=None):
        self.box_id = bytes.fromhex(bundle["box_id"])
        self.key_id = bundle["key_id"]
        self.keys = {name: bytes.fromhex(value) for name, value in bundle["keys"].items()}
        self.epoch = bundle.get("epoch", 1)
        self.send = send
        self.counter = 0
        self.last_mac = {1: bytes(16), 2: bytes(16)}
        self.slots = {1: [], 2: []}
        self.version = 0
        self.store_epoch = 0
        self.settings_version = 0
        self.entries = {}
        self._pages = {}
        self.requests = {}

    # -- badges and records
    def badge(self, uid):
        return hmac_sha256(self.keys["badge"], bytes((len(uid),)) + uid)[:8]

    def record(self, kind, payload, at, ring=1, trust=3, boot=1):
        """Appends a record to a ring; `at` in seconds since 1970. Returns its sequence."""
        sequence = len(self.slots[ring]) + 1
        at_s = at - EPOCH_2000_S if trust else 0
        head = struct.pack("<BBHII", kind, 0x10 | trust, boot, sequence, at_s) + payload.ljust(36, b"\0")
        data = self.last_mac[ring] + self.box_id + struct.pack("<BI", ring, self.epoch) + head
        self.last_mac[ring] = hmac_sha256(self.keys["journal"], data)[:16]
        self.slots[ring].append(head + self.last_mac[ring])
        return sequence

    def session_start(self, at, reservation_id, uid=None, place=1, via=1, auth_kind=1, **options):
        badge = self.badge(uid) if uid else bytes(8)
        values = (reservation_id, badge, auth_kind, via, place, 123_456, 80, 12_600)
        return self.record(2, struct.pack("<I8sBBHIBH", *values), at, **options)

    def session_end(
        self, at, session, reservation_id, place=1, distance_m=23_266, fuel_ml=1_500, reason=1, flags=0
    ):
        values = (session, reservation_id, reason, flags, place, distance_m, 1, 2, fuel_ml, 123_688, 76, 0)
        position = (UNKNOWN_POSITION, UNKNOWN_POSITION) if place != 0xFFFF else (472_735_000, -22_137_000)
        return self.record(3, struct.pack("<IIBBHIBBIIBBii", *values, *position), at)

    # -- fields up
    def hello(self, boot_count=1):
        head = (1, 1, boot_count, self.store_epoch, self.settings_version, self.version)
        return field(0x01, struct.pack("<BBIIII", *head) + b"0.1.0-test")

    def state(
        self, at, authorisation_id=0, state=0, place=1, trust=3, known=0x3F, inputs=0b111100, fuel_percent=80
    ):
        values = (
            state,
            0,
            inputs,
            known,
            12_600,
            fuel_percent,
            trust,
            123_456,
            authorisation_id,
            place,
            at - EPOCH_2000_S,
        )
        return field(0x02, struct.pack("<BBBBHBBIIHI", *values))

    def records(self, ring=1, first=1, last=None):
        slots = self.slots[ring][first - 1 : last]
        return field(0x03, struct.pack("<BII", ring, self.epoch, first) + b"".join(slots))

    def ask(self, uid, ask_id=7):
        return field(0x04, bytes((ask_id,)) + self.badge(uid))

    def command_result(self, command_id, result=0, reason=0):
        return field(0x05, struct.pack("<IBB", command_id, result, reason))

    def faults(self, *codes):
        return field(0x06, bytes(codes))

    def held(self):
        return field(0x07, struct.pack("<I", self.version))

    def counters(self, **values):
        codes = {"link_lost": 7}
        return field(0x08, b"".join(struct.pack("<BI", codes[name], value) for name, value in values.items()))

    def page_wanted(self, version, page):
        return field(0x09, struct.pack("<IH", version, page))

    # -- envelopes
    def envelope(self, *fields, counter=None):
        if counter is None:
            self.counter += 1
            counter = self.counter
        nonce = hashlib.sha256(b"nonce" + self.box_id + struct.pack("<I", counter)).digest()[:8]
        body = b"".join(fields)
        head = (
            struct.pack("<BB8sBIH8sH", 0x55, 1, self.box_id, self.key_id, counter, 0, nonce, len(body)) + body
        )
        self.requests[counter] = nonce
        return head + hmac_sha256(self.keys["wire"], head)[:16]

    def open(self, raw):
        """Verifies and takes a down envelope apart, as a box does."""
        assert len(raw) <= 8_192
        direction, version, box_id, key_id, counter, part, _nonce, length = struct.unpack_from(
            "<BB8sBIH8sH", raw
        )
        assert (direction, version, box_id, key_id) == (0x44, 1, self.box_id, self.key_id)
        assert len(raw) == 27 + length + 16
        mac = hmac_sha256(self.keys["wire"], raw[:-16] + self.requests[counter])[:16]
        assert mac == raw[-16:], "a down envelope's MAC is wrong"
        fields, at = [], 27
        while at < 27 + length:
            tag, size = struct.unpack_from("<BH", raw, at)
            fields.append((tag, raw[at + 3 : at + 3 + size]))
            at += 3 + size
        return self.apply(Down(part, fields))

    def apply(self, down):
        """Takes over what a down envelope tells, in order."""
        for tag, value in down.fields:
            if tag == 0x83:
                (self.store_epoch,) = struct.unpack("<I", value)
            elif tag == 0x84:
                self._apply_delta(value)
            elif tag == 0x85:
                version, page, pages = struct.unpack_from("<IHH", value)
                if page == 0:
                    self._pages = {}
                self._pages[page] = (version, pages, value[8:])
            elif tag == 0x86:
                self._finish_set(value)
            elif tag == 0x88:
                (self.settings_version,) = struct.unpack_from("<I", value)
        return down

    def _apply_delta(self, value):
        base, version = struct.unpack_from("<II", value)
        assert base == self.version, "a delta on a base this box does not hold"
        for at in range(8, len(value), 25):
            op, entry = value[at], value[at + 1 : at + 25]
            if op == 1:
                self.entries[entry[:12]] = entry
            else:
                self.entries.pop(entry[:12], None)
        self.version = version

    def _finish_set(self, value):
        version, count = struct.unpack_from("<II", value)
        assert {v for v, _, _ in self._pages.values()} == {version}
        raw = b"".join(self._pages[page][2] for page in range(len(self._pages)))
        entries = pages_to_entries(raw)
        assert len(entries) == count
        assert entries == sorted(entries)
        mac = hmac_sha256(self.keys["authorisations"], struct.pack("<II", version, count) + raw)[:16]
        assert mac == value[8:]
        self.entries = {entry[:12]: entry for entry in entries}
        self.version = version

    def authorisations(self):
        """{(badge hash, authorisation id): (starts, ends, kind, flags, place)}, times in seconds since
        1970."""
        found = {}
        for entry in self.entries.values():
            badge, number, start, end, kind, flags, place = struct.unpack("<8sIIIBBH", entry)
            found[badge, number] = (start + EPOCH_2000_S, end + EPOCH_2000_S, kind, flags, place)
        return found

    # -- conversations
    def sync(self, *fields):
        """One request and its answer over `send`."""
        return self.open(self.send(self.envelope(*fields)))

    def greet(self, *fields):
        """HELLO, then pages as long as there are more, then HELD."""
        down = first = self.sync(self.hello(), *fields)
        while down.pace["more"] and self._pages and down.all(0x85):
            version, page, _pages = struct.unpack_from("<IHH", down.one(0x85))
            down = self.sync(self.page_wanted(version, page + 1))
        self.sync(self.held())
        return first
