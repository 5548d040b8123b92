"""Pairs and reviews to and from Label Studio and Argilla, as their JSON.

Layouts were read in: Label Studio's docs (docs/source/includes/task_format.md at 321ee1d, and the tags
Choices, Labels, TextArea and Text on labelstud.io); Argilla's client (argilla/src/argilla/records/
_resource.py at 0991739, ``Record.to_dict``; span values ``{start, end, label}`` from a data set's card on the
hub). Neither tool was run.

Both tools show one text beside one text, so the parts of a conversation are joined by ``BETWEEN``, and taken
apart again there. Offsets count characters, as Python does; a text editor in a browser counts a character
beyond U+FFFF twice.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.review.board import Board, Standing
from bimedix2.review.judgement import Category, Judgement, Verdict
from bimedix2.review.pairs import Item, Part
from bimedix2.review.settings import Imported

BETWEEN = "\n\n* * *\n\n"
Review = tuple[str, str, dict[str, Any]]
"""Name, item, judgement as JSON."""

LABEL_STUDIO_XML = """<View>
  <Header value="Source"/>
  <Text name="source" value="$source"/>
  <Header value="Translation"/>
  <Labels name="issue" toName="translation">
{labels}
  </Labels>
  <Text name="translation" value="$translation"/>
  <Choices name="verdict" toName="translation" choice="single" required="true">
{verdicts}
  </Choices>
  <Choices name="category" toName="translation" choice="multiple">
{choices}
  </Choices>
  <TextArea name="corrected" toName="translation" value="$translation" maxSubmissions="1" rows="6"/>
  <TextArea name="rationale" toName="translation" maxSubmissions="1" rows="3"/>
</View>
"""


def label_studio_xml() -> str:
    """The labelling interface of a Label Studio project that fits the tasks."""
    return LABEL_STUDIO_XML.format(
        labels="\n".join(f'    <Label value="{kind}"/>' for kind in Category),
        verdicts="\n".join(f'    <Choice value="{verdict}"/>' for verdict in Verdict),
        choices="\n".join(f'    <Choice value="{kind}"/>' for kind in Category),
    )


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


def _starts(item: Item) -> dict[int, int]:
    """Where each text part begins in the joined translation."""
    starts, at = {}, 0
    for number, part in texts_of(item):
        starts[number] = at
        at += len(part.target) + len(BETWEEN)
    return starts


def _spans(item: Item, judged: Judgement) -> list[tuple[int, int, str]]:
    starts = _starts(item)
    return [
        (starts[issue.part] + issue.start, starts[issue.part] + issue.end, issue.category.value)
        for issue in judged.issues
        if issue.start is not None and issue.end is not None
    ]


def _whole(judged: Judgement) -> list[str]:
    """Categories that point at no place."""
    return list(dict.fromkeys(issue.category.value for issue in judged.issues if issue.start is None))


def _corrected(item: Item, judged: Judgement) -> str:
    texts = judged.texts
    return BETWEEN.join(texts.get(number, part.target) for number, part in texts_of(item)) if texts else ""


def to_label_studio(standings: Iterable[Standing], people: Sequence[str]) -> list[dict[str, Any]]:
    """Tasks, with the reviews as annotations; a person's user id is their place among ``people``, from 1."""
    tasks = []
    for number, standing in enumerate(standings, 1):
        source, translation = joined(standing.item)
        data = {"record": standing.item.id, "source": source, "translation": translation}
        annotations = [
            {
                "result": _label_studio_result(standing.item, judged, translation),
                "was_cancelled": False,
                "ground_truth": False,
                "completed_by": people.index(name) + 1 if name in people else len(people) + 1,
            }
            for name, judged in standing.first.items()
        ]
        tasks.append({"id": number, "data": data, "annotations": annotations})
    return tasks


def _label_studio_result(item: Item, judged: Judgement, translation: str) -> list[dict[str, Any]]:
    found: list[tuple[str, str, dict[str, Any]]] = [
        ("verdict", "choices", {"choices": [judged.verdict.value]})
    ]
    for start, end, kind in _spans(item, judged):
        value = {"start": start, "end": end, "text": translation[start:end], "labels": [kind]}
        found.append(("issue", "labels", value))
    if whole := _whole(judged):
        found.append(("category", "choices", {"choices": whole}))
    for name, text in (("corrected", _corrected(item, judged)), ("rationale", judged.rationale)):
        if text:
            found.append((name, "textarea", {"text": [text]}))
    return [
        {"id": f"r{number}", "from_name": name, "to_name": "translation", "type": kind, "value": value}
        for number, (name, kind, value) in enumerate(found)
    ]


