"""What several checks need of one pair, found once: numbers, terms, sites, and the paired sentences."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from bimedix2.language import glossary
from bimedix2.language.checks.alignment import Bead, Sentence, align_lines
from bimedix2.language.checks.pair import ARABIC, Pair, Side, Span, arabic, english, spans_of, table
from bimedix2.language.checks.places import Place, places
from bimedix2.text.numbers import Number, arabic_numbers, english_numbers

_LATIN = re.compile(r"(?<![A-Za-z])[A-Za-z][A-Za-z\d+-]*[A-Z\d][A-Za-z\d]*(?![A-Za-z])")
"""Abbreviations and codes: a translation keeps them, or some of them."""
_ABBREVIATION = re.compile(r"(?<![A-Za-z\d])[A-Z]{2,5}(?![A-Za-z\d])")
SPELLED = 14
"""Letters more that an abbreviation takes in Arabic (MRI, CT, ECG, CSF, COPD: 15 to 22, less their own)."""
_DENIED = re.compile(f"(?<![{ARABIC}])[وف]?(?:لا|لم|لن|ليس|ليست|ليسا|ليستا|غير|ب?دون|بلا|عدم)(?![{ARABIC}])")


@dataclass(frozen=True)
class Part:
    """Sentences that translate each other: a span of each side."""

    en: Span
    ar: Span
    sentences: int


class Context:
    """A pair with what was found in it; everything is found on first use."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    @cached_property
    def en_numbers(self) -> list[Number]:
        return english_numbers(self.pair.en.text)

    @cached_property
    def ar_numbers(self) -> list[Number]:
        return arabic_numbers(self.pair.ar.text)

    @cached_property
    def en_places(self) -> list[Place]:
        return places(self.pair.en)

    @cached_property
    def ar_places(self) -> list[Place]:
        return places(self.pair.ar)

    @cached_property
    def terms(self) -> list[glossary.Found]:
        """Glossary terms of the English text."""
        return glossary.find(self.pair.en.text)

    @cached_property
    def beads(self) -> list[Bead]:
        """The sentences of both sides, paired by number."""
        return align_lines(
            self._lines(self.pair.en, self._english_anchors), self._lines(self.pair.ar, self._arabic_anchors)
        )

    @cached_property
    def parts(self) -> list[Part]:
        """Paired sentences alone, as spans; the whole texts where no sentence has a partner."""
        found = []
        for bead in self.beads:
            if bead.en and bead.ar:
                first, second = self.pair.en.sentences, self.pair.ar.sentences
                en = (first[bead.en[0]][0], first[bead.en[-1]][1])
                ar = (second[bead.ar[0]][0], second[bead.ar[-1]][1])
                found.append(Part(en, ar, len(bead.en) + len(bead.ar)))
        return found or [Part((0, len(self.pair.en.text)), (0, len(self.pair.ar.text)), 0)]

    def _lines(self, side: Side, anchors: list[tuple[int, str]]) -> list[list[Sentence]]:
        lines: list[list[Sentence]] = []
        last = -1
        for start, end in side.sentences:
            inner = Counter({name for place, name in anchors if start <= place < end})
            # A translation names an English term once more, in brackets: it does not make it longer.
            letters = sum(c.isalnum() for c in side.outside[start:end])
            if side.tongue == "en":
                letters += SPELLED * len(self._spelled(start, end))
            line = side.text.count("\n", 0, start)
            if line != last:
                lines.append([])
                last = line
            lines[-1].append(Sentence((start, end), letters, inner))
        return lines

    def _spelled(self, start: int, end: int) -> list[str]:
        """Abbreviations of English sentences that the translation does not keep, so it spells them out."""
        found = (m.group() for m in _ABBREVIATION.finditer(self.pair.en.text, start, end))
        return [name for name in found if name not in self.pair.ar.text]

    @cached_property
    def _shared_terms(self) -> dict[str, glossary.Term]:
        return {found.term.en: found.term for found in self.terms}

    @cached_property
    def _english_anchors(self) -> list[tuple[int, str]]:
        anchors = [(n.start, n.value) for n in self.en_numbers if n.kind == "figure"]
        anchors += [(m.start(), m.group().upper()) for m in _LATIN.finditer(self.pair.en.text)]
        anchors += [(f.start, f.term.en) for f in self.terms]
        anchors += [(place.span[0], name) for place in self.en_places for name in place.sites]
        denied = english(tuple(table("negation")["english"]["strong"]))
        anchors += [(start, "negation") for start, _ in spans_of(denied, self.pair.en.text)]
        return anchors + self._side_anchors(self.pair.en)

    @cached_property
    def _arabic_anchors(self) -> list[tuple[int, str]]:
        anchors = [(n.start, n.value) for n in self.ar_numbers if n.kind == "figure"]
        anchors += [(m.start(), m.group().upper()) for m in _LATIN.finditer(self.pair.ar.text)]
        anchors += [(place.span[0], name) for place in self.ar_places for name in place.sites]
        anchors += [(m.start(), "negation") for m in _DENIED.finditer(self.pair.ar.text)]
        for start, end in self.pair.ar.sentences:
            said = self.pair.ar.text[start:end]
            anchors += [
                (start, name) for name, term in self._shared_terms.items() if glossary.says(term, said)
            ]
        return anchors + self._side_anchors(self.pair.ar)

    @staticmethod
    def _side_anchors(side: Side) -> list[tuple[int, str]]:
        words = table("laterality")["english" if side.tongue == "en" else "arabic"]
        make = english if side.tongue == "en" else arabic
        return [
            (start, f"side:{name}")
            for name in ("right", "left")
            for start, _ in spans_of(make(tuple(words[name])), side.text)
        ] + [(m.start(), m.group()) for m in re.finditer(r"<image>|\?", side.text)]
