"""Argilla's records.

Layouts were read in Argilla's client (argilla/src/argilla: records/_resource.py at 0991739,
``Record.to_dict`` and ``from_dict``; records/_io/_generic.py at 02e0d37, ``to_list(flatten=True)``;
responses.py at 1617a0f); span values ``{start, end, label}`` in a data set's card on the hub. The tool was
not run.

Argilla keeps one response a person and question, so ``responses`` holds the latest reviews and the
resolution. Earlier rounds, and who resolved, stand beside them under ``bimedix2``, a key that the client
passes over.
"""

from collections.abc import Iterable
from typing import Any

from bimedix2.errors import DataError
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
from bimedix2.review.pairs import Item
from bimedix2.review.settings import Imported

KEY = "bimedix2"


def write(standings: Iterable[Standing], called: Pseudonyms) -> list[dict[str, Any]]:
    """Records, with all reviews; a person's user id is their pseudonym."""
    records = []
    for standing in standings:
        source, translation = joined(standing.item)
        responses: dict[str, list[dict[str, Any]]] = {}
        earlier: list[dict[str, Any]] = []
        people = list(standing.reviews)  # in the order of their first reviews, whatever came after
        for one in sorted(
            rounds(standing), key=lambda one: people.index(one.name) if one.number else len(people)
        ):
            said, who = answers(standing.item, one.judged), called.name[one.name]
            if 0 < one.number < len(standing.reviews[one.name]):
                earlier.append({"by": who, "round": one.number, "answers": said})
                continue
            for question, value in said.items():
                answer = {"value": value, "user_id": who, "status": "submitted"}
                responses.setdefault(question, []).append(answer)
        resolver = None if standing.resolution is None else called.name[str(standing.resolved_by)]
        records.append(
            {
                "id": standing.item.id,
                "fields": {"source": source, "translation": translation},
                "metadata": {"task": standing.item.task, "split": standing.item.split},
                "suggestions": {},
                "responses": responses,
                KEY: {"earlier": earlier, "adjudicated_by": resolver},
            }
        )
    return records


def read(
    record: Any,
    given: Imported,
    board: Board,
    adjudicators: frozenset[str],  # noqa: ARG001
    out: Read,
) -> None:
    """Put the responses of a record with what is read, and whatever else it holds with what is left out."""
    record = _nested(record)
    item = item_of(board, record["id"], record["fields"]["translation"])
    for suggestion in (record.get("suggestions") or {}).values():
        out.leave_out(item, str((suggestion or {}).get("agent") or ""), "suggestion")
    ours = record.get(KEY) or {}
    before: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(ours.get("earlier") or [], key=lambda one: int(one["round"])):
        before.setdefault(str(one["by"]), []).append(one["answers"])
    latest = _by_user(record, item, given, out)
    resolutions: list[Given] = []
    for user in dict.fromkeys([*latest, *before]):
        said = [*before.get(user, []), *([latest[user]] if user in latest else [])]
        resolves = user == ours.get("adjudicated_by")
        for one in said:
            made = Given(name_of(given, user), item.id, judgement(item, one), resolves)
            (resolutions if resolves else out.given).append(made)
    out.given += resolutions


def _by_user(record: Any, item: Item, given: Imported, out: Read) -> dict[str, dict[str, Any]]:
    """User -> question -> answer, of the responses that were submitted."""
    said: dict[str, dict[str, Any]] = {}
    states: dict[str, set[str]] = {}
    for question, responses in (record.get("responses") or {}).items():
        for response in responses or []:
            user = str(response["user_id"])
            if question not in QUESTIONS:
                out.leave_out(item, name_of(given, user), "unknown-question")
                continue
            if question in said.setdefault(user, {}):
                raise DataError(f"'{user}' answers '{question}' of '{item.id}' twice; keep one of the two")
            said[user][question] = response["value"]
            states.setdefault(user, set()).add(str(response.get("status") or ""))
    taken = {}
    for user, given_answers in said.items():
        state = states[user] - {"submitted"}
        if state & {"draft", "discarded"}:
            out.leave_out(item, name_of(given, user), "discarded" if "discarded" in state else "draft")
            continue
        if unknown := state - {""}:
            raise DataError(f"'{user}' has a response of the status '{min(unknown)}', which is not known")
        out.noted["status-not-in-the-file"] += bool(state)
        taken[user] = given_answers
    return taken


def _nested(record: Any) -> Any:
    """A record as ``to_dict`` gives it, also one of ``to_list(flatten=True)``."""
    if "fields" in record:
        return record
    responses: dict[str, list[dict[str, Any]]] = {}
    suggestions: dict[str, dict[str, Any]] = {}
    for key, values in record.items():
        question, _, rest = key.rpartition(".")
        if rest == "responses" and values:
            users, states = record[f"{key}.users"], record.get(f"{key}.status") or [None] * len(values)
            responses[question] = [
                {"value": value, "user_id": user, "status": status}
                for value, user, status in zip(values, users, states, strict=True)
            ]
        elif rest == "suggestion" and values is not None:
            suggestions[question] = {"value": values, "agent": record.get(f"{key}.agent")}
    fields = {name: record[name] for name in ("source", "translation")}
    return {"id": record["id"], "fields": fields, "responses": responses, "suggestions": suggestions}
