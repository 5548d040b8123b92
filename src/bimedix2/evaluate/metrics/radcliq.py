"""RadCliQ in closed form: a standardised linear model of four other scores (Yu et al. 2023), lower is better.

v1 predicts a standardised number of errors, v0 a number of errors. MultiMedEval reports v1 from its tag
v0.1.1 on and v0 before, under one name. The published coefficients; no pickle is opened.
"""

from typing import NamedTuple


class Features(NamedTuple):
    """What RadCliQ is made of, in the published order."""

    radgraph: float
    """RadGraph F1: the partial reward in MultiMedEval, the mean of entity and relation F1 in the original."""
    bertscore: float
    """BERTScore F1, rescaled with its baseline."""
    chexbert: float
    """Cosine of CheXbert vectors."""
    bleu2: float


class _Linear(NamedTuple):
    weights: Features
    intercept: float
    means: Features
    deviations: Features

    def __call__(self, features: Features) -> float:
        terms = zip(self.weights, features, self.means, self.deviations, strict=True)
        return sum((w * (x - mean) / deviation for w, x, mean, deviation in terms), self.intercept)


v1 = _Linear(
    Features(-0.377083683, -0.3703001, -0.252616218, 4.31504841e-12),
    2.46655256e-10,
    Features(0.53792312, 0.61757256, 0.76479421, 0.44738335),
    Features(0.30282584, 0.22430938, 0.25394391, 0.29892717),
)
v0 = _Linear(
    Features(-0.47962526, -0.67621705, -0.46366575, 0.21658619),
    1.64166667,
    Features(0.5398376, 0.63125496, 0.77167979, 0.46073721),
    Features(0.30183444, 0.22466951, 0.24750334, 0.30336671),
)
