"""The workflow in the documentation, its steps run as a runner would, with a stand-in for GitHub's own command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.codegen.support import ROOT

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / "docs" / "bump-workflow.yml").read_text("utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in WORKFLOW["jobs"]["bump"]["steps"] if "name" in step}


#: Stands in for GitHub's command: notes how it is called, and wants the file that a text comes from.
GH = """#!/bin/sh
echo "$@" >> "$HOME/gh.txt"
while [ $# -gt 0 ]; do
  if [ "$1" = --body-file ]; then test -s "$2" || exit 1; fi
  shift
done
"""


class Runner:
    """A repository with a place to push to, and what the steps see of their surroundings."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.clone = place / "clone"
        self.output = place / "output"
        (place / "bin").mkdir()
        gh = place / "bin" / "gh"
        gh.write_text(GH)
        gh.chmod(0o755)
        self.output.touch()
        self.environment = {
            "PATH": os.pathsep.join((str(gh.parent), str(Path(sys.executable).parent), os.environ["PATH"])),
            "HOME": str(place),
            "RUNNER_TEMP": str(place),
            "GITHUB_OUTPUT": str(self.output),
            "DIGIRM_CACHE_DIR": str(place / "cache"),
            **{name: str(value) for name, value in WORKFLOW["env"].items()},
        }
        self.shows("22.7")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(place / "origin.git"), cwd=place)
        self.git("clone", "--quiet", str(place / "origin.git"), str(self.clone), cwd=place)
        (self.clone / "scripts").mkdir()
        (self.clone / "scripts" / "use.py").write_text("def use(rm):\n    return rm.network_interfaces.describe()\n")
        (self.clone / "src").mkdir()
        (self.clone / "src" / "app.py").write_text("NAME = 'app'\n")
        self.commit("First")
        self.git("push", "--quiet", "origin", "HEAD:main")

    def shows(self, version: str) -> None:
        """The service runs this version from now on."""
        self.environment |= {"DIGIRM_URL": f"sim:{version}", "API_VERSION": version}

    def called(self) -> list[str]:
        """The calls of GitHub's command."""
        return (self.place / "gh.txt").read_text().splitlines()

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        command = ["git", "-c", "safe.directory=*", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        done = subprocess.run(
            command, cwd=cwd or self.clone, env=self.environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        # As GitHub's runners call a shell.
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", STEPS[name]["run"]]
        return subprocess.run(
            command, cwd=self.clone, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A repository that has taken its first version in the same way."""
    runner = Runner(tmp_path_factory.mktemp("runner"))
    for name in ("Bump", "Propose"):
        done = runner.step(name)
        assert done.returncode == 0, done.stderr
    assert runner.output.read_text() == "code=0\n"
    assert "The first version that was captured" in (runner.place / "report.md").read_text()
    [called] = runner.called()
    assert called.startswith("pr create --head api-22.7 ")
    runner.git("push", "--quiet", "origin", "HEAD:main")
    runner.output.write_text("")
    runner.shows("docs-2023")
    return runner


def test_what_it_may_and_when() -> None:
    assert set(WORKFLOW["permissions"]) == {"contents", "pull-requests"}
    # YAML takes the word `on` for a truth value.
    assert set(WORKFLOW[True]) == {"schedule", "workflow_dispatch"}
    used = [step["uses"] for step in WORKFLOW["jobs"]["bump"]["steps"] if "uses" in step]
    assert all(name.startswith("actions/") for name in used)
    secrets = [name for name in STEPS if "secrets." in str(STEPS[name])]
    assert secrets == ["Bump"]


def test_a_new_version_becomes_a_pull_request(runner: Runner) -> None:
    done = runner.step("Bump")
    assert done.returncode == 0, done.stderr
    assert runner.output.read_text() == "code=1\n"
    assert "scripts/use.py" in (runner.place / "report.md").read_text()
    done = runner.step("Propose")
    assert done.returncode == 0, done.stderr
    changed = runner.git("diff", "--name-only", "origin/main", "origin/api-docs-2023").split()
    assert {name.partition("/")[0] for name in changed} == {"CHANGELOG.md", "specs", "src"}
    assert "specs/docs-2023/index.json" in changed
    assert [call.partition(" --title")[0] for call in runner.called()[1:]] == ["pr create --head api-docs-2023"]
    assert runner.step("Light").returncode == 1
    assert STEPS["Light"]["if"] == "steps.bump.outputs.code == '1'"

    # The next week nothing is new.
    runner.git("switch", "--quiet", "--detach", "origin/api-docs-2023")
    runner.output.write_text("")
    assert runner.step("Bump").returncode == 0
    assert runner.output.read_text() == "code=0\n"
    assert runner.step("Propose").stdout == "nothing changed\n"


def test_what_cannot_be_done_is_red_and_proposes_nothing(runner: Runner) -> None:
    runner.environment["DIGIRM_URL"] = "http://127.0.0.1:9"
    runner.output.write_text("")
    done = runner.step("Bump")
    assert done.returncode == 2
    assert runner.output.read_text() == ""
