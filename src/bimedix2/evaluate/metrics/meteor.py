"""METEOR of one pair of texts, by NLTK (Banerjee and Lavie 2005; alpha 0.9, beta 3, gamma 0.5).

Stems and synonyms are English; of an Arabic text equal words alone match. NLTK needs two sets of data, which
it does not bring: ``punkt_tab`` and WordNet 3.0. They are looked for where NLTK looks (``NLTK_DATA``,
``~/nltk_data``, ...) and in this package's cache, where ``nltk_data.py`` puts them.
"""

from collections.abc import Callable
from typing import Any

from bimedix2.errors import MissingExtra, ModelError
from bimedix2.evaluate.metrics.nltk_data import data_folder

NEEDED = {"punkt_tab": "tokenizers/punkt_tab/english", "wordnet": "corpora/wordnet"}
HOW = (
    "run: python -m bimedix2.evaluate.metrics.nltk_data, or with a way to NLTK's own server: "
    "python -m nltk.downloader punkt_tab wordnet"
)


class Meteor:
    """NLTK with its data found.

    Raises:
        MissingExtra: NLTK is not installed.
        ModelError: its data is not here; says how to get it.
    """

    def __init__(self) -> None:
        try:
            import nltk
            from nltk.corpus import wordnet
            from nltk.tokenize import word_tokenize
            from nltk.translate.meteor_score import meteor_score
        except ImportError:
            raise MissingExtra("nltk", "evaluate") from None
        own = str(data_folder())
        if own not in nltk.data.path:
            nltk.data.path.append(own)
        absent = [name for name, path in NEEDED.items() if not _found(nltk, path)]
        if absent:
            raise ModelError(f"METEOR needs NLTK's {' and '.join(absent)}; {HOW}")
        try:
            wordnet.ensure_loaded()
        except (LookupError, OSError, ValueError) as error:
            raise ModelError(f"NLTK's WordNet is not whole ({str(error).strip()[:120]}); {HOW}") from error
        self._words: Callable[[str], list[str]] = word_tokenize
        self._score: Callable[..., float] = meteor_score

    def __call__(
        self, reference: str, hypothesis: str, words: Callable[[str], list[str]] | None = None
    ) -> float:
        """Score one pair.

        Args:
            reference: the text that is right.
            hypothesis: the text to score.
            words: the tokeniser; NLTK's for English when left out.
        """
        part = words or self._words
        return float(self._score([part(reference)], part(hypothesis)))


def _found(nltk: Any, path: str) -> bool:
    for candidate in (path, f"{path}.zip"):
        try:
            nltk.data.find(candidate)
        except LookupError:
            continue
        return True
    return False
