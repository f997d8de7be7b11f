"""One-way promises: a car is where its last trip will have left it, and nobody looks for it elsewhere."""

import pytest
from glovebox.errors import Conflict, Invalid, NotFound
from glovebox.policies import hours
from glovebox.policies.schemas import DayHours, SiteHours
from glovebox.reservations import availability, finding, service, swapping
from glovebox.reservations.availability import Wanted
from glovebox.reservations.schemas import AlreadyTaken
from glovebox.rules import apply_rules
from glovebox.scope import SYSTEM
from support_at_once import all_at_once, in_its_own
from support_cloud import ANNE_UID, HOUR, NOW

UNDO_S = 30


def found(depot, site, start, end, **options):
    wanted = Wanted(depot.now + start, depot.now + end, from_site=site, **options)
    offers = depot.read(lambda tx: availability.look(tx, depot.now, SYSTEM, wanted)).offers
    return [offer.registration for offer in offers if offer.site_id == site]


def let_pass(depot, seconds):
    depot.clock.now += seconds
    depot.run(lambda tx: apply_rules(tx, depot.now))


def answers(depot):
    return depot.rows("SELECT reservation_id, cause, outcome, closed_at IS NULL FROM rehousings ORDER BY id")


def cancel(depot, number, scope=SYSTEM):
    depot.run(lambda tx: service.cancel(tx, depot.now, scope, number))


def vehicle_site(depot):
    return depot.rows("SELECT site_id FROM vehicles WHERE id = :id", id=depot.car)[0][0]


def test_a_car_is_found_where_the_promises_before_will_have_left_it(depot):
    depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    assert "AA-101-AA" in found(depot, depot.site, 0, HOUR)
    assert "AA-101-AA" not in found(depot, depot.site, 3 * HOUR, 4 * HOUR)
    assert "AA-101-AA" in found(depot, depot.station, 3 * HOUR, 4 * HOUR)
    back = depot.book(depot.bob, 5 * HOUR, 6 * HOUR, to_site=depot.site)
    one = depot.reservation(back)
    assert (one.site_name, one.end_site_name, one.end_site_id) == ("Gare", "Mairie", depot.site)
    assert "AA-101-AA" in found(depot, depot.site, 7 * HOUR, 8 * HOUR)


def test_brought_back_to_where_it_starts_is_no_one_way_trip(depot):
    one = depot.reservation(depot.book(depot.anne, to_site=depot.site))
    assert (one.end_site_id, one.end_site_name, one.site_name) == (None, "", "Mairie")


def test_a_start_where_the_car_will_not_be_is_refused_with_where_it_will_be(depot):
    depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    with pytest.raises(Conflict) as refused:
        depot.book(depot.bob, 3 * HOUR, 4 * HOUR, from_site=depot.site)
    assert refused.value.code == "car_elsewhere"
    assert (refused.value.values["site"], refused.value.values["wanted"]) == ("Gare", "Mairie")
    depot.book(depot.bob, 3 * HOUR, 4 * HOUR, from_site=depot.station)
    with pytest.raises(NotFound):
        depot.book(depot.bob, 5 * HOUR, 6 * HOUR, to_site=999)


def test_a_trip_that_would_leave_the_car_where_the_next_person_does_not_look_is_refused(depot):
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    with pytest.raises(Conflict) as refused:
        depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    assert refused.value.code == "counted_on_elsewhere"
    assert (refused.value.values["site"], refused.value.values["at"]) == ("Mairie", NOW + 5 * HOUR)
    wanted = Wanted(NOW + HOUR, NOW + 2 * HOUR, depot.site, depot.station)
    looked = depot.read(lambda tx: availability.look(tx, NOW, SYSTEM, wanted))
    assert "AA-101-AA" not in [offer.registration for offer in looked.offers]
    refusals = {vehicle.registration: error.code for vehicle, error in looked.refused}
    assert refusals["AA-101-AA"] == "counted_on_elsewhere"
    depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.site)
    depot.book(depot.anne, 7 * HOUR, 8 * HOUR, to_site=depot.station)


