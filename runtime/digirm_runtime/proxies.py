"""The proxy that the environment names."""

from __future__ import annotations

from digirm_runtime.errors import RemoteManagerError


def proxy_for(origin: str) -> str | None:
    """The proxy for this origin, as httpx's own clients would use it.

    Raises RemoteManagerError for one of a kind that cannot be used.
    """
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(origin)
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    # An IPv6 address stands in NO_PROXY as it is, in an origin within brackets.
    if not found or proxy_bypass(parts.netloc) or proxy_bypass(parts.hostname or ""):
        return None
    address = found if "://" in found else f"http://{found}"
    if address.partition(":")[0].lower() not in ("http", "https", "socks5", "socks5h"):
        # It may hold a password: it is not shown.
        raise RemoteManagerError(f"the environment names a proxy for {parts.scheme}: that is not http, https or socks5")
    return address
