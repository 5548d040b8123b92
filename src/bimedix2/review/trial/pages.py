"""The pages of a trial: the item, one's own choices or scores. Nobody sees another's, and no model's name."""

from collections.abc import Callable
from typing import Any, ClassVar

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from bimedix2.errors import RunError
from bimedix2.review.accounts import Sessions
from bimedix2.review.entry import Entry, Person, Refused, Words, text
from bimedix2.review.settings import Config
from bimedix2.review.trial.board import Board, Standing
from bimedix2.review.trial.choice import Choice
from bimedix2.review.trial.items import Item, Turn
from bimedix2.review.trial.room import Room
from bimedix2.review.view import paragraphs
from bimedix2.web.direction import direction

WORDS = Words(
    "review_trial_page_title", "review_trial_title", "review_trial_login_lead", "review_trial_privacy"
)


class Pages(Entry):
    """The routes over one trial.

    Args:
        room: the trial.
        sessions: who is signed in.
        config: the settings.
    """

    shell: ClassVar[str] = "review_trial_shell.html"

    def __init__(self, room: Room, sessions: Sessions, config: Config) -> None:
        shown = (key for s in room.board.standings.values() for key in s.item.images)
        super().__init__(room, sessions, config, shown, WORDS)
        self.room = room

    def pages(self) -> dict[str, Callable[[Request], Response]]:
        """Address -> page."""
        return {"/": self.home, "/item": self.item, "/mine": self.mine}

    def acts(self) -> dict[str, Callable[[Person, dict[str, Any]], dict[str, Any]]]:
        """Address -> what writes."""
        return {"/choices": self._choose}

    def counts(self, person: Person) -> dict[str, int]:
        """Progress of all, and how many a person has judged."""

        def count(board: Board) -> dict[str, int]:
            return {**board.progress(), "mine": len(board.mine(person.name))}

        return self.room.read(count)

    def home(self, request: Request) -> Response:
        """The next item."""
        try:
            person = self.person(request)
        except Refused:
            return RedirectResponse("/login", 303)
        standing = self.room.next_for(person.name)
        if standing is None:
            return self.page(request, "review_trial_list.html", person, rows=[], kind="done")
        return self._item_page(request, person, standing, "choose")

    def mine(self, request: Request) -> Response:
        """What a person chose."""
        person = self.person(request)
        rows = self.room.read(lambda board: [_row(s, person.name) for s in board.mine(person.name)])
        return self.page(request, "review_trial_list.html", person, rows=rows, kind="mine")

    def item(self, request: Request) -> Response:
        """An item again, to choose anew."""
        person = self.person(request)
        name = request.query_params.get("item", "")

        def look(board: Board) -> Standing:
            standing = board.of(name)
            if person.name not in standing.choices:
                raise RunError("this item was not given to you; go on with the next")
            return standing

        return self._item_page(request, person, self.room.read(look), "revise")

    def _item_page(self, request: Request, person: Person, standing: Standing, mode: str) -> Response:
        item, own = standing.item, standing.latest.get(person.name)
        final = self.room.board.closed
        script = {
            "mode": mode,
            "item": item.id,
            "labels": item.labels,
            "scales": [{"id": scale.id, "values": scale.values} for scale in item.scales],
            "own": own.to_json() if own is not None else None,
            "final": final,
        }
        return self.page(
            request,
            "review_trial_item.html",
            person,
            script,
            mode=mode,
            final=final,
            asks="score" if item.scales else "choose",
            item=item,
            context=paragraphs(item.context),
            turns=[_turn(turn) for turn in item.turns],
            reference=paragraphs(item.reference),
            answers=_answers(item),
        )

    def _choose(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        return {"event": self.room.choose(person.name, text(given, "item"), given.get("choice")).seq}


def _turn(turn: Turn) -> dict[str, Any]:
    words = [paragraphs(part.text) for part in turn.parts if part.text is not None]
    images = [part.image for part in turn.parts if part.image is not None]
    return {"role": turn.role, "images": images, "texts": words}


def _key(number: int) -> str:
    """The key that chooses an answer: a digit, with Shift for the second nine; none for those behind."""
    return str(number) if number <= 9 else f"\u21e7{number - 9}" if number <= 18 else ""


def _answers(item: Item) -> list[dict[str, Any]]:
    return [
        {
            "key": _key(number),
            "label": answer.label,
            "lines": paragraphs(answer.text),
            "empty": not answer.text.strip(),
            "scales": [
                {**scale.model_dump(), "lines": paragraphs(scale.text)}
                for scale in item.scales
                if scale.label == answer.label
            ],
        }
        for number, answer in enumerate(item.answers, 1)
    ]


def _row(standing: Standing, name: str) -> dict[str, Any]:
    """A line of the list of one's own choices."""
    choice: Choice = standing.latest[name]
    return {
        "id": standing.item.id,
        "start": standing.item.start,
        "dir": direction(standing.item.start),
        "choice": choice.choice,
        "labels": ", ".join(choice.labels),
        "values": [choice.scores[scale.id] for scale in standing.item.scales if choice.scores],
        "revisions": len(standing.choices[name]) - 1,
    }
