"""Grants, and what follows from them."""

import pytest
from glovebox.accounts import roles
from glovebox.accounts.roles import CAPABILITIES, Grant, Viewer
from glovebox.errors import Forbidden, Invalid
from glovebox.scope import ROLES


def viewer(*grants: Grant) -> Viewer:
    return Viewer(1, 10, "A", "B", "en", grants)


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_permits_what_the_table_in_the_docstring_says(capability, role):
    rows = [line for line in (roles.__doc__ or "").splitlines() if line.startswith(f"| `{capability}`")]
    held_by = rows[0].split("|")[2].strip().split(", ")
    assert viewer(Grant(role, 10, None)).may(capability) is (role in held_by)


def test_without_a_grant_nothing_but_driving_is_permitted():
    assert not any(viewer().may(capability) for capability in CAPABILITIES)
    assert viewer().scope.roles == {"driver"}
    assert viewer().scope.managed_ids == frozenset()


def test_a_role_on_a_pool_does_not_reach_the_organisation():
    of_pool = viewer(Grant("manager", None, 5))
    assert of_pool.holds("console", 10, 5)
    assert not of_pool.holds("console", 10, 6)
    assert of_pool.scope.managed_ids == frozenset()


def test_names_are_seen_of_ones_own_people_and_of_drivers_of_ones_cars_only():
    manager = viewer(Grant("manager", 10, None))
    assert manager.sees_person(10, 20, 5)
    assert manager.sees_person(20, 10, 5)
    assert not manager.sees_person(20, 30, 5)
    assert not viewer(Grant("site_staff", 10, None)).sees_person(10, 10, 5)


def test_one_acts_scope_reaches_that_cars_pool_with_the_roles_held_there():
    staff = viewer(Grant("site_staff", 10, None), Grant("manager", 20, None))
    scope = staff.scope_on("commands", 10, 5)
    assert (scope.managed_ids, scope.pool_ids) == (frozenset(), {5})
    assert scope.roles == {"site_staff"}
    with pytest.raises(Forbidden):
        staff.scope_on("commands", 30, 5)
    with pytest.raises(Forbidden):
        staff.scope_on("boxes", 10, 5)


def test_granting_twice_is_granting_once_and_taking_back_takes_all(town):
    person_id, body = town.person["driver"], town.body["town"]
    with town.apps.cloud.store.write() as tx:
        for _ in range(2):
            roles.grant_role(tx, person_id, "manager", organisation_id=body)
        assert roles.read_grants(tx, person_id) == (Grant("manager", body, None),)
        roles.revoke_role(tx, person_id, "manager", organisation_id=body)
        assert roles.read_grants(tx, person_id) == ()


@pytest.mark.parametrize(
    "arguments",
    [
        {"role": "emperor", "organisation_id": 1},
        {"role": "manager"},
        {"role": "manager", "organisation_id": 1, "pool_id": 1},
    ],
)
def test_a_grant_names_a_known_role_and_one_holder(town, arguments):
    with town.apps.cloud.store.write() as tx, pytest.raises(Invalid):
        roles.grant_role(tx, town.person["driver"], **arguments)
