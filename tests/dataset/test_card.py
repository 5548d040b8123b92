"""The card says what is in the folder, the hub's loader reads it, and the chart is drawn."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from bimedix2.dataset import chart
from bimedix2.errors import ConfigError

from .conftest import Write, record

Build = Callable[..., Path]


def head_of(folder: Path) -> dict[str, object]:
    text = (folder / "README.md").read_text(encoding="utf-8")
    found: dict[str, object] = yaml.safe_load(text.split("---\n")[1])
    return found


def test_the_card_counts_what_was_written(write: Write, build: Build) -> None:
    rows = [
        record("1", "What is it?", "A chest radiograph.", image="i", licence="CC-BY-4.0", split="train"),
        record("2", "ما هذه؟", "صورة أشعة.", language="ar", source="b|c", licence="MIT", split="train"),
        record("3", "And this?", split="test", data_class="credentialed", source="closed"),
        record("4", "And this?", "No.", split="validation"),
    ]
    folder = build(write(rows, ["i"]), card={"name": "Mine", "chart": True})
    assert head_of(folder) == {
        "language": ["ar", "en"],
        "license": "other",
        "size_categories": ["n<1K"],
        "task_categories": ["visual-question-answering", "question-answering"],
        "tags": ["medical", "bilingual", "arabic"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": side, "path": f"records/*-{side}.parquet"}
                    for side in ("train", "validation", "test")
                ],
            }
        ],
    }
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "# Mine" in text
    assert "| vqa | en | 1 | 1 | 1 | 3 |" in text
    assert "| a | CC-BY-4.0 | open | 1 |" in text
    assert "| b\\|c | MIT | open | 1 |" in text
    assert "credentialed: it must not leave" in text
    assert "1 of 4 records show images" in text
    assert "| ar | words | 4 | 4 | 4 | 4 |" in text
    assert "| ar | characters | 17 |" in text
    with Image.open(folder / "composition.png") as picture:
        assert picture.size == (1200, 720)
    assert "](composition.png)" in text
    for side in ("train", "validation", "test"):
        assert len(list(folder.glob(f"records/*-{side}.parquet"))) == 1


def test_a_chart_has_every_language_and_component(tmp_path: Path) -> None:
    parts = {("en", "PubMedQA"): 3, ("ar", "MedQA"): 1, ("mixed", "x"): 2, ("en", "tiny"): 0}
    chart.draw(parts, tmp_path / "a.png", "title")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (1200, 720)
    many = chart._named({("ar", f"s{n:02}"): n for n in range(30)})
    assert len(many) == chart.MOST
    assert many["ar", "18 smaller"] == sum(range(1, 19))
    assert sum(many.values()) == sum(range(30))
    chart.draw({}, tmp_path / "b.png", "nothing")
    assert (tmp_path / "b.png").read_bytes() != (tmp_path / "a.png").read_bytes()


def test_tokens_are_counted_with_the_tokenizer_that_is_named(
    write: Write, build: Build, tmp_path: Path
) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"word": 0, "[UNK]": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    rows = [record(f"{n}", "word " * n, "word", split="test" if n == 1 else "train") for n in range(1, 11)]
    asked = write(rows)
    folder = build(asked, card={"chart": False, "tokenizer": str(tmp_path)}, leakage={"remove": []})
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "| en | tokens (estimated from 10 records) |" in text
    assert "| 6 | 11 | 11 |" in text
    with pytest.raises(ConfigError, match=r"card\.tokenizer: .*none does not exist"):
        build(asked, output=tmp_path / "o", card={"chart": False, "tokenizer": str(tmp_path / "none")})


def test_the_hubs_loader_opens_it_with_its_sides(write: Write, build: Build, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    rows = [
        record("1", "q", image="i", split="train", meta={"a": 1}),
        record("2", "r", split="test", meta={"a": "x"}),
    ]
    folder = build(write(rows, ["i"]))
    sides = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {name: len(side) for name, side in sides.items()} == {"train": 1, "test": 1}
    assert sides["train"][0]["messages"][0]["content"][1]["text"] == "q"
