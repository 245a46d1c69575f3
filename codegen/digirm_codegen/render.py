"""From a spec to the texts of a package's files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from digirm_codegen import api, models, output, reuse, schemas
from digirm_codegen.reuse import Former
from digirm_codegen.templating import Code, render
from digirm_runtime import naming, tree
from digirm_runtime.package import MANIFEST
from digirm_runtime.query.language import GRAMMAR_FILE, TABLES_FILE, language_files
from digirm_runtime.spec import DEVICE_NAMES, Spec
from digirm_runtime.tree import Node

#: What the package's root gives, and where it comes from; beside it stand `__all__` and the lazy import made of this.
EXPORTS: dict[str, tuple[str, ...]] = {
    "digirm_runtime.errors": (
        "APIError",
        "AuthError",
        "BadRequest",
        "ContractWarning",
        "CredentialsError",
        "Forbidden",
        "NotFound",
        "QueryError",
        "RemoteManagerError",
        "ServerError",
        "SpecError",
        "Throttled",
        "TooLarge",
        "TranslationError",
        "TransportError",
        "WouldWaitForItself",
    ),
    "digirm_runtime.data": ("Point", "UploadError"),
    "digirm_runtime.device_id": ("device_id",),
    "digirm_runtime.hooks": ("Hooks",),
    "digirm_runtime.legacy": ("column",),
    "digirm_runtime.options": ("ApiKey", "Options", "Throttle"),
    "digirm_runtime.query.builder": ("ago", "any_of", "empty", "field", "raw"),
    "digirm_runtime.push": ("Batch", "Event", "HttpReceiver", "PushError"),
    "digirm_runtime.sci": ("ALL", "Group", "JobTimeoutError", "SCIError", "StoredPayload", "Tag"),
    "digirm_runtime.storage": ("FileSource",),
    "digirm_runtime.text": ("parse_time",),
    ".": ("fields",),
    ".client": ("AsyncClient", "Client"),
    ".query": ("check_query", "complete"),
}
_FLAVOURS = (Code(""), Code("Async"))
_GRAMMAR, _TABLES = f"query/{GRAMMAR_FILE}", f"query/{TABLES_FILE}"
#: Module names that no category may have: `types` is the module that all of `fields` share.
_RESERVED_FILES = DEVICE_NAMES | {"types"}


class Rendered(NamedTuple):
    """The files of a package (relative path: text, the manifest included), and what was left out of them."""

    files: dict[str, str]
    problems: list[str]


class Category(NamedTuple):
    """A category as the client's template prints it."""

    wire: str
    attribute: str
    module: str
    base: str
    path: str


def package(spec: Spec, kind: str = models.DEFAULT, former: Former | None = None) -> Rendered:
    """Every file of the package made from `spec`, its payload types of one of `models.KINDS`.

    What costs most is taken from a `former` run where it would be the same.
    """
    from digirm_codegen import fields

    named = tree.for_client(spec)
    problems = [*spec.problems, *named.problems]
    stems = modules(named.categories)
    payloads = models.KINDS[kind]
    definitions, places = schemas.definitions(spec, typed(spec, named.categories, stems), problems, payloads)
    typings = _typings(definitions, problems, kind, former)
    places = places.within(typings)
    fieldsets = fields.render_modules(spec, named.categories, stems)
    files = {
        "__init__.py": _init(spec, payloads),
        "_package.py": render("package.py.jinja"),
        "client.py": _client(spec, named.categories, stems),
        "api/__init__.py": _folder("Operations, one module per category."),
        "models/__init__.py": _folder("Payload types, one module per category."),
        "query/__init__.py": render("query.py.jinja"),
        "py.typed": "",
        **{f"query/{name}": text for name, text in language_files(spec, _lalr_tables(former)).items()},
        **{f"models/{stem}.py": text for stem, text in typings.items()},
        **{f"fields/{name}": text for name, text in fieldsets.files.items()},
    }
    context = api.Context(spec, places, payloads, fieldsets.dotted)
    for node in named.categories:
        files[f"api/{stems[node.wire]}.py"] = api.module(node, context)
    origin = {
        "api_version": spec.api_version,
        "base_path": spec.base_path,
        "provenance": spec.provenance,
        "fingerprint": spec.fingerprint,
        "categories": {category.name: category.fingerprint for category in spec.categories},
    }
    if former is not None:
        former.made(_TABLES, reuse.key(_rules(files[_GRAMMAR])), files[_TABLES])
    files[MANIFEST] = output.manifest(files, origin, None if kind == models.DEFAULT else kind)
    return Rendered(files, problems)


