"""The two small versions that files are judged by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from digirm_codegen import against
from digirm_codegen.against import Scan
from digirm_runtime import spec as specs
from digirm_runtime.spec import Spec
from tests.diff import small

Scanned: TypeAlias = "Callable[..., Scan]"


@pytest.fixture(scope="session")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spec, Spec]:
    """The small API before and after."""
    folder = tmp_path_factory.mktemp("contracts")
    return specs.load(small.old(folder)), specs.load(small.new(folder))


@pytest.fixture
def scanned(contracts: tuple[Spec, Spec], tmp_path: Path) -> Scanned:
    """Scan one file with a name and a content."""

    def scanned(name: str, content: str | bytes) -> Scan:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return against.scan([file], *contracts)

    return scanned
