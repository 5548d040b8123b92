"""What a person says of one translated pair: a verdict, its reasons, the places, and the right text."""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bimedix2.errors import DataError
from bimedix2.review.pairs import Item

LONGEST = 100_000
"""Characters of one text that a person may send."""
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional embeddings, overrides and isolates: what is shown would not be what is stored."""


class Verdict(StrEnum):
    """How bad the worst error is: none, one that leaves the meaning, one that could mislead a reader."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"


class Category(StrEnum):
    """What kind of error it is."""

    TERMINOLOGY = "terminology"
    LATERALITY = "laterality"
    NUMBER_UNIT = "number_unit"
    NEGATION = "negation"
    OMISSION = "omission"
    ADDITION = "addition"
    STYLE = "style"


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Issue(_Frozen):
    """One error: its kind and, where it can be pointed at, its place in the translation."""

    category: Category
    part: Annotated[int, Field(ge=0)] = 0
    """Number of the item's part, counted from 0."""
    start: Annotated[int, Field(ge=0)] | None = None
    """First character of the span in the part's translation; ``None`` is the whole part (an omission)."""
    end: Annotated[int, Field(ge=1)] | None = None
    """One past its last character."""


class Correction(_Frozen):
    """The text of one part as it should be."""

    part: Annotated[int, Field(ge=0)]
    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]


class Judgement(_Frozen):
    """A person's judgement of an item."""

    verdict: Verdict
    issues: tuple[Issue, ...] = ()
    corrected: tuple[Correction, ...] = ()
    rationale: Annotated[str, Field(max_length=LONGEST)] = ""
    """Why; the others read it when the reviews differ."""

    @property
    def texts(self) -> dict[int, str]:
        """Corrected text by part."""
        return {correction.part: correction.text for correction in self.corrected}

    @property
    def categories(self) -> set[Category]:
        """The kinds of error that were named."""
        return {issue.category for issue in self.issues}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.model_dump(mode="json")


def plain(text: str) -> str:
    """Text as a form sends it, with the line ends of Unix.

    Raises:
        DataError: it holds invisible marks that turn text around, or half of a surrogate pair.
    """
    if _OVERRIDES.search(text):
        raise DataError("the text holds invisible marks that turn its direction; type it again without them")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError("the text holds half of a character; type it again") from None
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def parse(value: Any, item: Item) -> Judgement:
    """Check a judgement from outside against the item that it is of.

    Raises:
        DataError: a field is wrong, a span lies outside its text, a verdict without a reason, or a reason
            without a verdict.
    """
    try:
        judged = Judgement.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "judgement"
        raise DataError(f"'{field}': {first['msg']}; correct the review") from None
    corrected = []
    for correction in judged.corrected:
        text = plain(correction.text).strip()
        target = _target(item, correction.part)
        if not text:
            raise DataError("the corrected text is empty; write it, or say 'major' and why")
        if text != target.strip():  # a text box that nobody changed is no correction
            corrected.append(Correction(part=correction.part, text=text))
    if len({correction.part for correction in corrected}) < len(corrected):
        raise DataError("a text is corrected twice; send one correction for each part")
    for issue in judged.issues:
        _check_span(issue, _target(item, issue.part))
    issues = tuple(dict.fromkeys(judged.issues))
    if judged.verdict is Verdict.NONE and (issues or corrected):
        raise DataError("the verdict is 'none' though an error is named; choose minor or major, or remove it")
    if judged.verdict is not Verdict.NONE and not issues:
        raise DataError(f"the verdict is '{judged.verdict}' without a category; choose at least one")
    rationale = plain(judged.rationale).strip()
    if judged.verdict is Verdict.MAJOR and not rationale:
        raise DataError("a major error needs a rationale; write one sentence")
    return Judgement(verdict=judged.verdict, issues=issues, corrected=tuple(corrected), rationale=rationale)


def _target(item: Item, number: int) -> str:
    if number >= len(item.parts) or item.parts[number].image is not None:
        raise DataError(f"'{item.id}' has no text part {number}; reload the page")
    return item.parts[number].target


def _check_span(issue: Issue, text: str) -> None:
    if issue.start is None and issue.end is None:
        return
    if issue.start is None or issue.end is None or not issue.start < issue.end <= len(text):
        raise DataError(
            f"the span {issue.start} to {issue.end} lies outside its text of {len(text)} characters; "
            "mark it again"
        )


def merge(judgements: list[Judgement]) -> Judgement:
    """One judgement of several that agree: every issue that was named, and the text that was written."""
    texts = {part: text for judged in judgements for part, text in judged.texts.items()}
    return Judgement(
        verdict=judgements[0].verdict,
        issues=tuple(dict.fromkeys(issue for judged in judgements for issue in judged.issues)),
        corrected=tuple(Correction(part=part, text=text) for part, text in sorted(texts.items())),
        rationale="\n".join(dict.fromkeys(j.rationale for j in judgements if j.rationale)),
    )


def agree(judgements: list[Judgement]) -> bool:
    """Whether the verdicts are one, and nobody wrote another text where somebody wrote one."""
    if len({judged.verdict for judged in judgements}) > 1:
        return False
    texts: dict[int, str] = {}
    return all(
        texts.setdefault(part, text) == text for judged in judgements for part, text in judged.texts.items()
    )
