"""`make audit`: is a vulnerability known of any package of requirements.lock?

Asks PyPI's own record of each locked version (its field `vulnerabilities`, which PyPI takes from OSV). A
vulnerability known and not withdrawn fails. Where nobody answers (no network, a mirror without these records)
it says so and does not fail: a mirror that is silent is no finding.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

INDEX: Final = "https://pypi.org"
LOCK: Final = Path("requirements.lock")
TIMEOUT_S: Final = 10.0
# A mirror without records does not have the third either.
UNANSWERED_LIMIT: Final = 3
_PINNED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


class Finding(NamedTuple):
    """A vulnerability of a locked package; `fixed_in` may be empty."""

    package: str
    version: str
    names: str
    fixed_in: str


def read_pins(lock: str) -> list[tuple[str, str]]:
    """(name, version) of each package of a lock."""
    return [(found[1], found[2]) for found in _PINNED.finditer(lock)]


def find_vulnerabilities(package: str, version: str, record: dict[str, Any]) -> Iterator[Finding]:
    """What a record of PyPI says of that version, but for what was withdrawn."""
    for one in record.get("vulnerabilities") or ():
        if not one.get("withdrawn"):
            names = " ".join([str(one.get("id", "?")), *map(str, one.get("aliases") or ())])
            yield Finding(package, version, names, ", ".join(map(str, one.get("fixed_in") or ())))


def fetch_record(client: httpx.Client, package: str, version: str) -> dict[str, Any] | None:
    """The record, None where there is no answer that is one."""
    try:
        answer = client.get(f"/pypi/{package}/{version}/json")
        record = answer.json() if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError):
        return None
    return record if isinstance(record, dict) and "vulnerabilities" in record else None


def audit(pins: list[tuple[str, str]], client: httpx.Client) -> tuple[list[Finding], list[str]]:
    """Findings, and the packages of which nobody told anything."""
    findings: list[Finding] = []
    untold: list[str] = []
    for number, (package, version) in enumerate(pins):
        record = fetch_record(client, package, version)
        if record is None:
            untold.append(package)
            if len(untold) == number + 1 == UNANSWERED_LIMIT:
                return [], [package for package, _version in pins]
        else:
            findings += find_vulnerabilities(package, version, record)
    return findings, untold


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="audit", description=__doc__)
    parser.add_argument("--lock", type=Path, default=LOCK)
    parser.add_argument("--index", default=INDEX, help="a server with PyPI's JSON records")
    options = parser.parse_args(arguments)
    pins = read_pins(options.lock.read_text())
    with httpx.Client(base_url=options.index, timeout=TIMEOUT_S, follow_redirects=True) as client:
        findings, untold = audit(pins, client)
    for one in findings:
        remedy = f"fixed in {one.fixed_in}" if one.fixed_in else "no fix is known"
        print(f"audit: {one.package} {one.version}: {one.names}, {remedy}")
    if untold:
        print(
            f"audit: NOT ASKED: {len(untold)} of {len(pins)} packages, {options.index} tells nothing of them "
            f"from here ({', '.join(untold[:5])}{', ...' if len(untold) > 5 else ''})",
            file=sys.stderr,
        )
    asked = len(pins) - len(untold)
    print(f"audit: {len(findings)} known vulnerabilities in the {asked} packages that could be asked about")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
