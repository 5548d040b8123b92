"""Log-likelihoods of token sequences: a context is read once, with all that may continue it, in one pass.

Knows nothing about text, templates or tasks. The numbers are those of a plain pass over each context with
each continuation: the options of a question are branches that see the context and themselves, at the
positions that they would have alone; and what the contexts of many questions begin with (the examples of a
few-shot prompt, a system turn) is read once for all of them. The image token, which the engine never writes,
counts in the vocabulary here, as it does for other programs.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from bimedix2.errors import DataError
from bimedix2.llm.backend import Loglikelihood

Tokens = tuple[int, ...]

ROWS = 8
"""Questions that are read together, where the caller says nothing else."""
READ = 512
"""Most tokens of a pass on a processor, unless one question has more: what goes from layer to layer then
stays in its cache (nano, prompts of 370 tokens: 7.5 s where passes of eight questions took 10.8 s)."""
HEAD = 512
"""Most positions whose logits over the whole vocabulary are held together."""
BEGINNINGS = (512, 128, 32, 12)
"""Lengths of a beginning by which contexts are brought together, the longest first."""
SHARERS = 4
"""A beginning is read apart from so many contexts on."""


@dataclass
class Tree:
    """A context and what may continue it; ``asked``: continuation -> numbers of the pairs that ask for it."""

    context: Tokens
    asked: dict[Tokens, list[int]] = field(default_factory=dict)

    def width(self, shared: int) -> int:
        """Tokens that are read after the first ``shared``: nobody needs what follows a last token."""
        return len(self.context) - shared + sum(len(branch) - 1 for branch in self.asked)


def plant(pairs: Sequence[tuple[Tokens, Tokens]]) -> list[Tree]:
    """Bring the continuations of equal contexts together.

    Raises:
        DataError: a context or a continuation is empty.
    """
    trees: dict[Tokens, Tree] = {}
    for number, (context, continuation) in enumerate(pairs):
        if not context or not continuation:
            raise DataError("an empty context or continuation has no likelihood; give at least one token")
        tree = trees.setdefault(context, Tree(context))
        tree.asked.setdefault(continuation, []).append(number)
    return list(trees.values())


def families(trees: Sequence[Tree]) -> list[tuple[int, list[Tree]]]:
    """Trees that begin alike, with the number of tokens that they share; the rest share none."""
    left, out = list(trees), []
    for length in BEGINNINGS:
        alike: dict[Tokens, list[Tree]] = {}
        for tree in left:
            if len(tree.context) > length:
                alike.setdefault(tree.context[:length], []).append(tree)
        kept = [group for group in alike.values() if len(group) >= SHARERS]
        out += [(_shared(group), group) for group in kept]
        taken = {id(tree) for group in kept for tree in group}
        left = [tree for tree in left if id(tree) not in taken]
    if left:
        out.append((0, left))
    return out


def _shared(group: Sequence[Tree]) -> int:
    """How many tokens all begin with; at least one of each is left to be read with its branches."""
    low, high = min(tree.context for tree in group), max(tree.context for tree in group)
    same = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return min(same, min(len(tree.context) for tree in group) - 1)


class Scorer:
    """Scores continuations with one language model.

    Args:
        language: the decoder, without its head.
        head: from its last states to logits.
        rows: questions that are read together.
    """

    def __init__(self, language: Any, head: Any, rows: int = ROWS) -> None:
        self._language = language
        self._head = head
        self._rows = rows
        self._device = next(language.parameters()).device

    def score(self, pairs: Sequence[tuple[Tokens, Tokens]]) -> Iterator[tuple[int, Loglikelihood]]:
        """Yield ``(number of the pair, its likelihood)`` as soon as it is known, in no order.

        Args:
            pairs: ``(context, continuation)``, each of at least one token.

        Raises:
            DataError: one of them is empty.
        """
        for shared, group in families(plant(pairs)):
            group.sort(key=lambda tree: tree.width(shared), reverse=True)  # the most memory first
            with torch.inference_mode():
                beginning = self._read(group[0].context[:shared]) if shared else None
            while group:
                part, group = self._pass(group, shared)
                with torch.inference_mode():
                    found = self._batch(part, shared, beginning)
                yield from found

    def _pass(self, group: list[Tree], shared: int) -> tuple[list[Tree], list[Tree]]:
        """The next trees to read together, and the rest; the first is the widest."""
        count = self._rows
        if self._device.type == "cpu":
            count = min(count, max(1, READ // group[0].width(shared)))
        return group[:count], group[count:]

    def _read(self, tokens: Tokens) -> Any:
        """Keys and values of a beginning."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self._language.config)
        ids = torch.tensor([tokens], device=self._device)
        self._language(input_ids=ids, past_key_values=cache, use_cache=True)
        return cache

    def _batch(self, trees: Sequence[Tree], shared: int, beginning: Any) -> list[tuple[int, Loglikelihood]]:
        width = max(tree.width(shared) for tree in trees)
        ids = torch.zeros(len(trees), width, dtype=torch.long)
        positions = torch.zeros(len(trees), width, dtype=torch.long)
        blind: list[tuple[int, int, int, int]] = []
        wanted: list[
            tuple[int, int, int]
        ] = []  # row, place whose state is read, the token that should follow
        spans: list[tuple[list[int], int, int]] = []  # numbers of pairs, from where to where in ``wanted``
        for row, tree in enumerate(trees):
            here = len(tree.context) - shared
            ids[row, :here] = torch.tensor(tree.context[shared:])
            positions[row, :here] = torch.arange(shared, len(tree.context))
            last, start = here - 1, here
            for branch, numbers in tree.asked.items():
                end = start + len(branch) - 1
                ids[row, start:end] = torch.tensor(branch[:-1])
                positions[row, start:end] = torch.arange(len(branch) - 1) + len(tree.context)
                blind.append((row, start, end, here))
                places = [last, *range(start, end)]
                spans.append((numbers, len(wanted), len(wanted) + len(branch)))
                wanted += [(row, place, token) for place, token in zip(places, branch, strict=True)]
                start = end
        cache = None
        if beginning is not None:
            cache = copy.deepcopy(beginning)
            cache.batch_repeat_interleave(len(trees))
        states = self._language(
            input_ids=ids.to(self._device),
            attention_mask=self._mask(len(trees), width, shared, blind),
            position_ids=positions.to(self._device),
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
        logs, greedy = self._follow(states, wanted)
        return [
            (number, Loglikelihood(float(logs[low:high].sum()), high - low, bool(greedy[low:high].all())))
            for numbers, low, high in spans
            for number in numbers
        ]

    def _mask(
        self, rows: int, width: int, shared: int, blind: Sequence[tuple[int, int, int, int]]
    ) -> torch.Tensor | None:
        """What may be seen, added to the attention's scores, ``(rows, 1, width, shared + width)``.

        ``None`` where every token sees all before it, which needs no mask and is faster. Padding stands to
        the right, where nothing that is read can see it.

        Args:
            blind: row, the first token of a branch and the one after its last, and the first token that it
                must not see; from there to its own first.
        """
        if not shared and not any(first > hidden for _, first, end, hidden in blind if end > first):
            return None
        dtype = next(self._language.parameters()).dtype
        seen = torch.ones(rows, 1, width, shared + width).tril(shared).bool()
        for row, first, end, hidden in blind:
            seen[row, 0, first:end, shared + hidden : shared + first] = False
        mask = torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)
        return mask.to(self._device)

    def _follow(
        self, states: torch.Tensor, wanted: Sequence[tuple[int, int, int]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probability of each wanted token after its state, and whether it was the likeliest, ``(n,)``.

        The options of a question begin after one and the same state, whose logits are made once.
        """
        places = list(dict.fromkeys((row, place) for row, place, _ in wanted))
        at = {place: number for number, place in enumerate(places)}
        rows = torch.tensor([at[row, place] for row, place, _ in wanted])
        tokens = torch.tensor([token for _, _, token in wanted])
        logs, greedy = torch.empty(len(wanted)), torch.empty(len(wanted), dtype=torch.bool)
        for start in range(0, len(places), HEAD):
            part = places[start : start + HEAD]
            held = states[[row for row, _ in part], [place for _, place in part]]
            found = torch.log_softmax(self._head(held).float(), dim=-1).cpu()
            mine = (rows >= start) & (rows < start + len(part))
            local = rows[mine] - start
            logs[mine] = found[local, tokens[mine]]
            greedy[mine] = found.argmax(dim=-1)[local] == tokens[mine]
        return logs, greedy
