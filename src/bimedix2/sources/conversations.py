"""Rows in LLaVA's layout (``id``, ``image``, ``conversations`` of ``from`` and ``value``) as records.

The rows are read by ``records.formats``; here are added the dataset's name in front of the id, the subject,
and what is asked. LLaVA-Med's own scripts misspell the field as ``conversatons``, which is read as well.
"""

from collections.abc import Callable, Iterator

from bimedix2.records import Record
from bimedix2.records.formats import FORMATS, Origin
from bimedix2.sources.pictures import Pictures
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import Row, Rows, each

MISSPELT = "conversatons"


def kind(record: Record) -> str:
    """What a row asks that does not say: ``conversation`` from two questions on, else ``vqa`` or ``qa``."""
    if sum(message.role == "user" for message in record.messages) > 1:
        return "conversation"
    return "vqa" if record.images else "qa"


def read(
    rows: Rows,
    origin: Origin,
    pictures: Pictures,
    subject: Callable[[Record], str | None],
    task: Callable[[Record], str] = lambda record: record.task,
    prefix: str = "",
) -> Iterator[Record | Removed]:
    """Yield one record a row; a second row with an id gets ``#`` and its number.

    Args:
        rows: of one file.
        origin: what is true of all records.
        pictures: the image folder.
        subject: of a record that has the published id and image names.
        task: of such a record; by default ``origin.task``.
        prefix: in front of the ids, where a dataset has several files.
    """
    llava = FORMATS["llava"]
    seen: set[str] = set()

    def identify(row: Row) -> str:
        own = row.value.get("id")
        name = prefix + (row.key if own in (None, "") else str(own))
        name = f"{name}#{row.key}" if name in seen else name
        seen.add(name)
        return name

    def convert(row: Row, identity: str) -> Record:
        value = dict(row.value)
        if MISSPELT in value:
            value["conversations"] = value.pop(MISSPELT)
        read = llava.read(value, row.where, row.key, lambda ref, _: pictures.named(ref), origin)
        provenance = read.provenance.model_copy(
            update={"subject": subject(read), "source_id": identity.removeprefix(f"{origin.source}/")}
        )
        return read.model_copy(update={"id": identity, "task": task(read), "provenance": provenance})

    yield from each(origin.source, rows, identify, convert)
