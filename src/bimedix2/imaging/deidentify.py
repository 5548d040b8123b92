"""DICOM files without what their headers say of the patient, after PS3.15's basic profile.

Every element of ``basic_profile.json`` (Table E.1-1) is removed, emptied, replaced by a dummy or, if it is a
UID, by one that a keyed hash gives: equal UIDs become equal ones in every file cleaned with the same key, and
without the key nobody can tell from which. Private elements, unknown elements, curves, overlays and
the names of persons outside the table go too. Pixels are not touched: letters in them are suspected
(``burned_in``), never removed. What this leaves is a file whose known identifiers are gone, not one that is
proven anonymous: a face can be drawn from a head scan.
"""

import datetime
import hmac
import io
import json
import uuid
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from bimedix2 import __version__
from bimedix2.errors import ConfigError, ImageError
from bimedix2.imaging import burned_in
from bimedix2.imaging import header as headers
from bimedix2.imaging.dicom import read
from bimedix2.imaging.door import contained

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

Dates = Literal["remove", "shift"]
MIN_KEY = 32
"""Bytes that a key must have: with a shorter one, UIDs and patient numbers can be guessed."""
MAKE_KEY = f"head -c {MIN_KEY} /dev/urandom"
RESOLVED = {
    "X": "X",
    "Z": "Z",
    "D": "D",
    "U": "U",
    # Which of several applies depends on the element's type in its IOD, which is not known here: the one that
    # fits every type is taken.
    "X/Z": "Z",
    "X/D": "D",
    "Z/D": "D",
    "X/Z/D": "D",
    "X/Z/U*": "U",
}
"""Action of the table -> what is done: X remove, Z empty, D dummy, U another UID."""
DUMMIES: dict[str, Any] = {
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "DS": "0",
    "IS": "0",
    "UI": "2.25.0",
    "UR": "urn:removed",
}
"""Value representation -> dummy; 0 for numbers, two zero bytes for bytes, "REMOVED" for all text."""
NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"})
BYTES = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
BIRTH = frozenset({0x00100030, 0x00100032, 0x00100033, 0x00100034})
"""Patient's birth date, time and their other calendars: never shifted, always cleared."""
CHARACTERISTICS = frozenset({0x00101010, 0x00100040, 0x00101020, 0x00101030, 0x001021A0, 0x001021C0})
"""Age, sex, size, weight, smoking and pregnancy: kept by PS3.15's option 113108."""
PATIENT_NAME, PATIENT_ID = 0x00100010, 0x00100020
CODES = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "characteristics": ("113108", "Retain Patient Characteristics Option"),
    "shift": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
}
"""Codes of PS3.16 CID 7050 that the cleaned file states."""


@dataclass(frozen=True)
class Cleaned:
    """A file after de-identification.

    Attributes:
        data: its bytes.
        actions: what was done -> to how many elements (``removed``, ``emptied``, ``replaced``,
            ``uids``, ``private``, ``unknown``, ``shifted``).
        suspicion: why letters may be burned into its pixels; empty is no promise that there are none.
        shown: whether its middle frame could be shown, and so looked at.
    """

    data: bytes
    actions: dict[str, int]
    suspicion: tuple[str, ...]
    shown: bool


def pseudonym(key: bytes, kind: str, value: str, length: int = 16) -> str:
    """Return the hex characters that stand for a value: equal for equal kind and value, of one key alone.

    Raises:
        ConfigError: the key is shorter than ``MIN_KEY`` bytes.
    """
    return _digest(key, kind, value).hex()[:length]


def fingerprint(key: bytes) -> str:
    """Return what tells a key from others and does not give it away: who has it cannot make pseudonyms.

    Raises:
        ConfigError: as ``pseudonym``.
    """
    return pseudonym(key, "fingerprint", "", 12)


def _digest(key: bytes, kind: str, value: str) -> bytes:
    if len(key) < MIN_KEY:
        raise ConfigError(
            f"the key has {len(key)} bytes, {MIN_KEY} are needed; make one with: {MAKE_KEY} > FILE"
        )
    return hmac.digest(key, f"{kind}:{value}".encode(), "sha256")


