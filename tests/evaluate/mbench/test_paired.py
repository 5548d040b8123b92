"""BiMed-MBench asked in both languages, judged by the kind ``mbench``, and the gap of the judge's scores."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2 import evaluate, io
from bimedix2.errors import DataError
from bimedix2.evaluate import Config
from bimedix2.evaluate.mbench.folder import run as judge_it
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Reply, Request
from bimedix2.llm.cache import Cache, Cached

from .conftest import ARABIC, ENGLISH


class Model:
    """Right in English; in Arabic it answers the last two questions in English."""

    name = "model@1"

    def __init__(self) -> None:
        self.asked = 0
        self.book = (
            dict(ENGLISH)
            | dict(ARABIC[:4])
            | {q: e[1] for (q, _), e in zip(ARABIC[4:], ENGLISH[4:], strict=True)}
        )

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        self.asked += len(requests)
        assert all(request.images for request in requests)
        return [Reply(self.book[r.messages[-1].text.strip()], self.name, "stop", 1, 1) for r in requests]


@pytest.fixture
def settings(english_file: Path, arabic_file: Path, tmp_path: Path) -> Callable[..., Config]:
    for number in range(3):
        (tmp_path / f"invented_{number}.jpg").write_bytes(b"picture %d" % number)

    def make(output: str, **more: Any) -> Config:
        own = {"english": str(english_file), "arabic": str(arabic_file), "images": str(tmp_path)}
        paired = own | more.pop("paired", {})
        return recipes.build(
            Config, {"output": str(tmp_path / output), "resamples": 200, "paired": paired, **more}
        )

    return make


def judged(settings: Config, folder: Path, language: str, judge: Any) -> str:
    """Judge the answers files of a finished folder as a user does."""
    assert settings.paired is not None
    sides = {"en": settings.paired.english, "ar": settings.paired.arabic}
    recipe = {
        "output": str(folder.with_name(f"judged-{language}")),
        "resamples": 200,
        "mbench": {
            "questions": str(sides[language]),
            "twin": str(sides["ar" if language == "en" else "en"]),
            "language": language,
            "answers": [str(folder / f"answers_{language}.jsonl")],
            "judge": {"base_url": "http://judge.test/v1", "model": "m"},
            "cache": str(folder.with_name("judge.sqlite")),
            "canaries": 3,
        },
    }

    @contextmanager
    def open_it(config: Config) -> Iterator[Cached]:
        assert config.mbench is not None
        with Cache(config.mbench.cache) as cache:
            yield Cached(judge, cache)

    return str(judge_it(recipes.build(Config, recipe), lambda *_: pytest.fail("opened"), open_it))


def test_the_gap_of_a_judge_s_scores(settings: Callable[..., Config], judge_type: Any) -> None:
    model = Model()

    def opener(*_: Any) -> Subject:
        return Subject(model, "weights", "template")  # type: ignore[arg-type]

    first = evaluate.run(settings("first"), opener)
    found = io.read_json(first / "scores.json")["all"]
    assert (found["items"], found["graded"], "accuracy" in found) == (6, 0, False)
    assert found["language"]["ar"]["kept"]["value"] == pytest.approx(4 / 6)
    page = (first / "scores.md").read_text(encoding="utf-8")
    assert "there is no gap in this table" in page
    assert "no sentence mentions the figure 1" in page
    folders = {
        side: judged(settings("first"), first, language, judge_type())
        for side, language in (("english", "en"), ("arabic", "ar"))
    }
    asked = model.asked
    second = evaluate.run(settings("second", reuse=str(first), paired={"judged": folders}), opener)
    assert model.asked == asked
    scores = io.read_json(second / "scores.json")["all"]["scores"]
    assert scores["en"]["value"] == pytest.approx(100)
    assert scores["ar"]["value"] == pytest.approx(
        (4 * 100 + 2 * 10) / 6
    )  # 1 of 10 points for another language
    assert scores["gap"]["value"] == pytest.approx(30)
    assert (scores["gap"]["n"], scores["gap"]["subjects"]) == (6, 3)
    assert evaluate.replay(second) == ["scores.json", "scores.md"]

    model.book[ENGLISH[0][0]] = "Something else."
    with pytest.raises(DataError, match=r"has no scores of these answers \(en\); judge answers_en\.jsonl"):
        evaluate.run(settings("third", paired={"judged": folders}), opener)
