"""The next token from its logits: greedy, or by temperature and nucleus."""

from typing import Any

import torch

from bimedix2.llm.backend import Sampling

LEAST = torch.finfo(torch.float32).tiny
"""A lower temperature is zero in float32, and nothing over it is a number."""


def generator(sampling: Sampling) -> "torch.Generator | None":
    """A generator of its own for a request that samples, so that its seed alone decides."""
    if sampling.temperature <= 0:
        return None
    made = torch.Generator()
    if sampling.seed is None:
        made.seed()
    else:
        made.manual_seed(sampling.seed)
    return made


def draw(logits: torch.Tensor, sampling: Sampling, rng: Any) -> int:
    """Return a token.

    Args:
        logits: ``(V,)``, suppressed tokens at minus infinity already.
        sampling: temperature 0 is greedy; ``top_p`` keeps the smallest set of tokens of at least that
            probability (nucleus sampling, Holtzman et al. 2020).
        rng: from ``generator``.
    """
    if rng is None:
        return int(logits.argmax())
    # From the highest one down: a tiny temperature then gives zeros, not infinities.
    above = (logits.float() - logits.max()) / max(sampling.temperature, LEAST)
    probability = torch.softmax(above, dim=-1)
    if sampling.top_p < 1:
        ordered, where = probability.sort(descending=True)
        before = ordered.cumsum(0) - ordered
        probability = torch.zeros_like(probability).scatter(
            0, where, torch.where(before < sampling.top_p, ordered, 0.0)
        )
    # On the processor, where the generator is: a seed draws the same tokens wherever the model computes.
    return int(torch.multinomial(probability.cpu(), 1, generator=rng))
