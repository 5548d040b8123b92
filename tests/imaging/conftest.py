"""Small DICOM files made on the spot."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

Make = Callable[..., bytes]


def dataset(pixels: np.ndarray, **tags: Any) -> Dataset:
    """Return a dataset holding ``pixels``: (rows, columns), (frames, rows, columns) or (rows, columns, 3)."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    ct = tags.get("Modality") == "CT"
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = (
        CTImageStorage if ct else SecondaryCaptureImageStorage
    )
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    if pixels.ndim == 3 and not colour:
        ds.NumberOfFrames = pixels.shape[0]
    ds.Rows, ds.Columns = pixels.shape[:2] if colour else pixels.shape[-2:]
    ds.SamplesPerPixel = 3 if colour else 1
    if colour:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = pixels.dtype.itemsize * 8
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    raw = pixels.tobytes()
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    for key, value in tags.items():
        setattr(ds, key, value)
    return ds


def save(ds: Dataset) -> bytes:
    """Return the dataset as the bytes of a DICOM file."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def make() -> Make:
    """Return the maker of DICOM files: ``make(pixels, **tags)``."""
    return lambda pixels, **tags: save(dataset(pixels, **tags))


@pytest.fixture
def make_dataset() -> Callable[..., Dataset]:
    """Return the maker of datasets, to be changed before ``save_dataset``."""
    return dataset


@pytest.fixture
def save_dataset() -> Callable[[Dataset], bytes]:
    """Return what writes a dataset as a file."""
    return save
