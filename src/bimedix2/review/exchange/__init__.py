"""Pairs and reviews to and from Label Studio and Argilla, as their JSON; each tool's layout has its file.

All reviews go out: every round of every person under a pseudonym, and the adjudicator's resolution, in a way
that ``read`` takes back. ``people.json`` says who is who, as the recipe's ``imports`` takes it. What a file
holds and ``read`` does not take is counted with its reason.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.review.board import Board
from bimedix2.review.exchange import argilla, label_studio
from bimedix2.review.exchange.parts import Given, Pseudonyms, Read, joinable
from bimedix2.review.settings import Imported, Person

__all__ = ["Given", "Read", "read", "write"]

READERS: dict[str, Callable[[Any, Imported, Board, frozenset[str], Read], None]] = {
    "label_studio": label_studio.read,
    "argilla": argilla.read,
}


def write(folder: Path, board: Board, people: Sequence[Person]) -> int:
    """Write the pairs, with their reviews so far, for both tools; return how many could not be joined."""
    standings = [standing for standing in board.standings.values() if joinable(standing.item)]
    called = Pseudonyms(people, board)
    io.write_json(folder / "label_studio.json", label_studio.write(standings, called))
    io.write_text(folder / "label_studio.xml", label_studio.interface())
    io.write_json(folder / "argilla.json", argilla.write(standings, called))
    io.write_json(folder / "people.json", called.key())
    return len(board.standings) - len(standings)


def read(given: Imported, board: Board, people: Sequence[Person]) -> Read:
    """The reviews of a file that one of the tools exported.

    Raises:
        DataError: it is not that tool's layout, names an unknown pair, or one whose text is not ours.
    """
    value = io.read_json(given.path)
    if not isinstance(value, list):
        raise DataError(f"{given.path} is no list of tasks or records; export it as JSON from the tool")
    adjudicators = frozenset(person.name for person in people if person.role == "adjudicator")
    out = Read()
    for number, row in enumerate(value, 1):
        where = f"{given.path} item {number}"
        try:
            READERS[given.format](row, given, board, adjudicators, out)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise DataError(
                f"{where} is not in the layout of {given.format} ({error!r}); correct it"
            ) from error
    return out
