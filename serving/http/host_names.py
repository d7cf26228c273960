"""The names under which a server of this machine may be asked by a browser.

DNS rebinding: a foreign name suddenly resolves to this machine, so that the browser takes this
server for the foreign page's origin. Then the Host header holds the foreign name.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MISDIRECTED = 421
FORBIDDEN = 403
FOREIGN = "Pages of other origins may not ask this server."


class HostNames:
    """Names, and whatever is safe without being named."""

    def __init__(self, names: Collection[str]):
        self._names = {name.lower().rstrip(".") for name in names}

    def __contains__(self, name: str) -> bool:
        """Whether a page with this name must be our own. IP addresses are safe: nobody can make
        them resolve to another machine."""
        return (
            name in self._names
            or name == "localhost"
            or name.endswith(".localhost")
            or _is_address(name)
        )


class ForeignPages:
    """Refuses what a foreign page sends. Programs send no Origin header, so they are not hurt."""

    def __init__(self, application: ASGIApp, names: Collection[str]):
        self._application = application
        self._names = HostNames(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = self._application
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            name = host_name(headers.get("host", ""))
            if name not in self._names:
                application = _refusal(
                    MISDIRECTED,
                    f"This server is not named {name!r}. Use localhost or its IP address, or start "
                    "`nmt serve` with --allow-host and that name.",
                )
            elif is_foreign(headers):
                application = _refusal(FORBIDDEN, FOREIGN)
        await application(scope, receive, send)


def is_foreign(headers: Headers) -> bool:
    """Whether a page of another origin sends a request; programs send no Origin header."""
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").strip().lower()
    except ValueError:
        return True


def host_name(header: str) -> str:
    """Returns the name in a Host header, without port, brackets and the trailing dot."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refusal(status: int, sentence: str) -> ASGIApp:
    return JSONResponse({"error": sentence}, status)
