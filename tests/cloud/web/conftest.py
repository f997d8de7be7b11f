"""The town of `support_town`, fresh for each test that changes it, and a served one for real browsers."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import support_town
import support_web
import uvicorn


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
    server = uvicorn.Server(uvicorn.Config(built.apps.web, port=0, log_level="warning", lifespan="off"))
    ready = threading.Event()
    startup = server.startup

    async def start_and_tell(sockets: Any = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = start_and_tell  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    assert ready.wait(30)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield built, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
    built.close()
