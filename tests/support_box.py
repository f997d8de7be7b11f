"""The real firmware on the simulator, made ready without a cloud by a script that runs on the box."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "simulator"))

EPOCH_2000 = 946_684_800

_PROVISION = """
import json, struct
from box import app, config
from box.protocols import authorisation, crypto
from box.storage.authorisations import Authorisations
from box.storage.identity import IdentityStore
from box.storage.snapshot import Snapshot
given = json.loads(%r)
purposes = ("wire", "time", "badge", "journal", "authorisations")
keys = {purpose: bytes([at + 1]) * 32 for at, purpose in enumerate(purposes)}
IdentityStore(config.DIRECTORY, app.open_partition("identity")).save({
    "box_id": b"BOX00001", "key_id": 1, "keys": keys,
    "cloud_host": "localhost", "cloud_port": 1, "time_port": 2, "ca_der": b"", "wifi": [], "epoch": 65536})
hardware = app.Hardware()
try:
    hardware.clock_chip.ensure_backup()
    hardware.clock_chip.write(given["now_s"], True)
except OSError:
    pass
Snapshot(config.DIRECTORY, "clock").save(struct.pack("<II", given["now_s"], given["now_s"]))
Snapshot(config.DIRECTORY, "settings").save(json.dumps(given["settings"]).encode())
badge_key = crypto.Hmac(keys["badge"])
def pack(uid, number, starts, ends, kind, place):
    badge = authorisation.hash_badge(badge_key, bytes.fromhex(uid))
    return authorisation.pack((badge, number, starts, ends, kind, 0, place))
entries = b"".join(sorted(pack(*right) for right in given["rights"]))
rights = Authorisations(config.DIRECTORY, crypto.Hmac(keys["authorisations"]))
rights.begin_set(1, 1)
rights.put_page(1, 0, entries)
count = len(entries) // 24
mac = crypto.Hmac(keys["authorisations"]).digest(struct.pack("<II", 1, count), entries)[:16]
for _ in rights.finish_set(1, count, mac):
    pass
print(rights.count)
"""

_READ_RINGS = """
from binascii import hexlify
from box import app, config
from box.storage.identity import IdentityStore
from box.storage.ring import Ring
identity = IdentityStore(config.DIRECTORY, app.open_partition("identity")).load()
for label, number in (("vital", 1), ("telemetry", 2)):
    partition = app.open_partition(label)
    ring = Ring(partition, number, identity["box_id"], identity["epoch"], identity["keys"]["journal"])
    ring.open()
    for sequence, slot in ring.iterate(1, 100000):
        print(number, hexlify(slot).decode())
"""

_FILL_VITAL = """
import struct
from box import app, config
from box.protocols import codes
from box.storage.identity import IdentityStore
from box.storage.journal import Journal
from box.storage.ring import Ring
identity = IdentityStore(config.DIRECTORY, app.open_partition("identity")).load()
rings = []
for label, number in (("vital", codes.RING_VITAL), ("telemetry", codes.RING_TELEMETRY)):
    partition = app.open_partition(label)
    ring = Ring(partition, number, identity["box_id"], identity["epoch"], identity["keys"]["journal"])
    ring.open()
    rings.append(ring)
vital = rings[0]
journal = Journal(vital, rings[1], None)
payload = struct.pack("<8sBB", b"stranger", codes.REFUSAL_UNKNOWN_BADGE, codes.STATE_PARKED)
while %s:
    vital.append(codes.RECORD_REFUSED, payload, %d, codes.TRUST_KEPT, 1)
print(vital.last_sequence)
"""


def fill_vital(box, while_):
    """Months without network in seconds: the box's own journal on the box's own flash takes one refusal after
    the other while an expression of `vital` and `journal` holds. Returns the last one's sequence.
    """
    return int(box.run_script(_FILL_VITAL % (while_, int(box.sim.now) - EPOCH_2000)).split()[-1])


def provision(box, rights=(), settings=None, now_s=None):
    """Give `box` an identity and `rights`: (uid in hex, id, starts, ends, kind, place), in s since 2000."""
    given = {
        "now_s": int(box.sim.now) - EPOCH_2000 if now_s is None else now_s,
        "rights": list(rights),
        "settings": settings or {},
    }
    assert box.run_script(_PROVISION % json.dumps(given)).split()[-1] == str(len(given["rights"]))


def read_journal(box, ring=1):
    """Stop the box for a moment and return its records as (kind, sequence, at_s, values)."""
    from box.protocols import records

    found = []
    for line in box.run_script(_READ_RINGS).splitlines():
        number, slot = line.split()
        if int(number) == ring:
            kind, _, _, sequence, at_s, payload, _ = records.unpack_slot(bytes.fromhex(slot))
            found.append((kind, sequence, at_s, records.unpack(kind, payload)))
    return found
