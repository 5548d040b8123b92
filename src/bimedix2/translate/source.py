"""A record as its translator sees it: texts in order, and the record again from their translations."""

from collections.abc import Sequence

from bimedix2.language.segments import Masked, Segments, mask
from bimedix2.language.translators import Job, Wrong
from bimedix2.records import Language, Message, Record, TextPart
from bimedix2.text.arabic import script


class Source:
    """One record and the texts of it that are to be translated.

    ``wanted`` is false for a record that is in the target language, or in none: it passes through.
    """

    def __init__(self, record: Record, target: Language) -> None:
        self.record = record
        self.target = target
        self._segments = [
            [Segments(part.text) if isinstance(part, TextPart) else None for part in message.content]
            for message in record.messages
        ]
        texts = [text for row in self._segments for one in row if one for text in one.texts]
        # A text that stands in the target language already (a quotation, a mixed record's turn) stays.
        self._masked: list[Masked | None] = [
            None if script(text) == target.value else mask(text) for text in texts
        ]
        self._texts = texts
        self.texts = tuple(text for text, one in zip(texts, self._masked, strict=True) if one)
        self.wanted = bool(self.texts) and record.language is not target

    def job(self, wrong: Sequence[Wrong] = ()) -> Job:
        """What a translator is handed."""
        masked = tuple(one.text for one in self._masked if one)
        return Job(masked, self.target, self.record.data_class, tuple(wrong))

    def unmask(self, translated: Sequence[str]) -> tuple[list[str], list[str]]:
        """Put protected spans back; return the texts, and what is wrong with their number or their marks.

        Where the number is wrong, no text comes back.
        """
        masked = [one for one in self._masked if one]
        if len(translated) != len(masked):
            return [], [f"there are {len(masked)} texts and you gave {len(translated)}"]
        texts, problems = [], []
        for number, (one, text) in enumerate(zip(masked, translated, strict=True), 1):
            whole, problem = one.unmask(text)
            texts.append(whole)
            if problem:
                problems.append(f"text {number}: {problem}")
            if not whole.strip():
                problems.append(f"text {number}: it is empty")
        return texts, problems

    def rebuild(self, translated: Sequence[str]) -> tuple[Message, ...]:
        """The messages with each of ``texts`` replaced; roles, images and parts stay."""
        left = iter(translated)
        every = iter(
            [next(left) if one else text for text, one in zip(self._texts, self._masked, strict=True)]
        )
        messages = []
        for message, row in zip(self.record.messages, self._segments, strict=True):
            parts = [
                part if one is None else TextPart(text=one.join([next(every) for _ in one.texts]))
                for part, one in zip(message.content, row, strict=True)
            ]
            messages.append(message.model_copy(update={"content": tuple(parts)}))
        return tuple(messages)
