"""`python -m glovebox_tools.mpy_sizes`: compile every device file and print what each weighs.

With `--document` it prints `firmware/SIZES.md`, the same by folder, which a test holds to the firmware.

The size of a `.mpy` is what the file takes on littlefs and, in a ROMFS, what is executed in place; loaded
from littlefs it takes about as much heap again. Ends with 1 and the compiler's words if a file does not
compile.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from glovebox_tools.firmware_build import FIRMWARE, BuildError, DeviceFile, build

TOLERANCE_PERCENT = 10  # of a folder: what a season's work adds shows, what an afternoon's does not
LIMIT_BYTES = 256 * 1024  # to grow past it is to be decided, not to happen


def table(files: list[DeviceFile]) -> str:
    """The sizes as text, largest first, with the sum; sizes in bytes."""
    rows = [f"{'source':>8} {'on box':>8}  file"]
    for file in sorted(files, key=lambda f: (-f.size, str(f.on_box))):
        rows.append(f"{file.source.stat().st_size:>8} {file.size:>8}  {file.on_box}")
    source = sum(file.source.stat().st_size for file in files)
    rows.append(f"{source:>8} {sum(file.size for file in files):>8}  {len(files)} files")
    return "\n".join(rows)


def sum_folders(files: list[DeviceFile]) -> dict[str, int]:
    """Bytes on the box by folder, what is started by name apart."""
    sums: dict[str, int] = {}
    for file in files:
        folder = str(file.on_box.parent)
        sums[folder] = sums.get(folder, 0) + file.size
    return dict(sorted(sums.items()))


def document(files: list[DeviceFile]) -> str:
    """The page `firmware/SIZES.md`."""
    sums = sum_folders(files)
    rows = [f"| `{'boot.py, main.py' if folder == '.' else folder}` | {sums[folder]} |" for folder in sums]
    head = (
        "# What the firmware weighs\n\n"
        "Bytes of `.mpy` on the box, by folder (`make lint` prints every file). In a ROMFS they are\n"
        "executed in place and take no heap. A program wrote this page, `python -m glovebox_tools.mpy_sizes\n"
        "--document`; a "
        f"test holds each row to the firmware within {TOLERANCE_PERCENT} %, and the sum to {LIMIT_BYTES}.\n\n"
        "| folder | bytes |\n|---|---|\n"
    )
    return head + "\n".join([*rows, f"| **all** | {sum(sums.values())} |", ""])


def main(argv: list[str] | None = None) -> int:
    """Compile into a folder of its own, so that no half build is left, and print the table."""
    parser = argparse.ArgumentParser(prog="mpy_sizes", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--firmware", type=Path, default=FIRMWARE, help="folder with boot.py, main.py, box/")
    parser.add_argument(
        "--march", default="", help="architecture for native code, as xtensawin; default: bytecode only"
    )
    parser.add_argument("--document", action="store_true", help="print the page firmware/SIZES.md")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="glovebox-mpy-") as folder:
        try:
            files = build(options.firmware, Path(folder), options.march)
            print(document(files) if options.document else table(files), end="" if options.document else "\n")
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
