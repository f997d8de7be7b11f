"""Lays the promises of a day or a week out on a grid of columns. Pure: intervals in, cells out.

The working day has a column a quarter of an hour; the night is folded into a few wide ones, so that a whole
day fits a screen without anything being left out.

```
columns   0..3        4 .. 67                     68..71
local     0:00-6:00   6:00-22:00, 15 min each     22:00-24:00
```

A week has a column every two hours, twelve a day.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from glovebox.blocks.schemas import Block
from glovebox.web.console_queries import Promise
from glovebox.web.times import midnight

MORNING_H: Final = 6
EVENING_H: Final = 22
PER_HOUR: Final = 4
# The folded night takes the width of one hour on either side.
COLUMNS: Final = PER_HOUR * (EVENING_H - MORNING_H + 2)
WEEK_DAYS: Final = 7
WEEK_STEP_H: Final = 2


@dataclass(frozen=True)
class Day:
    """A local day, or some from `day` on, as columns: `edges` are the instants at which columns begin, and
    the end of the last."""

    day: date
    edges: tuple[int, ...]

    @property
    def columns(self) -> int:
        """How many there are."""
        return len(self.edges) - 1

    @property
    def starts_at(self) -> int:
        """Local midnight."""
        return self.edges[0]

    @property
    def ends_at(self) -> int:
        """The local midnight after it; of one day, 23 or 25 hours on where the clocks change."""
        return self.edges[-1]

    def column_of(self, at: int) -> int:
        """The column an instant lies in, within 0..columns-1."""
        return min(max(bisect_right(self.edges, at) - 1, 0), self.columns - 1)

    def column_after(self, at: int) -> int:
        """The first column that begins at or after an instant, within 1..columns."""
        return min(max(bisect_left(self.edges, at), 1), self.columns)

    def position(self, at: int) -> float | None:
        """Where an instant lies across the grid, in columns; None outside the day."""
        if not self.starts_at <= at < self.ends_at:
            return None
        column = self.column_of(at)
        first, last = self.edges[column], self.edges[column + 1]
        return column + (at - first) / (last - first)


def make_day(day: date, zone: ZoneInfo) -> Day:
    """The columns of a local day. On a day of 23 or 25 hours the night's columns take the difference."""
    first, last = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    steps = range(PER_HOUR * (EVENING_H - MORNING_H))
    middle = [last - (24 - MORNING_H) * 3600 + 900 * step for step in steps]
    morning, evening = middle[0], middle[-1] + 900
    night = [first + (morning - first) * step // PER_HOUR for step in range(PER_HOUR)]
    late = [evening + (last - evening) * step // PER_HOUR for step in range(PER_HOUR)]
    return Day(day, (*night, *middle, *late, last))


def make_week(first: date, zone: ZoneInfo) -> Day:
    """Seven days of columns every two hours of the local clock. Where the clocks change in the night, the
    columns before 4:00 take the difference."""
    edges: list[int] = []
    for number in range(WEEK_DAYS):
        begin, end = (midnight(first + timedelta(days=number + more), zone) for more in (0, 1))
        later = [end - (24 - hour) * 3600 for hour in range(2 * WEEK_STEP_H, 24, WEEK_STEP_H)]
        edges += [begin, begin + WEEK_STEP_H * 3600, *later]
    edges.append(midnight(first + timedelta(days=WEEK_DAYS), zone))
    return Day(first, tuple(edges))


@dataclass(frozen=True)
class Cell:
    """Columns of one car's row: a promise, or a gap between promises, free or blocked."""

    span: int
    promise: Promise | None
    starts_at: int
    ends_at: int
    block: Block | None = None


def lay_out(day: Day, promises: Sequence[Promise]) -> list[Cell]:
    """One car's row: cells that fill all columns in order. Promises are in order and do not overlap.

    A promise shorter than a column gets one all the same; what follows moves aside, and a promise for which
    no column is left shares the last one's end (its text tells the times).
    """
    cells: list[Cell] = []
    column = 0
    free_from = day.starts_at
    for promise in promises:
        if promise.ends_at <= day.starts_at or promise.starts_at >= day.ends_at or column >= day.columns:
            continue
        begin = max(column, day.column_of(promise.starts_at))
        end = max(begin + 1, day.column_after(promise.ends_at))
        if begin > column:
            cells.append(Cell(begin - column, None, free_from, max(free_from, promise.starts_at)))
        end = min(end, day.columns)
        if begin >= end:
            continue
        cells.append(Cell(end - begin, promise, promise.starts_at, promise.ends_at))
        column, free_from = end, max(promise.ends_at, day.starts_at)
    if column < day.columns:
        cells.append(Cell(day.columns - column, None, free_from, day.ends_at))
    return cells


def lay_blocks(day: Day, cells: Sequence[Cell], blocks: Sequence[Block]) -> list[Cell]:
    """The same row with its gaps cut where blocks begin and end; a promise under a block stays whole."""
    laid: list[Cell] = []
    column = 0
    for cell in cells:
        first, column = column, column + cell.span
        laid += [cell] if cell.promise is not None else _cut(day, first, cell, blocks)
    return laid


def _cut(day: Day, first: int, gap: Cell, blocks: Sequence[Block]) -> list[Cell]:
    covers: list[Block | None] = [None] * gap.span
    for one in blocks:
        ends_at = gap.ends_at if one.ends_at is None else min(one.ends_at, gap.ends_at)
        if one.starts_at >= gap.ends_at or ends_at <= gap.starts_at:
            continue
        begin = max(day.column_of(one.starts_at) - first, 0)
        end = min(max(day.column_after(ends_at) - first, begin + 1), gap.span)
        covers[begin:end] = [one] * (end - begin)
    laid: list[Cell] = []
    starts_at, index = gap.starts_at, 0
    for block, group in groupby(covers):
        index += len(list(group))
        ends_at = gap.ends_at if index == gap.span else day.edges[first + index]
        span = index - sum(cell.span for cell in laid)
        laid.append(Cell(span, None, starts_at, ends_at, block))
        starts_at = ends_at
    return laid


def hour_labels() -> list[tuple[str, int]]:
    """The header: text and columns."""
    hours = [(f"{hour}", PER_HOUR) for hour in range(MORNING_H, EVENING_H)]
    return [(f"0–{MORNING_H}", PER_HOUR), *hours, (f"{EVENING_H}–24", PER_HOUR)]
