"""`python -m glovebox_tools.mpy_sizes`: compile every device file and print what each weighs.

The size of a `.mpy` is what the file takes on littlefs and, in a ROMFS, what is executed in place; loaded
from littlefs it takes about as much heap again. Ends with 1 and the compiler's words if a file does not
compile.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from glovebox_tools.firmware_build import FIRMWARE, BuildError, DeviceFile, build


def table(files: list[DeviceFile]) -> str:
    """The sizes as text, largest first, with the sum; sizes in bytes."""
    rows = [f"{'source':>8} {'on box':>8}  file"]
    for file in sorted(files, key=lambda f: (-f.size, str(f.on_box))):
        rows.append(f"{file.source.stat().st_size:>8} {file.size:>8}  {file.on_box}")
    source = sum(file.source.stat().st_size for file in files)
    rows.append(f"{source:>8} {sum(file.size for file in files):>8}  {len(files)} files")
    return "\n".join(rows)


def main(argv: list[str] | None = None) -> int:
    """Compile into a folder of its own, so that no half build is left, and print the table."""
    parser = argparse.ArgumentParser(prog="mpy_sizes", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--firmware", type=Path, default=FIRMWARE, help="folder with boot.py, main.py, box/")
    parser.add_argument(
        "--march", default="", help="architecture for native code, as xtensawin; default: bytecode only"
    )
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="glovebox-mpy-") as folder:
        try:
            print(table(build(options.firmware, Path(folder), options.march)))
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
