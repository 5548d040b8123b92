"""One worker, one bounded queue: answers are written one at a time, so that users do not collapse the CPU.

Knows nothing about HTTP. A job whose reader has gone is dropped from the queue, or stopped between two
pieces of its answer.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import closing
from typing import cast

from bimedix2.errors import BiMediX2Error, where
from bimedix2.language.safeguards import Fixed
from bimedix2.llm.backend import Reply, Request, StreamingBackend
from bimedix2.serve.faults import Fault, fault_of

log = logging.getLogger("bimedix2.serve")

Event = str | Reply | Fault


class Job:
    """One request on its way: events arrive from the worker's thread, and its reader may leave."""

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop) -> None:
        self.request = request
        self.fixed: Fixed | None = None
        self.cancelled = threading.Event()
        self._loop = loop
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._kept: Event | None = None

    @classmethod
    def of(cls, request: Request, fixed: Fixed) -> "Job":
        """A job that a safeguard has answered already, in the running event loop; no worker sees it."""
        job = cls(request, asyncio.get_running_loop())
        job.fixed = fixed
        for event in (fixed.text, fixed):
            job._events.put_nowait(event)
        return job

    def put(self, event: Event) -> None:
        """Hand an event to the reader, from the worker's thread."""
        try:
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)
        except RuntimeError:  # the reader's loop has closed: nobody is left to read
            self.cancelled.set()

    async def next(self, timeout: float) -> Event:
        """Return the next event; pieces that have piled up come as one, and a ``Fault`` is returned.

        Raises:
            TimeoutError: nothing came within ``timeout`` seconds.
        """
        event, self._kept = self._kept, None
        if event is None:
            event = await asyncio.wait_for(self._events.get(), timeout)
        while isinstance(event, str) and not self._events.empty():
            following = self._events.get_nowait()
            if not isinstance(following, str):
                self._kept = following
                break
            event += following
        return event

    async def events(self, beat: float = 1.0) -> AsyncIterator[Event | None]:
        """Yield events until the answer ends, and ``None`` whenever ``beat`` seconds pass without one."""
        while True:
            try:
                event = await self.next(beat)
            except TimeoutError:
                yield None
                continue
            yield event
            if not isinstance(event, str):
                return


class Worker:
    """Opens the backend and owns it: its thread alone calls it.

    Args:
        open_backend: returns the model, which may take a while; requests wait in the queue meanwhile.
        queue_size: how many may wait.
        on_failure: called, from the worker's thread, when the model cannot be opened.
    """

    def __init__(
        self, open_backend: Callable[[], StreamingBackend], queue_size: int, on_failure: Callable[[], None]
    ) -> None:
        self.name: str | None = None
        self.failure: Exception | None = None
        self.queue_size = queue_size
        self.running: Job | None = None
        self._open_backend = open_backend
        self._on_failure = on_failure
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="bimedix2-worker", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the piece being written, and wait for it."""
        with self._changed:
            self._closed = True
            for job in [*self._waiting, *([self.running] if self.running else [])]:
                job.cancelled.set()
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    @property
    def waiting(self) -> int:
        """Jobs in the queue whose readers are still there."""
        with self._changed:
            return sum(not job.cancelled.is_set() for job in self._waiting)

    def ahead(self, job: Job) -> int:
        """How many jobs come before this one, the running one included; 0 when it runs."""
        with self._changed:
            if job not in self._waiting:
                return 0
            alive = [other for other in self._waiting if not other.cancelled.is_set() or other is job]
            return alive.index(job) + (self.running is not None)

    def submit(self, request: Request) -> Job:
        """Queue a request of the running event loop.

        Raises:
            Fault: 429 with ``Retry-After`` when the queue is full.
        """
        job = Job(request, asyncio.get_running_loop())
        with self._changed:
            self._waiting = deque(other for other in self._waiting if not other.cancelled.is_set())
            if len(self._waiting) >= self.queue_size:
                sentence = (
                    f"the server is busy: {self.queue_size} requests are waiting; try again in a moment"
                )
                raise Fault(429, sentence, "queue_full", headers={"Retry-After": "10"})
            self._waiting.append(job)
            self._changed.notify()
        return job

    def _work(self) -> None:
        try:
            backend = self._open_backend()
            self.name = backend.name
        except Exception as error:
            self.failure = error
            self._on_failure()
            return
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                job = self.running = self._waiting.popleft()
            try:
                self._answer(backend, job)
            finally:
                with self._changed:
                    self.running = None

    def _answer(self, backend: StreamingBackend, job: Job) -> None:
        """Write one answer; whatever goes wrong is this job's event, and the worker goes on."""
        if job.cancelled.is_set():
            return
        try:
            with closing(cast(Generator[str | Reply, None, None], backend.stream(job.request))) as pieces:
                for piece in pieces:
                    job.put(piece)
                    if job.cancelled.is_set() or isinstance(piece, Reply):
                        return
            job.put(fault_of(RuntimeError("the backend ended without a reply")))
        except BiMediX2Error as error:
            job.put(fault_of(error))
        except Exception as error:
            log.error("an answer failed: %s", where(error))
            job.put(fault_of(error))
