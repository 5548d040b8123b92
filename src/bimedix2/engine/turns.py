"""Keys and values of earlier turns, so that a conversation's next turn reads only what is new in it."""

from dataclasses import dataclass, field
from typing import Any

from bimedix2.model.prompt import Encoded

TURNS = 2
"""Conversations that are kept."""


@dataclass
class Turn:
    """What a cache holds: the tokens whose keys and values it has, and the pictures behind image tokens."""

    images: tuple[str, ...]
    ids: list[int]
    cache: Any

    @property
    def whole(self) -> bool:
        """False where a pass over the model broke off, so that tokens and cache no longer agree."""
        return int(self.cache.get_seq_length()) == len(self.ids)


@dataclass
class Turns:
    """The latest conversations, oldest first."""

    kept: list[Turn] = field(default_factory=list)

    def recall(self, encoded: Encoded) -> Turn:
        """The longest earlier turn that this prompt begins with, cut to it and taken out; else an empty one.

        At least the prompt's last token is left to be read. Pictures are compared by content: equal image
        tokens may stand for different pictures.
        """
        from transformers import DynamicCache

        best, same = None, 0
        for turn in self.kept:
            # A picture whose tokens are cut away does not matter, but only equal beginnings are looked for.
            if turn.images == encoded.images[: len(turn.images)]:
                length = _common(turn.ids, encoded.ids[:-1])
                if length > same:
                    best, same = turn, length
        if best is None:
            return Turn(encoded.images, [], DynamicCache())
        self.kept.remove(best)
        if same < len(best.ids):
            best.cache.crop(same - len(best.ids))  # transformers takes how many to remove, negative
        return Turn(encoded.images, best.ids[:same], best.cache)

    def keep(self, turn: Turn) -> None:
        """Put a turn in as the newest; the oldest leaves."""
        if turn.ids and turn.whole:
            self.kept.append(turn)
            del self.kept[:-TURNS]


def _common(ours: list[int], theirs: tuple[int, ...]) -> int:
    """How many tokens two sequences begin with alike."""
    for number, (one, two) in enumerate(zip(ours, theirs, strict=False)):
        if one != two:
            return number
    return min(len(ours), len(theirs))
