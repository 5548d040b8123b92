"""Small finished folders of records, as the rooms before this one leave them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import dataset, io
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart, Message, Provenance, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records

Write = Callable[..., Path]


def record(identity: str, question: str = "q", answer: str = "a", *, image: str = "", **more: Any) -> Record:
    """A record of one question; ``image`` is the bytes of its image, ``more`` fields of it or its
    provenance."""
    parts: list[Any] = [question]
    if image:
        parts.insert(0, ImagePart(image=io.sha256_bytes(image.encode()), name=f"{image}.png"))
    of_provenance = {k: more.pop(k) for k in ("source", "source_id", "subject", "licence") if k in more}
    return Record(
        id=identity,
        messages=(Message.of("user", *parts), Message.of("assistant", answer)),
        language=more.pop("language", "en"),
        task=more.pop("task", "vqa"),
        provenance=Provenance(**{"source": "a", **of_provenance}),
        **more,
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write(records, images, name)``: a finished folder with these records and images."""

    def finished(records: Iterable[Record], images: Iterable[str] = (), name: str = "in") -> Path:
        with RunFolder(tmp_path / name, "curate", {}) as out:
            store = ImageStore(out.path / "images")
            for image in images:
                store.add(image.encode())
            write_records(out.path, records)
            return out.publish({})

    return finished


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """``build(folder, key=value)``: the finished dataset of a recipe, without a chart unless asked for."""

    def made(*inputs: Path, **recipe: Any) -> Path:
        values = {"inputs": list(inputs), "output": tmp_path / "out", "card": {"chart": False}, **recipe}
        return dataset.run(dataset.Config.model_validate(values))

    return made
