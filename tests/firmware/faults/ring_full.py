"""No record has room but those kept for running sessions. Mended by a cloud that hears it, see
tests/story/test_faults_in_console.py.
"""

IS_SLOW = True

_FILL = """
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
while %s:
    vital.append(codes.RECORD_ALARM, b"\\1", 0, codes.TRUST_NONE, 1)
"""


def stay_silent(scene):
    scene.box.run_script(_FILL % "vital.used_fraction() < 0.97")
    scene.sim.run_for(5)


def provoke(scene):
    scene.box.run_script(_FILL % "not journal.vital_full")
    scene.sim.run_for(5)
