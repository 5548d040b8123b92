"""The batch while it is worked on: every act is checked and written in one turn of the store's lock.

Knows no pages: the server, the import of other tools' reviews and the tests act through here.
"""

from collections import Counter
from typing import Any

from bimedix2.errors import DataError, RunError
from bimedix2.review.board import Board, Standing
from bimedix2.review.desk import Desk
from bimedix2.review.events import Event, Kind, now
from bimedix2.review.exchange import Given, Read
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

    def take_in(self, sha256: str, about: dict[str, Any], read: Read) -> dict[str, Any] | None:
        """Write reviews of another tool, all or none; return what the log says of them.

        A review that the batch holds already, by the same person and in the same place among theirs, is not
        written again: a tool's next export has the earlier reviews too.

        Args:
            sha256: of the file; ``None`` is returned of one that was seen before.
            about: what the log says of it.
            read: what it holds.

        Raises:
            DataError: one of them is wrong.
            RunError: the batch is closed, or a pair was resolved already.
        """

        def act(board: Board, writer: Writer) -> dict[str, Any] | None:
            if sha256 in board.imported:
                return None
            board.may_write()
            after: dict[str, Standing] = {}
            place: Counter[tuple[str, str]] = Counter()
            counts = Counter(reviews=0, resolutions=0, already_there=0)
            for one in read.given:
                before = board.of(one.item)
                judged = _parsed(one, before.item)
                if _held(before, one, judged, place[one.name, one.item]):
                    counts["already_there"] += 1
                else:
                    if one.item not in after:
                        after[one.item] = before.copy()
                    standing = after[one.item]
                    _may_take(standing, one)
                    kind: Kind = "resolved" if one.resolves else "reviewed"
                    standing.take(writer.append(one.name, kind, one.item, judged.to_json()))
                    counts["resolutions" if one.resolves else "reviews"] += 1
                place[one.name, one.item] += not one.resolves
            aside = {"left_out": read.reasons(), "noted": dict(sorted(read.noted.items()))}
            payload = {"sha256": sha256, **about, **counts, **aside, "left_out_items": read.left_out}
            writer.append("import", "imported", None, payload)
            return payload

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


def _parsed(one: Given, item: Item) -> Judgement:
    try:
        return parse(one.judged, item)
    except DataError as error:
        raise DataError(f"the review of '{one.item}' by {one.name}: {error}") from None


def _held(before: Standing, one: Given, judged: Judgement, place: int) -> bool:
    """Whether the batch holds that review, or resolution, already."""
    held: list[Judgement | None] = [*before.reviews.get(one.name, [])[place : place + 1]]
    if one.resolves:
        held = [before.resolution] if before.resolved_by == one.name else []
    return any(
        other is not None and _said(other, before.item) == _said(judged, before.item) for other in held
    )


def _said(judged: Judgement, item: Item) -> tuple[Any, ...]:
    """What a judgement says, in whatever order; a mark over all of a part is one of the part."""
    issues = set()
    for issue in judged.issues:
        span = issue.start, issue.end
        whole = span == (0, len(item.parts[issue.part].target))
        issues.add((issue.category, issue.part, None if whole or span == (None, None) else span))
    return judged.verdict, issues, judged.texts, judged.rationale


def _may_take(standing: Standing, one: Given) -> None:
    if standing.resolution is not None:
        raise RunError(f"'{one.item}' was resolved already; take its review out of the file")
    if one.resolves and one.name in standing.reviews:
        raise DataError(
            f"the resolution of '{one.item}' is by {one.name}, who reviewed it; name another adjudicator"
        )


def _words(text: str) -> str:
    said = plain(text).strip()
    if not said or len(said) > LONGEST:
        raise DataError("write a few words first")
    return said
