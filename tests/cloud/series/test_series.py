"""A series is booked day by day: what can be had is, the rest is told; changed and given back whole, from a
day on, or one alone; undone whole."""

from datetime import date

import pytest
from glovebox.errors import Busy, Conflict, Forbidden, GloveboxError, NotFound
from glovebox.fleet import service as fleet
from glovebox.policies import hours
from glovebox.policies.schemas import DayHours, SiteHours
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM, Scope
from glovebox.series import acts, looking, service
from glovebox.series.schemas import Rule
from sqlalchemy import event
from support_cloud import DAY, HOUR, NOW

# Tuesdays and Thursdays, 8 to 12, for two weeks from Thursday 12 March 2026.
RULE = Rule(frozenset({1, 3}), date(2026, 3, 12), date(2026, 3, 24), 8 * 60, 12 * 60)
DAYS = ["2026-03-12", "2026-03-17", "2026-03-19", "2026-03-24"]
FIRST = NOW + 2 * DAY


def look(depot, rule=RULE, **more):
    values = {"scope": depot.driver(depot.anne), "person_id": depot.anne, **more}
    return depot.read(
        lambda tx: looking.preview(tx, depot.now, values["scope"], depot.car, values["person_id"], rule)
    )


def book(depot, rule=RULE, scope=None, person_id=None, **more):
    who = scope or depot.driver(depot.anne)
    return acts.book(depot.run, depot.now, who, depot.car, person_id or depot.anne, rule, **more)


def act(depot, job, series_id, scope=None, **values):
    who = scope or depot.driver(depot.anne)
    if job is acts.take_back:
        return depot.run(lambda tx: job(tx, depot.now, who, series_id))
    return job(depot.run, depot.now, who, series_id, **values)


def kept(depot):
    return depot.rows(
        "SELECT series_day, vehicle_id, starts_at, ends_at, state, is_exception FROM reservations"
        " WHERE series_id IS NOT NULL ORDER BY id"
    )


def told(depot):
    return depot.rows("SELECT person_id, kind, state FROM messages ORDER BY id")


def manager(depot):
    managed = frozenset({depot.town})
    return Scope(depot.town, depot.bob, frozenset({"manager"}), managed, approves_ids=managed)


def test_every_occurrence_is_a_reservation_of_its_own_and_the_box_knows_them(depot):
    box = depot.claim()
    done = book(depot, purpose="Tournée")
    assert [row[0] for row in kept(depot)] == DAYS
    starts = [row[2] for row in kept(depot)]
    assert starts == [FIRST, FIRST + 5 * DAY, FIRST + 7 * DAY, FIRST + 12 * DAY]
    assert {row[3] - row[2] for row in kept(depot)} == {4 * HOUR}
    assert (len(done.reservation_ids), done.refused) == (4, [])
    assert depot.reservation(done.reservation_ids[0]).purpose == "Tournée"
    box.greet(box.state(depot.now))
    assert {number for _, number in box.authorisations()} == set(done.reservation_ids)


def in_the_way(depot):
    depot.book(depot.bob, 2 * DAY + 2 * HOUR, 2 * DAY + 3 * HOUR)


def closed_on_tuesdays(depot):
    open_days = tuple(DayHours(day, 7 * 60, 20 * 60) for day in (0, 2, 3, 4))
    depot.run(lambda tx: hours.set_hours(tx, depot.now, SYSTEM, SiteHours(depot.site, open_days)))


def near_horizon(depot):
    depot.lay_down(horizon_s=8 * DAY)


def few_hours(depot):
    depot.lay_down(week_s=6 * HOUR)


def few_bookings(depot):
    depot.lay_down(open_bookings=3)


def small_gap(depot):
    depot.book(depot.bob, 2 * DAY - 2 * HOUR, 2 * DAY - 1800)
    depot.lay_down(buffer_s=HOUR)


