"""Rules over the JSON API: laid down, read, obeyed, answered; refused to everybody else."""

import pytest
from support_cloud import DAY, HOUR, NOW


@pytest.fixture
def api(depot):
    client = depot.web_client
    client.depot = depot
    depot.scope = depot.manager(depot.town)
    return client


def put(api, path, body=None):
    return api.request("PUT", f"/api/v1/{path}", json=body)


def ask(api, **changes):
    body = {"vehicle_id": api.depot.car, "starts_at": NOW + HOUR, "ends_at": NOW + 2 * HOUR} | changes
    return api.post("/api/v1/reservations", json=body)


def test_a_rule_is_laid_down_read_with_its_origin_and_obeyed(api):
    depot = api.depot
    stored = put(api, "policies", {"organisation_id": depot.town, "pool_id": depot.pool, "lead_s": 2 * HOUR})
    assert (stored.status_code, stored.json()["lead_s"]) == (200, 2 * HOUR)
    assert [one["pool_id"] for one in api.get("/api/v1/policies").json()] == [depot.pool]
    depot.scope = depot.driver(depot.anne)
    held = api.get(f"/api/v1/pools/{depot.pool}/rules").json()
    assert (held["rules"]["lead_s"], held["origins"]["lead_s"]) == (2 * HOUR, "pool")
    assert held["origins"]["buffer_s"] == "built_in"
    refused = ask(api)
    assert (refused.status_code, refused.json()["code"]) == (422, "too_soon")
    assert (refused.json()["lead_s"], refused.json()["earliest_start"]) == (2 * HOUR, NOW + 2 * HOUR)
    assert ask(api, starts_at=NOW + 2 * HOUR, ends_at=NOW + 3 * HOUR).status_code == 201


def test_a_gap_that_is_too_small_is_told_with_what_is_free_instead(api):
    depot = api.depot
    put(api, "policies", {"organisation_id": depot.town, "buffer_s": 1_800})
    depot.scope = depot.driver(depot.anne)
    assert ask(api).status_code == 201
    refused = ask(api, starts_at=NOW + 2 * HOUR, ends_at=NOW + 3 * HOUR)
    told = refused.json()
    assert (refused.status_code, told["code"]) == (409, "too_close_before")
    assert told["next_free"]["starts_at"] == told["earliest_start"] == NOW + 2 * HOUR + 1_800
    assert depot.car_2 in [one["vehicle_id"] for one in told["others"]]


def test_a_value_out_of_its_limits_is_refused_with_the_limits(api):
    body = {"organisation_id": api.depot.town, "buffer_s": 90_000}
    refused = put(api, "policies", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "rule_out_of_range")
    assert (refused.json()["least"], refused.json()["largest"]) == (0, DAY)


def test_groups_are_made_filled_kept_a_pool_for_and_forgotten(api):
    depot = api.depot
    made = api.post("/api/v1/groups", json={"organisation_id": depot.town, "name": "Astreinte"})
    assert made.status_code == 201
    number = made.json()["id"]
    assert put(api, f"groups/{number}/members/{depot.anne}").status_code == 204
    assert [one["id"] for one in api.get(f"/api/v1/groups/{number}/members").json()] == [depot.anne]
    assert put(api, f"pools/{depot.pool}/groups", {"group_ids": [number]}).status_code == 204
    assert api.get("/api/v1/groups").json()[0] == made.json() | {"members": 1, "pool_ids": [depot.pool]}
    assert api.request("DELETE", f"/api/v1/groups/{number}").json()["code"] == "group_in_use"
    depot.scope = depot.driver(depot.bob)
    assert ask(api).json()["code"] == "pool_for_groups"
    depot.scope = depot.manager(depot.town)
    put(api, f"pools/{depot.pool}/groups", {"group_ids": []})
    path = f"/api/v1/groups/{number}"
    assert api.request("DELETE", f"{path}/members/{depot.anne}").status_code == 204
    assert api.request("DELETE", path).status_code == 204
    assert api.get("/api/v1/groups").json() == []


def test_hours_are_laid_down_and_obeyed(api):
    depot = api.depot
    wanted = {
        "hours": [{"weekday": 1, "opens_minute": 600, "closes_minute": 1_080}],
        "closures": [{"first_day": "2026-08-10", "last_day": "2026-08-14", "name": "Été"}],
        "holidays": "FR",
        "time_zone": "Europe/Paris",
    }
    stored = put(api, f"sites/{depot.site}/hours", wanted)
    assert stored.json() == wanted | {"site_id": depot.site}
    assert api.get(f"/api/v1/sites/{depot.site}/hours").json() == stored.json()
    depot.scope = depot.driver(depot.anne)
    refused = ask(api).json()
    assert (refused["code"], refused["opens_at"]) == ("closed_at_start", NOW + 2 * HOUR)


def test_a_waiting_reservation_is_answered_once_with_a_reason(api):
    depot = api.depot
    put(api, "policies", {"organisation_id": depot.town, "needs_approval": 1})
    depot.scope = depot.driver(depot.anne)
    first, second = ask(api).json(), ask(api, vehicle_id=depot.car_2).json()
    assert (first["state"], first["approval_due_at"]) == ("pending", NOW + HOUR)
    assert api.get("/api/v1/approvals").json() == []
    forbidden = api.post(f"/api/v1/approvals/{first['id']}", json={"is_approved": True})
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "not_approver")
    depot.scope = depot.manager(depot.town)
    assert [one["id"] for one in api.get("/api/v1/approvals").json()] == [first["id"], second["id"]]
    yes = api.post(f"/api/v1/approvals/{first['id']}", json={"is_approved": True})
    assert yes.json()["state"] == "confirmed"
    path = f"/api/v1/approvals/{second['id']}"
    assert api.post(path, json={"is_approved": False}).json()["code"] == "refusal_reason_missing"
    no = api.post(path, json={"is_approved": False, "reason": "Le train est plus rapide."}).json()
    assert (no["state"], no["decision_reason"]) == ("cancelled", "Le train est plus rapide.")
    assert api.post(path, json={"is_approved": True}).json()["code"] == "not_waiting"


def test_rules_are_nobody_elses_to_read_or_change(api):
    depot = api.depot
    put(api, "policies", {"organisation_id": depot.town, "buffer_s": 900})
    group = api.post("/api/v1/groups", json={"organisation_id": depot.town, "name": "A"}).json()["id"]
    tries = [
        ("PUT", "policies", {"organisation_id": depot.town}),
        ("PUT", f"pools/{depot.pool}/groups", {"group_ids": []}),
        ("PUT", f"sites/{depot.site}/hours", {}),
        ("POST", "groups", {"organisation_id": depot.town, "name": "B"}),
        ("DELETE", f"groups/{group}", None),
        ("GET", f"groups/{group}/members", None),
        ("PUT", f"groups/{group}/members/{depot.anne}", None),
        ("DELETE", f"groups/{group}/members/{depot.anne}", None),
    ]
    for scope in (depot.driver(depot.anne), depot.manager(depot.agglo)):
        depot.scope = scope
        assert api.get("/api/v1/policies").json() == []
        assert api.get("/api/v1/groups").json() == []
        for method, path, body in tries:
            answer = api.request(method, f"/api/v1/{path}", json=body)
            assert answer.status_code in (403, 404), (method, path)
    depot.scope = depot.driver(depot.cora)
    assert api.get(f"/api/v1/pools/{depot.pool}/rules").status_code == 404
    depot.scope = None
    for method, path, body in tries:
        assert api.request(method, f"/api/v1/{path}", json=body).status_code == 401
