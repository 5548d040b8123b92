"""The kind ``browse``: the same question side by side, data beside the page, nothing lost in silence."""

import json
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.evaluate import Config, browse
from bimedix2.manifest import read_manifest, verify

from .conftest import MakeScores, Scored


def run(output: Path, *folders: Path, **more: Any) -> Path:
    settings = {"folders": list(folders), **more}
    return evaluate.run(Config.model_validate({"output": output, "browse": settings}))


def samples(folder: Path) -> list[dict[str, Any]]:
    """The page's data."""
    rows: list[dict[str, Any]] = []
    for part in sorted((folder / "data").iterdir()):
        text = part.read_text(encoding="utf-8")
        assert text.startswith("bimedix2([")
        rows += json.loads(text.removeprefix("bimedix2(").removesuffix(");\n"))
    return rows


def test_the_same_question_stands_once_with_every_answer(scored: Scored, tmp_path: Path) -> None:
    folder = run(tmp_path / "page", scored.one, scored.two, names=["one", "two"])
    verify(folder)
    rows = {(row["task"], row["id"]): row for row in samples(folder)}
    assert len(rows) == len(samples(folder)) == 6 + 5 + 2
    names = ["one", "one base", "two", "two base"]
    assert json.dumps(names) in (folder / "index.html").read_text(encoding="utf-8")
    one, _, two, _ = rows["image_qa", "seen/5"]["answers"]
    assert (one["right"], two["right"], two["error"]) == (True, False, "modality")
    assert two["why"] == ["says modality radiograph, it is mri"]
    assert rows["image_qa", "seen/5"]["turns"] == [["user", [["rtl", "ما نوع الصورة ", ["ltr", "5"], "؟"]]]]
    assert rows["image_qa", "seen/5"]["answers"][1] is None  # the base is not asked about pictures
    assert rows["pubmedqa", "pubmedqa/1"]["answers"][1]["text"] == [["ltr", "yes"]]
    image = rows["image_qa", "seen/4"]["images"][0]
    assert (folder / image).is_file()


def test_questions_in_other_words_are_told(make_scores: MakeScores, tmp_path: Path) -> None:
    first = make_scores([{"id": "1", "task": "t", "question": "Is it?", "answer": "yes"}], "first")
    other = make_scores(
        [{"id": "1", "task": "t", "question": "Answer yes or no. Is it?", "answer": "no"}], "b"
    )
    rows = samples(run(tmp_path / "page", first, other, data_class="open"))
    assert len(rows) == 1
    assert "turns" not in rows[0]["answers"][0]
    assert rows[0]["answers"][1]["turns"] == [["user", [["ltr", "Answer yes or no. Is it?"]]]]


def test_other_pictures_are_another_sample(make_scores: MakeScores, tmp_path: Path) -> None:
    rows = [{"id": "1", "task": "t", "answer": "x", "images": [name]} for name in ("a.png", "b.png")]
    folders = [make_scores([row], f"s{n}") for n, row in enumerate(rows)]
    folder = run(tmp_path / "page", *folders, data_class="open")
    assert len(samples(folder)) == 2
    missing = read_manifest(folder)["pictures"]["missing"]
    assert set(missing) == {"a.png", "b.png"}
    assert samples(folder)[0]["images"] == [None]


def test_a_question_twice_in_one_folder_is_counted(make_scores: MakeScores, tmp_path: Path) -> None:
    rows = [{"id": "1", "task": "t", "answer": text} for text in ("first", "second")]
    folder = run(tmp_path / "page", make_scores(rows), data_class="open")
    assert samples(folder)[0]["answers"][0]["text"] == [["ltr", "first"]]
    counts = read_manifest(folder)["counts"]
    assert counts == {"in": 2, "kept": 1, "removed": {"the same question twice": 1}, "samples": 1}
    assert [row["line"] for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")] == [2]


def test_many_samples_are_parted_into_files(
    make_scores: MakeScores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "PART", 10)
    rows = [{"id": str(n), "task": "t", "answer": f"answer {n}"} for n in range(25)]
    folder = run(tmp_path / "page", make_scores(rows), data_class="open")
    assert [path.name for path in sorted((folder / "data").iterdir())] == ["0000.js", "0001.js", "0002.js"]
    assert [row["id"] for row in samples(folder)] == [str(n) for n in range(25)]
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert html.count('<script src="data/') == 3


def test_a_partial_result_is_told_on_the_page(make_scores: MakeScores, tmp_path: Path) -> None:
    folder = make_scores([{"id": "1", "task": "t", "answer": "x"}], partial="3 of 9 <b>answers</b>")
    html = (run(tmp_path / "page", folder, data_class="open") / "index.html").read_text(encoding="utf-8")
    assert "m@1: 3 of 9 &lt;b&gt;answers&lt;/b&gt;" in html
