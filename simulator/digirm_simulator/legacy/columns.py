"""The columns of the older API's objects: how each is called in v1, how it is shown, and how a condition asks for it.

Recorded: names, order and forms of DeviceCore, DataStream, DataPoint, FileData, Group and Monitor, the codes 0 and 1 of
dpConnectionStatus, 0 and 2 of dpHealthStatus (2 beside v1's `error`), 2 of dpFirmwareStatus (beside `none`).
Documented by Digi's own clients: the codes of dpRestrictedStatus, 0 and 2 of almsStatus. All else is inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from digirm_simulator import csvform
from digirm_simulator.legacy.condition import Operand
from digirm_simulator.legacy.forms import Row

#: Where a row has its number in the table, its group's id, and what else is looked up for it.
SEQ, GROUP_ID, CURRENT, DATA = "#seq", "#group", "#current", "#data"
#: The ids of groups begin behind this, which is the root's: 1 is above the root.
GROUPS: Final = 10_000

_TIME = "CAST(round((julianday(json_extract(body, '$.{0}')) - 2440587.5) * 86400000) AS INTEGER)"


class Column(NamedTuple):
    """One column. `key` is v1's.

    `kind` is `text`, `number` or `timestamp`; `codes` are the numbers that stand for v1's names. `empty` columns are
    there, without text, where v1 has no value. `show` makes the text of a document, None for none. `sql` is how it is
    asked for, with the store's columns by v1's names in braces; empty where that is not simulated.
    """

    name: str
    key: str = ""
    kind: str = "text"
    codes: Mapping[str, int] | None = None
    empty: bool = False
    show: Callable[[Mapping[str, Any]], str | Row | None] | None = None
    sql: str | None = None
    clean: Callable[[str], str] | None = None

    def text(self, document: Mapping[str, Any]) -> str | Row | None:
        """What is shown of a document; None where nothing is."""
        found: str | Row | None
        if self.show is not None:
            found = self.show(document)
        else:
            value = document.get(self.key)
            if self.codes is not None:
                code = self.codes.get(str(value).lower())
                found = None if code is None else str(code)
            else:
                found = value if value is None or isinstance(value, str) else csvform.cell(self.key, value)
        return "" if found is None and self.empty else found

    def operand(self, columns: Mapping[str, str]) -> Operand | None:
        """How a condition asks for it; `columns` are those of the store, by v1's names."""
        sql = self.sql
        if sql is None and self.show is not None and not self.key:
            return None
        if sql is None:
            sql = columns.get(self.key) or _inside(self.key, self.kind)
        elif sql:
            try:
                sql = sql.format_map(columns)
            except KeyError:
                return None
        if not sql:
            return None
        if self.empty:
            sql = f"coalesce({sql}, '')"
        return Operand(self.kind, f"({sql})", self.codes, self.clean)


def _inside(key: str, kind: str) -> str:
    """The SQL of a key that the store has no column for."""
    if kind == "timestamp":
        return _TIME.format(key)
    found = f"json_extract(body, '$.{key}')"
    return f"casefold({found})" if kind == "text" else found


def row(columns: Iterable[Column], document: Mapping[str, Any]) -> Row:
    """A stored document as an object of the older API."""
    return {column.name: text for column in columns if (text := column.text(document)) is not None}


def operands(columns: Iterable[Column], stored: Mapping[str, str]) -> dict[str, Operand | None]:
    """What a condition may ask for, by names in lower case."""
    return {column.name.lower(): column.operand(stored) for column in columns}


def constant(text: str) -> Callable[[Mapping[str, Any]], str]:
    """What is the same for every object."""
    return lambda _: text


def hidden(_: Mapping[str, Any]) -> None:
    """What is asked for, and shown inside another element."""


def _firmware_level(document: Mapping[str, Any]) -> str | None:
    """The four parts of a firmware's version as the bytes of a number: 20.11.32.168 is 336273576."""
    parts = str(document.get("firmware_version", "")).split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() and len(part) < 4 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    return str(int.from_bytes(numbers, "big")) if max(numbers) < 256 else None


def _coordinate(at: int) -> Callable[[Mapping[str, Any]], str | None]:
    def show(document: Mapping[str, Any]) -> str | None:
        match document.get("geoposition"):
            case {"coordinates": [int() | float(), int() | float()] as coordinates}:
                return str(coordinates[at])
        return None

    return show


