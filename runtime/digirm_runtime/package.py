"""A generated package as the runtime sees it: its folder, with the query language and the manifest in it."""

from __future__ import annotations

TYPE_CHECKING = False  # not from `typing`: checking a query never imports it
if TYPE_CHECKING:
    from typing import Any

    from digirm_runtime.query.language import Language

#: Lists the files of a generated package, and names the spec that they were made from.
MANIFEST = "_manifest.json"


class Package:
    """Lazy access to what the generator wrote; one instance per package and process, shared by its clients."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._language: Language | None = None
        self._spec_info: dict[str, Any] | None = None

    @property
    def language(self) -> Language:
        """The query language. Raises SpecError where its files are damaged."""
        if self._language is None:
            from digirm_runtime.query.language import Language

            # Two threads may both make one: they are alike, and cheap until used.
            self._language = Language.from_folder(f"{self._folder}/query")
        return self._language

    @property
    def spec_info(self) -> dict[str, Any]:
        """Of the spec that the package was generated from: `api_version`, `base_path`, `provenance`, `fingerprint`, and
        in `categories` the fingerprint of each category's document.
        """
        if self._spec_info is None:
            import json
            from pathlib import Path

            from digirm_runtime.errors import SpecError

            file = Path(self._folder) / MANIFEST
            try:
                self._spec_info = dict(json.loads(file.read_bytes())["spec"])
            except (OSError, ValueError, KeyError, TypeError):
                raise SpecError(f"{file} is missing or damaged: generate the package again") from None
        return self._spec_info
