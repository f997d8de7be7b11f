"""The town of `support_town`, fresh for each test that changes it, and a served one for real browsers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import support_town
import support_web
from support_served import serving


@pytest.fixture
def town(tmp_path: Path) -> Iterator[support_web.Town]:
    """A town of one's own."""
    built = support_town.build_town(tmp_path)
    yield built
    built.close()


@pytest.fixture(scope="module")
def quiet_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[support_web.Town]:
    """A town that tests only read."""
    built = support_town.build_town(tmp_path_factory.mktemp("town"))
    yield built
    built.close()


@pytest.fixture(scope="module")
def served_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[support_web.Town, str]]:
    """A town on a port of this machine, with its writer's thread."""
    built = support_town.build_town(tmp_path_factory.mktemp("served"))
    built.apps.cloud.writer.start()
    with serving(built.apps.web) as base:
        yield built, base
    built.close()
