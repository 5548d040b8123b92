"""Pages that stand on disk and need no server: HTML with its stylesheet, script and fonts beside it.

Text reaches a page escaped, paragraph by paragraph with its direction; an answer that holds HTML is shown as
the words it is. The policy in the page's head lets a browser load nothing but the files beside it.
"""

import json
import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bimedix2.web.direction import direction, isolated_runs
from bimedix2.web.markdown import render
from bimedix2.web.shell import HERE, STATIC, Interface, environment

ASSETS = "assets"
FILES = ("app.css", "sheets.css", "page.js", "browse.js", "icon.svg")

Piece = str | list[str]
Paragraph = list[Piece]
"""Direction, then pieces: words, or ``[direction, words]`` of a run to isolate."""


@cache
def sheet_strings() -> dict[str, dict[str, str]]:
    """The words of these pages, by language and name."""
    words: dict[str, dict[str, str]] = json.loads((HERE / "sheets.json").read_text(encoding="utf-8"))
    return words


def paragraphs(text: str) -> list[Paragraph]:
    """A text as paragraphs, one a line, each with its own direction; empty lines are left out."""
    found: list[Paragraph] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        base = direction(line)
        runs: Paragraph = [base]
        for piece, way in isolated_runs(line, base):
            runs.append(piece if way is None else [way, piece])
        found.append(runs)
    return found


def sheet(template: str, language: Interface, data: dict[str, Any] | None = None, **values: Any) -> str:
    """Return a page's HTML.

    Args:
        template: a file of ``templates/`` that extends ``sheet.html``.
        language: of the headings.
        data: JSON values for the script, beside the words of both languages.
        values: for the template.
    """
    page = environment().get_template(template)
    return page.render(
        language=language,
        direction="rtl" if language == "ar" else "ltr",
        t=SimpleNamespace(**sheet_strings()[language]),
        assets=ASSETS,
        paragraphs=paragraphs,
        way=direction,
        markdown=render,
        data={"language": language, "strings": sheet_strings(), **(data or {})},
        **values,
    )


def write_assets(folder: Path) -> None:
    """Copy stylesheets, scripts, icon and fonts (with their licence) into ``folder/assets``."""
    target = folder / ASSETS
    target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(STATIC / name, target / name)
    shutil.copytree(STATIC / "fonts", target / "fonts", dirs_exist_ok=True, copy_function=shutil.copyfile)
