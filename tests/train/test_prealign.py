"""The projector's head start: a picture's patches point at its caption's words, and nothing else moves."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bimedix2.train.features import Features
from bimedix2.train.packing import Sample
from bimedix2.train.prealign import CaptionWords, prealign

WORDS, WIDTH, DIMENSIONS, PATCHES = 12, 24, 16, 9
END = 0


def _caption(number: int, word: int) -> Sample:
    """An image token that is given, then a word of its own, a word of every caption, and the end."""
    return Sample(
        id=str(number),
        ids=(99, word, 1, END),
        target=(0, 1, 1, 1),
        images=(f"{number}#0",),
        shared=1,
        loss="answer",
    )


@pytest.fixture
def made(tmp_path: Path) -> tuple[Any, torch.Tensor, list[Sample], Features]:
    """Four kinds of pictures, eight of each, told apart by a direction in noise."""
    rng = np.random.default_rng(0)
    samples = [_caption(number, 2 + number % 4) for number in range(32)]
    features = Features(tmp_path, [sample.images[0] for sample in samples])
    kinds = rng.normal(size=(4, DIMENSIONS))
    features._array = np.stack(
        [kinds[n % 4] + 0.5 * rng.normal(size=(PATCHES, DIMENSIONS)) for n in range(32)]
    )
    torch.manual_seed(0)
    projector = torch.nn.Sequential(
        torch.nn.Linear(DIMENSIONS, 32), torch.nn.GELU(), torch.nn.Linear(32, WIDTH)
    )
    return projector, torch.randn(WORDS, WIDTH), samples, features


def _named(projector: Any, embeddings: torch.Tensor, samples: list[Sample], features: Features) -> float:
    """Share of pictures whose mean patch is nearest to the word of its own caption."""
    with torch.no_grad():
        out = projector(features.take([s.images[0] for s in samples])).mean(1)
        out, words = out - embeddings[2:6].mean(0), embeddings[2:6] - embeddings[2:6].mean(0)
        nearest = (torch.nn.functional.normalize(out) @ torch.nn.functional.normalize(words).T).argmax(1)
    return float((nearest == torch.tensor([s.ids[1] - 2 for s in samples])).float().mean())


def test_pictures_point_at_their_own_words(made: Any) -> None:
    projector, embeddings, samples, features = made
    assert _named(projector, embeddings, samples, features) < 0.7
    before = embeddings.clone()
    prealign(projector, CaptionWords(embeddings, samples, features, 0), 150)
    assert _named(projector, embeddings, samples, features) == 1.0
    assert torch.equal(embeddings, before)


def test_the_same_seed_trains_the_same(made: Any) -> None:
    projector, *rest = made
    twins = [copy.deepcopy(projector) for _ in range(3)]
    losses = [
        prealign(twin, CaptionWords(*rest, seed), 5) for twin, seed in zip(twins, (3, 3, 4), strict=True)
    ]
    assert losses[0] == losses[1] != losses[2]
    for one, other in zip(twins[0].parameters(), twins[1].parameters(), strict=True):
        assert torch.equal(one, other)


def test_words_that_every_caption_has_are_no_target(made: Any) -> None:
    """The patches are as long as words are, and no closer to the common word than to any other."""
    projector, embeddings, samples, features = made
    prealign(projector, CaptionWords(embeddings, samples, features, 0), 600)
    centre = embeddings[2:6].mean(0)
    with torch.no_grad():
        out = projector(features.take([s.images[0] for s in samples])) - centre
    length = (embeddings[2:6] - centre).norm(dim=1).mean()
    assert abs(float(out.norm(dim=-1).mean() / length) - 1) < 0.25
    common = torch.nn.functional.cosine_similarity(out.mean(1), (embeddings[1] - centre)[None])
    assert float(common.max()) < 0.6


def _apart(projector: Any, samples: list[Sample], features: Features, centre: torch.Tensor) -> float:
    """Cosine of pictures of one kind with each other, less that with other kinds."""
    with torch.no_grad():
        out = projector(features.take([s.images[0] for s in samples])).mean(1) - centre
        out = torch.nn.functional.normalize(out, dim=-1)
    same = torch.tensor([[a.ids[1] == b.ids[1] for b in samples] for a in samples])
    cosines = out @ out.T
    return float(cosines[same].mean() - cosines[~same].mean())


def test_kinds_are_told_apart_where_their_words_are_alike(made: Any) -> None:
    """Of four kinds of pictures two share one word and two the other."""
    projector, embeddings, samples, features = made
    kinds = [str(number % 4) for number in range(len(samples))]
    alike = [dataclasses.replace(s, ids=(99, 2 + n % 2, 1, END)) for n, s in enumerate(samples)]
    gained = []
    for given in ([], kinds):
        twin = copy.deepcopy(projector)
        words = CaptionWords(embeddings, alike, features, 0, given)
        prealign(twin, words, 150)
        gained.append(_apart(twin, samples, features, words.centre))
    assert gained[1] > gained[0] + 0.1


def test_a_kind_of_one_picture_is_no_number_that_breaks_the_loss(made: Any) -> None:
    projector, embeddings, samples, features = made
    kinds = [f"alone {sample.id}" for sample in samples]
    loss = CaptionWords(embeddings, samples, features, 0, kinds).loss(projector, 0)
    assert torch.isfinite(loss)
