"""No value of a path argument reaches another template of 22.7, by the word of the simulator's router."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime import spec, tree
from digirm_runtime.operation import Endpoint
from digirm_simulator import contract_files
from digirm_simulator.routing import Router

SPECS = Path(__file__).parents[2] / "specs" / "22.7"
OPERATIONS = [
    operation for node in tree.build(spec.load(SPECS)).nodes() for operation in node.operations if operation.args
]
ROUTER = Router(contract_files.builtin("22.7").paths.values())
WORDS = sorted({piece for op in OPERATIONS for piece in op.path.split("/") if piece and "{" not in piece})

pieces = st.one_of(
    st.sampled_from([*WORDS, "inventory", "bulk", "cancel", "..", "%2e%2e", "%2F", "a%2fb", "", " ", "?", "#", "x"]),
    st.text(max_size=5),
)
values = st.one_of(st.lists(pieces, min_size=1, max_size=5).map("/".join), pieces, st.integers())


@settings(max_examples=500)
@given(st.sampled_from(OPERATIONS), st.lists(values, min_size=3, max_size=3))
def test_no_value_reaches_another_template(operation: tree.Operation, chosen: list[str | int]) -> None:
    endpoint = Endpoint(operation.method, operation.template, operation.kind, rivals=operation.rivals)
    given_values = chosen[: len(operation.args)]
    try:
        path = endpoint.path(given_values)
    except ValueError:
        return
    match = ROUTER.match(path)
    assert match is not None
    assert match.path.template == operation.path
    assert list(match.args.values()) == [str(value) for value in given_values]
