"""The published BiMed-MBench files and answers files, with their traps read right and counted.

The English file may be a stream of pretty-printed objects, the Arabic one JSON Lines; some Arabic rows carry
a translated ``type`` and some an English context; several ``domain`` flags may be true; only the English text
has an ``<image>`` marker (specification 3.1 and 3.3). Questions and answers are joined by their id alone.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from bimedix2 import io
from bimedix2.errors import DataError, ImageError
from bimedix2.evaluate.answering import NO_PICTURE, TOO_LONG
from bimedix2.evaluate.mbench.aggregate import DOMAINS, TYPES
from bimedix2.text.arabic import normalise, script

Tongue = Literal["en", "ar"]

MARKER = "<image>"
_WORDS = {"conversation": ("محادث", "حوار", "conversation"), "detailed_description": ("وصف", "description")}
"""By which a type is told that is translated: the published file has two Arabic names of the second alone."""
NO_TEXT = "text is NaN or null"
FAILING = {
    "missing": "no answer",
    "several answers": "several answers",
    "refused": "refused",
    NO_TEXT: NO_TEXT,
    TOO_LONG: TOO_LONG,
    NO_PICTURE: NO_PICTURE,
}
"""Traps of answers after which there is nothing to judge -> the failure."""
_TEXTS = ("image", "text", "gpt4_answer", "fig_caption", "fig_label", "type")


@dataclass(frozen=True)
class Item:
    """One question, ``text`` and ``mentions`` as in the file: the published prompt shows both as they are."""

    question_id: int
    language: Tongue
    image: str
    text: str
    reference: str
    label: str
    caption: str
    mentions: tuple[Mapping[str, Any], ...]
    type: str
    domain: str

    @property
    def marker(self) -> bool:
        """Whether the text marks the image's place."""
        return MARKER in self.text

    @property
    def question(self) -> str:
        """The text without the marker, for a model that is given the image itself."""
        return self.text.replace(MARKER, " ").strip()

    @property
    def context(self) -> str:
        """The sentences that mention the figure, one a line."""
        return "\n".join(str(mention.get("tokens", "")) for mention in self.mentions)


@dataclass(frozen=True)
class Benchmark:
    """A file's questions by id, and what was odd about it: name of the trap -> ids of its rows."""

    items: dict[int, Item]
    layout: Literal["JSON Lines", "pretty-printed objects", "JSON list"]
    traps: dict[str, list[int]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How many rows each trap has."""
        return {name: len(rows) for name, rows in sorted(self.traps.items())}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


def _objects(path: Path, nan: bool = False) -> tuple[list[tuple[int, Any]], str]:
    """Every JSON value of a file with the line that it begins on, and how the file is laid out.

    ``nan``: NaN is a value; pandas writes it where there is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check it") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; convert it to UTF-8") from error
    decoder = json.JSONDecoder() if nan else json.JSONDecoder(parse_constant=_refuse)
    found: list[tuple[int, Any]] = []
    at, several = 0, False
    while (at := _skip(text, at)) < len(text):
        line = text.count("\n", 0, at) + 1
        try:
            value, end = decoder.raw_decode(text, at)
            io.refuse_halves(text[at:end], value)
        except (ValueError, RecursionError) as error:
            said = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise DataError(f"{path} is not JSON after line {line}: {said}; correct it there") from error
        several = several or "\n" in text[at:end]
        found.append((line, value))
        at = end
    if len(found) == 1 and isinstance(found[0][1], list):
        return [(number, value) for number, value in enumerate(found[0][1], 1)], "JSON list"
    return found, "pretty-printed objects" if several else "JSON Lines"


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def load(path: Path, language: Tongue) -> Benchmark:
    """Read a file of questions.

    Args:
        path: the published file, or one built in its layout.
        language: of its questions.

    Raises:
        DataError: the file is broken, a row lacks a field, or a question, type or domain cannot be told.
    """
    rows, layout = _objects(path)
    if not rows:
        raise DataError(f"{path} is empty; fetch it again")
    traps: dict[str, list[int]] = defaultdict(list)
    items: dict[int, Item] = {}
    for line, row in rows:
        item = _item(row, language, f"{path} line {line}", traps)
        if item.question_id in items:
            raise DataError(f"{path} line {line}: question {item.question_id} is there twice; remove one")
        items[item.question_id] = item
    return Benchmark(items, layout, dict(traps))  # type: ignore[arg-type]


