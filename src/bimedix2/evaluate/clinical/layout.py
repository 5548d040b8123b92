"""The fields of a question in the local files: its texts as a reader meets them, and its right answer.

Files are known by how their names begin. The harness fails inside a template where a field is missing, hours
into a run and without the file's name; here every line is looked at first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.errors import DataError

Row = dict[str, Any]
LETTERS = ("A", "B", "C", "D", "E")
MEND = "convert its benchmark again"


@dataclass(frozen=True)
class Layout:
    """``texts``: fields that hold a text, or a list of them. ``key``: the field of the right answer.

    ``answers``: what may stand there; without it the number of an option, from 0 to ``options`` of them
    (``None``: as many as the last field of ``texts`` has).
    """

    texts: tuple[str, ...]
    key: str
    answers: tuple[str, ...] = ()
    options: int | None = 4


LAYOUTS: dict[str, Layout] = {
    "mmlu_": Layout(("question", "choices"), "answer", options=None),
    "medmcqa_": Layout(("question", "opa", "opb", "opc", "opd"), "cop"),
    "medqa_": Layout(("sent1", "ending0", "ending1", "ending2", "ending3"), "label"),
    "usmle_": Layout(("question", "options"), "answer", options=None),
    "pubmedqa_": Layout(("CONTEXTS", "QUESTION"), "final_decision", ("yes", "no", "maybe")),
    "oall_": Layout(("question", *LETTERS[:4]), "answer", LETTERS[:4]),
    "global_mmlu_": Layout(("question", *(f"option_{one}" for one in "abcd")), "answer", LETTERS[:4]),
    "arabicmmlu_": Layout(("Question", *(f"Option {n}" for n in range(1, 6))), "Answer Key", LETTERS),
}
"""How a file's name begins -> its layout."""


def of(name: str) -> Layout:
    """The layout of a file of the catalogue."""
    return next(layout for start, layout in LAYOUTS.items() if name.startswith(start))


def texts(row: Any, layout: Layout, where: str) -> list[str]:
    """The texts of a question in their order, those of a list one by one.

    Raises:
        DataError: it is no object, or one of them is missing or no text.
    """
    if not isinstance(row, dict):
        raise DataError(f"{where} is no question; {MEND}")
    found: list[str] = []
    for name in layout.texts:
        value = row.get(name)
        given: list[Any] = value if isinstance(value, list) else [value]
        if not given or not all(isinstance(text, str) for text in given):
            raise DataError(f"{where}: '{name}' is no text; {MEND}")
        found += given
    if not any(text.strip() for text in found):
        raise DataError(f"{where} has no words; {MEND}")
    return found


def check(row: Any, layout: Layout, where: str) -> None:
    """Look at one question.

    Raises:
        DataError: naming the place and the field.
    """
    texts(row, layout, where)
    right = row.get(layout.key)
    if layout.answers:
        if right not in layout.answers:
            raise DataError(
                f"{where}: '{layout.key}' is {right!r:.40}, none of {', '.join(layout.answers)}; {MEND}"
            )
        return
    options = layout.options if layout.options is not None else len(_list(row, layout))
    if isinstance(right, bool) or not isinstance(right, int) or not 0 <= right < options:
        raise DataError(
            f"{where}: '{layout.key}' is {right!r:.40}, not the number of one of {options} options; {MEND}"
        )


def _list(row: Row, layout: Layout) -> Sequence[str]:
    value = row[layout.texts[-1]]
    return value if isinstance(value, list) else [value]
