"""Hours of a site as a manager lays them down: put back, refused, and what boxes make of them."""

from dataclasses import replace

import pytest
from glovebox.errors import Forbidden, Invalid
from glovebox.fleet import service as fleet
from glovebox.policies import hours
from glovebox.policies.schemas import Closure, DayHours, SiteHours
from glovebox.scope import SYSTEM
from support_cloud import NOW


def lay_down(depot, hours_of, **values):
    wanted = SiteHours(depot.site, hours_of, **values)
    depot.run(lambda tx: hours.set_hours(tx, depot.now, SYSTEM, wanted))


def test_hours_can_be_put_back_as_they_were(depot):
    closed = (Closure("2026-08-01", "2026-08-15", "Été"),)
    lay_down(depot, (DayHours(0, 480, 1_080),), closures=closed, holidays="FR")
    before = depot.read(lambda tx: hours.get_hours(tx, depot.site))
    lay_down(depot, ())
    depot.run(lambda tx: hours.undo_hours(tx, SYSTEM, depot.site))
    assert depot.read(lambda tx: hours.get_hours(tx, depot.site)) == before
    depot.run(lambda tx: hours.undo_hours(tx, SYSTEM, depot.site))
    assert depot.read(lambda tx: hours.get_hours(tx, depot.site)) == SiteHours(depot.site)


def test_as_many_closed_days_as_there_may_be_can_be_changed_and_put_back(depot):
    closed = tuple(Closure("2026-05-01", "2026-05-02", "é" * 80) for _ in range(hours.CLOSURES_LIMIT))
    lay_down(depot, (), closures=closed)
    lay_down(depot, ())
    depot.run(lambda tx: hours.undo_hours(tx, SYSTEM, depot.site))
    assert depot.read(lambda tx: hours.get_hours(tx, depot.site)).closures == closed


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"hours": (DayHours(7, 480, 600),)}, "hours_impossible"),
        ({"hours": (DayHours(0, 480, 480),)}, "hours_impossible"),
        ({"hours": (DayHours(0, -1, 480),)}, "hours_impossible"),
        ({"hours": (DayHours(0, 1_440, 1_500),)}, "hours_impossible"),
        ({"hours": (DayHours(0, 480, 2_880),)}, "hours_impossible"),
        ({"hours": (DayHours(0, 480, 600), DayHours(0, 700, 800))}, "hours_impossible"),
        ({"time_zone": "Europe/Nowhere"}, "no_such_zone"),
        ({"time_zone": "../etc/passwd"}, "no_such_zone"),
        ({"holidays": "QQ"}, "no_such_holidays"),
        ({"holidays": "FR-ZZ"}, "no_such_holidays"),
        ({"closures": (Closure("2026-02-30", "2026-03-01"),)}, "no_such_date"),
        ({"closures": (Closure("2026-03-02", "2026-03-01"),)}, "end_before_start"),
        ({"closures": (Closure("2026-03-01", "2026-03-01", "x" * 81),)}, "text_too_long"),
        ({"closures": (Closure("2026-03-01", "2026-03-01"),) * 61}, "too_many_closures"),
    ],
)
def test_hours_that_make_no_sense_are_refused_and_nothing_is_stored(sqlite_depot, values, code):
    depot = sqlite_depot
    wanted = replace(SiteHours(depot.site), **values)
    with pytest.raises(Invalid) as refused:
        depot.run(lambda tx: hours.set_hours(tx, NOW, SYSTEM, wanted))
    assert refused.value.code == code
    assert depot.rows("SELECT count(*) FROM site_calendars") == [(0,)]


def test_hours_are_laid_down_by_the_sites_manager(sqlite_depot):
    depot = sqlite_depot
    for scope in (depot.manager(depot.agglo), depot.driver(depot.anne)):
        with pytest.raises(Forbidden):
            depot.run(lambda tx, scope=scope: hours.set_hours(tx, NOW, scope, SiteHours(depot.site)))


def test_boxes_are_kept_ready_while_anybody_may_come(sqlite_depot):
    depot = sqlite_depot

    def ready():
        site = depot.read(lambda tx: fleet.get_site(tx, depot.site))
        return site.opens_minute, site.closes_minute

    lay_down(depot, (DayHours(0, 480, 720), DayHours(4, 540, 1_200)))
    assert ready() == (480, 1_200)
    lay_down(depot, (DayHours(4, 1_080, 1_560),))
    assert ready() == (0, 1_440)
    lay_down(depot, ())
    assert ready() == hours.READY_BY_DEFAULT
