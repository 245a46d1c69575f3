"""Every operation of 22.7, called through the generated client against the simulator, by both faces."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest

from digirm import AsyncClient, Client
from digirm_runtime import spec, template, tree
from digirm_runtime.base import DEFAULT_THROTTLE
from digirm_runtime.errors import APIError, TransportError
from digirm_runtime.options import Options

SPECS = Path(__file__).parents[2] / "specs" / "22.7"
TREE = tree.build(spec.load(SPECS))
OPERATIONS = [(node, operation) for node in TREE.nodes() for operation in node.operations]
ONCE = Options(retries=0)


def arguments(operation: tree.Operation) -> tuple[list[str], dict[str, Any]]:
    args = [f"x{number}" for number, _ in enumerate(operation.args)]
    if operation.has_body:
        args.append({"name": "x"})  # type: ignore[arg-type]
    kwargs: dict[str, Any] = {"options": ONCE}
    if operation.kind in ("update_all", "delete_all"):
        kwargs[operation.params[0].name] = "id = 1" if operation.params[0].wire == "query" else "x"
    return args, kwargs


def method_of(client: Any, node: tree.Node, operation: tree.Operation) -> Any:
    found = client
    for wire in node.path:
        found = found[wire]
    return getattr(found, operation.name)


@pytest.fixture(scope="module")
def sync_log() -> list[tuple[str, str]]:
    return blocking()


def blocking() -> list[tuple[str, str]]:
    with Client("sim:?devices=3") as rm:
        for node, operation in OPERATIONS:
            args, kwargs = arguments(operation)
            try:
                result = method_of(rm, node, operation)(*args, **kwargs)
                if operation.kind in ("list", "csv"):
                    list(result)
            except (APIError, TransportError):
                pass
        assert rm._handler is not None
        return [(entry.method, entry.path) for entry in rm._handler.requests]  # type: ignore[attr-defined]


async def on_a_loop() -> list[tuple[str, str]]:
    async with AsyncClient("sim:?devices=3") as rm:
        for node, operation in OPERATIONS:
            args, kwargs = arguments(operation)
            try:
                result = method_of(rm, node, operation)(*args, **kwargs)
                if operation.kind in ("list", "csv"):
                    async for _ in result:
                        pass
                else:
                    await result
            except (APIError, TransportError):
                pass
        assert rm._handler is not None
        return [(entry.method, entry.path) for entry in rm._handler.requests]  # type: ignore[attr-defined]


def test_every_call_sends_its_own_method_and_path(sync_log: list[tuple[str, str]]) -> None:
    assert len(OPERATIONS) > 150
    assert len(sync_log) == len(OPERATIONS)
    for (method, path), (_, operation) in zip(sync_log, OPERATIONS, strict=True):
        assert method == operation.method
        assert template.matches(template.parse(operation.template), template.split(path)), (path, operation.wire)


def test_both_faces_send_the_same(sync_log: list[tuple[str, str]]) -> None:
    assert asyncio.run(on_a_loop()) == sync_log


def test_the_attributes_are_those_of_the_tree() -> None:
    with Client("sim:?devices=0") as rm:
        for node, operation in OPERATIONS:
            by_attribute: Any = rm
            parts = [n.attribute for n in _ancestors(node)]
            for part in parts:
                by_attribute = getattr(by_attribute, part)
            method = getattr(by_attribute, operation.name)
            signature = inspect.signature(method)
            positional = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_ONLY]
            assert positional == [arg.name for arg in operation.args]
            for param in operation.params:
                assert param.name in signature.parameters
            assert operation.wire in (method.__doc__ or "")


def _ancestors(node: tree.Node) -> list[tree.Node]:
    return [above for end in range(1, len(node.path) + 1) for above in TREE.nodes() if above.path == node.path[:end]]


def test_in_process_is_not_throttled_and_sees_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIRM_USERNAME", "mine")
    monkeypatch.setenv("DIGIRM_PASSWORD", "hush")
    with Client("sim:?devices=0") as rm:
        assert rm._membership is None
        assert "hush" not in repr(rm._credentials.headers())
    with Client("sim:?devices=0", throttle=DEFAULT_THROTTLE) as rm:
        # The default is left out in process; a throttle of the caller's own is kept.
        assert rm._membership is None
