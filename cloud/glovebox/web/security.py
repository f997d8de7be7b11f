"""Headers on every answer of the web server: nothing but our own files runs, nobody frames us, nothing
leaks."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Two years, as the preload lists ask; only where browsers reach us through TLS.
TRANSPORT_SECURITY: Final = "max-age=63072000"
VERSIONED: Final = "/static/"


class SecurityHeaders:
    """Pure ASGI middleware (it never buffers an answer). Pages with anybody's data are not kept by any
    cache."""

    def __init__(self, app: ASGIApp, is_secure: bool = False) -> None:
        self.app = app
        self.is_secure = is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers to each HTTP answer that does not bring its own."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.is_secure:
                    headers.setdefault("strict-transport-security", TRANSPORT_SECURITY)
                if scope["path"].startswith(VERSIONED) and message["status"] < 400:
                    headers.setdefault("cache-control", "public, max-age=31536000, immutable")
                else:
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)
