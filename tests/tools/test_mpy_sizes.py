"""The table of sizes is the firmware's, within its tolerance."""

import re
from pathlib import Path

import pytest
from glovebox_tools import mpy_sizes
from glovebox_tools.firmware_build import FIRMWARE, build

PAGE = FIRMWARE / "SIZES.md"


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    return mpy_sizes.sum_folders(build(FIRMWARE, tmp_path_factory.mktemp("firmware")))


def read_rows(page: str) -> dict[str, int]:
    rows = dict(re.findall(r"^\| `([^`]+)` \| (\d+) \|$", page, re.MULTILINE))
    return {"." if folder == "boot.py, main.py" else folder: int(size) for folder, size in rows.items()}


def list_wrong(page: str, sums: dict[str, int]) -> list[str]:
    rows = read_rows(page)
    if rows.keys() != sums.keys():
        return sorted(rows.keys() ^ sums.keys())
    return [
        folder
        for folder, size in sums.items()
        if abs(size - rows[folder]) * 100 > size * mpy_sizes.TOLERANCE_PERCENT
    ]


def test_each_folder_weighs_what_the_table_says(sums: dict[str, int]) -> None:
    wrong = list_wrong(PAGE.read_text(encoding="utf-8"), sums)
    assert wrong == [], "python -m glovebox_tools.mpy_sizes --document > firmware/SIZES.md"


def test_the_firmware_is_small_enough_for_two_of_it(sums: dict[str, int]) -> None:
    assert sum(sums.values()) <= mpy_sizes.LIMIT_BYTES


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_folder_that_grew_or_shrank_shows(sums: dict[str, int], factor: float) -> None:
    page = PAGE.read_text(encoding="utf-8")
    changed = dict(sums, **{"box/link": int(sums["box/link"] * factor)})
    assert list_wrong(page, changed) == ["box/link"]


def test_a_folder_that_is_new_shows(sums: dict[str, int]) -> None:
    assert list_wrong(PAGE.read_text(encoding="utf-8"), {**sums, "box/update": 10}) == ["box/update"]


def test_the_page_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert mpy_sizes.main(["--document"]) == 0
    printed = capsys.readouterr().out
    assert re.sub(r"\d+ \|", "n |", printed) == re.sub(
        r"\d+ \|", "n |", Path(PAGE).read_text(encoding="utf-8")
    )
