"""HMAC-SHA256 against CPython's own and the vectors of RFC 4231."""

import hashlib
import hmac

import pytest
from box.protocols.crypto import Hmac, is_equal
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary(min_size=1, max_size=64), st.lists(st.binary(max_size=200), max_size=5))
def test_it_is_hmac_sha256_however_the_message_is_cut(key, parts):
    expected = hmac.new(key, b"".join(parts), hashlib.sha256).digest()
    ours = Hmac(key)
    assert ours.digest(*parts) == expected
    begun = ours.begin()
    for part in parts:
        begun.update(part)
    assert ours.finish(begun) == expected


def test_the_second_case_of_rfc_4231():
    have = Hmac(b"Jefe").digest(b"what do ya want ", b"for nothing?")
    assert have.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@pytest.mark.parametrize("size", [0, 65])
def test_a_key_of_another_size_is_refused(size):
    with pytest.raises(ValueError):
        Hmac(bytes(size))


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_two_values_are_equal_only_if_all_their_bytes_are(a, b):
    assert is_equal(a, b) == (a == b)
    assert is_equal(a, bytes(a))
