import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from digirm_codegen.render import package
from digirm_runtime import overrides, spec
from tests.codegen.support import GOLDEN, ROOT, SMALL, tree_of


@pytest.mark.parametrize(
    ("specs", "models"),
    [
        (GOLDEN / "specs", "typeddict"),
        (ROOT / "specs" / "22.7", "typeddict"),
        (GOLDEN / "specs", "msgspec"),
        (GOLDEN / "specs", "pydantic"),
    ],
    ids=["small", "22.7", "small-msgspec", "small-pydantic"],
)
def test_neither_hash_seed_nor_folder_nor_locale_show(specs: Path, models: str, tmp_path: Path) -> None:
    code = (
        "import sys; from digirm_codegen.generate import generate\n"
        "generate(sys.argv[1], sys.argv[2], 'made', models=sys.argv[3])"
    )
    made = []
    for seed, locale, zone in (("0", "C", "UTC"), ("4711", "C.UTF-8", "Asia/Kathmandu")):
        folder = tmp_path / f"run{seed}"
        folder.mkdir()
        # A project's settings in the working directory must not change what is made.
        (folder / "pyproject.toml").write_text("[tool.datamodel-codegen]\nfield-constraints = true\nclass-name = 'X'\n")
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "LANG": locale, "TZ": zone}
        subprocess.run([sys.executable, "-c", code, specs, folder, models], cwd=folder, env=environment, check=True)
        made.append(tree_of(folder / "made"))
    assert made[0] == made[1]


def test_a_shuffled_server_gives_the_same_files() -> None:
    known = overrides.load(GOLDEN / "specs" / "overrides.toml")
    expected = package(_spec(SMALL, known)).files
    for seed in range(5):
        assert package(_spec(_shuffled(SMALL, random.Random(seed)), known)).files == expected


def _spec(documents: Any, known: overrides.Overrides) -> spec.Spec:
    return spec.from_documents(
        documents, api_version="9.1", base_path="/ws/v1", provenance="reconstructed", overrides=known
    )


def _shuffled(value: Any, order: random.Random, key: str = "") -> Any:
    """The same document in another order, but for operators and parameters, whose order is the server's word."""
    if isinstance(value, dict):
        items = list(value.items())
        order.shuffle(items)
        return {name: _shuffled(item, order, name) for name, item in items}
    if isinstance(value, list) and key not in ("operators", "params"):
        items = [_shuffled(item, order) for item in value]
        order.shuffle(items)
        return items
    return value
