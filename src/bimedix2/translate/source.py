"""A record as its translator sees it: texts in order, and the record again from their translations."""

from collections.abc import Sequence
from pathlib import Path

from bimedix2.errors import DataError
from bimedix2.language.segments import Masked, Segments, mask
from bimedix2.language.translators import Job, Wrong
from bimedix2.records import Language, Message, Record, TextPart
from bimedix2.records.store import read_records
from bimedix2.text.arabic import script


def twin_id(name: str, target: Language) -> str:
    """The id of a record's translation."""
    return f"{name}-{target}"


class Translated:
    """What of a folder is translated already: running the room on its own output pays for nothing twice.

    ``total`` is the number of its records.
    """

    def __init__(self, folder: Path, target: Language) -> None:
        self.total = 0
        self._target = target
        self._done: set[str] = set()
        self._taken: set[str] = set()
        for record in read_records(folder):
            self.total += 1
            said = record.meta.get("translation")
            if record.language is target and isinstance(said, dict):
                self._done.add(str(said.get("of")))
            elif record.id.endswith(twin_id("", target)):
                self._taken.add(record.id)

    def lacks(self, record: Record) -> bool:
        """Whether no translation of a record stands in the folder.

        Raises:
            DataError: another record has the id that its translation would get.
        """
        if record.language is self._target:
            return True  # it passes through for its language
        twin = twin_id(record.id, self._target)
        if record.id not in self._done and twin in self._taken:
            raise DataError(
                f"the record '{twin}' has the id that the translation of '{record.id}' would get, and does "
                "not say that it is one (meta.translation.of); rename one of them"
            )
        return record.id not in self._done


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
