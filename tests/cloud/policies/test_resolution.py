"""Which rule holds: the most specific one, whatever was laid down and in whatever order."""

import itertools

import pytest
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.policies import groups, service
from glovebox.policies.resolution import Rulebook, resolve
from glovebox.policies.schemas import BUILT_IN, LIMITS, NAMES, Policy
from glovebox.scope import SYSTEM
from hypothesis import given
from hypothesis import strategies as st
from support_cloud import HOUR, NOW

OWN, OTHER = 1, 2
POOL, OTHER_POOL = 10, 11
FIRST, SECOND, STRANGE = 20, 21, 29
ORIGINS = ("group_pool", "pool", "group", "organisation")


def level(origin, **values):
    pool_id = POOL if "pool" in origin else None
    group_id = FIRST if "group" in origin else None
    return Policy(OWN, pool_id, group_id, **values)


@pytest.mark.parametrize("name", NAMES)
def test_each_value_comes_from_the_most_specific_level_that_says_it(name):
    """Every set of levels that say the value, by exhaustion."""
    least = LIMITS[name][0]
    for count in range(len(ORIGINS) + 1):
        for said in itertools.combinations(ORIGINS, count):
            found = [level(origin, **{name: least + ORIGINS.index(origin)}) for origin in said]
            silent = [level(origin) for origin in ORIGINS if origin not in said]
            resolved = resolve(silent + found, OWN, POOL, [FIRST])
            expected = min(said, key=ORIGINS.index, default="built_in")
            assert resolved.origin(name) == expected
            wanted = least + ORIGINS.index(expected) if said else getattr(BUILT_IN, name)
            assert getattr(resolved.rules, name) == wanted
            others = [getattr(resolved.rules, other) for other in NAMES if other != name]
            assert others == [getattr(BUILT_IN, other) for other in NAMES if other != name]


some_policies = st.lists(
    st.builds(
        Policy,
        organisation_id=st.sampled_from([OWN, OTHER]),
        pool_id=st.sampled_from([None, POOL, OTHER_POOL]),
        group_id=st.sampled_from([None, FIRST, SECOND, STRANGE]),
        buffer_s=st.none() | st.integers(0, 9),
        lead_s=st.none() | st.integers(0, 9),
    ),
    unique_by=lambda one: (one.organisation_id, one.pool_id, one.group_id),
)


@given(found=some_policies, groups_of=st.permutations([FIRST, SECOND]).map(lambda ids: ids[:2]) | st.just([]))
def test_whatever_is_laid_down_the_most_specific_fitting_level_decides(found, groups_of):
    """Against a walk from the narrowest level to the widest, told the other way round than the code does."""
    resolved = resolve(found, OWN, POOL, groups_of)
    by_level = {(one.organisation_id, one.pool_id, one.group_id): one for one in found}
    walk = [(OWN, POOL, group) for group in groups_of] + [(OWN, POOL, None)]
    walk += [(OWN, None, group) for group in groups_of] + [(OWN, None, None)]
    for name in ("buffer_s", "lead_s"):
        values = [getattr(by_level[where], name) for where in walk if where in by_level]
        told = [value for value in values if value is not None]
        assert getattr(resolved.rules, name) == (told[0] if told else getattr(BUILT_IN, name))


def test_of_two_groups_the_one_with_the_higher_priority_decides(depot):
    def fill(tx):
        low = groups.add_group(tx, SYSTEM, depot.town, "Stagiaires", 1)
        high = groups.add_group(tx, SYSTEM, depot.town, "Astreinte", 9)
        for group_id in (low, high):
            groups.add_member(tx, SYSTEM, group_id, depot.anne)
        return low, high

    low, high = depot.run(fill)
    depot.lay_down(group_id=low, lead_s=2 * HOUR)
    depot.lay_down(group_id=high, lead_s=HOUR)
    book = depot.read(lambda tx: Rulebook(tx, depot.anne).of(depot.town, depot.pool))
    assert (book.rules.lead_s, book.origin("lead_s")) == (HOUR, "group")
    assert depot.read(lambda tx: Rulebook(tx, depot.bob).of(depot.town, depot.pool)).rules.lead_s == 0


