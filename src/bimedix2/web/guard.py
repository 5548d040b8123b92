"""What a page server asks of a request first (its host, where it comes from), and its answer's headers.

Knows no room and no key: an application behind ``Guard`` decides who may do what.
"""

import ipaddress
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from bimedix2.errors import where
from bimedix2.web.shell import SECURITY_HEADERS

log = logging.getLogger("bimedix2.web")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Body = Callable[[int, str], Mapping[str, Any]]
"""``body(status, sentence)``: the JSON of a refusal."""


def plain_body(_: int, sentence: str) -> Mapping[str, Any]:
    """The sentence under ``error``."""
    return {"error": sentence}


class Guard:
    """ASGI middleware, the outermost: refuses by Host (DNS rebinding) and Origin (cross-site requests).

    What the application did not catch ends here as one sentence; its message is not logged, since it could
    hold a patient's words.

    Args:
        app: the application.
        hosts: names that this server answers to, beside ``localhost`` and IP addresses.
        secure: whether browsers reach it by HTTPS, directly or through a proxy; ``None`` where that is not
            known, so that a page of either scheme is its own.
        body: how a refusal (421, 403) and a failure (500) are put into JSON.
    """

    def __init__(self, app: Asgi, hosts: Iterable[str], secure: bool | None, body: Body = plain_body) -> None:
        self.app = app
        self.hosts = {"localhost", *(host.lower() for host in hosts)}
        self.secure = secure
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on; every answer gets the security headers."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                extra = dict(SECURITY_HEADERS)
                if not scope["path"].startswith("/static/"):
                    extra["Cache-Control"] = "no-store"
                lines = [(name.lower().encode(), value.encode()) for name, value in extra.items()]
                message["headers"] = [*message.get("headers", []), *lines]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await self._answer(with_headers, *refusal)
            return
        try:
            await self.app(scope, receive, with_headers)
        except Exception as error:
            log.error("a request failed: %s", where(error))
            if not started:
                await self._answer(with_headers, 500, "the server failed on this request; try again")

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = headers_of(scope)
        name = host_name(headers.get("host", ""))
        if name not in self.hosts and not is_address(name):
            return 421, (
                f"this server does not answer to the name '{name[:80]}'; "
                "add it to allowed_hosts, or use the address it printed"
            )
        if scope["method"] not in ("GET", "HEAD") and not self._same_site(scope, headers):
            return 403, "requests from pages of other sites are refused; use this server's own page"
        return None

    def _same_site(self, scope: Scope, headers: dict[str, str]) -> bool:
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = headers.get("origin")
        schemes = {"https"} if self.secure else {scope["scheme"]}
        if self.secure is None:
            schemes.add("https")
        return origin is None or origin.lower() in {
            f"{scheme}://{headers.get('host', '').lower()}" for scheme in schemes
        }

    async def _answer(self, send: Send, status: int, sentence: str) -> None:
        body = json.dumps(self.body(status, sentence)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def headers_of(scope: Scope) -> dict[str, str]:
    """A request's headers by their names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def host_name(host: str) -> str:
    """The name in a Host header, without the port and brackets, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_address(name: str) -> bool:
    """Whether a host is an IP address, which nobody can point elsewhere as they can a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def cookie(header: str, name: str) -> str:
    """One cookie of a Cookie header; empty where there is none."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""
