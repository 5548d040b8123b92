"""Exports: the finished records as files of the field's formats, their images linked beside them.

They are for other trainers, so the key ``bimedix2`` is left out: loaders that give every column one type
stumble over its ``meta``. A row's id leads back to the record.
"""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from bimedix2 import io
from bimedix2.dataset.split import SIDES
from bimedix2.records.formats import FORMATS
from bimedix2.records.formats.carry import KEY
from bimedix2.records.formats.files import RowFile, export_image
from bimedix2.records.images import ImageStore
from bimedix2.records.record import ImagePart
from bimedix2.records.store import read_records

Export = Literal["llava", "sharegpt", "messages"]
SUFFIX = {"llava": "json", "sharegpt": "json", "messages": "jsonl"}
"""LLaVA's and LLaMA-Factory's loaders read a JSON list, Hugging Face's one row a line."""


def export(folder: Path, formats: Sequence[Export], name: str) -> None:
    """Write ``exports/FORMAT/SIDE.json`` (or ``.jsonl``) below a folder that holds records and their images.

    Beside ``sharegpt`` stands LLaMA-Factory's ``dataset_info.json``, its datasets named ``NAME_SIDE``.

    Args:
        folder: the dataset in the making.
        formats: which.
        name: of the dataset.
    """
    store = ImageStore(folder / "images")
    systems: set[str] = set()
    with ExitStack() as stack:
        files: dict[tuple[str, str], RowFile] = {}
        for record in read_records(folder):
            for form in formats:
                target = folder / "exports" / form

                def ref(image: ImagePart, target: Path = target) -> str:
                    return export_image(image, store, target, link=True)

                key = (form, record.split.value)
                if key not in files:
                    path = target / f"{record.split.value}.{SUFFIX[form]}"
                    files[key] = stack.enter_context(RowFile(path))
                row = FORMATS[form].write(record, ref)
                del row[KEY]
                files[key].add(row)
                systems |= {record.split.value} if "system" in row else set()
    if "sharegpt" in formats:
        sides = [side.value for side in SIDES if ("sharegpt", side.value) in files]
        info = {f"{_plain(name)}_{side}": dataset_info(side, side in systems) for side in sides}
        io.write_json(folder / "exports" / "sharegpt" / "dataset_info.json", info)


def _plain(name: str) -> str:
    """A name that needs no quotes on a command line, where LLaMA-Factory takes it."""
    return re.sub(r"[^\w-]+", "-", name).strip("-").lower()


def dataset_info(side: str, system: bool) -> dict[str, object]:
    """LLaMA-Factory's description of a ShareGPT file, as its ``data/README.md`` has it.

    Args:
        side: of the dataset; the file has its name.
        system: whether a row has a ``system`` text: a column that no row has must not be named.
    """
    columns = {"messages": "conversations", "images": "images"} | ({"system": "system"} if system else {})
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    return {"file_name": f"{side}.json", "formatting": "sharegpt", "columns": columns, "tags": tags}
