"""Table 8 on six invented questions: an English model, the same behind a service, and a bilingual one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, DataError, ImageError, RunError
from bimedix2.evaluate import Config, paper
from bimedix2.evaluate.cascade import open_cascade
from bimedix2.evaluate.cascades import run
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.llm.cache import Cache, Cached
from bimedix2.manifest import read_manifest, verify

from .conftest import ARABIC, ENGLISH

OF_ENGLISH, OF_ARABIC = dict(ENGLISH), dict(ARABIC)
TO_ENGLISH = {arabic[0]: english[0] for arabic, english in zip(ARABIC, ENGLISH, strict=True)}
BACK = {english[1]: arabic[1] for arabic, english in zip(ARABIC, ENGLISH, strict=True)}
# The service turns the side round in one answer.
BACK[ENGLISH[1][1]] = BACK[ENGLISH[1][1]].replace("اليسرى", "اليمنى")


class Model:
    """Knows the answers to its questions, and says of others that it speaks English."""

    def __init__(self, name: str, book: dict[str, str], stop_after: int | None = None) -> None:
        self.name = name
        self.book = book
        self.asked = 0
        self.stop_after = stop_after

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        if self.stop_after is not None and self.asked + len(requests) > self.stop_after:
            raise KeyboardInterrupt
        self.asked += len(requests)
        assert all(request.images for request in requests)
        texts = [self.book.get(r.messages[-1].text.strip(), "I speak English.") for r in requests]
        return [Reply(text, self.name, "stop", 1, 1) for text in texts]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise NotImplementedError


@pytest.fixture
def settings(
    english_file: Path, arabic_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    (tmp_path / "my_service.py").write_text(
        "from bimedix2.language.translators import Done\n"
        f"BOOK = {TO_ENGLISH | BACK!r}\n"
        "class Service:\n"
        "    name, corrects = 'service', False\n"
        "    def translate(self, jobs):\n"
        "        texts = lambda job: tuple(BOOK.get(t.strip(), 'أتحدث الإنجليزية.') for t in job.texts)\n"
        "        return [Done(texts(job)) for job in jobs]\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for number in range(3):
        (tmp_path / f"invented_{number}.jpg").write_bytes(b"picture %d" % number)
    return {
        "output": str(tmp_path / "table8"),
        "model": "bilingual",
        "resamples": 200,
        "batch": 2,
        "cascades": {
            "english": "english",
            "services": {"one": {"use": "my_service:Service", "cache": str(tmp_path / "t.sqlite")}},
            "mbench": {
                "questions": str(arabic_file),
                "twin": str(english_file),
                "language": "ar",
                "images": str(tmp_path),
                "judge": {"base_url": "http://judge.test/v1", "model": "m"},
                "cache": str(tmp_path / "judge.sqlite"),
                "canaries": 3,
            },
        },
    }


def opening(models: dict[str, Model]) -> Callable[..., Subject]:
    def opener(model: Any, *_: Any) -> Subject:
        if isinstance(model, str):
            return Subject(models[model], f"weights of {model}", "template")
        return open_cascade(model.cascade.translation, opener(model.cascade.model), "run")

    return opener


def both(**changed: Model) -> dict[str, Model]:
    return {"english": Model("eng", OF_ENGLISH), "bilingual": Model("bi", OF_ARABIC), **changed}


def done(settings: dict[str, Any], models: dict[str, Model], judge: Any) -> Path:
    @contextmanager
    def open_it(config: Config) -> Iterator[Cached]:
        assert config.mbench is not None
        with Cache(config.mbench.cache) as cache:
            yield Cached(judge, cache)

    return run(recipes.build(Config, settings), opening(models), open_it)


def test_table_8_from_one_recipe(settings: dict[str, Any], judge_type: Any, tmp_path: Path) -> None:
    folder = done(settings, both(), judge_type())
    verify(folder)
    rows = [row for _, row in io.read_jsonl(folder / "paper.jsonl")]
    assert [(row["table"], row["model"]) for row in rows] == [
        ("table-8", "eng"),
        ("table-8", "eng + translation (service)"),
        ("table-8", "bi"),
    ]
    values = [row["values"]["overall"] for row in rows]
    assert values[0] < 20  # answers in English help nobody who asks in Arabic
    assert 90 < values[1] < values[2] == 100  # one word of six answers is wrong
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "eng minus bi" in page
    assert "eng + translation (service) minus bi" in page
    found = io.read_json(folder / "scores.json")
    there, back = found["translations"]
    assert (there["direction"], there["answers"], there["with a failed check"]) == ("to English", 6, 0)
    assert (back["direction"], back["answers"], back["checks"]["laterality"]) == ("to Arabic", 6, 1)
    assert len(there["dates"]) == 1
    assert "| eng + translation (service) | service | to Arabic |" in page
    pairs = {tuple(one["systems"]): one for one in found["comparisons"]}
    assert pairs["eng", "bi"]["difference"]["value"] < -80
    trails = [row for _, row in io.read_jsonl(folder / "translations.jsonl")]
    assert [row["question_id"] for row in trails] == list(range(6))
    assert trails[0]["english"]["answer"] == ENGLISH[0][1]
    table = paper.make(tmp_path / "paper", [folder]) / "tables" / "table-8.md"
    assert "eng + translation (service) (run here" in table.read_text(encoding="utf-8")
    assert read_manifest(folder)["counts"] == {"in": 18, "kept": 18, "removed": {}}


def test_it_is_replayed_without_models_services_and_judge(settings: dict[str, Any], judge_type: Any) -> None:
    folder = done(settings, both(), judge_type())
    assert evaluate.replay(folder) == ["judgements.jsonl", "paper.jsonl", "scores.json", "scores.md"]


def test_a_killed_run_goes_on(settings: dict[str, Any], judge_type: Any) -> None:
    first = both(bilingual=Model("bi", OF_ARABIC, stop_after=2))
    with pytest.raises(KeyboardInterrupt):
        done(settings, first, judge_type())
    second = both()
    folder = done(settings, second, judge_type())
    assert (second["english"].asked, second["bilingual"].asked) == (0, 4)
    assert len(list(io.read_jsonl(folder / "translations.jsonl"))) == 6


def test_systems_need_names_of_their_own(settings: dict[str, Any], judge_type: Any) -> None:
    with pytest.raises(DataError, match="two systems are called 'eng'"):
        done(settings, both(bilingual=Model("eng", OF_ARABIC)), judge_type())


def test_a_system_that_ran_elsewhere_stands_in_the_table(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path
) -> None:
    rows = [{"question_id": n, "text": text, "model": "peer"} for n, (_, text) in enumerate(ARABIC)]
    io.write_jsonl(tmp_path / "peer.jsonl", rows)
    folder = done({**settings, "model": {"answers": str(tmp_path / "peer.jsonl")}}, both(), judge_type())
    found = [row["model"] for _, row in io.read_jsonl(folder / "paper.jsonl")]
    assert found == ["eng", "eng + translation (service)", "peer"]


def test_the_calibration_of_its_judge_is_read_before_a_model_is_opened(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path
) -> None:
    settings["cascades"]["mbench"]["calibration"] = str(tmp_path / "none")
    with pytest.raises(RunError, match="none is not a folder"):
        done(settings, {}, judge_type())


def test_what_is_missing_is_said_before_a_model_is_opened(settings: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "invented_1.jpg").unlink()
    with pytest.raises(ImageError, match="lacks 1 images"):
        run(recipes.build(Config, settings), lambda *_: pytest.fail("opened"))
    settings["cascades"]["mbench"]["images"] = None
    with pytest.raises(ConfigError, match="images"):
        run(recipes.build(Config, settings), lambda *_: pytest.fail("opened"))
    settings["cascades"]["mbench"]["language"] = "en"
    with pytest.raises(ConfigError, match="a cascade answers Arabic questions"):
        recipes.build(Config, settings)
    settings["cascades"]["services"] = {}
    with pytest.raises(ConfigError, match="services"):
        recipes.build(Config, settings)
