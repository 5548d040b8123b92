"""The server put together: guard, API, page, safeguards and worker; its beginning and its end."""

import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from bimedix2.errors import BiMediX2Error, ConfigError
from bimedix2.llm.backend import StreamingBackend
from bimedix2.serve.api import add_api
from bimedix2.serve.faults import Fault, fault_of
from bimedix2.serve.intake import Intake
from bimedix2.serve.key import KeyCheck, Sessions
from bimedix2.serve.pages import add_pages
from bimedix2.serve.screening import Screening
from bimedix2.serve.settings import Config
from bimedix2.serve.worker import Worker
from bimedix2.web.guard import Asgi, Guard
from bimedix2.web.listening import address, listen


class OpenBackend(Protocol):
    """How a model is opened: ``engine.open_engine``, or a stand-in for it."""

    def __call__(self, model: str, threads: int | None = None, *, device: str) -> StreamingBackend:
        """Open a model, on so many threads, where the device says."""


def build(config: Config, worker: Worker) -> Asgi:
    """Return the ASGI application; its lifespan starts and stops the worker."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker.start()
        yield
        worker.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    intake = Intake(config)
    sessions = Sessions(config.key())
    screening = Screening(worker, config.safeguards, config.model_id)
    add_api(app, screening, intake)
    add_pages(app, screening, intake, sessions)

    async def refused(_: Request, error: Exception) -> Response:
        fault = fault_of(error)
        return JSONResponse(fault.body(), fault.status, fault.headers)

    async def no_route(request: Request, error: Exception) -> Response:
        found = cast(HTTPException, error)
        fault = Fault(
            found.status_code,
            "there is nothing at this address; the API is at /v1/chat/completions, the page at /",
            "not_found",
        )
        if found.status_code == 405:
            fault.message, fault.code = f"this address does not take {request.method}", "method_not_allowed"
            if allowed := (found.headers or {}).get("Allow"):
                fault.message += f"; it takes {allowed}"
        return JSONResponse(fault.body(), fault.status, found.headers)

    app.add_exception_handler(Fault, refused)
    app.add_exception_handler(BiMediX2Error, refused)
    app.add_exception_handler(HTTPException, no_route)
    # Whether TLS ends here or in front is not known: a page by https is this server's own either way.
    return Guard(KeyCheck(cast(Asgi, app), sessions), (config.host, *config.allowed_hosts), None, _body)


def _body(status: int, sentence: str) -> dict[str, Any]:
    """A refusal of the guard as OpenAI's clients read it."""
    codes = {421: "unknown_host", 403: "cross_origin"}
    return Fault(status, sentence, codes.get(status, "server_error")).body()


class Server:
    """One server, from its settings to its end.

    Raises:
        ConfigError: the address, the key or the certificate cannot be had.
    """

    def __init__(self, config: Config, open_backend: OpenBackend) -> None:
        self.worker = Worker(
            lambda: open_backend(config.model, config.threads, device=config.device),
            config.queue_size,
            self.stop,
        )
        settings = uvicorn.Config(
            cast(Callable[..., object], build(config, self.worker)),
            access_log=False,  # addresses and bodies are nobody's
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
            raise ConfigError(
                f"the certificate cannot be read ({error}); check tls_cert and tls_key"
            ) from error
        self._server = uvicorn.Server(settings)
        self._socket = listen(config.host, config.port)
        self.address = address(self._socket, config.host, bool(config.tls_cert))

    def run(self) -> None:
        """Serve until Ctrl+C or ``stop``.

        Raises:
            BiMediX2Error: the model could not be opened.
        """
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        try:
            self._server.run(sockets=[self._socket])
        except KeyboardInterrupt:
            pass
        finally:
            self._socket.close()
        if self.worker.failure is not None:
            raise self.worker.failure

    def stop(self) -> None:
        """End ``run``, from any thread."""
        self._server.should_exit = True
