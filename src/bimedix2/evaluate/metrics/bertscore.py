"""BERTScore (Zhang et al. 2020) as bert-score 0.3.13 computes it, with MultiMedEval's choices as defaults.

There the inverse document frequencies come from the hypotheses: a system that always says the same gives
every token weight 0, its precision is NaN and its F1 becomes 0. That is kept, and named in
``Scores.degenerate``.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bimedix2.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    import torch

HUB, LAYER = "distilroberta-base", 5
BASELINE = {"P": 0.84732, "R": 0.84759504, "F1": 0.8473319}
"""Of ``distilroberta-base``, layer 5, English: what unrelated sentences score."""
SHAPE = (6, 768, 50265)
"""Layers, width and vocabulary of ``distilroberta-base``: another encoder has another baseline."""
BATCH = 32

Idf = Literal["hypotheses", "references", "none"]


@dataclass(frozen=True)
class Scores:
    """Per pair, not rescaled. ``degenerate``: pairs whose precision or recall is NaN, so that F1 became 0."""

    precision: list[float]
    recall: list[float]
    f1: list[float]
    degenerate: list[int]


def rescaled(value: float, which: Literal["P", "R", "F1"] = "F1") -> float:
    """A score of ``distilroberta-base`` on the scale where unrelated sentences are 0 and equal ones 1."""
    baseline = BASELINE[which]
    return (value - baseline) / (1 - baseline)


class BertScore:
    """An encoder cut at one layer.

    Args:
        location: a hub id or a local folder of a RoBERTa or BERT model.
        layer: whose output is compared.

    Raises:
        MissingExtra: torch or transformers is not installed.
        ModelError: the weights cannot be had.
    """

    def __init__(self, location: str = HUB, layer: int = LAYER) -> None:
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError:
            raise MissingExtra("transformers", "model") from None
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(location)
            self._model: Any = AutoModel.from_pretrained(location, dtype="float32")
        except (OSError, ValueError) as error:
            raise ModelError(
                f"BERTScore's encoder '{location}' cannot be loaded ({str(error).splitlines()[0]}); give a "
                f"folder with {HUB} from the model hub: --scorer bertscore=FOLDER"
            ) from error
        shape = self._model.config
        self.usual = (shape.num_hidden_layers, shape.hidden_size, shape.vocab_size) == SHAPE
        layers = self._model.encoder.layer
        if len(layers) < layer:
            raise ModelError(f"'{location}' has {len(layers)} layers, BERTScore reads layer {layer}")
        self._model.encoder.layer = layers[:layer]
        self._model.eval()
        positions = self._model.config.max_position_embeddings - 2
        self._longest = min(int(self._tokenizer.model_max_length), positions)

    def _ids(self, text: str) -> tuple[int, ...]:
        """Token ids; a byte-level tokenizer sees a space before the first word, as inside a sentence."""
        words = text.strip()
        if words and self._model.config.model_type == "roberta":
            words = f" {words}"
        encoded = self._tokenizer(words, truncation=True, max_length=self._longest)
        return tuple(encoded["input_ids"])

    def _states(self, sequences: Sequence[tuple[int, ...]]) -> "dict[tuple[int, ...], torch.Tensor]":
        """Unit vectors of every token of every different sequence, short ones first."""
        import torch

        found: dict[tuple[int, ...], torch.Tensor] = {}
        ordered = sorted(set(sequences), key=lambda ids: (len(ids), ids))
        pad = self._tokenizer.pad_token_id
        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            width = max(len(ids) for ids in batch)
            padded = torch.tensor([[*ids, *[pad] * (width - len(ids))] for ids in batch])
            mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in batch])
            with torch.inference_mode():
                states = self._model(input_ids=padded, attention_mask=mask).last_hidden_state
            units = torch.nn.functional.normalize(states, dim=-1)
            found.update({ids: units[row, : len(ids)] for row, ids in enumerate(batch)})
        return found

    def _weights(self, documents: Sequence[tuple[int, ...]]) -> "_Idf":
        return _Idf(Counter(token for ids in documents for token in set(ids)), len(documents))

    def __call__(
        self, references: Sequence[str], hypotheses: Sequence[str], idf: Idf = "hypotheses"
    ) -> Scores:
        """Score pairs of texts.

        Args:
            references: the texts that are right.
            hypotheses: the texts to score.
            idf: whose documents weigh the tokens; ``hypotheses`` is MultiMedEval's.
        """
        import torch

        right = [self._ids(text) for text in references]
        ours = [self._ids(text) for text in hypotheses]
        states = self._states([*right, *ours])
        special = {self._tokenizer.cls_token_id, self._tokenizer.sep_token_id}
        weigh = _Idf(Counter(), 0, special)
        if idf != "none":
            weigh = self._weights(ours if idf == "hypotheses" else right)
        scores = Scores([], [], [], [])
        for number, (wanted, said) in enumerate(zip(right, ours, strict=True)):
            precision = recall = 0.0
            if len(wanted) > 2 and len(said) > 2:  # the two that every text has, or it is blank
                similar = states[said] @ states[wanted].T
                precision = float(similar.max(dim=1).values @ torch.tensor(weigh.shares(said)))
                recall = float(similar.max(dim=0).values @ torch.tensor(weigh.shares(wanted)))
            both = precision + recall
            f1 = 2 * precision * recall / both if both else 0.0
            if math.isnan(f1):
                scores.degenerate.append(number)
                f1 = 0.0
            scores.precision.append(precision)
            scores.recall.append(recall)
            scores.f1.append(f1)
        return scores


class _Idf:
    """Weights of tokens: log((N + 1) / (documents with the token + 1)), or 1 where there are no documents.

    Args:
        counts: in how many documents each token stands.
        documents: how many there are; 0 for equal weights.
        special: tokens of weight 0 where weights are equal; elsewhere they stand in every document.
    """

    def __init__(
        self, counts: Counter[int], documents: int, special: set[int] | frozenset[int] = frozenset()
    ) -> None:
        self._counts = counts
        self._documents = documents
        self._special = special

    def shares(self, ids: Sequence[int]) -> list[float]:
        """The weight of each token over the sum of all; NaN where every weight is 0."""
        if self._documents:
            weights = [math.log((self._documents + 1) / (self._counts[token] + 1)) for token in ids]
        else:
            weights = [0.0 if token in self._special else 1.0 for token in ids]
        total = sum(weights)
        return [weight / total if total else math.nan for weight in weights]
