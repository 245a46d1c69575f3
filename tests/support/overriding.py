"""Specs made from documents and the text of an `overrides.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digirm_runtime import overrides, spec
from digirm_runtime.overrides_check import Stale

#: What every entry must say.
KNOWN = 'source = "s", reason = "r"'
VERSION: dict[str, Any] = {"api_version": "1", "base_path": "/ws/v1", "provenance": "reconstructed"}


def spec_of(documents: Mapping[str, Any], text: str = "", **settings: Any) -> spec.Spec:
    """The spec of `documents` with the overrides of `text`; raises SpecError as `spec.load` does."""
    return spec.from_documents(documents, overrides=overrides.parse(text, "here"), **{**VERSION, **settings})


def stale_of(documents: Mapping[str, Any], text: str, **settings: Any) -> list[Stale]:
    """What of `text` does not apply to `documents`."""
    return list(spec.examine(documents, overrides=overrides.parse(text, "here"), **{**VERSION, **settings})[1])