def to_argilla(standings: Iterable[Standing]) -> list[dict[str, Any]]:
    """Records, with the reviews as responses; a person's user id is their name."""
    records = []
    for standing in standings:
        source, translation = joined(standing.item)
        responses: dict[str, list[dict[str, Any]]] = {}
        for name, judged in standing.first.items():
            spans = [{"start": a, "end": b, "label": kind} for a, b, kind in _spans(standing.item, judged)]
            said: dict[str, Any] = {
                "verdict": judged.verdict.value,
                "issue": spans,
                "category": _whole(judged),
            }
            said |= {"corrected": _corrected(standing.item, judged), "rationale": judged.rationale}
            for question, value in said.items():
                if value:
                    responses.setdefault(question, []).append({"value": value, "user_id": name})
        fields = {"source": source, "translation": translation}
        about = {"task": standing.item.task, "split": standing.item.split}
        records.append(
            {
                "id": standing.item.id,
                "fields": fields,
                "metadata": about,
                "suggestions": {},
                "responses": responses,
            }
        )
    return records


def write(folder: Path, board: Board, people: Sequence[str]) -> int:
    """Write the pairs, with their reviews so far, for both tools; return how many could not be joined."""
    standings = [standing for standing in board.standings.values() if joinable(standing.item)]
    io.write_json(folder / "label_studio.json", to_label_studio(standings, people))
    io.write_text(folder / "label_studio.xml", label_studio_xml())
    io.write_json(folder / "argilla.json", to_argilla(standings))
    return len(board.standings) - len(standings)


def read(given: Imported, board: Board) -> list[Review]:
    """The reviews of a file that one of the tools exported.

    Raises:
        DataError: it is not that tool's layout, names an unknown pair, or one whose text is not ours.
    """
    value = io.read_json(given.path)
    if not isinstance(value, list):
        raise DataError(f"{given.path} is no list of tasks or records; export it as JSON from the tool")
    reader = _from_label_studio if given.format == "label_studio" else _from_argilla
    reviews = []
    for number, row in enumerate(value, 1):
        where = f"{given.path} item {number}"
        try:
            reviews += reader(row, given, board)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise DataError(
                f"{where} is not in the layout of {given.format} ({error!r}); correct it"
            ) from error
    return reviews


def _item(board: Board, name: Any, translation: str) -> Item:
    item = board.of(str(name)).item
    if translation != joined(item)[1]:
        raise DataError(f"the translation of '{item.id}' is not the one of this batch; export it again")
    return item


def _name(given: Imported, user: Any) -> str:
    named = user.get("email", user.get("id")) if isinstance(user, dict) else user
    return given.people.get(str(named)) or re.sub(r"[^\w.-]", "_", f"{given.format}-{named}")


def _from_label_studio(task: Any, given: Imported, board: Board) -> list[Review]:
    item = _item(board, task["data"]["record"], task["data"]["translation"])
    reviews = []
    for annotation in task.get("annotations", []):
        if annotation.get("was_cancelled"):
            continue
        said: dict[str, list[Any]] = {}
        for result in annotation["result"]:
            said.setdefault(result["from_name"], []).append(result["value"])
        spans = [(v["start"], v["end"], kind) for v in said.get("issue", []) for kind in v["labels"]]
        whole = [kind for value in said.get("category", []) for kind in value["choices"]]
        verdict = said["verdict"][0]["choices"][0]
        corrected, why = (
            "\n".join(t for v in said.get(k, []) for t in v["text"]) for k in ("corrected", "rationale")
        )
        judged = _judgement(item, verdict, spans, whole, corrected, why)
        reviews.append((_name(given, annotation["completed_by"]), item.id, judged))
    return reviews


def _from_argilla(record: Any, given: Imported, board: Board) -> list[Review]:
    item = _item(board, record["id"], record["fields"]["translation"])
    by_user: dict[str, dict[str, Any]] = {}
    for question, answers in record.get("responses", {}).items():
        for answer in answers:
            by_user.setdefault(str(answer["user_id"]), {})[question] = answer["value"]
    reviews = []
    for user, said in by_user.items():
        spans = [(v["start"], v["end"], v["label"]) for v in said.get("issue", [])]
        texts = said.get("corrected", ""), said.get("rationale", "")
        judged = _judgement(item, said["verdict"], spans, said.get("category", []), *texts)
        reviews.append((_name(given, user), item.id, judged))
    return reviews


def _judgement(
    item: Item, verdict: str, spans: list[tuple[int, int, str]], whole: list[str], corrected: str, why: str
) -> dict[str, Any]:
    texts = texts_of(item)
    issues: list[dict[str, Any]] = [{"category": kind, "part": texts[0][0]} for kind in whole]
    starts = _starts(item)
    for start, end, kind in spans:
        number = max(part for part, at in starts.items() if at <= int(start))
        at = starts[number]
        issues.append({"category": kind, "part": number, "start": int(start) - at, "end": int(end) - at})
    pieces = corrected.replace("\r\n", "\n").split(BETWEEN) if corrected.strip() else []
    if pieces and len(pieces) != len(texts):
        raise DataError(
            f"the corrected text of '{item.id}' has {len(pieces)} parts, and the pair {len(texts)}"
        )
    fixed = [{"part": n, "text": text} for (n, _), text in zip(texts, pieces, strict=bool(pieces))]
    return {"verdict": verdict, "issues": issues, "corrected": fixed, "rationale": why}
