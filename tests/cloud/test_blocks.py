"""Blocks: a car out of service is offered to nobody, and what is promised under it is at risk."""

import pytest
from glovebox.blocks import service
from glovebox.errors import Conflict, Forbidden, Invalid, NotFound
from glovebox.reservations import availability
from glovebox.reservations import service as reservations
from glovebox.reservations.schemas import AlreadyTaken
from glovebox.scope import SYSTEM
from support_cloud import DAY, HOUR, NOW


def block(depot, start=0, end=None, vehicle_id=None, scope=SYSTEM, kind="workshop", reason=""):
    interval = (depot.now + start, None if end is None else depot.now + end)
    where = (vehicle_id or depot.car, kind, *interval, reason)
    return depot.run(lambda tx: service.add_block(tx, depot.now, scope, *where))


def end(depot, block_id, scope=SYSTEM):
    depot.run(lambda tx: service.end_block(tx, depot.now, scope, block_id))


def free(depot, start, end):
    wanted = availability.Wanted(depot.now + start, depot.now + end)
    found = depot.read(lambda tx: availability.look(tx, depot.now, SYSTEM, wanted))
    return {offer.registration for offer in found.offers}


def at_risk(depot, *reservation_ids):
    return [depot.reservation(number).is_at_risk for number in reservation_ids]


def test_a_car_out_of_service_is_offered_to_nobody_until_it_is_back(depot):
    block(depot, HOUR, 3 * HOUR)
    assert "AA-101-AA" in free(depot, 0, HOUR)
    assert "AA-101-AA" not in free(depot, 0, HOUR + 1)
    assert "AA-101-AA" not in free(depot, 3 * HOUR - 1, 4 * HOUR)
    assert "AA-101-AA" in free(depot, 3 * HOUR, 4 * HOUR)


def test_a_block_without_an_end_lasts_until_somebody_ends_it(depot):
    number = block(depot, HOUR)
    assert "AA-101-AA" not in free(depot, 300 * DAY, 301 * DAY)
    depot.clock.now += 2 * HOUR
    end(depot, number)
    assert "AA-101-AA" in free(depot, 0, HOUR)


def test_a_booking_under_a_block_is_refused_and_names_until_when(depot):
    block(depot, HOUR, 3 * HOUR)
    block(depot, 2 * HOUR, 5 * HOUR, kind="damage")
    with pytest.raises(Conflict) as refused:
        depot.book(depot.anne, 0, 4 * HOUR)
    assert refused.value.code == "blocked"
    until = {"until": NOW + 5 * HOUR, "time_zone": "Europe/Paris"}
    assert refused.value.values == {"registration": "AA-101-AA", **until}
    block(depot, 4 * HOUR)
    with pytest.raises(Conflict) as refused:
        depot.book(depot.anne, 3 * HOUR, 6 * HOUR)
    assert refused.value.values["until"] is None
    assert depot.rows("SELECT 1 FROM reservations") == []


def test_a_rule_is_told_before_a_block_that_another_car_would_escape(depot):
    depot.lay_down(longest_s=2 * HOUR)
    number = depot.book(depot.anne, 10 * HOUR, 11 * HOUR)
    block(depot, HOUR)
    with pytest.raises(Invalid) as refused:
        depot.book(depot.anne, 0, 4 * HOUR)
    assert refused.value.code == "too_long"
    with pytest.raises(Invalid) as refused:
        depot.run(lambda tx: reservations.change(tx, depot.now, SYSTEM, number, ends_at=NOW + 14 * HOUR))
    assert refused.value.code == "too_long"
    with pytest.raises(Conflict) as refused:
        depot.book(depot.anne, 0, 2 * HOUR)
    assert refused.value.code == "blocked"


