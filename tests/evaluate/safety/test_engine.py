"""The kind on a real (tiny, random) model through the embedded engine."""

from pathlib import Path

from bimedix2 import evaluate, io
from bimedix2.config import build
from bimedix2.evaluate import Config


def test_a_real_model_is_asked_in_words_and_by_likelihoods(tiny: object, dataset: Path) -> None:
    settings = build(
        Config,
        {
            "output": str(dataset.with_name("scores")),
            "model": "tiny-base",
            "safety": {
                "data": str(dataset),
                "pictures": 1,
                "calibration": 1,
                "categories": ["false_premise", "hidden_instruction", "dose"],
            },
            "limit": 1,
            "max_tokens": 4,
            "resamples": 100,
            "threads": 1,
        },
    )
    folder = evaluate.run(settings)
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    off = [row for row in rows if row["safeguards"] == "off" and row["role"] != "choice"]
    assert len(off) == 4 + 6 + 4  # two roles in two languages; and pictures to be read aloud
    assert all(row["failure"] is None and isinstance(row["raw"]["answer"], str) for row in off)
    choices = [row for row in rows if row["role"] == "choice"]
    assert len(choices) >= 3
    assert all(0 < row["choice"]["confidence"] <= 1 for row in choices)
    assert io.read_json(folder / "scores.json")["signature"]["model"]["model"].startswith(
        "bimedix2-tiny-base@"
    )
    assert evaluate.replay(folder) == ["scores.json", "scores.md"]
