"""Every operation of the exported OpenAPI documents against simulators on real ports, with what schemathesis makes up.

Half of the arguments and queries are exchanged for ones that exist, so that requests also get behind the first checks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any, NamedTuple

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from digirm_codegen.exports import export
from digirm_runtime import spec as specs
from digirm_runtime.wire import Request, Response
from digirm_simulator import Clock, Simulator
from digirm_simulator import contract_files as contracts
from digirm_simulator.server import running
from tests.simulator.support import BASIC, NOW, Api

EXAMPLES = 8
SECONDS = 30  # for one answer: what takes longer hangs


def document(version: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The OpenAPI document of a contract, without some of its categories."""
    documents = contracts.builtin(version).documents()
    spec = specs.from_documents(
        {name: found for name, found in documents.items() if name not in without},
        api_version=version,
        base_path="/ws/v1",
        provenance="reconstructed",
    )
    found: dict[str, Any] = json.loads(export(spec, "openapi").text)
    return found


BASE = "22.7"
LATER = "docs-2023"
#: Of the later contract only what the other one lacks.
DOCUMENTS = {BASE: document(BASE), LATER: document(LATER, without=tuple(contracts.builtin(BASE).categories))}


def schema(version: str) -> Any:
    config = SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})
    made = schemathesis.openapi.from_dict(DOCUMENTS[version], config=config)
    made.hook("map_path_parameters")(known_arguments)
    made.hook("map_query")(known_queries)
    return made


def number_of(value: object) -> int:
    """A number that is always the same for a made-up value: what is exchanged depends on nothing else."""
    return sum(map(ord, str(value)))


def known_arguments(context: Any, arguments: dict[str, Any] | None) -> dict[str, Any] | None:
    """Three of four arguments exchanged for a key of the category, or for a device's id."""
    keys = known_keys(context.operation.schema.raw_schema["info"]["version"])
    category = context.operation.path.split("/")[3]
    pools = [keys["devices"], *[keys.get(category, keys["devices"])] * 2]
    exchanged = {}
    for name, value in (arguments or {}).items():
        number = number_of(value)
        pool = pools[number // 4 % 3]
        exchanged[name] = pool[number // 12 % len(pool)] if number % 4 else value
    return exchanged


def known_queries(context: Any, params: dict[str, Any] | None) -> dict[str, Any] | None:
    """Every other query, order and list of fields exchanged for one that is right, or nearly so."""
    raw = {param["name"]: param for param in context.operation.definition.raw.get("parameters", ())}
    fields = raw.get("query", {}).get("x-query-fields", [])
    if not params or not fields:
        return params
    exchanged = dict(params)
    for name in params.keys() & {"query", "orderby", "fields"}:
        number = number_of(params[name])
        field = fields[number // 2 % len(fields)]
        operator = field["operators"][number // 4 % len(field["operators"])]
        literal = ("'x'", "-1d", "7", "''", "empty", "'2022-07-15T12:00:00Z'", "(1, 2, 3)", "1e999")[number // 8 % 8]
        right = {
            "query": f"{field['field']} {operator} {literal}",
            "orderby": f"{field['field']} {'desc' if number & 4 else 'asc'}",
            "fields": field["field"],
        }
        exchanged[name] = right[name] if number % 2 else params[name]
    return exchanged


def simulator(version: str) -> Simulator:
    """Five devices, and an object in each inventory that would have none."""
    made = Simulator(version, devices=5, seed=1, clock=Clock(NOW, speed=0))
    for template, key in empty(version).items():
        made.put(template, {key: 1, "name": "x"})
    return made


@cache
def empty(version: str) -> dict[str, str]:
    """The inventories that are empty at first, with their keys."""
    with closing(Simulator(version, devices=5, seed=1, clock=Clock(NOW, speed=0))) as made:
        paths = [(path.template, path.key) for path in made.contract.paths.values() if path.key is not None]
        return {template: key for template, key in paths if not Api(made).get(template).body["list"]}


@cache
def known_keys(version: str) -> dict[str, tuple[str, ...]]:
    """Keys of stored objects by category."""
    found: dict[str, tuple[str, ...]] = {}
    with closing(simulator(version)) as made:
        for path in made.contract.paths.values():
            if path.key is not None:
                items = Api(made).get(path.template).body["list"][:3]
                category = path.template.split("/")[3]
                found[category] = (*found.get(category, ()), *(str(item[path.key]) for item in items))
    return found


class Changing:
    """A handler that hands requests to a simulator which each test changes for a fresh one."""

    def __init__(self) -> None:
        self.simulator: Simulator | None = None

    def handle(self, request: Request) -> Response:
        assert self.simulator is not None
        return self.simulator.handle(request)

    def close(self) -> None:
        self.simulator = None


class Service(NamedTuple):
    """A server on a port, a session of connections to it, and what is behind it."""

    url: str
    session: requests.Session
    behind: Changing


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    behind = Changing()
    with running(behind) as url, requests.Session() as session:
        session.trust_env = False
        session.headers.update(BASIC)
        yield Service(url, session, behind)


@contextmanager
def fresh(service: Service, version: str) -> Iterator[Service]:
    """The service with a simulator as at the beginning; it must answer afterwards."""
    made = service.behind.simulator = simulator(version)
    try:
        yield service
        assert service.session.get(f"{service.url}/ws/v1", timeout=SECONDS).status_code == 200
    finally:
        made.close()


def withstands(case: Any, service: Service) -> None:
    """The answer has a status below 500 and no traceback."""
    response = case.call(base_url=service.url, session=service.session, timeout=SECONDS)
    shown = f"{case.method} {response.request.url} {response.request.body!r}"
    assert response.status_code < 500, f"{shown}: {response.status_code} {response.text}"
    assert "Traceback" not in response.text, shown


few = settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
base = schema(BASE)
later = schema(LATER)


@pytest.fixture
def first(service: Service) -> Iterator[Service]:
    with fresh(service, BASE) as found:
        yield found


@pytest.fixture
def second(service: Service) -> Iterator[Service]:
    with fresh(service, LATER) as found:
        yield found


@base.parametrize()
@few
def test_every_operation(case: Any, first: Service) -> None:
    withstands(case, first)


@later.parametrize()
@few
def test_every_operation_of_the_later_contract(case: Any, second: Service) -> None:
    withstands(case, second)


def test_the_operations_are_all_that_the_contracts_have() -> None:
    for version, found in DOCUMENTS.items():
        listed = {path.template for path in contracts.builtin(version).paths.values()}
        assert len(found["paths"]) > (100 if version == BASE else 3)
        assert {template for template in found["paths"] if "{" not in template} <= listed
