"""The town of `support_town`, one for each test: logins change it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import support_town
import support_web


@pytest.fixture
def town(tmp_path: Path) -> Iterator[support_web.Town]:
    """A town of one's own."""
    built = support_town.build_town(tmp_path)
    yield built
    built.close()
