"""Bugs planted into copies of firmware and cloud, to measure how many seeds it takes to find each.

Each is one plain mistake as a change of source text. Nothing of it lies in a board's image or a cloud's
package: a copy is made in a scratch directory for the run, and a test holds every text to the sources.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = {"firmware": REPOSITORY / "firmware", "cloud": REPOSITORY / "cloud" / "glovebox"}
LIMIT = 60
"""Seeds after which a bug counts as not found."""
TIMEOUT_S = 3_600


@dataclass(frozen=True)
class Bug:
    """`old` in the file becomes `new`. `kind`: what of the whole it breaks."""

    slug: str
    kind: str
    what: str
    program: str
    file: str
    old: str
    new: str

    def apply(self, directory: Path) -> Path:
        """A copy of the program with the bug. Raises ValueError where the text is not found once."""
        source = SOURCES[self.program]
        copy = directory / source.name
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
        path = copy / self.file
        path.write_text(self.patch(path.read_text(encoding="utf-8")), encoding="utf-8")
        return copy

    def patch(self, text: str) -> str:
        if text.count(self.old) != 1:
            raise ValueError(f"{self.slug}: its text stands {text.count(self.old)} times in {self.file}")
        return text.replace(self.old, self.new)


def _firmware(slug: str, kind: str, what: str, file: str, old: str, new: str) -> Bug:
    return Bug(slug, kind, what, "firmware", f"box/{file}", old, new)


def _cloud(slug: str, kind: str, what: str, file: str, old: str, new: str) -> Bug:
    return Bug(slug, kind, what, "cloud", file, old, new)


BUGS = (
    _firmware(
        "ignition_no_veto", "relay", "inhibit with the ignition on", "access/interlock.py",
        "if now.kl15 is not False or now.kl15_off_ms < needed_ms:", "if False:",
    ),
    _firmware(
        "motion_no_veto", "relay", "inhibit while moving, without proof", "access/interlock.py",
        "    if now.contradictory:  # S3\n        return RELAY_OUTCOME_CONTRADICTION\n"
        "    if now.motion == MOTION_MOVING or now.carried:\n        return RELAY_OUTCOME_VETOED_MOTION\n"
        "    if now.motion != MOTION_STILL or now.motion_age_ms > PROOF_MAX_AGE_MS:\n"
        "        return RELAY_OUTCOME_NO_PROOF\n",
        "",
    ),
    _firmware(
        "shock_not_mended", "relay", "a contact thrown over during a session stays", "access/interlock.py",
        "        self._steady_ms = 0\n        if held == (target, target):",
        "        if target == CONTACT_ALLOW:\n            return\n        if held == (target, target):",
    ),
    _firmware(
        "session_not_saved", "durability", "a change of the session is not made durable", "access/effects.py",
        "        if changed or (written", "        if (not changed) and (written",
    ),
    _firmware(
        "not_settled", "durability", "after a cut, books and state are not made one", "recovery.py",
        "    for sequence, slot in ring.iterate(first, _MANY):", "    for sequence, slot in ():",
    ),
    _firmware(
        "acknowledges_all", "journal", "an acknowledgement of one is taken for all", "storage/ring.py",
        "        if not self.acked < sequence <= self.last_sequence:",
        "        sequence = self.last_sequence\n        if not self.acked < sequence <= self.last_sequence:",
    ),
    _firmware(
        "sent_is_told", "journal", "what was sent on a link that broke is not sent again", "link/outbox.py",
        '        self.next_page = (0, 0)\n        self.wants_more = False\n        self.forget_sent()\n',
        '        self.next_page = (0, 0)\n        self.wants_more = False\n'
        '        self.sent_to = getattr(self, "sent_to", {})\n',
    ),
    _firmware(
        "death_unnoticed", "link", "a link that owes an answer is waited for for ever", "link/sync.py",
        'raise transport.DeadLinkError("no answer")', "pass",
    ),
    _firmware(
        "no_end_of_rights", "rights", "a reservation's end is not looked at", "access/rights.py",
        "        if entry[STARTS_AT] <= now_s < entry[ENDS_AT]:\n            return STARTED",
        "        if entry[STARTS_AT] <= now_s:\n            return STARTED",
    ),
    _firmware(
        "revoked_stays", "rights", "what a delta takes away stays", "storage/authorisations.py",
        "overlay[entry[:KEY_SIZE]] = entry if operations[at] == _PUT else None",
        "overlay[entry[:KEY_SIZE]] = entry",
    ),
    _firmware(
        "time_from_bound", "time", "after a reset the clock begins at its bound", "clock.py",
        "            self._set(chip_s, KEPT, is_vouched)\n"
        "            self._latest_s = max(chip_s, self.bound_s)",
        "            self._set(self.bound_s, KEPT, is_vouched)\n"
        "            self._latest_s = self.bound_s",
    ),
    _firmware(
        "resumes_locked", "access", "the session's badge at a stopover does not unlock", "access/table.py",
        "O record_resumed,unlock,allow             welcome\ntaken_back",
        "O record_resumed,allow                    welcome\ntaken_back",
    ),
    _firmware(
        "strangers_unanswered", "access", "a card that may not is not answered", "access/table.py",
        "?\n# time passes", "-\n# time passes",
    ),
    _firmware(
        "held_untold", "link", "a set taken is not told", "link/outbox.py",
        "        if self._is_version_news() and self._authorisations.version:",
        "        if False:",
    ),
    _cloud(
        "gap_taken", "journal", "records beyond what a restored store lacks are taken", "records/journal.py",
        "    if is_after_gap and not may_leave_gap:", "    if False:",
    ),
    _cloud(
        "counter_unchecked", "link", "a replayed envelope is accepted", "link/service.py",
        "        if envelope.counter <= box.counter:", "        if False:",
    ),
    _cloud(
        "first_fact_only", "books", "of several records in an envelope one takes effect", "records/facts.py",
        "    for stored in fresh:", "    for stored in fresh[:1]:",
    ),
    _cloud(
        "never_in_use_no_more", "books", "a session's end leaves its reservation in use", "trips/facts.py",
        '_apply_event(tx, now, reservation_id, "end" if is_begun else "unbegin")', "pass",
    ),
    _cloud(
        "old_link_leaves", "link", "a link that ends takes the newer one's place", "link/hub.py",
        "        if link.vehicle_id is not None and self._by_vehicle.get(link.vehicle_id) is link:",
        "        if link.vehicle_id is not None and link.vehicle_id in self._by_vehicle:",
    ),
    _cloud(
        "acknowledged_before_stored", "journal", "one record more is acknowledged than is stored",
        "link/service.py",
        "wire.pack_ack(field.ring, field.epoch, taken.sequence)",
        "wire.pack_ack(field.ring, field.epoch, taken.sequence + 1)",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """`after` seeds a bug was found, None if it was not; `problem` is what was seen."""

    bug: Bug
    after: int | None
    problem: str


def hunt(bug: Bug, first: int, limit: int) -> Found:
    """Play seeds on a copy with the bug until one fails."""
    with tempfile.TemporaryDirectory(prefix="gbx-planted-") as scratch:
        copy = bug.apply(Path(scratch))
        paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        options = ["--firmware", str(copy)] if bug.program == "firmware" else []
        if bug.program == "cloud":
            paths.insert(0, scratch)
        done = subprocess.run(
            [sys.executable, "-m", "seeds", str(limit), "--first", str(first), "--until-failure", *options],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0:
        return Found(bug, None, "")
    if done.returncode != 1 or not lines or not lines[-1].startswith("found after "):
        raise RuntimeError(f"{bug.slug}: {done.stderr[-2000:]}")
    after, problem = lines[-1].removeprefix("found after ").split(": ", 1)
    return Found(bug, int(after), problem)


def hunt_all(bugs: Iterable[Bug], first: int, limit: int, jobs: int) -> Iterator[Found]:
    """One process a bug, `jobs` at a time; as they come in."""
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(hunt, bug, first, limit) for bug in bugs]):
            yield done.result()
