"""The law of a bump: every name of the old client is in the new one, and what only the old one had asks the same."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from digirm_codegen.previous import previous
from digirm_runtime import dynamic, spec, tree
from digirm_runtime.errors import RemoteManagerError
from digirm_runtime.template import shape
from digirm_runtime.tree import Operation
from tests.client.test_trees import NOWHERE
from tests.codegen.support import ROOT, write_spec

Request: TypeAlias = "tuple[str, bytes, list[tuple[str, str]], bytes]"

VERSIONS = ROOT / "specs"
DOCUMENTS = {
    category.name: json.loads((VERSIONS / "22.7" / f"{spec.file_stem(category.name)}.json").read_bytes())
    for category in spec.load(VERSIONS / "22.7").categories
}


def names(found: tree.Tree) -> dict[str, Operation]:
    return dict(tree.dotted(found))


class Asked:
    """What a client sends for each operation, called with every argument that it takes."""

    def __init__(self, folder: Path) -> None:
        self.last: Request | None = None
        self.client = dynamic.client(
            folder, **NOWHERE, transport=httpx.MockTransport(self.answer), validate="off", throttle=None
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        params = sorted(request.url.params.multi_items())  # a gone keyword stands behind the others
        self.last = (request.method, request.url.raw_path.partition(b"?")[0], params, request.content)
        return httpx.Response(404)

    def by(self, name: str, operation: Operation) -> Request | None:
        """The request of the method `name`, called as the one of `operation` is."""
        method = self.client
        for part in name.split("."):
            method = getattr(method, part)
        body = [{"some": "body"}] if operation.has_body else []
        keywords: dict[str, Any] = {param.name: f"p{number}" for number, param in enumerate(operation.params)}
        if operation.kind == "list":
            # Paging keeps these to itself.
            keywords = {
                param.name: keywords[param.name] for param in operation.params if param.wire not in ("cursor", "size")
            }
        self.last = None
        try:
            result = method(*(f"a{number}" for number, _ in enumerate(operation.args)), *body, **keywords)
            if operation.kind in ("list", "csv"):
                list(result)
        except RemoteManagerError:
            pass
        return self.last


def assert_the_law(old_folder: Path, new_folder: Path) -> None:
    """Write the new version's `previous.json` and compare both clients."""
    old, new = spec.load(old_folder), spec.load(new_folder)
    content = previous(old, new)
    own, before = names(tree.build(new)), names(tree.build(old))
    if content is None:
        assert before.keys() <= own.keys()
        return
    (new_folder / "previous.json").write_bytes(content)
    new = spec.load(new_folder)
    assert previous(new, new, json.loads(content)) == content
    found = tree.for_client(new)
    kept = names(found)
    # What the new version offers is what it offers without the old one's names.
    assert {name: kept[name].wire for name in own} == {name: operation.wire for name, operation in own.items()}
    old_client, new_client = Asked(old_folder), Asked(new_folder)
    for name, operation in before.items():
        if name not in kept:
            assert any(f"rm.{name}: the name" in problem for problem in found.problems), name
            continue
        now = own.get(name)
        if now is not None and (now.method, shape(now.path)) != (operation.method, shape(operation.path)):
            continue  # the name has another meaning now
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            asked = new_client.by(name, operation)
        assert asked == old_client.by(name, operation), name
        takes = {param.name for param in now.params} if now is not None else set()
        expected = now is None or any(
            param.name not in takes and (operation.kind != "list" or param.wire not in ("cursor", "size"))
            for param in operation.params
        )
        assert bool(said) is expected, name
        assert all("is gone since API version" in str(warning.message) for warning in said)


def dropped(documents: dict[str, Any], choose: Any) -> dict[str, Any]:
    """The documents without the paths, requests, parameters and query fields that `choose` picks."""
    result: dict[str, Any] = {}
    for category, document in documents.items():
        if choose(30):
            continue
        paths = []
        for path in document["list"]:
            requests = [
                {
                    **request,
                    "params": [param for param in request.get("params", []) if not choose(10)],
                    "query": [field for field in request.get("query", []) if not choose(20)],
                }
                for request in path.get("requests", [])
                if not choose(10)
            ]
            if not choose(10):
                paths.append({**path, "requests": requests})
        result[category] = {**document, "list": paths}
    return result


# What fails is shown by its names already, and smaller random removals are no simpler ones.
@settings(max_examples=12, deadline=None, phases=[Phase.generate])
@given(st.randoms(use_true_random=False), st.sets(st.sampled_from(sorted(DOCUMENTS)), min_size=1, max_size=4))
def test_after_random_removals(random: Any, chosen: set[str]) -> None:
    with TemporaryDirectory() as folder:
        documents = {name: DOCUMENTS[name] for name in chosen}
        old = write_spec(Path(folder) / "old", documents, api_version="1")
        new = write_spec(
            Path(folder) / "new", dropped(documents, lambda per_cent: random.random() * 100 < per_cent), api_version="2"
        )
        assert_the_law(old, new)


@pytest.mark.parametrize(("old", "new"), [("22.7", "docs-2023"), ("docs-2023", "22.7")])
def test_between_the_committed_versions(old: str, new: str, tmp_path: Path) -> None:
    folder = tmp_path / new
    folder.mkdir()
    for file in (VERSIONS / new).iterdir():
        if file.is_file() and file.name != "previous.json":
            (folder / file.name).write_bytes(file.read_bytes())
    assert_the_law(VERSIONS / old, folder)
