"""Candidates hold nearly all pairs that are alike, and likeness is the Jaccard similarity itself."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.curate.minhash import PERMUTATIONS, bands, likeness, rows_for, shared, shingles
from bimedix2.text.arabic import normalise

WORDS = [f"word{n}" for n in range(4000)]


def by_hand(one: str, other: str) -> float:
    """Jaccard similarity of the sets of runs of five words."""
    sets = []
    for text in (one, other):
        words = normalise(text).split()
        width = max(1, min(5, len(words)))
        sets.append({tuple(words[i : i + width]) for i in range(max(1, len(words) - width + 1))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def text(rng: random.Random, length: int) -> list[str]:
    return rng.choices(WORDS, k=length)


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.lists(st.sampled_from("abcdef"), max_size=30))
def test_likeness_is_the_jaccard_similarity(one: list[str], other: list[str]) -> None:
    first, second = " ".join(one), " ".join(other)
    assert likeness(shingles(first), shingles(second)) == pytest.approx(by_hand(first, second))


def test_case_punctuation_and_arabic_marks_do_not_count() -> None:
    assert likeness(shingles("The Left femur, broken!"), shingles("the left femur broken")) == 1
    assert likeness(shingles("تُظهر الصورة كسراً"), shingles("تظهر الصوره كسرا")) == 1


def changed(words: list[str], changes: int, rng: random.Random) -> list[str]:
    new = list(words)
    for place in rng.sample(range(len(new)), changes):
        new[place] = rng.choice(WORDS)
    return new


@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.9])
def test_nearly_all_alike_pairs_are_candidates_and_few_others(threshold: float) -> None:
    rng = random.Random(0)
    rows = rows_for(threshold)
    missed = alike = mistaken = 0
    for _ in range(300):
        one = text(rng, 200)
        other = changed(one, rng.randrange(0, 20), rng)
        said = by_hand(" ".join(one), " ".join(other))
        agree = (bands(shingles(" ".join(one)), rows) == bands(shingles(" ".join(other)), rows)).any()
        if said >= threshold:
            alike += 1
            missed += not agree
        unlike = text(rng, 200)
        mistaken += (bands(shingles(" ".join(one)), rows) == bands(shingles(" ".join(unlike)), rows)).any()
    assert alike > 25
    assert missed / alike < 0.03
    assert mistaken == 0


def test_a_salt_parts_equal_texts() -> None:
    runs = shingles("what is shown in this image of the chest")
    assert (bands(runs, 8, b"one") != bands(runs, 8, b"two")).all()
    assert (bands(runs, 8, b"one") == bands(runs, 8, b"one")).all()
    assert len(bands(runs, 8)) == PERMUTATIONS // 8


def test_hashes_are_the_same_in_every_process() -> None:
    """Python's own hash is not; a run that another machine repeats must keep the same records."""
    assert shingles("left femur").tolist() == [9632121685484707984]


def test_rows_that_share_a_key_are_grouped() -> None:
    groups = shared(np.array([5, 7, 5, 9, 7, 5], np.uint64))
    assert [group.tolist() for group in groups] == [[0, 2, 5], [1, 4]]
    assert shared(np.array([], np.uint64)) == []
