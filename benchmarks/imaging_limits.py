"""Print the time and memory that `bimedix2.imaging.read` takes for small files that unpack to the limits.

Each file is made here (nearly empty pictures of up to 8,000 x 8,000 pixels, or a volume of 1 GB), is under
6 MB, and is read in a process of its own (Linux alone, since the peak is read from /proc):

    python benchmarks/imaging_limits.py
"""

import gzip
import io
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless, SecondaryCaptureImageStorage

from bimedix2.errors import BiMediX2Error
from bimedix2.imaging import read

SIDE = 8000


def _grey(kind: type) -> np.ndarray:
    pixels = np.zeros((SIDE, SIDE), kind)
    pixels[::7] = 1000
    return pixels


def _saved(image: Image.Image, kind: str, **options: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _dicom(pixels: np.ndarray, syntax: str) -> bytes:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = pixels.dtype.itemsize * 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW"
    if syntax == RLELossless:
        ds.compress(RLELossless, encoding_plugin="pydicom")
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _volume() -> bytes:
    voxels = np.zeros((800, 800, 800), np.int16)
    voxels[::3] = 2
    return gzip.compress(bytes(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes()), 1)


FILES: dict[str, Callable[[], bytes]] = {
    "16-bit PNG": lambda: _saved(Image.fromarray(_grey(np.uint16)), "PNG"),
    "RGB PNG": lambda: _saved(Image.new("RGB", (SIDE, SIDE)), "PNG"),
    "RGBA PNG": lambda: _saved(Image.new("RGBA", (SIDE, SIDE)), "PNG"),
    "float TIFF": lambda: _saved(Image.fromarray(_grey(np.float32)), "TIFF", compression="tiff_deflate"),
    "16-bit RLE DICOM": lambda: _dicom(_grey(np.uint16), RLELossless),
    "16-bit deflated DICOM": lambda: _dicom(_grey(np.uint16), DeflatedExplicitVRLittleEndian),
    "32-bit deflated DICOM": lambda: _dicom(
        _grey(np.uint32)[: SIDE * 3 // 4], DeflatedExplicitVRLittleEndian
    ),
    "16-bit RGB deflated DICOM": lambda: _dicom(
        np.zeros((SIDE // 2, SIDE, 3), np.uint16), DeflatedExplicitVRLittleEndian
    ),
    "NIfTI of 1 GB, gzip": _volume,
}


def _measure(path: Path) -> None:
    data, started = path.read_bytes(), time.perf_counter()
    try:
        read(data, path.name)
        said = "opened"
    except BiMediX2Error as error:
        said = f"refused: {error}"
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1e6
    print(f"{len(data) / 1e6:.1f} MB | {peak:.2f} GB | {time.perf_counter() - started:.1f} s | {said}")


def main() -> None:
    """Make, read and print every file in turn."""
    print(
        f"{platform.machine()}, Python {platform.python_version()}; file | size | peak memory | time | what"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, make in FILES.items():
            path = Path(folder) / "file"
            path.write_bytes(make())
            done = subprocess.run(
                [sys.executable, __file__, str(path)], capture_output=True, text=True, check=True
            )
            print(f"{name} | {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    _measure(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
