"""The JSON API: what it answers, what it refuses, and that it never breaks on odd input."""

import pytest
from glovebox.fleet import service as fleet
from glovebox.scope import Scope
from support_cloud import DAY, HOUR, NOW


@pytest.fixture
def api(sqlite_depot):
    """The API as Anne sees it; `api.depot` is the fleet."""
    client = sqlite_depot.web_client
    client.depot = sqlite_depot
    sqlite_depot.scope = sqlite_depot.driver(sqlite_depot.anne)
    return client


def ask(api, **changes):
    body = {"vehicle_id": api.depot.car, "starts_at": NOW + HOUR, "ends_at": NOW + 2 * HOUR} | changes
    return api.post("/api/v1/reservations", json=body)


@pytest.mark.parametrize("odd", [True, "1", 1.0])
def test_a_number_in_a_body_is_a_number_and_nothing_that_could_be_read_as_one(api, odd):
    assert api.depot.car == 1
    for name in ("vehicle_id", "person_id", "to_site", "starts_at"):
        answer = ask(api, **{name: odd})
        assert answer.status_code == 422, name
        assert name in answer.text
    line = {"kind": "silent", "subject_id": odd}
    assert api.post("/api/v1/today/take", json=line).status_code == 422
    assert api.get("/api/v1/reservations").json() == []


def test_nobody_is_told_anything(api):
    api.depot.scope = None
    for path in (
        "vehicles",
        "sites",
        "people",
        "trips",
        "reservations",
        "availability?starts_at=1&ends_at=2",
    ):
        answer = api.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")
    assert ask(api).status_code == 401


def test_a_reservation_is_made_seen_changed_and_cancelled(api):
    made = ask(api, purpose="Formation")
    assert made.status_code == 201
    number = made.json()["id"]
    assert made.json()["car_knows"] is False
    assert [row["id"] for row in api.get("/api/v1/reservations").json()] == [number]
    moved = api.request("PATCH", f"/api/v1/reservations/{number}", json={"ends_at": NOW + 3 * HOUR})
    assert (moved.status_code, moved.json()["ends_at"]) == (200, NOW + 3 * HOUR)
    assert api.request("DELETE", f"/api/v1/reservations/{number}").status_code == 204
    assert api.get(f"/api/v1/reservations/{number}").json()["state"] == "cancelled"


def test_a_second_reservation_is_refused_with_what_is_free_instead(api):
    ask(api)
    refused = ask(api)
    assert refused.status_code == 409
    told = refused.json()
    assert told["code"] == "already_taken"
    assert [offer["registration"] for offer in told["others"]] == ["BB-202-BB"]
    assert told["next_free"]["starts_at"] == NOW + 2 * HOUR


def test_what_is_free_is_told(api):
    path = f"/api/v1/availability?starts_at={NOW + HOUR}&ends_at={NOW + 2 * HOUR}"
    assert [offer["registration"] for offer in api.get(path).json()["offers"]] == ["AA-101-AA", "BB-202-BB"]
    ask(api)
    assert [offer["registration"] for offer in api.get(path).json()["offers"]] == ["BB-202-BB"]


def test_the_wall_holds_in_the_api(api):
    depot = api.depot
    foreign = depot.book(depot.cora, vehicle_id=depot.car_3)
    assert api.get(f"/api/v1/reservations/{foreign}").status_code == 404
    assert api.get(f"/api/v1/vehicles/{depot.car_3}").status_code == 404
    assert ask(api, vehicle_id=depot.car_3).status_code == 404
    assert api.request("DELETE", f"/api/v1/reservations/{foreign}").status_code == 404
    assert [row["given_name"] for row in api.get("/api/v1/people").json()] == ["Anne"]
    assert api.get(f"/api/v1/people/{depot.bob}/badges").status_code == 404
    assert [row["registration"] for row in api.get("/api/v1/vehicles").json()] == ["AA-101-AA", "BB-202-BB"]


def test_a_person_of_another_body_does_not_appear_through_an_agreement(api):
    depot = api.depot
    depot.run(lambda tx: fleet.add_agreement(tx, depot.pool, depot.agglo, NOW - DAY, NOW + DAY))
    ask(api, purpose="Médecin")
    depot.scope = depot.driver(depot.cora)
    (seen,) = api.get("/api/v1/reservations").json()
    assert (seen["person_id"], seen["person_name"], seen["purpose"]) == (None, "", "")


def test_a_list_of_people_is_noted_in_the_audit_trail(api):
    depot = api.depot
    depot.scope = depot.manager(depot.town)
    assert len(api.get("/api/v1/people?search=mor").json()) == 1
    assert depot.rows("SELECT action, filter, people_count FROM audit_lines") == [("api.people", "mor", 1)]


