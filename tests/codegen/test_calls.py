"""Generate, import, call: every operation of 22.7 against the simulator, through both clients."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digirm_codegen.generate import generate
from digirm_runtime import spec, tree
from digirm_runtime.errors import APIError
from digirm_runtime.tree import Operation
from tests.codegen.support import ROOT

SPECS = ROOT / "specs" / "22.7"
#: What the simulator says where it has nothing to answer with.
HONEST = {400, 403, 404, 405}


@pytest.fixture(scope="module")
def operations() -> list[tuple[tuple[str, ...], Operation]]:
    return [(node.path, operation) for node in tree.build(spec.load(SPECS)).nodes() for operation in node.operations]


@pytest.fixture
def package(tmp_path: Path, load: Callable[[Path, str], Any]) -> Any:
    generate(SPECS, tmp_path, "whole_rm")
    return load(tmp_path, "whole_rm")


def prepare(rm: Any, path: tuple[str, ...], operation: Operation) -> Any:
    branch = rm
    for wire in path:
        branch = branch[wire]
    arguments: list[Any] = ["no/such" if arg.wire in ("path", "stream_id") else "none-such" for arg in operation.args]
    if operation.has_body:
        arguments.append(b"content" if operation.media_type else {"name": "x"})
    # These refuse to touch everything.
    filters = {"update_all": "id = 1", "delete_all": "id = 1"}
    keywords = {operation.params[0].name: filters[operation.kind]} if operation.kind in filters else {}
    return getattr(branch, operation.name)(*arguments, **keywords)


def test_every_operation_blocking(package: Any, operations: list[tuple[tuple[str, ...], Operation]]) -> None:
    answered, refused = 0, {}
    with package.Client("sim:") as rm:
        for path, operation in operations:
            try:
                result = prepare(rm, path, operation)
                if operation.kind in ("list", "csv"):
                    result = list(result)
                assert result is None or isinstance(result, dict | list | str | bytes) or operation.kind == "create"
                answered += 1
            except APIError as error:
                refused[operation.wire] = error.status
    assert answered > 80
    assert {wire: status for wire, status in refused.items() if status not in HONEST} == {}


def test_every_operation_awaited(package: Any, operations: list[tuple[tuple[str, ...], Operation]]) -> None:
    refused = {}

    async def call_all() -> int:
        answered = 0
        async with package.AsyncClient("sim:") as rm:
            for path, operation in operations:
                try:
                    if operation.kind in ("list", "csv"):
                        _ = [item async for item in prepare(rm, path, operation)]
                    else:
                        await prepare(rm, path, operation)
                    answered += 1
                except APIError as error:
                    refused[operation.wire] = error.status
        return answered

    assert asyncio.run(call_all()) > 80
    assert {wire: status for wire, status in refused.items() if status not in HONEST} == {}
