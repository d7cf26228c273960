"""Protects the gateway against foreign web pages.

The gateway has no password, so a foreign page must not be able to use it. A page of another origin
cannot read its responses, since no CORS header allows it, and cannot send JSON without a preflight
request. The remaining attack is DNS rebinding: a foreign name suddenly resolves to this machine, so
the browser takes the gateway for the foreign page's origin. Then the Host header holds the foreign
name, and the request is rejected.
"""

import ipaddress
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy: all content from this origin, nothing inline, no use in frames."""

SECURITY_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_API = "/api/"
_MISDIRECTED = 421


class Guards:
    """Rejects requests for foreign host names, and adds security headers to every response."""

    def __init__(self, application: ASGIApp, allowed_hosts: Collection[str]):
        self._application = application
        self._allowed_hosts = {name.lower().rstrip(".") for name in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                # After an update, the page must not run with cached scripts.
                headers["Cache-Control"] = (
                    "no-store" if scope["path"].startswith(_API) else "no-cache"
                )
            await send(message)

        name = host_name(Headers(scope=scope).get("host", ""))
        application = self._application if self._is_allowed(name) else _refusal(name)
        await application(scope, receive, send_guarded)

    def _is_allowed(self, name: str) -> bool:
        """Whether a page with this name must be our own. IP addresses are safe: nobody can make
        them resolve to another machine."""
        return (
            name in self._allowed_hosts
            or name == "localhost"
            or name.endswith(".localhost")
            or _is_address(name)
        )


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


def _refusal(name: str) -> ASGIApp:
    return PlainTextResponse(
        f"This page is not served under the name {name!r}. Open it as localhost or by its IP "
        "address, or start `nmt web` with --allow-host and that name.\n",
        _MISDIRECTED,
    )
