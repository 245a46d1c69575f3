"""The committed spec of the categories as published in 2023: what a crawl gives, with knowledge that applies."""

from __future__ import annotations

from pathlib import Path

import pytest

from digirm_cli.main import main
from digirm_codegen.generate import generate
from digirm_runtime import spec, tree
from digirm_simulator import contract_files
from tests.codegen.support import ROOT, tree_of

SPECS = ROOT / "specs" / "docs-2023"
ADDED = {"api_keys", "firmware", "notification_configs", "security_policies"}
RANKS = ("inferred", "documented", "recorded")


@pytest.fixture(scope="module")
def loaded() -> spec.Spec:
    return spec.load(SPECS)


def test_the_folder_is_what_a_crawl_gives(tmp_path: Path) -> None:
    assert main(["crawl", "sim:docs-2023", "--out", str(tmp_path / "specs"), "--api-version", "docs-2023"]) == 0
    crawled, committed = tree_of(tmp_path / "specs"), tree_of(SPECS)
    assert crawled == {name: data for name, data in committed.items() if name != "overrides.toml"}


def test_its_overrides_apply_and_nothing_is_left_out(loaded: spec.Spec) -> None:
    assert loaded.problems == ()
    assert tree.build(loaded).problems == []
    before = {category.name for category in spec.load(ROOT / "specs" / "22.7").categories}
    now = {category.name for category in loaded.categories}
    assert (now - before, before - now) == (ADDED, {"network_interfaces"})


def test_what_it_says_of_certainty_is_what_the_contract_says(loaded: spec.Spec) -> None:
    contract = contract_files.builtin("docs-2023")
    for node in tree.build(loaded).nodes():
        for operation in node.operations:
            path = contract.paths[operation.path]
            request = path.requests.get(operation.method)
            assert operation.certainty == (request.certainty if request else path.certainty), operation.wire
            for field in operation.query:
                sure = request.field_certainty(field.name) if request else "inferred"
                assert RANKS.index(field.certainty or "inferred") <= RANKS.index(sure), (operation.wire, field.name)


def test_every_category_is_described(loaded: spec.Spec) -> None:
    assert all(loaded.overrides.docs_of(category.path, "") for category in loaded.categories)


def test_it_makes_a_client_of_any_name(tmp_path: Path) -> None:
    result = generate(SPECS, tmp_path, "acme")
    assert result.problems == ()
    assert (tmp_path / "acme" / "models" / "notification_configs.py").is_file()
