"""A reservation that somebody has to approve: it holds its car, waits for an answer until it is due, and is
asked for again when it grows."""

import pytest
from glovebox.accounts import roles
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.reservations import approval, service
from glovebox.reservations.schemas import AlreadyTaken
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM, Scope
from support_cloud import DAY, HOUR, NOW


@pytest.fixture
def asking(depot):
    """The town's cars need approval within six hours; Bob approves for the pool."""
    depot.lay_down(needs_approval=1, approval_due_s=6 * HOUR)
    depot.approver = Scope(
        depot.town, depot.bob, frozenset({"driver"}), approves_pool_ids=frozenset({depot.pool})
    )
    return depot


def waiting(depot, scope):
    return [one.id for one in depot.read(lambda tx: approval.list_waiting(tx, scope))]


def let_pass(depot, seconds):
    depot.clock.now += seconds
    depot.run(lambda tx: apply_rules(tx, depot.now))


def test_a_pending_reservation_holds_its_car_and_is_seen_by_who_may_answer(asking):
    number = asking.book(asking.anne, DAY, DAY + HOUR, purpose="Chantier", scope=asking.driver(asking.anne))
    kept = asking.reservation(number)
    assert (kept.state, kept.approval_due_at) == ("pending", NOW + 6 * HOUR)
    with pytest.raises(AlreadyTaken):
        asking.book(asking.bob, DAY, DAY + HOUR)
    shown = asking.read(lambda tx: approval.list_waiting(tx, asking.approver))
    assert [(one.id, one.person_name, one.purpose) for one in shown] == [(number, "Anne Morin", "Chantier")]
    assert waiting(asking, asking.manager(asking.town)) == [number]
    for scope in (asking.driver(asking.anne), asking.manager(asking.agglo)):
        assert waiting(asking, scope) == []


def test_approved_it_is_confirmed_and_the_box_is_told_only_then(asking):
    box = asking.claim()
    number = asking.book(asking.anne)
    box.greet()
    assert box.authorisations() == {}
    asking.run(lambda tx: approval.approve(tx, NOW, asking.approver, number))
    box.greet()
    assert asking.reservation(number).state == "confirmed"
    assert asking.rows("SELECT decided_by FROM reservations") == [(asking.bob,)]
    assert len(box.authorisations()) == 1
    with pytest.raises(Conflict) as again:
        asking.run(lambda tx: approval.approve(tx, NOW, asking.approver, number))
    assert again.value.code == "not_waiting"


def test_refused_it_is_cancelled_with_a_reason_that_the_person_reads(asking):
    number = asking.book(asking.anne)
    with pytest.raises(Invalid) as silent:
        asking.run(lambda tx: approval.refuse(tx, NOW, asking.approver, number, " \n"))
    assert silent.value.code == "refusal_reason_missing"
    asking.run(lambda tx: approval.refuse(tx, NOW, asking.approver, number, "Le train est plus rapide."))
    seen = asking.reservation(number, asking.driver(asking.anne))
    assert (seen.state, seen.decision_reason) == ("cancelled", "Le train est plus rapide.")
    asking.book(asking.bob)


def test_nobody_else_answers(asking):
    number = asking.book(asking.anne)
    tries = [
        (asking.driver(asking.anne), Forbidden),
        (asking.driver(asking.bob), Forbidden),
        (asking.manager(asking.agglo), NotFound),
        (Scope(asking.agglo, asking.cora, approves_ids=frozenset({asking.agglo})), NotFound),
    ]
    for scope, error in tries:
        with pytest.raises(error):
            asking.run(lambda tx, scope=scope: approval.approve(tx, NOW, scope, number))
        with pytest.raises(error):
            asking.run(lambda tx, scope=scope: approval.refuse(tx, NOW, scope, number, "Non"))
    assert asking.reservation(number).state == "pending"


def test_unanswered_it_lapses_when_the_answer_was_due_and_not_before(asking):
    number = asking.book(asking.anne, DAY, DAY + HOUR)
    let_pass(asking, 6 * HOUR - 1)
    assert asking.reservation(number).state == "pending"
    let_pass(asking, 1)
    assert asking.reservation(number).state == "expired"
    asking.book(asking.bob, 18 * HOUR, 19 * HOUR)


