"""The identity in two copies, and the counters that are never given twice."""

import pytest
from box.storage import identity
from box.storage.flash import Partition
from box.storage.identity import IdentityError, IdentityStore
from hypothesis import given
from hypothesis import strategies as st
from support_flash import FlashDevice

VALUES = {
    "box_id": b"GB\0\0\0\0\0\xa1",
    "key_id": 1,
    "keys": {purpose: purpose.encode().ljust(32, b".") for purpose in identity.PURPOSES},
    "cloud_host": "cloud.example",
    "cloud_port": 8443,
    "time_port": 8080,
    "ca_der": bytes(range(256)) * 2,
    "wifi": [("pool", "secret"), ("dépôt", "")],
    "epoch": 0x12340000,
}


@pytest.fixture
def device():
    return FlashDevice(2)


@pytest.fixture
def store(tmp_path, device):
    return IdentityStore(str(tmp_path), Partition(device))


def test_a_box_never_provisioned_has_none(store):
    assert store.load() is None


def test_what_is_saved_is_loaded(store):
    store.save(VALUES)
    loaded = store.load()
    assert loaded is not None
    assert {name: loaded[name] for name in VALUES} == VALUES


def test_either_copy_alone_is_enough_and_repairs_the_other(tmp_path, device, store):
    store.save(VALUES)
    for path in tmp_path.iterdir():
        path.unlink()
    assert IdentityStore(str(tmp_path), Partition(device)).load() is not None
    blank = FlashDevice(2)
    repaired = IdentityStore(str(tmp_path), Partition(blank)).load()
    assert repaired is not None
    for path in tmp_path.iterdir():
        path.unlink()
    last = IdentityStore(str(tmp_path), Partition(blank)).load()
    assert last is not None
    assert last["keys"] == VALUES["keys"]


def test_counters_rise_over_restarts_lost_copies_and_new_provisioning(tmp_path, device, store):
    identity_now = store.save(VALUES)
    seen = 0
    for round_number in range(120):
        for _ in range(3):
            counter = identity_now.take_counter()
            assert counter > seen
            seen = counter
        if round_number == 40:
            for path in tmp_path.iterdir():
                path.unlink()
        if round_number == 80:
            device = FlashDevice(2)
        again = IdentityStore(str(tmp_path), Partition(device))
        identity_now = again.save({**VALUES, "key_id": 2}) if round_number == 60 else again.load()
        assert identity_now is not None


def test_a_thousand_envelopes_cost_one_reservation(store, device):
    identity_now = store.save(VALUES)
    identity_now.take_counter()
    programs = device.programs
    for _ in range(999):
        identity_now.take_counter()
    assert device.programs == programs
    identity_now.take_counter()
    assert device.programs == programs + 1


def test_counters_reserved_ahead_of_need_cost_the_envelopes_nothing_and_none_comes_twice(store, device):
    identity_now = store.save(VALUES)
    seen = 0
    for idle in range(6):
        assert identity_now.reserve_ahead() == (idle in (0, 1, 3, 5))
        assert not identity_now.reserve_ahead()
        programs = device.programs
        for _ in range(501):
            counter = identity_now.take_counter()
            assert counter > seen
            seen = counter
        assert device.programs == programs
    again = store.load()
    assert again is not None
    assert again.take_counter() > seen


@pytest.mark.parametrize(
    "wrong",
    [
        {"box_id": b"short"},
        {"key_id": 0},
        {"keys": {}},
        {"cloud_host": None},
        {"cloud_port": 0},
        {"epoch": 1 << 32},
        {"wifi": [("a", "b")] * 9},
        {"wifi": [("a", 5)]},
        {"ca_der": bytes(2000)},
        {"time_port": "80"},
        {"epoch": 65536.5},
        {"key_id": 1.0},
    ],
    ids=str,
)
def test_what_is_no_identity_is_refused_and_the_old_one_stays(store, wrong):
    store.save(VALUES)
    with pytest.raises(IdentityError):
        store.save({**VALUES, **wrong})
    loaded = store.load()
    assert loaded is not None
    assert loaded["box_id"] == VALUES["box_id"]


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_raise_but_an_identity_error(data):
    with pytest.raises(IdentityError):
        identity.decode(data)
