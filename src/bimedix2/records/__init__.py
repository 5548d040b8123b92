"""The one record type, its Parquet files, the image store, and converters to the field's formats."""

from bimedix2.records.record import (
    DataClass,
    ImagePart,
    Language,
    Message,
    Part,
    Provenance,
    Record,
    Split,
    TextPart,
)

__all__ = [
    "DataClass",
    "ImagePart",
    "Language",
    "Message",
    "Part",
    "Provenance",
    "Record",
    "Split",
    "TextPart",
]
