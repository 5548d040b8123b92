"""F1-CheXbert from labels: by hand, against the package's own test, and against scikit-learn."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.evaluate.metrics import chexbert_f1, pooled
from bimedix2.evaluate.metrics.chexbert_f1 import CONDITIONS, FIVE, POOLED, by_condition, columns, key


def labels(classes: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, classes)


def pair(ref: dict[str, str], hyp: dict[str, str]) -> dict[str, Any]:
    return {"ref": ref, "hyp": hyp}


def values(details: list[dict[str, Any]]) -> dict[str, float]:
    """What a report's mean and what all together give, as one table."""
    found = pooled.values({chexbert_f1.NAME: details})
    own = pooled.columns(chexbert_f1.NAME, details)
    means = {name: float(np.mean(column)) for name, column in own.items()}  # type: ignore[arg-type]
    return {**found, **means}  # type: ignore[dict-item]


# The labels of the five pairs of the test that f1chexbert 0.0.2 ships (tests/f1chexbert_test.py), worked out
# from the classes' precision, recall and support there; the numbers below are those that it expects.
PUBLISHED = [
    pair(labels("positive", "No Finding"), labels("positive", "No Finding")),
    pair(labels("positive", "Cardiomegaly"), labels("positive", "No Finding")),
    pair(labels("positive", "Cardiomegaly"), labels("positive", "Edema", "Atelectasis")),
    pair(labels("positive", "Consolidation"), labels("positive", "Consolidation")),
    pair(labels("positive", "Lung Opacity", "Lung Lesion"), {}),
]


def test_the_numbers_are_those_that_the_package_expects_of_itself() -> None:
    found = values(PUBLISHED)
    assert found[key("rrg", "14", "micro_f1")] == pytest.approx(0.3636363636363636)
    assert found[key("rrg", "14", "macro_f1")] == pytest.approx(0.11904761904761904)
    assert found[key("rrg", "14", "weighted_f1")] == pytest.approx(0.27777777777777773)
    assert found[key("rrg", "14", "samples_f1")] == pytest.approx(0.4)
    assert found[key("rrg", "5", "micro_f1")] == pytest.approx(0.3333333333333333)
    assert found[key("rrg", "5", "macro_f1")] == pytest.approx(0.2)
    assert found[key("rrg", "5", "weighted_f1")] == pytest.approx(0.3333333333333333)
    assert found[key("rrg", "5", "samples_f1")] == pytest.approx(0.2)
    assert found[key("rrg", "5", "accuracy")] == pytest.approx(0.6)
    exact = pooled.columns(chexbert_f1.NAME, PUBLISHED)[key("rrg", "5", "accuracy")]
    assert exact == [1, 0, 0, 1, 1]
    each = by_condition(pooled.matrix(chexbert_f1.NAME, PUBLISHED).sum(axis=0))["rrg"]
    assert each["No Finding"] == pytest.approx({"precision": 0.5, "recall": 1, "f1": 2 / 3, "support": 1})
    assert each["Cardiomegaly"] == {"precision": 0, "recall": 0, "f1": 0, "support": 2}


def test_an_uncertain_label_is_yes_one_way_and_no_the_other() -> None:
    """By hand: edema is said for sure and only suspected, so the two ways disagree; "negative" is neither."""
    details = [
        pair({"Edema": "positive", "Pneumonia": "negative"}, {"Edema": "uncertain", "Pneumonia": "positive"}),
        pair({"Edema": "uncertain"}, {"Edema": "positive"}),
    ]
    found = values(details)
    # rrg: edema is right twice, pneumonia once too many. TP 2, given 3, right 2.
    assert found[key("rrg", "14", "micro_f1")] == pytest.approx(4 / 5)
    assert found[key("rrg", "14", "macro_f1")] == pytest.approx(1 / 14)
    assert found[key("rrg", "5", "macro_f1")] == pytest.approx(1 / 5)
    assert found[key("rrg", "14", "samples_f1")] == pytest.approx((2 / 3 + 1) / 2)
    assert found[key("rrg", "14", "agreement")] == pytest.approx((13 / 14 + 1) / 2)
    assert found[key("rrg", "14", "accuracy")] == 0.5
    # positive alone: edema is missed once and invented once, pneumonia invented.
    assert found[key("positive", "14", "micro_f1")] == 0
    assert found[key("positive", "5", "agreement")] == pytest.approx(4 / 5)
    assert {name for name in found if "rrg" in name} == {
        name.replace("positive", "rrg") for name in found if "positive" in name
    }


def test_labels_are_named_in_the_published_order() -> None:
    classes = [0] * 14
    classes[1], classes[4], classes[8], classes[13] = 1, 3, 2, 1
    assert chexbert_f1.named(classes) == {
        "Cardiomegaly": "positive",
        "Edema": "uncertain",
        "Pneumothorax": "negative",
        "No Finding": "positive",
    }
    assert len(CONDITIONS) == 14
    assert set(FIVE) < set(CONDITIONS)


CLASS = st.sampled_from(["", "positive", "negative", "uncertain"])
SIDE = st.lists(CLASS, min_size=14, max_size=14).map(
    lambda row: {name: one for name, one in zip(CONDITIONS, row, strict=True) if one}
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=6))
def test_averages_are_scikit_learns(pairs: list[tuple[dict[str, str], dict[str, str]]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    found = values([pair(*one) for one in pairs])
    for mode in chexbert_f1.YES:
        for name, chosen in chexbert_f1.SETS.items():
            places = [CONDITIONS.index(one) for one in chosen]
            right, ours = (
                np.array([chexbert_f1.binary(one[side], mode) for one in pairs])[:, places] for side in (0, 1)
            )
            for average in ("micro", "macro", "weighted", "samples"):
                theirs = metrics.f1_score(right, ours, average=average, zero_division=0)
                assert found[key(mode, name, f"{average}_f1")] == pytest.approx(theirs)
            assert found[key(mode, name, "accuracy")] == metrics.accuracy_score(right, ours)


def test_a_pair_without_labels_is_in_no_number() -> None:
    details = [PUBLISHED[3], None]
    assert pooled.values({chexbert_f1.NAME: details})[POOLED[0]] == 1
    assert pooled.columns(chexbert_f1.NAME, details)[key("rrg", "5", "accuracy")] == [1, None]
    assert columns(PUBLISHED[3])[key("rrg", "5", "accuracy")] == 1
