"""What services of accounts return."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LoginSession:
    """A browser in which a person is logged in. `browser` and `system` as it named itself, "" where unknown;
    `last_seen_at` to within five minutes; `is_this`: the one that asks."""

    id: int
    browser: str
    system: str
    started_at: int
    last_seen_at: int
    is_this: bool
