"""Small captures to compare."""

from __future__ import annotations

from typing import Any

from digirm_codegen.spec_files import Capture, Unavailable
from digirm_runtime.spec import normalise

FORBIDDEN = Unavailable(403, "forbidden")


def field(name: str, *operators: str, type: Any = "Text", orderby: Any = True, **more: Any) -> dict[str, Any]:
    return {"field": name, "operators": list(operators or ("=", "<>")), "orderby": orderby, "type": type, **more}


def get(*fields: Any, params: Any = ("query",), method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"method": method, "params": list(params), **({"query": list(fields)} if fields else {}), **more}


def item(path: str, *requests: Any, **more: Any) -> dict[str, Any]:
    return {"path": path, "requests": list(requests), **more}


def document(*items: Any, **more: Any) -> dict[str, Any]:
    return {"count": len(items), "list": list(items), **more}


def parts(*requests: Any, **more: Any) -> Capture:
    """One category of one path."""
    return capture(parts=document(item("/ws/v1/parts/inventory", *requests, **more)))


def capture(
    *unavailable: str,
    base_path: str = "/ws/v1",
    provenance: str = "live",
    root: dict[str, Any] | None = None,
    extras: dict[str, dict[str, Any]] | None = None,
    documents: dict[str, Any] | None = None,
    **more: Any,
) -> Capture:
    return Capture(
        api_version="1",
        base_path=base_path,
        provenance=provenance,
        documents={name: normalise(found) for name, found in {**(documents or {}), **more}.items()},
        unavailable=dict.fromkeys(unavailable, FORBIDDEN),
        root=root or {},
        extras=extras or {},
    )
