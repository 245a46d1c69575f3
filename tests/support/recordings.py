"""Answers that the real service gave, as public pages print them; each file names its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent.parent / "data" / "recorded"


def recorded(name: str) -> Any:
    """One recording; `_source`, the page it stands on, is part of it."""
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))
