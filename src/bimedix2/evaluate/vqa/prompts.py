"""How a question about a picture is put to a model: as MultiMedEval does, or in our own words.

MultiMedEval's text is ``<img> QUESTION``, and before it, where the gold answer is exactly ``yes`` or ``no``,
a sentence that asks for one of the two (specification 1.1). That sentence tells the model which kind of
answer is right, and SLAKE, whose golds are ``Yes`` and ``No``, never gets it. A picture is a part of the
message here; the chat template of the model decides where it stands.
"""

from typing import Literal

from bimedix2.evaluate.answering import hash_of
from bimedix2.evaluate.metrics import vqa, vqa_arabic
from bimedix2.records import ImagePart, Message

Prompt = Literal["published", "ours"]
PrefixMode = Literal["mme", "always", "never"]
"""Which questions get the sentence. ``mme``: those whose gold is exactly ``yes`` or ``no``. ``always``: all
that are scored as closed. ``never``: none."""

PREFIX = {
    "en": "Answer the following question with yes or no. ",
    "ar": "أجب عن السؤال التالي بنعم أو لا. ",
}
"""The English one is MultiMedEval's, the Arabic one its translation, ours."""
SHORT = {
    "en": "Answer with a word or a short phrase.",
    "ar": "أجب بكلمة أو بعبارة قصيرة.",
}
"""What ``ours`` adds to every question alike, so that nothing tells which kind of answer is right."""


def closed(gold: str, language: str) -> bool:
    """Whether a gold is scored as a yes or a no."""
    if language == "ar":
        return vqa_arabic.score_pair(gold, "").plain.closed
    return vqa.clean(gold) in vqa.CLOSED


def prefixed(gold: str, language: str, mode: PrefixMode) -> bool:
    """Whether a question gets the sentence that asks for yes or no.

    Args:
        gold: the answer as it is published, case kept.
        language: ``en`` or ``ar``.
        mode: see ``PrefixMode``.
    """
    if mode == "mme":
        return gold in ("yes", "no")
    return mode == "always" and closed(gold, language)


def message(
    question: str, gold: str, image: ImagePart, language: str, prompt: Prompt, mode: PrefixMode
) -> Message:
    """The user's turn."""
    if prompt == "ours":
        return Message.of("user", image, f"{question}\n{SHORT[language]}")
    start = PREFIX[language] if prefixed(gold, language, mode) else ""
    return Message.of("user", image, start + question)


def version(prompt: Prompt, mode: PrefixMode) -> str:
    """Name and hash of the words, for a signature."""
    words = hash_of(SHORT if prompt == "ours" else PREFIX)[:8]
    return f"ours:{words}" if prompt == "ours" else f"published,{mode}:{words}"
