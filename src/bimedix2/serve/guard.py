"""Who may ask: Host and Origin (DNS rebinding, CSRF), the access key, and the headers of every answer.

The outermost layer: what the application did not catch ends here as one sentence, and its message, which
could hold a patient's words, is not logged.
"""

import hmac
import ipaddress
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from bimedix2.serve.faults import Fault, fault_of
from bimedix2.serve.settings import Config
from bimedix2.serve.worker import where
from bimedix2.web.shell import SECURITY_HEADERS

log = logging.getLogger("bimedix2.serve")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "bimedix2_session"
SESSION_SECONDS = 12 * 3600
OPEN_PATHS = ("/health", "/login", "/static/")
"""What is answered without a key: nothing here says a word about a patient."""


class Sessions:
    """Signed-in browsers, in memory alone: a restart signs everyone out."""

    def __init__(self, key: str | None) -> None:
        self.key = key
        self._until: dict[str, float] = {}

    def key_matches(self, given: str) -> bool:
        """Compare in constant time."""
        return self.key is not None and hmac.compare_digest(given.encode(), self.key.encode())

    def begin(self) -> str:
        """Return a new session's token."""
        now = time.monotonic()
        self._until = {token: until for token, until in self._until.items() if until > now}
        token = secrets.token_urlsafe(32)
        self._until[token] = now + SESSION_SECONDS
        return token

    def lives(self, token: str) -> bool:
        """Whether that token was given out and has not run out."""
        return self._until.get(token, 0.0) > time.monotonic()


class Guard:
    """ASGI middleware: refuses before a route or a body is looked at."""

    def __init__(self, app: Asgi, config: Config, sessions: Sessions) -> None:
        self.app = app
        self.sessions = sessions
        self.hosts = {"localhost", config.host.lower(), *(host.lower() for host in config.allowed_hosts)}

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

        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            self._check_host(headers)
            self._check_origin(scope, headers)
            self._check_key(scope, headers)
            await self.app(scope, receive, with_headers)
        except Fault as fault:
            await _refuse(with_headers, fault, to_login=fault.status == 401 and scope["path"] == "/")
        except Exception as error:
            log.error("a request failed: %s", where(error))
            if not started:
                await _refuse(with_headers, fault_of(error))

    def _check_host(self, headers: dict[str, str]) -> None:
        """A name that the owner did not give could be an attacker's, pointed here (DNS rebinding)."""
        name = host_name(headers.get("host", ""))
        if name not in self.hosts and not is_address(name):
            raise Fault(
                421,
                f"this server does not answer to the name '{name[:80]}'; "
                "add it to allowed_hosts, or use the address it printed",
                "unknown_host",
            )

    def _check_origin(self, scope: Scope, headers: dict[str, str]) -> None:
        """A page of another origin may not make this user's browser ask (CSRF)."""
        if scope["method"] in ("GET", "HEAD"):
            return
        origin = headers.get("origin")
        crossed = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        same = {f"{scheme}://{headers.get('host', '').lower()}" for scheme in ("https", scope["scheme"])}
        if crossed or (origin is not None and origin.lower() not in same):
            sentence = "requests from pages of other sites are refused; use this server's own page"
            raise Fault(403, sentence, "cross_origin")

    def _check_key(self, scope: Scope, headers: dict[str, str]) -> None:
        if self.sessions.key is None or scope["path"].startswith(OPEN_PATHS):
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.sessions.key_matches(given.strip()):
            return
        if not scope["path"].startswith("/v1/") and self.sessions.lives(_cookie(headers)):
            return
        sentence = "a valid access key is needed; send Authorization: Bearer KEY"
        raise Fault(401, sentence, "invalid_api_key", headers={"WWW-Authenticate": "Bearer"})


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


def _cookie(headers: dict[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


async def _refuse(send: Send, fault: Fault, to_login: bool = False) -> None:
    """Answer without the application; who opens the page is sent to where one signs in."""
    body = b"" if to_login else json.dumps(fault.body()).encode()
    headers = {"location": "/login"} if to_login else {"content-type": "application/json", **fault.headers}
    headers["content-length"] = str(len(body))
    lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 303 if to_login else fault.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
