"""How far people agree with a judge: a sealed sample of what it scored, scored by people, compared.

The folder, the pages, the key and its log are those of the blind trial; an item asks for scores in the place
of a choice (specification 3.6: 50 items, Cohen's kappa).
"""

from bimedix2.evaluate.trial.calibration.draw import SCORES, seal
from bimedix2.evaluate.trial.calibration.reading import read, replay

__all__ = ["SCORES", "read", "replay", "seal"]
