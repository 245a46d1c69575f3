"""What type checkers see of the shipped client: objects from the blocking face, awaitables of them from the other."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.codegen.support import ROOT

PATHS = [str(ROOT / room) for room in ("runtime", "generated")]
USE = """from digirm import AsyncClient, Client

async def use(rm: Client, arm: AsyncClient) -> None:
    reveal_type(rm.devices.inventory.get("x"))
    reveal_type(arm.devices.inventory.get("x"))
    reveal_type(await arm.devices.inventory.get("x"))
    reveal_type(rm.devices.inventory.list(prefetch=True))
    reveal_type(arm.devices.inventory.list(limit=1))
    reveal_type(rm.devices.inventory.list().first())
    reveal_type(rm.devices.inventory.create({"id": "x"}).one())
    reveal_type(await arm.devices.inventory.create([{"id": "x"}]))
    reveal_type(rm.devices.bulk.csv(typed=True))
    reveal_type(arm.devices.bulk.csv())
    rm.devices.inventory.get(None)
    rm.devices.inventory.list(nonsense=1)
    arm.devices.inventory.list(limit="3")
"""
SEEN = [
    "Device",
    "Awaitable[Device]",
    "Device",
    "Listing[Device]",
    "AsyncListing[Device]",
    "Device | None",
    "Device",
    "Created[Device]",
    "Rows",
    "AsyncRows",
]
WRONG = [14, 15, 16]


IMPORTS = """from collections.abc import Awaitable
from typing import assert_type
from digirm.models.devices import Device
from digirm_runtime.created import Created
from digirm_runtime.paging import AsyncListing, Listing
from digirm_runtime.rows import AsyncRows, Rows
"""


def test_mypy_strict(tmp_path: Path, mypy_cache: str) -> None:
    types = iter(SEEN)
    # Of a TypedDict, mypy reveals all keys and no name.
    asked = re.sub(r"reveal_type\((.*)\)\n", lambda found: f"assert_type({found[1]}, {next(types)})\n", USE)
    (tmp_path / "use.py").write_text(IMPORTS + asked)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "use.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "MYPYPATH": ":".join(PATHS), "MYPY_CACHE_DIR": mypy_cache},
    )
    wrong = [int(line) - IMPORTS.count("\n") for line in re.findall(r"use\.py:(\d+): error", done.stdout)]
    assert wrong == WRONG, done.stdout[:2000]


def test_pyright(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(USE)
    settings = {"extraPaths": PATHS, "typeCheckingMode": "strict", "reportRevealedType": "information"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--project", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    notes = [re.findall(r'is "(.*)"', each["message"])[0] for each in found if each["severity"] == "information"]
    assert notes == SEEN, notes
    wrong = {each["range"]["start"]["line"] + 1 for each in found if each["severity"] == "error"}
    assert sorted(wrong) == WRONG, found
