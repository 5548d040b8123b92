"""A flipped negation beside a harmless paraphrase: which metrics see it (specification, section 5)?

Each case is a reference, the same in other words, and the same with its finding denied or affirmed. RadEval's
notes give BERTScore .89, RadGraph .50 and CRIMSON -.33 to "No pleural effusion." against "Pleural effusion.".
Here run all metrics of words, RadGraph's reward on annotations made by hand, and CheXbert's labels given by
hand; metrics with published weights run where ``BIMEDIX2_CHEXBERT``, ``BIMEDIX2_BERTSCORE`` or
``BIMEDIX2_RADGRAPH`` names them. RadFact's place in the ranking is in ``radfact/test_judge.py``.
"""

import os
from typing import Any

import pytest

from bimedix2.evaluate.metrics import chexbert_f1, heavy, pooled
from bimedix2.evaluate.metrics.pairs import Pair
from bimedix2.evaluate.metrics.radgraph import reward
from bimedix2.evaluate.metrics.report import (
    CHEXBERT,
    LEVELS,
    RESCALED,
    lexical,
    score_reports,
)

ENGLISH = [
    ("No pleural effusion.", "There is no effusion in the pleural space.", "Pleural effusion."),
    ("There is no pneumothorax.", "Pneumothorax is absent.", "There is pneumothorax."),
    ("The heart is enlarged.", "There is cardiomegaly.", "The heart is not enlarged."),
]
ARABIC = [
    ("لا يوجد انصباب جنبي.", "الجنبة خالية من الانصباب.", "يوجد انصباب جنبي."),
    ("القلب متضخم.", "يوجد كبر في حجم القلب.", "القلب غير متضخم."),
]
PRESENT, ABSENT = "Observation::definitely present", "Observation::definitely absent"


def effusion(label: str, related: bool = True) -> dict[str, Any]:
    """What RadGraph finds in "No pleural effusion.": layout from the golden annotations."""
    return {
        "1": {"tokens": "effusion", "label": label, "relations": [["located_at", "2"]] if related else []},
        "2": {"tokens": "pleural", "label": "Anatomy::definitely present", "relations": []},
    }


@pytest.mark.parametrize(("mode", "cases"), [("compat", ENGLISH), ("arabic", ARABIC)])
def test_metrics_of_words_rank_the_flip_above_the_paraphrase(mode: Any, cases: list[tuple[str, ...]]) -> None:
    """Why they cannot stand alone; a metric that is changed to see it fails here."""
    same, other, flip = (
        lexical([Pair(n, case[0], case[place]) for n, case in enumerate(cases)], mode) for place in range(3)
    )
    for key in ("bleu1", "rougeL", "rouge1"):
        for equal, paraphrase, flipped in zip(same[key], other[key], flip[key], strict=True):
            assert equal == pytest.approx(1)
            assert (flipped or 0) > (paraphrase or 0), key


@pytest.mark.parametrize("level", list(LEVELS))
def test_radgraph_gives_a_flip_half(level: Any) -> None:
    """The place agrees, the finding does not: .50 as in RadEval's notes; a paraphrase keeps 1."""
    assert reward(effusion(ABSENT), effusion(ABSENT), level) == 1
    assert reward(effusion(PRESENT), effusion(ABSENT), level) == 0.5


def test_labels_give_a_flip_nothing() -> None:
    affirmed, denied = {"Pleural Effusion": "positive"}, {"Pleural Effusion": "negative"}
    flips = [{"ref": affirmed, "hyp": denied}, {"ref": denied, "hyp": affirmed}]
    found = pooled.values({chexbert_f1.NAME: flips})
    assert {found[key] for key in chexbert_f1.POOLED} == {0}
    kept = pooled.values({chexbert_f1.NAME: [{"ref": affirmed, "hyp": affirmed}, flips[1]]})
    assert kept["f1chexbert_rrg_5_micro_f1"] == pytest.approx(2 / 3)


WEIGHTS = {
    "chexbert": ("BIMEDIX2_CHEXBERT", "f1chexbert_rrg_14_micro_f1", 0.5),
    "radgraph": ("BIMEDIX2_RADGRAPH", LEVELS["partial"], 0.75),
    "bertscore": ("BIMEDIX2_BERTSCORE", "", 0.0),
}


@pytest.mark.parametrize("name", list(WEIGHTS))
def test_published_weights_see_the_flip(name: str) -> None:
    """Equal reports score 1 and flips clearly less. No machine of this project has run it with weights."""
    variable, key, most = WEIGHTS[name]
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f"{variable} names no weights of {name}")
    same, flip = (
        score_reports(
            [Pair(n, case[0], case[place]) for n, case in enumerate(ENGLISH)],
            scorers=heavy.openers({name: path}, "compat"),
        ).values()
        for place in (0, 2)
    )
    if key:
        assert (same[key] or 0) > 0.99
        assert (flip[key] or 0) < most
    high = {"chexbert": CHEXBERT, "bertscore": RESCALED}.get(name)
    if high:
        assert (same[high] or 0) > (flip[high] or 0)
