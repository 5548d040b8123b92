"""What a judged folder keeps, so that its scores can be computed again without a judge or a network.

``questions.jsonl`` (and ``twin.jsonl``): the questions as read. ``answers.jsonl``: a line an answer, with
what was asked, the reference and the score. ``systems.json``: the traps of each system's answers,
and how a model that was asked gave them.
``replies.jsonl``: the judge's replies by request, canaries and repeated tries included.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from bimedix2 import io
from bimedix2.errors import DataError, RefusedError, RunError
from bimedix2.evaluate.mbench.judge import LICENCE
from bimedix2.evaluate.mbench.load import Answers, Benchmark, Item, Tongue, read_answers
from bimedix2.evaluate.mbench.run import Scores
from bimedix2.llm.backend import UNWATCHED, Loglikelihood, Reply, Request, Watch, all_answered
from bimedix2.llm.replay import Replay
from bimedix2.manifest import verify

REPLIES = "replies.jsonl"
ANSWERS = "answers.jsonl"
SYSTEMS = "systems.json"
SIDES = ("questions", "twin")


def write(folder: Path, benchmark: Benchmark, twin: Benchmark | None, systems: Sequence[Answers]) -> None:
    """Write the questions, and what was odd about every file."""
    for side, one in zip(SIDES, (benchmark, twin), strict=True):
        if one is not None:
            io.write_jsonl(folder / f"{side}.jsonl", (_plain(item) for item in one.items.values()))
            io.write_json(folder / f"{side}.json", {"layout": one.layout, "traps": one.traps})
    io.write_json(folder / SYSTEMS, [vars(one) | {"texts": len(one.texts)} for one in systems])


def _plain(item: Item) -> dict[str, Any]:
    return {**vars(item), "mentions": [dict(mention) for mention in item.mentions]}


def write_rows(
    folder: Path, benchmark: Benchmark, found: Sequence[Scores], systems: Sequence[Answers]
) -> None:
    """Write a line for each system and question."""
    rows = []
    for scores, answers in zip(found, systems, strict=True):
        for row in scores.items:
            item = benchmark.items[int(row["question_id"])]
            rows.append(
                {
                    "task": "mbench",
                    "model": scores.model,
                    "id": str(item.question_id),
                    "data_class": str(LICENCE),
                    "language": item.language,
                    "image": item.image,
                    "type": item.type,
                    "domain": item.domain,
                    "prompt": [{"role": "user", "text": item.question}],
                    "expected": {"reference": item.reference},
                    "answer": answers.texts.get(item.question_id),
                    "score": relative(row),
                    "failure": row["failure"],
                }
            )
    io.write_jsonl(folder / ANSWERS, rows)


def relative(row: dict[str, Any]) -> float | None:
    """An answer's score in per cent, of the reference's or of 100; ``None`` where there is none."""
    if row["failure"]:
        return None
    return float(100 * row["candidate"] / row["reference"] if "candidate" in row else row["score"])


def read(folder: Path, language: Tongue) -> tuple[Benchmark, Benchmark | None, list[Answers]]:
    """Read back what ``write`` and ``write_rows`` wrote.

    Raises:
        DataError: a file is absent or broken.
    """
    other: Tongue = "ar" if language == "en" else "en"
    benchmark = _benchmark(folder, "questions", language)
    twin = _benchmark(folder, "twin", other) if (folder / "twin.jsonl").is_file() else None
    texts: dict[str, dict[int, str]] = {}
    for number, row in io.read_jsonl(folder / ANSWERS):
        try:
            mine = texts.setdefault(row["model"], {})
            if row["answer"] is not None:
                mine[int(row["id"])] = row["answer"]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{folder / ANSWERS} line {number} is no judged answer; take the whole folder"
            ) from error
    systems = io.read_json(folder / SYSTEMS)
    given = [
        Answers(one["model"], texts.get(one["model"], {}), one["traps"], one["asked"]) for one in systems
    ]
    return benchmark, twin, given


def systems(path: Path, benchmark: Benchmark) -> list[Answers]:
    """The systems of an answers file, or of a finished folder of this kind.

    Raises:
        RunError: the folder is not finished, or was changed.
        DataError: its questions are others than these, or a file is broken.
    """
    if not path.is_dir():
        return [read_answers(path, benchmark.items)]
    verify(path)
    language = next(iter(benchmark.items.values())).language
    theirs, _, found = read(path, language)
    if theirs.items != benchmark.items:
        raise DataError(f"{path} was judged on other questions than these; give its own file of questions")
    return found


def _benchmark(folder: Path, side: str, language: Tongue) -> Benchmark:
    items = {}
    for number, row in io.read_jsonl(folder / f"{side}.jsonl"):
        try:
            item = Item(**{**row, "language": language, "mentions": tuple(row["mentions"])})
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{folder / side}.jsonl line {number} is no question; take the whole folder"
            ) from error
        items[item.question_id] = item
    about = io.read_json(folder / f"{side}.json")
    return Benchmark(items, about["layout"], about["traps"])


def require_prompts(folder: Path, stated: Sequence[str], ours: Sequence[str]) -> None:
    """Refuse to judge again in other words.

    Raises:
        RunError: the folder's prompts are not this package's.
    """
    if list(stated) != list(ours):
        raise RunError(
            f"{folder} was judged with {', '.join(stated)}, and the prompts here are {', '.join(ours)}; "
            "replay it with the version that its signature names"
        )


class Judge:
    """The kept replies as a judge; what it has no reply to was refused. A ``WatchedBackend``.

    Args:
        folder: a judged one.
    """

    def __init__(self, folder: Path) -> None:
        self._replay = Replay(folder / REPLIES)

    @property
    def name(self) -> str:
        """The judge's."""
        return self._replay.name

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """The kept replies; errors as ``attempt``."""
        return all_answered(self.attempt(requests, UNWATCHED))

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """A judge's replies are texts; errors as ``bimedix2.llm.replay.Replay``."""
        return self._replay.loglikelihood(pairs)

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with a refusal in the place of a reply that was not kept."""
        found: list[Reply | RefusedError] = []
        for number, request in enumerate(requests):
            try:
                outcome: Reply | RefusedError = self._replay.chat([request])[0]
            except DataError as error:
                outcome = RefusedError(str(error))
            watch.answered(number, outcome)
            found.append(outcome)
        return found

    def score(self, pairs: Sequence[tuple[Request, str]], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As ``loglikelihood``."""
        del watch
        return cast(list[Loglikelihood | RefusedError], self.loglikelihood(pairs))
