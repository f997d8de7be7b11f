"""People and badges. UIDs are sealed under the key file; they are found again by a keyed hash and never
shown."""

from typing import Any, Final

from sqlalchemy import Connection, Select, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from glovebox.clock import Entropy
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet.schemas import LICENCE_CATEGORIES
from glovebox.fleet.service import check_categories
from glovebox.fleet.tables import organisations
from glovebox.keys import Keyring
from glovebox.people.addresses import check_email, read_phone
from glovebox.people.schemas import Badge, Person
from glovebox.people.tables import badges, people, standing_rights
from glovebox.reservations import authorisations, rights
from glovebox.scope import Scope
from glovebox.store.values import check_values

# ISO/IEC 14443-3: single, double and triple size UIDs.
UID_LENGTHS: Final = (4, 7, 10)
# First byte of a 4-byte UID the card draws anew at each field: it identifies nobody.
RANDOM_UID: Final = 0x08
# Columns of a person on which it depends what cars' boxes hold.
_MEANT_FOR_BOXES: Final = frozenset(("is_active", "licence_until"))


def add_person(tx: Connection, now: int, **values: Any) -> int:
    """A new person: organisation_id, staff_number, given_name, family_name; email, phone, department,
    language, licence_until, licence_categories optional.
    Raises Invalid, Conflict for a staff number the organisation has already."""
    values = _checked(values)
    try:
        return int(
            tx.execute(insert(people).values(created_at=now, **values).returning(people.c.id)).scalar_one()
        )
    except IntegrityError as error:
        raise Conflict("staff_number_exists", staff_number=values.get("staff_number")) from error


def change_person(tx: Connection, scope: Scope, person_id: int, **values: Any) -> None:
    """Changes a person's columns. Raises NotFound, Forbidden, Invalid."""
    require_manager(tx, scope, person_id)
    values = _checked(values)
    if values:
        tx.execute(update(people).where(people.c.id == person_id).values(**values))
    if values.keys() & _MEANT_FOR_BOXES:
        authorisations.mark_person(tx, person_id)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """A person's columns as they are stored. Raises Invalid."""
    if values.get("phone"):
        values = {**values, "phone": read_phone(values["phone"])}
    if "licence_categories" in values:
        values = {**values, "licence_categories": tidy_categories(values["licence_categories"])}
    check_values(people, values)
    if values.get("email"):
        check_email(values["email"])
    return values


def tidy_categories(text: str) -> str:
    """`b, be` as `B BE`, in the order of licences. Raises Invalid for what is no category."""
    found = text.upper().replace(",", " ").replace(";", " ").split()
    check_categories(found)
    return " ".join(one for one in LICENCE_CATEGORIES if one in found)


def list_people(
    tx: Connection, scope: Scope, *, search: str = "", offset: int = 0, limit: int = 50
) -> list[Person]:
    """People of the managed organisations (and oneself), by family name; `search` in names and staff
    number."""
    query = _matching(_PEOPLE, scope, search).order_by(people.c.family_name, people.c.given_name, people.c.id)
    return [_person(row) for row in tx.execute(query.offset(offset).limit(limit)).mappings()]


def count_people(tx: Connection, scope: Scope, *, search: str = "") -> int:
    """How many `list_people` would list without a limit."""
    return int(tx.execute(_matching(select(func.count()).select_from(people), scope, search)).scalar_one())


def get_person(tx: Connection, scope: Scope, person_id: int) -> Person:
    """One person. Raises NotFound, also behind the wall."""
    row = tx.execute(_matching(_PEOPLE, scope, "").where(people.c.id == person_id)).mappings().first()
    if row is None:
        raise NotFound()
    return _person(row)


def find_person(tx: Connection, scope: Scope, organisation_id: int, staff_number: str) -> Person:
    """One person by staff number. Raises NotFound."""
    query = _matching(_PEOPLE, scope, "").where(
        people.c.staff_number == staff_number, people.c.organisation_id == organisation_id
    )
    row = tx.execute(query).mappings().first()
    if row is None:
        raise NotFound("no_such_person", staff_number=staff_number)
    return _person(row)


def parse_uid(text: str) -> bytes:
    """A UID as people write it (`04 A2:b3-...`) to bytes. Raises Invalid: not hex, another length than 4, 7
    or 10, or a random UID."""
    digits = "".join(text.split()).replace(":", "").replace("-", "")
    try:
        uid = bytes.fromhex(digits)
    except ValueError as error:
        raise Invalid("uid_not_hex") from error
    if len(uid) not in UID_LENGTHS:
        raise Invalid("uid_length", length=len(uid))
    if len(uid) == 4 and uid[0] == RANDOM_UID:
        raise Invalid("uid_random")
    return uid


