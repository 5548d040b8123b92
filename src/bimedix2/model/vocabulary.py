"""More merges for a byte-level BPE tokenizer, so that Arabic, which it spells byte by byte, gets words.

A merge file has one merge a line, in the tokenizer's own alphabet (GPT-2's letters for bytes). Added merges
rank after the tokenizer's own and join Arabic bytes alone, so every text without Arabic is read as before.

    python -m bimedix2.model.vocabulary nano 2000 TEXTS.txt > src/bimedix2/model/arabic.merges

learns them from texts, one a line.
"""

import itertools
import json
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Merge = tuple[str, str]
SPACE = "Ġ"
"""How the alphabet writes the space before a word."""


def _alphabet() -> dict[str, int]:
    """GPT-2's letters and their bytes: printable ones stand for themselves, the others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(256 + n): b for n, b in enumerate(others)}


ALPHABET = _alphabet()


def is_arabic(piece: str) -> bool:
    """Whether a piece stands only in texts with letters U+0600 to U+06FF; it may begin with a space.

    Each of those letters is a first byte D8 to DB, which begins no other letter, and one from 80 to BF.
    """
    values = [ALPHABET[letter] for letter in piece.removeprefix(SPACE)]
    first = [0xD8 <= value <= 0xDB for value in values]
    return any(first) and all(
        is_first or 0x80 <= v <= 0xBF for is_first, v in zip(first, values, strict=True)
    )


def learn(tokenizer: "PreTrainedTokenizerBase", texts: Iterable[str], count: int) -> list[Merge]:
    """Learn up to ``count`` merges of Arabic pieces by byte-pair encoding, on top of the tokenizer's own.

    A word counts by the square root of how often it stands there, so that set phrases do not take all places.
    """
    backend: Any = tokenizer.backend_tokenizer
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(word for word, _ in backend.pre_tokenizer.pre_tokenize_str(text))
    words = [
        ([token.value for token in backend.model.tokenize(word)], math.sqrt(times))
        for word, times in sorted(seen.items())
        if is_arabic(word)
    ]
    merges: list[Merge] = []
    known = set(tokenizer.get_vocab())
    while len(merges) < count:
        pairs: dict[Merge, float] = {}
        for pieces, weight in words:
            for pair in itertools.pairwise(pieces):
                if pair[0] + pair[1] not in known:
                    pairs[pair] = pairs.get(pair, 0.0) + weight
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        known.add("".join(best))
        for pieces, _ in words:
            _join(pieces, best)
    return merges


def _join(pieces: list[str], pair: Merge) -> None:
    place = 0
    while place < len(pieces) - 1:
        if (pieces[place], pieces[place + 1]) == pair:
            pieces[place : place + 2] = ["".join(pair)]
        place += 1


def read_merges(name: str) -> list[Merge]:
    """The merges of a file: one of this package, or any by its absolute path.

    Raises:
        ModelError: a line is no merge of Arabic pieces.
    """
    file = Path(name) if Path(name).is_absolute() else files("bimedix2.model").joinpath(name)
    merges = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        parts = line.split(" ")
        known = len(parts) == 2 and all(parts) and set("".join(parts)) <= ALPHABET.keys()
        if not known or not is_arabic("".join(parts)):
            raise ModelError(f"{name} line {number} is no merge of two Arabic pieces; learn the file again")
        merges.append((parts[0], parts[1]))
    return merges


def extend(tokenizer: "PreTrainedTokenizerBase", merges: Sequence[Merge]) -> list[list[int]]:
    """Give a tokenizer a new token for each merge, in place; their ids go on from the vocabulary's end.

    Returns:
        For each new token, in order, the ids of the old tokens that spelled it.

    Raises:
        ModelError: the merges were learned on another tokenizer, or tokens stand where the new ones would.
    """
    from tokenizers import Tokenizer

    backend: Any = tokenizer.backend_tokenizer
    state = json.loads(backend.to_str())
    vocabulary, listed = state["model"]["vocab"], state["model"]["merges"]
    spelled: dict[str, list[int]] = {}
    for first, second in merges:
        whole = first + second
        if whole in vocabulary or first not in vocabulary or second not in vocabulary:
            raise ModelError(f"'{first} {second}' is no merge for this tokenizer; learn the file again on it")
        old = (spelled.get(piece, [vocabulary[piece]]) for piece in (first, second))
        spelled[whole] = [token for part in old for token in part]
        vocabulary[whole] = len(vocabulary)
        listed.append([first, second])
    if len(tokenizer) + len(merges) != len(vocabulary):
        raise ModelError(
            "the tokenizer has tokens beyond its vocabulary already; extend it before they are added"
        )
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(state))
    return list(spelled.values())


def written(piece: str) -> str:
    """A piece as people read it, a letter that is cut through left out."""
    return bytes(ALPHABET[letter] for letter in piece).decode("utf-8", "ignore")


def token_meanings(tokenizer: "PreTrainedTokenizerBase", pieces: Sequence[str]) -> list[list[int]]:
    """For each Arabic piece the ids of English tokens that mean it; none where that is not known.

    A piece that is a word, or its stem, has the word's meaning (see ``meanings.py``); one that only stands
    inside known words has theirs, every word once.
    """
    from bimedix2.model.meanings import listed, meaning

    def english(words: Iterable[str]) -> list[int]:
        text = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in words]
        return [int(token) for ids in text for token in ids]

    inside: dict[str, list[int]] = {piece: [] for piece in pieces}
    for word in sorted(set(listed())):
        for piece in tokenizer.tokenize(f" {word}"):
            if piece in inside:
                inside[piece] += english(meaning(word))
    return [english(meaning(written(piece).strip())) or inside[piece] for piece in pieces]


def main() -> None:
    """``python -m bimedix2.model.vocabulary PRESET COUNT FILE``."""
    from bimedix2.model.build import load_language
    from bimedix2.model.meanings import listed
    from bimedix2.model.presets import preset

    if len(sys.argv) != 4:
        print("usage: python -m bimedix2.model.vocabulary PRESET COUNT TEXTS.txt", file=sys.stderr)
        sys.exit(2)
    name, count, file = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        _, tokenizer = load_language(preset(name), Path(folder))
    # Words with a known meaning get tokens too, though no text may show them.
    for merge in learn(
        tokenizer, [*listed(), *Path(file).read_text(encoding="utf-8").splitlines()], int(count)
    ):
        print(*merge)


if __name__ == "__main__":
    main()
