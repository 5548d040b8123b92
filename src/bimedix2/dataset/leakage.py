"""The leakage audit: what the training and validation sides have in common with any test side.

Five ways in which a model may know a test record before it is asked:

- ``image``: the same file is shown (on a stricter side: validation counts against training too).
- ``content``: the same is said and shown.
- ``source_id``: the record has the source and id of a test record, so it is its translation or rewriting.
- ``subject``: it is of the same patient, article or image, under whatever source.
- ``ngram``: a message has 13 words in a row (case, punctuation and Arabic spelling variants aside) of a
  message of the test. A run that many test records have is a way of asking, and no evidence.

Source ids and subjects that de-identification made pseudonyms can be compared if one key made both. What
cannot be is named in ``not_compared``.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from bimedix2.config import Settings
from bimedix2.dataset import batches, ngrams
from bimedix2.dataset.batches import Bools, Flat, Ints, Unit, strings
from bimedix2.dataset.ngrams import Numbers
from bimedix2.dataset.split import TEST, TRAIN, VALIDATION, Sides
from bimedix2.dataset.survey import Survey

Kind = Literal["image", "content", "source_id", "subject", "ngram"]
KINDS: tuple[Kind, ...] = ("image", "content", "source_id", "subject", "ngram")
SEATS = 1 << 27
"""Entries of the table at which most runs are turned away, at most."""
EXAMPLES = 20


class LeakageConfig(Settings):
    """What is compared with the test side, and what is done about it."""

    against: list[Path] = []
    """Finished folders of benchmarks; their test records are compared with and not written."""
    remove: list[Kind] = list(KINDS)
    """The kinds that are removed from training and validation; the others are reported alone."""
    within: list[str] = []
    """Sources whose published sides share images and subjects: what one of them shares with its own test is
    reported alone."""
    words: int = Field(default=13, ge=5)
    """Words in a run."""
    common: int = Field(default=10, ge=1)
    """A run that more test records than this have is passed over."""


@dataclass(frozen=True)
class Leaks:
    """Rows that leak in one way, the first test row that each has it in common with, and the words of
    ``ngram``."""

    rows: Ints
    test: Ints
    words: dict[int, str] = field(default_factory=dict)
    within: bool = False


def first_of(rows: Ints, keys: Ints, asked: Bools, tested: Bools) -> Leaks:
    """Asked rows with a key that a tested row has.

    Args:
        rows: the row of every key.
        keys: 0 is none.
        asked, tested: of every row, whether it is meant.
    """
    some = keys != 0
    those = np.flatnonzero(some & tested[rows])
    unique, first = np.unique(keys[those], return_index=True)
    mine = np.flatnonzero(some & asked[rows])
    if not len(unique):
        return Leaks(rows[:0], rows[:0])
    at = np.minimum(np.searchsorted(unique, keys[mine]), len(unique) - 1)
    hit = unique[at] == keys[mine]
    leaking, once = np.unique(rows[mine[hit]], return_index=True)
    return Leaks(leaking, rows[those[first[at[hit]]]][once])


class Audit:
    """The comparison of one dataset with its test side.

    Args:
        survey: the rows.
        units: where they are read.
        sides: of every row.
        config: what counts.
        workers: threads.
    """

    def __init__(
        self, survey: Survey, units: Sequence[Unit], sides: Sides, config: LeakageConfig, workers: int
    ) -> None:
        self.survey, self.units, self.sides, self.config, self.workers = survey, units, sides, config, workers
        self.source = survey.column(lambda profile: profile.source, np.object_)
        self.language = survey.column(lambda profile: profile.language, np.object_)
        self.found: list[tuple[Kind, Leaks, bool]] = []
        self.tested = self.passed_over = 0
        self.apart: list[dict[str, Any]] = []

    def _note(self, kind: Kind, leaks: Leaks) -> Leaks | None:
        """Keep for the report; return what is to be removed."""
        removes = kind in self.config.remove and not leaks.within
        self.found.append((kind, leaks, removes))
        return leaks if removes else None

    def pseudonyms(self, kept: Bools) -> None:
        """Note whose source ids and subjects are pseudonyms of other keys than those of the test side: of one
        source, and of anybody, since a subject is known under whatever source."""
        survey = self.survey
        test = kept & (self.sides == TEST)
        for kind, keys in (("source_id", survey.origin), ("subject", survey.subject)):
            own, theirs = (
                self._by_key(rows & (keys != 0), kind == "source_id") for rows in (kept & ~test, test)
            )
            for (source, key), count in sorted(own.items()):
                for (test_source, test_key), tested in sorted(theirs.items()):
                    if source == test_source and key != test_key:
                        group = {"kind": kind} | ({"source": source} if source else {})
                        self.apart.append(
                            group
                            | {"key": key or None, "records": count}
                            | {"test_key": test_key or None, "test_records": tested}
                        )

    def _by_key(self, rows: Bools, by_source: bool) -> Counter[tuple[str, str]]:
        """(source, or nothing, and key) -> how many of these rows have it."""
        numbers = self.survey.profile[rows]
        found: Counter[tuple[str, str]] = Counter()
        for number, count in enumerate(np.bincount(numbers[numbers >= 0]).tolist()):
            profile = self.survey.profiles[number]
            found[(profile.source if by_source else "", profile.key)] += count
        return +found

    def not_compared(self) -> str:
        """One sentence about ids of other keys; empty where all can be compared."""
        counts = {
            kind: sum(
                {
                    (one.get("source"), one["key"]): one["records"]
                    for one in self.apart
                    if one["kind"] == kind
                }.values()
            )
            for kind in ("source_id", "subject")
        }
        if not self.apart:
            return ""
        return (
            f"the source ids of {counts['source_id']:,} and the subjects of {counts['subject']:,} training "
            "and validation records are pseudonyms of another key than those of test records, or one of the "
            "two is none, so a translated or rewritten twin is not found by its id; images and runs of words "
            "are compared all the same; clean both sides with one deidentify.key, and see leakage.json"
        )

    def images(self, rows: Ints, numbers: Ints, kept: Bools) -> list[Leaks]:
        """Rows that show an image of a stricter side.

        Args:
            rows, numbers: row and number of every image that is shown.
            kept: of every row, whether it is still in.
        """
        out = []
        stricter = self.sides == TEST
        for side in (VALIDATION, TRAIN):
            for leaks in self._apart(rows, numbers + 1, kept & (self.sides == side), kept & stricter):
                out.append(self._note("image", leaks))
            stricter = stricter | (self.sides == side)
        return [leaks for leaks in out if leaks is not None]

    def identities(self, kind: Kind, kept: Bools) -> list[Leaks]:
        """Rows that have content, source id or subject of a test row."""
        content = self.survey.content
        keys = {
            "content": (content[:, 0] ^ (content[:, 1] << np.uint64(1))).view(np.int64),
            "source_id": self.survey.origin,
            "subject": self.survey.subject,
        }[kind]
        test = self.sides == TEST
        rows = np.arange(self.survey.rows)
        if kind == "subject":
            parts = self._apart(rows, keys, kept & ~test, kept & test)
        else:
            parts = [first_of(rows, keys, kept & ~test, kept & test)]
        noted = [self._note(kind, leaks) for leaks in parts]
        return [leaks for leaks in noted if leaks is not None]

    def _apart(self, rows: Ints, keys: Ints, asked: Bools, tested: Bools) -> list[Leaks]:
        """What leaks, and what a source that is known for it shares with itself alone."""
        parts = []
        for name in self.config.within:
            own = np.asarray(self.source == name)
            others = first_of(rows, keys, asked & own, tested & ~own)
            itself = first_of(rows, keys, asked & own, tested & own)
            alone = ~np.isin(itself.rows, others.rows)
            parts += [others, Leaks(itself.rows[alone], itself.test[alone], within=True)]
            asked = asked & ~own
        return [first_of(rows, keys, asked, tested), *parts]

    def ngrams(self, kept: Bools) -> list[Leaks]:
        """Rows of which a message has a run of words of a test row's message."""
        test = kept & (self.sides == TEST)
        self.tested = int(test.sum())
        if not self.tested:
            return []
        size = self.config.words
        parts = list(batches.in_threads(lambda u: _test_runs(u, test, size), self.units, self.workers))
        runs = Runs([part for one in parts for part in one], self.config.common)
        del parts
        self.passed_over = runs.passed_over
        asked = kept & (self.sides != TEST)
        hits = batches.in_threads(lambda u: _shared_runs(u, asked, runs, size), self.units, self.workers)
        rows: list[int] = []
        tests: list[int] = []
        words: dict[int, str] = {}
        for row, tested, shared in (hit for part in hits for hit in part):
            rows.append(row)
            tests.append(tested)
            words[row] = shared
        leaks = self._note("ngram", Leaks(np.array(rows, np.int64), np.array(tests, np.int64), words))
        return [] if leaks is None else [leaks]

    def report(self, ids: pa.ChunkedArray) -> dict[str, Any]:
        """The audit for ``leakage.json``."""
        kinds = {kind: {"found": 0, "removed": 0, "within": 0} for kind in KINDS}
        pairs: Counter[tuple[str, ...]] = Counter()
        examples: list[dict[str, Any]] = []
        for kind, leaks, removes in self.found:
            kinds[kind]["found"] += len(leaks.rows)
            kinds[kind]["removed"] += len(leaks.rows) * removes
            kinds[kind]["within"] += len(leaks.rows) * leaks.within
            for row, test in zip(leaks.rows.tolist(), leaks.test.tolist(), strict=True):
                own = (self.source[row], self.language[row])
                pairs[(kind, *own, self.source[test], self.language[test])] += 1
            for row, test in list(zip(leaks.rows.tolist(), leaks.test.tolist(), strict=True))[:EXAMPLES]:
                example = {"kind": kind, "id": ids[row].as_py(), "test_id": ids[test].as_py()}
                examples.append(example | ({"words": leaks.words[row]} if row in leaks.words else {}))
        names = ("kind", "source", "language", "test_source", "test_language")
        return {
            "tested": self.tested,
            "words_in_a_run": self.config.words,
            "runs_passed_over": self.passed_over,
            "kinds": kinds,
            "not_compared": {"said": self.not_compared(), "groups": self.apart},
            "pairs": [
                dict(zip(names, pair, strict=True)) | {"records": n} for pair, n in sorted(pairs.items())
            ],
            "examples": examples,
        }


