"""What a finished folder of paired scores holds: its logs, its numbers, and these from the logs alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import RunError
from bimedix2.evaluate.grade import Expected
from bimedix2.evaluate.lexicon import WORDS, Lexicon
from bimedix2.evaluate.paired import numbers, report
from bimedix2.evaluate.paired.judge import Pair, Said, judge, to_json
from bimedix2.evaluate.paired.pairs import Twins
from bimedix2.evaluate.signature import in_short
from bimedix2.evaluate.task import AS_IT_IS, Raw, Sample
from bimedix2.manifest import read_manifest
from bimedix2.records import Message, Provenance, Record

JUDGED = ("right", "language_kept", "switched", "reasons")
"""Fields of a line of ``answers.jsonl`` that are judged again."""


@dataclass(frozen=True)
class Failed:
    """An item without both answers."""

    twins: Twins
    requests: tuple[str, str]
    raws: tuple[Raw, Raw]

    @property
    def reason(self) -> str:
        """In which language an answer is missing, and why."""
        wrong = [
            f"{tongue}: {raw['failure']}"
            for (tongue, _), raw in zip(self.twins.sides, self.raws, strict=True)
            if "failure" in raw
        ]
        return "; ".join(wrong)


def split(
    answered: Sequence[tuple[Twins, tuple[str, str], tuple[Raw, Raw]]], lexicon: Lexicon | None
) -> tuple[list[Pair], list[Failed]]:
    """Judge the items that have both answers; the others have failed.

    Args:
        answered: items with the hashes of their requests and what came back, English and Arabic.
        lexicon: the words that right answers are made of; ``None`` for a model that was taught others too.
    """
    pairs: list[Pair] = []
    failed: list[Failed] = []
    for twins, requests, raws in answered:
        if any("failure" in raw for raw in raws):
            failed.append(Failed(twins, requests, raws))
        else:
            pairs.append(replace(judge(twins, raws, lexicon), requests=requests))
    return pairs, failed


def partial(limit: int | None, pairs: Sequence[Pair], failed: Sequence[Failed]) -> str:
    """Why these are no whole results; empty where they are."""
    out = [f"at most {limit} items (limit={limit})"] if limit is not None else []
    if failed:
        reasons = Counter(one.reason for one in failed)
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        out.append(f"{len(failed)} of {len(pairs) + len(failed)} items lack an answer ({why})")
    return "; ".join(out)


def write_numbers(
    folder: Path,
    pairs: Sequence[Pair],
    plan: numbers.Plan,
    signature: dict[str, Any],
    opening: dict[str, Any],
) -> None:
    """Write ``scores.json`` and ``scores.md``.

    Args:
        folder: where to.
        pairs: judged items.
        plan: how intervals are drawn.
        signature: of the scores.
        opening: ``partial``, ``not paired`` and ``files``.
    """
    values = {
        **opening,
        "model": signature["model"]["model"],
        "all": numbers.measure(pairs, plan),
        "by type": numbers.by_type(pairs, plan),
        "paired by": dict(Counter(pair.twins.rule for pair in pairs)),
    }
    io.write_json(folder / "scores.json", {"signature": signature, **values})
    io.write_text(folder / "scores.md", report.page(values, pairs, in_short(signature, ("model",))))


def write_logs(
    folder: Path, pairs: Sequence[Pair], failed: Sequence[Failed], lexicon: Lexicon | None
) -> None:
    """Write every answer and every item, and the words by which answers were judged."""
    io.write_jsonl(folder / "answers.jsonl", _lines(pairs, failed))
    io.write_jsonl(folder / "pairs.jsonl", (to_json(pair) for pair in pairs))
    if lexicon is not None:
        lexicon.write(folder / WORDS)


def _lines(pairs: Sequence[Pair], failed: Sequence[Failed]) -> list[dict[str, Any]]:
    """A line an answer: what was asked, what was expected, and every judgement."""
    out = []
    for pair in pairs:
        sides = zip(pair.twins.sides, pair.requests, pair.raws, (pair.english, pair.arabic), strict=True)
        for (tongue, sample), request, raw, said in sides:
            out.append(
                {"request": request, "raw": raw, **_asked(pair.twins, tongue, sample), **_judged(said)}
            )
    for one in failed:
        for (tongue, sample), request, raw in zip(one.twins.sides, one.requests, one.raws, strict=True):
            line = {"request": request, "raw": raw, **_asked(one.twins, tongue, sample)}
            out.append({**line, "right": None, "reasons": [one.reason]})
    return out


def _judged(said: Said) -> dict[str, Any]:
    return {
        "right": said.right,
        "language_kept": said.kept,
        "switched": list(said.switched),
        "reasons": list(said.reasons),
    }


def _asked(twins: Twins, tongue: str, sample: Sample) -> dict[str, Any]:
    wanted = sample.expected
    assert wanted is not None
    return {
        "task": "paired",
        "item": twins.id,
        "rule": twins.rule,
        "graded": twins.graded,
        "id": sample.record.id,
        "data_class": str(sample.record.data_class),
        "language": tongue,
        "type": twins.type,
        "subject": twins.subject,
        "known_subject": twins.known_subject,
        "prompt": [{"role": m.role, "text": m.text} for m in sample.messages],
        "images": [part.image for message in sample.messages for part in message.images],
        "notes": sample.notes,
        "expected": {
            "type": wanted.type,
            "facts": wanted.facts,
            "verdict": wanted.verdict,
            "reference": wanted.reference,
        },
    }


def replay(folder: Path, scratch: Path) -> None:
    """Judge every kept answer again, and write the folder's numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: an answer's own judgement differs from the kept one, or the words that it rests on are gone.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    signature = stated["signature"]
    if signature["known_words"] and not (folder / WORDS).is_file():
        raise RunError(f"{folder} keeps no {WORDS}, by which its answers were judged; score it again")
    lexicon = Lexicon.read(folder / WORDS) if signature["known_words"] else None
    lines = [line for _, line in io.read_jsonl(folder / "answers.jsonl")]
    answered = [_answered(one, other) for one, other in zip(lines[::2], lines[1::2], strict=True)]
    pairs, failed = split(answered, lexicon)
    for number, (pair, one, other) in enumerate(zip(pairs, lines[::2], lines[1::2], strict=False), 1):
        for said, line in ((pair.english, one), (pair.arabic, other)):
            again = _judged(said)
            for name in JUDGED:
                if again[name] != line[name]:
                    raise RunError(
                        f"{folder / 'answers.jsonl'}, item {number} in {line['language']}: '{name}' is "
                        f"{line[name]!r}, recomputed {again[name]!r}"
                    )
    scores = {row["id"]: row["scores"] for _, row in io.read_jsonl(folder / "pairs.jsonl")}
    pairs = [
        replace(pair, scores=tuple(scores[pair.twins.id])) if scores[pair.twins.id] else pair
        for pair in pairs
    ]
    opening = {
        "partial": partial(recipe["limit"], pairs, failed),
        "not paired": stated["not paired"],
        "files": stated["files"],
    }
    plan = numbers.Plan(recipe["resamples"], recipe["seed"])
    write_numbers(scratch, pairs, plan, signature, opening)


def _answered(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> tuple[Twins, tuple[str, str], tuple[Raw, Raw]]:
    """An item as it was before it was judged; the pictures are no part of judging."""
    twins = Twins(
        id=one["item"],
        rule=one["rule"],
        subject=one["subject"],
        known_subject=one["known_subject"],
        type=one["type"],
        english=_sample(one),
        arabic=_sample(other),
        graded=one["graded"],
    )
    return twins, (one["request"], other["request"]), (one["raw"], other["raw"])


def _sample(line: Mapping[str, Any]) -> Sample:
    wanted = line["expected"]
    expected = Expected(
        wanted["type"], line["language"], wanted["reference"], wanted["verdict"], wanted["facts"]
    )
    turns = tuple(Message.of(turn["role"], turn["text"]) for turn in line["prompt"])
    record = Record.model_construct(
        id=line["id"], messages=turns, provenance=Provenance(source="", subject=line["subject"])
    )
    return Sample(record, AS_IT_IS, turns, expected=expected, notes=dict(line["notes"]))
