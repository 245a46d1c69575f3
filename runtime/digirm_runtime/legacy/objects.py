"""What is known of the objects below `/ws/`: one table. An object that it lacks works too, as the last resort says.

Names of elements are from printed answers and from Digi's public code; an answer may hold others. Those of `lists` are
inferred, from the rules and scopes of alarms that public clients write: no printed record has an element twice.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: Below /ws/, but no objects of this API.
_OTHERS = {"v1": "the tree of the client", "sci": "rm.sci"}


class Kind(NamedTuple):
    """One object.

    `lists` are elements of a record that may repeat, and so are always lists; `numbers` those that hold a number.
    `pages` is the parameter that fetches the next page. `uploads` are methods that count as an upload of device data,
    which has limits of its own. `content` says that what a path names is no record, but a file.
    """

    lists: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    pages: str = "start"
    uploads: frozenset[str] = frozenset()
    content: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_POINT = "timestamp serverTimestamp quality"
_DEVICE = _words(
    "devId devVersion cstId grpId dvVendorId dpFirmwareLevel dpRestrictedStatus dpConnectionStatus "
    "dpZigbeeCapabilities dpCapabilities dpHealthStatus numFiredAlarms dpFirmwareStatus dpSignalStrength "
    "dpSignalPercent dpSignalPercent2 dpSignalStrength2 dpSignalQuality dpSignalQuality2 dpMapLat dpMapLong"
)

OBJECTS: dict[str, Kind] = {
    "Alarm": Kind(
        lists=_words("FireRule ResetRule Scope Variable"), numbers=_words("almId cstId almPriority almScope")
    ),
    "AlarmStatus": Kind(numbers=_words("almId cstId almsStatus almsSeverity")),
    "DataPoint": Kind(numbers=_words(f"cstId {_POINT}"), pages="pageCursor", uploads=frozenset(("POST",))),
    "DataStream": Kind(numbers=_words(f"cstId dataTtl rollupTtl {_POINT}"), pages="pageCursor"),
    "DeviceCore": Kind(numbers=_DEVICE),
    "FileData": Kind(numbers=_words("cstId fdSize"), uploads=frozenset(("PUT", "POST")), content=True),
    "Group": Kind(numbers=_words("grpId cstId grpParentId")),
    "Job": Kind(
        numbers=_words(
            "jobId cstId usrId jobType jobSyncMode jobReplyMode jobStatus jobTargetCount jobProgressSuccess "
            "jobProgressFailure jobProgressQueued"
        )
    ),
    "Monitor": Kind(numbers=_words("monId cstId monBatchSize monBatchDuration monConnectTimeout monResponseTimeout")),
    "XbeeCore": Kind(numbers=_words("cstId grpId xpDeviceType xpStatus xpNodeType")),
}

_UNKNOWN = Kind()


def kind_of(name: str) -> Kind:
    """What is known of an object. Raises ValueError for a name that no object can have."""
    if name in _OTHERS:
        raise ValueError(f"/ws/{name} is no legacy object: use {_OTHERS[name]}")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a legacy object's name")
    return OBJECTS.get(name, _UNKNOWN)
