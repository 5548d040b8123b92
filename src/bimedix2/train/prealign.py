"""Image tokens near captions' words: a head start for the projector, and what holds it there afterwards.

The language model reads a projected patch as if it were a word. Here each is drawn towards the embeddings of
its caption's words, which needs no pass through the language model, so some hundred steps cost a minute. From
a random projector ``align`` alone spends most of its steps on finding that direction; and left to the loss of
the answers alone it loses it again (docs/decisions.md).
"""

import math
import random
from collections import Counter, defaultdict
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
CHANCE = 1e-9
"""Added to the share of a picture's own kind, whose logarithm is taken."""


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


class CaptionWords:
    """The loss that draws image tokens towards their captions' words.

    It is the cross-entropy between a caption's words and the softmax over cosines of a projected patch with
    the words' embeddings, both seen from the words' mean, for each patch and for their mean; and the squared
    error of the patches' length, so that they are as long as words are.

    Where kinds are given, patches are also drawn towards pictures of their own kind and away from others (the
    supervised contrastive loss of arXiv 2004.11362, its sum inside the logarithm): captions of a head on CT
    and of one on MRI share most of their words, and words alone leave such pictures beside each other.

    Args:
        embeddings: of the language model: ``(V, E)``.
        samples: captions of one picture each.
        features: of their pictures.
        seed: of the draws; frequent captions are drawn less often.
        kinds: of the samples' pictures, such as ``ct head``; empty leaves kinds out.
    """

    def __init__(
        self,
        embeddings: torch.Tensor,
        samples: Sequence[Sample],
        features: Features,
        seed: int,
        kinds: Sequence[str] = (),
    ) -> None:
        vocabulary, shares = _words(samples)
        self.device = embeddings.device
        self.shares = shares.to(self.device)
        words = embeddings[torch.tensor(vocabulary, device=self.device)].detach().float()
        self.centre = words.mean(0)
        self.length = (words - self.centre).norm(dim=1).mean()
        self.directions = functional.normalize(words - self.centre, dim=1)
        times = Counter(sample.ids for sample in samples)
        self.weights = [times[sample.ids] ** -0.5 for sample in samples]
        self.samples, self.features, self.seed = samples, features, seed
        names = sorted(set(kinds))
        self.kinds = torch.tensor([names.index(kind) for kind in kinds], device=self.device)
        self.alike: dict[int, list[int]] = defaultdict(list)
        for row, kind in enumerate(self.kinds.tolist()):
            self.alike[kind].append(row)

    def loss(self, projector: Any, step: int) -> torch.Tensor:
        """Of ``BATCH`` pictures (nats), the same ones for the same step.

        Args:
            projector: maps ``(n, P, D)`` to ``(n, P, E)``.
            step: its number.
        """
        rng = random.Random(f"{self.seed}:prealign:{step}")
        rows = self._rows(rng)
        taken = self.features.take([self.samples[row].images[0] for row in rows]).to(self.device)
        patches = rng.sample(range(taken.shape[1]), min(PATCHES, taken.shape[1]))
        out = projector(taken[:, patches]) - self.centre
        wanted = self.shares[rows]
        each = _towards(out, wanted[:, None], self.directions)
        mean = _towards(out.mean(1), wanted, self.directions)
        loss: torch.Tensor = each + mean + (out.norm(dim=-1) / self.length - 1).square().mean()
        return loss + _apart(out, self.kinds[rows]) if len(self.kinds) else loss

    def _rows(self, rng: random.Random) -> list[int]:
        """``BATCH`` samples; where kinds are given the second half are of the kinds of the first."""
        everything = range(len(self.samples))
        if not len(self.kinds):
            return rng.choices(everything, self.weights, k=BATCH)
        rows = rng.choices(everything, self.weights, k=BATCH // 2)
        return rows + [rng.choice(self.alike[int(self.kinds[row])]) for row in rows]


def prealign(projector: Any, words: CaptionWords, steps: int) -> float:
    """Train the projector by Adam, in place; return the last loss (nats)."""
    optimiser = torch.optim.Adam(projector.parameters(), lr=RATE)
    loss = torch.zeros(())
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        loss = words.loss(projector, step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return float(loss.detach())


def _towards(out: torch.Tensor, wanted: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    logs = functional.log_softmax(SHARPNESS * functional.normalize(out, dim=-1) @ directions.T, dim=-1)
    return -(wanted * logs).sum(-1).mean()


def _apart(out: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
    """How far patches, and pictures' means, are from the means of other pictures of their kind (nats).

    Args:
        out: seen from the words' mean: ``(n, P, E)``.
        kinds: ``(n,)``.
    """
    means = functional.normalize(out.mean(1), dim=-1)
    points = torch.cat([functional.normalize(out, dim=-1), means[:, None]], dim=1)
    logits = SHARPNESS * torch.einsum("npe,me->npm", points, means)
    itself = torch.eye(len(kinds), dtype=torch.bool, device=out.device)[:, None]
    shares = functional.softmax(logits.masked_fill(itself, -torch.inf), dim=-1)
    same = (kinds[:, None] == kinds[None]) & ~itself[:, 0]
    own = (shares * same[:, None]).sum(-1)
    lonely = ~same.any(1)
    loss: torch.Tensor = -(own + CHANCE).log()[~lonely].mean() if not bool(lonely.all()) else 0 * own.sum()
    return loss
