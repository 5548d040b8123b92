"""The OpenAI-compatible API: ``/v1/chat/completions``, ``/v1/models`` and ``/health``."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from bimedix2 import __version__
from bimedix2.llm.backend import Reply
from bimedix2.serve.faults import Fault
from bimedix2.serve.intake import Intake
from bimedix2.serve.protocol import Completion, parse
from bimedix2.serve.screening import Screening
from bimedix2.serve.worker import Event, Job


class EventStream(StreamingResponse):
    """Server-sent events of one job; however the reader leaves, the job is cancelled then."""

    def __init__(self, job: Job, lines: AsyncIterator[str]) -> None:
        super().__init__(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self.job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.job.cancelled.set()


def event_line(value: Mapping[str, Any]) -> str:
    """One server-sent event; JSON in ASCII, so that no piece can cut a character."""
    return f"data: {json.dumps(value)}\n\n"


async def answered(job: Job, request: Request, whole: bool) -> Event:
    """Wait for the first event, or the whole reply; a client that leaves meanwhile cancels the job.

    Raises:
        Fault: the job's, or that the client has left.
    """
    try:
        async for event in job.events(0.25):
            if isinstance(event, Fault):
                raise event
            if isinstance(event, Reply) or (event and not whole):
                return event
            if await request.is_disconnected():
                break
        raise Fault(499, "the client has left", "cancelled")
    except BaseException:
        job.cancelled.set()
        raise


async def completion_lines(job: Job, first: Event, completion: Completion) -> AsyncIterator[str]:
    """The events of a streamed completion, in OpenAI's order."""
    yield event_line(completion.first())
    event: Event | None = first
    rest = job.events()
    while not isinstance(event, Reply):
        if isinstance(event, Fault):
            yield event_line(event.body())
            return
        yield event_line(completion.chunk({"content": event})) if event is not None else ": still writing\n\n"
        event = await anext(rest)
    for chunk in completion.last(event):
        yield event_line(chunk)
    yield "data: [DONE]\n\n"


def add_api(app: FastAPI, screening: Screening, intake: Intake) -> None:
    """Add the API's routes."""
    config = intake.config
    worker = screening.worker
    started = int(time.time())

    @app.get("/health")
    async def health() -> Response:
        """200 when the model answers, 503 while it is being opened."""
        state = {
            "status": "ready" if worker.name else "loading",
            "model": config.model_id,
            "name": worker.name,
            "version": __version__,
            "waiting": worker.waiting,
            "safeguards": screening.rules,
        }
        return JSONResponse(state, 200 if worker.name else 503)

    def card() -> dict[str, Any]:
        return {"id": config.model_id, "object": "model", "created": started, "owned_by": "bimedix2"}

    @app.get("/v1/models")
    async def models() -> Response:
        return JSONResponse({"object": "list", "data": [card()]})

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> Response:
        if name not in (config.model_id, worker.name):
            sentence = f"the model {name[:80]!r} does not exist here; ask for '{config.model_id}'"
            raise Fault(404, sentence, "model_not_found", "model")
        return JSONResponse(card())

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        names = {config.model_id, screening.model}
        asked = await intake.json(request, lambda body: parse(body, config, names))
        job = await screening.submit(asked.request)
        if asked.stream:
            first = await answered(job, request, whole=False)
            completion = Completion(screening.model, job.fixed, asked)
            return EventStream(job, completion_lines(job, first, completion))
        reply = await answered(job, request, whole=True)
        assert isinstance(reply, Reply)
        return JSONResponse(Completion(reply.model, job.fixed, asked).whole(reply))