def test_a_level_that_says_nothing_more_is_forgotten_and_every_change_can_be_put_back(depot):
    depot.lay_down(buffer_s=900)
    depot.clock.now += 60
    depot.lay_down(buffer_s=None)
    assert depot.rows("SELECT count(*) FROM policies") == [(0,)]
    where = Policy(depot.town)
    depot.run(lambda tx: service.undo_policy(tx, SYSTEM, where))
    assert depot.read(lambda tx: service.get_policy(tx, SYSTEM, depot.town)).buffer_s == 900
    depot.run(lambda tx: service.undo_policy(tx, SYSTEM, where))
    assert depot.rows("SELECT count(*) FROM policies") == [(0,)]
    with pytest.raises(Conflict) as refused:
        depot.run(lambda tx: service.undo_policy(tx, SYSTEM, where))
    assert refused.value.code == "nothing_to_undo"


def test_only_so_many_steps_back_are_kept(sqlite_depot):
    for step in range(service.CHANGES_KEPT + 5):
        sqlite_depot.lay_down(buffer_s=60 * (step + 1))
    assert sqlite_depot.rows("SELECT count(*) FROM rule_changes") == [(service.CHANGES_KEPT,)]


def test_what_would_hold_without_a_level_leaves_that_level_out(sqlite_depot):
    depot = sqlite_depot
    depot.lay_down(buffer_s=900)
    depot.lay_down(pool_id=depot.pool, buffer_s=1800)
    mine = depot.read(lambda tx: service.get_policy(tx, SYSTEM, depot.town, depot.pool))
    without = depot.read(lambda tx: service.inherited(tx, mine))
    assert (without.rules.buffer_s, without.origin("buffer_s")) == (900, "organisation")


@pytest.mark.parametrize("name", NAMES)
def test_a_value_just_out_of_its_limits_is_refused_and_the_limits_are_taken(sqlite_depot, name):
    least, largest = LIMITS[name]
    for value in (least, largest):
        sqlite_depot.lay_down(**{name: value})
    for value in (least - 1, largest + 1):
        with pytest.raises(Invalid) as refused:
            sqlite_depot.lay_down(**{name: value})
        assert refused.value.code == "rule_out_of_range"
    kept = sqlite_depot.read(lambda tx: service.get_policy(tx, SYSTEM, sqlite_depot.town))
    assert getattr(kept, name) == largest


def test_rules_are_laid_down_by_who_manages_the_cars_and_nobody_else(sqlite_depot):
    depot = sqlite_depot
    tries = [
        (depot.driver(depot.anne), Policy(depot.town, buffer_s=60), Forbidden),
        (depot.manager(depot.agglo), Policy(depot.town, buffer_s=60), Forbidden),
        (depot.manager(depot.agglo), Policy(depot.town, depot.pool, buffer_s=60), Forbidden),
        (depot.manager(depot.town), Policy(depot.town, depot.other_pool, buffer_s=60), NotFound),
        (depot.manager(depot.town), Policy(depot.town, group_id=99, buffer_s=60), NotFound),
        (depot.manager(depot.town), Policy(99, buffer_s=60), NotFound),
    ]
    for scope, policy, error in tries:
        with pytest.raises(error):
            depot.run(lambda tx, scope=scope, policy=policy: service.set_policy(tx, NOW, scope, policy))
        with pytest.raises(error):
            depot.run(lambda tx, scope=scope, policy=policy: service.undo_policy(tx, scope, policy))
    assert depot.rows("SELECT count(*) FROM policies") == [(0,)]
    depot.lay_down(buffer_s=60)
    assert depot.read(lambda tx: service.list_policies(tx, depot.manager(depot.agglo))) == []
    assert len(depot.read(lambda tx: service.list_policies(tx, depot.manager(depot.town)))) == 1
