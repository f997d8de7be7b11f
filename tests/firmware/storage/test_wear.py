"""Ten years of busy days stay under a tenth of the cycles a sector is made for, wherever the box writes."""

import pytest
import support_wear

RATED_CYCLES = 100_000  # W25Q128JV, program-erase cycles per sector


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_no_partition_wears_out_in_ten_years():
    cycles = support_wear.count_all(littlefs_days=60)
    assert set(cycles) == {"vital", "telemetry", "session", "identity", "vfs"}
    assert 0 < max(cycles.values()) < RATED_CYCLES / 10


def test_a_session_saved_on_littlefs_would_wear_it_far_more(monkeypatch):
    """The count sees what it is there to see."""
    monkeypatch.setattr(support_wear, "BOUNDS_A_DAY", support_wear.SESSION_SAVES_A_DAY)
    assert support_wear.count_littlefs(days=4) > support_wear.count_session() * 5
