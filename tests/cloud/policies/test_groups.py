"""Groups: whose they are, who is in them, what is forgotten with them."""

import pytest
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.fleet import service as fleet
from glovebox.policies import group_undo, groups
from glovebox.scope import SYSTEM
from support_cloud import DAY, NOW


@pytest.fixture
def group(sqlite_depot):
    depot = sqlite_depot
    return depot.run(lambda tx: groups.add_group(tx, SYSTEM, depot.town, "Astreinte", 5))


def test_a_group_has_people_of_its_own_body_each_once(sqlite_depot, group):
    depot = sqlite_depot
    for _ in range(2):
        depot.run(lambda tx: groups.add_member(tx, SYSTEM, group, depot.anne))
    with pytest.raises(Invalid) as refused:
        depot.run(lambda tx: groups.add_member(tx, SYSTEM, group, depot.cora))
    assert refused.value.code == "member_elsewhere"
    members = depot.read(lambda tx: groups.list_members(tx, SYSTEM, group))
    assert [one.id for one in members] == [depot.anne]
    depot.run(lambda tx: groups.remove_member(tx, SYSTEM, group, depot.anne))
    assert depot.read(lambda tx: groups.get_group(tx, SYSTEM, group)).members == 0


def test_a_name_stands_once_in_a_body(sqlite_depot, group):
    depot = sqlite_depot
    other = depot.run(lambda tx: groups.add_group(tx, SYSTEM, depot.town, "Stagiaires"))
    depot.run(lambda tx: groups.add_group(tx, SYSTEM, depot.agglo, "Astreinte"))
    for attempt in (
        lambda tx: groups.add_group(tx, SYSTEM, depot.town, "Astreinte"),
        lambda tx: groups.change_group(tx, SYSTEM, other, "Astreinte", 0),
    ):
        with pytest.raises(Conflict) as refused:
            depot.run(attempt)
        assert refused.value.code == "group_exists"


def test_a_group_goes_with_its_people_and_rules_but_not_while_a_pool_is_kept_for_it(sqlite_depot, group):
    depot = sqlite_depot
    depot.run(lambda tx: groups.add_member(tx, SYSTEM, group, depot.anne))
    depot.lay_down(group_id=group, horizon_s=DAY)
    depot.run(lambda tx: groups.keep_pool(tx, SYSTEM, depot.pool, {group}))
    with pytest.raises(Conflict) as refused:
        depot.run(lambda tx: groups.remove_group(tx, SYSTEM, group))
    assert refused.value.code == "group_in_use"
    depot.run(lambda tx: groups.keep_pool(tx, SYSTEM, depot.pool, set()))
    depot.run(lambda tx: groups.remove_group(tx, SYSTEM, group))
    for table in ("groups", "group_members", "policies", "pool_groups"):
        assert depot.rows(f"SELECT count(*) FROM {table}") == [(0,)]


def remove(depot, group):
    by = depot.colleague()
    depot.run(
        lambda tx: group_undo.change(tx, depot.now, by, group, lambda tx: groups.remove_group(tx, by, group))
    )


def take_back(depot, group):
    depot.run(lambda tx: group_undo.undo(tx, depot.now, depot.colleague(), group))


def test_a_removed_group_comes_back_with_its_rules_beside_those_laid_down_since(sqlite_depot, group):
    depot = sqlite_depot
    depot.lay_down(group_id=group, horizon_s=DAY)
    remove(depot, group)
    depot.lay_down(horizon_s=2 * DAY)
    take_back(depot, group)
    assert depot.rows("SELECT group_id, horizon_s FROM policies ORDER BY horizon_s") == [
        (group, DAY),
        (None, 2 * DAY),
    ]


def test_a_new_group_is_never_taken_for_one_that_was_removed(sqlite_depot, group):
    depot = sqlite_depot
    remove(depot, group)
    new = depot.run(lambda tx: groups.add_group(tx, SYSTEM, depot.town, "Stagiaires"))
    assert new != group
    take_back(depot, group)
    assert depot.rows("SELECT id, name FROM groups ORDER BY id") == [
        (group, "Astreinte"),
        (new, "Stagiaires"),
    ]


def test_a_removed_group_does_not_come_back_where_another_has_its_name(sqlite_depot, group):
    depot = sqlite_depot
    remove(depot, group)
    depot.run(lambda tx: groups.add_group(tx, SYSTEM, depot.town, "Astreinte"))
    with pytest.raises(Conflict) as refused:
        take_back(depot, group)
    assert refused.value.code == "group_exists"


def test_another_bodys_group_is_not_there_until_an_agreement_admits_it(sqlite_depot, group):
    depot = sqlite_depot
    cora = depot.manager(depot.agglo)
    tries = [
        lambda tx: groups.get_group(tx, cora, group),
        lambda tx: groups.change_group(tx, cora, group, "Nous", 0),
        lambda tx: groups.remove_group(tx, cora, group),
        lambda tx: groups.list_members(tx, cora, group),
        lambda tx: groups.add_member(tx, cora, group, depot.cora),
        lambda tx: groups.remove_member(tx, cora, group, depot.anne),
        lambda tx: groups.keep_pool(tx, cora, depot.other_pool, {group}),
        lambda tx: groups.keep_pool(tx, cora, 99, set()),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            depot.run(attempt)
    with pytest.raises(NotFound):
        depot.run(lambda tx: groups.keep_pool(tx, cora, depot.pool, set()))
    with pytest.raises(Forbidden):
        depot.run(lambda tx: groups.add_group(tx, cora, depot.town, "Nous"))
    assert depot.read(lambda tx: groups.list_admitted(tx, cora, depot.agglo)) == []
    depot.run(lambda tx: fleet.add_agreement(tx, depot.other_pool, depot.town, NOW, NOW + DAY))
    assert [one.id for one in depot.read(lambda tx: groups.list_admitted(tx, cora, depot.agglo))] == [group]
    depot.run(lambda tx: groups.keep_pool(tx, cora, depot.other_pool, {group}))


@pytest.mark.parametrize(("name", "priority"), [("", 0), ("x" * 81, 0), ("a\nb", 0), ("A", -1), ("A", 101)])
def test_a_group_that_makes_no_sense_is_refused(sqlite_depot, name, priority):
    with pytest.raises(Invalid):
        sqlite_depot.run(lambda tx: groups.add_group(tx, SYSTEM, sqlite_depot.town, name, priority))
