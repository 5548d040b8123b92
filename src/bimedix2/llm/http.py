"""One endpoint over HTTP: a limit on speed, a deadline for every answer, and tries until one comes.

Knows nothing about what is asked. Only this file and ``endpoint.key`` see the access key.
"""

import json
import random
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar

import httpx

from bimedix2 import io
from bimedix2.errors import EndpointError, NotServedError, RefusedError
from bimedix2.llm.endpoint import Endpoint

T = TypeVar("T")
SLOWEST = 60.0
"""Seconds of the longest backoff."""
PATIENCE = 600.0
"""Seconds that an endpoint may ask to wait; a longer time is a quota of the day, not a rate."""
MOST = 64 << 20
"""Bytes of one answer."""
MOST_OF_A_FILE = 1 << 30
"""Bytes of one file of the batch API."""
EVERY_REQUEST = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "invalid_api_key",
        "model_not_found",
        "unknown_parameter",
        "unsupported_parameter",
        "unsupported_value",
    }
)
"""Error codes of OpenAI's that the next request would get too."""
NOT_SERVED = frozenset({404, 405, 501})
"""What an endpoint answers where it does not have what is asked for."""
REFUSALS = frozenset({400, 413, 415, 422})
"""What an endpoint answers when one request's content is the trouble."""


