"""A contract made of crawled specs: what is stored, and what each request does, is worked out from the paths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path as FilePath

from digirm_runtime import spec as specs
from digirm_runtime import template
from digirm_runtime.errors import SpecError
from digirm_simulator import contract_files
from digirm_simulator.contract import Category, Contract, ContractError, Field, FieldType, Path, Request

#: How the values of a field compare whose type's name no built-in contract knows.
_UNKNOWN = "text"


def load(folder: FilePath) -> Contract:
    """The contract of the specs in `folder`. Raises ContractError where they cannot be read.

    What the self-documentation does not tell (keys of objects, columns, behaviours) is taken from the built-in
    contract of the same path where there is one; other paths become what their form suggests.
    """
    try:
        found = specs.load(folder)
    except SpecError as error:
        raise ContractError(str(error)) from None
    if not found.categories:
        raise ContractError(f"{folder} holds no category")
    reader = _Reader(folder, found)
    categories = [reader.category(category) for category in found.categories]
    return Contract(found.api_version, sorted(categories, key=lambda category: category.path))


class _Reader:
    def __init__(self, folder: FilePath, found: specs.Spec) -> None:
        self._folder = folder
        self._spec = found
        self._known = _known_paths()
        self._compares = _known_types()
        self._templates = {path.template for category in found.categories for path in category.paths}
        self._certainty = "recorded" if found.provenance == "live" else "inferred"
        self._source = f"specs of API version {found.api_version}, {found.provenance}"

    def category(self, category: specs.Category) -> Category:
        # As it was crawled, so that what this contract does not model is served all the same.
        document = json.loads((self._folder / f"{specs.file_stem(category.name)}.json").read_bytes())
        return Category(category.name, category.path, tuple(self._path(path) for path in category.paths), document)

    def _path(self, path: specs.Path) -> Path:
        below = path.template.removeprefix(self._spec.base_path)
        known = self._known.get(below)
        # A path that is listed without requests groups others: it describes them.
        listed = (specs.Request("GET"),) if path.requests is None else path.requests
        requests = {request.method: self._request(request, known) for request in listed}
        return Path(
            template=path.template,
            requests=requests,
            certainty=self._certainty,
            source=self._source,
            multi_segment=known.multi_segment if known else (),
            key=known.key if known else self._key(path, requests),
            item_of=self._spec.base_path + known.item_of.removeprefix(_BASE) if known and known.item_of else None,
            writable=known.writable if known else None,
            write_only=known.write_only if known else (),
            indexed=known.indexed if known else (),
            covering=known.covering if known else (),
        )

    def _key(self, path: specs.Path, requests: Mapping[str, Request]) -> str | None:
        """The field that names an object of the list at this path: the argument below it, where it is a field."""
        if "GET" not in requests or "{" in path.template:
            return None
        fields = requests["GET"].query
        for other in self._templates:
            head, _, rest = other.rpartition("/{")
            if head == path.template and "/" not in rest:
                argument = template.args(template.parse(other))[0].wire
                return argument if argument in fields or "id" not in fields else "id"
        return None

    def _request(self, request: specs.Request, known: Path | None) -> Request:
        like = known.requests.get(request.method) if known else None
        return Request(
            method=request.method,
            params=tuple(request.params),
            query={field.name: self._field(field) for field in request.query},
            query_certainty=self._certainty,
            documented=frozenset(),
            certainty=self._certainty,
            source=self._source,
            creates=like.creates if like else "object" if request.method == "POST" else None,
            order=like.order if like else None,
            columns=like.columns if like else None,
            does=like.does if like else None,
        )

    def _field(self, field: specs.Field) -> Field:
        compares = self._compares.get(field.type, _UNKNOWN)
        return Field(
            name=field.name,
            type=FieldType(field.type, compares, tuple(field.operators)),
            operators=tuple(field.operators),
            orderby=field.orderby,
            certainty=self._certainty,
            source=self._source,
            shown=(),
        )


_BASE = "/ws/v1"


def _known_paths() -> dict[str, Path]:
    """The paths of all built-in contracts below the base path; those of the newest numbered version come first."""
    found: dict[str, Path] = {}
    for version in contract_files.versions():
        for name, path in contract_files.builtin(version).paths.items():
            found.setdefault(name.removeprefix(_BASE), path)
    return found


def _known_types() -> dict[str, str]:
    return {
        field.type.name: field.type.compares
        for path in _known_paths().values()
        for request in path.requests.values()
        for field in request.query.values()
    }
