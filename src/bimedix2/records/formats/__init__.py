"""Records to and from the field's formats: LLaVA JSON, ShareGPT with ``images``, Hugging Face messages.

A row that is written carries under the key ``bimedix2`` what its format has no place for, so that reading it
gives the same record back; a row of somebody else's has no such key and takes an ``Origin`` instead. A turn
that was edited in between is read as it stands now.
"""

from bimedix2.records.formats.carry import Origin
from bimedix2.records.formats.files import read_file, write_file
from bimedix2.records.formats.rows import FORMATS, Format, ImageRef, Row

__all__ = ["FORMATS", "Format", "ImageRef", "Origin", "Row", "read_file", "write_file"]
