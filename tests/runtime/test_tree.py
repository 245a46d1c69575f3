from typing import Any

import pytest

from digirm_runtime import tree
from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import SpecError
from digirm_runtime.overrides import NameEntry, OperationEntry, Overrides
from digirm_runtime.spec import Spec, canonical, from_documents, normalise


def path(template: str, *requests: tuple[str, list[str]]) -> dict[str, Any]:
    return {"path": template, "requests": [{"method": method, "params": params} for method, params in requests]}


def spec_of(*paths: dict[str, Any], overrides: Overrides | None = None, **kwargs: Any) -> Spec:
    settings: dict[str, Any] = {"api_version": "1", "base_path": "/api/v2", "provenance": "live", **kwargs}
    return from_documents({"fleet": {"list": list(paths)}}, overrides=overrides, **settings)


def names(spec: Spec) -> dict[str, str]:
    """Python call → wire operation."""
    found = {}
    for node in tree.build(spec).nodes():
        for operation in node.operations:
            arguments = ", ".join(arg.name for arg in operation.args)
            found[f"{'.'.join(node.path)}.{operation.name}({arguments})"] = f"{operation.kind} {operation.wire}"
    return found


def test_the_rules() -> None:
    spec = spec_of(
        path("/api/v2/fleet", ("GET", [])),
        path("/api/v2/fleet/trucks", ("GET", ["query", "cursor"]), ("POST", []), ("DELETE", ["tag"]), ("PUT", [])),
        path("/api/v2/fleet/trucks/{id}", ("GET", []), ("PUT", ["swap"]), ("DELETE", [])),
        path("/api/v2/fleet/trucks/{id}/doors", ("GET", [])),
        path("/api/v2/fleet/trucks/{id}/doors/{doorId}", ("GET", [])),
        path("/api/v2/fleet/bulk", ("GET", ["fields"])),
        path("/api/v2/fleet/routes", ("GET", [])),
        path("/api/v2/fleet/routes/list/{id}", ("GET", ["cursor"])),
        path("/api/v2/fleet/status/{id}", ("GET", [])),
        path("/api/v2/fleet/status/{id}/{part}", ("GET", [])),
        {"path": "/api/v2/fleet/groups"},
        path("/api/v2/fleet/inventory", ("GET", [])),
        path("/api/v2/fleet/version", ("GET", [])),
        path("/api/v2/fleet/jobs", ("PUT", ["query"])),
    )
    assert spec.problems == ()
    assert names(spec) == {
        "fleet.describe()": "describe GET /api/v2/fleet",
        "fleet.trucks.list()": "list GET /api/v2/fleet/trucks",
        "fleet.trucks.create()": "create POST /api/v2/fleet/trucks",
        "fleet.trucks.delete_all()": "delete_all DELETE /api/v2/fleet/trucks",
        "fleet.trucks.update()": "update PUT /api/v2/fleet/trucks",
        "fleet.trucks.get(id)": "get GET /api/v2/fleet/trucks/{id}",
        "fleet.trucks.update_id(id)": "update PUT /api/v2/fleet/trucks/{id}",
        "fleet.trucks.delete(id)": "delete DELETE /api/v2/fleet/trucks/{id}",
        "fleet.trucks.doors.list(id)": "list GET /api/v2/fleet/trucks/{id}/doors",
        "fleet.trucks.doors.get(id, door_id)": "get GET /api/v2/fleet/trucks/{id}/doors/{doorId}",
        "fleet.bulk.csv()": "csv GET /api/v2/fleet/bulk",
        "fleet.routes.describe()": "describe GET /api/v2/fleet/routes",
        "fleet.routes.list.list(id)": "list GET /api/v2/fleet/routes/list/{id}",
        "fleet.status.get(id)": "get GET /api/v2/fleet/status/{id}",
        "fleet.status.get_part(id, part)": "get GET /api/v2/fleet/status/{id}/{part}",
        "fleet.groups.describe()": "describe GET /api/v2/fleet/groups",
        "fleet.inventory.list()": "list GET /api/v2/fleet/inventory",
        "fleet.version.get()": "get GET /api/v2/fleet/version",
        "fleet.jobs.update_all()": "update_all PUT /api/v2/fleet/jobs",
    }


def test_a_segment_keeps_its_name_and_the_operation_yields() -> None:
    spec = spec_of(
        path("/api/v2/fleet/trucks", ("GET", ["query"])),
        path("/api/v2/fleet/trucks/list", ("GET", ["dry-run", "dry_run", "limit", "options", "from"])),
    )
    assert "fleet.trucks.list_get()" in names(spec)
    operation = next(op for node in tree.build(spec).nodes() for op in node.operations if op.path.endswith("/list"))
    spelt = {param.wire: param.name for param in operation.params}
    assert spelt["dry_run"] == "dry_run"
    assert spelt["dry-run"].startswith("dry_run_")
    assert (spelt["limit"], spelt["options"], spelt["from"]) == ("limit_", "options_", "from_")


def test_keyword_segments_and_what_the_client_needs() -> None:
    spec = from_documents(
        {
            name: {"list": [path(f"/a/{name}/class/import", ("GET", []))]}
            for name in ("request", "2fa-tokens", "a-b", "a_b")
        },
        api_version="1",
        base_path="/a",
        provenance="live",
    )
    attributes = {node.wire: node.attribute for node in tree.build(spec).nodes()}
    assert attributes["request"] == "request_"
    assert attributes["2fa-tokens"] == "x2fa_tokens"
    assert attributes["a_b"] == "a_b"
    assert attributes["a-b"].startswith("a_b_")
    assert (attributes["class"], attributes["import"]) == ("class_", "import_")


