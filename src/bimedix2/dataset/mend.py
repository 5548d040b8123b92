"""One row of somebody's LLaVA, ShareGPT or messages file: what is wrong with it, and the row as it should be.

A row is mended only where there is one way to: what its words say is never changed, but for characters that
nobody sees. Where there are several ways the row is left out, and the person decides.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bimedix2.errors import DataError
from bimedix2.records import DataClass, ImagePart, Language
from bimedix2.records.formats import FORMATS, Origin
from bimedix2.records.formats.carry import KEY
from bimedix2.records.formats.rows import REF_KEYS, ROLES, SPEAKERS
from bimedix2.records.formats.turns import ESCAPED, PLACEHOLDER

Form = Literal["llava", "sharegpt", "messages"]
MISSPELT = "conversatons"
DIRECTION = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of what follows and are not seen."""
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_ORIGIN = Origin(source="checked", data_class=DataClass.PATIENT, language=Language.ENGLISH)
_ANY = ImagePart(image="0" * 64)


@dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    Attributes:
        row: number from 1; 0 is the file itself.
        turn: number from 1; 0 is the row itself.
        name: a word or two with hyphens.
        what: one sentence.
        mended: what ``--fix`` does about it; empty where it leaves the row out.
    """

    row: int
    turn: int
    name: str
    what: str
    mended: str

    def where(self, file: Path) -> str:
        """File, row and turn."""
        return " ".join(
            [str(file)]
            + ([f"row {self.row}"] if self.row else [])
            + ([f"turn {self.turn}"] if self.turn else [])
        )


class Hopeless(Exception):
    """Raised when a row cannot be mended; what is wrong was noted before."""


Note = Callable[[int, str, str, str], None]
"""``note(turn, name, what, mended)``"""


def form_of(row: dict[str, Any]) -> Form:
    """The format of a file, told by one of its rows."""
    if "messages" in row:
        return "messages"
    return "sharegpt" if "images" in row else "llava"


def mend(
    row: Any, number: int, form: Form, images: Path | None
) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Check a row.

    Args:
        row: JSON value.
        number: of the row, from 1.
        form: the file's format.
        images: the folder below which the rows name images; ``None`` does not look for the files.

    Returns:
        The row as it should be, or ``None`` if it is to be left out; what was wrong with it.
    """
    problems: list[Problem] = []

    def note(turn: int, name: str, what: str, mended: str = "") -> None:
        problems.append(Problem(number, turn, name, what, mended))

    try:
        if not isinstance(row, dict):
            note(0, "no-object", f"it is {type(row).__name__}, not an object with a conversation")
            raise Hopeless
        mended = dict(row)
        key = "messages" if form == "messages" else "conversations"
        if MISSPELT in mended and key not in mended:
            mended[key] = mended.pop(MISSPELT)
            note(0, "misspelt-key", f"'{MISSPELT}' is no key", f"renamed to '{key}'")
        if isinstance(mended.get("system"), str):
            mended["system"] = _clean(mended["system"], 0, note)
        refs = _images(mended, form, note)
        turns = _turns(mended.get(key), key, form, note)
        turns = _in_turn(turns, form, note)
        _placeholders(turns, refs, form, note)
        _files([*refs, *_in_parts(turns)], images, note)
        mended[key] = turns
        _readable(mended, form, note)
    except Hopeless:
        return None, problems
    return mended, problems


def _images(row: dict[str, Any], form: Form, note: Note) -> list[Any]:
    """The names of a row's images; the field as its format has it."""
    fields = [key for key in ("image", "images") if row.get(key)]
    if len(fields) > 1:
        note(0, "two-image-fields", "it has both 'image' and 'images'", "")
        raise Hopeless
    value = row[fields[0]] if fields else []
    refs = value if isinstance(value, list) else [value]
    for ref in refs:
        if not isinstance(ref, str) and not (isinstance(ref, dict) and any(ref.get(key) for key in REF_KEYS)):
            note(0, "image-no-path", f"an image is {ref!r:.60}, not the name of a file", "")
            raise Hopeless
    wanted = "image" if form == "llava" else "images"
    usual: Any = (refs[0] if len(refs) == 1 else refs) if form == "llava" else refs
    empty = [key for key in ("image", "images") if key in row and not row[key]]
    if refs and (fields[0] != wanted or value != usual):
        kind = "a list" if isinstance(value, list) else "a string"
        note(0, "image-field", f"'{fields[0]}' is {kind}", f"written as '{wanted}', as {form} has it")
        row.pop(fields[0])
        row[wanted] = usual
    if not refs and empty and (form == "llava" or any(row[key] != [] for key in empty)):
        note(0, "image-field", f"'{empty[0]}' is {row[empty[0]]!r:.20}: no image", "the key is left out")
        for key in empty:
            row.pop(key)
    return refs


