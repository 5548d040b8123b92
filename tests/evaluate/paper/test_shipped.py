"""What the model that comes with the package can do of Table 1: kinds of image, in both languages."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2.engine import open_engine
from bimedix2.io import sha256_bytes
from bimedix2.language.concepts import mentions
from bimedix2.llm.backend import Request, Sampling
from bimedix2.records import ImagePart, Message
from bimedix2.text.arabic import normalise, script

pytestmark = pytest.mark.slow

PICTURES = Path("../shared/data/medimages")
QUESTIONS = {"en": "What kind of image is this?", "ar": "ما نوع هذه الصورة؟"}
UNSEEN = {
    "Oph": ("fundus_chase/chase_03L.jpg", "fundus"),
    "Path": ("histo_openslide/OS-1_0.jpg", "histology"),
    "Micro": ("micro_bccd/BloodImage_00001.jpg", "microscopy"),
    "Rad": ("cxr_ccby_papers/X_ray_of_cyst_in_pneumocystis_pneumonia_1.png", "radiograph"),
}
"""Column of Table 1 -> a picture of the test side (its subject trained nothing) and what kind it is."""


@pytest.fixture(scope="module")
def nano() -> Any:
    return open_engine("nano", threads=1)


@pytest.mark.parametrize("column", UNSEEN)
def test_the_shipped_nano_names_pictures_of_unseen_subjects_in_both_languages(nano: Any, column: str) -> None:
    file, kind = UNSEEN[column]
    if not (PICTURES / file).is_file():
        pytest.skip(f"{PICTURES / file} is not on this machine")
    answers = asked(nano, (PICTURES / file).read_bytes())
    for tongue, answer in answers.items():
        assert script(answer) == tongue
        named = [values for _, _, values in mentions("modality", normalise(answer))]
        assert named, answer
        assert all(kind in values for values in named), answer


def test_the_shipped_nano_says_of_a_blank_picture_that_it_is_none(nano: Any) -> None:
    """So that a right name above is no accident of a model that always says one."""
    buffer = io.BytesIO()
    Image.new("RGB", (224, 224), "black").save(buffer, "PNG")
    kinds = {kind for _, kind in UNSEEN.values()}
    for answer in asked(nano, buffer.getvalue()).values():
        named = {value for _, _, values in mentions("modality", normalise(answer)) for value in values}
        assert not named & kinds, answer


def asked(nano: Any, picture: bytes) -> dict[str, str]:
    """The answers in both languages."""
    part = ImagePart(image=sha256_bytes(picture))
    requests = [
        Request((Message.of("user", part, text),), {part.image: picture}, Sampling(max_tokens=64))
        for text in QUESTIONS.values()
    ]
    return dict(zip(QUESTIONS, (reply.text for reply in nano.chat(requests)), strict=True))
