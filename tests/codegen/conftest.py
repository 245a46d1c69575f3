import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, str], Any]]:
    """Import a generated package from a folder; all its modules are forgotten afterwards."""
    names: list[str] = []

    def load(folder: Path, name: str) -> Any:
        monkeypatch.syspath_prepend(str(folder))
        names.append(name)
        return importlib.import_module(name)

    yield load
    for module in [module for module in sys.modules if module.partition(".")[0] in names]:
        del sys.modules[module]
