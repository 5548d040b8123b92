"""One line of ``answers.jsonl`` as an answer, whichever evaluation wrote it.

Evaluations name their fields after what they ask; what is meant is found here, and a line that has no answer
in words says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bimedix2.text.arabic import script

INVERTED = ("canary",)
"""Tasks in which ``right`` is no praise: the label of a picture that was not shown is named."""
LABELS = ("label", "veracity", "level", "mode", "category", "want")
"""Fields of some evaluations that a reader wants beside the answer, as they are."""
ROLES = ("model", "base")
VQA = ("F1", "recall")
"""Of the scores of a visual question, the two that are shown."""


@dataclass(frozen=True)
class Answer:
    """One answer of one system to one question."""

    system: str
    line: int
    """In ``answers.jsonl``."""
    task: str
    condition: str
    id: str
    language: str
    type: str
    modality: str
    source: str
    subject: str
    turns: tuple[tuple[str, str], ...]
    """What was asked: role and text."""
    images: tuple[str, ...]
    """Keys of the image store, or file names."""
    reference: str
    """Empty where none is known."""
    answer: str
    finish: str
    right: bool | None
    """``None``: not judged right or wrong."""
    scores: tuple[tuple[str, float | str], ...] = ()
    """Names and values, numbers or labels."""
    reasons: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    licence: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for the same question about the same pictures, whoever answers."""
        return (self.task, self.condition, self.id, self.language, self.images)


def answer_of(row: dict[str, Any], line: int, system: str, kind: str) -> Answer | str:
    """One line as an answer, or why it is none that can be shown.

    Args:
        row: the line.
        line: its number.
        system: whose answer it is.
        kind: the evaluation, where the line names no task.
    """
    raw = row["raw"] if isinstance(row.get("raw"), dict) else {}
    options = [str(one) for one in row.get("options") or ()]
    if isinstance(row.get("failure"), str) and row["failure"]:
        return f"has no score: {row['failure']}"
    answer = _said(row, raw, options)
    if answer is None:
        return "has no answer in words"
    identity = identity_of(row)
    if identity is None:
        return "has no id"
    turns = _turns(row)
    reference, facts = _reference(row, options)
    language = row.get("language")
    if language not in ("en", "ar"):
        language = script(reference) or script(turns[-1][1] if turns else "") or "en"
    task = str(row.get("task") or row.get("benchmark") or kind)
    return Answer(
        system=system,
        line=line,
        task=task,
        condition=", ".join(_conditions(row)),
        id=identity,
        language=str(language),
        type=str(row.get("type") or row.get("category") or task),
        modality=str(row.get("modality") or ""),
        source=str(row.get("source") or ""),
        subject=str(row.get("subject") or ""),
        turns=turns,
        images=_images(row),
        reference=reference,
        answer=answer,
        finish=str(raw.get("finish", row.get("finish", "stop"))),
        right=None if task in INVERTED else _right(row),
        scores=tuple(_scores(row)),
        reasons=_reasons(row),
        facts=facts,
    )


def _conditions(row: dict[str, Any]) -> Iterator[str]:
    """In which ways the same question was put: as its picture is, in which words, behind safeguards."""
    for name in ("condition", "prompt", "safeguards"):
        if isinstance(row.get(name), str) and row[name]:
            yield f"safeguards {row[name]}" if name == "safeguards" else row[name]


def _reasons(row: dict[str, Any]) -> tuple[str, ...]:
    """Why an answer is wrong, in its evaluation's words."""
    if isinstance(row.get("reasons"), list):
        return tuple(str(one) for one in row["reasons"])
    verdict = row.get("verdict")
    if isinstance(verdict, dict) and verdict.get("right") is False:
        return (f"{verdict.get('does', 'judged wrong')}, wanted is: {row.get('want', 'another answer')}",)
    return ()


def _said(row: dict[str, Any], raw: dict[str, Any], options: list[str]) -> str | None:
    for value in (row.get("answer"), raw.get("answer"), row.get("response"), row.get("text")):
        if isinstance(value, str):
            return value
    values = row.get("values") or raw.get("values")
    if options and isinstance(values, list) and len(values) == len(options) > 1:
        return options[values.index(max(values))].strip()
    return None


def _reference(row: dict[str, Any], options: list[str]) -> tuple[str, dict[str, Any]]:
    expected = row.get("expected")
    if isinstance(expected, dict):
        facts = expected.get("facts")
        return str(expected.get("reference") or ""), facts if isinstance(facts, dict) else {}
    if isinstance(expected, int) and not isinstance(expected, bool) and 0 <= expected < len(options):
        return options[expected].strip(), {}
    facts = row.get("facts")
    truth = facts.get("truth") if isinstance(facts, dict) else None
    if isinstance(truth, int) and not isinstance(truth, bool) and 0 <= truth < len(options):
        return options[truth].strip(), {}
    for value in (expected, row.get("reference"), row.get("gold"), row.get("ref")):
        if isinstance(value, str):
            return value, {}
    return "", {}


def _turns(row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    for key in ("prompt", "messages", "turns"):
        rows = row.get(key)
        if isinstance(rows, list) and all(isinstance(one, dict) for one in rows):
            return tuple((str(one.get("role", "user")), str(one.get("text", ""))) for one in rows)
    for key in ("question", "context", "query", "claim"):
        if isinstance(row.get(key), str):
            return (("user", row[key]),)
    return ()


def _images(row: dict[str, Any]) -> tuple[str, ...]:
    named = row.get("images", row.get("image"))
    if isinstance(named, str):
        return (named,) if named else ()
    return tuple(str(one) for one in named or ())


def _right(row: dict[str, Any]) -> bool | None:
    """Whether it is right, by the line's own word, or by MultiMedEval's rule for a visual question."""
    for key in ("right", "correct"):
        if isinstance(row.get(key), bool):
            return bool(row[key])
    for key in ("verdict", "choice"):  # of safety: what an answer does, and which option is likeliest
        inner = row.get(key)
        if isinstance(inner, dict) and isinstance(inner.get("right"), bool):
            return bool(inner["right"]) if row.get("counted", True) else None
    scores = row.get("scores")
    if isinstance(scores, dict) and isinstance(scores.get("closed"), bool):
        kind = "closed" if scores["closed"] else "open"
        return bool(scores.get(f"{kind}QuestionsAccuracy"))
    return None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scores(row: dict[str, Any]) -> Iterator[tuple[str, float | str]]:
    """Numbers and labels that an evaluation gave this answer."""
    if _number(row.get("score")):
        yield "score", float(row["score"])
    many = row.get("scores")
    many = many if isinstance(many, dict) else {}
    shown = VQA if "closedQuestionsAccuracy" in many else tuple(many)
    for name in shown:
        if _number(many.get(name)):
            yield str(name), float(many[name])
    for name in LABELS:
        if isinstance(row.get(name), str | int) and not isinstance(row[name], bool) and row[name] != "":
            yield name, str(row[name])


def identity_of(row: dict[str, Any]) -> str | None:
    """What names the question."""
    return next(
        (str(row[key]) for key in ("id", "question_id", "claim_id") if row.get(key) is not None), None
    )


def role_of(row: dict[str, Any]) -> str:
    """Which of a folder's systems answers: its role, its model's name, or nothing."""
    if row.get("role") in ROLES:
        return str(row["role"])
    for key in ("system", "model", "model_id"):
        if isinstance(row.get(key), str):
            return str(row[key])
    return ""
