"""RaTEScore, GREEN and CRIMSON through the package ``radeval``, which has their models from the hub.

CRIMSON runs on its local model: reports are sent to no other host.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from bimedix2.errors import MissingExtra, ModelError

OPTIONS: dict[str, dict[str, str]] = {"ratescore": {}, "green": {}, "crimson": {"provider": "hf"}}


class RadEvalScorer:
    """One metric of ``radeval``.

    Args:
        name: a key of ``OPTIONS``.

    Raises:
        MissingExtra: the package is not installed.
        ModelError: the metric's weights cannot be had.
    """

    def __init__(self, name: str) -> None:
        try:
            from radeval import RadEval
        except ImportError:
            raise MissingExtra("radeval", "radeval") from None
        self._name = name
        with warnings.catch_warnings():  # the package silences every warning of the process
            try:
                self._score: Any = RadEval({name: OPTIONS[name]}, per_sample=True, show_progress=False)
            except ImportError as error:
                raise MissingExtra(error.name or name, "radeval") from None
            except (OSError, RuntimeError, ValueError) as error:
                said = " ".join(str(error).split())[:200] or type(error).__name__
                raise ModelError(
                    f"radeval cannot open '{name}' ({said}); run it once on a machine that reaches the model "
                    "hub, then carry the hub's cache over"
                ) from error

    def __call__(self, references: Sequence[str], hypotheses: Sequence[str]) -> list[float]:
        """The metric of each pair."""
        found = self._score(refs=list(references), hyps=list(hypotheses))[self._name]
        return [float(value) for value in found]
