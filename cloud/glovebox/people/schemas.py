"""Values about people and badges."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Someone who may drive. `licence_until` None: never checked; valid before that instant.
    `licence_categories` as on the licence, with spaces. `phone`: at work, in international form, or empty."""

    id: int
    organisation_id: int
    organisation_name: str
    staff_number: str
    given_name: str
    family_name: str
    email: str | None
    department: str
    language: str
    licence_until: int | None
    is_active: bool
    licence_categories: str = "B"
    phone: str = ""

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}"


@dataclass(frozen=True)
class FirstPassword:
    """Told once, stored nowhere; it lets nobody in any more from `ends_at` on."""

    password: str
    ends_at: int


@dataclass(frozen=True)
class Badge:
    """A badge without its UID, which never leaves the database in clear; `uid_tail` is its last byte in
    hex."""

    id: int
    person_id: int
    uid_tail: str
    added_at: int
    revoked_at: int | None


@dataclass(frozen=True)
class ImportLine:
    """One line of a CSV file, seen before anything is stored: values as they will be stored where they are
    good, as they stand in the file where not. `problems` are keys of sentences with their values."""

    number: int
    values: dict[str, str]
    problems: list[tuple[str, dict[str, str]]]
