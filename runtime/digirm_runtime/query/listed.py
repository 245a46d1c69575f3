"""Files of queries, one a line: a comment such as `# endpoint: devices/inventory` says what those after it are for."""

from __future__ import annotations

import re

_ENDPOINT = re.compile(r"#+\s*endpoint\s*:(.*)", re.DOTALL | re.IGNORECASE)


def named_endpoint(line: str) -> str | None:
    """The endpoint that a line (without blanks around it) names: empty where none follows; None for any other line."""
    told = _ENDPOINT.fullmatch(line)
    return None if told is None else told[1].strip()
