"""Protects the gateway against foreign web pages.

The gateway has no password, so a foreign page must not be able to use it. A page of another origin
cannot read its responses, since no CORS header allows it, and cannot send JSON without a preflight
request. It can send forms, which LibreTranslate's API takes: such a request names its origin, and
is refused. The remaining attack is DNS rebinding, which `HostNames` rejects.
"""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.host_names import (
    FORBIDDEN,
    FOREIGN,
    MISDIRECTED,
    HostNames,
    host_name,
    is_foreign,
)

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


class Guards:
    """Rejects requests of foreign pages or names, and adds security headers to every response."""

    def __init__(self, application: ASGIApp, allowed_hosts: Collection[str]):
        self._application = application
        self._names = HostNames(allowed_hosts)

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

        headers = Headers(scope=scope)
        name = host_name(headers.get("host", ""))
        application = self._application
        if name not in self._names:
            application = _refusal(name)
        elif not scope["path"].startswith(_API) and is_foreign(headers):
            application = JSONResponse({"error": FOREIGN}, FORBIDDEN)
        await application(scope, receive, send_guarded)


def _refusal(name: str) -> ASGIApp:
    return PlainTextResponse(
        f"This page is not served under the name {name!r}. Open it as localhost or by its IP "
        "address, or start `nmt web` with --allow-host and that name.\n",
        MISDIRECTED,
    )
