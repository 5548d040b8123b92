"""The bilingual instruction set: from caption records with annotations to questions and answers.

Training wordings and held-out wordings are written for every image; the dataset room, which knows the split,
keeps those of the right side and says how many it left out.
"""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator

from bimedix2.config import Settings, ascending
from bimedix2.curate.asks import TONGUES, Ask, asks_of
from bimedix2.curate.conversations import other, text_asks, write
from bimedix2.curate.facts import Facts, facts_of
from bimedix2.curate.wordings import Side, picture_types
from bimedix2.language.concepts import Tongue
from bimedix2.records import Record


class InstructConfig(Settings):
    """How many questions are written."""

    per_modality: int = Field(default=1500, ge=1)
    """Training questions aimed at for each modality and language, shared by its images."""
    per_image: tuple[int, int] = (6, 48)
    """At least and at most so many an image and language, whatever its modality's share."""
    text_turns: int = Field(default=400, ge=0)
    """Training questions without a picture, for each language."""
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = {
        "modality": 2,
        "region": 2,
        "is_study": 1.5,
        "is_region": 1,
        "is_plane": 1,
        "false_premise": 4,
        "true_premise": 2,
        "disease": 1,
    }
    """Question type -> how often beside the others (1 where absent)."""
    late: float = Field(default=0.05, ge=0, le=1)
    """Share of training questions whose picture comes in the second or third turn."""
    follow: float = Field(default=0.05, ge=0, le=1)
    """Share that ask several things of one picture; half of these switch language."""

    @field_validator("per_image")
    @classmethod
    def _a_range(cls, per_image: tuple[int, int]) -> tuple[int, int]:
        return ascending(per_image)

    @field_validator("weights")
    @classmethod
    def _known(cls, weights: dict[str, float]) -> dict[str, float]:
        for name in weights:
            if name not in picture_types():
                known = ", ".join(sorted(picture_types()))
                raise ValueError(f"'{name}' is no question type of a picture; those are {known}")
        return weights


def _weighted(asks: list[Ask], config: InstructConfig, rng: random.Random) -> Ask:
    types = Counter(ask.type for ask in asks)
    weights = [config.weights.get(ask.type, 1.0) / types[ask.type] for ask in asks]
    return rng.choices(asks, weights)[0]


def _pairs(asks: list[Ask], chosen: Ask) -> list[Ask]:
    """A yes/no question brings its other half, so that yes and no stay in balance."""
    if not chosen.type.startswith("is_"):
        return [chosen]
    return [ask for ask in asks if ask.type == chosen.type]


def _train_image(
    picture: Record, facts: Facts, count: int, config: InstructConfig, rng: random.Random
) -> Iterator[Record]:
    for tongue in TONGUES:
        singles = 0
        while singles < count:
            asks = asks_of(facts, rng)
            for ask in _pairs(asks, _weighted(asks, config, rng)):
                name = f"{picture.id}|{tongue}|{singles}"
                singles += 1
                draw = rng.random()
                if draw < config.late:
                    yield _late(name, picture, ask, tongue, "train", rng)
                elif draw < config.late + config.follow:
                    yield _follow(name, picture, [_weighted(asks, config, rng), ask], tongue, "train", rng)
                else:
                    yield write(name, [(ask, tongue)], "train", rng, "single", picture)


def _late(name: str, picture: Record, ask: Ask, tongue: Tongue, side: Side, rng: random.Random) -> Record:
    before = rng.sample(text_asks(), rng.choice((1, 1, 2)))
    turns = [(text, tongue) for text in before] + [(ask, tongue)]
    return write(name, turns, side, rng, "late", picture, late=len(before))


def _follow(
    name: str, picture: Record, asks: list[Ask], tongue: Tongue, side: Side, rng: random.Random
) -> Record:
    switch = rng.random() < 0.5
    turns = [(ask, other(tongue) if switch else tongue) for ask in asks[:-1]] + [(asks[-1], tongue)]
    form = "switch" if switch else "follow"
    return write(name, turns, side, rng, form, picture)


def _test_image(picture: Record, facts: Facts, rng: random.Random) -> Iterator[Record]:
    for tongue in TONGUES:
        asks = asks_of(facts, rng)
        for number, ask in enumerate(asks):
            yield write(
                f"{picture.id}|{tongue}|held|{number}", [(ask, tongue)], "held_out", rng, "single", picture
            )
        ask = rng.choice(asks)
        yield _late(f"{picture.id}|{tongue}|held|late", picture, ask, tongue, "held_out", rng)
        pair = [rng.choice(asks), rng.choice(asks)]
        yield _follow(f"{picture.id}|{tongue}|held|follow", picture, pair, tongue, "held_out", rng)


def _kind(facts: Facts) -> str:
    return facts.values.get("modality", facts.unreadable or "unknown")


def instruct(pictures: list[Record], config: InstructConfig, seed: int) -> Iterator[Record]:
    """Yield the instruction set of caption records (one image each), then the questions without a picture."""
    known = [(picture, facts_of(picture)) for picture in pictures]
    sizes = Counter(_kind(facts) for _, facts in known)
    least, most = config.per_image
    for picture, facts in known:
        if facts.study is None and facts.unreadable is None:
            continue
        rng = random.Random(f"{seed}:{picture.id}")
        count = max(least, min(most, round(config.per_modality / sizes[_kind(facts)])))
        yield from _train_image(picture, facts, count, config, rng)
        yield from _test_image(picture, facts, random.Random(f"{seed}:held:{picture.id}"))
    rng = random.Random(f"{seed}:text")
    asks = text_asks()
    for tongue in TONGUES:
        for number in range(config.text_turns):
            ask = asks[number % 2] if rng.random() < 0.6 else rng.choice(asks)
            yield write(f"text|{tongue}|{number}", [(ask, tongue)], "train", rng, "text")
        for number, ask in enumerate([*asks, *(asks[:2] * 7)]):
            yield write(f"text|{tongue}|held|{number}", [(ask, tongue)], "held_out", rng, "text")
