# mypy: ignore-errors
# Runs on the box: what is this board?
import json
import os
import sys

_fs = os.statvfs("/")
try:
    import machine

    _id = machine.unique_id().hex()
except (ImportError, AttributeError):
    _id = ""
_partitions = []
try:
    from esp32 import Partition

    for _type in (Partition.TYPE_APP, Partition.TYPE_DATA):
        _partitions.extend(list(_found.info()[:5]) for _found in Partition.find(_type))
except ImportError:
    pass  # another processor: the tool says so
print(
    "glovebox-answer "
    + json.dumps(
        {
            "platform": sys.platform,
            "name": sys.implementation[0],
            "version": ".".join(str(n) for n in sys.implementation[1][:3]),
            "mpy": getattr(sys.implementation, "_mpy", 0),
            "machine": getattr(sys.implementation, "_machine", ""),
            "hardware_id": _id,
            "partitions": _partitions,
            "free_bytes": _fs[0] * _fs[3],
        }
    )
)
