"""The socket of a page server, and the address that people open."""

import socket

import pytest

from bimedix2.errors import ConfigError
from bimedix2.web.listening import address, listen


def test_a_free_port_is_taken_and_stands_in_the_address() -> None:
    with listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        assert address(bound, "127.0.0.1", tls=False) == f"http://127.0.0.1:{port}"
        assert address(bound, "reader.example", tls=True) == f"https://reader.example:{port}"
        with pytest.raises(ConfigError, match=rf"127.0.0.1 port {port} cannot be bound .* port=NUMBER"):
            listen("127.0.0.1", port)


def test_an_ipv6_address_stands_in_brackets() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        bound = listen("::1", 0)
    except ConfigError:
        pytest.skip("this machine has no ::1")
    with bound:
        assert address(bound, "::1", tls=False).startswith("http://[::1]:")
