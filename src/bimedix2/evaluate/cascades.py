"""The paper's Table 8: an English model behind translation services, beside the bilingual model.

On Arabic BiMed-MBench these answer: the English model asked in Arabic directly (system 0), the same model
behind each service, and the bilingual model. All are judged by one judge with one prompt, and every two are
compared on the same questions, pictures kept together. The paper does not say in which direction its services
translated; as it is read here, the question goes into English and the answer comes back.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate import answering, models
from bimedix2.evaluate.answering import InPlace
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.cascade import TO_ARABIC, TO_ENGLISH, Translation
from bimedix2.evaluate.mbench import asked, calibration, kept
from bimedix2.evaluate.mbench import folder as judged
from bimedix2.evaluate.mbench import run as judging
from bimedix2.evaluate.mbench.folder import JudgeOpener, Judging, Mbench, open_judge
from bimedix2.evaluate.mbench.load import Answers, Benchmark, check_images, load
from bimedix2.evaluate.models import Cascade, Model, ModelSource
from bimedix2.evaluate.report import table
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.llm.replay import Recorder
from bimedix2.manifest import RunFolder, read_manifest

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

STATE = ".state"
"""Below the staging folder: each system's answers as they come; no part of a finished run."""
TRAILS = "translations.jsonl"
"""What became of every question and answer on its way, with the service, its dates and the checks."""
TABLE, COLUMN = "table-8", "overall"
Opener = Callable[[Model, int | None, Any], Subject]
Trail = dict[str, Any]


class Cascades(Settings):
    """The English model, the services, and the benchmark with its judge; the bilingual one is ``model``."""

    english: Model
    """Asked in Arabic directly, and in English behind each service."""
    services: dict[str, Translation] = Field(min_length=1)
    """A name of your own -> who translates."""
    mbench: Mbench
    """The Arabic questions, their pictures and the judge, as the kind ``mbench`` has them."""

    @model_validator(mode="after")
    def _arabic(self) -> Self:
        if self.mbench.language != "ar":
            raise ValueError("a cascade answers Arabic questions; set mbench.language to ar")
        return self


def run(config: "Config", opener: Opener = open_subject, judges: JudgeOpener = open_judge) -> Path:
    """Let every system answer, judge all of them, and compare; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``cascades``.
        opener: how a model becomes a backend.
        judges: how the judge is opened.

    Raises:
        DataError: a file is broken, two systems have one name, or the judge failed its canaries.
        ImageError: pictures are missing.
        EndpointError: a model, a service or the judge cannot be reached; give the same command again.
    """
    answering.whole(config, "cascades")
    own = _settings(config)
    benchmark = load(own.mbench.questions, "ar")
    twin = load(own.mbench.twin, "en") if own.mbench.twin else None
    check_images(list(benchmark.items.values()), asked.images_of(_of(config, config.model)))
    inputs = {"questions": own.mbench.questions} | ({"twin": own.mbench.twin} if own.mbench.twin else {})
    inputs |= models.inputs(config.model) | models.inputs(own.english, "english")
    calibrated = calibration.read(own.mbench.calibration) if own.mbench.calibration else None
    if own.mbench.calibration:
        inputs["calibration"] = own.mbench.calibration
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        systems: list[Answers] = []
        trails: list[Trail] = []
        for number, model in enumerate(_systems(config)):
            answers, some = _answer(_of(config, model), benchmark, opener, out.path / STATE / str(number))
            systems.append(answers)
            trails += some
        _apart(systems)
        kept.write(out.path, benchmark, twin, systems)
        io.write_jsonl(out.path / TRAILS, trails)
        base = _of(config, config.model)
        with judges(base) as judge:
            of = Judging.of(base, benchmark, twin).with_calibration(calibrated, judge, out.path)
            recorder = Recorder(judge, out.path / kept.REPLIES)
            found = [judged.score(recorder, of, one) for one in systems]
        counts = write_numbers(out.path, found, of, trails)
        kept.write_rows(out.path, benchmark, found, systems)
        shutil.rmtree(out.path / STATE)
        return out.publish(counts, {"signature": [one.signature for one in found]})


def _settings(config: "Config") -> Cascades:
    assert config.cascades is not None
    return config.cascades


def _of(config: "Config", model: Model) -> "Config":
    """The recipe of one system on the benchmark."""
    return config.model_copy(update={"model": model, "mbench": _settings(config).mbench})


def _systems(config: "Config") -> list[Model]:
    """In the order of Table 8."""
    own = _settings(config)
    behind = [
        ModelSource(cascade=Cascade(model=own.english, translation=one)) for one in own.services.values()
    ]
    return [own.english, *behind, config.model]