def test_a_change_into_a_block_is_refused_but_one_that_needs_less_of_the_car_is_taken(depot):
    number = depot.book(depot.anne, HOUR, 3 * HOUR)
    other = depot.book(depot.bob, HOUR, 3 * HOUR, depot.car_2)
    block(depot, 2 * HOUR, 6 * HOUR)

    def change(reservation_id, **values):
        depot.run(lambda tx: reservations.change(tx, depot.now, SYSTEM, reservation_id, **values))

    for values in ({"ends_at": NOW + 4 * HOUR}, {"starts_at": NOW + HOUR // 2}):
        with pytest.raises(Conflict) as refused:
            change(number, **values)
        assert refused.value.code == "blocked"
    with pytest.raises(Conflict):
        change(other, vehicle_id=depot.car, starts_at=NOW + 4 * HOUR, ends_at=NOW + 5 * HOUR)
    change(number, ends_at=NOW + 2 * HOUR)
    assert at_risk(depot, number) == [False]


def test_what_is_promised_under_a_block_is_at_risk_and_only_that(depot):
    before = depot.book(depot.anne, HOUR, 2 * HOUR)
    under = depot.book(depot.bob, 2 * HOUR, 4 * HOUR)
    after = depot.book(depot.anne, 5 * HOUR, 6 * HOUR)
    elsewhere = depot.book(depot.bob, 2 * HOUR, 4 * HOUR, depot.car_2)
    block(depot, 2 * HOUR, 5 * HOUR)
    assert at_risk(depot, before, under, after, elsewhere) == [False, True, False, False]


def test_shortening_or_ending_a_block_sets_what_is_no_longer_under_it_free_again(depot):
    first, second = depot.book(depot.anne, HOUR, 2 * HOUR), depot.book(depot.bob, 3 * HOUR, 4 * HOUR)
    number = block(depot, 0)
    block(depot, HOUR, 2 * HOUR, kind="damage")
    assert at_risk(depot, first, second) == [True, True]
    depot.run(lambda tx: service.change_block(tx, depot.now, SYSTEM, number, NOW + 2 * HOUR))
    assert at_risk(depot, first, second) == [True, False]
    end(depot, number)
    assert at_risk(depot, first, second) == [True, False], "the other block is still there"


def test_moving_a_reservation_out_of_a_block_makes_it_safe(depot):
    number = depot.book(depot.anne, HOUR, 2 * HOUR)
    block(depot, 0, 3 * HOUR)
    depot.run(lambda tx: reservations.change(tx, depot.now, SYSTEM, number, vehicle_id=depot.car_2))
    assert at_risk(depot, number) == [False]


def test_the_next_free_time_of_a_car_lies_behind_its_blocks(depot):
    depot.book(depot.anne, HOUR, 2 * HOUR)
    block(depot, 2 * HOUR, 5 * HOUR)
    with pytest.raises(AlreadyTaken) as refused:
        depot.book(depot.bob, HOUR, 2 * HOUR)
    assert refused.value.next_free.starts_at == NOW + 5 * HOUR
    block(depot, 5 * HOUR)
    with pytest.raises(AlreadyTaken) as refused:
        depot.book(depot.bob, HOUR, 2 * HOUR)
    assert refused.value.next_free is None


@pytest.mark.parametrize(
    ("start", "end", "kind", "code"),
    [
        (HOUR, HOUR, "workshop", "end_before_start"),
        (-2 * HOUR, -HOUR, "workshop", "over_already"),
        (-8 * DAY, None, "damage", "starts_in_past"),
        (400 * DAY, None, "workshop", "too_far"),
        (HOUR, 400 * DAY, "workshop", "too_far"),
        (HOUR, None, "holiday", "no_such_block_kind"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(sqlite_depot, start, end, kind, code):
    with pytest.raises(Invalid) as refused:
        block(sqlite_depot, start, end, kind=kind)
    assert refused.value.code == code


def test_a_block_that_is_over_or_had_not_begun(depot):
    over, coming = block(depot, 0, HOUR), block(depot, 5 * HOUR)
    end(depot, coming)
    assert depot.rows("SELECT id FROM blocks") == [(over,)]
    depot.clock.now += HOUR
    for job in (
        lambda tx: service.end_block(tx, depot.now, SYSTEM, over),
        lambda tx: service.change_block(tx, depot.now, SYSTEM, over, None),
    ):
        with pytest.raises(Conflict) as refused:
            depot.run(job)
        assert refused.value.code == "block_over"


def test_who_does_not_look_after_a_car_neither_blocks_it_nor_reads_why(sqlite_depot):
    depot = sqlite_depot
    number = block(depot, 0, reason="Accident")
    driver, stranger = depot.driver(depot.anne), depot.manager(depot.agglo)
    for scope, error in ((driver, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            block(depot, scope=scope)
        with pytest.raises(error):
            end(depot, number, scope)

    def reasons(scope):
        found = depot.read(lambda tx: service.list_blocks(tx, scope, [depot.car], ends_after=NOW))
        return [one.reason for one in found]

    assert reasons(driver) == [""]
    assert reasons(depot.manager(depot.town)) == ["Accident"]


def test_the_api_blocks_a_car_shows_changes_and_ends_the_block(depot):
    depot.scope = depot.manager(depot.town)
    client, path = depot.web_client, f"/api/v1/vehicles/{depot.car}/blocks"
    asked = {"kind": "damage", "starts_at": NOW, "reason": "Pare-brise"}
    made = client.post(path, json=asked)
    assert made.status_code == 201
    assert made.json() == {**asked, "id": 1, "vehicle_id": depot.car, "ends_at": None, "created_at": NOW}
    booking = {"vehicle_id": depot.car, "starts_at": NOW + HOUR, "ends_at": NOW + 2 * HOUR}
    refused = client.post("/api/v1/reservations", json={**booking, "person_id": depot.anne})
    assert (refused.status_code, refused.json()["code"], refused.json()["until"]) == (409, "blocked", None)
    assert "until further notice" in refused.json()["message"]
    change = client.request("PATCH", "/api/v1/blocks/1", json={"ends_at": NOW + HOUR})
    assert change.json()["ends_at"] == NOW + HOUR
    assert client.post("/api/v1/reservations", json={**booking, "person_id": depot.anne}).status_code == 201
    assert [one["id"] for one in client.get(path).json()] == [1]
    assert client.request("DELETE", "/api/v1/blocks/1").status_code == 204
    assert client.get(path).json() == []
