"""Attention over packed rows: each segment by itself, a tree's branches blind to each other.

Registered with transformers under ``NAME``; a forward pass hands the row's layout through as the keyword
``packed``. One scaled-dot-product call a segment costs the square of the segment's length, not of the row's.
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
    grouped = query.shape[1] != key.shape[1]

    def one(start: int, end: int, mask: torch.Tensor | None) -> torch.Tensor:
        keys, values = key[:, :, start:end], value[:, :, start:end]
        if root and start:
            keys = torch.cat([key[:, :, :root], keys], dim=2)
            values = torch.cat([value[:, :, :root], values], dim=2)
        return scaled_dot_product_attention(
            query[:, :, start:end],
            keys,
            values,
            attn_mask=mask,
            dropout_p=dropout,
            is_causal=mask is None,
            scale=scaling,
            enable_gqa=grouped,
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
