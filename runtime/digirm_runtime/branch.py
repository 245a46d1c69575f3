"""What clients and the nodes below them have in common: children by their names on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class Branch:
    """A node of the tree. `_children` maps wire names to attribute names."""

    _children: ClassVar[Mapping[str, str]] = {}

    def __getitem__(self, wire: str) -> Any:
        """The child with this name on the wire. Raises KeyError with the names there are."""
        try:
            attribute = self._children[wire]
        except KeyError:
            known = ", ".join(self._children) or "none"
            raise KeyError(f"{wire!r}: the names below are {known}") from None
        return getattr(self, attribute)