@pytest.mark.parametrize("how", ["cancelled", "moved"])
def test_a_broken_chain_is_a_cause_once_it_cannot_be_undone_and_is_rehoused_at_the_promised_site(depot, how):
    first = depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    second = depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    depot.run(lambda tx: service.change(tx, NOW, SYSTEM, second, purpose="Gare"))
    if how == "cancelled":  # the other car comes to the station all the same
        depot.book(depot.anne, 3 * HOUR, 4 * HOUR, depot.car_2, to_site=depot.station)
    let_pass(depot, UNDO_S)
    anne = depot.driver(depot.anne)
    if how == "cancelled":
        cancel(depot, first, anne)
    else:
        depot.run(lambda tx: service.change(tx, depot.now, anne, first, vehicle_id=depot.car_2))
    let_pass(depot, UNDO_S - 1)
    assert answers(depot) == [], "it may still be taken back"
    let_pass(depot, 1)
    assert answers(depot) == [(second, "broken_chain", "moved", False)]
    one = depot.reservation(second)
    assert (one.registration, one.site_name, one.is_at_risk) == ("BB-202-BB", "Gare", False)
    assert [row[0] for row in depot.rows("SELECT kind FROM messages WHERE person_id = 2")] == [
        "rehouse_moved"
    ]


def test_a_cancellation_taken_back_breaks_nothing_and_tells_nobody(depot):
    anne = depot.driver(depot.anne)
    first = depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    let_pass(depot, UNDO_S)
    cancel(depot, first, anne)
    let_pass(depot, 20)
    depot.run(lambda tx: service.take_back(tx, depot.now, anne, first))
    let_pass(depot, HOUR // 2)
    assert answers(depot) == []
    assert depot.rows("SELECT count(*) FROM messages") == [(0,)]


def test_a_cancellation_is_not_taken_back_where_somebody_counts_on_the_car_elsewhere_by_now(depot):
    anne = depot.driver(depot.anne)
    first = depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    cancel(depot, first, anne)
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR, from_site=depot.site)
    with pytest.raises(Conflict) as refused:
        depot.run(lambda tx: service.take_back(tx, depot.now, anne, first))
    assert refused.value.code == "undo_taken"
    assert depot.reservation(first).state == "cancelled"


def test_a_broken_chain_that_nothing_else_serves_is_told_and_over_when_the_car_comes_after_all(depot):
    first = depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    second = depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    depot.book(depot.bob, 0, 8 * HOUR, depot.car_2)
    cancel(depot, first)
    let_pass(depot, 1)
    assert answers(depot)[0][:2] == (second, "broken_chain")
    assert depot.reservation(second).is_at_risk
    depot.book(depot.anne, 2 * HOUR, 3 * HOUR, to_site=depot.station)
    let_pass(depot, 1)
    assert answers(depot)[0][3] is False or answers(depot)[0][3] == 0
    assert not depot.reservation(second).is_at_risk


def test_what_follows_a_broken_link_is_broken_too(depot):
    first = depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    second = depot.book(depot.bob, 3 * HOUR, 4 * HOUR, to_site=depot.site)
    third = depot.book(depot.anne, 5 * HOUR, 6 * HOUR, to_site=depot.station)
    fourth = depot.book(depot.bob, 7 * HOUR, 8 * HOUR)
    depot.book(depot.bob, 0, 9 * HOUR, depot.car_2)
    cancel(depot, first)
    for _ in range(4):
        let_pass(depot, 1)
    at_risk = {number for number, _cause, _outcome, is_open in answers(depot) if is_open}
    assert second in at_risk
    assert third not in at_risk, "the car never left: it stands where this one starts"
    assert fourth not in at_risk
    assert "AA-101-AA" in found(depot, depot.site, 4 * HOUR, 4 * HOUR + 1800)


def test_the_box_lets_the_session_end_where_the_promise_says(depot, box):
    box.greet()
    number = depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    later = depot.book(depot.bob, 3 * HOUR, 4 * HOUR)
    box.greet()
    places = {row[0]: row[1] for row in depot.rows("SELECT authorisation_id, place FROM authorisations")}
    assert (places[number], places[later]) == (depot.station, depot.station)


