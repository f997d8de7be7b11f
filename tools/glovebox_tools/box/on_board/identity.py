# mypy: ignore-errors
# Runs on the box: what identity it holds. Never a key: of each only SHA-256(salt + key), the salt being
# VALUES in hex.
import hashlib
import json

import esp32
from box import config
from box.storage import identity
from box.storage.flash import Partition

_partition = Partition(esp32.Partition.find(esp32.Partition.TYPE_DATA, label="identity")[0])
_identity = identity.load(config.DIRECTORY, _partition)
_told = None
if _identity is not None:
    _salt = bytes.fromhex(VALUES)  # noqa: F821 (the tool sets it)
    _told = {
        "box_id": _identity["box_id"].hex(),
        "key_id": _identity["key_id"],
        "cloud_host": _identity["cloud_host"],
        "cloud_port": _identity["cloud_port"],
        "time_port": _identity["time_port"],
        "ca": hashlib.sha256(_identity["ca_der"]).digest().hex(),
        "wifi": [network[0] for network in _identity["wifi"]],
        "keys": {name: hashlib.sha256(_salt + key).digest().hex() for name, key in _identity["keys"].items()},
    }
print("glovebox-answer " + json.dumps(_told))
