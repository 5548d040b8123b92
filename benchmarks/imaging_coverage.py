"""Print which files under given folders `bimedix2.imaging.read` opens, and why it refuses the others.

Without a folder it takes the DICOM files that the installed pydicom wheel brings:

    python benchmarks/imaging_coverage.py
"""

import os
import platform
import sys
import time
from pathlib import Path

import pydicom.data

from bimedix2.errors import BiMediX2Error
from bimedix2.imaging import read


def shipped() -> list[Path]:
    """Return the DICOM test files and palettes inside the pydicom wheel."""
    root = Path(pydicom.data.__file__).parent
    tests = (path for path in (root / "test_files").rglob("*") if path.is_file())
    return sorted(path for path in (*tests, *(root / "palettes").iterdir()) if is_dicom(path))


def is_dicom(path: Path) -> bool:
    """Tell DICOM from the dumps, profiles and indexes beside it, by name: also the broken ones count."""
    return path.suffix in {".dcm", ".gz", ""} and path.name != "README"


def main(folders: list[str]) -> None:
    """Print one line a file, then the totals."""
    paths = [p for folder in folders for p in sorted(Path(folder).rglob("*")) if p.is_file()] or shipped()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    opened, started = 0, time.perf_counter()
    for path in paths:
        try:
            picture = read(path.read_bytes(), path.name)
        except BiMediX2Error as error:
            print(f"refused  {error}")
            continue
        opened += 1
        print(f"opened   {path.name}: {picture.kind} {picture.image.size}; {'; '.join(picture.notes)}")
    seconds = time.perf_counter() - started
    print(f"{opened} of {len(paths)} files opened, {len(paths) - opened} refused, {seconds:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
