"""Questions with options out of a dataset, for calibration: how likely a model finds its own choice.

Yes or no to what a picture is, and its modality among four. The likelihood of an option is the sum over its
tokens, not normalised by length, as in ``evaluate/tasks/pubmedqa.py``; confidence is the softmax over a
question's options.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bimedix2.evaluate.safety.items import TONGUES, Item, data, made
from bimedix2.evaluate.safety.pictures import NEAR, Shown, gather, medical, spread
from bimedix2.language.concepts import Tongue, concepts
from bimedix2.records import Record, Split

OPTIONS = 4
"""Modalities to choose from."""


def choices(records: Sequence[Record], count: int, seed: int) -> list[Item]:
    """At most ``count`` questions of each kind and language."""
    return _yes_or_no(records, count, seed) + _modalities(gather(records), count, seed)


def _yes_or_no(records: Sequence[Record], count: int, seed: int) -> list[Item]:
    """The dataset's own questions whose answer is yes or no, one a picture first."""
    words = data("pictures")["choose"]
    out: list[Item] = []
    for tongue in TONGUES:
        mine = [record for record in records if _fits(record, tongue)]
        random.Random(f"{seed}:choices:{tongue}").shuffle(mine)
        seen: dict[str, int] = defaultdict(int)
        ranked = []
        for place, record in enumerate(mine):
            ranked.append((seen[record.images[0].image], place, record))
            seen[record.images[0].image] += 1
        for _, _, record in sorted(ranked, key=lambda row: row[:2])[:count]:
            text = words[tongue].format(question=record.messages[0].text)
            key = f"choice/{record.id}"
            sample = made(
                key, tongue, text, part=record.images[0], of=record, options=words["options"][tongue]
            )
            truth = 0 if record.meta["verdict"] == "yes" else 1
            facts = {"type": "yes or no", "truth": truth}
            out.append(Item(key, key, "choice", tongue, "choice", "", sample, facts))
    return out


def _fits(record: Record, tongue: Tongue) -> bool:
    meta = record.meta
    return (
        record.split is Split.TEST
        and meta.get("verdict") in ("yes", "no")
        and meta.get("form") == "single"
        and meta.get("answer_language") == tongue
        and len(record.images) == 1
        and len(record.messages) == 2
    )


def _modalities(shown: Sequence[Shown], count: int, seed: int) -> list[Item]:
    """The modality among those of the dataset, none of which may be called another's name."""
    known = medical(shown)
    present = sorted({one.facts["modality"] for one in known})
    words, names = data("pictures"), concepts("modality")
    out = []
    for one in spread(known, count, f"{seed}:modality"):
        own = one.facts["modality"]
        near = next((pair for pair in NEAR if own in pair), frozenset({own}))
        others = [name for name in present if name not in near]
        draw = random.Random(f"{seed}:modality:{one.part.image}")
        options = [own, *draw.sample(others, min(OPTIONS - 1, len(others)))]
        draw.shuffle(options)
        if len(options) < 2:
            continue
        for tongue in TONGUES:
            terms = [names[name].term[tongue] for name in options]
            comma = "، " if tongue == "ar" else ", "
            text = words["choose_modality"][tongue].format(options=comma.join(terms))
            key = f"choice/modality/{one.part.image[:16]}/{tongue}"
            sample = made(key, tongue, text, part=one.part, of=one.record, options=terms)
            facts = {"type": "modality", "truth": options.index(own)}
            item = Item(key, key, "choice", tongue, "choice", "", sample, facts)
            out.append(replace(item, pair=key.rpartition("/")[0]))
    return out


def chosen(values: Sequence[float]) -> tuple[int, float]:
    """The likeliest option (the first of equal ones) and its share of the options' probability.

    Args:
        values: natural-log likelihoods.
    """
    array = np.asarray(values, dtype=np.float64)
    shares = np.exp(array - array.max())
    place = int(array.argmax())
    return place, float(shares[place] / shares.sum())


def scored(row: dict[str, Any]) -> dict[str, Any]:
    """What the options' likelihoods say: the choice, its confidence, and whether it is right."""
    place, confidence = chosen(row["raw"]["values"])
    return {"chosen": place, "confidence": confidence, "right": place == row["facts"]["truth"]}
