"""Metrics that run through the package ``radeval``, which has their models from the hub (``PASSED``).

Of its 16 the others are ours, under their own names, since RadEval's differ from what the paper used
(``docs/score.md``). What it would send to somebody else's host is not passed: CRIMSON runs on its local
model, RadFact-CT is ours, and MammoGREEN has no local model.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bimedix2.errors import MissingExtra, ModelError


class Passed(NamedTuple):
    """A metric of RadEval: its name there, its options, and our key -> its key of a pair's value."""

    metric: str
    keys: Mapping[str, str]
    options: Mapping[str, str] = {}


def _own(name: str, options: Mapping[str, str] = {}) -> Passed:
    return Passed(name, {name: name}, options)


PASSED: dict[str, Passed] = {
    "ratescore": _own("ratescore"),
    "green": _own("green"),
    "crimson": _own("crimson", {"provider": "hf"}),
    "radgraph_xl": Passed(
        "radgraph",
        {f"radgraph_xl_{level}": f"radgraph_{level}" for level in ("simple", "partial", "complete")},
    ),
    "radeval_bertscore": _own("radeval_bertscore"),
    "srrbert": Passed(
        "srrbert",
        {f"srrbert_samples_{one}": f"srrbert_weighted_{one}" for one in ("f1", "precision", "recall")},
    ),
    "temporal": Passed("temporal", {"temporal_f1": "temporal_f1"}),
    "f1radbert_ct": Passed("f1radbert_ct", {"f1radbert_ct_agreement": "f1radbert_ct_sample_acc"}),
}
"""Our name -> metric. Values are those of a pair: of SRR-BERT and RadBERT-CT their mean is not what RadEval
calls the aggregate, which is a weighted or micro F1 over all pairs."""


class RadEvalScorer:
    """One metric of ``radeval``.

    Args:
        name: a key of ``PASSED``.

    Raises:
        MissingExtra: the package, or one that the metric needs, is not installed.
        ModelError: the metric's weights cannot be had.
    """

    def __init__(self, name: str) -> None:
        try:
            from radeval import RadEval
        except ImportError:
            raise MissingExtra("radeval", "radeval") from None
        self._passed = PASSED[name]
        asked = {self._passed.metric: dict(self._passed.options)}
        with warnings.catch_warnings():  # the package silences every warning of the process
            try:
                self._score: Any = RadEval(asked, per_sample=True, show_progress=False)
            except ImportError as error:
                raise MissingExtra(error.name or name, "radeval") from None
            except (OSError, RuntimeError, ValueError) as error:
                said = " ".join(str(error).split())[:200] or type(error).__name__
                raise ModelError(
                    f"radeval cannot open '{name}' ({said}); run it once on a machine that reaches the model "
                    "hub, then carry the hub's cache over"
                ) from error

    def __call__(self, references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, list[float]]:
        """Our keys -> the value of each pair."""
        found = self._score(refs=list(references), hyps=list(hypotheses))
        return {ours: [float(value) for value in found[theirs]] for ours, theirs in self._passed.keys.items()}
