"""Caption records as ``sources`` writes them, without any image file."""

from collections.abc import Callable
from typing import Any

import pytest

from bimedix2 import io
from bimedix2.records import ImagePart, Language, Message, Provenance, Record

MakePicture = Callable[..., Record]


def _picture(name: str = "a", **meta: Any) -> Record:
    image = ImagePart(image=io.sha256_bytes(name.encode()), name=name)
    return Record(
        id=name,
        messages=(Message.of("user", image), Message.of("assistant", "A picture.")),
        language=Language.ENGLISH,
        task="caption",
        provenance=Provenance(source="made", source_id=name, subject=f"made:{name}"),
        meta=meta,
    )


@pytest.fixture
def picture() -> MakePicture:
    """``picture(name, modality=..., region=..., ...)``."""
    return _picture
