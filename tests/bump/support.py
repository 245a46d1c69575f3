"""Two versions of a small API, and a bump to what a server on loopback shows of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from digirm_cli.main import main
from digirm_codegen.generate import generate
from tests.codegen.support import listing, path, request
from tests.crawl.dialect import root, serve
from tests.support.server import Answer

FIELD = {"field": "name", "operators": ["=", "contains"], "orderby": True, "type": "Text"}


OVERRIDES = """
format = 1  # by hand

[names]
"GET /ws/v1/parts/inventory" = { name = "parts.all", source = "a test", reason = "a test" }
"GET /ws/v1/rooms" = { name = "rooms.look", source = "a test", reason = "a test" }

[schemas.Part]
category = "parts"
source = "a test"
reason = "a test"
properties = { name = "string" }
"""


def inventory(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    get = request("GET", "query", "size", query=list(fields))
    return listing(path(f"/ws/v1/{name}/inventory", get), path(f"/ws/v1/{name}"))


def serving(documents: dict[str, Any], **more: Answer) -> Any:
    """A server of these categories; `more` are other answers, by category."""
    answers = {"/ws/v1": Answer(body=root(*documents, *more))}
    answers |= {f"/ws/v1/{name}": Answer(body=document) for name, document in documents.items()}
    return serve(answers | {f"/ws/v1/{name}": answer for name, answer in more.items()})


FIRST = {"parts": inventory("parts", FIELD), "rooms": inventory("rooms", FIELD)}


SECOND = {"parts": inventory("parts", {**FIELD, "type": "Numeric"}), "halls": inventory("halls", FIELD)}


def bump(version: str, documents: dict[str, Any], *options: str, **more: Answer) -> int:
    with serving(documents, **more) as server:
        arguments = [server.url, "--api-version", version, "--out", "src", "--package", "acme_rm"]
        return main(["bump", *arguments, *options])


def generate_first(place: Path, models: str) -> None:
    assert bump("1", FIRST) == 0
    Path("specs/1/overrides.toml").write_text(OVERRIDES)
    shutil.rmtree(place / "src")
    generate("specs/1", "src", "acme_rm", models=models)