class Again(Exception):
    """A try that failed for now.

    Args:
        reason: what happened, for a sentence.
        wait: seconds that the endpoint asks for.
        sent: whether the request may have been worked on, and be paid for.
        limited: whether all requests have to wait.
        reached: whether anything answered.
    """

    def __init__(
        self,
        reason: str,
        *,
        wait: float = 0.0,
        sent: bool = False,
        limited: bool = False,
        reached: bool = True,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.sent = sent
        self.limited = limited
        self.reached = reached


class Stopped(Exception):
    """The call ended while a request of it was waiting."""


class Limiter:
    """Spaces requests evenly, so that no minute holds more than its share.

    Args:
        requests: a minute; ``None`` is without limit.
        tokens: a minute; ``None`` is without limit.
        now: the clock, in seconds.
    """

    def __init__(
        self, requests: float | None, tokens: float | None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._request = 60.0 / requests if requests else 0.0
        self._token = 60.0 / tokens if tokens else 0.0
        self._now = now
        self._free = now()
        self._lock = threading.Lock()

    def take(self, tokens: int) -> float:
        """Take the next free moment; return the seconds until it."""
        with self._lock:
            moment = max(self._now(), self._free)
            self._free = moment + max(self._request, tokens * self._token)
            return moment - self._now()

    def hold(self, seconds: float) -> None:
        """Let no request go for so long."""
        with self._lock:
            self._free = max(self._free, self._now() + seconds)


class Connection:
    """An endpoint's door. Safe with threads.

    Args:
        endpoint: its settings; the key is read here, once.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.limiter = Limiter(endpoint.requests_per_minute, endpoint.tokens_per_minute)
        self._slots = threading.Semaphore(endpoint.concurrency)
        self._key = endpoint.key()
        self._answers = 0
        self._lock = threading.Lock()
        # A proxy of the environment would be one more host that reads what is sent: it gets nothing but TLS,
        # and nothing of what is meant for this machine. Redirects are not followed, for the same reason.
        proxied = endpoint.base_url.startswith("https:") and not endpoint.loopback
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(endpoint.timeout, connect=min(10.0, endpoint.timeout), pool=None),
            limits=httpx.Limits(max_connections=endpoint.concurrency),
            trust_env=proxied,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def once(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        upload: tuple[str, bytes] | None = None,
        quiet: bool = False,
        file: bool = False,
    ) -> bytes:
        """Send once and return the answer's bytes.

        Args:
            method: of HTTP.
            path: below ``base_url``.
            body: JSON values to send.
            upload: name and bytes of a file to send instead.
            quiet: keep the endpoint's own words out of errors, since they may repeat what was sent.
            file: the answer is a file, which may be large and take long.

        Raises:
            Again: another try may succeed.
            RefusedError: this request is refused.
            EndpointError: all would be.
        """
        sent: dict[str, Any] = {}
        if upload:
            sent = {"files": {"file": (*upload, "application/jsonl")}, "data": {"purpose": "batch"}}
        elif body is not None:
            content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
            sent = {"content": content, "headers": {"Content-Type": "application/json"}}
        deadline = time.monotonic() + self.endpoint.timeout
        try:
            with self._client.stream(method, f"{self.endpoint.base_url}{path}", **sent) as response:
                data = bytearray()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > (MOST_OF_A_FILE if file else MOST):
                        raise Again("the answer has no end", sent=True)
                    if not file and time.monotonic() > deadline:
                        raise Again(f"the answer took over {self.endpoint.timeout:g} s", sent=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise Again(f"no connection ({self._clean(str(error))})", reached=False) from None
        except httpx.TimeoutException:
            raise Again(f"the answer took over {self.endpoint.timeout:g} s", sent=True) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Again(f"the connection broke ({self._clean(str(error))})", sent=True) from None
        self._judge(response, bytes(data), quiet)
        return bytes(data)

    def until_answered(
        self, once: Callable[[], T], tokens: int = 0, stop: threading.Event | None = None
    ) -> T:
        """Call ``once`` until it returns, at the pace that the endpoint bears.

        Args:
            once: one try; it raises ``Again`` for another.
            tokens: what it counts as.
            stop: set when the whole call is given up.

        Raises:
            RefusedError: the request was refused, or failed every time while others were answered.
            EndpointError: the endpoint answers nothing.
            Stopped: ``stop`` was set.
        """
        stop = stop or threading.Event()
        before = self._answers
        number = 0
        while True:
            number += 1
            if stop.wait(self.limiter.take(tokens)):
                raise Stopped
            try:
                with self._slots:
                    value = once()
            except Again as again:
                if again.limited:
                    self.limiter.hold(min(again.wait, PATIENCE))
                if again.wait > PATIENCE or number >= self._tries(again):
                    self._give_up(again, number, self._answers > before)
                backoff = min(self.endpoint.backoff * 2 ** min(number - 1, 20), SLOWEST)
                if stop.wait(max(again.wait, backoff * random.uniform(0.5, 1.0))):
                    raise Stopped from None
                continue
            with self._lock:
                self._answers += 1
            return value

    def _tries(self, again: Again) -> int:
        """An endpoint that was never there is rather a mistyped address than one that restarts."""
        if not again.reached and not self._answers:
            return min(3, self.endpoint.tries)
        return self.endpoint.tries

    def _give_up(self, again: Again, tries: int, lives: bool) -> NoReturn:
        where = self.endpoint.host
        if again.wait > PATIENCE:
            raise EndpointError(
                f"{where} asks to wait {again.wait:.0f} s ({again.reason}); start the run again after that"
            ) from None
        if not again.reached:
            raise EndpointError(
                f"{self.endpoint.base_url} cannot be reached ({again.reason}); "
                "check base_url and that the server runs"
            ) from None
        if lives and not again.limited:
            raise RefusedError(
                f"{where} failed {tries} times at one request and answered others ({again.reason}); "
                "look at that record"
            ) from None
        raise EndpointError(
            f"{where} gave no answer in {tries} tries ({again.reason}); start the run again when it does"
        ) from None

    def _judge(self, response: httpx.Response, data: bytes, quiet: bool) -> None:
        status, where = response.status_code, self.endpoint.host
        if 200 <= status < 300:
            return
        code, words = error_of(data)
        said = f"HTTP {status}" + (f": {self._clean(words)}" if words and not quiet else "")
        if status in (401, 403):
            key = self.endpoint.api_key_env or self.endpoint.api_key_file or "api_key_env"
            raise EndpointError(f"{where} does not let this key in ({said}); check {key}")
        if code in EVERY_REQUEST or status in (402, *NOT_SERVED):
            kind = NotServedError if status in NOT_SERVED else EndpointError
            raise kind(
                f"{where} would refuse every request ({said}); check base_url, model, limit_name, body and "
                "the account"
            )
        if 300 <= status < 400:
            raise EndpointError(f"{where} sends requests elsewhere ({said}); set base_url to that place")
        if status in REFUSALS:
            raise RefusedError(f"{where} refused a request ({said}); look at that record")
        if status in (408, 409, 425, 429) or status >= 500:
            wait = retry_after(response.headers)
            raise Again(said, wait=wait, limited=status == 429 or (status == 503 and wait > 0))
        raise EndpointError(f"{where} answered {said}; check base_url")

    def _clean(self, words: str) -> str:
        """One line of somebody else's words, without the key."""
        if self._key:
            words = words.replace(self._key, "[key]")
        return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:200].rstrip(".;: ")


def error_of(data: bytes) -> tuple[str, str]:
    """Code and message of an error's body, as OpenAI, vLLM and FastAPI write it; empty where unknown."""
    try:
        value = io.parse_json(data[:MOST].decode("utf-8"))
    except ValueError:
        return "", ""
    inner = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(inner, dict):
        return "", inner if isinstance(inner, str) else ""
    words = inner.get("message") or inner.get("detail") or ""
    return str(inner.get("code") or ""), words if isinstance(words, str) else ""


def retry_after(headers: httpx.Headers) -> float:
    """Seconds that an answer asks to wait (RFC 9110 10.2.3, and OpenAI's milliseconds), or 0."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * unit
        except ValueError:
            seconds = _until(value)
        if 0 < seconds < float("inf"):
            return seconds
    return 0.0


def _until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return 0.0