def _typings(
    definitions: dict[str, dict[str, Any]], problems: list[str], kind: str, former: Former | None
) -> dict[str, str]:
    """The modules of payload types by name."""
    payloads = models.KINDS[kind]
    if former is None:
        return models.modules(definitions, problems, payloads)
    keys = {name: reuse.key(kind, found) for name, found in definitions.items()}
    known = {name: text for name, key in keys.items() if (text := former.text(f"models/{name}.py", key)) is not None}
    new = {name: found for name, found in definitions.items() if name not in known}
    texts = known | models.modules(new, problems, payloads)
    for name, text in texts.items():
        former.made(f"models/{name}.py", keys[name], text)
    return texts


def _lalr_tables(former: Former | None) -> Callable[[str], dict[str, Any]]:
    """What makes the LALR tables of a grammar."""

    def tables(grammar: str) -> dict[str, Any]:
        text = None if former is None else former.text(_TABLES, reuse.key(_rules(grammar)))
        if text is not None:
            lalr: dict[str, Any] = json.loads(text)["lalr"]
            return lalr
        from digirm_runtime.query import recovery

        return recovery.lalr_tables(grammar)

    return tables


def _rules(grammar: str) -> list[str]:
    """A grammar without its comments, which name the spec."""
    return [line for line in grammar.splitlines() if not line.startswith("//")]


def modules(categories: list[Node]) -> dict[str, str]:
    """Module names by the wire names of categories: unique also where a file system ignores case."""
    named: dict[str, str] = {}
    # A category that only the version before had takes no name from one of this.
    for gone in (False, True):
        nodes = [node for node in categories if node.gone is gone]
        wanted = {node.wire: naming.identifier(node.attribute.lower()) or node.attribute for node in nodes}
        named |= naming.settle(wanted, _RESERVED_FILES | set(named.values()))
    return named


def typed(spec: Spec, nodes: list[Node], stems: dict[str, str]) -> list[schemas.Category]:
    """The categories of `spec` that have a node, with the modules of their payload types."""
    by_wire = {node.wire: node for node in nodes}
    shown = [(category.name, by_wire.get(_first(spec, category.path))) for category in spec.categories]
    return [schemas.Category(name, stems[node.wire], node) for name, node in shown if node is not None]


def _first(spec: Spec, path: str) -> str:
    return path.removeprefix(spec.base_path + "/").partition("/")[0]


def _folder(doc: str) -> str:
    return render("folder.py.jinja", doc=doc)


def _client(spec: Spec, categories: list[Node], stems: dict[str, str]) -> str:
    return render(
        "client.py.jinja",
        api_version=spec.api_version,
        provenance=spec.provenance,
        flavours=_FLAVOURS,
        categories=[
            Category(
                node.wire,
                node.attribute,
                stems[node.wire],
                api.class_names(node)[node.path],
                f"{spec.base_path}/{node.wire}",
            )
            for node in categories
        ],
    )


def _init(spec: Spec, payloads: models.Kind) -> str:
    given = EXPORTS | ({"digirm_runtime.models": ("plain",)} if payloads.base else {})
    exports = sorted(
        (name, f".{name}" if module == "." else module) for module, names in given.items() for name in names
    )
    return render(
        "init.py.jinja",
        api_version=spec.api_version,
        provenance=spec.provenance,
        sources=[(Code(module), names) for module, names in given.items()],
        exports=exports,
    )
