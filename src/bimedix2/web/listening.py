"""The socket that a page server listens on. Knows nothing about what is served."""

import socket

from bimedix2.errors import ConfigError


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"{host} port {port} cannot be bound ({error.strerror}); choose another port=NUMBER"
        ) from error


def address(bound: socket.socket, host: str, tls: bool) -> str:
    """The URL under which ``host`` is reached at a bound socket."""
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{name}:{bound.getsockname()[1]}"
