"""The page shell: strings, the language a browser asks for, templates, and the headers every page carries."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from bimedix2 import io
from bimedix2.errors import MissingExtra

if TYPE_CHECKING:
    from jinja2 import Environment

Interface = Literal["en", "ar"]

HERE = Path(str(files("bimedix2.web")))
STATIC = HERE / "static"

SECURITY_HEADERS: dict[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer a form would send "Origin: null" to its own server
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}
"""No third-party host, no framing, no inline script or style."""


@cache
def strings() -> dict[str, dict[str, str]]:
    """The interface's words, by language and name."""
    words: dict[str, dict[str, str]] = json.loads((HERE / "strings.json").read_text(encoding="utf-8"))
    return words


def interface_language(chosen: str | None, accept_language: str) -> Interface:
    """Return the interface's language: what the user chose, else the first of ours that the browser prefers.

    Args:
        chosen: ``en``, ``ar`` or anything else (then it is as if nothing were chosen).
        accept_language: the header of that name (RFC 9110, section 12.5.4); may be empty or malformed.
    """
    if chosen in ("en", "ar"):
        return "ar" if chosen == "ar" else "en"
    wanted: list[tuple[float, int, str]] = []
    for position, item in enumerate(accept_language.split(",")):
        tag, _, weight = item.strip().partition(";")
        try:
            quality = float(weight.partition("=")[2]) if weight else 1.0
        except ValueError:
            continue
        primary = tag.strip().lower().split("-")[0]
        if primary in ("en", "ar") and quality > 0:
            wanted.append((-quality, position, primary))
    return "ar" if wanted and min(wanted)[2] == "ar" else "en"


@cache
def asset_version() -> str:
    """A hash of script, stylesheet and fonts: a new release is a new address, so caches never lie."""
    names = sorted(path for path in STATIC.rglob("*") if path.is_file())
    return io.sha256_bytes("".join(io.sha256_file(path) for path in names).encode())[:12]


@cache
def environment() -> "Environment":
    """The templates, escaping every value."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtra("jinja2", "serve") from error
    return Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )


def page(template: str, language: Interface, data: dict[str, Any] | None = None, **values: Any) -> str:
    """Return a page's HTML.

    Args:
        template: a file of ``templates/``.
        language: of the interface at first; the script can switch it without a reload.
        data: JSON values for the script, beside the strings of both languages.
        values: for the template.
    """
    shared = {
        "language": language,
        "direction": "rtl" if language == "ar" else "ltr",
        # Attributes, for Jinja would take a dict's own methods (keys, copy) before its words.
        "t": SimpleNamespace(**strings()[language]),
        "both": {name: SimpleNamespace(**words) for name, words in strings().items()},
        "assets": f"/static/{asset_version()}",
        "data": {"language": language, "strings": strings(), **(data or {})},
    }
    return environment().get_template(template).render(**shared, **values)
