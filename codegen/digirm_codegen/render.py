"""From a spec to the texts of a package's files."""

from __future__ import annotations

from typing import NamedTuple

from digirm_codegen import api, models, output, schemas
from digirm_codegen.templating import Code, render
from digirm_runtime import naming, tree
from digirm_runtime.package import MANIFEST
from digirm_runtime.spec import DEVICE_NAMES, Spec
from digirm_runtime.tree import Node

#: What the package's root gives, and where it comes from; beside it stand `__all__` and the lazy import made of this.
EXPORTS: dict[str, tuple[str, ...]] = {
    "digirm_runtime.errors": (
        "APIError",
        "AuthError",
        "BadRequest",
        "CredentialsError",
        "Forbidden",
        "NotFound",
        "QueryError",
        "RemoteManagerError",
        "ServerError",
        "SpecError",
        "Throttled",
        "TranslationError",
        "TransportError",
        "WouldWaitForItself",
    ),
    "digirm_runtime.device_id": ("device_id",),
    "digirm_runtime.hooks": ("Hooks",),
    "digirm_runtime.options": ("ApiKey", "Options", "Throttle"),
    "digirm_runtime.query.builder": ("ago", "any_of", "empty", "field", "raw"),
    "digirm_runtime.text": ("parse_time",),
    ".": ("fields",),
    ".client": ("AsyncClient", "Client"),
    ".query": ("check_query", "complete"),
}
_FLAVOURS = (Code(""), Code("Async"))
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


def package(spec: Spec, kind: str = models.DEFAULT) -> Rendered:
    """Every file of the package made from `spec`, its payload types of one of `models.KINDS`."""
    from digirm_codegen import fields
    from digirm_runtime.query.language import language_files

    named = tree.build(spec)
    problems = [*spec.problems, *named.problems]
    stems = modules(named.categories)
    categories = {node.wire: node for node in named.categories}
    shown = [(category.name, categories.get(_first(spec, category.path))) for category in spec.categories]
    typed = [schemas.Category(name, stems[node.wire], node) for name, node in shown if node is not None]
    payloads = models.KINDS[kind]
    definitions, places = schemas.definitions(spec, typed, problems, payloads)
    typings = models.modules(definitions, problems, payloads)
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
        **{f"query/{name}": text for name, text in language_files(spec).items()},
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
    files[MANIFEST] = output.manifest(files, origin, None if kind == models.DEFAULT else kind)
    return Rendered(files, problems)


def modules(categories: list[Node]) -> dict[str, str]:
    """Module names by the wire names of categories: unique also where a file system ignores case."""
    wanted = {node.wire: naming.identifier(node.attribute.lower()) or node.attribute for node in categories}
    return naming.settle(wanted, _RESERVED_FILES)


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
