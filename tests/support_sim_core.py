"""A simulated box with a small firmware of the test's own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glovebox_sim.host_box import Box
from glovebox_sim.simulation import Simulation

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"


def write_firmware(directory: Path, main: str, boot: str = "") -> Path:
    """A firmware directory with that main.py; `box` is the real package."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "main.py").write_text(textwrap.dedent(main), encoding="utf-8")
    (directory / "boot.py").write_text(textwrap.dedent(boot), encoding="utf-8")
    link = directory / "box"
    if not link.exists():
        link.symlink_to(FIRMWARE / "box")
    return directory


@contextmanager
def simulated(
    tmp_path: Path, main: str, *, boot: str = "", seed: int = 1, real_time: bool = False, **options: Any
) -> Iterator[tuple[Simulation, Box]]:
    """A simulation with one powered box that runs `main`."""
    firmware = write_firmware(tmp_path / "firmware", main, boot)
    with Simulation(seed=seed, real_time=real_time) as sim:
        box = sim.add_box("AB-123-CD", directory=tmp_path / "box", firmware=firmware, **options)
        box.power_on()
        yield sim, box


def printed(box: Box) -> list[str]:
    """What the firmware printed, without time stamps and the simulator's own lines."""
    lines = [line[15:] for line in box.console]
    return [line for line in lines if not line.startswith("---")]


def assert_sound(box: Box) -> None:
    assert not box.crashes, box.crashes[-1]
