"""Packed rows give the numbers of separate sequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.train.packing import Sample, allowed, fill, pack, plant, rows_of

IMAGE = 9


def ask(name: str, question: list[int], answer: list[int], image: str = "x", loss: str = "answer") -> Sample:
    prefix = [1, 2, IMAGE, IMAGE]
    ids = (*prefix, *question, *answer)
    target = (0,) * (len(prefix) + len(question)) + (1,) * len(answer)
    return Sample(name, ids, target, (image,), len(prefix), loss)  # type: ignore[arg-type]


def test_questions_on_one_image_share_its_prefix_once() -> None:
    (packed,) = rows_of([ask("a", [3], [4, 5]), ask("b", [6, 7], [8])], 100, 8, IMAGE)
    assert packed.ids.tolist() == [1, 2, IMAGE, IMAGE, 3, 4, 5, 6, 7, 8]
    assert packed.positions.tolist() == [0, 1, 2, 3, 4, 5, 6, 4, 5, 6]
    assert packed.images == ("x",)
    assert packed.image_rows.tolist() == [2, 3]
    assert packed.labels.tolist() == [4, 5, 8]
    assert packed.predict.tolist() == [4, 5, 8]
    assert packed.owner.tolist() == [0, 0, 1]


def test_an_answer_right_after_the_image_is_predicted_from_the_prefix() -> None:
    (packed,) = rows_of([ask("a", [], [4]), ask("b", [], [5])], 100, 8, IMAGE)
    assert packed.predict.tolist() == [3, 3]
    assert packed.labels.tolist() == [4, 5]


def test_other_images_and_other_losses_do_not_share() -> None:
    samples = [ask("a", [3], [4]), ask("b", [3], [4], image="y"), ask("c", [3], [4], loss="keep")]
    assert [t.prefix for t in plant(samples, 8)] == [0, 0, 0]


def test_branches_do_not_see_each_other() -> None:
    (tree,) = plant([ask("a", [3], [4]), ask("b", [6], [7])], 8)
    mask = allowed(pack([tree], IMAGE).segments[0])
    assert mask[6, :4].all()
    assert not mask[6, 4:6].any()
    assert mask[6, 6]
    assert not np.triu(mask, 1).any()


def test_a_tree_has_at_most_so_many_branches_and_a_row_at_most_so_many_tokens() -> None:
    samples = [ask(str(i), [3] * (i % 5), [4]) for i in range(20)]
    trees = plant(samples, 3)
    assert max(len(t.samples) for t in trees) == 3
    rows = fill(trees, 30)
    assert all(sum(t.tokens for t in row) <= 30 for row in rows)
    assert [s.id for row in rows for t in row for s in t.samples] == [str(i) for i in range(20)]


SYSTEM = tuple(range(20, 30))


def long(
    name: str, words: list[int], answer: list[int], image: str | None, before: tuple[int, ...]
) -> Sample:
    """A sample that begins with ``before``, then its picture if it has one."""
    prefix = (*before, IMAGE, IMAGE) if image else before
    ids = (*prefix, *words, *answer)
    target = (0,) * (len(ids) - len(answer)) + (1,) * len(answer)
    return Sample(name, ids, target, (image,) if image else (), len(prefix) if image else 0)


def test_what_all_samples_begin_with_stands_once_in_a_row() -> None:
    samples = [
        long("a", [3], [4], "x", SYSTEM),
        long("b", [3], [5], "x", SYSTEM),
        long("c", [6], [7], "y", SYSTEM),
        long("d", [], [8, 8], None, SYSTEM),
    ]
    (packed,) = rows_of(samples, 100, 8, IMAGE)
    assert packed.root == 10
    assert packed.ids.tolist() == [*SYSTEM, 9, 9, 3, 4, 3, 5, 9, 9, 6, 7, 8, 8]
    assert packed.positions.tolist() == [*range(14), 12, 13, *range(10, 14), 10, 11]
    assert packed.image_rows.tolist() == [10, 11, 16, 17]
    assert packed.image_tokens.tolist() == [0, 1, 2, 3]
    assert packed.labels.tolist() == [4, 5, 7, 8, 8]
    # The first word of "d" is predicted where the root ends.
    assert packed.predict.tolist() == [12, 14, 18, 9, 20]
    assert [(s.start, s.prefix, s.branches) for s in packed.segments] == [
        (10, 2, (2, 2)),
        (16, 0, (4,)),
        (20, 0, (2,)),
    ]


def test_a_short_or_learned_beginning_is_no_root() -> None:
    short = [long(name, [3], [4], name, SYSTEM[:7]) for name in "ab"]
    assert next(rows_of(short, 100, 8, IMAGE)).root == 0
    learned = [Sample(name, (*SYSTEM, 1), (0,) * 4 + (1,) * 7) for name in "ab"]
    assert next(rows_of(learned, 100, 8, IMAGE)).root == 0
    alone = [long("a", [3], [4], "x", SYSTEM), long("b", [3], [4], "x", SYSTEM)]
    assert next(rows_of(alone, 100, 8, IMAGE)).root == 0
    apart = [long("a", [3], [4], "x", SYSTEM), long("b", [3], [4], "y", SYSTEM)]
    assert next(rows_of(apart, 100, 8, IMAGE, share=False)).root == 0


def test_images_and_image_tokens_must_agree() -> None:
    with pytest.raises(ValueError, match="3 image tokens for 2 images"):
        pack(plant([Sample("a", (IMAGE,) * 3, (0,) * 3, ("x", "y"))], 8), IMAGE)


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(1, 8), max_size=6), st.lists(st.integers(1, 8), min_size=1, max_size=6)
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 5),
    st.integers(1, 60),
    st.sampled_from([(), SYSTEM[:3], SYSTEM]),
)
def test_no_learned_token_is_lost_or_doubled(
    pairs: list[tuple[list[int], list[int]]], most: int, budget: int, before: tuple[int, ...]
) -> None:
    """Every third sample has no picture; every label stands right after the token that predicts it."""
    samples = [
        long(str(i), [2, *q], a, None if i % 3 == 2 else str(i % 2), before) for i, (q, a) in enumerate(pairs)
    ]
    found: dict[str, list[int]] = {}
    for packed in rows_of(samples, budget, most, IMAGE):
        for label, owner, row in zip(packed.labels, packed.owner, packed.predict, strict=True):
            sample = packed.samples[owner]
            found.setdefault(sample.id, []).append(int(label))
            assert sample.ids[packed.positions[row]] == packed.ids[row]
            assert sample.ids[packed.positions[row] + 1] == label
    assert found == {str(i): a for i, (_, a) in enumerate(pairs)}