def add_badge(
    tx: Connection, now: int, keyring: Keyring, entropy: Entropy, person_id: int, uid: bytes
) -> int:
    """Gives a person a badge. Raises Invalid for a UID that cannot identify, Conflict where the badge is
    somebody's already."""
    parse_uid(uid.hex())
    lookup = keyring.uid_lookup(uid)
    known = tx.execute(
        select(badges.c.id, badges.c.person_id, badges.c.revoked_at).where(badges.c.uid_lookup == lookup)
    ).first()
    if known is not None and (known.revoked_at is None or known.person_id != person_id):
        raise Conflict("badge_exists")
    if known is not None:
        tx.execute(update(badges).where(badges.c.id == known.id).values(revoked_at=None))
        badge_id = int(known.id)
    else:
        values = {
            "uid_sealed": keyring.seal_uid(uid, entropy),
            "uid_lookup": lookup,
            "uid_tail": uid[-1:].hex(),
        }
        badge_id = int(
            tx.execute(
                insert(badges).values(person_id=person_id, added_at=now, **values).returning(badges.c.id)
            ).scalar_one()
        )
    authorisations.refresh_person(tx, now, person_id)
    return badge_id


def list_badges(tx: Connection, scope: Scope, person_id: int) -> list[Badge]:
    """A person's badges, revoked ones too. Raises NotFound."""
    get_person(tx, scope, person_id)
    query = select(badges.c.id, badges.c.person_id, badges.c.uid_tail, badges.c.added_at, badges.c.revoked_at)
    return [
        Badge(**row)
        for row in tx.execute(query.where(badges.c.person_id == person_id).order_by(badges.c.id)).mappings()
    ]


def revoke_badge(tx: Connection, now: int, scope: Scope, badge_id: int) -> None:
    """Takes a badge back: cars forget it at their next contact; an open session is not touched. Raises
    NotFound, Forbidden."""
    person_id = tx.execute(select(badges.c.person_id).where(badges.c.id == badge_id)).scalar()
    if person_id is None:
        raise NotFound()
    require_manager(tx, scope, person_id)
    tx.execute(
        update(badges).where(badges.c.id == badge_id, badges.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    authorisations.refresh_person(tx, now, person_id)


def find_by_uid(tx: Connection, keyring: Keyring, uid: bytes) -> tuple[int, int] | None:
    """(badge id, person id) of a UID, or None."""
    row = tx.execute(
        select(badges.c.id, badges.c.person_id).where(badges.c.uid_lookup == keyring.uid_lookup(uid))
    ).first()
    return None if row is None else (int(row[0]), int(row[1]))


def add_standing_right(
    tx: Connection, now: int, person_id: int, pool_id: int, kind: str, starts_at: int, ends_at: int
) -> int:
    """Use of a pool's cars without reservation (`standing`), or for service (`service`)."""
    values = {
        "person_id": person_id,
        "pool_id": pool_id,
        "kind": kind,
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    right_id = int(
        tx.execute(insert(standing_rights).values(**values).returning(standing_rights.c.id)).scalar_one()
    )
    rights.refresh_pool(tx, now, pool_id, person_id)
    return right_id


def require_manager(tx: Connection, scope: Scope, person_id: int) -> Person:
    """The person, if this scope manages their organisation. Raises NotFound, Forbidden."""
    person = get_person(tx, scope, person_id)
    if not scope.may_manage(person.organisation_id):
        raise Forbidden()
    return person


_PEOPLE: Final = select(people, organisations.c.name.label("organisation_name")).join(
    organisations, organisations.c.id == people.c.organisation_id
)


def _matching(query: Select[Any], scope: Scope, search: str) -> Select[Any]:
    query = query.where(or_(scope.managed(people.c.organisation_id), scope.mine(people.c.id)))
    for word in search.split()[:5]:
        kept = "".join(letter for letter in word.lower() if letter.isprintable() and letter not in "%_")
        pattern = f"%{kept}%"
        columns = (people.c.given_name, people.c.family_name, people.c.staff_number, people.c.department)
        query = query.where(or_(*(func.lower(column).like(pattern) for column in columns)))
    return query


def _person(row: Any) -> Person:
    values = {name: row[name] for name in Person.__dataclass_fields__}
    return Person(**{**values, "is_active": bool(values["is_active"])})
