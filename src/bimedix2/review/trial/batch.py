"""``open`` and ``close`` of a trial: the sealed folder into the store, the judgements into a folder."""

import statistics
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.manifest import RunFolder, folder_hash
from bimedix2.review.accounts import add_people
from bimedix2.review.events import check_chain
from bimedix2.review.settings import Config
from bimedix2.review.store import Store
from bimedix2.review.trial.board import Board
from bimedix2.review.trial.items import read_sealed
from bimedix2.review.trial.room import Room


def open_trial(config: Config) -> str:
    """Import a sealed folder; return what to tell.

    Raises:
        RunError: the input is no sealed trial, or the store holds a batch already.
        DataError: an item is wrong.
    """
    items, about = read_sealed(config.input)
    payload = {
        "recipe": config.judged(),
        "inputs": {"input": folder_hash(config.input)},
        "items": len(items),
        "items_sha256": about["items_sha256"],
        "key_sha256": about["key_sha256"],
    }
    with Store(config.store, make=True) as store:
        store.begin(items, "open", payload)
        given = add_people(store, config.people, (), config.passwords_file)
    answers = len(items[0].answers)
    of = f"{answers} answers" if answers > 1 else "one answer"
    told = f"{len(items)} items of {of} to judge, {config.overlap} people each."
    return f"{told} First passwords of {', '.join(given)}: {config.passwords_file}" if given else told


def check_input(room: Room, config: Config) -> None:
    """Refuse to go on with another folder than the trial was opened with.

    Raises:
        RunError: it is another one by now.
    """
    if folder_hash(config.input) != room.board.opened["inputs"]["input"]:
        raise RunError(f"{config.input} is not the folder that the trial was opened with; restore it")


def close_trial(config: Config) -> Path:
    """Close the trial and write its folder of judgements; a closed one can be written again elsewhere.

    Raises:
        RunError: judgements are missing, another recipe opened the trial, or the output exists.
        DataError: the log was changed, or nobody judged anything.
    """
    if config.output.exists():
        raise RunError(f"{config.output} exists and finished folders are immutable; choose another output")
    with Store(config.store) as store:
        room = Room(store, config)
        check_input(room, config)
        if not any(room.board.counts().values()):
            raise DataError("nobody has judged an item of this trial; serve it first")
        board = room.end(config.unfinished)
        events = store.events()
    head = check_chain(events)
    recipe = config.model_dump(mode="json")
    with RunFolder(config.output, "review", recipe, {"input": config.input}) as out:
        io.write_jsonl(out.path / "events.jsonl", (event.to_json() for event in events))
        rows = judgements(board)
        io.write_jsonl(out.path / "judgements.jsonl", rows)
        found = figures(board)
        io.write_json(out.path / "report.json", found)
        io.write_text(out.path / "report.md", _page(found, config))
        trial = {
            "sealed": board.opened["inputs"]["input"],
            "items_sha256": board.opened["items_sha256"],
            "key_sha256": board.opened["key_sha256"],
            "overlap": board.overlap,
        }
        counts = {"in": len(rows), "kept": len(rows), "removed": {}, **found["progress"]}
        last = {"count": head.seq, "last": head.hash}
        return out.publish(counts, {"events": last, "trial": trial})


def judgements(board: Board) -> list[dict[str, Any]]:
    """The last choice of each person of each item, under labels; earlier ones are beside it."""
    rows = []
    for standing in board.standings.values():
        for name, given in standing.choices.items():
            rows.append(
                {
                    "item": standing.item.id,
                    "rater": name,
                    **given[-1].to_json(),
                    "time": standing.chosen[name],
                    "event": standing.events[name],
                    "revisions": len(given) - 1,
                    "earlier": [choice.to_json() for choice in given[:-1]],
                }
            )
    return rows


def figures(board: Board) -> dict[str, Any]:
    """What can be counted while the key is sealed."""
    people: dict[str, list[Any]] = {}
    for standing in board.standings.values():
        for name, choice in standing.latest.items():
            people.setdefault(name, []).append(choice)
    labels: dict[str, int] = {}
    for standing in board.standings.values():
        for choice in standing.latest.values():
            if choice.choice == "best":
                labels[choice.labels[0]] = labels.get(choice.labels[0], 0) + 1
    return {
        "progress": board.progress(),
        "choices": board.counts(),
        "labels": dict(sorted(labels.items())),
        "people": {name: _of_person(given, board.kinds) for name, given in sorted(people.items())},
    }


def _of_person(given: list[Any], of: tuple[str, ...]) -> dict[str, Any]:
    seconds = [choice.seconds for choice in given if choice.seconds is not None]
    kinds = {kind: sum(choice.choice == kind for choice in given) for kind in of}
    return {
        "judgements": len(given),
        **kinds,
        "median_seconds": statistics.median(seconds) if seconds else None,
    }


KINDS = {"best": "one best", "tie": "ties", "scored": "scored", "abstain": "abstained"}
"""What was said of an item -> a column's head."""


def _page(found: dict[str, Any], config: Config) -> str:
    progress, choices = found["progress"], found["choices"]
    said = "; ".join(f"{KINDS[kind]}: {count}" for kind, count in choices.items())
    heads = [KINDS[kind] for kind in choices]
    lines = [
        f"# Judgements of {config.input.name}",
        "",
        f"{progress['done']} of {progress['items']} items have their {config.overlap} judgements; {said}.",
        "",
        "Whose answer stands under which label is sealed; `bimedix2 evaluate` with `trial.read` opens it.",
        "",
        f"| name | judgements | {' | '.join(heads)} | median seconds |",
        "|---" * (len(heads) + 3) + "|",
    ]
    for name, one in found["people"].items():
        seconds = "-" if one["median_seconds"] is None else f"{one['median_seconds']:.0f}"
        numbers = " | ".join(str(one[key]) for key in ("judgements", *choices))
        lines.append(f"| {name} | {numbers} | {seconds} |")
    if found["labels"]:
        lines += ["", "| label | chosen as best |", "|---|---|"]
        lines += [f"| {label} | {count} |" for label, count in found["labels"].items()]
    return "\n".join(lines) + "\n"