@pytest.mark.parametrize(
    ("prepare", "codes"),
    [
        (in_the_way, ["already_taken", None, None, None]),
        (closed_on_tuesdays, [None, "closed_at_start", None, "closed_at_start"]),
        (near_horizon, [None, None, "too_far", "too_far"]),
        (few_hours, [None, None, "week_full", None]),
        (few_bookings, [None, None, None, "too_many_bookings"]),
        (small_gap, ["too_close_before", None, None, None]),
    ],
)
def test_what_cannot_be_had_is_shown_before_and_only_the_rest_is_booked(depot, prepare, codes):
    prepare(depot)
    shown = look(depot)
    assert [one.problem and one.problem.code for one in shown.occurrences] == codes
    done = book(depot)
    assert [row[0] for row in kept(depot)] == [
        day for day, code in zip(DAYS, codes, strict=True) if code is None
    ]
    assert [(day.isoformat(), error.code) for day, error in done.refused] == [
        (day, code) for day, code in zip(DAYS, codes, strict=True) if code
    ]


def test_another_car_of_the_site_is_shown_and_taken_where_it_is_wished(depot):
    in_the_way(depot)
    first = look(depot).occurrences[0]
    assert first.instead.vehicle_id == depot.car_2
    done = book(depot, others={first.day: first.instead.vehicle_id})
    assert done.refused == []
    assert [row[1] for row in kept(depot)] == [depot.car_2, depot.car, depot.car, depot.car]


def test_where_nothing_can_be_had_nothing_is_left(depot):
    depot.run(lambda tx: fleet.change_vehicle(tx, SYSTEM, depot.car, status="workshop"))
    with pytest.raises(Conflict, match="series_nothing"):
        book(depot)
    assert depot.rows("SELECT id FROM series") == []
    assert {one.problem.code for one in look(depot).occurrences} == {"not_in_service"}


def test_public_holidays_are_those_of_the_site(depot):
    wanted = SiteHours(depot.site, (), (), "FR", "")
    depot.run(lambda tx: hours.set_hours(tx, depot.now, SYSTEM, wanted))
    may = Rule(frozenset({3}), date(2026, 5, 7), date(2026, 5, 21), 8 * 60, 12 * 60)
    shown = look(depot, may)
    assert shown.holidays == [date(2026, 5, 14)]
    book(depot, may)
    assert [row[0] for row in kept(depot)] == ["2026-05-07", "2026-05-21"]