def test_the_car_stands_where_its_trip_left_it_and_late_journals_move_it_nowhere(depot, box):
    number = depot.book(depot.anne, 0, HOUR, to_site=depot.station)
    session = box.session_start(NOW, number, ANNE_UID)
    box.session_end(NOW + HOUR, session, number, place=depot.station)
    depot.clock.now += HOUR
    box.sync(box.records())
    assert vehicle_site(depot) == depot.station
    assert depot.rows("SELECT home_site_id FROM vehicles WHERE id = :id", id=depot.car) == [(depot.site,)]
    assert "AA-101-AA" in found(depot, depot.station, HOUR, 2 * HOUR)
    late = box.session_start(NOW - 2 * HOUR, 0, ANNE_UID, auth_kind=2)
    box.session_end(NOW - HOUR, late, 0, place=depot.site)
    box.sync(box.records())
    assert vehicle_site(depot) == depot.station


def test_a_trip_that_ends_elsewhere_than_promised_breaks_the_chain(depot, box):
    number = depot.book(depot.anne, 0, HOUR, to_site=depot.station)
    second = depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    session = box.session_start(NOW, number, ANNE_UID)
    box.session_end(NOW + HOUR, session, number, place=depot.site)
    depot.clock.now += HOUR
    box.sync(box.records())
    let_pass(depot, 1)
    assert answers(depot)[0][:2] == (second, "broken_chain")


def test_a_car_without_a_box_is_taken_to_be_where_it_was_promised_to_go(depot):
    depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    later = depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    let_pass(depot, 3 * HOUR)
    assert vehicle_site(depot) == depot.station
    assert (answers(depot), depot.reservation(later).is_at_risk) == ([], False)


def refused_with(depot, start, end, **options):
    """When the same car is offered instead, in hours from now."""
    with pytest.raises(AlreadyTaken) as refused:
        depot.book(depot.bob, start, end, **options)
    slot = refused.value.next_free
    return None if slot is None else (slot.starts_at - NOW) / HOUR


def test_after_a_clash_the_car_is_offered_at_another_time_only_while_it_stands_there(depot):
    """It is away from hour two to hour five."""
    depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    depot.book(depot.anne, 4 * HOUR, 5 * HOUR, to_site=depot.site)
    assert refused_with(depot, HOUR, 2 * HOUR) == 5
    assert refused_with(depot, 4 * HOUR, 5 * HOUR) is None, "from then on it stands at the other site"


def test_an_earlier_time_is_found_only_where_the_car_stands_there_by_then(depot):
    """It comes back at hour four; before that it is free, but at the other site."""
    depot.book(depot.anne, 0, HOUR, to_site=depot.station)
    depot.book(depot.anne, 3 * HOUR + 1_800, 4 * HOUR, to_site=depot.site)
    last = depot.book(depot.anne, 5 * HOUR, 8 * HOUR)
    depot.book(depot.bob, 2 * HOUR, 10 * HOUR, depot.car_2)

    def other_times():
        wanted = Wanted(NOW + 4 * HOUR, NOW + 6 * HOUR, depot.site)
        nearly = depot.read(lambda tx: finding.find(tx, depot.now, SYSTEM, wanted)).nearly
        return [(one.starts_at - NOW) / HOUR for one in nearly if one.kind == "other_time"]

    assert other_times() == []
    depot.run(lambda tx: service.change(tx, NOW, SYSTEM, last, ends_at=NOW + 6 * HOUR))
    assert other_times() == [6]


def test_giving_time_back_is_never_refused_and_another_time_keeps_the_place(depot):
    one_way = depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    later = depot.book(depot.bob, 5 * HOUR, 7 * HOUR)
    depot.run(lambda tx: service.change(tx, NOW, SYSTEM, later, ends_at=NOW + 6 * HOUR))
    with pytest.raises(Conflict) as refused:
        depot.run(lambda tx: service.change(tx, NOW, SYSTEM, later, starts_at=NOW, ends_at=NOW + HOUR))
    assert refused.value.code == "car_elsewhere", "before the one-way trip it is not at the station"
    cancel(depot, one_way)
    depot.run(lambda tx: service.change(tx, NOW, SYSTEM, later, ends_at=NOW + 6 * HOUR - 60))


