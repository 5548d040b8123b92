"""A Hugging Face model as a model of lm-evaluation-harness: its own backend, behind a ledger.

Everything of it is the harness's ``HFLM`` (tokens, batches, log-likelihoods); what it found is on disk before
the next questions are read. An image-text-to-text model reads text alone here, without a picture.
"""

from collections.abc import Callable, Iterator

from lm_eval.models.huggingface import HFLM

from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical.lm import Encoded, Kept
from bimedix2.evaluate.hub import HubModel


class HubLM(Kept, HFLM):  # type: ignore[misc]  # the harness is untyped
    """The harness's own backend on a model that is open already.

    Args:
        hub: the model.
        ledger: answers by their request; what it knows is not asked.
        rows: questions that are read together.
        limit: most tokens of context and continuation; ``None`` takes the model's context.
        tick: hears how many requests were answered.
    """

    def __init__(
        self,
        hub: HubModel,
        ledger: Ledger,
        rows: int,
        limit: int | None = None,
        tick: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._hub = hub
        self._identity, self._name = hub.identity, hub.name
        self._ledger, self._rows, self._tick = ledger, rows, tick
        self.asked = {}
        HFLM.__init__(
            self,
            pretrained=hub.model,
            tokenizer=hub.tokenizer,
            backend="causal",
            batch_size=rows,
            max_length=limit,
        )

    @property
    def max_length(self) -> int:  # type: ignore[override]  # the harness works it out anew each time
        """What was asked for, else what the model has positions for."""
        return int(HFLM.max_length.fget(self))

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The processor's, which the tokeniser of an image-text-to-text model need not have."""
        return self._hub.chat_template if chat_template else None

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The conversation as the model's authors wrote it."""
        return self._hub.written(chat_history, add_generation_prompt)

    def _score(self, todo: dict[str, Encoded]) -> None:
        for part in _questions(todo, self._rows):
            found = HFLM._loglikelihood_tokens(self, [todo[name] for name in part], disable_tqdm=True)
            self._keep(
                [
                    (name, self._raw(value, greedy, todo[name]))
                    for name, (value, greedy) in zip(part, found, strict=True)
                ]
            )


def _questions(todo: dict[str, Encoded], rows: int) -> Iterator[list[str]]:
    """Names of the requests of so many contexts, the longest first, as the harness reads them."""
    contexts: dict[str, list[str]] = {}
    for name, ((context, _), _, _) in todo.items():
        contexts.setdefault(context, []).append(name)
    lots = sorted(contexts.values(), key=lambda names: -len(todo[names[0]][1]))
    for start in range(0, len(lots), rows):
        yield [name for names in lots[start : start + rows] for name in names]
