"""Field sets that are made when they are first used.

Apart from the generated package, because the names in that one's namespace are the API's: one may be `globals`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping


def members(package: str, modules: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` (PEP 562) of a package whose attributes are each the `ROOT` of a module below it."""
    namespace = vars(sys.modules[package])

    def getattr_(name: str) -> object:
        from importlib import import_module

        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        namespace[name] = import_module(f"{package}.{modules[name]}").ROOT
        return namespace[name]

    def dir_() -> list[str]:
        return sorted({*namespace, *modules})

    return getattr_, dir_
