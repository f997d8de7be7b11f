"""A claim's bundle makes a board a box; anything else changes nothing."""

import base64
import json

import pytest
from box.link.provisioning import ProvisioningError, provision
from box.protocols import codes
from box.storage.flash import Partition
from box.storage.identity import PURPOSES, IdentityStore
from box.storage.ring import Ring
from box.storage.snapshot import Snapshot
from box.storage.snapshot_log import SnapshotLog
from support_flash import FlashDevice

BUNDLE = {
    "box_id": "47420000000000a1",
    "key_id": 1,
    "keys": {purpose: bytes([number] * 32).hex() for number, purpose in enumerate(PURPOSES)},
    "cloud_host": "cloud.example",
    "cloud_port": 8443,
    "time_port": 8080,
    "ca_der": base64.b64encode(b"certificate").decode(),
    "store_epoch": 7,
    "epoch": 3,
    "settings": "",
    "vehicle": {"registration": "AB-123-CD"},
    "wifi": [{"ssid": "depot", "password": "secret12"}, {"ssid": "open"}],
}


class Board:
    def __init__(self, directory):
        self.directory = str(directory)
        sectors = {"identity": 2, "vital": 4, "telemetry": 4, "session": 2}
        self.devices = {label: FlashDevice(count) for label, count in sectors.items()}

    def find(self, label):
        return Partition(self.devices[label])

    def provision(self, **changes):
        return json.loads(provision({**BUNDLE, **changes}, self.directory, self.find))

    def identity(self):
        return IdentityStore(self.directory, self.find("identity")).load()


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)


def test_a_bundle_becomes_an_identity_and_two_rings_of_its_epoch(board):
    told = board.provision()
    assert (told["result"], told["box_id"], told["key_id"]) == ("provisioned", "47420000000000a1", 1)
    assert [epoch >> 16 for epoch in told["epochs"]] == [3, 3]
    identity = board.identity()
    assert identity["box_id"].hex() == BUNDLE["box_id"]
    assert {name: key.hex() for name, key in identity["keys"].items()} == BUNDLE["keys"]
    assert identity["ca_der"] == b"certificate"
    assert identity["wifi"] == [("depot", "secret12"), ("open", "")]
    ring = Ring(
        board.find("vital"),
        codes.RING_VITAL,
        identity["box_id"],
        identity["epoch"],
        identity["keys"]["journal"],
    )
    ring.open()
    assert not ring.is_blank
    assert ring.epoch == told["epochs"][0]


def test_a_new_provisioning_forgets_the_old_car_but_no_counter(board):
    board.provision()
    counter = board.identity().take_counter()
    log = SnapshotLog(board.find("session"))
    log.load()
    log.save(b"somebody's")
    Snapshot(board.directory, "settings").save(b"somebody's")
    Snapshot(board.directory, "boot").save(b"\5\0\0\0")
    board.provision(epoch=4, key_id=2, wifi=[{"ssid": "other"}])
    assert SnapshotLog(board.find("session")).load() is None
    assert Snapshot(board.directory, "settings").load() is None
    assert Snapshot(board.directory, "boot").load() == b"\5\0\0\0"
    identity = board.identity()
    assert identity["key_id"] == 2
    assert identity.take_counter() > counter
    ring = Ring(
        board.find("vital"),
        codes.RING_VITAL,
        identity["box_id"],
        identity["epoch"],
        identity["keys"]["journal"],
    )
    ring.open()
    assert ring.last_sequence == 0


@pytest.mark.parametrize(
    "change",
    [
        {"box_id": "4742"},
        {"box_id": None},
        {"key_id": 0},
        {"keys": {"wire": "00" * 32}},
        {"cloud_host": 5},
        {"cloud_port": 70_000},
        {"ca_der": "*"},
        {"wifi": []},
        {"wifi": [{"password": "x"}]},
        {"wifi": [{"ssid": "x"}] * 9},
    ],
    ids=str,
)
def test_what_is_no_bundle_is_refused_before_anything_is_written(board, change):
    with pytest.raises(ProvisioningError):
        board.provision(**change)
    assert all(device.operations == 0 for device in board.devices.values())
    assert board.identity() is None


def test_a_bundle_with_a_part_missing_is_refused(board):
    for name in ("box_id", "key_id", "keys", "cloud_host", "cloud_port", "time_port", "ca_der", "wifi"):
        with pytest.raises(ProvisioningError):
            provision({k: v for k, v in BUNDLE.items() if k != name}, board.directory, board.find)
    assert all(device.operations == 0 for device in board.devices.values())
