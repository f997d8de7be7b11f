"""What whoever keeps the list of people does to them, with what follows for their logins; each noted."""

import base64
from typing import Any, Final

from sqlalchemy import Connection

from glovebox.accounts import service
from glovebox.accounts.roles import Viewer
from glovebox.audit import service as audit
from glovebox.clock import HOUR_S, Entropy
from glovebox.errors import Forbidden
from glovebox.people import service as people

# 75 random bits, read out once over the telephone and changed by its owner.
FIRST_PASSWORD_BYTES: Final = 10
# Over a weekend; whoever comes later asks for another.
FIRST_PASSWORD_S: Final = 72 * HOUR_S


def add(tx: Connection, now: int, viewer: Viewer, organisation_id: int, **columns: Any) -> int:
    """A new person. Raises Forbidden, Invalid, Conflict `staff_number_exists`."""
    if not viewer.scope.may_manage(organisation_id):
        raise Forbidden()
    person_id = people.add_person(tx, now, organisation_id=organisation_id, **columns)
    _note(tx, now, viewer, "person added", columns["staff_number"])
    return person_id


def change(tx: Connection, now: int, viewer: Viewer, person_id: int, **columns: Any) -> None:
    """Changes columns; who is no longer active is logged out, bookings made stay until cancelled. Raises
    NotFound, Forbidden (nobody puts himself out), Invalid."""
    person = people.require_manager(tx, viewer.scope, person_id)
    is_put_out = columns.get("is_active", 1) == 0
    if is_put_out and person_id == viewer.person_id:
        raise Forbidden()
    people.change_person(tx, viewer.scope, person_id, **columns)
    if is_put_out:
        service.end_other_sessions(tx, person_id, None)
    _note(tx, now, viewer, "person changed", person.staff_number)


def may_give_login(viewer: Viewer, organisation_id: int, person_id: int, *, has_roles: bool) -> bool:
    """A manager must not become somebody mightier by giving that person a new password."""
    if person_id == viewer.person_id:
        return False
    is_administrator = any(
        grant.role == "administrator" and grant.organisation_id == organisation_id for grant in viewer.grants
    )
    return is_administrator or not has_roles


def draw_password(entropy: Entropy) -> str:
    """A first password, to be shown once and stored nowhere."""
    text = base64.b32encode(entropy(FIRST_PASSWORD_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def give_login(tx: Connection, now: int, viewer: Viewer, person_id: int, password_hash: str) -> None:
    """Stores the hash of a first password, good for `FIRST_PASSWORD_S`; earlier sessions end. Raises
    NotFound, Forbidden, and as `set_password`."""
    person = people.require_manager(tx, viewer.scope, person_id)
    service.set_password(tx, now, person_id, password_hash, now + FIRST_PASSWORD_S)
    service.end_other_sessions(tx, person_id, None)
    _note(tx, now, viewer, "login given", person.staff_number)


def end_sessions(tx: Connection, now: int, viewer: Viewer, person_id: int) -> int:
    """Logs that person out everywhere; how many sessions that ended. Raises NotFound, Forbidden."""
    person = people.require_manager(tx, viewer.scope, person_id)
    count = service.end_other_sessions(tx, person_id, None)
    _note(tx, now, viewer, "sessions ended", person.staff_number)
    return count


def note_badge(tx: Connection, now: int, viewer: Viewer, action: str, person_id: int) -> None:
    """A badge of that person was added or withdrawn. Raises NotFound, Forbidden where it may not be."""
    _note(tx, now, viewer, action, people.require_manager(tx, viewer.scope, person_id).staff_number)


def _note(tx: Connection, now: int, viewer: Viewer, action: str, staff_number: str) -> None:
    audit.note(tx, now, viewer.scope, action, actor=viewer.name, filter_text=staff_number, people_count=1)
