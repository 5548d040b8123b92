"""The batch while it is worked on: every act is checked and written in one turn of the store's lock.

Knows no pages: the server, the import of other tools' reviews and the tests act through here.
"""

from typing import Any

from bimedix2.errors import DataError, RunError
from bimedix2.review.board import Board, Standing
from bimedix2.review.desk import Desk
from bimedix2.review.events import Event, now
from bimedix2.review.judgement import LONGEST, Judgement, parse, plain
from bimedix2.review.pairs import Item
from bimedix2.review.settings import Config
from bimedix2.review.store import Store, Writer


class Room(Desk[Board]):
    """The desk of a batch of translations.

    Args:
        store: with a batch.
        config: whose settings must be those that the batch was opened with.

    Raises:
        RunError: there is no batch, or another recipe opened it.
        DataError: the log was changed.
    """

    def __init__(self, store: Store, config: Config) -> None:
        super().__init__(store, config, lambda: Board(store.items(Item), config.overlap, config.claim_hours))

    def next_for(self, name: str) -> Standing | None:
        """Hand the next pair out to a reviewer; ``None`` when nothing is left for them."""

        def act(board: Board, writer: Writer) -> Standing | None:
            if board.closed:
                return None
            time = now()
            standing = board.next_for(name, time)
            if standing is not None and name not in board.holders(standing.claims, time):
                writer.append(name, "assigned", standing.item.id, {})
            return standing

        return self.act(act)

    def review(self, name: str, item: str, value: Any) -> Event:
        """Write a review, the first or a later one.

        Raises:
            DataError: it is not complete.
            RunError: it is not to be written by that person.
        """

        def act(board: Board, writer: Writer) -> Event:
            standing = board.may_review(name, item)
            return writer.append(name, "reviewed", item, parse(value, standing.item).to_json())

        return self.act(act)

    def skip(self, name: str, item: str, reason: str) -> Event:
        """Leave a pair to others.

        Raises:
            DataError: no reason is given.
            RunError: the pair was not handed out to that person, or they reviewed it.
        """
        said = _words(reason)

        def act(board: Board, writer: Writer) -> Event:
            standing = board.may_review(name, item)
            if name in standing.reviews:
                raise RunError("you have reviewed this pair already; go on with the next")
            return writer.append(name, "skipped", item, {"reason": said})

        return self.act(act)

    def comment(self, name: str, item: str, text: str, adjudicates: bool) -> Event:
        """Say something about a pair whose reviews differ.

        Raises:
            DataError: there are no words.
            RunError: that person does not see the others' reviews.
        """
        said = _words(text)

        def act(board: Board, writer: Writer) -> Event:
            board.may_write()
            board.may_discuss(name, item, adjudicates)
            return writer.append(name, "commented", item, {"text": said})

        return self.act(act)

    def resolve(self, name: str, item: str, value: Any) -> Event:
        """Write the adjudicator's judgement, which stands.

        Raises:
            DataError: it is not complete.
            RunError: the pair is not in the queue, or they reviewed it themselves.
        """

        def act(board: Board, writer: Writer) -> Event:
            standing = board.may_resolve(name, item)
            return writer.append(name, "resolved", item, parse(value, standing.item).to_json())

        return self.act(act)

    def take_in(self, sha256: str, about: dict[str, Any], reviews: list[tuple[str, str, Any]]) -> int:
        """Write reviews of another tool, all or none; return how many, 0 for a file seen before.

        Args:
            sha256: of the file.
            about: what the log says of it.
            reviews: name, item and judgement of each.

        Raises:
            DataError: one of them is wrong.
            RunError: the batch is closed, or a pair was resolved already.
        """

        def act(board: Board, writer: Writer) -> int:
            if sha256 in board.imported:
                return 0
            board.may_write()
            for name, item, value in reviews:
                standing = board.of(item)
                if standing.resolution is not None:
                    raise RunError(f"'{item}' was resolved already; take its review out of the file")
                try:
                    judged: Judgement = parse(value, standing.item)
                except DataError as error:
                    raise DataError(f"the review of '{item}' by {name}: {error}") from None
                writer.append(name, "reviewed", item, judged.to_json())
            writer.append("import", "imported", None, {"sha256": sha256, **about, "reviews": len(reviews)})
            return len(reviews)

        return self.act(act)

    def end(self, unfinished: bool) -> Board:
        """Close the batch to further writing; a batch that is closed already stays so.

        Raises:
            RunError: pairs are without a verdict.
        """

        def act(board: Board, writer: Writer) -> None:
            if board.closed:
                return
            waits = sum(board.of(name).state(board.overlap) != "settled" for name in board.standings)
            if waits and not unfinished:
                raise RunError(
                    f"{waits} of {len(board.standings)} pairs have no verdict yet; finish them, or close "
                    "with unfinished=true"
                )
            writer.append("close", "closed", None, {"without_verdict": waits})

        self.act(act)
        return self.board


def _words(text: str) -> str:
    said = plain(text).strip()
    if not said or len(said) > LONGEST:
        raise DataError("write a few words first")
    return said
