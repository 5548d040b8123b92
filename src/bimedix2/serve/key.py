"""The access key: who is signed in, and a refusal of whoever is not. Stands behind ``web.guard.Guard``."""

import hmac
import secrets
import time

from fastapi.responses import JSONResponse, RedirectResponse, Response

from bimedix2.serve.faults import Fault
from bimedix2.web.guard import Asgi, Receive, Scope, Send, cookie, headers_of

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


class KeyCheck:
    """ASGI middleware: without the key, or a browser's session, no route and no body is looked at."""

    def __init__(self, app: Asgi, sessions: Sessions) -> None:
        self.app = app
        self.sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] != "http" or self._may(scope["path"], headers_of(scope)):
            await self.app(scope, receive, send)
            return
        await _refusal(scope["path"])(scope, receive, send)

    def _may(self, path: str, headers: dict[str, str]) -> bool:
        if self.sessions.key is None or path.startswith(OPEN_PATHS):
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.sessions.key_matches(given.strip()):
            return True
        return not path.startswith("/v1/") and self.sessions.lives(cookie(headers.get("cookie", ""), COOKIE))


def _refusal(path: str) -> Response:
    if path == "/":  # who opens the page is sent to where one signs in
        return RedirectResponse("/login", 303)
    sentence = "a valid access key is needed; send Authorization: Bearer KEY"
    fault = Fault(401, sentence, "invalid_api_key")
    return JSONResponse(fault.body(), 401, {"WWW-Authenticate": "Bearer"})