def test_one_changed_alone_is_an_exception_and_stays_when_the_series_moves(depot):
    done = book(depot)
    second = done.reservation_ids[1]
    anne = depot.driver(depot.anne)
    depot.clock.now += 1
    depot.run(lambda tx: reservations.change(tx, depot.now, anne, second, ends_at=FIRST + 5 * DAY + 5 * HOUR))
    assert [row[5] for row in kept(depot)] == [0, 1, 0, 0]
    depot.clock.now += 1
    moved = act(depot, acts.change, done.series_id, starts_minute=9 * 60, ends_minute=11 * 60)
    assert len(moved.reservation_ids) == 3
    lengths = [(row[3] - row[2]) // HOUR for row in kept(depot)]
    assert lengths == [2, 5, 2, 2]
    assert [(row[2] - NOW) % DAY for row in kept(depot)] == [HOUR, 0, HOUR, HOUR]


def test_from_a_day_on_what_lies_before_stays(depot):
    done = book(depot)
    depot.clock.now += 1
    act(
        depot,
        acts.change,
        done.series_id,
        from_day=date(2026, 3, 19),
        starts_minute=600,
        ends_minute=720,
        vehicle_id=depot.car_2,
    )
    assert [row[1] for row in kept(depot)] == [depot.car] * 2 + [depot.car_2] * 2
    act(depot, acts.cancel, done.series_id, from_day=date(2026, 3, 17))
    assert [row[4] for row in kept(depot)] == ["confirmed"] + ["cancelled"] * 3


def test_those_that_cannot_move_stay_and_are_told(depot):
    done = book(depot)
    depot.book(depot.bob, 2 * DAY + 5 * HOUR, 2 * DAY + 6 * HOUR)
    depot.clock.now += 1
    moved = act(depot, acts.change, done.series_id, ends_minute=14 * 60)
    assert [(day.isoformat(), error.code) for day, error in moved.refused] == [(DAYS[0], "already_taken")]
    assert [(row[3] - row[2]) // HOUR for row in kept(depot)] == [4, 6, 6, 6]


@pytest.mark.parametrize("what", ["book", "change", "cancel"])
def test_an_act_on_a_series_is_undone_whole(depot, what):
    box = depot.claim()
    done = book(depot)
    before = kept(depot)
    if what != "book":
        depot.clock.now += 60
        values = {"vehicle_id": depot.car_2} if what == "change" else {}
        act(depot, getattr(acts, what), done.series_id, **values)
        assert kept(depot) != before
    assert depot.read(lambda tx: service.may_undo(tx, depot.now, depot.driver(depot.anne), done.series_id))
    act(depot, acts.take_back, done.series_id)
    if what == "book":
        assert {row[4] for row in kept(depot)} == {"cancelled"}
    else:
        assert kept(depot) == before
    box.greet(box.state(depot.now))
    assert len(box.authorisations()) == (0 if what == "book" else 4)
    act(depot, acts.take_back, done.series_id)


def test_a_series_is_not_undone_by_half_or_by_another_or_late(depot):
    done = book(depot)
    depot.clock.now += 5
    act(depot, acts.cancel, done.series_id)
    depot.book(depot.bob, FIRST - depot.now, FIRST + HOUR - depot.now)
    before = kept(depot)
    with pytest.raises(Conflict, match="undo_taken"):
        act(depot, acts.take_back, done.series_id)
    with pytest.raises(Forbidden):
        act(depot, acts.take_back, done.series_id, scope=manager(depot))
    depot.clock.now += 30
    with pytest.raises(Conflict, match="undo_over"):
        act(depot, acts.take_back, done.series_id)
    assert kept(depot) == before


def test_the_person_is_told_once_and_not_of_what_was_undone(depot):
    boss = manager(depot)
    done = book(depot, scope=boss)
    assert told(depot) == [(depot.anne, "series_booked", "waiting")]
    act(depot, acts.take_back, done.series_id, scope=boss)
    assert told(depot) == [(depot.anne, "series_booked", "dropped")]
    again = book(depot, scope=boss)
    depot.clock.now += 60
    act(depot, acts.cancel, again.series_id, scope=boss)
    assert told(depot)[1:] == [
        (depot.anne, kind, "waiting") for kind in ("series_booked", "series_cancelled")
    ]


def test_a_series_that_needs_approval_asks_once(depot):
    from glovebox.accounts import roles

    depot.run(lambda tx: roles.grant_role(tx, depot.bob, "approver", pool_id=depot.pool))
    depot.lay_down(needs_approval=1)
    book(depot)
    assert {row[4] for row in kept(depot)} == {"pending"}
    assert told(depot) == [(depot.bob, "approval_asked", "waiting")]


def test_across_the_wall_there_is_no_series(depot):
    done = book(depot)
    for scope in (depot.driver(depot.bob), depot.driver(depot.cora), depot.manager(depot.agglo)):
        for job in (acts.change, acts.cancel, acts.take_back):
            with pytest.raises(NotFound):
                act(depot, job, done.series_id, scope=scope)
        with pytest.raises(NotFound):
            depot.read(lambda tx, scope=scope: service.get_series(tx, scope, done.series_id))
        with pytest.raises(GloveboxError):
            book(depot, scope=scope)
    shown = depot.read(lambda tx: service.get_series(tx, manager(depot), done.series_id))
    assert (shown.person_name, len(shown.occurrences)) == ("Anne Morin", 4)
    assert [one.id for one in depot.read(
        lambda tx: service.list_series(tx, depot.now, depot.driver(depot.anne), depot.anne)
    )] == [done.series_id]  # fmt: skip


def test_a_series_over_the_change_of_the_clock_keeps_its_local_time(depot):
    over = Rule(frozenset({3}), date(2026, 3, 26), date(2026, 4, 2), 8 * 60, 12 * 60)
    book(depot, over)
    first, second = (row[2] for row in kept(depot))
    assert second - first == 7 * DAY - HOUR


class Counted:
    """The writer, with what each job asked of the database."""

    def __init__(self, depot, jobs_until_busy=None):
        self.depot, self.statements, self.left = depot, [], jobs_until_busy

    def __call__(self, job):
        if self.left is not None:
            if not self.left:
                raise Busy()
            self.left -= 1
        engine = self.depot.cloud.store.writing
        count = [0]

        def note(*_arguments):
            count[0] += 1

        event.listen(engine, "before_cursor_execute", note)
        try:
            return self.depot.run(job)
        finally:
            event.remove(engine, "before_cursor_execute", note)
            self.statements.append(count[0])


# Each weekday of ten weeks.
LONG = Rule(frozenset(range(5)), date(2026, 3, 12), date(2026, 5, 20), 8 * 60, 12 * 60)
# At a quarter of a millisecond each this is a tenth of a second.
STATEMENTS_A_JOB = 300


@pytest.mark.parametrize("with_box", [False, True])
def test_no_act_on_a_long_series_holds_the_writer(depot, with_box):
    depot.lay_down(open_bookings=90, week_s=40 * HOUR, buffer_s=600, horizon_s=366 * DAY)
    if with_box:
        depot.claim()
    anne, run = depot.driver(depot.anne), Counted(depot)
    done = acts.book(run, depot.now, anne, depot.car, depot.anne, LONG)
    assert (len(done.reservation_ids), done.refused) == (50, [])
    depot.clock.now += 60
    acts.change(run, depot.now, anne, done.series_id, starts_minute=9 * 60)
    run(lambda tx: acts.take_back(tx, depot.now, anne, done.series_id))
    depot.clock.now += 60
    acts.cancel(run, depot.now, anne, done.series_id)
    run(lambda tx: acts.take_back(tx, depot.now, anne, done.series_id))
    assert max(run.statements) <= STATEMENTS_A_JOB
    assert {row[4] for row in kept(depot)} == {"confirmed"}


def test_a_long_series_is_looked_at_with_few_questions_and_none_in_the_writer(depot):
    anne = depot.driver(depot.anne)
    depot.lay_down(horizon_s=366 * DAY)
    count = [0]

    def note(*_arguments):
        count[0] += 1

    engine = depot.cloud.store.reading
    event.listen(engine, "before_cursor_execute", note)
    jobs = depot.cloud.writer.jobs
    shown = depot.read(lambda tx: looking.preview(tx, depot.now, anne, depot.car, depot.anne, LONG))
    event.remove(engine, "before_cursor_execute", note)
    assert {one.problem for one in shown.occurrences} == {None}
    assert count[0] < 40
    assert depot.cloud.writer.jobs == jobs


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_what_a_busy_writer_left_out_is_told_day_by_day(depot, jobs):
    """One job plans, each further one books some days, and the last tells."""
    anne = depot.driver(depot.anne)
    with pytest.raises(Busy):
        acts.book(Counted(depot, jobs), depot.now, anne, depot.car, depot.anne, LONG)
    [[series_id]] = depot.rows("SELECT id FROM series")
    booked = {row[0] for row in kept(depot)}
    refused = dict(depot.read(lambda tx: service.list_refused(tx, series_id)))
    assert len(booked) == (jobs - 1) * acts.SLICE
    assert booked.isdisjoint({day.isoformat() for day in refused})
    assert len(booked) + len(refused) == 50
    assert {error.code for error in refused.values()} == {"series_interrupted"}


def test_days_that_stayed_or_were_not_had_are_kept_with_what_was_wanted(depot):
    in_the_way(depot)
    done = book(depot)
    depot.book(depot.bob, 7 * DAY + 5 * HOUR, 7 * DAY + 6 * HOUR)
    depot.clock.now += 60
    act(depot, acts.change, done.series_id, ends_minute=14 * 60)
    shown = depot.read(lambda tx: service.get_series(tx, depot.driver(depot.anne), done.series_id))
    assert [
        (one.day.isoformat(), one.problem.code, (one.ends_at - one.starts_at) // HOUR)
        for one in shown.refused
    ] == [(DAYS[0], "already_taken", 4), (DAYS[1], "already_taken", 6)]
    act(depot, acts.take_back, done.series_id)
    shown = depot.read(lambda tx: service.get_series(tx, depot.driver(depot.anne), done.series_id))
    assert [one.day.isoformat() for one in shown.refused] == [DAYS[0]]
