"""The package that users import: whole, importable, documented, and named as people would name things."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

import digirm
from digirm_codegen.generate import generate
from digirm_runtime import spec, tree
from tests.codegen.support import ROOT

SPECS = ROOT / "specs" / "22.7"
PACKAGE = Path(digirm.__file__).parent


@pytest.fixture(scope="module")
def loaded() -> spec.Spec:
    return spec.load(SPECS)


def test_the_spec_has_no_problem_and_fits_its_overrides(loaded: spec.Spec) -> None:
    assert loaded.problems == ()
    assert tree.build(loaded).problems == []


def test_the_committed_package_is_what_the_generator_makes() -> None:
    result = generate(SPECS, PACKAGE.parent, PACKAGE.name, check=True)
    assert result.differences == ()
    assert result.problems == ()


def test_every_module_imports() -> None:
    modules = [file.relative_to(PACKAGE.parent).with_suffix("") for file in sorted(PACKAGE.rglob("*.py"))]
    for module in modules:
        importlib.import_module(".".join(module.parts).removesuffix(".__init__"))
    assert len(modules) > 50


@pytest.mark.parametrize("client", [digirm.Client, digirm.AsyncClient])
def test_every_operation_is_a_method(client: Any, loaded: spec.Spec) -> None:
    rm = client("http://127.0.0.1:9", auth=("a", "b"))
    count = 0
    for node in tree.build(loaded).nodes():
        branch = rm
        for wire in node.path:
            branch = branch[wire]
        for operation in node.operations:
            method = getattr(branch, operation.name)
            assert f"`{operation.method} {operation.path}`" in inspect.getdoc(method)
            signature = inspect.signature(method)
            assert {param.name for param in operation.params} <= set(signature.parameters)
            count += 1
    assert count > 160


def test_names_are_those_that_a_user_would_look_for() -> None:
    rm = digirm.Client("http://127.0.0.1:9", auth=("a", "b"))
    for name in (
        "account.current.get",
        "automations.run",
        "automations.runs.cancel",
        "devices.bulk.csv",
        "devices.channels.get_name",
        "devices.inventory.config.list",
        "devices.inventory.delete_all",
        "files.inventory.download",
        "files.inventory.upload",
        "firmware_updates.cancel",
        "jobs.cancel",
        "jobs.cancel_all",
        "jobs.get",
        "jobs.inventory.cancel",
        "jobs.inventory.xml",
        "streams.history.list",
        "streams.inventory.get",
        "users.change_password",
        "users.forgot_password",
        "users.forgot_username",
    ):
        found: Any = rm
        for part in name.split("."):
            found = getattr(found, part)
        assert callable(found), name


def test_what_uploads_device_data_is_marked(loaded: spec.Spec) -> None:
    operations = [operation for node in tree.build(loaded).nodes() for operation in node.operations]
    assert [operation.wire for operation in operations if operation.uploads] == ["POST /ws/v1/streams/history"]
    with digirm.Client("http://127.0.0.1:9", auth=("a", "b")) as rm:
        upload, read = inspect.unwrap(rm.streams.history.create), inspect.unwrap(rm.streams.history.list)
        assert upload({}).endpoint.uploads
        assert not read("x").endpoint.uploads


def test_every_field_set_has_exactly_the_fields_of_its_requests(loaded: spec.Spec) -> None:
    def sets(node: tree.Node, found: Any) -> None:
        wires = {field.name for operation in node.operations for field in operation.query}
        assert wires == set(found) if found is not None else not wires
        for child in node.children:
            below = getattr(found, child.attribute, None) if child.attribute not in wires else None
            sets(child, below if below is not None else getattr(found, f"{child.attribute}_", None))

    for category in tree.build(loaded).categories:
        sets(category, getattr(digirm.fields, category.attribute, None))
    # A field keeps its name where a node below has the same one.
    assert repr(digirm.fields.alerts.bulk.status) == "TextField('status')"
    assert set(digirm.fields.alerts.bulk.status_) == set(digirm.fields.alerts.status)


def test_the_root_gives_what_it_promises() -> None:
    assert set(digirm.__all__) <= set(dir(digirm))
    for name in digirm.__all__:
        assert getattr(digirm, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = digirm.nothing
    with pytest.raises(AttributeError, match="nothing"):
        _ = digirm.fields.nothing
