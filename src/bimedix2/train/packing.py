"""Packing: many samples in one row of tokens, each blind to the others.

Samples that begin alike and show the same one image (the same system prompt and one image, asked several
questions) become one tree: the shared prefix stands once, and each sample's rest is a branch that sees the
prefix and itself, at the positions that it would have alone. What all samples of a row begin with before any
picture (the system turn) is the row's root: it stands once too, and every tree sees it. The numbers are those
of the separate sequences; what is shared is computed once.

Knows nothing about models or files.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np

Array = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Loss = Literal["answer", "keep", "keep_answer"]


@dataclass(frozen=True)
class Sample:
    """One tokenised conversation.

    Args:
        id: the record's id, for messages and logs.
        ids: token ids, image placeholders already expanded.
        target: per token, 1 where the token is the assistant's and is learned.
        images: per image in order, the key of its features.
        shared: how many leading tokens may be shared with other samples of equal ``images`` (up to the end of
            the first image; 0 when there is none).
        loss: ``answer`` learns the target tokens; ``keep`` holds the untrained model's distribution there,
            and ``keep_answer`` also how it weighs one answer against another.
    """

    id: str
    ids: tuple[int, ...]
    target: tuple[int, ...]
    images: tuple[str, ...] = ()
    shared: int = 0
    loss: Loss = "answer"

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.target):
            raise ValueError(f"{self.id}: {len(self.ids)} tokens and {len(self.target)} target marks")
        if self.target and self.target[0]:
            raise ValueError(f"{self.id}: nothing stands before the first token, so it cannot be learned")


@dataclass(frozen=True)
class Tree:
    """Samples over one shared prefix of ``prefix`` tokens (0: a sample alone)."""

    samples: tuple[Sample, ...]
    prefix: int

    @property
    def tokens(self) -> int:
        """Tokens that are computed."""
        return self.prefix + sum(len(sample.ids) - self.prefix for sample in self.samples)


@dataclass(frozen=True)
class Segment:
    """Where a tree stands in a packed row: its start, its prefix length and its branches' lengths.

    The row's root is not counted: a tree's own tokens begin after it.
    """

    start: int
    prefix: int
    branches: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.start + self.prefix + sum(self.branches)


@dataclass(frozen=True)
class Packed:
    """One packed row of ``T`` tokens, whose first ``root`` every segment sees.

    ``ids`` and ``positions`` have shape ``(T,)``. ``predict`` holds the rows whose next token is learned,
    ``labels`` those tokens, ``owner`` the sample (its number in ``samples``) of each; all of shape ``(A,)``.
    ``image_rows`` are the rows of image tokens, those of the ``I`` images in ``images`` one after the other,
    and ``image_tokens`` the number of each among the ``I * n`` tokens of these images; both ``(P,)``.
    """

    ids: Array
    positions: Array
    segments: tuple[Segment, ...]
    predict: Array
    labels: Array
    owner: Array
    images: tuple[str, ...]
    image_rows: Array
    image_tokens: Array
    samples: tuple[Sample, ...]
    root: int = 0


def plant(samples: Iterable[Sample], most: int) -> list[Tree]:
    """Group samples into trees of at most ``most`` branches, in the order in which their prefixes appear.

    Only samples whose first ``shared`` tokens and whose images are all equal meet in a tree; one with several
    images, or with none, stands alone.
    """
    groups: dict[tuple[object, ...], list[Sample]] = {}
    for number, sample in enumerate(samples):
        sharable = sample.shared and len(sample.images) == 1
        key = (sample.images, sample.ids[: sample.shared], sample.loss) if sharable else (number,)
        groups.setdefault(key, []).append(sample)
    trees = []
    for group in groups.values():
        for start in range(0, len(group), most):
            part = tuple(group[start : start + most])
            trees.append(Tree(part, part[0].shared if len(part) > 1 else 0))
    return trees


def fill(trees: Sequence[Tree], budget: int) -> list[list[Tree]]:
    """Put trees into rows of at most ``budget`` tokens, in order; a tree over the budget has its own row."""
    rows: list[list[Tree]] = []
    used = budget + 1
    for tree in trees:
        if used + tree.tokens > budget:
            rows.append([])
            used = 0
        rows[-1].append(tree)
        used += tree.tokens
    return rows


@dataclass
class _Row:
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    predict: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    image_rows: list[int] = field(default_factory=list)


ROOT = 8
"""A shorter common beginning is not worth its place in every attention call."""


def common(trees: Sequence[Tree], image_token: int) -> int:
    """How many tokens all samples of a row begin with alike, before any picture and any learned token."""
    samples = [sample for tree in trees for sample in tree.samples]
    if len(trees) < 2:
        return 0
    first = samples[0]
    length = 0
    for place in zip(*(sample.ids[:-1] for sample in samples), strict=False):
        learned = any(sample.target[length] for sample in samples)
        if learned or place[0] == image_token or any(token != first.ids[length] for token in place):
            break
        length += 1
    return length if length >= ROOT else 0


def pack(trees: Sequence[Tree], image_token: int, *, share: bool = True) -> Packed:
    """Lay trees into one row.

    Args:
        trees: what goes into the row.
        image_token: the id of an expanded image placeholder.
        share: let what all of them begin with stand once.

    Raises:
        ValueError: a sample's image tokens do not divide among its images.
    """
    row = _Row()
    segments: list[Segment] = []
    samples: list[Sample] = []
    root = common(trees, image_token) if share else 0
    row.ids += trees[0].samples[0].ids[:root]
    row.positions += range(root)
    for tree in trees:
        start = len(row.ids)
        first = tree.samples[0]
        # A shared prefix ends with its picture, so it is longer than the root.
        prefix = first.ids[root : tree.prefix]
        row.ids += prefix
        row.positions += range(root, root + len(prefix))
        if prefix:
            _note_images(row, first, prefix, range(start, start + len(prefix)), image_token)
        done = root + len(prefix)
        before = len(row.ids) - 1 if prefix else root - 1
        for sample in tree.samples:
            _add_branch(row, sample, done, before, len(samples), image_token)
            samples.append(sample)
        segments.append(Segment(start, len(prefix), tuple(len(s.ids) - done for s in tree.samples)))
    return Packed(
        ids=np.array(row.ids, np.int64),
        positions=np.array(row.positions, np.int64),
        segments=tuple(segments),
        predict=np.array(row.predict, np.int64),
        labels=np.array(row.labels, np.int64),
        owner=np.array(row.owner, np.int64),
        images=tuple(row.images),
        image_rows=np.array(row.image_rows, np.int64),
        image_tokens=np.arange(len(row.image_rows)),
        samples=tuple(samples),
        root=root,
    )


def _add_branch(row: _Row, sample: Sample, done: int, before: int, number: int, image_token: int) -> None:
    """Add what follows a sample's first ``done`` tokens, the last of which stands in row ``before``."""
    base = len(row.ids)
    rest = sample.ids[done:]
    row.ids += rest
    row.positions += range(done, len(sample.ids))
    for offset in range(len(rest)):
        if sample.target[done + offset]:
            row.predict.append(base + offset - 1 if offset else before)
            row.labels.append(rest[offset])
            row.owner.append(number)
    if image_token in rest:
        _note_images(row, sample, rest, range(base, base + len(rest)), image_token)


