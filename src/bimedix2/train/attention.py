"""Attention over packed rows: each segment by itself, a tree's branches blind to each other.

Registered with transformers under ``NAME``; a forward pass hands the row's layout through as the keyword
``packed``. One attention call a segment costs the square of the segment's length, not of the row's.

On a processor torch's fused attention in bfloat16 has a backward pass many times as slow as the forward;
there short segments are weighed in plain matrix products, whose weights are kept
(``benchmarks/train_attention.py``).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from bimedix2.train.packing import Segment, allowed

NAME = "bimedix2_packed"
"""The ``attn_implementation`` of a model that reads packed rows."""
SHORT = 600
"""Tokens of the longest segment whose weights are kept; beyond, the fused attention is the faster one."""


class Weigh(torch.autograd.Function):
    """Attention in plain matrix products, as transformers' ``eager`` computes it.

    Heads that share their keys stand below each other: ``query`` is ``(K, R * n, D)`` for ``R`` heads a key
    head, ``key`` and ``value`` are ``(K, m, D)``, and ``bias``, 0 or minus infinity, is ``(R * n, m)``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        bias: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        scores = torch.baddbmm(bias.expand(len(key), -1, -1), query, key.transpose(1, 2), alpha=scale)
        weights = scores.softmax(-1)
        ctx.save_for_backward(query, key, value, weights)
        ctx.scale = scale
        return torch.bmm(weights, value)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, weights = ctx.saved_tensors
        (grad,) = grads
        of_value = torch.bmm(weights.transpose(1, 2), grad)
        of_weights = torch.bmm(grad, value.transpose(1, 2))
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_query = torch.bmm(of_scores, key).mul_(ctx.scale)
        of_key = torch.bmm(of_scores.transpose(1, 2), query).mul_(ctx.scale)
        return of_query, of_key, of_value, None, None


class Layout:
    """The masks of one row, made once and used by every layer.

    Args:
        segments: where each tree stands.
        device: of the masks.
        root: how many of the row's first tokens every segment sees.
    """

    def __init__(self, segments: Sequence[Segment], device: torch.device, root: int = 0) -> None:
        self.root = root
        self.spans: list[tuple[int, int, torch.Tensor | None]] = []
        for segment in segments:
            plain = segment.prefix == 0 and len(segment.branches) == 1 and not root
            mask = None
            if not plain:
                own = torch.from_numpy(allowed(segment)).to(device)
                mask = torch.cat([own.new_ones(len(own), root), own], dim=1)
            self.spans.append((segment.start, segment.end, mask))
        self._biases: dict[tuple[int, int], torch.Tensor] = {}

    def bias(self, start: int, end: int, mask: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
        """0 where a row of the span sees a column, else minus infinity, in the type of ``like``."""
        if (start, end) not in self._biases:
            seen = mask if mask is not None else like.new_ones(end - start, end - start).tril().bool()
            self._biases[start, end] = like.new_zeros(seen.shape).masked_fill_(~seen, float("-inf"))
        return self._biases[start, end]


def attend(
    _module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    packed: Layout | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of one layer over a packed row.

    Args:
        query: ``(1, H, T, D)``.
        key: ``(1, K, T, D)`` with ``H`` a multiple of ``K``; ``value`` alike.
        packed: the row's layout; without one the row is one causal sequence.

    Returns:
        ``(1, T, H, D)`` and no weights.
    """
    layout = packed or Layout((Segment(0, 0, (query.shape[2],)),), query.device)
    root = layout.root
    groups = query.shape[1] // key.shape[1]
    plain = query.dtype == torch.bfloat16 and query.device.type == "cpu" and torch.is_grad_enabled()

    def one(start: int, end: int, mask: torch.Tensor | None) -> torch.Tensor:
        keys, values = key[:, :, start:end], value[:, :, start:end]
        if root and start:
            keys = torch.cat([key[:, :, :root], keys], dim=2)
            values = torch.cat([value[:, :, :root], values], dim=2)
        if plain and not dropout and end - start <= SHORT:
            bias = layout.bias(start, end, mask, query).repeat(groups, 1)
            stacked = query[0, :, start:end].reshape(key.shape[1], groups * (end - start), -1)
            scale = query.shape[-1] ** -0.5 if scaling is None else scaling
            seen = Weigh.apply(stacked, keys[0], values[0], bias, scale)  # type: ignore[no-untyped-call]
            return seen.view(1, query.shape[1], end - start, -1)  # type: ignore[no-any-return]
        return scaled_dot_product_attention(
            query[:, :, start:end],
            keys,
            values,
            attn_mask=mask,
            dropout_p=dropout,
            is_causal=mask is None,
            scale=scaling,
            enable_gqa=groups > 1,
        )

    parts = [one(0, root, None)] if root else []
    parts += [one(*span) for span in layout.spans]
    return torch.cat(parts, dim=2).transpose(1, 2), None


def _no_mask(*_: Any, **__: Any) -> None:
    """The layout holds the masks; transformers builds none."""


def register() -> str:
    """Make ``NAME`` known to transformers; return it. Calling it again changes nothing."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, _no_mask)
    return NAME
