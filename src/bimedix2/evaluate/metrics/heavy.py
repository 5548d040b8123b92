"""Scorers of reports that need weights: each opened when it is asked for, from the hub or a local path.

``SCORERS`` is the table. None of them is needed for the others, and one that cannot be opened says how to get
it. All of them read English alone. RadFact, which asks a judge instead, is ``radfact.scorer``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from bimedix2 import io
from bimedix2.errors import ConfigError, ModelError
from bimedix2.evaluate.metrics import bertscore, chexbert, chexbert_f1, radeval, radgraph
from bimedix2.evaluate.metrics.radfact.scores import VARIANTS
from bimedix2.evaluate.metrics.report import (
    BERTSCORE,
    CHEXBERT,
    LEVELS,
    RADCLIQ,
    RADGRAPH,
    RADGRAPH_RADCLIQ,
    RESCALED,
    Column,
    Mode,
    Scored,
    Scorer,
)
from bimedix2.manifest import hash_folder


@dataclass(frozen=True)
class Heavy:
    """``keys``: the columns it gives. ``needs``: what a user must have. ``open``: from a path, or the hub."""

    keys: tuple[str, ...]
    needs: str
    open: Callable[[str | None], Scorer]


def _radgraph(location: str | None) -> Scorer:
    extract = radgraph.Extractor(location)

    def score(references: Sequence[str], hypotheses: Sequence[str]) -> Scored:
        blank = sum(not text.strip() for text in (*references, *hypotheses))
        found = extract([*references, *hypotheses])
        right, ours = found[: len(references)], found[len(references) :]
        pairs = list(zip(ours, right, strict=True))
        columns: dict[str, Column] = {
            key: [radgraph.reward(h, r, level) for h, r in pairs]  # type: ignore[arg-type]
            for level, key in LEVELS.items()
        }
        columns[RADGRAPH_RADCLIQ] = [radgraph.entities_and_relations(h, r) for h, r in pairs]
        note = f"{RADGRAPH}: {blank} blank reports were read as '{radgraph.BLANK}'"
        return Scored(columns, [note] if blank else [])

    return score


def _chexbert(location: str | None) -> Scorer:
    labeller = chexbert.CheXbert(location)

    def score(references: Sequence[str], hypotheses: Sequence[str]) -> Scored:
        vectors = labeller.vectors([*references, *hypotheses])
        columns: dict[str, Column] = {CHEXBERT: list(chexbert.cosines(vectors))}
        try:
            named = [chexbert_f1.named(one) for one in labeller.classes(vectors)]
        except ModelError as error:  # the vector needs no heads
            return Scored(columns, unavailable=dict.fromkeys(chexbert_f1.KEYS, str(error)))
        right, ours = named[: len(references)], named[len(references) :]
        details = [{"ref": ref, "hyp": hyp} for ref, hyp in zip(right, ours, strict=True)]
        blank = sum(not text.strip() for text in (*references, *hypotheses))
        note = f"{chexbert_f1.NAME}: {blank} blank reports have the labels that the model gives no words"
        return Scored(columns, [note] if blank else [], details={chexbert_f1.NAME: details})

    return score


def _bertscore(location: str | None) -> Scorer:
    encoder = bertscore.BertScore(location or bertscore.HUB)

    def score(references: Sequence[str], hypotheses: Sequence[str]) -> Scored:
        found = encoder(references, hypotheses)
        notes = []
        if not encoder.usual:
            notes.append(
                f"{RESCALED}: the encoder is not {bertscore.HUB}, whose baseline this is: not comparable, "
                "nor is RadCliQ"
            )
        if found.degenerate:
            notes.append(
                f"{BERTSCORE}: {len(found.degenerate)} answers have F1 0 because every word of theirs stands "
                "in every answer (idf is the answers' own, as in MultiMedEval)"
            )
        columns: dict[str, Column] = {
            BERTSCORE: list(found.f1),
            RESCALED: [bertscore.rescaled(value) for value in found.f1],
        }
        return Scored(columns, notes)

    return score


def _radeval(name: str) -> Callable[[str | None], Scorer]:
    def opened(location: str | None) -> Scorer:
        if location is not None:
            raise ModelError(
                f"'{name}' takes no path: radeval has its weights from the model hub or its cache"
            )
        scorer = radeval.RadEvalScorer(name)

        def score(references: Sequence[str], hypotheses: Sequence[str]) -> Scored:
            pairs = zip(references, hypotheses, strict=True)
            blank = [number for number, two in enumerate(pairs) if not all(text.strip() for text in two)]
            notes = []
            columns: dict[str, Column] = {}
            for key, values in scorer(references, hypotheses).items():
                column: Column = [value if math.isfinite(value) else None for value in values]
                lost = column.count(None)
                notes += [f"{key}: {lost} pairs have no value"] if lost else []
                columns[key] = column
            for number in blank if name == HALF else ():
                columns[name][number] = 0.0
            if blank:
                what = "score 0, not RaTEScore's 0.5" if name == HALF else "are scored as the package does"
                notes.append(f"{name}: {len(blank)} pairs with a blank report {what}")
            return Scored(columns, notes)

        return score

    return opened


HALF = "ratescore"
"""Its package gives 0.5 where a report names nothing, so that a blank one would beat many a real one."""
_RADEVAL = "pip install 'bimedix2[radeval]', and its weights from the model hub"

SCORERS: dict[str, Heavy] = {
    "radgraph": Heavy(
        (*LEVELS.values(), RADGRAPH_RADCLIQ),
        f"pip install 'bimedix2[radgraph]', and radgraph.tar.gz of {radgraph.REPOSITORY}",
        _radgraph,
    ),
    "chexbert": Heavy(
        (CHEXBERT, *chexbert_f1.KEYS),
        f"{chexbert.FILE} of {chexbert.HUB}, and {chexbert.ENCODER} beside it",
        _chexbert,
    ),
    "bertscore": Heavy((BERTSCORE, RESCALED), f"the model {bertscore.HUB}", _bertscore),
    **{name: Heavy(tuple(one.keys), _RADEVAL, _radeval(name)) for name, one in radeval.PASSED.items()},
}


def asked_for(asked: Sequence[str]) -> dict[str, str | None]:
    """``NAME`` or ``NAME=PATH`` to name -> path.

    Raises:
        ConfigError: there is no such scorer; names the nearest.
    """
    found: dict[str, str | None] = {}
    for entry in asked:
        name, _, path = entry.partition("=")
        if name not in SCORERS:
            near = get_close_matches(name, SCORERS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"one of {', '.join(SCORERS)}"
            raise ConfigError(f"there is no scorer '{name}'; {hint}")
        found[name] = path or None
    return found


def openers(
    asked: Mapping[str, str | None], mode: Mode
) -> dict[str, tuple[Sequence[str], Callable[[], Scorer]]]:
    """What ``report.score_reports`` opens one after the other."""

    def opener(name: str, path: str | None) -> Callable[[], Scorer]:
        def opened() -> Scorer:
            if mode == "arabic":
                raise ModelError(f"'{name}' reads English alone; score English reports with --mode compat")
            return SCORERS[name].open(path)

        return opened

    return {name: (SCORERS[name].keys, opener(name, path)) for name, path in asked.items()}


def not_asked(asked: Mapping[str, str | None], columns: Mapping[str, Column], mode: Mode) -> dict[str, str]:
    """Why a key of the table has no column though nothing failed."""
    english = "it reads English alone"
    reasons = {
        key: english if mode == "arabic" else f"ask for it with --scorer {name}; it needs {heavy.needs}"
        for name, heavy in SCORERS.items()
        if name not in asked
        for key in heavy.keys
    }
    usual = VARIANTS["cxr", "keep"]
    if not any(one.precision in columns for one in VARIANTS.values()):
        judged = "it asks a judge; give its settings with --radfact FILE"
        reasons.update(dict.fromkeys(usual.keys, judged))
    if RADCLIQ[0] not in columns:
        parts = english if mode == "arabic" else f"it is made of {RADGRAPH}, {BERTSCORE} and {CHEXBERT}"
        reasons.update(dict.fromkeys(RADCLIQ, parts))
    return reasons


def identity(asked: Mapping[str, str | None]) -> str:
    """The weights that scorers read, for a signature: eight digits of a hash, or ``hub`` and the id."""
    return "+".join(f"{name}:{_hash(path)}" for name, path in asked.items()) or "none"


def _hash(path: str | None) -> str:
    if path is None:
        return "hub"
    if not Path(path).exists():
        return f"hub({path})"
    if Path(path).is_file():
        return io.sha256_file(Path(path))[:8]
    return io.sha256_bytes(io.canonical_json(hash_folder(Path(path))).encode())[:8]
