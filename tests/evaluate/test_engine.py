"""The room on a real (tiny, random) model through the embedded engine."""

import io as bytes_io
from pathlib import Path

from PIL import Image

from bimedix2 import evaluate, io
from bimedix2.manifest import RunFolder
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records

from .conftest import CHEST_AR, CHEST_EN, mcq, question


def test_a_real_model_is_asked_scored_and_named(tiny: object, tmp_path: Path) -> None:
    with RunFolder(tmp_path / "dataset", "dataset", {}) as out:
        data = bytes_io.BytesIO()
        Image.new("RGB", (30, 20), (90, 90, 90)).save(data, "PNG")
        key = ImageStore(out.path / "images").add(data.getvalue())
        facts = {"modality": "radiograph"}
        rows = [
            question(1, "Kind?", CHEST_EN, key, tongue="en", expect=facts),
            question(2, "ما هذه؟", CHEST_AR, key, tongue="ar", expect=facts),
            mcq(1, "yes"),
            mcq(2, "no"),
        ]
        write_records(out.path, rows)
        dataset = out.publish({})
    settings = evaluate.Config(
        input=dataset,
        output=tmp_path / "scores",
        model="tiny-base",
        base="tiny-base",
        tasks=["image_qa", "pubmedqa", "perplexity"],
        max_tokens=6,
        resamples=100,
        threads=1,
    )
    folder = evaluate.run(settings)
    lines = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    assert [(row["task"], row["role"]) for row in lines] == (
        [("image_qa", "model")] * 2
        + [("pubmedqa", "model")] * 2
        + [("perplexity", "model")] * 2
        + [("pubmedqa", "base")] * 2
        + [("perplexity", "base")] * 2
    )
    found = io.read_json(folder / "scores.json")
    assert found["perplexity"]["ratio"]["value"] == 1.0  # the model is its own base here
    assert found["pubmedqa"]["difference"]["value"] == 0.0
    signature = found["signature"]
    assert len(signature["checkpoint"]["model"]) == len(signature["prompt"]["model"]) == 64
    assert signature["model"]["model"].startswith("bimedix2-tiny-base@")
