"""What the specs' overrides say of certainty is what the contract says: neither is surer than its source."""

from pathlib import Path

from digirm_runtime import spec, tree
from digirm_simulator import contract_files

SPEC = spec.load(Path(__file__).parents[2] / "specs" / "22.7")
CONTRACT = contract_files.builtin("22.7")
RANKS = ("inferred", "documented", "recorded")


def test_operations_are_as_certain_as_their_requests() -> None:
    differences = []
    for node in tree.build(SPEC).nodes():
        for operation in node.operations:
            path = CONTRACT.paths[operation.path]
            request = path.requests.get(operation.method)
            known = request.certainty if request else path.certainty
            if operation.certainty != known:
                differences.append((operation.wire, operation.certainty, known))
    assert differences == []


def test_a_field_vouches_for_its_operators_only_where_they_are_recorded() -> None:
    # A documented field has an inferred operator list: of documented fields only the name is known, so that they stay
    # `inferred` here, where certainty decides whether a missing operator is an error.
    for category in SPEC.categories:
        for path in category.paths:
            for request in path.requests or ():
                known = CONTRACT.paths[path.template].requests[request.method]
                for field in request.query:
                    sure = known.field_certainty(field.name)
                    assert RANKS.index(field.certainty or "inferred") <= RANKS.index(sure), (path.template, field.name)
                    assert (field.certainty == "recorded") == (sure == "recorded"), (path.template, field.name)
