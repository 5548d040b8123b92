"""Records that say or show what another one does: found over the whole folder, one of each group kept.

The kept one is the first: test records come before validation records and these before all others, each in
the order of the folder. With ``spare_test`` a test record is never removed, so a benchmark stays whole.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field
from rich.progress import track

from bimedix2 import imaging
from bimedix2.config import Settings
from bimedix2.curate.lookalikes import Lookalikes, phash
from bimedix2.curate.minhash import Hashes, bands, likeness, rows_for, shared, shingles
from bimedix2.errors import ImageError
from bimedix2.records import Record, Split
from bimedix2.text.arabic import normalise

Stream = Callable[[], Iterable[Record]]
Removal = tuple[str, Any]
"""Reason, and what is said of it."""


class DuplicatesConfig(Settings):
    """Which duplicates are removed."""

    exact: bool = True
    """Records whose messages and images are the same."""
    text: float | None = Field(default=0.9, ge=0.5, le=1)
    """Records with the same pictures whose words have at least this Jaccard similarity (runs of five words),
    and so have their answers; null looks for none."""
    images: int | None = Field(default=None, ge=0, le=64)
    """Pictures of whose 255 hash bits at most so many differ are taken for one; null compares files alone."""
    one_caption: list[str] = ["caption"]
    """Tasks of which one record for each picture and language is kept, where ``images`` is given."""
    spare_test: bool = True
    """Remove no record of the test split."""


ORDER = {Split.TEST: 0, Split.VALIDATION: 1}


@dataclass
class _Survey:
    """What is remembered of every record, by its place in the folder."""

    ids: list[str] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    images: list[tuple[str, ...]] = field(default_factory=list)
    captions: dict[int, str] = field(default_factory=dict)
    """Place of a ``one_caption`` record -> its task and language."""

    def order(self) -> list[int]:
        """Places in the order in which records are kept."""
        return sorted(range(len(self.ids)), key=self.ranks.__getitem__)


def find_duplicates(
    stream: Stream, read_image: Callable[[str], bytes], config: DuplicatesConfig
) -> dict[int, Removal]:
    """Return what to remove: place in the stream -> reason, and the id that it duplicates.

    Args:
        stream: gives the same records at every call; it is called up to three times.
        read_image: bytes of an image by its hash.
        config: what counts as a duplicate.
    """
    survey = _survey(stream(), config)
    order = survey.order()
    removed: dict[int, Removal] = {}
    if config.exact:
        _exact(survey, order, config, removed)
    same: dict[str, tuple[str, int]] = {}
    if config.images is not None:
        same = _same_pictures(survey, order, read_image, config.images, removed)
        _captions(survey, order, same, config, removed)
    if config.text is not None:
        _texts(stream, survey, order, same, config.text, config.spare_test, removed)
    return removed


def _spared(survey: _Survey, place: int, spare_test: bool) -> bool:
    return spare_test and survey.ranks[place] == ORDER[Split.TEST]


def _survey(records: Iterable[Record], config: DuplicatesConfig) -> _Survey:
    survey = _Survey()
    names: dict[str, str] = {}
    for place, record in enumerate(_shown(records, "survey")):
        survey.ids.append(record.id)
        survey.ranks.append(ORDER.get(record.split, 2))
        survey.digests.append(bytes.fromhex(record.content_hash()[:32]))
        survey.images.append(tuple(names.setdefault(image.image, image.image) for image in record.images))
        if record.task in config.one_caption and record.images:
            survey.captions[place] = f"{record.task}/{record.language}"
    return survey


def _shown(records: Iterable[Record], what: str) -> Iterator[Record]:
    yield from track(records, description=f"curate: {what}", transient=True, total=None)


def _exact(survey: _Survey, order: list[int], config: DuplicatesConfig, removed: dict[int, Removal]) -> None:
    first: dict[bytes, int] = {}
    for place in order:
        kept = first.setdefault(survey.digests[place], place)
        if kept != place and not _spared(survey, place, config.spare_test):
            removed[place] = ("duplicate", {"duplicates": survey.ids[kept]})


def _same_pictures(
    survey: _Survey,
    order: list[int],
    read_image: Callable[[str], bytes],
    distance: int,
    removed: dict[int, Removal],
) -> dict[str, tuple[str, int]]:
    """Return image -> the earlier one that it looks like, and the bits that differ."""
    keys = dict.fromkeys(key for place in order if place not in removed for key in survey.images[place])
    seen, same = Lookalikes(distance), {}
    for key in track(keys, description="curate: pictures", transient=True):
        try:
            hashed = phash(imaging.read(read_image(key), key[:12]).image)
        except ImageError:
            continue  # not a picture that can be compared; whoever shows it will say why
        if hashed is not None and (earlier := seen.place(key, hashed)):
            same[key] = earlier
    return same


def _pictures(survey: _Survey, place: int, same: dict[str, tuple[str, int]]) -> tuple[str, ...]:
    return tuple(same[key][0] if key in same else key for key in survey.images[place])


def _captions(
    survey: _Survey,
    order: list[int],
    same: dict[str, tuple[str, int]],
    config: DuplicatesConfig,
    removed: dict[int, Removal],
) -> None:
    first: dict[tuple[str, tuple[str, ...]], int] = {}
    for place in order:
        if place not in survey.captions or place in removed:
            continue
        kept = first.setdefault((survey.captions[place], _pictures(survey, place, same)), place)
        if kept != place and not _spared(survey, place, config.spare_test):
            bits = max(same[key][1] if key in same else 0 for key in survey.images[place])
            removed[place] = ("duplicate-image", {"duplicates": survey.ids[kept], "bits": bits})


@dataclass
class _Words:
    """What two candidates are compared by."""

    everything: Hashes
    answers: Hashes
    counts: Counter[str]


def _words(record: Record) -> _Words:
    said, answers = _said(record), _answers(record)
    return _Words(shingles(said), shingles(answers), Counter(normalise(said).split()))


def _texts(
    stream: Stream,
    survey: _Survey,
    order: list[int],
    same: dict[str, tuple[str, int]],
    threshold: float,
    spare_test: bool,
    removed: dict[int, Removal],
) -> None:
    rows = rows_for(threshold)
    keys: list[Hashes] = []
    for place, record in enumerate(_shown(stream(), "words")):
        salt = "|".join(_pictures(survey, place, same)).encode()
        keys.append(bands(shingles(_said(record)), rows, salt))
    matrix = np.stack(keys) if keys else np.zeros((0, 1), np.uint64)
    buckets = _buckets(matrix, removed)
    words = {
        place: _words(record)
        for place, record in enumerate(_shown(stream(), "candidates") if buckets else ())
        if place in buckets
    }
    kept: dict[int, list[int]] = defaultdict(list)
    for place in order:
        if place not in words:
            continue
        near = {other for bucket in buckets[place] for other in kept[bucket]}
        first = sorted(near, key=lambda other: (survey.ranks[other], other))
        likes = ((other, _alike(words[place], words[other], threshold)) for other in first)
        found = next(((other, like) for other, like in likes if like is not None), None)
        if found is not None and not _spared(survey, place, spare_test):
            what = {"duplicates": survey.ids[found[0]], "likeness": round(found[1], 4)}
            removed[place] = ("near-duplicate-text", what)
            continue
        for bucket in buckets[place]:
            kept[bucket].append(place)


def _buckets(matrix: NDArray[np.uint64], removed: dict[int, Removal]) -> dict[int, list[int]]:
    """Place of a record that shares a band with another one -> the numbers of the buckets it lies in."""
    left = np.array([place for place in range(len(matrix)) if place not in removed], np.intp)
    buckets: dict[int, list[int]] = defaultdict(list)
    number = 0
    for band in range(matrix.shape[1]):
        for group in shared(matrix[left, band]):
            number += 1
            for place in left[group]:
                buckets[int(place)].append(number)
    return buckets


def _said(record: Record) -> str:
    return "\n".join(message.text for message in record.messages)


def _answers(record: Record) -> str:
    return "\n".join(message.text for message in record.messages if message.role == "assistant")


@cache
def critical_words() -> frozenset[str]:
    """Words that change what is said of a patient, as ``normalise`` leaves them."""
    read = yaml.safe_load(files("bimedix2.curate").joinpath("critical_words.yaml").read_text("utf-8"))
    return frozenset(word for tongue in read.values() for word in tongue)


def _alike(one: _Words, other: _Words, threshold: float) -> float | None:
    """How alike two texts are, or nothing where they are no duplicates.

    Texts that differ in a number, a single letter, a side or a negation say different things however alike.
    """
    said = likeness(one.everything, other.everything)
    if said < threshold or likeness(one.answers, other.answers) < threshold:
        return None
    differ = (one.counts - other.counts) | (other.counts - one.counts)
    if any(len(word) == 1 or word in critical_words() or any(c.isdigit() for c in word) for word in differ):
        return None
    return said
