"""A trial while it is judged: every act is checked and written in one turn of the store's lock."""

from typing import Any

from bimedix2.errors import RunError
from bimedix2.review.desk import Desk
from bimedix2.review.events import Event, now
from bimedix2.review.settings import Config
from bimedix2.review.store import Store, Writer
from bimedix2.review.trial.board import Board, Standing
from bimedix2.review.trial.choice import parse
from bimedix2.review.trial.items import Item


class Room(Desk[Board]):
    """The desk of a trial.

    Args:
        store: with a trial.
        config: whose settings must be those that it was opened with.

    Raises:
        RunError: there is no batch, or another recipe opened it.
        DataError: the log was changed.
    """

    def __init__(self, store: Store, config: Config) -> None:
        super().__init__(store, config, lambda: Board(store.items(Item), config.overlap, config.claim_hours))

    def next_for(self, name: str) -> Standing | None:
        """Hand the next item out; ``None`` when nothing is left for that person."""

        def act(board: Board, writer: Writer) -> Standing | None:
            if board.closed:
                return None
            time = now()
            standing = board.next_for(name, time)
            if standing is not None and name not in board.holders(standing.claims, time):
                writer.append(name, "assigned", standing.item.id, {})
            return standing

        return self.act(act)

    def choose(self, name: str, item: str, value: Any) -> Event:
        """Write a choice, the first or a later one.

        Raises:
            DataError: it is no choice of this item.
            RunError: it is not to be made by that person.
        """

        def act(board: Board, writer: Writer) -> Event:
            standing = board.may_choose(name, item)
            return writer.append(name, "chosen", item, parse(value, standing.item).to_json())

        return self.act(act)

    def end(self, unfinished: bool) -> Board:
        """Close the trial to further writing; one that is closed already stays so.

        Raises:
            RunError: items are without all their judgements.
        """

        def act(board: Board, writer: Writer) -> None:
            if board.closed:
                return
            counts = board.progress()
            waits = counts["items"] - counts["done"]
            if waits and not unfinished:
                raise RunError(
                    f"{waits} of {counts['items']} items have fewer than {board.overlap} judgements; finish "
                    "them, or close with unfinished=true"
                )
            writer.append("close", "closed", None, {"without_all_judgements": waits})

        self.act(act)
        return self.board