@pytest.mark.parametrize(
    ("start", "end", "due"),
    [
        (3 * HOUR, 5 * HOUR, 3 * HOUR),  # at the start at the latest
        (0, 5 * HOUR, HOUR),  # wanted at once: an hour
        (0, HOUR // 2, HOUR // 2),  # but not after its end
        (DAY, 2 * DAY, 6 * HOUR),
    ],
)
def test_an_answer_is_due_before_the_start_but_not_within_an_hour(asking, start, end, due):
    assert asking.reservation(asking.book(asking.anne, start, end)).approval_due_at == NOW + due


def test_who_may_approve_books_without_asking(asking):
    manager = asking.manager(asking.town)
    assert asking.reservation(asking.book(asking.anne, scope=manager)).state == "confirmed"


def test_grown_beyond_what_was_approved_it_waits_again_and_shortened_it_does_not(asking):
    anne = asking.driver(asking.anne)
    number = asking.book(asking.anne, DAY, DAY + 4 * HOUR, scope=anne)
    asking.run(lambda tx: approval.approve(tx, NOW, asking.approver, number))

    def change(scope, **values):
        asking.run(lambda tx: service.change(tx, NOW, scope, number, **values))
        return asking.reservation(number).state

    assert change(anne, ends_at=NOW + DAY + 3 * HOUR, purpose="Chantier") == "confirmed"
    assert change(SYSTEM, vehicle_id=asking.car_2) == "confirmed"
    assert change(asking.manager(asking.town), ends_at=NOW + DAY + 5 * HOUR) == "confirmed"
    asking.run(lambda tx: roles.grant_role(tx, asking.bob, "approver", pool_id=asking.pool))
    before = told(asking)
    assert change(anne, ends_at=NOW + DAY + 6 * HOUR) == "pending"
    assert told(asking) == [*before, (asking.bob, "approval_asked")]
    assert waiting(asking, asking.approver) == [number]


def test_a_pending_one_moved_earlier_is_due_earlier(asking):
    number = asking.book(asking.anne, DAY, DAY + HOUR)
    asking.run(
        lambda tx: service.change(tx, NOW, SYSTEM, number, starts_at=NOW + 2 * HOUR, ends_at=NOW + 3 * HOUR)
    )
    assert asking.reservation(number).approval_due_at == NOW + 2 * HOUR


def test_only_a_pools_cars_need_approval_where_only_the_pool_says_so(depot):
    depot.lay_down(depot.agglo, depot.other_pool, needs_approval=1)
    assert depot.reservation(depot.book(depot.anne)).state == "confirmed"
    assert depot.reservation(depot.book(depot.cora, vehicle_id=depot.car_3)).state == "pending"


def told(depot):
    return depot.rows("SELECT person_id, kind FROM messages ORDER BY id")


def test_approvers_are_told_of_what_waits_and_the_person_of_the_answer(asking):
    asking.run(lambda tx: roles.grant_role(tx, asking.bob, "approver", pool_id=asking.pool))
    asking.run(lambda tx: roles.grant_role(tx, asking.cora, "approver", organisation_id=asking.agglo))
    first, second, third = (
        asking.book(asking.anne, start * HOUR, start * HOUR + HOUR, scope=asking.driver(asking.anne))
        for start in (20, 30, 40)
    )
    assert told(asking) == [(asking.bob, "approval_asked")] * 3
    asking.run(lambda tx: approval.approve(tx, NOW, asking.approver, first))
    asking.run(lambda tx: approval.refuse(tx, NOW, asking.approver, second, "Le train."))
    let_pass(asking, 6 * HOUR)
    assert asking.reservation(third).state == "expired"
    kinds = ("approval_given", "approval_refused", "approval_lapsed")
    assert told(asking)[3:] == [(asking.anne, kind) for kind in kinds]


def test_managers_are_told_where_there_is_no_approver_and_nobody_where_nothing_waits(asking):
    asking.run(lambda tx: roles.grant_role(tx, asking.bob, "manager", organisation_id=asking.town))
    asking.book(asking.anne, scope=asking.manager(asking.town))
    assert told(asking) == []
    asking.book(asking.anne, 5 * HOUR, 6 * HOUR, scope=asking.driver(asking.anne))
    assert told(asking) == [(asking.bob, "approval_asked")]


def test_approvers_do_not_hear_of_what_was_given_back_at_once_and_do_if_that_is_undone(asking):
    asking.run(lambda tx: roles.grant_role(tx, asking.bob, "approver", pool_id=asking.pool))
    anne = asking.driver(asking.anne)
    number = asking.book(asking.anne, scope=anne)
    asking.clock.now += 10
    asking.run(lambda tx: service.cancel(tx, asking.now, anne, number))
    states = "SELECT state, due_at FROM messages WHERE kind = 'approval_asked' ORDER BY id"
    assert asking.rows(states) == [("dropped", NOW + 30)]
    asking.clock.now += 10
    asking.run(lambda tx: service.take_back(tx, asking.now, anne, number))
    assert asking.reservation(number).state == "pending"
    assert asking.rows(states) == [("dropped", NOW + 30), ("waiting", NOW + 50)]
    asking.clock.now += 40
    asking.run(lambda tx: service.cancel(tx, asking.now, anne, number))
    asking.run(lambda tx: service.take_back(tx, asking.now, anne, number))
    assert len(asking.rows(states)) == 2, "it had left: nobody is asked twice"
