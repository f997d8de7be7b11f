"""Makes a board the box of one car, from the bundle that a claim at the cloud returned.

Run by the installer's tool over the serial port. The cloud has drawn the keys; nothing is derived here, and
nothing is trusted on first use. The bundle is validated whole before anything is written. The car's
settings come with the first contact.
"""

import json
from binascii import a2b_base64, unhexlify

from ..config import DIRECTORY
from ..protocols import codes
from ..storage import identity
from ..storage.flash import Partition
from ..storage.ring import Ring
from ..storage.snapshot import Snapshot
from ..storage.snapshot_log import SnapshotLog

# What another car's life, or another key's, has left behind. Clock, boot count and envelope counters go on.
_FORGOTTEN = ("authorisations", "link", "settings")  # and the session


class ProvisioningError(ValueError):
    """The bundle is not one; nothing was written."""


def parse_bundle(bundle):
    """Return the identity in a claim's bundle with the tool's `wifi`; raises ProvisioningError."""
    try:
        keys = bundle["keys"]
        values = {
            "box_id": unhexlify(bundle["box_id"]),
            "key_id": bundle["key_id"],
            "keys": {purpose: unhexlify(keys[purpose]) for purpose in identity.PURPOSES},
            "cloud_host": bundle["cloud_host"],
            "cloud_port": bundle["cloud_port"],
            "time_port": bundle["time_port"],
            "ca_der": a2b_base64(bundle["ca_der"]),
            "wifi": [(network["ssid"], network.get("password", "")) for network in bundle["wifi"]],
            "epoch": _make_epoch(bundle.get("epoch")),
        }
        identity.decode(identity.encode(values))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProvisioningError("bundle: %s" % error)
    if not values["wifi"] or not values["ca_der"]:
        raise ProvisioningError("bundle: no network, or no certificate authority")
    return values


def _make_epoch(told):
    """Return the upper half of the journal's epochs: the cloud's count of this box's provisionings, or
    drawn.
    """
    return (told & 0xFFFF) << 16 if told else identity.draw_epoch()


def find_partition(label):
    """Return the data partition of that label; raises OSError."""
    import esp32

    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
    if not found:
        raise OSError("no partition " + label)
    return Partition(found[0])


def provision(bundle, directory=DIRECTORY, find=find_partition):
    """Write the identity and make the rings ready; return a JSON text for the tool.

    Raises ProvisioningError (ValueError) before, OSError while writing. Cut off, it is to be run again.
    """
    values = parse_bundle(bundle)
    rings = []
    for label, number in (("vital", codes.RING_VITAL), ("telemetry", codes.RING_TELEMETRY)):
        ring = Ring(find(label), number, values["box_id"], values["epoch"], values["keys"]["journal"])
        ring.open()
        rings.append(ring)
    for name in _FORGOTTEN:
        Snapshot(directory, name).remove()
    SnapshotLog(find("session")).remove()
    stored = identity.save(directory, find("identity"), values)
    for ring in rings:
        ring.make_ready()
    return json.dumps(
        {
            "result": "provisioned",
            "box_id": bundle["box_id"],
            "key_id": stored["key_id"],
            "epochs": [ring.epoch for ring in rings],
            "capacity": [ring.capacity for ring in rings],
        }
    )
