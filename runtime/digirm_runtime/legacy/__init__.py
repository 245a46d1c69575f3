"""The legacy API, `/ws/<Object>`: `rm.legacy.DeviceCore.list(column("dpConnectionStatus") == 1)`."""

from __future__ import annotations

from digirm_runtime.legacy.calls import Calls, Record
from digirm_runtime.legacy.faces import AsyncLegacy, AsyncLegacyObject, Legacy, LegacyObject
from digirm_runtime.legacy.objects import OBJECTS, Kind
from digirm_runtime.legacy.replies import Written
from digirm_runtime.query.legacy import Column, print_condition
from digirm_runtime.query.legacy import Column as column  # noqa: N813 - reads as a function where it is used

__all__ = [
    "OBJECTS",
    "AsyncLegacy",
    "AsyncLegacyObject",
    "Calls",
    "Column",
    "Kind",
    "Legacy",
    "LegacyObject",
    "Record",
    "Written",
    "column",
    "print_condition",
]
