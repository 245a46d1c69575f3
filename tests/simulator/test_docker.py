"""The Dockerfile fits the project: what it copies, installs and starts exists."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from digirm_cli.main import parser

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def statements() -> list[tuple[str, str]]:
    """Instructions and their arguments; comments left out, continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(name, rest.strip()) for name, _, rest in found]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in statements() if instruction == name]


def copied() -> list[str]:
    return [source for rest in arguments("COPY") for source in shlex.split(rest)[:-1]]


def test_what_is_copied_exists_and_is_all_that_the_package_is_built_from() -> None:
    assert all((ROOT / source).exists() for source in copied())
    packages = {Path(package).parts[0] for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    named = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], "pyproject.toml", "constraints.txt"}
    assert set(copied()) == packages | named


def test_nothing_that_is_copied_is_ignored() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    for source in copied():
        ignored = False
        for rule in rules:
            if fnmatch(source, rule.removeprefix("!")):
                ignored = not rule.startswith("!")
        assert not ignored, source


def test_what_is_installed_and_who_runs_it() -> None:
    [version] = arguments("FROM")
    assert version.removeprefix("python:").startswith(PROJECT["project"]["requires-python"].removeprefix(">="))
    install = next(rest for rest in arguments("RUN") if "pip install" in rest)
    words = shlex.split(install)
    [extra] = [word.removeprefix(".[").removesuffix("]") for word in words if word.startswith(".[")]
    assert extra in PROJECT["project"]["optional-dependencies"]
    assert any(word == "PIP_CONSTRAINT=/src/constraints.txt" for word in words)
    [user] = arguments("USER")
    assert any(rest.startswith("useradd ") and rest.endswith(f" {user}") for rest in arguments("RUN"))


def test_the_command_is_one_of_digirm() -> None:
    [text] = arguments("ENTRYPOINT")
    program, *rest = json.loads(text)
    assert program in PROJECT["project"]["scripts"]
    parsed = parser().parse_args(rest)
    assert parsed.host == "0.0.0.0"
    assert arguments("EXPOSE") == [str(parsed.port)]


def test_the_image_has_one_name() -> None:
    shown = [ROOT / "Dockerfile", ROOT / "docs" / "simulator.md"]
    built, run = (
        [name for file in shown for name in re.findall(pattern, file.read_text(encoding="utf-8"))]
        for pattern in (r"docker build -t (\S+) ", r"docker run --rm -p \S+ (\S+)")
    )
    assert len(built) == len(run) == len(shown)
    assert len({*built, *run}) == 1
