"""What every batch has, whatever is judged in it: a log folded into a board, and one writer at a time.

``Folded`` is a board: it knows no SQL and no pages. ``Desk`` holds it beside its store; every act is checked
and written in one turn of the store's lock.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from bimedix2.errors import DataError, RunError
from bimedix2.review.events import Event
from bimedix2.review.settings import Config
from bimedix2.review.store import Store, Writer


class Folded:
    """The events of a batch, folded in their order.

    Args:
        claim_hours: after so long what was handed out is free again.
    """

    def __init__(self, claim_hours: float) -> None:
        self.claim = timedelta(hours=claim_hours)
        self.seq = 0
        self.last_hash = ""
        self.closed = False
        self.opened: dict[str, Any] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Fold the events that follow those already taken."""
        for event in events:
            if event.seq != self.seq + 1:
                raise DataError(f"event {self.seq + 1} is not in the log; restore the store from a copy")
            if event.kind == "opened":
                self.opened = event.payload
            elif event.kind == "closed":
                self.closed = True
            else:
                self._take(event)
            self.seq, self.last_hash = event.seq, event.hash

    def _take(self, event: Event) -> None:
        """Fold one event that is neither the first nor the last."""
        raise NotImplementedError

    def holders(self, claims: Mapping[str, str], time: str) -> set[str]:
        """Those to whom an item is handed out at that time.

        Args:
            claims: name -> when it was handed out.
            time: as events write it.
        """
        moment = datetime.fromisoformat(time)
        return {name for name, since in claims.items() if moment - datetime.fromisoformat(since) < self.claim}

    def may_write(self) -> None:
        """Refuse what comes after the batch was closed.

        Raises:
            RunError: it was.
        """
        if self.closed:
            raise RunError("the batch is closed; nothing more can be written to it")


def _keys(first: Mapping[str, Any], judged: Mapping[str, Any]) -> list[str]:
    """What decides a batch's result; another kind of batch is told before what follows from it."""
    return sorted(first.keys() | judged.keys(), key=lambda key: (key != "kind", key))


B = TypeVar("B", bound=Folded)
T = TypeVar("T")


class Desk(Generic[B]):
    """A store and its board, for any number of threads; other processes may write to the same store.

    Args:
        store: with a batch.
        config: whose settings must be those that the batch was opened with.
        make: the board of what the store holds.

    Raises:
        RunError: there is no batch, or another recipe opened it.
        DataError: the log was changed.
    """

    def __init__(self, store: Store, config: Config, make: Callable[[], B]) -> None:
        store.check()
        self.store = store
        judged, first = config.judged(), store.events()[0].payload["recipe"]
        changed = [key for key in _keys(first, judged) if judged.get(key) != first.get(key)]
        if changed:
            raise RunError(
                f"the batch in {store.where} was opened with another '{changed[0]}'; "
                "serve and close it with the recipe that opened it"
            )
        self.board = make()
        self._lock = threading.Lock()
        self.catch_up()

    def catch_up(self) -> None:
        """Take what other processes wrote."""
        with self._lock:
            self.board.take(self.store.events(self.board.seq))

    def read(self, look: Callable[[B], T]) -> T:
        """Look at the board as it stands now."""
        with self._lock:
            self.board.take(self.store.events(self.board.seq))
            return look(self.board)

    def act(self, act: Callable[[B, Writer], T]) -> T:
        """Read the log to its end, decide and write, all while the store's lock is held."""
        with self._lock:
            with self.store.write() as writer:
                self.board.take(writer.events(self.board.seq))
                done = act(self.board, writer)
            self.board.take(self.store.events(self.board.seq))
            return done
