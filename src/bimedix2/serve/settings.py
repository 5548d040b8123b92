"""What the server is told at its door; the defaults are safe: this machine alone."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from bimedix2.config import Settings
from bimedix2.errors import ConfigError
from bimedix2.model.device import Device


class Config(Settings):
    """One server: a model, an address, who may ask, and how much."""

    model: str = "nano"
    """A preset, or the folder of a checkpoint."""
    host: str = "127.0.0.1"
    """The address to bind; any other than loopback needs ``api_key_env`` or ``api_key_file``."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """0 takes a free one."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Torch threads; ``None`` leaves it to the engine."""
    device: Device = "auto"
    """Where the model computes: ``auto`` (a GPU where torch sees one), ``cpu``, ``cuda`` or ``cuda:N``."""
    api_key_env: str | None = None
    """The environment variable that holds the access key (never the key itself)."""
    api_key_file: Path | None = None
    """A file whose first line is the access key."""
    allowed_hosts: tuple[str, ...] = ()
    """Names under which browsers and clients reach this server, beside IP addresses and ``localhost``."""
    tls_cert: Path | None = None
    """A PEM certificate chain; with ``tls_key`` the server speaks HTTPS."""
    tls_key: Path | None = None
    """The private key of ``tls_cert``."""
    max_upload_mb: Annotated[int, Field(ge=1, le=2048)] = 32
    """The largest image file, in MiB; a JSON body may hold a third more, as base64 does."""
    max_side: Annotated[int, Field(ge=64, le=4096)] = 1024
    """Images are scaled down to this many pixels on their longer side."""
    max_images: Annotated[int, Field(ge=0, le=64)] = 16
    """Images in one conversation."""
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    """The most tokens that one request may ask for."""
    default_tokens: Annotated[int, Field(ge=1)] = 256
    """Tokens of an answer when the request names no number."""
    queue_size: Annotated[int, Field(ge=1, le=1000)] = 8
    """Requests that may wait; one more is answered 429."""
    safeguards: bool = True
    """Whether fixed rules answer questions about self-harm, emergencies and doses in the model's place."""

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not re.fullmatch(r"[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*", host):
                raise ValueError(
                    f"'{host}' is no host's name; write the name alone, without scheme, port or *"
                )
        return hosts

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not self.loopback and not (self.api_key_env or self.api_key_file):
            raise ValueError(
                f"host {self.host} can be reached from other machines, so the server needs a key; "
                "set api_key_env=VARIABLE or api_key_file=FILE"
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together; set both or neither")
        if self.default_tokens > self.max_tokens:
            raise ValueError("default_tokens is larger than max_tokens; lower it")
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def model_id(self) -> str:
        """The name under which clients ask for the model: the preset, or the checkpoint folder's name."""
        return Path(self.model).name

    def key(self) -> str | None:
        """Read the access key, or ``None`` where none is asked for.

        Raises:
            ConfigError: the variable or the file is absent, or the key has fewer than 16 characters.
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
        if len(value) < 16 or not value.isascii():
            raise ConfigError(f"{where} holds no key of at least 16 ASCII characters; write one there")
        return value
