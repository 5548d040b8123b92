"""Scores of reports: every metric a column of numbers, one a pair, and its mean.

``compat`` gives MultiMedEval 1.0.0's numbers under its keys. ``arabic`` is ours: the same formulas on words
whose spelling is folded, since torchmetrics' ROUGE sees no word in an Arabic text; what reads English alone
is then unavailable. A metric that cannot be had is ``None`` with a sentence that says how to get it, never 0.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from bimedix2.errors import BiMediX2Error, BudgetError, DataClassError, EndpointError
from bimedix2.evaluate.metrics import pooled, radcliq, vqa_arabic
from bimedix2.evaluate.metrics.lexical import ascii_words, bleu, rouge
from bimedix2.evaluate.metrics.pairs import Pair

Mode = Literal["compat", "arabic"]
Column = list[float | None]


class Judge(NamedTuple):
    """Who judged, for a signature: model, prompts and canaries; and where."""

    name: str
    host: str


class Scored(NamedTuple):
    """What a scorer gives.

    ``columns`` by key; ``notes`` qualify them; ``details``: what numbers of all pairs together come from
    (``pooled``), which also gives columns; ``unavailable``: key -> how to get what this scorer could not
    give; ``partial``: why its numbers are no whole result; ``judge``: who was asked.
    """

    columns: dict[str, Column]
    notes: Sequence[str] = ()
    details: Mapping[str, pooled.Details] = {}
    unavailable: Mapping[str, str] = {}
    partial: Sequence[str] = ()
    judge: Judge | None = None


Scorer = Callable[[Sequence[str], Sequence[str]], Scored]
"""Of references and hypotheses."""

LEXICAL = ("bleu1", "bleu2", "bleu4", "rougeL", "rouge1")
RADCLIQ = ("radcliq", "radcliq_v0")
RADGRAPH, BERTSCORE, RESCALED = "f1-radgraph", "f1-bertscore", "bertscore-rescaled"
LEVELS = {"simple": "f1-radgraph-simple", "partial": RADGRAPH, "complete": "f1-radgraph-complete"}
"""Reward level of RadGraph -> key; MultiMedEval's is the partial one."""
RADGRAPH_RADCLIQ = "radgraph_radcliq"
"""The mean of entity and relation F1, which RadCliQ was made with; MultiMedEval's has the partial reward."""
CHEXBERT = "CheXBert vector similarity"


@dataclass(frozen=True)
class Report:
    """Columns by key; ``unavailable``: key -> how to get what has no column; the others as of ``Scored``."""

    columns: dict[str, Column] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    details: dict[str, pooled.Details] = field(default_factory=dict)
    partial: list[str] = field(default_factory=list)
    judges: list[Judge] = field(default_factory=list)

    def values(self) -> dict[str, float | None]:
        """The mean of each column, over the pairs that have a value (``None`` if none has), and what is no
        mean of a column."""
        means: dict[str, float | None] = {}
        for key, column in self.columns.items():
            found = [value for value in column if value is not None]
            means[key] = sum(found) / len(found) if found else None
        return {**means, **pooled.values(self.details), **dict.fromkeys(self.unavailable)}

    def add(self, keys: Sequence[str], score: Callable[[], Scored]) -> None:
        """Add what ``score`` gives, or why it cannot be had.

        Raises:
            EndpointError: a judge cannot be reached; give the same command again.
            BudgetError: its next request could cost more than is left.
            DataClassError: the reports may not be sent to it.
        """
        try:
            found = score()
        except (BudgetError, DataClassError, EndpointError):
            raise
        except BiMediX2Error as error:
            self.unavailable.update(dict.fromkeys(keys, str(error)))
            return
        for key, column in found.columns.items():
            self.columns[key] = [None if one is None or not math.isfinite(one) else one for one in column]
            lost = sum(one is not None and not math.isfinite(one) for one in column)
            if lost:
                said = f"{key}: {lost} of {len(column)} pairs have a value that is no number (NaN)"
                self.partial.append(f"{said} and are in no mean; check the scorer's weights")
        for name, details in found.details.items():
            self.columns.update(pooled.columns(name, details))
            self.details[name] = details
        self.notes.extend(found.notes)
        self.unavailable.update(found.unavailable)
        self.partial.extend(found.partial)
        self.judges.extend([found.judge] if found.judge else [])


def arabic_words(text: str) -> list[str]:
    """Words as the Arabic mode compares them: folded, digits of one script, decimals whole."""
    return vqa_arabic.clean(text).split()


def lexical(pairs: Sequence[Pair], mode: Mode = "compat") -> dict[str, Column]:
    """BLEU-1, -2 and -4, ROUGE-L and -1 (F) of each pair."""
    words: Callable[[str], list[str]] = str.split if mode == "compat" else arabic_words
    columns: dict[str, Column] = {key: [] for key in LEXICAL}
    for pair in pairs:
        wanted, said = words(pair.right), words(pair.given)
        for order in (1, 2, 4):
            columns[f"bleu{order}"].append(bleu(wanted, said, order))
        overlap = rouge(pair.right, pair.given, ascii_words if mode == "compat" else arabic_words)
        columns["rougeL"].append(overlap.longest.f)
        columns["rouge1"].append(overlap.unigram.f)
    return columns


def meteor(pairs: Sequence[Pair], mode: Mode = "compat") -> Scored:
    """METEOR of each pair.

    Raises:
        BiMediX2Error: NLTK or its data is not here.
    """
    from bimedix2.evaluate.metrics.meteor import Meteor

    score = Meteor()
    words = None if mode == "compat" else arabic_words
    return Scored({"meteor": [score(pair.right, pair.given, words) for pair in pairs]})


def combined(columns: Mapping[str, Column]) -> dict[str, Column]:
    """RadCliQ v1 (MultiMedEval's ``radcliq``) and v0, where all they are made of is there; else nothing."""
    parts = [columns.get(key) for key in (RADGRAPH, RESCALED, CHEXBERT, "bleu2")]
    found: dict[str, Column] = {key: [] for key in RADCLIQ}
    if any(part is None for part in parts):
        return {}
    for row in zip(*(part for part in parts if part is not None), strict=True):
        values = [value for value in row if value is not None]
        features = radcliq.Features(*values) if len(values) == len(row) else None
        found["radcliq"].append(None if features is None else radcliq.v1(features))
        found["radcliq_v0"].append(None if features is None else radcliq.v0(features))
    return found


def score_reports(
    pairs: Sequence[Pair],
    mode: Mode = "compat",
    scorers: Mapping[str, tuple[Sequence[str], Callable[[], Scorer]]] | None = None,
) -> Report:
    """Score reports.

    Args:
        pairs: reference and hypothesis.
        mode: see above.
        scorers: name -> its keys, and what opens it; opened and run one after the other.
    """
    report = Report(lexical(pairs, mode))
    report.add(["meteor"], lambda: meteor(pairs, mode))
    right, given = [pair.right for pair in pairs], [pair.given for pair in pairs]
    for keys, opened in (scorers or {}).values():
        report.add(keys, lambda opened=opened: opened()(right, given))  # type: ignore[misc]
    report.columns.update(combined(report.columns))
    return report