def _turns(value: Any, key: str, form: Form, note: Note) -> list[dict[str, Any]]:
    """The turns with their roles and texts as the format has them; empty ones at the end are cut off."""
    if not isinstance(value, list) or not value:
        note(0, "no-turns", f"it has no '{key}' with turns", "")
        raise Hopeless
    speaker, said = ("role", "content") if form == "messages" else ("from", "value")
    turns: list[dict[str, Any]] = []
    for number, turn in enumerate(value, 1):
        if not isinstance(turn, dict):
            note(number, "turn-no-object", f"it is no object with '{speaker}' and '{said}'", "")
            raise Hopeless
        other_speaker, other_said = ("from", "value") if form == "messages" else ("role", "content")
        role = _one_of(turn, (speaker, other_speaker), number, note)
        text = _one_of(turn, (said, other_said), number, note)
        known = ROLES.get(role.strip().lower()) if isinstance(role, str) else None
        if known is None:
            note(number, "unknown-role", f"the role {role!r:.40} is none of {', '.join(sorted(ROLES))}", "")
            raise Hopeless
        usual = known if form == "messages" else SPEAKERS[known]
        pairs = ((speaker, other_speaker), (said, other_said))
        moved = any(turn.get(key) is None and turn.get(other) is not None for key, other in pairs)
        if usual != role or moved or speaker not in turn or said not in turn:
            note(number, "role-name", f"the turn is of '{role}'", f"written as '{speaker}': '{usual}'")
        rest = {k: v for k, v in turn.items() if k not in (speaker, said, other_speaker, other_said)}
        turns.append({speaker: usual, said: _clean(text, number, note), **rest})
    return _without_empty_end(turns, said, note)


def _one_of(turn: dict[str, Any], keys: tuple[str, str], number: int, note: Note) -> Any:
    """What a turn says under the first key, or else under the other; where it has both they must agree."""
    values = [turn[key] for key in keys if turn.get(key) is not None]
    if len(values) > 1:
        both = f"'{keys[0]}' and '{keys[1]}'"
        if values[0] != values[1] and not (keys[0] in ("role", "from") and _same_role(*values)):
            note(number, "two-keys", f"{both} say two things", "")
            raise Hopeless
        note(number, "two-keys", f"it has {both}, which say the same", f"'{keys[1]}' is left out")
    return values[0] if values else None


def _same_role(one: Any, other: Any) -> bool:
    known = [ROLES.get(name.strip().lower()) for name in (one, other) if isinstance(name, str)]
    return len(known) > 1 and known[0] is not None and known[0] == known[1]


def _clean(content: Any, number: int, note: Note) -> Any:
    """A turn's content without characters that nobody sees."""
    if isinstance(content, list):
        return [
            {**part, "text": _clean(part["text"], number, note)}
            if isinstance(part, dict) and isinstance(part.get("text"), str)
            else part
            for part in content
        ]
    if not isinstance(content, str):
        return content
    for name, pattern in (("direction-control", DIRECTION), ("control-character", CONTROL)):
        if found := pattern.findall(content):
            which = ", ".join(sorted({f"U+{ord(character):04X}" for character in found}))
            note(number, name, f"{len(found)} invisible characters ({which})", "taken out")
            content = pattern.sub("", content)
    return content


def _empty(content: Any) -> bool:
    if isinstance(content, str):
        return not content.strip()
    if isinstance(content, list):
        return not any(
            isinstance(part, dict) and (part.get("type") != "text" or str(part.get("text") or "").strip())
            for part in content
        )
    return content is None


def _without_empty_end(turns: list[dict[str, Any]], said: str, note: Note) -> list[dict[str, Any]]:
    empty = [number for number, turn in enumerate(turns, 1) if _empty(turn[said])]
    last = len(turns)
    while last in empty:
        note(last, "empty-turn", "it has no words", "cut off")
        last -= 1
    for number in empty:
        if number <= last:
            note(number, "empty-turn", "it has no words, and others follow", "")
            raise Hopeless
    return turns[:last]


