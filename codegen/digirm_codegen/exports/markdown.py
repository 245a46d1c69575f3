"""A spec as reference pages in Markdown: an index, and a page per category.

Whatever a server called something stands in code spans; see `digirm_codegen.exports.text`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from digirm_codegen.exports import markdown_parts as parts
from digirm_codegen.exports.language import Language
from digirm_codegen.exports.operations import origin, title
from digirm_codegen.exports.payloads import Payloads
from digirm_codegen.exports.text import code, prose
from digirm_runtime import naming, tree
from digirm_runtime.query import tables
from digirm_runtime.spec import Spec, file_stem
from digirm_runtime.tree import Node, Tree

#: The first line of every page. A file without it is somebody else's, and neither replaced nor removed.
MARKER = "<!-- Made by `digirm export-spec --format markdown`; changes belong in the specs. -->"
INDEX = "README.md"
_CALLS = (
    "`rm` is a `Client`; with an `AsyncClient` the same is awaited. Every method also takes `options=`, every `list` "
    "also `limit=` and `prefetch=`, every `csv` also `typed=`; `...` stands for the parameters, all optional."
)
_CERTAINTY = (
    "Certainty is `recorded` (in an answer of the service), `documented` or `inferred`; that of a query field speaks "
    "of its operators."
)


def export(spec: Spec, _server: str, problems: list[str]) -> str:
    """All pages as one document; what is left out is added to `problems`."""
    texts = _Pages(spec, problems).texts(lambda category: f"#{category.attribute.lower()}")
    return "\n".join([MARKER, *(text.removeprefix(MARKER) for text in texts.values())])


def pages(spec: Spec, _server: str, problems: list[str]) -> dict[str, str]:
    """The pages by file name; what is left out is added to `problems`."""
    return _Pages(spec, problems).texts(page)


def page(category: Node) -> str:
    """The file name of a category's page: safe on every file system, and not the index's."""
    stem = file_stem(category.wire)
    return f"{stem}.{naming.tag(category.wire)}.md" if stem == "readme" else f"{stem}.md"


class _Pages:
    """Makes the pages of one spec."""

    def __init__(self, spec: Spec, problems: list[str]) -> None:
        self._spec = spec
        self._named: Tree = tree.build(spec)
        problems += self._named.problems
        self._language = Language(spec)
        self._payloads = Payloads(spec, self._named, problems)
        self._problems = problems

    def texts(self, link: Callable[[Node], str]) -> dict[str, str]:
        found = {INDEX: self._index(link)}
        return found | {page(category): self._category(category) for category in self._named.categories}

    def _index(self, link: Callable[[Node], str]) -> str:
        spec = self._spec
        counts = {category.wire: len(list(_operations(category))) for category in self._named.categories}
        lines = [
            f"# {prose(title(spec))}",
            "",
            f"API version {code(spec.api_version)} ({code(spec.provenance)}, {code(spec.fingerprint)}): "
            f"{sum(counts.values())} operations in {len(counts)} categories.",
            *map(prose, origin(spec)),
            "",
            _CALLS,
            _CERTAINTY,
            "",
            *parts.table(
                ("category", "path", "operations"),
                (
                    (
                        f"[{category.attribute}]({link(category)})",
                        code(f"{spec.base_path}/{category.wire}"),
                        str(number),
                    )
                    for category, number in ((each, counts[each.wire]) for each in self._named.categories)
                ),
            ),
        ]
        if spec.unavailable:
            rows = ((code(n), str(s or ""), code(kind)) for n, (s, kind) in sorted(spec.unavailable.items()))
            lines += ["", "## Unavailable", "", "These categories could not be captured; they may exist all the same."]
            lines += ["", *parts.table(("category", "status", "kind"), rows)]
        lines += [
            "",
            "## Literals",
            "",
            "What stands on the right of an operator in a query, by the type of the field.",
        ]
        lines += ["", *parts.table(("type", "literals", "for example"), self._literals())]
        if self._problems:
            lines += ["", "## Left out", "", *(f"- {code(problem)}" for problem in self._problems)]
        return _joined(lines)

    def _literals(self) -> Iterable[tuple[str, ...]]:
        examples = tables.literals()["examples"]
        for name, forms in self._language.tables["types"].items():
            yield code(name), ", ".join(forms), ", ".join(code(one) for form in forms for one in examples.get(form, ()))

    def _category(self, category: Node) -> str:
        spec, operations = self._spec, list(_operations(category))
        lines = [
            f"# {category.attribute}",
            "",
            f"{code(f'{spec.base_path}/{category.wire}')} in API version {code(spec.api_version)} "
            f"({code(spec.provenance)}).",
            "",
            "## Operations",
            "",
            *parts.table(
                ("call", "request", "result", "parameters", "certainty"),
                (parts.operation_row(f"rm.{dotted}", operation) for dotted, operation in operations),
            ),
        ]
        lines += parts.section("Notes", parts.notes(spec, operations))
        lines += parts.section("Parameters", parts.parameters(spec, operations))
        lines += parts.section("Query fields", parts.query_fields(operations))
        lines += parts.section("Payloads", parts.payloads(spec, self._payloads.of_category(category.wire)))
        lines += parts.section("Sources", parts.sources(spec, operations))
        return _joined(lines)


def _operations(category: Node) -> Iterable[tuple[str, tree.Operation]]:
    return (
        (f"{dotted}.{operation.name}", operation) for dotted, node in category.named() for operation in node.operations
    )


def _joined(lines: list[str]) -> str:
    return "\n".join([MARKER, *lines]) + "\n"
