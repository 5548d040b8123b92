"""What both tools need: a pair as one text beside one text, a judgement as answers, and who said what.

Both tools show one text beside one text, so the parts of a conversation are joined by ``BETWEEN``, and taken
apart again there. Offsets count characters, as Python does; a text editor in a browser counts a character
beyond U+FFFF twice. An error that points at no place is a category of the first part; of a later part it is a
mark over all of it, and such a mark is read as one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bimedix2.errors import DataError
from bimedix2.review.board import Board, Standing
from bimedix2.review.judgement import Judgement
from bimedix2.review.pairs import Item, Part
from bimedix2.review.settings import Imported, Person

BETWEEN = "\n\n* * *\n\n"
QUESTIONS = ("verdict", "issue", "category", "corrected", "rationale")
"""What is asked in both tools, under these names."""


class Given(NamedTuple):
    """A review out of a file, or the adjudicator's resolution."""

    name: str
    item: str
    judged: dict[str, Any]
    """As JSON."""
    resolves: bool = False


@dataclass
class Read:
    """What a file holds.

    Attributes:
        given: what is taken, in the order in which it is written to the log.
        left_out: of everything that is not taken: the item, whose it is, and why.
        noted: what is taken and not quite as the file has it -> how often.
    """

    given: list[Given] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    noted: Counter[str] = field(default_factory=Counter)

    def leave_out(self, item: Item, who: str, reason: str, count: int = 1) -> None:
        """Note what is not taken."""
        self.left_out += [{"item": item.id, "by": who, "reason": reason}] * count

    def reasons(self) -> dict[str, int]:
        """Why something was not taken -> how often."""
        return dict(sorted(Counter(one["reason"] for one in self.left_out).items()))


class Round(NamedTuple):
    """What somebody said; ``number`` counts a person's reviews of one pair from 1, 0 is the resolution."""

    number: int
    name: str
    judged: Judgement


def rounds(standing: Standing) -> Iterator[Round]:
    """All that was said of a pair: the first reviews, the revised ones, and last the resolution."""
    for number in range(max((len(given) for given in standing.reviews.values()), default=0)):
        for name, given in standing.reviews.items():
            if number < len(given):
                yield Round(number + 1, name, given[number])
    if standing.resolution is not None:
        yield Round(0, str(standing.resolved_by), standing.resolution)


class Pseudonyms:
    """What people are called in files that leave the room: a number, and a role with a number.

    Args:
        people: of the recipe, in its order.
        board: with whoever else has said something (reviews of another tool).
    """

    def __init__(self, people: Sequence[Person], board: Board) -> None:
        roles: dict[str, str] = {person.name: person.role for person in people}
        said = {one.name for standing in board.standings.values() for one in rounds(standing)}
        names = [*roles, *sorted(said - roles.keys())]
        self.number = {name: number for number, name in enumerate(names, 1)}
        self.name = {name: f"{roles.get(name, 'reviewer')}-{self.number[name]}" for name in names}

    def key(self) -> dict[str, dict[str, str]]:
        """Format -> what a person is called there -> the name, as the recipe's ``imports`` takes it."""
        return {
            "label_studio": {str(number): name for name, number in self.number.items()},
            "argilla": {called: name for name, called in self.name.items()},
        }


def texts_of(item: Item) -> list[tuple[int, Part]]:
    """The parts that are text, with their numbers."""
    return [(number, part) for number, part in enumerate(item.parts) if part.image is None]


def joinable(item: Item) -> bool:
    """Whether no text holds what stands between the parts."""
    texts = [text for _, part in texts_of(item) for text in (part.source, part.target)]
    return not any(BETWEEN.strip() in text for text in texts)


def joined(item: Item) -> tuple[str, str]:
    """Source and translation, each as one text."""
    parts = [part for _, part in texts_of(item)]
    return BETWEEN.join(p.source for p in parts), BETWEEN.join(p.target for p in parts)


def _places(item: Item) -> dict[int, tuple[int, int]]:
    """Of each text part, where it begins and ends in the joined translation."""
    places, at = {}, 0
    for number, part in texts_of(item):
        places[number] = (at, at + len(part.target))
        at += len(part.target) + len(BETWEEN)
    return places


def answers(item: Item, judged: Judgement) -> dict[str, Any]:
    """Question -> answer; without those that are empty."""
    places = _places(item)
    first = next(iter(places))
    spans: list[tuple[int, int, str]] = []
    whole: dict[str, None] = {}
    for issue in judged.issues:
        start, end = places[issue.part]
        if issue.start is not None and issue.end is not None:
            spans.append((start + issue.start, start + issue.end, issue.category.value))
        elif issue.part == first or start == end:
            whole[issue.category.value] = None
        else:
            spans.append((start, end, issue.category.value))
    texts = judged.texts
    corrected = BETWEEN.join(texts.get(n, part.target) for n, part in texts_of(item)) if texts else ""
    said = {
        "verdict": judged.verdict.value,
        "issue": [{"start": start, "end": end, "label": kind} for start, end, kind in spans],
        "category": list(whole),
        "corrected": corrected,
        "rationale": judged.rationale,
    }
    return {question: value for question, value in said.items() if value}


def judgement(item: Item, said: dict[str, Any]) -> dict[str, Any]:
    """The judgement, as JSON, of what somebody answered.

    Raises:
        DataError: the corrected text has lost a part.
        KeyError: there is no verdict.
    """
    texts, places = texts_of(item), _places(item)
    issues: list[dict[str, Any]] = [
        {"category": kind, "part": texts[0][0]} for kind in said.get("category", [])
    ]
    for span in said.get("issue", []):
        begin, stop = int(span["start"]), int(span["end"])
        number = max(part for part, (at, _) in places.items() if at <= begin)
        at, end = places[number]
        place: dict[str, int] = {} if (begin, stop) == (at, end) else {"start": begin - at, "end": stop - at}
        issues.append({"category": span["label"], "part": number, **place})
    corrected = str(said.get("corrected") or "")
    pieces = corrected.replace("\r\n", "\n").split(BETWEEN) if corrected.strip() else []
    if pieces and len(pieces) != len(texts):
        raise DataError(
            f"the corrected text of '{item.id}' has {len(pieces)} parts, and the pair {len(texts)}"
        )
    fixed = [{"part": n, "text": text} for (n, _), text in zip(texts, pieces, strict=bool(pieces))]
    why = str(said.get("rationale") or "")
    return {"verdict": said["verdict"], "issues": issues, "corrected": fixed, "rationale": why}


def item_of(board: Board, name: Any, translation: str) -> Item:
    """The pair of a task or record.

    Raises:
        DataError: there is none, or its text is not the batch's.
    """
    item = board.of(str(name)).item
    if translation != joined(item)[1]:
        raise DataError(f"the translation of '{item.id}' is not the one of this batch; export it again")
    return item


def name_of(given: Imported, user: Any) -> str:
    """What a tool's user is called here."""
    named = user.get("email", user.get("id")) if isinstance(user, dict) else user
    return given.people.get(str(named)) or re.sub(r"[^\w.-]", "_", f"{given.format}-{named}")
