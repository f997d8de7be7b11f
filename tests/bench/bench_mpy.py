"""Figure `mpy_bytes`: what the compiled firmware takes on the box. Prints one JSON object."""

import json
import tempfile
from pathlib import Path

from glovebox_tools.firmware_build import FIRMWARE, build


def main() -> None:
    """Print the figure."""
    with tempfile.TemporaryDirectory(prefix="glovebox-mpy-") as folder:
        print(json.dumps({"mpy_bytes": sum(file.size for file in build(FIRMWARE, Path(folder)))}))


if __name__ == "__main__":
    main()