class Runs:
    """The test side's runs of words, to be looked up by the million.

    Args:
        parts: numbers of runs and their rows.
        common: a run that more rows than this have is left out.
    """

    def __init__(self, parts: Sequence[tuple[Numbers, Ints]], common: int) -> None:
        numbers = np.concatenate([np.empty(0, np.uint64), *(part[0] for part in parts)])
        rows = np.concatenate([np.empty(0, np.int64), *(part[1] for part in parts)])
        order = np.lexsort((rows, numbers))
        numbers, rows = numbers[order], rows[order]
        if len(numbers):
            other = (numbers[1:] != numbers[:-1]) | (rows[1:] != rows[:-1])
            once = np.append(True, other)
            numbers, rows = numbers[once], rows[once]
        unique, first, counts = np.unique(numbers, return_index=True, return_counts=True)
        self.passed_over = int((counts > common).sum())
        few = counts <= common
        self.numbers, self.rows = unique[few], rows[first[few]]
        seats = min(SEATS, 1 << max(16, (32 * len(self.numbers)).bit_length()))
        self._shift = np.uint64(64 - (seats.bit_length() - 1))
        self._seats = np.zeros(seats, dtype=np.bool_)
        self._seats[self.numbers >> self._shift] = True

    def find(self, numbers: Numbers) -> tuple[Ints, Ints]:
        """Which of the numbers are runs of the test, and the first test row of each."""
        maybe = np.flatnonzero(self._seats[numbers >> self._shift])
        if not len(maybe) or not len(self.numbers):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        at = np.minimum(np.searchsorted(self.numbers, numbers[maybe]), len(self.numbers) - 1)
        hit = self.numbers[at] == numbers[maybe]
        return maybe[hit], self.rows[at[hit]]


