"""Features on disk are the tower's, and a killed pass goes on; standardisation folds into the projector."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bimedix2 import imaging, io
from bimedix2.model import checkpoint
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.train import features
from bimedix2.train.features import Features, feature_key, fold_standardisation, parse_key


def keys_of(squares: Path, variants: int) -> list[str]:
    images = sorted({part.image for record in read_records(squares) for part in record.images})
    return [feature_key(image, n) for image in images for n in range(variants)]


def test_features_are_what_the_checkpoint_will_see(tiny: Any, squares: Path, tmp_path: Path) -> None:
    """The projector's output on them equals Llava's own image features of the pixels."""
    loaded = checkpoint.load("tiny-base")
    store, keys = ImageStore(squares / "images"), keys_of(squares, 1)
    made = Features(tmp_path, keys)
    made.make(loaded.model, loaded.processor, store)
    pictures = [imaging.read(store.read(key[:64]), "x").image for key in keys]
    pixels = loaded.processor.image_processor(pictures, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        ours = loaded.model.model.multi_modal_projector(made.take(keys))
        theirs = loaded.model.model.get_image_features(pixel_values=pixels).pooler_output
    assert ours.shape == (4, loaded.prompter.image_tokens, 64)
    assert torch.allclose(ours, torch.stack(list(theirs)), atol=2e-3)
    assert not torch.allclose(ours[0], ours[1], atol=2e-2)


def test_what_is_done_is_not_done_again(tiny: Any, squares: Path, tmp_path: Path, monkeypatch: Any) -> None:
    loaded, store = checkpoint.load("tiny-base"), ImageStore(squares / "images")
    keys = keys_of(squares, 3)
    monkeypatch.setattr(features, "BATCH", 2)
    whole = Features(tmp_path / "whole", keys)
    whole.make(loaded.model, loaded.processor, store)
    half = tmp_path / "half"
    Features(half, keys).make(loaded.model, loaded.processor, store)
    array = np.lib.format.open_memmap(half / "features.npy", mode="r+")
    array[4:] = 0
    array[0] = 7  # a row that is done is trusted, not made again
    array.flush()
    io.write_json(half / "features.json", {**io.read_json(half / "features.json"), "done": 4})
    resumed = Features(half, keys)
    resumed.make(loaded.model, loaded.processor, store)
    assert torch.equal(resumed.take(keys[1:]), whole.take(keys[1:]))
    assert bool((resumed.take(keys[:1]) == 7).all())


def test_other_pictures_start_anew(tiny: Any, squares: Path, tmp_path: Path) -> None:
    loaded, store = checkpoint.load("tiny-base"), ImageStore(squares / "images")
    keys = keys_of(squares, 2)
    Features(tmp_path, keys).make(loaded.model, loaded.processor, store)
    turned = Features(tmp_path, keys[::-1])
    turned.make(loaded.model, loaded.processor, store)
    fresh = Features(tmp_path / "fresh", keys)
    fresh.make(loaded.model, loaded.processor, store)
    assert torch.equal(turned.take(keys), fresh.take(keys))


def test_standardisation_folds_into_the_first_layer() -> None:
    torch.manual_seed(0)
    projector = torch.nn.Module()
    projector.linear_1 = torch.nn.Linear(6, 5)
    x = torch.randn(40, 6) * torch.tensor([1, 10, 0.1, 3, 100, 1.0]) + 4
    mean, deviation = x.mean(0), x.std(0)
    wanted = projector.linear_1((x - mean) / deviation)
    fold_standardisation(projector, mean, deviation)
    assert torch.allclose(projector.linear_1(x), wanted, atol=1e-4)


def test_statistics_are_those_of_all_rows_and_tokens(tiny: Any, squares: Path, tmp_path: Path) -> None:
    loaded, keys = checkpoint.load("tiny-base"), keys_of(squares, 2)
    made = Features(tmp_path, keys)
    made.make(loaded.model, loaded.processor, ImageStore(squares / "images"))
    rows = made.take(keys).reshape(-1, 32)
    mean, deviation = made.statistics()
    assert torch.allclose(mean, rows.mean(0), atol=1e-4)
    assert torch.allclose(deviation, rows.std(0, unbiased=False), rtol=1e-3)


def test_a_key_says_what_it_was_made_of() -> None:
    for way in ("", "f", "s", "w"):
        assert parse_key(feature_key("f5" * 32, 11, way)) == ("f5" * 32, 11, way)
