"""The projector's head start draws image tokens to their captions' words, the same way every time."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from bimedix2.model import checkpoint
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.train.features import Features, fold_standardisation
from bimedix2.train.packing import Sample
from bimedix2.train.prealign import prealign
from bimedix2.train.samples import caption_samples, images_needed


def started(
    squares: Path, folder: Path, steps: int, seed: int = 0
) -> tuple[Any, list[Sample], Features, float]:
    loaded = checkpoint.load("tiny-base")
    samples = caption_samples(read_records(squares), loaded.prompter, 1)
    features = Features(folder, images_needed(samples))
    features.make(loaded.model, loaded.processor, ImageStore(squares / "images"))
    model: Any = loaded.model
    fold_standardisation(model.model.multi_modal_projector, *features.statistics())
    words = model.get_input_embeddings().weight
    loss = prealign(model.model.multi_modal_projector, words, samples, features, steps, seed)
    return model, samples, features, loss


def hits(model: Any, samples: list[Sample], features: Features) -> int:
    """Of the pictures, those whose mean token is nearest to a word of their own caption alone."""
    words = model.get_input_embeddings().weight.detach()
    learned = [{t for t, mark in zip(s.ids, s.target, strict=True) if mark} for s in samples]
    counts = Counter(token for tokens in learned for token in tokens)
    rare = sorted(token for token, count in counts.items() if count == 1)
    centre = words[rare].mean(0)
    with torch.no_grad():
        seen = model.model.multi_modal_projector(features.take([s.images[0] for s in samples])).mean(1)
    alike = functional.cosine_similarity((seen - centre)[:, None], (words[rare] - centre)[None], dim=-1)
    return sum(rare[int(row.argmax())] in own for row, own in zip(alike, learned, strict=True))


def test_pictures_come_near_their_own_words(tiny: Any, squares: Path, tmp_path: Path) -> None:
    few = started(squares, tmp_path / "few", 1)
    many = started(squares, tmp_path / "many", 150)
    assert many[3] < 0.7 * few[3]
    assert hits(*many[:3]) >= 3 > hits(*few[:3])


def test_it_repeats_and_touches_the_projector_alone(tiny: Any, squares: Path, tmp_path: Path) -> None:
    base = checkpoint.load("tiny-base").model.state_dict()
    one, two, other = (
        started(squares, tmp_path / name, 5, seed)[0].state_dict()
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert all(torch.equal(one[name], two[name]) for name in base)
    changed = {name for name in base if not torch.equal(one[name], base[name])}
    assert changed == {name for name in base if "multi_modal_projector" in name}
    assert not all(torch.equal(one[name], other[name]) for name in changed)


def test_a_killed_align_does_not_start_again_from_its_head_start(
    tiny: Any, squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bimedix2 import config, train
    from bimedix2.train import loop
    from bimedix2.train.step import Runner

    def recipe(name: str) -> train.Config:
        values = {
            "model": "tiny",
            "input": squares,
            "output": tmp_path / name,
            "stage": "align",
            "threads": 1,
        }
        more = {"row_tokens": 16, "variants": 2, "save_every": 2, "prealign_steps": 5}
        return config.build(train.Config, values | more)

    whole = train.run(recipe("whole"))
    answer, calls = Runner.answer, iter(range(10**6))

    def breaking(self: Runner, row: Any) -> Any:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return answer(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(Runner, "answer", breaking)
        with pytest.raises(KeyboardInterrupt):
            train.run(recipe("killed"))
    resumed = train.run(recipe("killed"))
    lines = [[line["loss"] for line in loop.read_log(folder / "log.jsonl")] for folder in (whole, resumed)]
    assert lines[0] == lines[1]
    assert (resumed / "projector.safetensors").read_bytes() == (whole / "projector.safetensors").read_bytes()
