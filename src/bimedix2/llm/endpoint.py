"""What a recipe says of an endpoint: where it is, who may be sent to it, how fast, and for how much.

The access key is never a value here: a recipe names the environment variable or the file that holds it.
"""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import ConfigError, DataClassError
from bimedix2.llm.budget import Prices
from bimedix2.records import DataClass

LOOPBACK = "loopback"
"""In a list of hosts: this machine, under whatever name and port."""
PROTECTED = frozenset({DataClass.CREDENTIALED, DataClass.PATIENT})
"""Classes whose words leave this machine for listed hosts alone, and stand in no error and no recording."""


LOCAL = "local"
"""As Ray's address: processes on this machine that are started for a call and end with it."""
ANSWERS = {"base_url", "model", "version", "limit_name", "body", "send_schema"}
"""Settings that answers depend on."""
BULK_ANSWERS = {"bulk_engine"}
"""The same, of ``bulk`` alone."""
WITHOUT_BULK = {"base_url", "batch", "api_key_env", "api_key_file", "prices", "budget"}
"""Settings of hosts that are somebody else's."""


class Endpoint(Settings):
    """An OpenAI-compatible endpoint: a hosted API, vLLM, llama.cpp, ``serve``; with ``bulk``, vLLM itself."""

    base_url: str = ""
    """Up to and without ``/chat/completions``, as ``http://127.0.0.1:8000/v1``; with ``bulk``, none."""
    model: Annotated[str, Field(min_length=1)]
    """The name under which the endpoint knows it; with ``bulk``, a folder or a name on the model hub."""
    version: str = ""
    """Your own name for the weights behind ``model``; change it when they change, and the cache asks anew."""
    api_key_env: str | None = None
    """The environment variable that holds the access key (never the key itself)."""
    api_key_file: Path | None = None
    """A file whose first line is the access key."""
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    """Requests in flight at most."""
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    tokens_per_minute: Annotated[float, Field(gt=0)] | None = None
    """Prompt (estimated) and ``max_tokens`` together, as providers count when they admit a request."""
    timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds for one whole answer; what takes longer counts as stalled and is sent again."""
    tries: Annotated[int, Field(ge=1)] = 8
    """How often one request is sent before it is given up."""
    backoff: Annotated[float, Field(gt=0)] = 0.5
    """Seconds before the second try; doubled for each further one up to a minute, less a random part."""
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the endpoint calls the limit of an answer (newer OpenAI models: the second)."""
    body: dict[str, Any] = Field(default_factory=dict)
    """Further keys of every request, for example ``reasoning_effort``; null leaves a key out."""
    send_schema: bool = False
    """Send the JSON Schema of structured answers as ``response_format``; not every endpoint takes it."""
    credentialed_hosts: tuple[str, ...] = (LOOPBACK,)
    """Hosts (``name`` or ``name:port``) that credentialed records may be sent to."""
    patient_hosts: tuple[str, ...] = (LOOPBACK,)
    """Hosts that patients' records may be sent to."""
    prices: Prices | None = None
    """Needed for an estimate and for ``budget``."""
    budget: Annotated[float, Field(gt=0)] | None = None
    """The most that a run may spend, in the currency of ``prices``."""
    batch: bool = False
    """Ask through the provider's batch API: slower, and cheaper."""
    batch_requests: Annotated[int, Field(ge=1, le=50_000)] = 10_000
    """Requests of one batch at most."""
    batch_poll: Annotated[float, Field(gt=0)] = 60.0
    """Seconds between looks at a batch."""
    bulk: bool = False
    """Ask vLLM engines that Ray Data starts for each call; there is no ``base_url`` then."""
    bulk_address: str = LOCAL
    """``local``: this machine alone; or HOST:PORT of a Ray cluster that this machine is part of."""
    bulk_engines: Annotated[int, Field(ge=1)] = 1
    """Engines, each with its own copy of the weights."""
    bulk_rows: Annotated[int, Field(ge=1, le=4096)] = 64
    """Requests that an engine is handed together; it works on eight such batches at a time."""
    bulk_resources: dict[str, Annotated[float, Field(gt=0)]] | None = None
    """What one worker of an engine takes of Ray's resources instead of ``{GPU: 1}``, as ``{CPU: 4}``."""
    bulk_engine: dict[str, Any] = Field(default_factory=dict)
    """vLLM's engine arguments, ``max_model_len`` among them; another value asks everything anew."""

    # ConfigError instead of ValueError: the sentence of the latter repeats the value, which may be a key.

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        if not url:
            return url
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ValueError("write it as http://HOST:PORT/v1 or https://HOST/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigError(
                "base_url holds a user, a password or a query, which would end up in manifests; "
                "put the key into an environment variable and name it in api_key_env"
            )
        return url.rstrip("/")

    @field_validator("api_key_env")
    @classmethod
    def _a_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ConfigError(
                "api_key_env is no name of an environment variable; "
                "write the variable's name there, never the key itself"
            )
        return name

    @field_validator("body")
    @classmethod
    def _no_own_keys(cls, body: dict[str, Any]) -> dict[str, Any]:
        for name in ("model", "messages", "stream", "n"):
            if name in body:
                raise ValueError(f"'{name}' is set by the request itself; leave it out of body")
        return body

    @field_validator("bulk_address")
    @classmethod
    def _a_place(cls, address: str) -> str:
        try:
            parts = urlsplit(f"ray://{address}")
            good = bool(parts.hostname and parts.port) and parts.netloc == address
        except ValueError:
            good = False
        if address != LOCAL and not good:
            raise ValueError("write 'local', or HOST:PORT of a Ray cluster's head")
        return address

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if not self.bulk:
            if not self.base_url:
                raise ValueError("base_url is absent; write it as http://HOST:PORT/v1, or set bulk: true")
            return self
        for name in sorted(WITHOUT_BULK):
            if getattr(self, name):
                raise ValueError(
                    f"{name} and bulk exclude each other: engines of your own need none; keep one"
                )
        length = self.bulk_engine.get("max_model_len")
        if not isinstance(length, int) or length < 1:
            raise ValueError(
                "bulk needs the longest context in tokens; write bulk_engine: {max_model_len: 8192}"
            )
        if "model" in self.bulk_engine:
            raise ValueError("the model is named by 'model'; leave it out of bulk_engine")
        return self

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.budget is not None and self.prices is None:
            raise ValueError("a budget needs prices; write prices: {input: ..., output: ...}")
        if self.api_key_env and self.api_key_file:
            raise ValueError("api_key_env and api_key_file exclude each other; keep one")
        return self

    @property
    def host(self) -> str:
        """The host's name, as it stands on answers and in signatures."""
        return self._place.hostname or ""

    @property
    def _place(self) -> SplitResult:
        if not self.bulk:
            return urlsplit(self.base_url)
        return urlsplit("ray://localhost" if self.bulk_address == LOCAL else f"ray://{self.bulk_address}")

    @property
    def name(self) -> str:
        """Model and host."""
        return f"{self.model}@{self.host}"

    @property
    def loopback(self) -> bool:
        """Whether requests stay on this machine."""
        return is_loopback(self.host)

    @property
    def identity(self) -> str:
        """Hash of what answers depend on; limits, timeouts and prices are not among it."""
        counted = ANSWERS | BULK_ANSWERS if self.bulk else ANSWERS
        return io.sha256_bytes(io.canonical_json(self.model_dump(include=counted)).encode())

    def allow(self, data_class: DataClass) -> None:
        """Let a record of that class be sent here, or not.

        Raises:
            DataClassError: this host is not listed for the class.
        """
        if data_class is DataClass.CREDENTIALED:
            setting, listed = "credentialed_hosts", self.credentialed_hosts
        elif data_class is DataClass.PATIENT:
            setting, listed = "patient_hosts", self.patient_hosts
        else:
            return
        if not any(self._is(entry) for entry in listed):
            raise DataClassError(
                f"a record of class '{data_class}' may not be sent to {self.host}; use a model on this "
                f"machine, or list the host in {setting} if it may see such records"
            )

    def _is(self, entry: str) -> bool:
        if entry == LOOPBACK:
            return self.loopback
        parts = self._place
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return entry.lower() in (self.host, f"{self.host}:{port}", f"[{self.host}]:{port}")

    def key(self) -> str | None:
        """Read the access key, or ``None`` where none is named.

        Raises:
            ConfigError: the variable or the file is absent or holds no key.
        """
        if self.api_key_env:
            where, value = f"the variable {self.api_key_env}", os.environ.get(self.api_key_env, "")
        elif self.api_key_file:
            where = f"the file {self.api_key_file}"
            try:
                value = self.api_key_file.read_text(encoding="utf-8").partition("\n")[0]
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{where} cannot be read; check api_key_file") from error
        else:
            return None
        value = value.strip()
        if not value or not value.isascii() or not value.isprintable():
            raise ConfigError(f"{where} holds no key; write one of printable ASCII characters there")
        return value


RUNNING = set(Endpoint.model_fields) - ANSWERS - BULK_ANSWERS
"""Settings that change no answer: rooms leave them out of the recipe that a run is known by, so that one
which was stopped by its budget goes on with a larger one."""


def is_loopback(host: str) -> bool:
    """Whether a host's name is this machine; a name that only resolves to it is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
