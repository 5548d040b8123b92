"""Who trains and who tests: whole subjects, never slices or tiles of one.

A subject is a patient, video, volume or slide. Where a source names none, its records cannot be told apart:
they stay on one side, unless the recipe says to split that source by image or by its published ids, and then
each such record with an image carries ``meta.subject_unknown``, so that whoever reads its score knows.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.dataset.batches import Bools
from bimedix2.dataset.survey import Survey
from bimedix2.errors import ConfigError
from bimedix2.records import Split

SIDES = (Split.TRAIN, Split.VALIDATION, Split.TEST)
"""In the order in which they are written; the later one is the stricter."""
TRAIN, VALIDATION, TEST = range(3)
Share = Annotated[float, Field(gt=0, le=1)]
"""Of what a source has."""
Sides = np.ndarray[tuple[int, ...], np.dtype[np.int8]]


class SplitConfig(Settings):
    """Which subjects are held out."""

    test_sources: list[str] = []
    """Sources that never train: all their records are held out, whatever side they were published on."""
    test_subjects: dict[str, Annotated[int, Field(ge=0)]] = {}
    """Source -> how many of its subjects are held out, chosen by the hash of their name and the seed."""
    by_image: dict[str, Share] = {}
    """Source without subject names -> share of its images held out."""
    by_id: dict[str, Share] = {}
    """Source without subjects and images -> share of its published ids held out; a translated or rewritten
    twin has the id of its original and goes with it."""
    seed: int = 0

    def named(self) -> frozenset[str]:
        """Sources whose subjects must be known by name."""
        return frozenset([*self.test_sources, *self.test_subjects])

    def drawn_images(self) -> dict[str, Callable[[str], bool]]:
        """Source -> whether an image is held out by itself."""
        return {source: partial(self._drawn, share) for source, share in self.by_image.items()}

    def drawn_ids(self) -> dict[str, Callable[[str], bool]]:
        """Source -> whether a published id is held out by itself."""
        return {source: partial(self._drawn, share) for source, share in self.by_id.items()}

    def _drawn(self, share: float, name: str) -> bool:
        return rank(name, self.seed) < share


def rank(text: str, seed: int) -> float:
    """A number from 0 to 1 that depends on the text and the seed alone."""
    return int(io.sha256_bytes(f"{seed}:{text}".encode())[:12], 16) / 16**12


def held_out(survey: Survey, config: SplitConfig) -> dict[str, set[str]]:
    """The held-out subjects of every source that a rule names.

    Raises:
        ConfigError: a rule names a source that no record has, or asks for more subjects than there are.
    """
    sources = {profile.source for profile in survey.profiles}
    for source in [*config.test_sources, *config.test_subjects, *config.by_image, *config.by_id]:
        if source not in sources:
            raise ConfigError(
                f"split: no record comes from '{source}'; sources are: {', '.join(sorted(sources))}"
            )
    held: dict[str, set[str]] = {}
    for source in sorted(config.named()):
        names = survey.names[source]
        wanted = len(names) if source in config.test_sources else config.test_subjects[source]
        if wanted > len(names):
            raise ConfigError(
                f"split.test_subjects.{source}: {wanted} wanted, {len(names)} subjects are named"
            )
        held[source] = set(sorted(names, key=lambda name: rank(name, config.seed))[:wanted])
    return held


def place(survey: Survey, config: SplitConfig) -> Sides:
    """The side of every row, by its source, its published split, its subject, its image or id.

    Raises:
        ConfigError: a rule cannot hold, or two of them put one subject on both sides.
    """
    held = held_out(survey, config)
    apart = {hash(name) or 1: name for names in held.values() for name in names}
    tested = np.isin(survey.subject, np.fromiter(apart, np.int64, len(apart)))
    source = survey.column(lambda profile: profile.source, np.object_)
    for having, key in set(zip(source[tested].tolist(), survey.subject[tested].tolist(), strict=True)):
        if apart[key] not in held.get(having, ()):
            raise ConfigError(f"split: subject '{apart[key]}' stands in two sources and on both sides")
    number = {split.value: side for side, split in enumerate(SIDES)}
    published = survey.column(lambda profile: number.get(profile.split, -1), np.int8)
    whole = survey.column(lambda profile: profile.source in config.test_sources, np.bool_)
    own = np.where(survey.subject != 0, tested, survey.drawn)
    _refuse_overruled(config, source, published, own & ~whole)
    placed = np.where(published >= 0, published, np.where(own, TEST, TRAIN))
    return np.where(whole, TEST, placed).astype(np.int8)


def _refuse_overruled(config: SplitConfig, source: Any, published: Sides, own: Bools) -> None:
    """Published sides stand, so a rule that wants one of their training records held out would do nothing.

    Raises:
        ConfigError: there is such a rule.
    """
    overruled = own & (published >= 0) & (published != TEST)
    for row in np.flatnonzero(overruled)[:1].tolist():
        name, side = source[row], SIDES[int(published[row])].value
        count = int((overruled & (source == name) & (published == published[row])).sum())
        rules = {
            "test_subjects": set(config.test_subjects),
            "by_image": set(config.by_image),
            "by_id": set(config.by_id),
        }
        rule = next((rule for rule, sources in rules.items() if name in sources), "test_subjects")
        raise ConfigError(
            f"split.{rule} holds out {count} records of '{name}' that are published as '{side}', and "
            "published sides stand; take the rule out, or hold out the whole source with split.test_sources"
        )


def unknown_subjects(survey: Survey) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Rows that show an image of nobody knows whom."""
    return np.asarray((survey.pictures > 0) & (survey.subject == 0))
