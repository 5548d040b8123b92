"""The pages of a batch of translations: review, discuss, adjudicate. Every act is checked by ``Room``."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from bimedix2.errors import RunError
from bimedix2.review import view
from bimedix2.review.accounts import Sessions
from bimedix2.review.board import Board, Standing
from bimedix2.review.entry import Entry, Person, Refused, text
from bimedix2.review.room import Room
from bimedix2.review.settings import Config


class Pages(Entry):
    """The routes over one room.

    Args:
        room: the batch.
        sessions: who is signed in.
        config: the settings.
    """

    def __init__(self, room: Room, sessions: Sessions, config: Config) -> None:
        shown = (key for s in room.board.standings.values() for key in s.item.images)
        super().__init__(room, sessions, config, shown)
        self.room = room

    def pages(self) -> dict[str, Callable[[Request], Response]]:
        """Address -> page."""
        return {"/": self.home, "/pair": self.pair, "/mine": self.mine}

    def acts(self) -> dict[str, Callable[[Person, dict[str, Any]], dict[str, Any]]]:
        """Address -> what writes."""
        return {
            "/reviews": self._review,
            "/skips": self._skip,
            "/comments": self._comment,
            "/resolutions": self._resolve,
        }

    def counts(self, person: Person) -> dict[str, int]:
        """Progress, one's own reviews, and the adjudicator's queue."""

        def count(board: Board) -> dict[str, int]:
            own = [s for s in board.standings.values() if person.name in s.reviews]
            differ = sum(s.state(board.overlap) == "conflict" for s in own)
            found = {**board.progress(), "mine": len(own), "mine_differ": differ}
            return {**found, "queue": len(board.queue())} if person.adjudicates else found

        return self.room.read(count)

    def home(self, request: Request) -> Response:
        """The next pair of a reviewer, or the adjudicator's queue."""
        try:
            person = self.person(request)
        except Refused:
            return RedirectResponse("/login", 303)
        if person.adjudicates:
            rows = self.room.read(lambda board: [view.row(s, board, person.name) for s in board.queue()])
            return self.page(request, "review_list.html", person, rows=rows, kind="queue")
        standing = self.room.next_for(person.name)
        if standing is None:
            return self.page(request, "review_list.html", person, rows=[], kind="done")
        return self._pair_page(request, person, standing, "review")

    def mine(self, request: Request) -> Response:
        """What a person reviewed."""
        person = self.person(request)
        rows = self.room.read(
            lambda board: [view.row(s, board, person.name) for s in board.mine(person.name)]
        )
        return self.page(request, "review_list.html", person, rows=rows, kind="mine")

    def pair(self, request: Request) -> Response:
        """One pair again: to revise, to discuss, or to resolve."""
        person = self.person(request)
        name = request.query_params.get("item", "")

        def look(board: Board) -> tuple[Standing, str]:
            standing = board.of(name)
            if person.adjudicates:
                return board.may_discuss(person.name, name, True), "adjudicate"
            if person.name not in standing.reviews:
                raise RunError("this pair was not given to you; go on with the next")
            differs = standing.state(board.overlap) == "conflict"
            return standing, "discuss" if differs else "revise"

        standing, mode = self.room.read(look)
        return self._pair_page(request, person, standing, mode)

    def _pair_page(self, request: Request, person: Person, standing: Standing, mode: str) -> Response:
        final = self.room.board.closed or standing.resolution is not None
        own = standing.latest.get(person.name) or standing.resolution
        seen = mode in ("discuss", "adjudicate")
        script = {
            "mode": mode,
            "item": standing.item.id,
            "targets": {n: p.target for n, p in enumerate(standing.item.parts) if p.image is None},
            "own": view.judgement(own, standing) if own and mode != "review" else None,
            "others": view.others(standing, person.name) if seen else [],
            "comments": view.comments(standing, person.name) if seen else [],
            "final": final,
        }
        return self.page(
            request,
            "review_pair.html",
            person,
            script,
            mode=mode,
            turns=view.turns(standing),
            item=standing.item,
            final=final,
            left_out=list(standing.skipped.values()) if mode == "adjudicate" else [],
            verdicts=view.VERDICT_KEYS,
            categories=view.CATEGORY_KEYS,
        )

    # Acts

    def _review(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        if person.adjudicates:
            raise RunError("an adjudicator resolves and does not review; sign in as a reviewer")
        return {"event": self.room.review(person.name, text(given, "item"), given.get("judgement")).seq}

    def _skip(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        return {"event": self.room.skip(person.name, text(given, "item"), text(given, "reason")).seq}

    def _comment(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        item = text(given, "item")
        event = self.room.comment(person.name, item, text(given, "text"), person.adjudicates)
        return {
            "event": event.seq,
            "comments": self.room.read(lambda board: view.comments(board.of(item), person.name)),
        }

    def _resolve(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        if not person.adjudicates:
            raise RunError("only an adjudicator resolves; discuss the pair, or revise your review")
        return {"event": self.room.resolve(person.name, text(given, "item"), given.get("judgement")).seq}
