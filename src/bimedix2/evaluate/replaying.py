"""A finished folder's tables computed again from its own logs: no model, no judge, no network.

A kind brings one function that reads a finished folder and writes its files of numbers into an empty one;
this module compares them to the last digit.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import RunError
from bimedix2.evaluate import aggregate, failures, tables
from bimedix2.evaluate.failures import Failure
from bimedix2.evaluate.grade import Expected
from bimedix2.evaluate.lexicon import WORDS, Lexicon
from bimedix2.evaluate.rows import Row
from bimedix2.evaluate.task import Sample
from bimedix2.evaluate.tasks import TASKS
from bimedix2.manifest import read_manifest, verify
from bimedix2.records import Message, Provenance, Record

Replay = Callable[[Path, Path], None]
"""Reads the first folder's logs and writes its numbers into the second."""
TASKS_KIND = "tasks"
"""In the table of replays: folders of a dataset's tasks, which name no kind."""
GRADES = ("right", "terms", "well_formed", "language_kept", "extra", "reasons")
"""Fields of a line of ``answers.jsonl`` that are judged again."""


def replay(folder: Path, kinds: Sequence[str], replays: Mapping[str, Replay]) -> list[str]:
    """Compute again and compare; return the files that are the same.

    Args:
        folder: a finished folder of scores.
        kinds: keys of a recipe that name a kind.
        replays: kind -> how its folders are replayed.

    Raises:
        RunError: the folder is not finished, cannot be replayed, or a number differs (the first is named),
            or a file was changed after the run.
    """
    manifest = read_manifest(folder)
    if manifest["room"] != "evaluate":
        raise RunError(f"{folder} is a folder of '{manifest['room']}', not of scores; give one of evaluate")
    kind = next((name for name in kinds if manifest["recipe"].get(name) is not None), TASKS_KIND)
    if kind not in replays or not (folder / "scores.json").is_file():
        raise RunError(
            f"{folder} was made by '{kind}' and keeps no logs of its numbers; run its recipe again"
        )
    with tempfile.TemporaryDirectory() as scratch:
        replays[kind](folder, Path(scratch))
        found = sorted(path.name for path in Path(scratch).iterdir())
        for name in sorted(found, key=lambda name: not name.endswith(".json")):
            if said := difference(folder / name, Path(scratch) / name):
                raise RunError(f"{folder / name}: {said}")
    verify(folder)
    return found


def difference(stated: Path, computed: Path) -> str:
    """The first difference between two files, in words; empty where there is none."""
    if not stated.is_file():
        return "is not in the folder, and its logs give one"
    if stated.suffix == ".json":
        return _values(io.read_json(stated), io.read_json(computed), "")
    lines = [path.read_text(encoding="utf-8").split("\n") for path in (stated, computed)]
    for number, (one, other) in enumerate(zip_longest(*lines), 1):
        if one != other:
            return f"line {number} is {_shown(one)}, recomputed {_shown(other)}"
    return ""


def _values(one: Any, other: Any, where: str) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            place = f"{where}.{key}" if where else str(key)
            if key not in one or key not in other:
                return f"'{place}' is only {'recomputed' if key not in one else 'in the folder'}"
            if said := _values(one[key], other[key], place):
                return said
        return ""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next((said for n, (a, b) in pairs if (said := _values(a, b, f"{where}.{n}"))), "")
    return "" if one == other and type(one) is type(other) else f"'{where}' is {one!r}, recomputed {other!r}"


def _shown(line: str | None) -> str:
    return "absent" if line is None else repr(line if len(line) < 200 else line[:200] + "...")


def tasks(folder: Path, scratch: Path) -> None:
    """Grade every kept answer of a dataset's tasks again, and make the tables from that.

    Raises:
        RunError: the words that answers were judged by are not kept, or an answer's grade differs.
    """
    recipe = read_manifest(folder)["recipe"]
    if recipe["known_words"] and not (folder / WORDS).is_file():
        raise RunError(f"{folder} keeps no {WORDS}, by which its answers were judged; score it again")
    lexicon = Lexicon.read(folder / WORDS) if recipe["known_words"] else None
    rows: list[Row] = []
    failed: list[Failure] = []
    for number, line in io.read_jsonl(folder / "answers.jsonl"):
        sample = _sample(line)
        if "failure" in line:
            failed.append(Failure(line["task"], line["role"], sample, line["request"], line["raw"]))
            continue
        row = Row(
            task=line["task"],
            role=line["role"],
            sample=sample,
            request=line["request"],
            raw=line["raw"],
            grade=TASKS[line["task"]].score(sample, line["raw"], lexicon),
            modality=line["modality"],
            trains=line["source_trains"],
            taught=line["taught"],
        )
        _same_grade(row, line, f"{folder / 'answers.jsonl'} line {number}")
        rows.append(row)
    stated = io.read_json(folder / "scores.json")
    opening = {"partial": partial(recipe["limit"], failed, len(rows)), "faults": stated["faults"]}
    plan = aggregate.Plan(recipe["resamples"], recipe["seed"])
    tables.write(scratch, rows, recipe["tasks"], plan, stated["signature"], opening)


def partial(limit: int | None, failed: Sequence[Failure], scored: int) -> str:
    """Why a dataset's scores are no whole result; empty where they are."""
    said = f"at most {limit} samples a task (limit={limit})" if limit else ""
    return "; ".join(filter(None, [said, failures.in_words(failed, scored + len(failed))]))


def _sample(line: Mapping[str, Any]) -> Sample:
    """What scoring and counting read of a sample; the pictures themselves are no part of it."""
    wanted = line.get("expected")
    expected = None
    if wanted is not None:
        facts = {"verdict": wanted["verdict"], "facts": wanted["facts"]}
        expected = Expected(line["type"], line["language"], wanted["reference"], **facts)
    turns = tuple(Message.of(turn["role"], turn["text"]) for turn in line["prompt"])
    record = Record.model_construct(
        id=line["id"],
        messages=turns,
        provenance=Provenance(source=line["source"], subject=line["subject"]),
        meta={"form": line.get("form")},
    )
    return Sample(
        record, line["condition"], turns, tuple(line.get("options", ())), expected, line.get("notes", {})
    )


def _same_grade(row: Row, line: Mapping[str, Any], where: str) -> None:
    ours = row.to_json()
    for name in GRADES:
        if ours[name] != line[name]:
            raise RunError(f"{where}: '{name}' is {line[name]!r}, recomputed {ours[name]!r}")
