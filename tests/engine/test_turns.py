"""Which earlier turn a prompt may go on from."""

from typing import Any

import torch
from transformers import DynamicCache

from bimedix2.engine.turns import Turn, Turns
from bimedix2.model.prompt import Encoded


def turn(ids: list[int], images: tuple[str, ...] = ()) -> Turn:
    cache: Any = DynamicCache()
    states = torch.tensor(ids, dtype=torch.float32).view(1, 1, -1, 1)
    cache.update(states, states.clone(), 0)
    return Turn(images, ids, cache)


def prompt(*ids: int, images: tuple[str, ...] = ()) -> Encoded:
    return Encoded(ids, (0,) * len(ids), images, 0)


def held(found: Turn) -> list[float]:
    states: list[float] = found.cache.layers[0].keys[0, 0, :, 0].tolist()
    return states


def test_the_longest_beginning_is_taken_out_and_cut() -> None:
    turns = Turns()
    turns.keep(turn([1, 2, 9]))
    turns.keep(turn([1, 2, 3, 4, 5]))
    found = turns.recall(prompt(1, 2, 3, 7))
    assert found.ids == held(found) == [1, 2, 3]
    assert [kept.ids for kept in turns.kept] == [[1, 2, 9]]


def test_a_prompt_that_is_known_whole_still_reads_its_last_token() -> None:
    turns = Turns()
    turns.keep(turn([1, 2, 3]))
    found = turns.recall(prompt(1, 2, 3))
    assert found.ids == held(found) == [1, 2]


def test_nothing_alike_gives_an_empty_turn_and_takes_nothing() -> None:
    turns = Turns()
    turns.keep(turn([1, 2]))
    found = turns.recall(prompt(3, 1, 2))
    assert found.ids == []
    assert found.cache.get_seq_length() == 0
    assert len(turns.kept) == 1


def test_another_picture_under_equal_tokens_is_another_conversation() -> None:
    turns = Turns()
    turns.keep(turn([1, 8, 8, 2], images=("a",)))
    assert turns.recall(prompt(1, 8, 8, 2, 3, images=("b",))).ids == []
    assert turns.recall(prompt(1, 8, 8, 2, 3)).ids == []
    assert turns.recall(prompt(1, 8, 8, 2, 8, 8, images=("a", "b"))).ids == [1, 8, 8, 2]


def test_only_the_newest_whole_ones_are_kept() -> None:
    turns = Turns()
    for start in (10, 20, 30):
        turns.keep(turn([start, start + 1]))
    broken = turn([40, 41])
    broken.ids.append(42)
    turns.keep(broken)
    turns.keep(Turn((), [], DynamicCache()))
    assert [kept.ids[0] for kept in turns.kept] == [20, 30]
