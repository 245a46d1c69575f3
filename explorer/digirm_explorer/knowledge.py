"""What the explorer knows of an API version: its spec, its query language, and the clients made of them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from digirm_runtime.errors import SpecError

if TYPE_CHECKING:
    from digirm_runtime.calls.known import Specs
    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.dynamic import Api
    from digirm_runtime.query.language import Language
    from digirm_runtime.spec import Spec

#: The specs of a wheel, and those of a checkout.
_PLACES = (Path(__file__).parent / "specs", Path(__file__).parents[2] / "specs")


class Knowledge:
    """One spec, read when it is first asked for; threads may share it.

    Everything but the constructor raises SpecError for a spec that cannot be found or read.
    """

    def __init__(self, specs: str | None = None) -> None:
        """`specs` is a spec folder; by default that of the installed client."""
        self._folder = specs
        self._lock = RLock()
        self._catalog_lock = Lock()

    @property
    def folder(self) -> str | None:
        """The spec folder that was named."""
        return self._folder

    @property
    def spec(self) -> Spec:
        """The spec with its overrides."""
        with self._lock:
            return self._spec

    @property
    def language(self) -> Language:
        """The query language; the clients check by the same one."""
        if self._folder is None:
            # Not behind the lock: what is typed need not wait for the spec to be read.
            from digirm._package import PACKAGE

            return PACKAGE.language
        with self._lock:
            return self._classes.language

    @property
    def calls(self) -> Specs:
        """What judges requests."""
        with self._lock:
            return self._calls

    @property
    def catalog(self) -> dict[str, Any]:
        """`Catalog` of the page's `types.ts`. It is kept: nobody may change it."""
        # Not behind the other lock: calls need not wait for it.
        with self._catalog_lock:
            return self._catalog

    @property
    def info(self) -> dict[str, str]:
        """`api_version`, `provenance` and `fingerprint` of the spec."""
        info = self.language.info
        return {"api_version": info.api_version, "provenance": info.provenance, "fingerprint": info.fingerprint}

    def make(self, url: str | None = None, **settings: Any) -> Client:
        """A blocking client; arguments and errors are those of `Client`."""
        if self._folder is not None:
            return self._dynamic.blocking(url, **settings)
        from digirm.client import Client

        return Client(url, **settings)

    def make_async(self, url: str | None = None, **settings: Any) -> AsyncClient:
        """An async client; arguments and errors are those of `AsyncClient`."""
        if self._folder is not None:
            return self._dynamic.awaited(url, **settings)
        from digirm.client import AsyncClient

        return AsyncClient(url, **settings)

    @property
    def _dynamic(self) -> Api:
        with self._lock:
            return self._classes

    @cached_property
    def _classes(self) -> Api:
        from digirm_runtime import dynamic

        assert self._folder is not None
        # Once and for all: a folder that is edited meanwhile does not get the explorer two specs.
        return dynamic.opened(self._folder)

    @cached_property
    def _spec(self) -> Spec:
        if self._folder is not None:
            return self._classes.spec
        from digirm_runtime.spec import load

        return load(_default_folder())

    @cached_property
    def _catalog(self) -> dict[str, Any]:
        from digirm_explorer.catalog import catalog

        return catalog(self)

    @cached_property
    def _calls(self) -> Specs:
        from digirm_runtime.calls.known import Specs

        return Specs(self.make)


def _default_folder() -> Path:
    """The spec folder of the API version that the installed client is of. Raises SpecError where there is none."""
    from digirm._package import PACKAGE

    version: str = PACKAGE.spec_info["api_version"]
    for place in _PLACES:
        if (place / version / "index.json").is_file():
            return place / version
    raise SpecError(f"the spec of API version {version} is not installed; name a spec folder with --specs")