def remap(key: bytes, uid: str) -> str:
    """Return the UID that stands for another: ``2.25.`` and a UUID made of the keyed hash (PS3.5 B.2)."""
    return f"2.25.{uuid.UUID(bytes=_digest(key, 'uid', uid)[:16], version=5).int}"


def deidentify(
    data: bytes, label: str, key: bytes, *, dates: Dates = "remove", characteristics: bool = False
) -> Cleaned:
    """Return a DICOM file without the identifiers of its header.

    Args:
        data: the whole file.
        label: the file, for errors.
        key: the secret of the keyed hash, at least ``MIN_KEY`` bytes.
        dates: "shift" moves all dates of a patient back by one number of days (1 to 1825, from the key) and
            leaves times of day; "remove" clears both.
        characteristics: keep age (from 90 on as 90 years), sex, size, weight, smoking and pregnancy.

    Raises:
        ImageError: it is no DICOM file, or one that cannot be read and written whole.
        MissingExtra: pydicom is not installed.
    """
    with contained(label, "DICOM file"):
        ds = headers.parse(data, label)
        if "PixelData" not in ds and "SOPClassUID" not in ds:
            raise ImageError(f"{label} does not say what it is (no SOP class); leave it out")
        suspicion = burned_in.reasons(ds)
        patient = str(ds.get("PatientID") or ds.get("StudyInstanceUID") or "")
        cleaner = _Cleaner(key, patient, dates, characteristics)
        cleaner.dataset(ds)
        _stamp(ds, dates, characteristics)
        cleaned = _write(ds)
    shown = True
    try:
        suspicion += burned_in.looks_written(read(data, label, frame=None, window=None).image)
    except ImageError:
        shown = False
    return Cleaned(cleaned, dict(cleaner.done), tuple(suspicion), shown)


@cache
def basic_profile() -> dict[str, str]:
    """The table: tag as eight hex digits (``50xxxxxx`` and ``60xx3000`` repeat) -> action."""
    read_table = json.loads(files("bimedix2.imaging").joinpath("basic_profile.json").read_text("utf-8"))
    return {tag: action for tag, (action, _) in read_table["elements"].items()}


def action_of(tag: int) -> str | None:
    """What is done to an element: a value of ``RESOLVED``, or nothing for one outside the table."""
    if tag >> 16 in range(0x5000, 0x5100) or tag >> 16 in range(0x6000, 0x6100):
        return "X"  # curves, and overlays whole: without its data an overlay's other elements mean nothing
    action = basic_profile().get(f"{tag:08x}")
    return None if action is None else RESOLVED[action]


