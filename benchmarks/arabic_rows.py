"""What new Arabic tokens and their rows are worth before any training.

    python benchmarks/arabic_rows.py runs/nano/dataset

Is a held-out question nearest to its own type's? A question is the mean of its tokens' rows, seen from the
mean of all rows; of the five nearest training questions (cosine) the most frequent type is its type. Twice in
one run, on the same questions: rows that are the mean of the byte tokens that spelled them, and rows that
begin with their words' meaning, as the base has them. And how many tokens a character of Arabic takes.
"""

import json
import sys
from collections import Counter, defaultdict
from importlib import resources
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from bimedix2.model.build import ensure_base
from bimedix2.model.presets import preset
from bimedix2.model.vocabulary import read_merges
from bimedix2.records import Split
from bimedix2.records.store import read_records
from bimedix2.text.arabic import script

NEAREST = 5


def questions(dataset: Path, side: Split) -> dict[str, list[tuple[str, str]]]:
    """Language -> (type, question) of single questions, each once."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for record in read_records(dataset):
        if record.split is side and record.meta.get("form") == "single" and record.meta.get("type"):
            text = next(m.text for m in reversed(record.messages) if m.role == "user")
            found[script(text)].add((str(record.meta["type"]), text))
    return {language: sorted(pairs) for language, pairs in found.items()}


def accuracy(rows: torch.Tensor, tokenizer, known, asked) -> float:  # type: ignore[no-untyped-def]
    """The share of questions whose nearest neighbours are of their type."""
    middle = rows.mean(0)

    def place(text: str) -> torch.Tensor:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        return torch.nn.functional.normalize((rows[ids] - middle).mean(0), dim=0)

    places = torch.stack([place(text) for _, text in known])
    right = 0
    for kind, text in asked:
        near = (places @ place(text)).topk(NEAREST).indices.tolist()
        right += Counter(known[n][0] for n in near).most_common(1)[0][0] == kind
    return right / len(asked)


def tokens_a_character(tokenizer, texts: list[str]) -> float:  # type: ignore[no-untyped-def]
    """Of all texts together."""
    return sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts) / sum(
        map(len, texts)
    )


def main() -> None:
    """Print both accuracies in Arabic, and English's for comparison."""
    dataset = Path(sys.argv[1])
    base = ensure_base("nano")
    tokenizer = AutoTokenizer.from_pretrained(base)
    weights = load_file(base / "model.safetensors")
    meant = next(value for key, value in weights.items() if key.endswith("embed_tokens.weight")).float()
    spelled = meant.clone()
    vocabulary = tokenizer.get_vocab()
    bytes_of: dict[str, list[int]] = {}
    for first, second in read_merges(preset("nano").merges):
        bytes_of[first + second] = [t for p in (first, second) for t in bytes_of.get(p, [vocabulary[p]])]
        spelled[vocabulary[first + second]] = spelled[bytes_of[first + second]].mean(0)
    known, asked = questions(dataset, Split.TRAIN), questions(dataset, Split.TEST)
    for language in ("ar", "en"):
        print(f"{language}: {len(known[language])} training questions, {len(asked[language])} held out")
    for name, rows in (("mean of the bytes", spelled), ("the words' meaning", meant)):
        print(f"Arabic, {name}: {accuracy(rows, tokenizer, known['ar'], asked['ar']):.3f}")
    other = resources.files("bimedix2.evaluate.clinical").joinpath("data/pubmedqa_ar_50.jsonl")
    rows_of = [json.loads(line) for line in other.read_text(encoding="utf-8").splitlines()]
    texts = {
        "training questions": [text for _, text in known["ar"]],
        "held-out questions": [text for _, text in asked["ar"]],
        "PubMedQA, by hand": [
            v for row in rows_of for v in row.values() if isinstance(v, str) and script(v) == "ar"
        ],
    }
    for name, lines in texts.items():
        print(f"tokens a character, {name}: {tokens_a_character(tokenizer, lines):.2f}")
    print(f"English, the base's own rows: {accuracy(meant, tokenizer, known['en'], asked['en']):.3f}")


if __name__ == "__main__":
    main()