def _tags(document: Mapping[str, Any]) -> str | None:
    tags = document.get("tags")
    return f",{','.join(map(str, tags))}," if isinstance(tags, list) and tags else None


def _joined(name: str) -> Callable[[Mapping[str, Any]], str]:
    def show(document: Mapping[str, Any]) -> str:
        found = document.get(name)
        return ",".join(map(str, found)) if isinstance(found, list) else ""

    return show


def _value(name: str) -> Callable[[Mapping[str, Any]], str | Row | None]:
    return lambda document: document.get(name)


CUSTOMER = Column("cstId", "customer_id", "number")

DEVICE_CORE: Final = (
    Column("id", show=lambda device: {"devId": str(device[SEQ]), "devVersion": "0"}, sql=""),
    Column("devId", kind="number", show=hidden, sql="seq"),
    Column("devRecordStartDate", "registration_date", "timestamp"),
    Column("devSerialNo", "serial_number"),
    Column("devMac", "mac"),
    Column("devCellularModemId", "cellular_modem_id"),
    Column("devConnectwareId", "id"),
    CUSTOMER,
    Column("grpId", kind="number", show=_value(GROUP_ID)),
    Column("devEffectiveStartDate", "registration_date", "timestamp"),
    Column("devTerminated", show=constant("false"), sql="'false'"),
    Column("dvVendorId", "vendor_id", "number"),
    Column("dpDeviceType", "type"),
    Column("dpFirmwareLevel", kind="number", show=_firmware_level, sql=""),
    Column("dpFirmwareLevelDesc", "firmware_version"),
    Column("dpRestrictedStatus", "restricted_status", codes={"unrestricted": 0, "restricted": 2, "untrusted": 3}),
    Column("dpLastKnownIp", "ip"),
    Column(
        "dpGlobalIp",
        show=lambda device: csvform.cell("ip", device.get("public_ip", device.get("ip"))) or None,
        sql="coalesce({public_ip}, {ip})",
    ),
    Column("dpConnectionStatus", "connection_status", codes={"disconnected": 0, "connected": 1}),
    Column("dpLastConnectTime", "last_connect", "timestamp"),
    Column("dpContact", "contact", empty=True),
    Column("dpDescription", "description", empty=True),
    Column("dpLocation", "location", empty=True),
    Column("dpMapLat", kind="number", show=_coordinate(1), sql="json_extract(body, '$.geoposition.coordinates[1]')"),
    Column("dpMapLong", kind="number", show=_coordinate(0), sql="json_extract(body, '$.geoposition.coordinates[0]')"),
    Column("dpUserMetaData", "notes"),
    Column("dpZigbeeCapabilities", kind="number", show=constant("0"), sql="0"),
    Column("dpCapabilities", "capabilities", "number", sql=""),
    Column("dpTags", show=_tags, sql="(SELECT ',' || group_concat(value, ',') || ',' FROM json_each({tags}))"),
    Column("grpPath", "group", empty=True, clean=lambda path: path.strip("/")),
    Column("dpLastDisconnectTime", "last_disconnect", "timestamp"),
    Column("dpLastUpdateTime", "last_update", "timestamp"),
    Column("dpHealthStatus", "health_status", codes={"normal": 0, "warning": 1, "error": 2, "unknown": 3}),
    Column("dpName", "name"),
    Column("numFiredAlarms", "alerts", "number"),
    Column("dpSku", "sku"),
    Column(
        "dpFirmwareStatus", "firmware_status", codes={"not_identified": 0, "up_to_date": 1, "none": 2, "out_of_date": 3}
    ),
    Column(
        "dpCompliant",
        show=lambda device: {"yes": "true", "no": "false"}.get(str(device.get("compliant"))),
        sql="CASE {compliant} WHEN 'yes' THEN 'true' WHEN 'no' THEN 'false' END",
    ),
    Column("dpLastCompliant", "last_compliant", "timestamp"),
    Column("dpLastNonCompliant", "last_noncompliant", "timestamp"),
    Column("dpLastNonCompliantReason", "last_noncompliant_reason"),
    Column("dpSignalPercent", "signal_percent", "number"),
)
#: What can be set of a device, and what names a new one.
DEVICE_WRITABLE: Final[Mapping[str, str]] = {
    "devInstallCode": "install_code",
    "dpContact": "contact",
    "dpDescription": "description",
    "dpLocation": "location",
    "dpName": "name",
    "dpTags": "tags",
    "dpUserMetaData": "notes",
    "grpPath": "group",
}

