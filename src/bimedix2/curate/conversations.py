"""Asks to records: single questions, turns on one picture, pictures that come late, and text alone."""

import random
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.curate.asks import TONGUES, Ask, answers, say
from bimedix2.curate.facts import facts_of
from bimedix2.curate.wordings import Side, ask_in_words
from bimedix2.language.concepts import Tongue
from bimedix2.records import ImagePart, Language, Message, Provenance, Record, Split

STEP = "curate:templates"
Turn = tuple[Ask, Tongue]


@cache
def _definitions() -> list[dict[Tongue, dict[str, str]]]:
    read: list[dict[Tongue, dict[str, str]]] = yaml.safe_load(
        files("bimedix2.curate").joinpath("definitions.yaml").read_text(encoding="utf-8")
    )
    return read


def text_asks() -> list[Ask]:
    """Everything that is asked without a picture."""
    out = [
        Ask("greet", say(answers()["greet"])),
        Ask("no_image", say(answers()["no_image"]), verdict="no_image"),
    ]
    for row in _definitions():
        thing = {t: row[t]["thing"] for t in TONGUES}
        out.append(Ask("define", {t: row[t]["answer"] for t in TONGUES}, {"thing": thing}))
    return out


def _language(tongues: Sequence[Tongue]) -> Language:
    return Language(tongues[0]) if len(set(tongues)) == 1 else Language.MIXED


def write(
    identity: str,
    turns: Sequence[Turn],
    side: Side,
    rng: random.Random,
    form: str,
    picture: Record | None = None,
    late: int = 0,
) -> Record:
    """Write a conversation; the last turn is the one that a test judges.

    Args:
        identity: the new record's id.
        turns: what is asked and in which language.
        side: whose wordings.
        form: ``single``, ``follow``, ``switch``, ``late`` or ``text``.
        picture: the caption record whose image is shown; its provenance and annotations are kept.
        late: the turn (from 0) in which the picture is sent.
    """
    image = picture.images[0] if picture else None
    messages: list[Message] = []
    for number, (ask, tongue) in enumerate(turns):
        words = ask_in_words(ask.wording or ask.type, tongue, side, rng, ask.slots)
        parts: list[str | ImagePart] = [image, words] if image and number == late else [words]
        messages += [Message.of("user", *parts), Message.of("assistant", ask.answer[tongue])]
    last, tongue = turns[-1]
    meta: dict[str, Any] = {
        "type": last.type,
        "form": form,
        "wording": side,
        "answer_language": tongue,
        "expect": last.expect,
        "verdict": last.verdict,
    }
    if picture:
        meta |= {k: picture.meta[k] for k in ("modality", "kind", "subject_unknown") if k in picture.meta}
        meta["study"] = facts_of(picture).kind
        source = picture.provenance.model_copy(update={"steps": (*picture.provenance.steps, STEP)})
    else:
        source = Provenance(source="text-templates", licence="Apache-2.0", steps=(STEP,))
    task = {"single": "vqa", "text": "text"}.get(form, "conversation")
    return Record(
        id=identity,
        messages=tuple(messages),
        language=_language([t for _, t in turns]),
        task=task,
        # Text alone has no subject: its wording says which side it is on.
        split=Split.NONE if picture else (Split.TRAIN if side == "train" else Split.TEST),
        provenance=source,
        meta=meta,
    )


def other(tongue: Tongue) -> Tongue:
    """The other language."""
    return "ar" if tongue == "en" else "en"
