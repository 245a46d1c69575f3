"""What payload structs of packages made with `generate --models msgspec` have in common."""

from __future__ import annotations

from typing import Any

import msgspec


class Object(msgspec.Struct, kw_only=True):
    """A JSON object: its declared keys are attributes, UNSET where it lacks one; `extra` holds all its other keys.

    `digirm_runtime.models.plain` gives the JSON object back. msgspec itself knows nothing of `extra`.
    """

    # No key that is declared can be empty, so that this one is nobody else's.
    extra: dict[str, Any] = msgspec.field(default_factory=dict, name="")
