"""GDCM in a process of its own: the only free decoder of lossless and 12-bit JPEG, and it can abort.

GDCM calls ``std::terminate`` on some damaged streams, which no Python code can catch (measured, see
docs/imaging.md), so it never runs inside the caller. This file is also the program of that process: it reads
one JSON line and the stream, and writes the samples. It imports nothing of this package, to start quickly.
"""

import json
import subprocess
import sys
from typing import Any

SYNTAXES = {
    "1.2.840.10008.1.2.4.51": "JPEG Extended, for more than 8 bits",
    "1.2.840.10008.1.2.4.57": "JPEG Lossless",
    "1.2.840.10008.1.2.4.70": "JPEG Lossless, first-order prediction",
}
SECONDS = 120
"""Time that one frame may take."""
PROBLEM, ABSENT = 3, 4
"""Exit codes of the process: GDCM refused the stream; GDCM is not installed."""


def decode(stream: bytes, **frame: int | str) -> bytes:
    """Return the samples of one JPEG frame, little-endian, pixel by pixel.

    Args:
        stream: one JPEG codestream whose size has been checked.
        frame: ``syntax``, ``photometric``, ``rows``, ``columns``, ``samples``, ``allocated``, ``stored``,
            ``signed`` (0 or 1), from the DICOM header.

    Raises:
        RuntimeError: GDCM refused the stream, aborted, took too long, or returned another size.
        ImportError: GDCM is not installed.
    """
    size = int(frame["rows"]) * int(frame["columns"]) * int(frame["samples"]) * int(frame["allocated"]) // 8
    try:
        done = subprocess.run(
            [sys.executable, __file__],
            input=json.dumps(frame).encode() + b"\n" + stream,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"GDCM took over {SECONDS} seconds") from None
    if done.returncode == ABSENT:
        raise ImportError("gdcm")
    if done.returncode != 0:
        raise RuntimeError("GDCM refused it" if done.returncode == PROBLEM else "GDCM broke down on it")
    if len(done.stdout) != size:
        raise RuntimeError(f"GDCM returned {len(done.stdout)} bytes instead of {size}")
    return done.stdout


def main() -> int:
    """Decode standard input to standard output; return the exit code."""
    try:
        import gdcm
    except ImportError:
        return ABSENT
    frame = json.loads(sys.stdin.buffer.readline())
    text = _image(gdcm, sys.stdin.buffer.read(), frame).GetBuffer()
    if text is None:
        return PROBLEM
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))  # GDCM returns char* as str
    return 0


def _image(gdcm: Any, stream: bytes, frame: dict[str, Any]) -> Any:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((frame["columns"], frame["rows"], 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation
    image.SetPhotometricInterpretation(kind(kind.GetPIType(frame["photometric"])))
    if frame["samples"] > 1:
        image.SetPlanarConfiguration(0)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(frame["syntax"])))
    stored = frame["stored"]
    pixel = gdcm.PixelFormat(frame["samples"], frame["allocated"], stored, stored - 1, frame["signed"])
    image.SetPixelFormat(pixel)
    return image


if __name__ == "__main__":
    sys.exit(main())