class _Cleaner:
    """The walk through one file's elements.

    Args:
        key: of the hash.
        patient: what days are shifted by.
        dates, characteristics: as of ``deidentify``.
    """

    def __init__(self, key: bytes, patient: str, dates: Dates, characteristics: bool) -> None:
        self._key = key
        self._patient = patient
        self._shift = dates == "shift"
        self._characteristics = characteristics
        days = int.from_bytes(_digest(key, "days", patient)[:4]) % 1825
        self._back = datetime.timedelta(days=1 + days)
        self.done: Counter[str] = Counter()

    def dataset(self, ds: "Dataset") -> None:
        """Clean a dataset and, below it, every sequence that stays."""
        from pydicom.datadict import dictionary_has_tag, repeater_has_tag

        for tag in list(ds.keys()):
            if tag.is_private:
                self._drop(ds, tag, "private")
                continue
            if tag.element == 0 or not (dictionary_has_tag(tag) or repeater_has_tag(tag)):
                self._drop(ds, tag, "unknown")
                continue
            element = ds[tag]
            if self._keep_date(element) or self._keep_characteristic(element):
                continue
            action = action_of(int(tag)) or ("Z" if element.VR == "PN" else None)
            if action == "X":
                self._drop(ds, tag, "removed")
            elif action == "U" and element.VR == "UI":
                self._new_uid(element)
            elif action in ("Z", "D"):
                self._clear(element, action)
            elif element.VR == "SQ":
                for item in element.value:
                    self.dataset(item)

    def _drop(self, ds: "Dataset", tag: int, what: str) -> None:
        del ds[tag]
        self.done[what] += 1

    def _new_uid(self, element: "DataElement") -> None:
        values = [element.value] if isinstance(element.value, str) else list(element.value or [])
        new = [remap(self._key, str(uid)) if uid else "" for uid in values]
        element.value = new[0] if len(new) == 1 else new
        self.done["uids"] += len(new)

    def _clear(self, element: "DataElement", action: str) -> None:
        if int(element.tag) in (PATIENT_ID, PATIENT_NAME):
            # A dummy in the place of nothing is allowed for both, and keeps a patient's files together.
            element.value = f"P-{pseudonym(self._key, 'patient', self._patient, 12)}"
            self.done["replaced"] += 1
        elif element.VR == "SQ":
            element.value = []
            self.done["emptied"] += 1
        elif action == "Z":
            element.clear()
            self.done["emptied"] += 1
        else:
            vr = element.VR
            number = vr in NUMBERS
            element.value = DUMMIES.get(vr, 0 if number else b"\0\0" if vr in BYTES else "REMOVED")
            self.done["replaced"] += 1

    def _keep_characteristic(self, element: "DataElement") -> bool:
        if not self._characteristics or int(element.tag) not in CHARACTERISTICS:
            return False
        age = str(element.value or "") if element.VR == "AS" else ""
        if age.endswith("Y") and age[:-1].isdigit() and int(age[:-1]) >= 90:
            element.value = "090Y"
        return True

    def _keep_date(self, element: "DataElement") -> bool:
        """Shift a date that the table names; tell whether the element is done with."""
        if not self._shift or element.VR not in ("DA", "DT", "TM") or int(element.tag) in BIRTH:
            return False
        if element.VR == "TM":
            return True
        values = [element.value] if isinstance(element.value, str) else list(element.value or [])
        moved = [self._moved(str(value)) for value in values]
        if None in moved:
            return False  # a date that cannot be read cannot be shifted: the table's action clears it
        element.value = moved[0] if len(moved) == 1 else moved
        self.done["shifted"] += len(moved)
        return True

    def _moved(self, value: str) -> str | None:
        if not value:
            return value
        try:
            day = datetime.datetime.strptime(value[:8], "%Y%m%d") - self._back
        except (ValueError, OverflowError):
            return None
        return f"{day:%Y%m%d}".rjust(8, "0") + value[8:]


def _stamp(ds: "Dataset", dates: Dates, characteristics: bool) -> None:
    """Say in the file what was done, as PS3.15 E.1.1 asks."""
    from pydicom.dataset import Dataset

    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = f"bimedix2 {__version__}, PS3.15 E.1 basic profile"
    ds.LongitudinalTemporalInformationModified = "MODIFIED" if dates == "shift" else "REMOVED"
    ds.DeidentificationMethodCodeSequence = []
    options = {"basic": True, "characteristics": characteristics, "shift": dates == "shift"}
    for name, (value, meaning) in CODES.items():
        if options[name]:
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
            ds.DeidentificationMethodCodeSequence.append(code)


def _write(ds: "Dataset") -> bytes:
    """The file's bytes: a new preamble, and a meta group that names no sender."""
    meta = ds.file_meta
    for tag in list(meta.keys()):
        if tag.is_private or tag.element in (0x0016, 0x0017, 0x0018, 0x0026, 0x0027, 0x0028, 0x0100, 0x0102):
            del meta[tag]
    if "TransferSyntaxUID" not in meta:
        meta.TransferSyntaxUID = _plain_syntax(ds)
    if "SOPInstanceUID" in ds:
        meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.preamble = b"\0" * 128
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _plain_syntax(ds: "Dataset") -> "UID":
    """The transfer syntax of a file that does not say it: the way in which it was read."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    implicit, little = ds.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit else explicit
