"""Names that only the version before had: what is said of them, and modules that still give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Gone(NamedTuple):
    """Why a name is kept: its dotted name, what it is (`gone since ...`), and a reason that follows a colon."""

    what: str
    state: str
    reason: str

    @property
    def message(self) -> str:
        """What a use of the name warns of."""
        return f"{self.what} is {self.state}: {self.reason}"

    @property
    def doc(self) -> str:
        """The same as the beginning of a docstring."""
        return ". ".join(text[:1].upper() + text[1:] for text in (self.state, self.reason)) + "."


def members(module: str, source: str, messages: Mapping[str, str]) -> Callable[[str], object]:
    """`__getattr__` (PEP 562) of a module whose gone names are in the module `source` beside it.

    A use warns (DeprecationWarning) with the name's message, at the line that uses it.
    """

    def getattr_(name: str) -> object:
        if name not in messages:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        import warnings
        from importlib import import_module

        warnings.warn(messages[name], DeprecationWarning, stacklevel=2)
        return getattr(import_module(source, module.rpartition(".")[0]), name)

    return getattr_
