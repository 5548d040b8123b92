"""Records without identifiers: their words, their DICOM files, and the names by which they are known."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from bimedix2.config import Settings
from bimedix2.errors import ConfigError, ImageError
from bimedix2.imaging import burned_in, read
from bimedix2.imaging import deidentify as dicom
from bimedix2.imaging.sniff import kind_of
from bimedix2.records import ImagePart, Message, Record, TextPart
from bimedix2.records.images import ImageStore
from bimedix2.records.pseudonyms import keyed_step
from bimedix2.text import deidentify as words

LINKS = ("translation", "reformat")
"""Keys of ``meta`` whose ``of`` is the id of another record: it becomes the pseudonym that that one has."""
STEP = "curate:deidentify"
"""The step of a record that was cleaned without a key; with one it names the key's fingerprint."""


class DeidentifyConfig(Settings):
    """What is taken out of records."""

    kinds: list[str] = list(words.KINDS)
    """Identifiers that are replaced in words, and in the texts of ``meta``."""
    images: bool = True
    """Clean the headers of DICOM files, and look for burned-in letters in all images."""
    key: Path | None = None
    """File with the secret of the keyed hash (32 bytes or more). With it, subjects, ids and file names become
    pseudonyms, and DICOM files can be cleaned; without it, a DICOM file stops the run."""
    dates: Literal["remove", "shift"] = "remove"
    """Of DICOM headers: clear dates, or shift all those of a patient by one number of days."""
    characteristics: bool = False
    """Of DICOM headers: keep age, sex, size, weight, smoking and pregnancy."""
    burned_in: Literal["flag", "remove"] = "flag"
    """Records whose image may have letters burned in: say so in ``meta.burned_in``, or remove them."""

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: list[str]) -> list[str]:
        unknown = [kind for kind in kinds if kind not in words.KINDS]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is no kind; choose of {', '.join(words.KINDS)}")
        return kinds


class Deidentifier:
    """What cleans records one by one, and counts what it did.

    Args:
        config: what to take out.
        read_image: bytes of an image by its hash.
        store: where cleaned images go; those that did not change are not put there.

    Raises:
        ConfigError: the key's file is absent or too short.
    """

    def __init__(
        self, config: DeidentifyConfig, read_image: Callable[[str], bytes], store: ImageStore
    ) -> None:
        self._config = config
        self._read = read_image
        self._store = store
        self._key = read_key(config.key)
        self._images: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.key = None if self._key is None else dicom.fingerprint(self._key)
        """The key's fingerprint."""
        self.found: Counter[str] = Counter()
        """Kind of identifier -> how many were replaced in words."""
        self.headers: Counter[str] = Counter()
        """What was done to elements of DICOM headers -> how many."""

    def clean(self, record: Record) -> tuple[Record, dict[str, int], tuple[str, ...]]:
        """Return the record, what was replaced in its words, and why letters are suspected in its images.

        Raises:
            ConfigError: an image is a DICOM file and there is no key.
            ImageError: an image cannot be cleaned, so it must not be passed on.
        """
        counts: Counter[str] = Counter()
        suspicion: dict[str, None] = {}
        messages = []
        for message in record.messages:
            content: list[TextPart | ImagePart] = []
            for part in message.content:
                if isinstance(part, TextPart):
                    content.append(TextPart(text=self._words(part.text, counts)))
                else:
                    key, reasons = self._image(part) if self._config.images else (part.image, ())
                    suspicion |= dict.fromkeys(reasons)
                    content.append(ImagePart(image=key, name=self._name("name", part.name)))
            messages.append(Message(role=message.role, content=tuple(content)))
        meta = self._values(record.meta, counts)
        for link in LINKS:
            if isinstance(said := record.meta.get(link), dict) and isinstance(said.get("of"), str):
                meta[link]["of"] = self._name("id", said["of"])
        if suspicion:
            meta["burned_in"] = list(suspicion)
        self.found += counts
        source = record.provenance
        named = {
            "source_id": self._name("id", source.source_id),
            "subject": None if source.subject is None else self._name("subject", source.subject),
            "url": source.url if self._key is None else "",
            "steps": (*source.steps, STEP if self.key is None else keyed_step(self.key)),
        }
        changed = {
            "id": self.known_as(record),
            "messages": tuple(messages),
            "meta": meta,
            "provenance": source.model_copy(update=named),
        }
        return record.model_copy(update=changed), dict(counts), tuple(suspicion)

    def known_as(self, record: Record) -> str:
        """The id under which a record may be named, in a list of what was removed too."""
        return self._name("id", record.id)

    def _words(self, said: str, counts: Counter[str]) -> str:
        cleaned, found = words.deidentify(said, self._config.kinds)
        counts.update(found)
        return cleaned

    def _values(self, value: Any, counts: Counter[str]) -> Any:
        """The texts in ``meta``, at any depth."""
        if isinstance(value, str):
            return self._words(value, counts)
        if isinstance(value, dict):
            return {key: self._values(item, counts) for key, item in value.items()}
        if isinstance(value, list):
            return [self._values(item, counts) for item in value]
        return value

    def _name(self, kind: str, value: str) -> str:
        if self._key is None or not value:
            return value
        return f"{kind}-{dicom.pseudonym(self._key, kind, value)}"

    def _image(self, part: ImagePart) -> tuple[str, tuple[str, ...]]:
        if part.image not in self._images:
            self._images[part.image] = self._cleaned(part.image, self._label(part))
        return self._images[part.image]

    def _label(self, part: ImagePart) -> str:
        """How an error calls an image: its file name may say who is on it."""
        return part.name if part.name and self._key is None else part.image[:12]

    def _cleaned(self, key: str, label: str) -> tuple[str, tuple[str, ...]]:
        data = self._read(key)
        if kind_of(data, label) != "dicom":
            return key, tuple(burned_in.looks_written(read(data, label).image))
        if self._key is None:
            raise ConfigError(
                f"{label} is a DICOM file; give deidentify.key, a file made with: {dicom.MAKE_KEY} > FILE"
            )
        config = self._config
        cleaned = dicom.deidentify(
            data, label, self._key, dates=config.dates, characteristics=config.characteristics
        )
        if not cleaned.shown:
            raise ImageError(f"{label} is a DICOM file that cannot be shown; leave it out")
        self.headers.update(cleaned.actions)
        return self._store.add(cleaned.data), cleaned.suspicion


def read_key(file: Path | None) -> bytes | None:
    """Return the secret of a key file.

    Raises:
        ConfigError: it cannot be read, or is too short.
    """
    if file is None:
        return None
    try:
        key = file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the key {file} cannot be read ({error.strerror}); make one with: {dicom.MAKE_KEY} > {file}"
        ) from error
    dicom.pseudonym(key, "check", "")  # a short key is refused before anything is read
    return key