def _answer(
    config: "Config", benchmark: Benchmark, opener: Opener, state: Path
) -> tuple[Answers, list[Trail]]:
    """One system's answers, and their trails where it has any."""
    opened: list[Subject] = []

    def remember(*args: Any) -> Subject:
        opened.append(opener(*args))
        return opened[-1]

    answers = asked.answer(config, benchmark, remember, state)
    if not opened:  # a file of answers: nobody was asked
        return answers, []
    (subject,) = opened
    known = Ledger(state / "answers.jsonl").known
    trails = []
    for sample in asked.samples(benchmark, InPlace(asked.images_of(config))):
        raw = known[subject.request(sample, config.max_tokens)]
        if "trail" in raw:
            trails.append({"system": answers.model, "question_id": int(sample.id), **raw["trail"]})
    return answers, trails


def _apart(systems: Sequence[Answers]) -> None:
    names = Counter(one.model for one in systems)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise DataError(
            f"two systems are called '{twice[0]}'; 'model', 'english' and the services need names that differ"
        )


def write_numbers(
    folder: Path, found: Sequence[judging.Scores], of: Judging, trails: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Write the numbers of the kind ``mbench``, with rows of Table 8 and what was lost in translation."""
    counts = judged.write(folder, found, of)
    io.write_jsonl(folder / "paper.jsonl", [row for one in found if (row := _row(one))])
    lost = summary(trails)
    io.write_json(folder / "scores.json", {**io.read_json(folder / "scores.json"), "translations": lost})
    page = (folder / "scores.md").read_text(encoding="utf-8")
    io.write_text(folder / "scores.md", f"{page}\n## Translations\n\n{_translations(lost)}\n")
    return counts


def _row(scores: judging.Scores) -> dict[str, Any] | None:
    """A system's line for Table 8; ``None`` for protocols without relative scores."""
    row = scores.paper_row()
    if row is None or COLUMN not in row["values"]:
        return None
    interval = {COLUMN: row["intervals"][COLUMN]} if COLUMN in row["intervals"] else {}
    return {**row, "table": TABLE, "values": {COLUMN: row["values"][COLUMN]}, "intervals": interval}


def summary(trails: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each system and direction: texts, dates, and how often each check failed."""
    out = []
    for system in dict.fromkeys(trail["system"] for trail in trails):
        mine = [trail for trail in trails if trail["system"] == system]
        for direction in (TO_ENGLISH, TO_ARABIC):
            some = [trail for trail in mine if direction in trail["dates"]]
            dates = sorted({trail["dates"][direction] for trail in some})
            failed = Counter(name for trail in some for name in trail["checks"][direction])
            out.append(
                {
                    "system": system,
                    "service": mine[0]["service"],
                    "direction": direction,
                    "answers": len(some),
                    "dates": dates,
                    "with a failed check": sum(bool(trail["checks"][direction]) for trail in some),
                    "checks": dict(sorted(failed.items(), key=lambda one: (-one[1], one[0]))),
                }
            )
    return out


def _translations(lost: Sequence[Mapping[str, Any]]) -> str:
    if not lost:
        return "No answer passed through a service."
    rows = []
    for one in lost:
        ranked = sorted(one["checks"].items(), key=lambda pair: (-pair[1], pair[0]))
        failed = ", ".join(f"{name} {count}" for name, count in ranked) or "-"
        dates = " to ".join(dict.fromkeys((one["dates"][0], one["dates"][-1]))) if one["dates"] else "-"
        counts = [str(one["answers"]), str(one["with a failed check"])]
        rows.append([one["system"], one["service"], one["direction"], dates, *counts, failed])
    head = ["system", "service", "direction", "dates", "answers", "with a failed check", "checks that failed"]
    return (
        f"{table(head, rows)}\n\nNothing was corrected. The checks compare numbers, units, sides, negation, "
        "drugs, abbreviations and more by rules; they miss some mistakes, and fail some correct translations."
    )


def replay(folder: Path, scratch: Path) -> None:
    """Judge the kept answers again from the kept replies, and write every file of numbers.

    Args:
        folder: a finished one.
        scratch: where to.

    Raises:
        DataError: a kept file is broken.
        RunError: it was judged with other prompts than this version has.
    """
    from bimedix2.evaluate import Config

    config = Config.model_validate(read_manifest(folder)["recipe"])
    benchmark, twin, systems = kept.read(folder, "ar")
    of = replace(Judging.of(_of(config, config.model), benchmark, twin), calibrated=calibration.kept(folder))
    stated = {one["model"]: one["signature"] for one in io.read_json(folder / "scores.json")["systems"]}
    judge = kept.Judge(folder)
    found = []
    for one in systems:
        ours = judging.prompts_of(of.plan, "ar")
        kept.require_prompts(folder, stated[one.model]["prompt"], ours)
        scores = judged.score(judge, of, one)
        signature = stated[one.model]
        scores.signature.update({name: signature[name] for name in ("version", "commit")})  # of who asked
        found.append(scores)
    write_numbers(scratch, found, of, [row for _, row in io.read_jsonl(folder / TRAILS)])
