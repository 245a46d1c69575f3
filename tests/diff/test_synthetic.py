"""The synthetic API that measurements are made with: its size, and that it is one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import synthetic
from benchmarks.diff import changed, diff, load
from digirm_codegen import spec_files
from digirm_codegen.diff.compare import compare
from digirm_runtime import spec


@pytest.mark.parametrize(("paths", "fields"), [(0, 0), (1, 0), (7, 3), (20, 500), (230, 2001)])
def test_it_has_the_size_asked_for(paths: int, fields: int, tmp_path: Path) -> None:
    made = synthetic.write(tmp_path, paths, fields)
    assert made == synthetic.capture(paths, fields) == spec_files.read(tmp_path)
    loaded = spec.load(tmp_path)
    requests = [request for category in loaded.categories for path in category.paths for request in path.requests or ()]
    assert len(loaded.templates()) == len(set(loaded.templates())) == paths
    assert sum(len(request.query) for request in requests) == fields
    assert loaded.problems == ()


def test_what_is_changed_in_it_is_found(tmp_path: Path) -> None:
    old = synthetic.write(tmp_path / "old", 40, 400)
    assert compare(old, changed(old, set())).findings == ()
    new = changed(old, {"sensors"})
    found = Counter(finding.id for finding in compare(old, new).findings)
    lists = found["field-type-changed"]
    assert lists > 4
    assert found["orderby-lost"] == found["operator-removed"] == found["parameter-removed"] == lists
    spec_files.write(tmp_path / "new", spec_files.render(new))
    assert diff(tmp_path / "old", tmp_path / "new") == sum(found.values())
    assert len(load(tmp_path / "old", tmp_path / "new")) == 2 * 3
