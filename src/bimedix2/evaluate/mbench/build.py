"""A benchmark in BiMed-MBench's layout from our own test records: English and Arabic twins, item by item.

Which records can be items is said in ``items``; here they are drawn, written, and read back.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError, ImageError
from bimedix2.evaluate.mbench.aggregate import DOMAINS
from bimedix2.evaluate.mbench.items import Built, Item, build
from bimedix2.evaluate.mbench.load import MARKER, Tongue, check_images, compare, in_order, load
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_removed

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

FILES: dict[Tongue, str] = {"en": "english.jsonl", "ar": "arabic.jsonl"}
LABELS: dict[Tongue, str] = {"en": "Figure {number}", "ar": "الشكل {number}"}
ENDINGS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"BM": ".bmp", b"RIFF": ".webp"}


class MbenchBuild(Settings):
    """From which dataset, and how much of it."""

    dataset: Path
    """A finished dataset folder with test records in both languages."""
    images: int | None = Field(default=None, ge=1)
    """Pictures of each kind at most, drawn by the seed; the published file has about ten."""
    questions: int | None = Field(default=None, ge=1)
    """Conversation questions of a picture at most, drawn by the seed; the published file has about three."""


def run(config: "Config", opener: Callable[..., Any] | None = None) -> Path:
    """Write the two files, the pictures, and what was left out; asks no model.

    Args:
        config: the room's, with ``mbench_build``.
        opener: not used: kinds are called with one.

    Raises:
        DataError: no item can be built.
        ImageError: a picture is not in the dataset's store.
    """
    del opener
    own = config.mbench_build
    assert own is not None
    read_manifest(own.dataset)
    with RunFolder(
        config.output, "evaluate", config.model_dump(mode="json"), {"dataset": own.dataset}
    ) as out:
        built = build(list(read_records(own.dataset)))
        kept = draw(built, own, config.seed)
        if not kept:
            reasons = Counter(reason for _, reason, _ in built.removed)
            why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
            raise DataError(
                f"{own.dataset} has no item for a benchmark ({why}); hold out questions of both languages"
            )
        names = _pictures(kept, ImageStore(own.dataset / "images"), out.path / "images")
        for tongue, file in FILES.items():
            io.write_jsonl(
                out.path / file, (line(number, item, tongue, names) for number, item in enumerate(kept))
            )
        counts = _check(out.path, kept)
        io.write_text(out.path / "README.md", _card(counts, built))
        removed = write_removed(out.path, built.removed)
        return out.publish(
            {"in": len(kept) + len(built.removed), "kept": len(kept), "removed": removed}, counts
        )


def draw(built: Built, own: MbenchBuild, seed: int) -> list[Item]:
    """The items of the benchmark: pictures of each kind, a description each, and some questions.

    What is drawn out is added to ``built.removed``.
    """
    by_image: dict[str, list[Item]] = defaultdict(list)
    for item in built.items:
        by_image[item.image].append(item)
    kept: list[Item] = []
    for domain in DOMAINS:
        images = sorted(image for image, items in by_image.items() if items[0].domains[0] == domain)
        if own.images is not None and own.images < len(images):
            chosen = set(random.Random(f"{seed}:mbench:{domain}").sample(images, own.images))
            for image in images:
                if image not in chosen:
                    built.removed += [
                        (one.name, "more pictures than asked for", None) for one in by_image[image]
                    ]
            images = [image for image in images if image in chosen]
        for image in images:
            kept += _of_image(by_image[image], own, seed, built)
    return kept


def _of_image(items: Sequence[Item], own: MbenchBuild, seed: int, built: Built) -> list[Item]:
    """One description at most, as published, and the questions in their order."""
    descriptions = [item for item in items if item.type == "detailed_description"]
    questions = [item for item in items if item.type == "conversation"]
    built.removed += [(one.name, "another description of its picture", None) for one in descriptions[1:]]
    if own.questions is not None and own.questions < len(questions):
        places = random.Random(f"{seed}:mbench:{items[0].image}").sample(range(len(questions)), own.questions)
        left = [one for place, one in enumerate(questions) if place not in places]
        built.removed += [(one.name, "more questions of its picture than asked for", None) for one in left]
        questions = [questions[place] for place in sorted(places)]
    return questions + descriptions[:1]


def line(number: int, item: Item, tongue: Tongue, names: dict[str, str]) -> dict[str, Any]:
    """An item as it stands in a file of the published layout: only the English text marks the picture."""
    text = item.question[tongue]
    figure = list(names).index(item.image) + 1
    return {
        "question_id": number,
        "image": names[item.image],
        "pair_id": item.name,
        "text": f"{text}\n{MARKER}" if tongue == "en" else text,
        "gpt4_answer": item.reference[tongue],
        "fig_caption": item.caption[tongue],
        # Sentences of an English article are no context for an Arabic answer.
        "in_text_mention": [dict(one) for one in item.mentions] if tongue == "en" else [],
        "domain": {name: name in item.domains for name in DOMAINS},
        "type": item.type,
        "fig_label": LABELS[tongue].format(number=figure),
        "qid": f"{item.name}#{number}",
    }


def _pictures(items: Sequence[Item], store: ImageStore, folder: Path) -> dict[str, str]:
    """Write every picture once; return hash -> file name, in the items' order.

    Raises:
        ImageError: one is not in the store.
    """
    names: dict[str, str] = {}
    for item in items:
        if item.image in names:
            continue
        if item.image not in store:
            raise ImageError(
                f"{item.name}: image {item.image[:12]} is not in {store.root}; run the dataset room again"
            )
        data = store.read(item.image)
        ending = next((ending for magic, ending in ENDINGS.items() if data.startswith(magic)), "")
        names[item.image] = f"{item.image[:16]}{ending}"
        io.write_bytes(folder / names[item.image], data)
    return names


def _check(folder: Path, kept: Sequence[Item]) -> dict[str, Any]:
    """Read the files back as any user of the benchmark does; return what they hold.

    Raises:
        DataError: they are not what was written, which is this module's fault.
    """
    english, arabic = (load(folder / file, tongue) for tongue, file in FILES.items())
    check_images(list(in_order(english.items)), folder / "images")
    differ = compare(english, arabic)
    if differ or len(english.items) != len(kept):
        raise DataError(f"{folder}: the written files differ ({differ}); report this with the recipe")
    types = Counter((item.domain, item.type) for item in english.items.values())
    return {
        "items": len(kept),
        "images": len({item.image for item in kept}),
        "by kind and type": {f"{domain}, {kind}": count for (domain, kind), count in sorted(types.items())},
        "traps": {"en": english.counts(), "ar": arabic.counts()},
        "caption is the reference": sum(item.caption["en"] == item.reference["en"] for item in kept),
    }


def _card(counts: dict[str, Any], built: Built) -> str:
    """What the folder is, for whoever is given it."""
    reasons = Counter(reason for _, reason, _ in built.removed)
    groups = "\n".join(f"- {name}: {count}" for name, count in counts["by kind and type"].items())
    left = "\n".join(f"- {reason}: {count}" for reason, count in reasons.most_common()) or "- nothing"
    return (
        "# A benchmark in BiMed-MBench's layout\n\n"
        f"{counts['items']} questions in English (`english.jsonl`) and Arabic (`arabic.jsonl`) under the "
        f"same ids, about {counts['images']} pictures (`images/`). Built from test records of a dataset of "
        "this project; it is not BiMed-MBench, and its scores stand beside none of the paper's. Reviewed as "
        "far as the dataset's own records are, and no further.\n\n"
        f"## Items\n\n{groups}\n\nOf {counts['caption is the reference']} items the caption that a judge is "
        "shown is the reference itself.\n\n"
        f"## Left out\n\n{left}\n\nOne by one in `removed/removed.jsonl`.\n"
    )