def _in_turn(turns: list[dict[str, Any]], form: Form, note: Note) -> list[dict[str, Any]]:
    """Questions and answers in turn, the last an answer."""
    speaker = "role" if form == "messages" else "from"
    roles = [ROLES[turn[speaker]] for turn in turns]
    number = len(turns)
    while roles and roles[-1] == "user":
        note(number, "no-answer", "the last turn is a question", "cut off")
        roles.pop()
        number -= 1
    turns = turns[:number]
    start = 1 if roles[:1] == ["system"] else 0
    for place, role in enumerate(roles[start:]):
        wanted = "assistant" if place % 2 else "user"
        if role != wanted:
            note(start + place + 1, "out-of-turn", f"it is {role}, expected {wanted}", "")
            raise Hopeless
    if len(roles) == start:
        note(0, "no-answer", "no answered question is left", "")
        raise Hopeless
    return turns


def _placeholders(turns: list[dict[str, Any]], refs: list[Any], form: Form, note: Note) -> None:
    """As many placeholders as images, all of them in questions."""
    said = "content" if form == "messages" else "value"
    if any(isinstance(turn[said], list) for turn in turns):
        return  # structured parts: _readable counts them
    counts = [turn[said].count(PLACEHOLDER) if isinstance(turn[said], str) else 0 for turn in turns]
    speaker = "role" if form == "messages" else "from"
    if not refs:
        for number, (turn, count) in enumerate(zip(turns, counts, strict=True), 1):
            if count and form != "messages":
                note(
                    number,
                    "placeholder-no-image",
                    f"{count} {PLACEHOLDER}, and the row has no image",
                    f"written {ESCAPED}",
                )
                turn[said] = turn[said].replace(PLACEHOLDER, ESCAPED)
        return
    for number, (turn, count) in enumerate(zip(turns, counts, strict=True), 1):
        if count and ROLES[turn[speaker]] == "assistant":
            note(number, "placeholder-in-answer", f"{PLACEHOLDER} stands in an answer", "")
            raise Hopeless
    if not sum(counts):
        first = next(number for number, turn in enumerate(turns) if ROLES[turn[speaker]] == "user")
        note(
            first + 1,
            "no-placeholder",
            f"{len(refs)} images and no {PLACEHOLDER}",
            "put before the first question",
        )
        turns[first][said] = f"{PLACEHOLDER}\n" * len(refs) + str(turns[first][said])
    elif sum(counts) != len(refs):
        last = max(number for number, count in enumerate(counts, 1) if count)
        note(last, "placeholder-count", f"{sum(counts)} {PLACEHOLDER} up to here for {len(refs)} images", "")
        raise Hopeless


def _in_parts(turns: list[dict[str, Any]]) -> list[Any]:
    """The images that structured parts of messages name themselves."""
    contents = [turn["content"] for turn in turns if isinstance(turn.get("content"), list)]
    return [
        part
        for content in contents
        for part in content
        if isinstance(part, dict) and part.get("type") != "text"
    ]


def _named(ref: Any) -> Any:
    """The path of an image that is written as an object."""
    for _ in range(3):  # {"image_url": {"url": ...}}
        if isinstance(ref, dict):
            ref = next((ref[key] for key in REF_KEYS if ref.get(key)), None)
    return ref


def _files(refs: list[Any], images: Path | None, note: Note) -> None:
    """Images inside their folder, and there, where somebody says which folder that is."""
    for ref in map(_named, refs):
        if not isinstance(ref, str) or re.match(r"(?i)data:", ref):
            continue
        if re.match(r"(?i)https?://", ref):
            if images is not None:
                note(0, "image-on-the-web", f"the image {ref:.60} is not in {images}; download it", "")
                raise Hopeless
            continue
        name = Path(ref.removeprefix("file://"))
        if name.is_absolute() or ".." in name.parts:
            note(0, "image-outside", f"the image {ref:.60} is outside the image folder", "")
            raise Hopeless
        if images is not None and not (images / name).is_file():
            note(0, "missing-image", f"the image {ref:.60} is not in {images}", "")
            raise Hopeless


def _readable(row: dict[str, Any], form: Form, note: Note) -> None:
    """What nothing above saw, the reader of the format says."""
    bare = {key: value for key, value in row.items() if key != KEY}
    try:
        FORMATS[form].read(bare, "it", "0", lambda *_: _ANY, _ORIGIN)
    except DataError as error:
        found = re.match(r"it(?: row)? turn (\d+) ?", str(error))
        note(int(found[1]) if found else 0, "unreadable", str(error), "")
        raise Hopeless from None
