"""Plays seeds, each whole in one process, on all cores."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seeds.life import Life
from seeds.town import Template


@dataclass(frozen=True)
class Result:
    """What one seed came to. `problem` None: all held, all agreed."""

    seed: int
    problem: str | None
    digest: str
    virtual_s: float
    cpu_s: float
    faults: tuple[str, ...]
    lines: list[str] = field(default_factory=list)


_templates: dict[Path | None, Template] = {}


def play(seed: int, *, is_told: bool = False, firmware: Path | None = None) -> Result:
    """One seed in this process; the template is made with the first. `lines` only of one that fails."""
    if firmware not in _templates:
        _templates[firmware] = Template(firmware)
    began_at = time.process_time()
    life = Life(_templates[firmware], seed)
    try:
        problem = life.play()
        digest, virtual_s = life.trace.digest, life.t
    finally:
        life.close()
    lines = life.trace.lines if problem or is_told else []
    cpu_s = time.process_time() - began_at
    return Result(seed, problem, digest, virtual_s, cpu_s, tuple(sorted(life.faults_seen)), lines)


def _begin_worker(counter: Any) -> None:
    """A core a worker: a box and its host take turns, which is quickest on one."""
    cores = sorted(os.sched_getaffinity(0))
    with counter.get_lock():
        counter.value += 1
        mine = cores[counter.value % len(cores)]
    os.sched_setaffinity(0, {mine})


def play_all(seeds: Iterable[int], jobs: int) -> Iterator[Result]:
    """In the order of the seeds."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_begin_worker, initargs=(context.Value("i", 0),)
    ) as pool:
        yield from pool.map(play, seeds)
