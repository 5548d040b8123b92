"""The review server put together: store, room, sessions, pages, guard; its beginning and its end."""

import logging
import ssl
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from bimedix2.errors import BiMediX2Error, ConfigError
from bimedix2.review.accounts import Sessions, add_people
from bimedix2.review.entry import Entry, Refused, status_of
from bimedix2.review.opening import check_inputs, imports_told, take_imports
from bimedix2.review.pages import Pages
from bimedix2.review.room import Room
from bimedix2.review.settings import Config
from bimedix2.review.store import Store
from bimedix2.review.trial import pages as trial_pages
from bimedix2.review.trial import room as trial_room
from bimedix2.review.trial.batch import check_input
from bimedix2.web.guard import Asgi, Guard
from bimedix2.web.listening import address, listen


def build(config: Config, pages: Entry) -> Asgi:
    """Return the ASGI application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    pages.add_to(app)

    async def refused(request: Request, error: Exception) -> Response:
        fault = cast(Refused, error)
        if fault.status == 401 and request.method == "GET" and not request.url.path.startswith("/images/"):
            return RedirectResponse("/login", 303)
        return JSONResponse({"error": str(fault)}, fault.status)

    async def ours(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status_of(cast(BiMediX2Error, error)))

    async def no_route(_: Request, error: Exception) -> Response:
        status = cast(HTTPException, error).status_code
        return JSONResponse({"error": "there is nothing at this address; see docs/review.md"}, status)

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(BiMediX2Error, ours)
    app.add_exception_handler(HTTPException, no_route)
    secure = bool(config.tls_cert) or config.behind_proxy
    return Guard(cast(Asgi, app), (config.host, *config.allowed_hosts), secure)


class Server:
    """One server, from its settings to its end.

    Raises:
        ConfigError: the store, the address or the certificate cannot be had.
        RunError: there is no batch, or another recipe opened it.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store(config.store)
        try:
            self.imported: list[dict[str, Any]] = []
            sessions = Sessions(self.store, config.session_hours)
            self.room: Room | trial_room.Room
            if config.kind == "trial":
                self.room = trial_room.Room(self.store, config)
                check_input(self.room, config)
                pages: Entry = trial_pages.Pages(self.room, sessions, config)
            else:
                self.room = Room(self.store, config)
                check_inputs(self.room, config)
                self.imported = take_imports(self.room, config)
                pages = Pages(self.room, sessions, config)
            self.given = add_people(self.store, config.people, config.reset, config.passwords_file)
            settings = _settings(config, build(config, pages))
            self._socket = listen(config.host, config.port)
        except BaseException:
            self.store.close()
            raise
        self._server = uvicorn.Server(settings)
        self.address = address(self._socket, config.host, bool(config.tls_cert))

    def told(self) -> str:
        """What to tell whoever started it."""
        counts = self.room.board.progress()
        what = "Trial" if self.config.kind == "trial" else "Review"
        lines = [f"{what} of {self.config.input.name} opens at {self.address}; Ctrl+C ends it."]
        if self.config.kind == "trial":
            lines.append(f"{counts['judgements']} of {counts['needed']} judgements given.")
        else:
            lines.append(
                f"{counts['settled']} of {counts['pairs']} pairs settled, {counts['conflicts']} in conflict."
            )
        if self.given:
            lines.append(f"First passwords of {', '.join(self.given)}: {self.config.passwords_file}")
        if self.imported:
            lines.append(f"{imports_told(self.imported)}.")
        return "\n".join(lines)

    def run(self) -> None:
        """Serve until Ctrl+C (``KeyboardInterrupt``) or ``stop``."""
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self.store.close()

    def stop(self) -> None:
        """End ``run``, from any thread."""
        self._server.should_exit = True


def _settings(config: Config, application: Asgi) -> uvicorn.Config:
    settings = uvicorn.Config(
        cast(Callable[..., object], application),
        access_log=False,  # ids and names are nobody's
        log_config=None,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=3,
        ssl_certfile=config.tls_cert,
        ssl_keyfile=config.tls_key,
    )
    try:
        settings.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificate cannot be read ({error}); check tls_cert and tls_key") from error
    return settings