DATA_STREAM: Final = (
    CUSTOMER,
    Column("streamId", "id"),
    Column("dataType", "type", empty=True),
    Column("forwardTo", "forward_to", empty=True),
    Column("currentValue", show=_value(CURRENT), sql=""),
    Column("description", "description", empty=True),
    Column("units", "units", empty=True),
    Column(
        "dataTtl",
        show=lambda stream: str(stream.get("ttl", 0)),
        kind="number",
        sql="coalesce(json_extract(body, '$.ttl'), 0)",
    ),
    Column(
        "rollupTtl",
        kind="number",
        show=lambda stream: str(stream.get("rollup_ttl", 0)),
        sql="coalesce(json_extract(body, '$.rollup_ttl'), 0)",
    ),
)
STREAM_WRITABLE: Final[Mapping[str, str]] = {
    "dataTtl": "ttl",
    "dataType": "type",
    "description": "description",
    "forwardTo": "forward_to",
    "rollupTtl": "rollup_ttl",
    "units": "units",
}

MONITOR: Final = (
    Column("monId", "id", "number", sql="CAST(id AS INTEGER)"),
    CUSTOMER,
    Column(
        "monTopic",
        show=_joined("topics"),
        sql="casefold((SELECT group_concat(value, ',') FROM json_each(body, '$.topics')))",
    ),
    Column("monTransportType", "type"),
    Column("monTransportUrl", "url"),
    Column("monTransportMethod", "method"),
    Column("monFormatType", "format"),
    Column("monBatchSize", "batch_size", "number"),
    Column("monCompression", "compression"),
    Column("monStatus", "status"),
    Column("monBatchDuration", "batch_duration", "number"),
    Column("monDescription", "description"),
    Column("monAckOption", "acknowledgement"),
    Column("monAutoReplayOnConnect", show=lambda monitor: "true" if monitor.get("persistent") is True else None),
    Column("monConnectTimeout", "connect_timeout", "number"),
    Column("monResponseTimeout", "response_timeout", "number"),
    Column("monLastConnect", "last_connect", "timestamp"),
    Column("monLastSent", "last_sent", "timestamp"),
)
MONITOR_WRITABLE: Final[Mapping[str, str]] = {
    "monAckOption": "acknowledgement",
    "monAutoReplayOnConnect": "persistent",
    "monBatchDuration": "batch_duration",
    "monBatchSize": "batch_size",
    "monCompression": "compression",
    "monConnectTimeout": "connect_timeout",
    "monDescription": "description",
    "monFormatType": "format",
    "monResponseTimeout": "response_timeout",
    "monTopic": "topics",
    "monTransportMethod": "method",
    "monTransportToken": "auth_token",
    "monTransportType": "type",
    "monTransportUrl": "url",
}

ALARM: Final = (
    Column("almId", "id", "number"),
    CUSTOMER,
    Column("almName", "name"),
    Column("almDescription", "description"),
    Column("almEnabled", "enabled", sql=""),
    Column("almPriority", "priority"),
)
ALARM_STATUS: Final = (
    Column(
        "id", show=lambda state: {"almId": str(state.get("id")), "almsSourceEntityId": str(state.get("source"))}, sql=""
    ),
    Column("almId", "id", "number", show=hidden),
    Column("almsSourceEntityId", "source", show=hidden),
    CUSTOMER,
    Column("almsStatus", "status", codes={"reset": 0, "fired": 1, "acknowledged": 2}),
    Column("almsUpdateTime", "last_update", "timestamp"),
)

FILE_DATA: Final = (
    Column("id", show=lambda entry: {"fdPath": str(entry["path"]), "fdName": str(entry["name"])}, sql=""),
    Column("fdPath", "path", show=hidden),
    Column("fdName", "name", show=hidden),
    CUSTOMER,
    Column("fdCreatedDate", "created", "timestamp"),
    Column("fdLastModifiedDate", "last_modified", "timestamp"),
    Column("fdContentType", "content_type"),
    Column("fdSize", "size", "number"),
    Column("fdType", "type"),
    Column("fdData", show=_value(DATA), sql=""),
)

GROUP: Final = (
    Column("grpId", "id", "number"),
    Column("grpName", "name"),
    Column("grpDescription", "description"),
    Column("grpPath", "path"),
    Column("grpParentId", "parent", "number"),
)
