"""CSV cells and lines as the service's recorded answer has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The rule that fits the recording, that of Jackson's writer: longer than this, or with any character up to `,`.
_LONGEST_BARE = 24
_FIRST_BARE = "-"

# The recording shows one number, 413696, for a device with all four of these: four bits. Which is which is inferred.
_CAPABILITIES = {
    "cli_service_available": 1 << 12,
    "sm_compression_available": 1 << 14,
    "sm_encryption_key_distribution_service_available": 1 << 17,
    "sm_pack_available": 1 << 18,
}


def line(cells: Sequence[str]) -> bytes:
    """One line with its end."""
    return (",".join(_quoted(cell) for cell in cells) + "\n").encode()


def row(document: Mapping[str, Any], columns: Sequence[str]) -> bytes:
    """The line of one object: unset is empty."""
    return line([cell(name, document.get(name)) for name in columns])


def cell(name: str, value: Any) -> str:
    """A value as text, objects flattened."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        # One tag is recorded bare; what separates several is not known.
        return ",".join(cell(name, item) for item in value)
    if isinstance(value, Mapping):
        if name == "capabilities":
            return str(sum(bit for key, bit in _CAPABILITIES.items() if value.get(key)))
        coordinates = value.get("coordinates")
        if isinstance(coordinates, list) and len(coordinates) == 2:
            longitude, latitude = coordinates
            return f"{latitude}, {longitude}"
        return ",".join(f"{key}={cell(key, item)}" for key, item in value.items())
    return str(value)


def _quoted(text: str) -> str:
    if len(text) > _LONGEST_BARE or any(char < _FIRST_BARE for char in text):
        return '"' + text.replace('"', '""') + '"'
    return text