def _item(row: Any, language: Tongue, where: str, traps: dict[str, list[int]]) -> Item:
    if not isinstance(row, dict):
        raise DataError(f"{where} is no object; check that it is the file of questions")
    number = row.get("question_id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise DataError(f"{where} has no whole number as 'question_id'; answers cannot be joined without it")
    for key in _TEXTS:
        if not isinstance(row.get(key), str):
            raise DataError(f"{where}: question {number} has no text '{key}'; correct that row")
    mentions = row.get("in_text_mention") or []
    if not isinstance(mentions, list) or not all(isinstance(mention, dict) for mention in mentions):
        raise DataError(
            f"{where}: question {number}: 'in_text_mention' is no list of objects; correct that row"
        )
    item = Item(
        question_id=number,
        language=language,
        image=row["image"],
        text=row["text"],
        reference=row["gpt4_answer"],
        label=row["fig_label"],
        caption=row["fig_caption"],
        mentions=tuple(mentions),
        type=_type(row["type"], number, where, traps),
        domain=_domain(row.get("domain"), number, where, traps),
    )
    if not item.question or not item.reference.strip():
        raise DataError(
            f"{where}: question {number} has no question or no reference answer; correct that row"
        )
    _note_texts(item, traps)
    return item


def _type(name: str, number: int, where: str, traps: dict[str, list[int]]) -> str:
    if name in TYPES:
        return name
    kinds = [kind for kind, words in _WORDS.items() if any(word in normalise(name) for word in words)]
    if len(kinds) != 1:
        raise DataError(f"{where}: question {number} is of type '{name}'; types are: {', '.join(TYPES)}")
    traps["type translated or written otherwise"].append(number)
    return kinds[0]


def _domain(flags: Any, number: int, where: str, traps: dict[str, list[int]]) -> str:
    """The first true flag in the published order."""
    if not isinstance(flags, dict):
        raise DataError(f"{where}: question {number} has no 'domain'; correct that row")
    true = [name for name in DOMAINS if flags.get(name) is True]
    if not true:
        raise DataError(f"{where}: question {number} is in none of {', '.join(DOMAINS)}; correct that row")
    if len(true) > 1:
        traps["several domains, the first counts"].append(number)
    return true[0]


def _note_texts(item: Item, traps: dict[str, list[int]]) -> None:
    """Note texts in the other language, and markers that are missing or surplus."""
    number = item.question_id
    if not item.mentions:
        traps["no sentence mentions the figure"].append(number)
    if item.marker != (item.language == "en"):
        traps["no image marker" if item.language == "en" else "image marker in Arabic"].append(number)
    if item.language == "ar" and not item.marker:
        traps["no image marker, as published"].append(number)
    other = "en" if item.language == "ar" else "ar"
    for name, text in (("question", item.question), ("reference", item.reference), ("caption", item.caption)):
        if script(text) == other:
            traps[f"{name} in the other language"].append(number)
    if any(script(str(mention.get("tokens", ""))) == other for mention in item.mentions):
        traps["context in the other language"].append(number)


def compare(english: Benchmark, arabic: Benchmark) -> dict[str, list[int]]:
    """Where two files of one benchmark differ beyond their language: name of the difference -> ids.

    Nothing is repaired: a table of both languages is of the items that both have.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for number in sorted(english.items.keys() | arabic.items.keys()):
        one, other = english.items.get(number), arabic.items.get(number)
        if one is None or other is None:
            found["not in the English file" if one is None else "not in the Arabic file"].append(number)
            continue
        for key in ("image", "type", "domain"):
            if getattr(one, key) != getattr(other, key):
                found[f"another {key}"].append(number)
    return dict(found)


def check_images(items: Sequence[Item], folder: Path) -> None:
    """Look for every image, before any model is asked.

    Raises:
        ImageError: how many are missing, and which.
    """
    missing = sorted({item.image for item in items if not (folder / item.image).is_file()})
    if missing:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise ImageError(f"{folder} lacks {len(missing)} images of the benchmark ({shown}); fetch them first")


@dataclass(frozen=True)
class Answers:
    """A system's answers by question, and what was wrong with its file: trap -> ids."""

    model: str
    texts: dict[int, str]
    traps: dict[str, list[int]]
    asked: dict[str, Any] | None = None
    """How a model of the recipe answered (checkpoint, template, decoding, host); ``None`` of a file."""

    @property
    def failures(self) -> dict[int, str]:
        """Questions that have no single answer, with the reason; an empty answer is one that was given."""
        return {number: reason for trap, reason in FAILING.items() for number in self.traps.get(trap, [])}


def read_answers(path: Path, items: Mapping[int, Item], model: str = "") -> Answers:
    """Read an answers file: ``question_id``, ``text``, and a model's name (``model_id`` or ``model``).

    Args:
        path: JSON Lines, in any order.
        items: the questions, by id.
        model: which of several systems is read; of a file of one, its name, over the file's own.

    Raises:
        DataError: a row has no id or no text, the file names several models, or no id fits.
    """
    given: dict[int, list[str | None]] = defaultdict(list)
    rows = _objects(path, nan=True)[0]
    read = [(_answer(row, f"{path} line {line}"), _name(row)) for line, row in rows]
    names = Counter(name for _, name in read)
    chosen = model if model in names else None
    if chosen is None and len(names) > 1:
        raise DataError(
            f"{path} has answers of {', '.join(sorted(names))}; keep one model a file, or name one of them"
        )
    for (number, text), name in read:
        if chosen in (None, name):
            given[number].append(text)
    none = {number for number, texts in given.items() if None in texts}
    traps: dict[str, list[int]] = {
        NO_TEXT: sorted(none & items.keys()),
        "missing": sorted(items.keys() - given.keys()),
        "extra": sorted(given.keys() - items.keys()),
        "several answers": sorted(
            n for n, texts in given.items() if len(set(texts)) > 1 and n in items and n not in none
        ),
        "same answer twice": sorted(n for n, texts in given.items() if len(texts) > 1 == len(set(texts))),
        "empty answer": sorted(
            n for n, (text, *_) in given.items() if n in items and text is not None and not text.strip()
        ),
    }
    if len(traps["missing"]) == len(items):
        raise DataError(
            f"no question_id of {path} is one of the benchmark's; check that they belong together"
        )
    texts = {n: t[0] for n, t in given.items() if n in items and len(set(t)) == 1 and t[0] is not None}
    return Answers(model or next(iter(names)) or path.stem, texts, {k: v for k, v in traps.items() if v})


def _name(row: Any) -> str:
    return str(row.get("model_id") or row.get("model") or "")


def _answer(row: Any, where: str) -> tuple[int, str | None]:
    number = row.get("question_id") if isinstance(row, dict) else None
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 20:
        number = int(number)
    if isinstance(number, float) and number.is_integer():  # of a table that was read as numbers
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool):
        raise DataError(f"{where} has no whole number as 'question_id'; answers are joined by it")
    text = row.get("text", "")
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return number, None
    if "text" not in row or not isinstance(text, str):
        raise DataError(
            f"{where}: the answer to question {number} has no 'text'; write an empty one if it is empty"
        )
    return number, text


def in_order(items: Mapping[int, Item]) -> Iterator[Item]:
    """The questions by id."""
    for number in sorted(items):
        yield items[number]
