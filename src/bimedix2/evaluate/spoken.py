"""An answer as what it affirms and what it denies, and the concepts in either. Knows nothing of questions."""

from functools import cache

from bimedix2.language.concepts import mentions, studies
from bimedix2.language.denial import parts, plain
from bimedix2.text.arabic import normalise

EXCLUSIVE = ("modality", "region", "plane", "projection", "view", "window", "stain")
"""Kinds of which a picture has one value; of cells and signs it may have several, and one that is not
annotated is unknown: naming it is counted apart, not as wrong."""
SEVERAL = ("cell", "sign")
_FILLER = frozenset({"a", "an", "the", "actually", "really", "صوره", "بصوره"})
"""Between a negation word and what it denies outright: "not a CT", and not "not all of the chest"."""


class Spoken:
    """An answer as its affirmed part and its denied parts; what it is said to be without is in neither.

    ``words`` is all of it with contractions written out; ``text`` and the parts are normalised.
    """

    def __init__(self, answer: str) -> None:
        self.words = plain(answer)
        self.text = normalise(self.words)
        read = parts(answer)
        self.affirmed = read.affirmed
        self.denials = read.denied
        self.opens_with_no = read.opens_with_no

    @property
    def denied(self) -> str:
        """Everything that is denied."""
        return " | ".join(self.denials)

    def rejects(self) -> bool:
        """Whether what was asked is denied.

        That is: by an opening "no", outright ("it is not", "not so"), or by denying a thing that a picture
        can be. An aside such as "I cannot diagnose" is none of these.
        """
        return self.opens_with_no or any(len(one.split()) <= 2 or _names(one) for one in self.denials)

    def takes_back(self, kind: str, value: str) -> bool:
        """Whether a value that is affirmed is denied outright, with nothing to tell the two apart.

        "A CT, not a CT" is such, and "a chest CT, not a head CT" is not.
        """
        for one in self.denials:
            found = [(other, v) for other in EXCLUSIVE for v in _values(other, one)]
            starts = [start for other in EXCLUSIVE for start, _, _ in mentions(other, one)]
            if not starts or set(one[: min(starts)].split()) - _FILLER:
                continue
            apart = any(not any(v & said for said in self.values(other)) for other, v in found)
            if not apart and any(other == kind and value in v for other, v in found):
                return True
        return False

    def values(self, kind: str, *, denied: bool = False, whole: bool = False) -> list[frozenset[str]]:
        """What each mention of a kind can stand for, in the affirmed or the denied part."""
        return _values(kind, self.text if whole else self.denied if denied else self.affirmed)

    def windows(self) -> list[frozenset[str]]:
        """Windows said as such: ``brain`` alone in a description is a region."""
        text = self.affirmed
        return [v for start, end, v in mentions("window", text) if _is_window(text, start, end)]


def _names(text: str) -> bool:
    return any(mentions(kind, text) for kind in (*EXCLUSIVE, *SEVERAL))


def _values(kind: str, text: str) -> list[frozenset[str]]:
    found = mentions(kind, text)
    if kind in ("region", "plane"):
        found = [(start, end, v) for start, end, v in found if not _part_of_other(text, start, end)]
    return [values for _, _, values in found]


def _is_window(text: str, start: int, end: int) -> bool:
    return text[end:].startswith(" window") or text[:start].endswith("نافذه ")


def _part_of_other(text: str, start: int, end: int) -> bool:
    """A region's or plane's word inside another: ``lung window``, ``bone scan``, ``red blood cells``."""
    if _is_window(text, start, end):
        return True
    longer = [*mentions("modality", text), *mentions("cell", text)]
    return any(s <= start and end <= e and (s, e) != (start, end) for s, e, _ in longer)


@cache
def implied_regions() -> dict[str, str]:
    """Modalities that have one region alone: who says mammogram has said breast."""
    regions: dict[str, set[str | None]] = {}
    for study in studies():
        regions.setdefault(study.modality, set()).add(study.region)
    return {m: next(iter(r)) for m, r in regions.items() if len(r) == 1 and None not in r}  # type: ignore[misc]
