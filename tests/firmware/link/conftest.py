"""A certificate authority for a module's tests, and a cloud of it for each."""

import pytest
from support_link import Authority, Cloud


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def cloud(authority):
    with Cloud(authority.context()) as running:
        yield running
