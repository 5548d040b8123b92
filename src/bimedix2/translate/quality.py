"""How good a translation may be, without a reference: chrF of its way back, and a model's rating.

Neither is a reviewer's verdict. They order what reviewers look at first; no record is dropped for them.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Any

from pydantic import Field

from bimedix2 import io
from bimedix2.errors import MissingExtra
from bimedix2.language.translators import Done, Job, Translator, translate_all
from bimedix2.llm.backend import IdentifiedBackend, Request, Sampling
from bimedix2.llm.structured import Accepted, Answer, Rules, ask_structured
from bimedix2.records import Language, Message
from bimedix2.translate.source import Source

RATING_TOKENS = 512


class Rating(Answer):
    """What a rater is asked for."""

    problems: list[str]
    score: Annotated[int, Field(ge=1, le=5)]


def chrf(hypothesis: str, reference: str) -> float:
    """chrF2 of a sentence, 0 to 100 (Popović 2015: characters up to 6-grams, beta 2), as sacrebleu has it."""
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        raise MissingExtra("sacrebleu", "translate") from None
    return float(CHRF().sentence_score(hypothesis, [reference]).score)


class Quality:
    """Rates translations.

    Args:
        back: translates back; ``None`` does not.
        rater: a chat model that rates from 1 to 5; ``None`` does not.
        target: the language of the translations.
    """

    def __init__(self, back: Translator | None, rater: IdentifiedBackend | None, target: Language) -> None:
        self.back = back
        self.rater = rater
        self.target = target
        if back is not None:
            chrf("a", "a")  # a missing package is said before anything is paid for

    def rate(self, translated: Sequence[tuple[Source, Sequence[str]]]) -> list[dict[str, float]]:
        """Return ``chrf``, ``rating`` and ``quality`` (0 to 1, their mean) of each, where they are known."""
        found: list[dict[str, float]] = [{} for _ in translated]
        if self.back is not None:
            self._back(self.back, translated, found)
        if self.rater is not None:
            self._rated(self.rater, translated, found)
        for one in found:
            parts = [one["chrf"] / 100] if "chrf" in one else []
            parts += [(one["rating"] - 1) / 4] if "rating" in one else []
            if parts:
                one["quality"] = round(sum(parts) / len(parts), 4)
        return found

    def _back(
        self,
        back: Translator,
        translated: Sequence[tuple[Source, Sequence[str]]],
        found: list[dict[str, Any]],
    ) -> None:
        source = Language.ENGLISH if self.target is Language.ARABIC else Language.ARABIC
        jobs = [Job(tuple(texts), source, one.record.data_class) for one, texts in translated]
        for one, (origin, texts), result in zip(found, translated, translate_all(back, jobs), strict=True):
            # What could not be translated back is not a bad translation: it is not known.
            if isinstance(result, Done) and len(result.texts) == len(texts):
                one["chrf"] = round(chrf("\n".join(result.texts), "\n".join(origin.texts)), 2)

    def _rated(
        self,
        rater: IdentifiedBackend,
        translated: Sequence[tuple[Source, Sequence[str]]],
        found: list[dict[str, Any]],
    ) -> None:
        prompt = files("bimedix2.translate").joinpath("rate.md").read_text(encoding="utf-8").strip()
        version = f"rate-{io.sha256_bytes(prompt.encode())[:8]}"
        requests = []
        for source, texts in translated:
            pairs = [{"source": a, "translation": b} for a, b in zip(source.texts, texts, strict=True)]
            messages = (
                Message.of("system", prompt),
                Message.of("user", json.dumps({"pairs": pairs}, ensure_ascii=False)),
            )
            sampling = Sampling(max_tokens=RATING_TOKENS)
            requests.append(
                Request(messages, sampling=sampling, data_class=source.record.data_class, prompt=version)
            )
        for one, outcome in zip(found, ask_structured(rater, requests, Rules(Rating)), strict=True):
            if isinstance(outcome, Accepted):
                one["rating"] = outcome.value.score