def _note_images(row: _Row, sample: Sample, ids: Sequence[int], rows: range, image_token: int) -> None:
    where = [rows[i] for i, token in enumerate(ids) if token == image_token]
    if not sample.images or len(where) % len(sample.images):
        raise ValueError(f"{sample.id}: {len(where)} image tokens for {len(sample.images)} images")
    row.images += sample.images
    row.image_rows += where


def thin(row: Packed, most: float, seed: Sequence[int]) -> Packed:
    """Leave out part of each picture's tokens (patch dropout, Liu et al. 2022); the rest keeps its place.

    Args:
        row: a packed row, whole.
        most: the largest share that is left out; the share of each picture is drawn between 0 and this.
        seed: of the draw.
    """
    draw = np.random.default_rng(seed)
    kept = np.ones(len(row.ids), np.bool_)
    width = len(row.image_rows) // max(1, len(row.images))
    for number in range(len(row.images)):
        out = draw.permutation(width)[: int(draw.uniform(0, most) * width)]
        kept[row.image_rows[number * width + out]] = False
    place = np.cumsum(kept) - 1
    segments = []
    for old in row.segments:
        edges = old.start + np.cumsum([0, old.prefix, *old.branches])
        lengths = [int(kept[a:b].sum()) for a, b in pairwise(edges)]
        segments.append(Segment(int(kept[: old.start].sum()), lengths[0], tuple(lengths[1:])))
    stays = kept[row.image_rows]
    return replace(
        row,
        ids=row.ids[kept],
        positions=row.positions[kept],
        segments=tuple(segments),
        predict=place[row.predict],
        image_rows=place[row.image_rows[stays]],
        image_tokens=row.image_tokens[stays],
    )


def allowed(segment: Segment) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """Who sees whom inside a segment: ``(n, n)``, row sees column; causal, never across branches."""
    lengths = (segment.prefix, *segment.branches)
    branch = np.repeat(np.arange(len(lengths)), lengths)
    causal = np.tri(len(branch), dtype=np.bool_)
    mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = causal & (
        (branch[None, :] == 0) | (branch[None, :] == branch[:, None])
    )
    return mask


def rows_of(
    samples: Sequence[Sample], budget: int, most: int, image_token: int, *, share: bool = True
) -> Iterator[Packed]:
    """Plant, fill and pack in one go."""
    for trees in fill(plant(samples, most), budget):
        yield pack(trees, image_token, share=share)
