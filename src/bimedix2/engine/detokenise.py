"""Token ids to text while they come: whole characters only, and nothing of a stop string."""

from collections.abc import Sequence
from typing import Any

BROKEN = "\N{REPLACEMENT CHARACTER}"
"""What a tokenizer writes for bytes that are no whole character yet."""


class Detokeniser:
    """Turns tokens into pieces of text whose concatenation is the answer.

    Args:
        tokenizer: with ``decode``.
        stop: strings that end the answer; they are not part of it.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._stop = tuple(s for s in stop if s)
        self._before: list[int] = []
        """The tokens of the last piece: some tokenizers write a word's space only after another word."""
        self._pending: list[int] = []
        self._held = ""
        self._text = ""
        self.stopped = False

    @property
    def text(self) -> str:
        """All that was handed out."""
        return self._text

    def push(self, token: int) -> str:
        """Take one token; return the text that is now certain, often nothing for Arabic's bytes."""
        self._pending.append(token)
        words = self._new_words()
        if not words or words.endswith(BROKEN):
            return ""
        self._before, self._pending = self._pending, []
        return self._release(words)

    def end(self) -> str:
        """Return what was held back for a character or a stop string that never came."""
        rest = self._release(self._new_words())
        self._pending = []
        if not self.stopped:
            rest += self._held
            self._text += self._held
        self._held = ""
        return rest

    def _new_words(self) -> str:
        before = self._decode(self._before)
        return self._decode(self._before + self._pending)[len(before) :]

    def _decode(self, tokens: list[int]) -> str:
        if not tokens:
            return ""
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def _release(self, words: str) -> str:
        if self.stopped:
            return ""
        text = self._held + words
        cut = min((text.find(s) for s in self._stop if s in text), default=-1)
        if cut >= 0:
            self.stopped = True
            out, self._held = text[:cut], ""
        else:
            keep = max((_overlap(text, s) for s in self._stop), default=0)
            out, self._held = text[: len(text) - keep], text[len(text) - keep :]
        self._text += out
        return out


def _overlap(text: str, stop: str) -> int:
    """How many of the text's last characters could begin ``stop``."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0
