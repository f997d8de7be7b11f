"""partitions.csv: nothing overlaps, all fits 16 MB, and the rings hold what they must."""

import csv
from pathlib import Path

import pytest

HARDWARE = Path(__file__).parents[2] / "hardware"
FLASH_BYTES = 16 * 1024 * 1024
TABLE_END = 0x9000  # boot loader and partition table lie before
BLOCK_BYTES = 4096
RECORDS_A_BLOCK = 63  # one slot of 64 is the sector's own
SAVES_A_BLOCK = 32  # a slot of 128 bytes each
APP_ALIGNMENT = 0x10000


def rows():
    with (HARDWARE / "partitions.csv").open(newline="", encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    names = ("name", "type", "subtype", "offset", "size", "flags")
    return [dict(zip(names, (cell.strip() for cell in row), strict=True)) for row in csv.reader(lines)]


def by_name():
    return {row["name"]: (int(row["offset"], 0), int(row["size"], 0)) for row in rows()}


def test_partitions_follow_each_other_without_overlap_and_within_the_flash():
    end = TABLE_END
    for offset, size in by_name().values():
        assert offset >= end
        assert size > 0
        end = offset + size
    assert end <= FLASH_BYTES


def test_every_partition_is_whole_blocks_and_programs_are_aligned():
    for row in rows():
        offset, size = int(row["offset"], 0), int(row["size"], 0)
        assert offset % (APP_ALIGNMENT if row["type"] == "app" else BLOCK_BYTES) == 0
        assert size % BLOCK_BYTES == 0
        assert len(row["name"]) <= 16


def test_both_application_slots_have_the_same_size_and_hold_a_micropython():
    sizes = [int(row["size"], 0) for row in rows() if row["type"] == "app"]
    assert len(sizes) == 2
    assert sizes[0] == sizes[1] >= 2 * 1024 * 1024


@pytest.mark.parametrize(("name", "records"), [("vital", 18_000), ("telemetry", 40_000)])
def test_a_ring_holds_its_records(name, records):
    assert by_name()[name][1] // BLOCK_BYTES * RECORDS_A_BLOCK >= records


def test_both_rings_hold_sixty_thousand_records():
    sizes = by_name()
    blocks = (sizes["vital"][1] + sizes["telemetry"][1]) // BLOCK_BYTES
    assert blocks * RECORDS_A_BLOCK >= 60_000


def test_ninety_days_of_two_hundred_records_stay_below_the_vital_ring():
    assert by_name()["vital"][1] // BLOCK_BYTES * RECORDS_A_BLOCK >= 90 * 200


def test_ten_years_of_two_thousand_records_a_day_stay_under_a_tenth_of_the_cycles():
    blocks = by_name()["telemetry"][1] // BLOCK_BYTES
    erases_a_block = 3653 * 2000 / (blocks * RECORDS_A_BLOCK)
    assert erases_a_block < 100_000 / 10


def test_ten_years_of_two_thousand_saved_sessions_a_day_stay_under_a_tenth_of_the_cycles():
    blocks = by_name()["session"][1] // BLOCK_BYTES
    assert 3653 * 2000 / (blocks * SAVES_A_BLOCK) < 100_000 / 10


def test_the_identity_has_two_blocks_of_its_own():
    assert by_name()["identity"][1] >= 2 * BLOCK_BYTES


def test_the_simulators_flash_is_laid_out_by_the_same_file():
    from glovebox_sim.board import load_partitions

    assert [(row[4], row[2], row[3]) for row in load_partitions()] == [
        (name, offset, size) for name, (offset, size) in by_name().items()
    ]