def entry(**kwargs: Any) -> OperationEntry:
    return OperationEntry(source="s", reason="r", **kwargs)


def test_names_by_hand() -> None:
    wire = "POST /api/v2/fleet/run"
    spec = spec_of(
        path("/api/v2/fleet/run", ("POST", [])),
        path("/api/v2/fleet/tape/{id}", ("GET", ["cursor"]), ("DELETE", [])),
        overrides=Overrides(
            names={wire: NameEntry(name="fleet.run", source="s", reason="r")},
            operation=(
                entry(path="/api/v2/fleet/tape/{id}", method="GET", kind="get", multi_segment=("id",)),
                entry(path="/api/v2/fleet/run", method="POST", kind="call"),
            ),
        ),
    )
    found = names(spec)
    assert found["fleet.run()"] == "call POST /api/v2/fleet/run"
    assert found["fleet.tape.get(id)"] == "get GET /api/v2/fleet/tape/{id}"
    operations = {op.wire: op for node in tree.build(spec).nodes() for op in node.operations}
    # What an argument may hold is a matter of the path, so it holds for every method of it.
    assert operations["DELETE /api/v2/fleet/tape/{id}"].template == "/api/v2/fleet/tape/{id:.+}"


def test_stale_overrides_are_an_error_that_names_them_all() -> None:
    with pytest.raises(SpecError, match=r"(?s)names: GET /api/v2/fleet/x.*operation: GET /api/v2/fleet/y"):
        spec_of(
            path("/api/v2/fleet/run", ("POST", [])),
            overrides=Overrides(
                names={"GET /api/v2/fleet/x": NameEntry(name="a", source="s", reason="r")},
                operation=(entry(path="/api/v2/fleet/y", method="GET"),),
            ),
        )


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ("text", "has no path"),
        ({"path": 5}, "has no path"),
        ({"path": "/api/v2/fleet/../../etc/passwd"}, "dot segment"),
        ({"path": "/etc/passwd"}, "does not begin with"),
        ({"path": "/api/v2/fleet/" + "a" * 2000}, "longer than"),
        ({"path": "/api/v2" + "/a" * 40}, "segments"),
        ({"path": "/api/v2/fleet/x", "requests": 5}, "is no list"),
        ({"path": "/api/v2/fleet/x", "requests": [{"method": "EVAL"}]}, "unknown method"),
        (path("/api/v2/fleet/x", ("GET", ["a\nb"])), "parameter"),
        ({"path": "/api/v2/fleet/x", "requests": [{"method": "GET", "query": [{"field": "a b"}]}]}, "query field"),
        (
            {
                "path": "/api/v2/fleet/x",
                "requests": [{"method": "GET", "query": [{"field": "a", "operators": ["' or 1"]}]}],
            },
            "operator",
        ),
    ],
)
def test_what_cannot_be_used_is_reported_and_the_rest_kept(item: Any, problem: str) -> None:
    spec = spec_of(item, path("/api/v2/fleet/good", ("GET", [])))
    assert len(spec.problems) == 1
    assert problem in spec.problems[0]
    assert "\n" not in spec.problems[0]
    assert "fleet.good.get()" in names(spec)


def test_normal_form_keeps_everything_but_the_order() -> None:
    fields = [{"field": "b", "operators": [">", "="]}, {"field": "a", "operators": ["="], "new": 1}]
    document = {
        "count": 2,
        "extra": {"z": 1},
        "list": [
            {"path": "/b", "requests": [{"method": "POST"}, {"method": "GET", "params": ["z", "a"], "query": fields}]},
            {"path": "/a", "note": "kept"},
        ],
    }
    shuffled = {**document, "list": [dict(reversed(item.items())) for item in reversed(document["list"])]}  # type: ignore[call-overload]
    assert canonical(normalise(document)) == canonical(normalise(shuffled))
    normal = normalise(document)
    assert normal["extra"] == {"z": 1}
    assert [item["path"] for item in normal["list"]] == ["/a", "/b"]
    requests = normal["list"][1]["requests"]
    assert requests[0]["params"] == ["z", "a"]
    assert [field["field"] for field in requests[0]["query"]] == ["a", "b"]
    assert requests[0]["query"][1]["operators"] == [">", "="]


def test_a_category_whose_path_no_address_can_have_is_skipped() -> None:
    spec = from_documents(
        {"a b": {"list": []}, "good": {"list": []}}, api_version="1", base_path="/api", provenance="live"
    )
    found = tree.build(spec)
    assert [node.wire for node in found.categories] == ["good"]
    assert len(found.problems) == 1
    assert "a b" in found.problems[0]


def test_arguments_make_way_for_keywords() -> None:
    spec = spec_of(path("/api/v2/fleet/x/{body}/{id}", ("PUT", ["id"])))
    operation = next(op for node in tree.build(spec).nodes() for op in node.operations if op.method == "PUT")
    assert [arg.name for arg in operation.args] == ["body_", "id_"]
    assert [param.name for param in operation.params] == ["id"]


@pytest.mark.parametrize("flavour", [Client, AsyncClient])
def test_no_category_hides_what_the_client_itself_has(flavour: type[Client | AsyncClient]) -> None:
    public = {name for name in dir(flavour("http://127.0.0.1:9", auth=("a", "b"))) if not name.startswith("_")}
    assert public <= set(tree.RESERVED_ON_CLIENT)
    spec = from_documents(
        {name: {"list": []} for name in sorted(public)}, api_version="1", base_path="/a", provenance="live"
    )
    assert {node.attribute for node in tree.build(spec).categories} == {f"{name}_" for name in public}
