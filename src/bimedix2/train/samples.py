"""Records to training samples, through the one prompt path."""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from bimedix2.errors import ContextError, DataError
from bimedix2.io import sha256_bytes
from bimedix2.model.prompt import Encoded, Prompter
from bimedix2.records import Language, Record
from bimedix2.train.augment import Way
from bimedix2.train.features import feature_key
from bimedix2.train.packing import Loss, Sample

Stage = Literal["align", "instruct"]


SECTIONS = frozenset({"ct", "mri", "pet"})


def _way(record: Record) -> Way:
    """How freely its picture is varied (``augment.py``)."""
    modality = record.meta.get("modality")
    if modality == "histology" or record.meta.get("kind") == "non-medical":
        return "f"
    if modality in SECTIONS:
        return "s"
    return "w" if modality == "microscopy" else ""


def picture_kind(record: Record) -> str:
    """Modality and region in a word, as the source says them: ``ct chest``; ``blank`` and the like."""
    said = (record.meta.get(key) for key in ("kind", "modality", "region"))
    return " ".join(value for value in said if isinstance(value, str))


def _sample(record: Record, encoded: Encoded, variant: int, loss: Loss = "answer") -> Sample:
    if not any(encoded.target):
        raise DataError(f"record '{record.id}' has no assistant words to learn; remove it from the dataset")
    way = _way(record)
    return Sample(
        id=record.id,
        ids=encoded.ids,
        target=encoded.target,
        images=tuple(feature_key(image, variant, way) for image in encoded.images),
        shared=encoded.shared,
        loss=loss,
    )


def _encode(record: Record, prompter: Prompter) -> Encoded:
    try:
        return prompter.encode(record.messages)
    except ContextError as error:
        what = str(error).partition(";")[0]
        raise DataError(f"record '{record.id}': {what}; shorten it or remove it from the dataset") from error


def caption_samples(records: Iterable[Record], prompter: Prompter, variants: int) -> list[Sample]:
    """``align``: every caption record once for each variant of its image, in the plain format."""
    out = []
    for record in records:
        if record.task == "caption" and len(record.images) == 1:
            encoded = prompter.encode_caption(record.images[0].image, record.messages[-1].text)
            out += [_sample(record, encoded, variant) for variant in range(variants)]
    return out


def _draw(seed: int, key: str) -> int:
    return int(sha256_bytes(f"{seed}:{key}".encode())[:8], 16)


def lead_and_rest(
    records: Sequence[Record], lead: Mapping[Language, float], seed: int
) -> tuple[list[Record], list[Record]]:
    """Part records into those that are learned first and the others.

    Args:
        records: of any language; their order is kept.
        lead: language -> the share of its records that leads.
        seed: of the draw, which depends on the record's id alone.
    """
    parts: tuple[list[Record], list[Record]] = ([], [])
    for record in records:
        leads = _draw(seed, f"lead:{record.id}") < lead.get(record.language, 0.0) * 2**32
        parts[0 if leads else 1].append(record)
    return parts


def instruct_samples(
    records: Iterable[Record], prompter: Prompter, variants: int, branches: int, seed: int
) -> list[Sample]:
    """``instruct``: every conversation; ``branches`` questions in a row share one variant of their image.

    Samples of one tree stand beside each other.
    """
    groups: dict[str, list[tuple[Record, Encoded]]] = {}
    alone: list[Sample] = []
    for record in records:
        if record.task == "caption":
            continue
        encoded = _encode(record, prompter)
        # A picture in a later turn has words before it that no other sample shares.
        first_turn = next(m for m in record.messages if m.role == "user")
        if len(encoded.images) == 1 and first_turn.images:
            groups.setdefault(encoded.images[0], []).append((record, encoded))
        else:
            alone.append(_sample(record, encoded, _draw(seed, record.id) % variants))
    out = []
    for image, pairs in sorted(groups.items()):
        random.Random(f"{seed}:{image}").shuffle(pairs)
        start = _draw(seed, image)
        for number, (record, encoded) in enumerate(pairs):
            out.append(_sample(record, encoded, (start + number // branches) % variants))
    return out + alone


WHOLE_EVERY = 6
"""Of so many held texts one is held word by word. Where the adapter drifts, all words do alike, so a few
texts hold them; what each single question is answered with needs every question."""


def keep_samples(records: Iterable[Record], prompter: Prompter) -> list[Sample]:
    """Text to be held as the untrained model has it: every answer, and every ``WHOLE_EVERY``-th text whole.

    The answer is a sample of its own, since one word in three hundred would not be held by their mean. Whole
    texts are held in turns as a conversation and as plain words.
    """
    out = []
    for number, record in enumerate(records):
        chat = _encode(record, prompter)
        out.append(_sample(record, chat, 0, "keep_answer"))
        if number % (2 * WHOLE_EVERY) == 0:
            everything = Encoded(chat.ids, (0,) + (1,) * (len(chat.ids) - 1), (), 0)
            out.append(_sample(record, everything, 0, "keep"))
        elif number % WHOLE_EVERY == 0:
            plain = prompter.encode_text("\n".join(message.text for message in record.messages))
            out.append(_sample(record, plain, 0, "keep"))
    return out


def answers_kept(samples: Iterable[Sample]) -> tuple[int, ...]:
    """The tokens that the held answers begin with, sorted: those of ``yes``, ``no`` and ``maybe``, say."""
    return tuple(sorted({s.ids[s.target.index(1)] for s in samples if s.loss == "keep_answer"}))


def images_needed(samples: Sequence[Sample]) -> list[str]:
    """The feature keys that samples use, sorted."""
    return sorted({key for sample in samples for key in sample.images})
