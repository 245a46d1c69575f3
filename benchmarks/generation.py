"""From an API to a client: from nothing, again after a change, and how it grows with the API.

The peer makes a client of the same API from the OpenAPI document that digirm exports: as it comes, with the formatters
that it runs behind itself, and without them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import synthetic
from benchmarks.harness import Row, over_bare, paired, process
from digirm_cli.main import main

VERSION = "22.7"
SPECS = Path(__file__).parent.parent / "specs" / VERSION
PEER = f"openapi-python-client {version('openapi-python-client')}"
SMALL, LARGE = (200, 2_000), (2_000, 20_000)
#: Statements around a call: its seconds, and the most memory in use.
_SECONDS = "started = time.perf_counter(); {}; print(time.perf_counter() - started)"
_MEGABYTES = "tracemalloc.start(); {}; print(tracemalloc.get_traced_memory()[1] / 2**20)"
MODULE = "from digirm_cli.main import main; raise SystemExit(main({}))"


def rows(rounds: int) -> list[Row]:
    """All of it, in a scratch folder that also holds the generator's cache."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DIGIRM_CACHE_DIR"] = f"{folder}/cache"
        try:
            return [*_against_peer(Path(folder), rounds), *_growth(Path(folder), rounds)]
        finally:
            del os.environ["DIGIRM_CACHE_DIR"]


def _against_peer(folder: Path, rounds: int) -> list[Row]:
    specs = Path(shutil.copytree(SPECS, folder / "specs"))
    _silently("export-spec", "--specs", str(specs), "--format", "openapi", "--out", str(folder / "openapi.json"))
    (folder / "plain.json").write_text('{"post_hooks": []}')
    # Its formatter is a command that it looks for on the path.
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

    def peer(*options: str) -> float:
        arguments = ["generate", "--path", f"{folder}/openapi.json", "--output-path", f"{folder}/peer", *options]
        statement = (
            "import sys; from openapi_python_client.cli import app; "
            f"sys.argv[1:] = {[*arguments, '--meta', 'none', '--overwrite']!r}; app()"
        )
        return process(statement, tries=1, quiet=True)

    def plain_peer() -> float:
        return peer("--config", f"{folder}/plain.json")

    def generate(out: str) -> float:
        return _process("generate", "--specs", str(specs), "--out", f"{folder}/{out}", "--package", "made")

    def from_nothing() -> float:
        for name in ("cache", "crawled", "new"):
            shutil.rmtree(folder / name, ignore_errors=True)
        crawled = folder / "crawled"
        seconds = _process("crawl", f"sim:{VERSION}", "--out", str(crawled), "--api-version", VERSION)
        shutil.copy(SPECS / "overrides.toml", crawled)
        return seconds + _process("generate", "--specs", str(crawled), "--out", f"{folder}/new", "--package", "made")

    def generate_from_nothing() -> float:
        for name in ("cache", "new"):
            shutil.rmtree(folder / name, ignore_errors=True)
        return generate("new")

    def one_changed() -> float:
        _change(specs)
        return generate("again")

    from_nothing_pairs = paired(from_nothing, peer, rounds)
    plain_pairs = paired(from_nothing, plain_peer, rounds)
    own = paired(generate_from_nothing, lambda: 1.0, rounds)
    generate("again")
    changed = paired(one_changed, peer, rounds)
    generate("again")
    same = paired(lambda: generate("again"), peer, rounds)
    nothing = [seconds for seconds, _ in own]
    return [
        Row(f"crawl and generate {VERSION} from nothing", PEER, from_nothing_pairs, 0.75),
        Row(f"crawl and generate {VERSION} from nothing", f"{PEER}, its formatters off", plain_pairs),
        Row("generate again, one category changed", PEER, changed, 0.2),
        Row("generate again, nothing changed: no file is written", PEER, same, 0.05),
        Row(
            "generate again, one category changed",
            "digirm, generate from nothing",
            [(pair[0], own) for pair, own in zip(changed, nothing, strict=True)],
        ),
        Row(
            "generate again, nothing changed",
            "digirm, generate from nothing",
            [(pair[0], own) for pair, own in zip(same, nothing, strict=True)],
        ),
    ]


def _change(specs: Path) -> None:
    """Add a parameter to one request of one category, or take it out again."""
    from digirm_codegen import spec_files

    capture = spec_files.read(specs)
    request: dict[str, Any] = capture.documents["alerts"]["list"][0]["requests"][0]
    request["params"] = [] if request.get("params") else ["added"]
    files = spec_files.render(capture)
    spec_files.write(specs, files)


def _growth(folder: Path, rounds: int) -> list[Row]:
    rows = []
    for size in (SMALL, LARGE):
        made = synthetic.write(folder / f"specs{size[0]}", *size)
        (folder / f"specs{size[0]}" / "overrides.toml").write_text("".join(_payload(name) for name in made.documents))

    def generate(size: tuple[int, int], measure: str) -> float:
        """What a process prints that generates the client of a synthetic API."""
        for name in ("cache", f"synthetic{size[0]}"):
            shutil.rmtree(folder / name, ignore_errors=True)
        arguments = ["generate", "--specs", f"{folder}/specs{size[0]}", "--out", str(folder)]
        call = f"main({[*arguments, '--package', f'synthetic{size[0]}']!r})"
        code = f"from digirm_cli.main import main\nimport time, tracemalloc\n{measure.format(call)}"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        return float(done.stdout.split()[-1])

    several = range(min(rounds, 3))
    times = [(generate(LARGE, _SECONDS), generate(SMALL, _SECONDS)) for _ in several]
    memory = [(generate(LARGE, _MEGABYTES), generate(SMALL, _MEGABYTES)) for _ in several[:1]]
    # 20 paths are a category, and each has a type of its own.
    large, small = (
        f"{paths:,} paths, {fields:,} query fields, {paths // 20} types" for paths, fields in (LARGE, SMALL)
    )
    rows.append(Row(f"generate {large}", f"digirm, {small}", times, 12))
    rows.append(Row(f"most memory to generate {large}", f"digirm, {small}", memory, 12, "MB"))

    def imported(size: tuple[int, int]) -> float:
        names = "Client, AsyncClient, check_query, fields"
        return over_bare(f"import sys; sys.path.insert(0, {str(folder)!r}); from synthetic{size[0]} import {names}")

    rows.append(
        Row(
            f"import the client of {large}",
            f"digirm, {small}",
            paired(lambda: imported(LARGE), lambda: imported(SMALL), rounds),
            1.5,
        )
    )
    return rows


def _payload(category: str) -> str:
    """The override that documents the objects of a category's inventory."""
    name = "".join(part.capitalize() for part in category.split("_"))
    known = 'source = "a benchmark"\nreason = "a benchmark"\n'
    properties = "".join(
        f'{key} = "{word}"\n' for key, word in (("id", "string"), ("size", "integer"), ("tags", "string[]"))
    )
    path = f"{synthetic.BASE_PATH}/{category}/inventory"
    return (
        f'[[operation]]\nmethod = "GET"\npath = "{path}"\nschema = "{name}"\n{known}'
        f'[schemas.{name}]\ncategory = "{category}"\nkey = "id"\n{known}[schemas.{name}.properties]\n{properties}'
    )


def _process(*arguments: str) -> float:
    return process(MODULE.format(json.dumps(arguments)), tries=1, quiet=True)


def _silently(*arguments: str) -> None:
    if main(arguments):
        raise SystemExit(f"digirm {' '.join(arguments)} failed")
