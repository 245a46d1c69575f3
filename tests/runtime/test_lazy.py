"""What lies beside v1 costs nothing before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

BESIDE = ("xmltext", "legacy", "sci", "data", "storage", "push")
PROGRAM = """
import sys
from digirm import AsyncClient, Client
with Client("http://127.0.0.1:9", auth=("user", "password")) as rm:
    AsyncClient("http://127.0.0.1:9", auth=("user", "password"))
    before = set(sys.modules)
    rm.{name}
print(*sorted(before), "|", *sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("name", BESIDE[1:])
def test_importing_digirm_imports_nothing_of_the_rest_before_its_use(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(name=name)], capture_output=True, text=True, check=True
    )
    before, after = (set(part.split()) for part in done.stdout.split("|"))
    assert not {f"digirm_runtime.{module}" for module in BESIDE} & before
    assert not {"xml.etree.ElementTree", "xml.sax", "pyexpat", "zlib", "asyncio"} & before
    assert f"digirm_runtime.{name}" in after
