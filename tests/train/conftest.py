"""A small dataset folder of coloured squares, as the dataset room would publish it."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from bimedix2.manifest import RunFolder
from bimedix2.records import Language, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.record import ImagePart
from bimedix2.records.store import write_records

SHADES = {"black": (8, 8, 8), "red": (220, 30, 30), "blue": (20, 40, 230), "green": (30, 200, 40)}
ASKS = {
    "en": ("What colour is this?", "This is {shade}."),
    "ar": ("ما لون هذه الصورة؟", "هذه صورة {shade}."),
}


def png(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 32), colour).save(file, format="PNG")
    return file.getvalue()


def record(name: str, task: str, language: str, *turns: Message, source: str = "squares") -> Record:
    return Record(
        id=name,
        messages=turns,
        language=Language(language),
        task=task,
        split=Split.TRAIN,
        provenance=Provenance(source=source),
    )


def tiny_records(store: ImageStore) -> list[Record]:
    """For each picture a caption, a question in each language and a late picture; two texts to hold."""
    user, model = partial(Message.of, "user"), partial(Message.of, "assistant")
    records = []
    for shade, colour in SHADES.items():
        image = ImagePart(image=store.add(png(colour)))
        records.append(record(f"{shade}|caption", "caption", "en", user(image), model(f"{shade} square")))
        for tongue, (ask, answer) in ASKS.items():
            turns = user(image, ask), model(answer.format(shade=shade))
            records.append(record(f"{shade}|{tongue}", "vqa", tongue, *turns))
        late = user("Hello"), model("Hello."), user(image, ASKS["en"][0]), model(f"This is {shade}.")
        records.append(record(f"{shade}|late", "conversation", "en", *late))
    for number, text in enumerate(("Is the chest a region?", "هل الصدر منطقة؟")):
        records.append(record(f"held|{number}", "qa", "mixed", user(text), model("yes"), source="held"))
    return records


@pytest.fixture(scope="session")
def make_dataset(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Publishes records, and their pictures from a store, as a dataset folder."""

    def make(records: list[Record], images: ImageStore | None = None) -> Path:
        with RunFolder(tmp_path_factory.mktemp("data") / "dataset", "dataset", {}) as out:
            for record in records:
                for image in record.images:
                    assert images is not None
                    ImageStore(out.path / "images").add(images.read(image.image))
            write_records(out.path, records)
            return out.publish({"in": len(records), "kept": len(records), "removed": {}})

    return make


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory, make_dataset: Callable[..., Path]) -> Path:
    """A finished dataset folder of 18 training records on four pictures."""
    store = ImageStore(tmp_path_factory.mktemp("squares"))
    return make_dataset(tiny_records(store), store)