def test_live_state_is_for_those_who_manage_the_car(api):
    depot = api.depot
    box = depot.claim()
    box.greet(box.state(NOW, place=depot.site))
    path = f"/api/v1/vehicles/{depot.car}/live"
    assert api.get(path).status_code == 404
    depot.scope = depot.manager(depot.town)
    live = api.get(path).json()
    assert (live["state"], live["site_id"], live["is_linked"]) == ("parked", depot.site, False)


def test_trips_are_shown_to_who_drove_and_who_manages(api):
    depot = api.depot
    box = depot.claim()
    session = box.session_start(NOW, 0, bytes.fromhex("04a1b2c3d4e5f6"))
    box.session_end(NOW + HOUR, session, 0)
    box.greet(box.records())
    assert [trip["distance_m"] for trip in api.get("/api/v1/trips").json()] == [23_266]
    number = api.get("/api/v1/trips").json()[0]["id"]
    assert api.get(f"/api/v1/trips/{number}/stopovers").json() == []
    depot.scope = depot.driver(depot.bob)
    assert api.get("/api/v1/trips").json() == []
    assert api.get(f"/api/v1/trips/{number}").status_code == 404


PATHS = [
    "vehicles/{}",
    "vehicles/{}/live",
    "reservations/{}",
    "trips/{}",
    "people/{}/badges",
    "vehicles?site_id={}",
    "people?offset={}",
    "people?limit={}",
    "trips?started_after={}",
    "availability?starts_at={}&ends_at=5",
    "reservations?person_id={}",
]
ODD = ["0", "-1", "9" * 30, "x", "1e3", "%00", "1%20OR%201=1"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("path", PATHS)
def test_an_odd_number_anywhere_is_answered_below_500(api, path, odd):
    assert api.get("/api/v1/" + path.format(odd)).status_code < 500


@pytest.mark.parametrize("text", ["\0", "%", "_", "'; DROP TABLE people; --", "é" * 300, "\u202e\x1b[31m"])
def test_odd_texts_are_stored_or_refused_but_never_break(depot, text):
    depot.scope = Scope(depot.town, depot.anne, frozenset({"driver"}), frozenset({depot.town}))
    status = depot.web_client.get("/api/v1/people", params={"search": text}).status_code
    assert status == (200 if len(text) <= 200 else 422)
    body = {"vehicle_id": depot.car, "starts_at": NOW + HOUR, "ends_at": NOW + 2 * HOUR, "purpose": text}
    assert depot.web_client.post("/api/v1/reservations", json=body).status_code in (201, 422)


def test_a_refusal_is_a_whole_sentence_in_the_language_asked_for(api):
    french = {"accept-language": "fr"}
    told = api.get("/api/v1/vehicles/99", headers=french).json()
    assert told == {
        "code": "not_found",
        "message": "Cette page ou cet élément n’existe pas, ou ne vous est pas accessible.",
    }
    refused = ask(api, ends_at=NOW).json()
    assert (refused["code"], refused["message"]) == ("end_before_start", "The end must be after the start.")
    ask(api)
    assert ask(api).json()["message"] == "The car is reserved by another at that time."


def test_a_request_that_cannot_be_read_names_the_field(api):
    refused = ask(api, starts_at="soon")
    assert refused.status_code == 422
    assert refused.json()["code"] == "invalid"
    assert [one["field"] for one in refused.json()["problems"]] == ["body.starts_at"]


def described(api):
    return api.get("/api/v1/openapi.json").json()


def test_every_operation_is_described_with_how_it_refuses(api):
    for path, operations in described(api)["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (path, method)
            assert {"401", "403", "404", "409", "422", "503"} <= set(operation["responses"]), (path, method)
            body = operation["responses"]["422"]["content"]["application/json"]["schema"]
            assert body == {"$ref": "#/components/schemas/Error"}


def test_every_value_has_an_example_with_exactly_its_fields(api):
    plain = {"Error", "Me"}
    for name, schema in described(api)["components"]["schemas"].items():
        example = schema.get("example") or schema.get("examples", [None])[0]
        assert example or name in plain, name
        assert set(schema.get("required", [])) <= set(example or schema["properties"]), name
        assert set(example or {}) <= set(schema["properties"]), name


def test_the_examples_of_requests_are_taken(api):
    schemas = described(api)["components"]["schemas"]
    asked = schemas["ReservationIn"]["example"] | {"vehicle_id": api.depot.car}
    made = api.post("/api/v1/reservations", json=asked)
    assert made.status_code == 201
    change = schemas["ReservationChange"]["example"]
    assert api.request("PATCH", f"/api/v1/reservations/{made.json()['id']}", json=change).status_code == 200