def test_cars_exchanged_begin_where_each_stands(depot):
    depot.book(depot.anne, HOUR, 2 * HOUR, to_site=depot.station)
    first = depot.book(depot.anne, 3 * HOUR, 4 * HOUR)
    second = depot.book(depot.bob, 3 * HOUR, 4 * HOUR, depot.car_2)
    depot.run(lambda tx: swapping.swap(tx, NOW, SYSTEM, first, second))
    assert depot.reservation(first).site_name == "Mairie"
    assert depot.reservation(second).site_name == "Gare"


def test_two_one_way_bookings_at_once_do_not_both_count_on_the_same_car(depot):
    """Each in a transaction of its own, as two processes would: one leaves it at the station, the other
    looks for it at the town hall."""
    for round_number in range(5):
        hour = NOW + 10 * round_number * HOUR

        def want(start, to_site):
            where = (depot.car, depot.anne, start, start + HOUR)
            sites = {"from_site": depot.site, "to_site": to_site}
            return in_its_own(depot, lambda tx: service.book(tx, NOW, SYSTEM, *where, **sites))

        outcomes = all_at_once(want(hour + HOUR, depot.station), want(hour + 3 * HOUR, None))
        (refused,) = [outcome for outcome in outcomes if not isinstance(outcome, int)]
        assert refused.code in ("car_elsewhere", "counted_on_elsewhere")
        depot.run(lambda tx: tx.exec_driver_sql("UPDATE reservations SET state = 'cancelled'"))


def test_where_it_is_brought_back_is_changed_later_and_back_again(depot):
    anne = depot.driver(depot.anne)
    number = depot.book(depot.anne)

    def change(**values):
        depot.run(lambda tx: service.change(tx, depot.now, anne, number, **values))
        return depot.reservation(number).end_site_id

    assert change(to_site=depot.station) == depot.station
    assert change(ends_at=depot.now + 2 * HOUR) == depot.station
    assert change(to_site=depot.site) is None
    with pytest.raises(NotFound):
        change(to_site=999)


@pytest.mark.parametrize("to", ["station", "site"])
def test_the_next_person_counts_on_where_it_was_to_be_brought_back(depot, to):
    before = "site" if to == "station" else "station"
    number = depot.book(depot.anne, to_site=getattr(depot, before))
    depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    with pytest.raises(Conflict) as refused:
        depot.run(lambda tx: service.change(tx, depot.now, SYSTEM, number, to_site=getattr(depot, to)))
    assert refused.value.code == "counted_on_elsewhere"
    assert refused.value.values["time_zone"] == "Europe/Paris"


def test_under_way_it_may_be_left_elsewhere_and_who_waits_is_rehoused(depot, box):
    number = depot.book(depot.anne, 0, 2 * HOUR)
    waiting = depot.book(depot.bob, 5 * HOUR, 6 * HOUR)
    box.greet(box.state(depot.now))
    box.session_start(depot.now, number, ANNE_UID)
    box.greet(box.records(1, 1))
    assert depot.reservation(number).state == "in_use"
    anne = depot.driver(depot.anne)
    depot.run(lambda tx: service.change(tx, depot.now, anne, number, to_site=depot.station))
    assert depot.reservation(number).end_site_id == depot.station
    let_pass(depot, UNDO_S + 1)
    # A badge would not open the other car of the site: it is offered, not given.
    assert answers(depot) == [(waiting, "broken_chain", "offered", True)]


def test_a_site_that_is_closed_takes_no_car_that_is_brought_there_instead(depot):
    depot.run(lambda tx: hours.set_hours(
        tx, depot.now, SYSTEM, SiteHours(depot.station, (DayHours(5, 0, 1440),))
    ))  # fmt: skip
    number = depot.book(depot.anne)
    with pytest.raises(Invalid, match="closed_at_end"):
        depot.run(lambda tx: service.change(tx, depot.now, SYSTEM, number, to_site=depot.station))


def test_to_bring_it_elsewhere_needs_approval_again(depot):
    depot.lay_down(needs_approval=1)
    number = depot.book(depot.anne, scope=depot.manager(depot.town))
    anne = depot.driver(depot.anne)
    depot.run(lambda tx: service.change(tx, depot.now, anne, number, to_site=depot.station))
    assert depot.reservation(number).state == "pending"
