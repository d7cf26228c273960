"""Who may talk to the gateway, and what the browser may do with its answers.

The gateway has no password, so it must not be reached through somebody else's page. A page of
another origin cannot read its answers, because no header allows that; nor can it send JSON without
asking first. What remains is DNS rebinding: a foreign name that suddenly points to this machine
makes the browser believe that the gateway is of the foreign page's origin. Then the name is in the
Host header, and is refused.
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
"""Content-Security-Policy: everything from here, nothing inline, nothing within frames."""

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
    """Refuses requests for names that are not the gateway's, and adds headers to every answer."""

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
                # A new version of the project must not meet the old one's scripts.
                headers["Cache-Control"] = (
                    "no-store" if scope["path"].startswith(_API) else "no-cache"
                )
            await send(message)

        name = host_name(Headers(scope=scope).get("host", ""))
        application = self._application if self._is_allowed(name) else _refusal(name)
        await application(scope, receive, send_guarded)

    def _is_allowed(self, name: str) -> bool:
        """Whether a page of that name can only be our own. An address in numbers belongs to nobody
        who could let it point elsewhere."""
        return (
            name in self._allowed_hosts
            or name == "localhost"
            or name.endswith(".localhost")
            or _is_address(name)
        )


def host_name(header: str) -> str:
    """Returns the name in a Host header, without port, brackets and the dot of the root."""
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
        f"This page is not served under the name {name!r}. Open it as localhost or by its address "
        "in numbers, or start `nmt web` with --allow-host and that name.\n",
        _MISDIRECTED,
    )