def _messages(unit: Unit, wanted: Bools, size: int) -> list[tuple[Ints, pa.StringArray]]:
    """The texts of wanted rows that are long enough for a run, with the row of each."""
    found: list[tuple[Ints, pa.StringArray]] = []
    if not wanted[unit.first : unit.first + unit.rows].any():
        return found
    for first, batch in batches.read(unit, ["messages"]):
        mine = wanted[first : first + batch.num_rows]
        if not mine.any():
            continue
        flat = Flat(batch.column("messages"))
        row = np.repeat(np.arange(flat.rows), np.diff(flat.row_part_at))
        at, _ = strings(flat.text)
        long = mine[row] & ~flat.pictured & (np.diff(at) >= 2 * size - 1)
        found.append((first + row[long], flat.text.filter(pa.array(long))))
    return found


def _test_runs(unit: Unit, wanted: Bools, size: int) -> list[tuple[Numbers, Ints]]:
    out = []
    for rows, texts in _messages(unit, wanted, size):
        numbers, text, _ = ngrams.runs(texts, size)
        out.append((numbers, rows[text]))
    return out


def _shared_runs(unit: Unit, wanted: Bools, runs: Runs, size: int) -> list[tuple[int, int, str]]:
    """Row, test row and words of the first run that each row shares."""
    out = []
    for rows, texts in _messages(unit, wanted, size):
        numbers, text, word = ngrams.runs(texts, size)
        hit, test = runs.find(numbers)
        leaking, once = np.unique(rows[text[hit]], return_index=True)
        for row, place in zip(leaking.tolist(), once.tolist(), strict=True):
            shared = texts[int(text[hit[place]])].as_py()
            out.append((row, int(test[place]), ngrams.words_at(shared, int(word[hit[place]]), size)))
    return out
