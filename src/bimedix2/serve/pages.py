"""The chat page: sign in, open an image, ask, and the examples. The conversation lives in the browser."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from bimedix2.errors import DataError
from bimedix2.llm import backend
from bimedix2.records import DataClass
from bimedix2.serve.api import EventStream, event_line
from bimedix2.serve.conversation import read_messages
from bimedix2.serve.examples import example_scans, examples
from bimedix2.serve.faults import Fault
from bimedix2.serve.intake import MIB, Intake, show, windows
from bimedix2.serve.key import COOKIE, SESSION_SECONDS, Sessions
from bimedix2.serve.screening import Screening
from bimedix2.serve.settings import Config
from bimedix2.serve.worker import Job, Worker
from bimedix2.web import shell
from bimedix2.web.markdown import render

LANGUAGE = "bimedix2_language"
AGAIN_TEMPERATURE = 0.7
"""A first answer is greedy; one more to the same question is drawn, so that it can differ."""


def language_of(request: Request) -> shell.Interface:
    """The interface's language: chosen in the address, remembered, or the browser's own."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE)
    return shell.interface_language(chosen, request.headers.get("accept-language", ""))


def page(request: Request, template: str, data: dict[str, Any] | None = None, **values: Any) -> HTMLResponse:
    """Render a page, and remember a language that was chosen in its address."""
    language = language_of(request)
    response = HTMLResponse(shell.page(template, language, data, **values))
    if "lang" in request.query_params:
        response.set_cookie(LANGUAGE, language, max_age=365 * 86400, samesite="strict")
    return response


def parse_page(body: Any, config: Config) -> backend.Request:
    """Check what the page asks: messages, and how many answers to the same question came before."""
    if not isinstance(body, dict):
        raise DataError("the body must be a JSON object with messages")
    again = body.get("again", 0)
    if not isinstance(again, int) or not 0 <= again < 2**31:
        raise DataError("again must be a whole number from 0")
    opened = read_messages(body.get("messages"), config)
    sampling = backend.Sampling(config.default_tokens)
    if again:
        sampling = replace(sampling, temperature=AGAIN_TEMPERATURE, seed=again)
    return backend.Request(opened.messages, opened.images, sampling, DataClass.PATIENT)


async def page_lines(worker: Worker, job: Job) -> AsyncIterator[str]:
    """The page's events: the place in the queue, the answer so far as text and HTML, and its end."""
    text = ""
    ahead = -1
    # A fixed answer carries its rule in the place of a model's name: no model wrote it.
    fixed = {"safeguard": job.fixed.rule} if job.fixed else {}
    async for event in job.events(0.5):
        if event is None:
            if not text and (now := worker.ahead(job)) != ahead:
                ahead = now
                yield event_line({"ahead": ahead})
        elif isinstance(event, Fault):
            yield event_line(event.body())
        elif isinstance(event, str):
            text += event
            yield event_line({"text": text, "html": render(text), **fixed})
        else:
            end = {"finish": event.finish, **(fixed or {"model": event.model})}
            yield event_line({"text": event.text, "html": render(event.text), **end})


def add_pages(app: FastAPI, screening: Screening, intake: Intake, sessions: Sessions) -> None:
    """Add the page's routes."""
    config = intake.config
    app.mount(f"/static/{shell.asset_version()}", StaticFiles(directory=shell.STATIC))
    _add_login(app, intake, sessions)

    @app.get("/")
    async def chat_page(request: Request) -> Response:
        limits = {"max_upload": config.max_upload_mb * MIB, "model": screening.model}
        return page(request, "chat.html", limits, model=screening.model, examples=examples())

    @app.get("/examples/{name}")
    async def example(name: str) -> Response:
        stem, _, form = name.partition(".")
        data = example_scans().get(stem)
        if data is None or form not in ("dcm", "png"):
            raise Fault(404, "there is no such example; see the page", "not_found")
        if form == "dcm":
            return Response(data, media_type="application/dicom")
        return Response((await asyncio.to_thread(show, data, config)).png, media_type="image/png")

    @app.post("/images")
    async def image(request: Request) -> Response:
        """Open an image and give back what the model will see, and what can be chosen of it."""
        frame = request.query_params.get("frame", "")
        window = request.query_params.get("window") or None
        if frame and not (frame.isascii() and frame.isdecimal() and len(frame) < 7):
            raise DataError("frame must be a whole number, counted from 0")

        def opened(data: bytearray) -> dict[str, Any]:
            shown = show(data, config, frame=int(frame) if frame else None, window=window)
            about = {
                key: getattr(shown, key) for key in ("width", "height", "kind", "frames", "frame", "notes")
            }
            return {"image": shown.data_url(), "windows": windows(data, shown), **about}

        return JSONResponse(await intake.unpack(request, config.max_upload_mb * MIB, opened))

    @app.post("/chat")
    async def chat(request: Request) -> Response:
        job = await screening.submit(await intake.json(request, lambda body: parse_page(body, config)))
        return EventStream(job, page_lines(screening.worker, job))


def _add_login(app: FastAPI, intake: Intake, sessions: Sessions) -> None:
    @app.get("/login")
    async def login_page(request: Request) -> Response:
        return page(request, "login.html", wrong=False) if sessions.key else RedirectResponse("/", 303)

    @app.post("/login")
    async def login(request: Request) -> Response:
        fields = parse_qs((await intake.body(request, MIB)).decode(errors="replace"))
        if not sessions.key_matches(fields.get("key", [""])[0].strip()):
            await asyncio.sleep(0.5)  # guessing is slow
            response: Response = page(request, "login.html", wrong=True)
            response.status_code = 401
            return response
        response = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, sessions.begin(), max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=secure
        )
        return response
