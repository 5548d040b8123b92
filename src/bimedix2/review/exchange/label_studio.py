"""Label Studio's tasks.

Layouts were read in Label Studio's docs (docs/source/includes/task_format.md at 321ee1d, and the tags
Choices, Labels, TextArea and Text on labelstud.io); ``drafts`` of a task in its openapi schema. The tool was
not run.

Every review is an annotation, a person's earlier rounds before the later ones; the resolution is the
annotation that is marked ``ground_truth``. Which is which stands in the task's ``meta`` too, which the tool
keeps. Where it does not, such a mark is a resolution if it is an adjudicator's, and of at least two people's
annotations.
"""

from collections.abc import Iterable
from typing import Any

from bimedix2.review.board import Board, Standing
from bimedix2.review.exchange.parts import (
    QUESTIONS,
    Given,
    Pseudonyms,
    Read,
    answers,
    item_of,
    joined,
    judgement,
    name_of,
    rounds,
)
from bimedix2.review.judgement import Category, Verdict
from bimedix2.review.pairs import Item
from bimedix2.review.settings import Imported

KEY = "bimedix2"
XML = """<View>
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


def interface() -> str:
    """The labelling interface of a project that fits the tasks."""
    return XML.format(
        labels="\n".join(f'    <Label value="{kind}"/>' for kind in Category),
        verdicts="\n".join(f'    <Choice value="{verdict}"/>' for verdict in Verdict),
        choices="\n".join(f'    <Choice value="{kind}"/>' for kind in Category),
    )


def write(standings: Iterable[Standing], called: Pseudonyms) -> list[dict[str, Any]]:
    """Tasks, with all reviews as annotations; a person's user id is their number."""
    tasks = []
    for number, standing in enumerate(standings, 1):
        source, translation = joined(standing.item)
        said = list(rounds(standing))
        annotations = [
            {
                "result": _result(answers(standing.item, one.judged), translation),
                "was_cancelled": False,
                "ground_truth": not one.number,
                "completed_by": called.number[one.name],
            }
            for one in said
        ]
        order = [{"by": called.name[one.name], "round": one.number or "adjudication"} for one in said]
        tasks.append(
            {
                "id": number,
                "data": {"record": standing.item.id, "source": source, "translation": translation},
                "meta": {KEY: {"annotations": order, "adjudicated": standing.resolution is not None}},
                "annotations": annotations,
            }
        )
    return tasks


def _result(said: dict[str, Any], translation: str) -> list[dict[str, Any]]:
    found: list[tuple[str, str, dict[str, Any]]] = [("verdict", "choices", {"choices": [said["verdict"]]})]
    for span in said.get("issue", []):
        start, end = span["start"], span["end"]
        value = {"start": start, "end": end, "text": translation[start:end], "labels": [span["label"]]}
        found.append(("issue", "labels", value))
    if whole := said.get("category"):
        found.append(("category", "choices", {"choices": whole}))
    for name in ("corrected", "rationale"):
        if text := said.get(name):
            found.append((name, "textarea", {"text": [text]}))
    return [
        {"id": f"r{number}", "from_name": name, "to_name": "translation", "type": kind, "value": value}
        for number, (name, kind, value) in enumerate(found)
    ]


def read(task: Any, given: Imported, board: Board, adjudicators: frozenset[str], out: Read) -> None:
    """Put the annotations of a task with what is read, and whatever else it holds with what is left out."""
    item = item_of(board, task["data"]["record"], task["data"]["translation"])
    for reason, key in (("prediction", "predictions"), ("draft", "drafts")):
        for one in task.get(key) or []:
            out.leave_out(item, _author(one, given), reason)
    out.leave_out(item, "", "comment", int(task.get("comment_count") or 0))
    adjudicated = bool(((task.get("meta") or {}).get(KEY) or {}).get("adjudicated"))
    taken: list[tuple[Given, bool]] = []
    for annotation in _in_order(task.get("annotations") or []):
        name = name_of(given, annotation["completed_by"])
        if annotation.get("was_cancelled"):
            out.leave_out(item, name, "skipped")
            continue
        one = Given(name, item.id, judgement(item, _said(item, annotation, name, out)))
        taken.append((one, bool(annotation.get("ground_truth"))))
    others = {one.name for one, marked in taken if not marked}
    resolutions: list[Given] = []
    for one, marked in taken:
        resolves = one.name in adjudicators - others and len(others) > 1
        if marked and (adjudicated or resolves):
            resolutions.append(one._replace(resolves=True))
            continue
        out.given.append(one)
        out.noted["ground-truth-mark-passed-over"] += marked
    out.given += resolutions


def _author(one: Any, given: Imported) -> str:
    """Whose a draft or a prediction is; the tool may name it by its number alone."""
    if not isinstance(one, dict):
        return ""
    user = one.get("completed_by", one.get("user"))
    return str(one.get("model_version") or "") if user is None else name_of(given, user)


def _in_order(annotations: list[Any]) -> list[Any]:
    """The annotations, the earlier first where the tool says when each was made."""
    times = [one.get("created_at") for one in annotations]
    if not all(isinstance(time, str) and time for time in times):
        return annotations
    return sorted(annotations, key=lambda one: str(one["created_at"]))


def _said(item: Item, annotation: Any, name: str, out: Read) -> dict[str, Any]:
    values: dict[str, list[Any]] = {}
    for result in annotation["result"]:
        if result["from_name"] in QUESTIONS:
            values.setdefault(result["from_name"], []).append(result["value"])
        else:
            out.leave_out(item, name, "unknown-question")
    said: dict[str, Any] = {
        "issue": [
            {"start": value["start"], "end": value["end"], "label": kind}
            for value in values.get("issue", [])
            for kind in value["labels"]
        ],
        "category": [kind for value in values.get("category", []) for kind in value["choices"]],
        "verdict": values["verdict"][0]["choices"][0],
    }
    for question in ("corrected", "rationale"):
        said[question] = "\n".join(text for value in values.get(question, []) for text in value["text"])
    return said
