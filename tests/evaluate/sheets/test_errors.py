"""The kind ``errors`` from scores to a folder: counts by hand, rows, gallery, figures, resuming."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.config import build
from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate import Config
from bimedix2.evaluate.errors import gallery
from bimedix2.evaluate.sheets.shoot import ABSENT
from bimedix2.manifest import read_manifest, verify
from bimedix2.stats.exact import clopper_pearson

from .conftest import RIGHT, MakeScores, Scored, score


def run(output: Path, *folders: Path, **more: Any) -> Path:
    settings = {"folders": list(folders), "figures": False, "tasks": ["image_qa"], **more}
    return evaluate.run(Config.model_validate({"output": output, "errors": settings}))


def test_counts_worked_out_by_hand(scored: Scored, tmp_path: Path) -> None:
    folder = run(tmp_path / "errors", scored.one, scored.two, names=["one", "two"])
    verify(folder)
    counts = io.read_json(folder / "errors.json")["counts"]
    both = counts["one"]["both"]
    low, high = clopper_pearson(3, 6)
    assert both["wrong"] == {"n": 3, "share": 0.5, "low": round(low, 6), "high": round(high, 6)}
    assert {name: one["n"] for name, one in both["classes"].items()} == {
        "modality": 1,
        "subtype": 1,
        "language": 1,
    }
    assert counts["one"]["ar"]["judged"] == 2
    assert {name: one["n"] for name, one in counts["one"]["ar"]["classes"].items()} == {"language": 1}
    assert counts["two"]["en"]["wrong"]["n"] == 0
    assert counts["two"]["ar"]["classes"]["modality"]["reasons"] == {"says modality radiograph, it is mri": 1}


def test_every_wrong_answer_is_on_disk_with_its_class(scored: Scored, tmp_path: Path) -> None:
    folder = run(tmp_path / "errors", scored.one)
    rows = {row["id"]: row for _, row in io.read_jsonl(folder / "wrong.jsonl")}
    assert {key: row["class"] for key, row in rows.items()} == {
        "seen/2": "language",
        "seen/4": "modality",
        "seen/6": "subtype",
    }
    answers = dict(io.read_jsonl(scored.one / "answers.jsonl"))
    assert all(answers[row["line"]]["id"] == key for key, row in rows.items())
    assert rows["seen/6"]["why"] == "says plane coronal, it is axial"


def test_the_page_says_signature_intervals_and_what_is_left_out(scored: Scored, tmp_path: Path) -> None:
    folder = run(tmp_path / "errors", scored.one, tasks=None)
    text = (folder / "errors.md").read_text(encoding="utf-8")
    assert text.startswith("# Wrong answers by class")
    assert "5 answers: is not judged right or wrong" in text  # pictures swapped: "right" is no praise there
    assert "`benchmark:" in text.splitlines()[-1]
    removed = read_manifest(folder)["counts"]["removed"]
    lines = [row for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")]
    assert sum(removed.values()) == len(lines)
    assert removed["is not judged right or wrong"] == 5


def test_partial_scores_say_so_first(scored: Scored, tmp_path: Path) -> None:
    few = score(scored.dataset, tmp_path / "few", {}, limit=3)
    folder = run(tmp_path / "errors", few, names=["few"])
    first = (folder / "errors.md").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("**Partial: few: at most 3 samples a task")
    assert "at most 3 samples" in (folder / "gallery.html").read_text(encoding="utf-8")


def test_the_gallery_shows_pictures_and_words_and_no_markup_of_an_answer(
    scored: Scored, tmp_path: Path
) -> None:
    folder = run(tmp_path / "errors", scored.one, scored.two, names=["one", "two"], language="ar")
    html = (folder / "gallery.html").read_text(encoding="utf-8")
    assert '<html lang="ar" dir="rtl">' in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "onerror=&#34;" in html
    assert "الإجابات الخاطئة" in html
    assert '<p dir="rtl">هذه صورة أشعة سينية للصدر.</p>' in html
    copies = {path.name for path in (folder / "images").iterdir()}
    assert copies
    assert all(f'src="images/{name}"' in html for name in copies)
    assert (folder / "assets" / "fonts" / "IBMPlexSansArabic-LICENSE.md").is_file()


def test_pictures_can_stand_in_the_page(scored: Scored, tmp_path: Path) -> None:
    folder = run(tmp_path / "errors", scored.one, embed=True)
    assert 'src="data:image/jpeg;base64,' in (folder / "gallery.html").read_text(encoding="utf-8")
    assert not (folder / "images").exists()


def test_few_examples_are_of_different_reasons(make_scores: MakeScores, tmp_path: Path) -> None:
    def wrong(number: int, said: str) -> dict[str, Any]:
        reasons = [f"says modality {said}, it is ct"]
        return {"id": str(number), "task": "t", "type": "modality", "answer": said, "right": False,
                "reasons": reasons, "expected": {"reference": "CT", "facts": {"modality": "ct"}}}  # fmt: skip

    rows = [*(wrong(n, "mri") for n in range(5)), wrong(5, "pet"), wrong(6, "mri")]
    folder = run(tmp_path / "e", make_scores(rows), data_class="open", examples=2, tasks=None)
    html = (folder / "gallery.html").read_text(encoding="utf-8")
    assert html.count('<article class="mistake"') == 2
    assert "says modality pet" in html


def test_without_chromium_the_pages_are_there_and_the_reason_too(
    scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "chromium", lambda: None)
    folder = run(tmp_path / "errors", scored.one, figures=True)
    figures = read_manifest(folder)["figures"]
    assert figures["gallery-modality.png"] == ABSENT
    assert ABSENT in (folder / "errors.md").read_text(encoding="utf-8")
    assert (folder / "gallery.html").is_file()


def test_a_killed_run_makes_no_figure_twice(
    scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def camera(stop_at: int | None) -> Callable[[Path, Path], None]:
        def photograph(page: Path, target: Path) -> None:
            if len(taken) == stop_at:
                raise KeyboardInterrupt
            assert page.is_file()
            taken.append(target.name)
            target.write_bytes(b"png")

        return photograph

    monkeypatch.setattr(gallery, "chromium", lambda: "chromium")
    monkeypatch.setattr(gallery, "photograph", camera(1))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "errors", scored.one, figures=True)
    monkeypatch.setattr(gallery, "photograph", camera(None))
    folder = run(tmp_path / "errors", scored.one, figures=True)
    assert sorted(taken) == ["gallery-language.png", "gallery-modality.png", "gallery-subtype.png"]
    verify(folder)
    assert not list(folder.glob(".*"))


def test_answers_without_a_judgement_are_refused_with_the_next_action(
    make_scores: MakeScores, tmp_path: Path
) -> None:
    folder = make_scores([{"id": "1", "task": "t", "answer": "x", "reference": "y"}])
    with pytest.raises(DataError, match="no answer of these folders is judged right or wrong"):
        run(tmp_path / "errors", folder, data_class="open", tasks=None)


def test_a_model_without_a_mistake(scored: Scored, tmp_path: Path) -> None:
    best = score(
        scored.dataset, tmp_path / "best", {**RIGHT, "ما نوع الصورة 2؟": "هذه صورة أشعة سينية للصدر."}
    )
    folder = run(tmp_path / "errors", best)
    assert io.read_json(folder / "errors.json")["counts"]["scripted@1"]["both"]["wrong"]["n"] == 0
    assert list(io.read_jsonl(folder / "wrong.jsonl")) == []


def test_the_recipe_is_checked_at_the_door(tmp_path: Path) -> None:
    values = {"output": "x", "errors": {"folders": ["a"]}}
    with pytest.raises(ConfigError, match="brings its own data; leave 'input' out"):
        build(Config, {**values, "input": "y"})
    with pytest.raises(ConfigError, match="did you mean 'examples'"):
        build(Config, {"output": "x", "errors": {"folders": ["a"], "example": 3}})
