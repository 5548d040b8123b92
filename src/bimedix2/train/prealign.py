"""A head start for the projector, before the language model is asked: image tokens near captions' words.

The language model reads a projected patch as if it were a word. Here each is drawn towards the embeddings of
its caption's words, which needs no pass through the language model, so some hundred steps cost a minute. From
a random projector ``align`` alone spends most of its steps on finding that direction.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from bimedix2.train.features import Features
from bimedix2.train.packing import Sample

BATCH = 48
"""Pictures a step."""
PATCHES = 16
"""Patches of each that are looked at in a step, drawn anew."""
RATE = 1e-3
SHARPNESS = 12.0
"""Of the softmax over cosines."""


def _words(samples: Sequence[Sample]) -> tuple[list[int], torch.Tensor]:
    """The captions' vocabulary, and each caption's words as shares of it: ``(N, V)``.

    A word counts more the fewer captions have it (inverse document frequency).
    """
    said = [{t for t, learn in zip(s.ids, s.target, strict=True) if learn} for s in samples]
    documents = Counter(token for tokens in said for token in tokens)
    rarity = {token: math.log(len(samples) / count) for token, count in documents.items()}
    vocabulary = sorted(token for token, weight in rarity.items() if weight > 0.05)
    column = {token: number for number, token in enumerate(vocabulary)}
    shares = torch.zeros(len(samples), len(vocabulary))
    for row, tokens in enumerate(said):
        for token in tokens & column.keys():
            shares[row, column[token]] = rarity[token]
    return vocabulary, shares / shares.sum(1, keepdim=True).clamp(min=1e-6)


def prealign(
    projector: Any,
    embeddings: torch.Tensor,
    samples: Sequence[Sample],
    features: Features,
    steps: int,
    seed: int,
) -> float:
    """Train the projector, in place; return the last loss (nats).

    The loss is the cross-entropy between a caption's words and the softmax over cosines of a projected patch
    with the words' embeddings, both seen from the words' mean, for each patch and for their mean; and the
    squared error of the patches' length, so that they are as long as words are.

    Args:
        projector: maps ``(n, P, D)`` to ``(n, P, E)``.
        embeddings: of the language model: ``(V, E)``.
        samples: captions of one picture each.
        features: of their pictures.
        steps: of Adam, ``BATCH`` pictures each; frequent captions are drawn less often.
        seed: of the draw.
    """
    vocabulary, shares = _words(samples)
    words = embeddings[torch.tensor(vocabulary)].detach().float()
    centre = words.mean(0)
    length = (words - centre).norm(dim=1).mean()
    directions = functional.normalize(words - centre, dim=1)
    times = Counter(sample.ids for sample in samples)
    weights = [times[sample.ids] ** -0.5 for sample in samples]
    rng = random.Random(f"{seed}:prealign")
    optimiser = torch.optim.Adam(projector.parameters(), lr=RATE)
    loss = torch.zeros(())
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        rows = rng.choices(range(len(samples)), weights, k=BATCH)
        taken = features.take([samples[row].images[0] for row in rows])
        patches = rng.sample(range(taken.shape[1]), min(PATCHES, taken.shape[1]))
        out = projector(taken[:, patches]) - centre
        wanted = shares[rows]
        loss = _towards(out, wanted[:, None], directions) + _towards(out.mean(1), wanted, directions)
        loss = loss + (out.norm(dim=-1) / length - 1).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return float(loss.detach())


def _towards(out: torch.Tensor, wanted: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    logs = functional.log_softmax(SHARPNESS * functional.normalize(out, dim=-1) @ directions.T, dim=-1)
    return -(wanted * logs).sum(-1).mean()
