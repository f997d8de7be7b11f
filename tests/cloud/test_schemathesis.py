"""Requests drawn from the API's own description, as it allows them and as it does not: no server error, and
each answer as the description says. Seeded: a run repeats.

Each operation is also tried with the numbers of things and the instants of the small town alone: else hardly
any drawn request would meet anything.
"""

import copy
import re
import warnings

import pytest
import support_town
import support_web
from glovebox.clock import LAST_INSTANT
from glovebox.config import Config
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.python.asgi import get_client

from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

# Not `positive_data_acceptance`: a rule of the fleet refuses much that has the right shape, in words.
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
)
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
QUICK, LONG = 1, 6
# Each costs an argon2.
LOGINS = 2
SESSION = "/api/v1/session"
# Cars, sites, people of the town; the hours from now at which an interval starts, and those at which it ends.
IDS, HOURS, LATER = 8, 4, 5


def narrow(schema, name):
    """The schema, of numbers and instants only those that lie in the town."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [narrow(one, name) for one in schema["anyOf"]]}
    if schema.get("type") == "array":
        return {**schema, "items": narrow(schema["items"], name)}
    if schema.get("type") != "integer":
        return schema
    if name.endswith(("_id", "_ids")):
        return {"enum": list(range(1, IDS + 1))}
    if schema.get("maximum") == LAST_INSTANT:
        first = LATER if name.startswith(("ends", "ended")) else 1
        return {"enum": [support_web.NOW + hours * support_web.HOUR for hours in range(first, first + HOURS)]}
    return schema


def narrowed(description):
    """A description whose requests meet what there is."""
    wanted = copy.deepcopy(description)
    for operations in wanted["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = narrow(parameter["schema"], parameter["name"])
            body = operation.get("requestBody")
            if body:
                media = body["content"]["application/json"]
                asked = wanted["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
                properties = {name: narrow(one, name) for name, one in asked["properties"].items()}
                media["schema"] = {**asked, "properties": properties}
    return wanted


def operations_of(app):
    """(operation, how its requests are drawn); removals last, as they take from the others what to meet."""
    found = []
    # The cookie is ours to send: drawn ones would make each wrong request a visitor's.
    whole = {name: value for name, value in app.openapi().items() if name != "security"}
    for description, modes in ((narrowed(whole), [RIGHT]), (whole, [RIGHT, WRONG])):
        schema = schemathesis.openapi.from_dict(description)
        schema.app = app
        operations = [one.ok() for one in schema.get_all_operations()]
        found += [(operation, mode) for operation in operations for mode in modes]
    return sorted(found, key=lambda one: (one[0].method == "delete", one[0].path == SESSION))


def try_operation(operation, mode, count, client, headers):
    """Sends `count` drawn requests; returns the statuses answered."""
    statuses = []

    @seed(1)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case):
        answer = case.call(session=client, headers=headers)
        statuses.append(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    try:
        send()
    except Unsatisfiable:
        assert mode is WRONG  # nothing about this request can be wrong
    return statuses


def try_everything(town, name, count):
    """All operations as one person; the statuses answered, by operation."""
    statuses = {}
    with get_client(town.apps.web) as client:
        for operation, mode in operations_of(town.apps.web):
            headers = {"cookie": f"glovebox={town.browser(name).cookies['glovebox']}"} if name else {}
            tries = min(count, LOGINS) if operation.label == f"POST {SESSION}" else count
            seen = try_operation(operation, mode, tries, client, headers)
            statuses.setdefault(operation.label, []).extend(seen)
    return statuses


@pytest.fixture
def any_town(database_url, tmp_path):
    built = support_town.build_town(tmp_path, Config(tmp_path, database_url=database_url))
    yield built
    built.close()


@pytest.fixture
def town(tmp_path):
    built = support_town.build_town(tmp_path)
    yield built
    built.close()


def test_a_managers_requests_are_answered_as_described(town):
    statuses = try_everything(town, "manager", QUICK)
    assert all(statuses.values())


def test_a_change_of_nothing_changes_nothing(town):
    answers = {}
    for path, operations in town.apps.web.openapi()["paths"].items():
        if "patch" in operations:
            where = re.sub(r"{\w+}", "1", path)
            with get_client(town.apps.web) as client:
                headers = {"cookie": f"glovebox={town.browser('manager').cookies['glovebox']}"}
                answers[path] = client.patch(where, json={}, headers=headers).status_code
    assert len(answers) > 3
    assert answers["/api/v1/people/{person_id}"] == answers["/api/v1/vehicles/{vehicle_id}"] == 200
    assert max(answers.values()) < 500, answers


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["administrator", "manager", "driver"])
def test_whatever_is_asked_is_answered_as_described(any_town, name):
    statuses = try_everything(any_town, name, LONG)
    met = {label for label, seen in statuses.items() if {200, 201, 204} & set(seen)}
    assert 2 * len(met) >= len(statuses), sorted(set(statuses) - met)


def test_a_visitors_requests_are_refused_as_described(town):
    statuses = try_everything(town, "", 1)
    assert {status for seen in statuses.values() for status in seen} <= {400, 401, 403, 422}


def test_an_answer_that_is_not_as_described_is_found(town):
    """The proof that the checks above check."""
    description = town.apps.web.openapi()
    description["components"]["schemas"]["Site"]["properties"]["name"]["type"] = "integer"
    with pytest.raises(FailureGroup, match="schema"):
        try_everything(town, "manager", 1)
