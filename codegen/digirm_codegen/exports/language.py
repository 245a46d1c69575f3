"""The query language of a spec as data for other programs: its grammar, and what each type and operator takes."""

from __future__ import annotations

from typing import Any

from digirm_runtime.query import grammar, tables
from digirm_runtime.spec import Field, Spec


class Language:
    """What the language of a spec is made of. Raises SpecError where an override names an unknown literal form."""

    def __init__(self, spec: Spec) -> None:
        self.tables = tables.build(spec)
        #: What fields can be compared with; a spec without any has no language.
        self.operators: list[str] = self.tables["operators"]

    def document(self) -> dict[str, Any]:
        """The whole language, JSON-able.

        `grammar` is a Lark grammar (LALR, with its contextual lexer), `literals` the regular expression of each literal
        form, `types` the forms that a type of field takes, `operators` what each operator takes: `literals` where it
        has forms of its own, and whether it takes the word `empty`.
        """
        built = self.tables
        forms = tables.literals()["forms"]
        return {
            # The package's own lexer leaves out what stands between tokens; another program's has to be told.
            "grammar": grammar.render(built) + "\n%ignore /[ \\t\\r\\n\\f\\v]+/\n",
            "literals": {form: built["terminals"][form.upper()] for form in forms},
            "types": built["types"],
            "operators": {
                operator: {
                    **({"literals": taken} if (taken := built["operator_forms"].get(operator)) else {}),
                    "empty": operator in built["empty"],
                }
                for operator in self.operators
            },
        }

    def forms(self, field: Field) -> list[str] | None:
        """The literal forms that a field's type takes; None where it takes every form."""
        taken = self.tables["types"].get(field.type)
        return None if taken is None else list(taken)

    def field(self, field: Field) -> dict[str, Any]:
        """A query field, JSON-able; `literals` is missing where its type takes every form."""
        described: dict[str, Any] = {"field": field.name, "type": field.type, "operators": list(field.operators)}
        described["orderby"] = field.orderby
        forms = self.forms(field)
        optional = {
            "literals": forms,
            "values": list(field.values) or None,
            "description": field.doc or None,
            "x-certainty": field.certainty,
        }
        return described | {key: value for key, value in optional.items() if value is not None}
