"""What people's scores say of a judge, quoted beside the scores that it gave (docs/calibration.md).

The folder is the one that ``trial.read`` wrote of a calibration. It must be of the same judge, asked in the
same words by the same protocol in the same language; its items may be of another run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.manifest import folder_hash, read_manifest, verify

SAME = ("judge", "protocol", "prompt", "language", "samples")
"""Of the signature: what makes another judge of a judge."""
FILE = "calibration.json"
"""In a judged folder, so that its page can be written again."""
NONE = (
    "Judge not calibrated by a human: nothing here says how far people agree with it (docs/calibration.md)."
)


def read(folder: Path) -> dict[str, Any]:
    """What a finished calibration says of its judge.

    Raises:
        RunError: the folder is not finished, was changed, or is no calibration.
    """
    about = read_manifest(folder).get("trial")
    if not isinstance(about, dict) or "judge" not in about:
        raise RunError(
            f"{folder} is no calibration of a judge; give the folder that 'trial.read' wrote of one"
        )
    verify(folder)
    return {**io.read_json(folder / "scores.json")["calibration"], "folder": folder_hash(folder)}


def kept(folder: Path) -> dict[str, Any] | None:
    """What a judged folder keeps of its judge's calibration; ``None`` where there is none."""
    file = folder / FILE
    found: dict[str, Any] | None = io.read_json(file) if file.is_file() else None
    return found


def require(found: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse the calibration of another judge.

    Args:
        found: as ``read`` gives it.
        asked: who judges here, and how: the keys of ``SAME``.

    Raises:
        DataError: what differs.
    """
    for key in SAME:
        if found["judge"][key] != asked[key]:
            raise DataError(
                f"mbench.calibration is of the {key} '{found['judge'][key]}', and here it is '{asked[key]}'; "
                "calibrate this judge, or leave the key out"
            )


def line(found: Mapping[str, Any] | None, questions: str) -> str:
    """The sentence of ``scores.md``.

    Args:
        found: as ``read`` gives it; ``None`` where nobody calibrated the judge.
        questions: the hash of the benchmark that was judged here.
    """
    if found is None or not found["raters"]:
        return NONE
    partial = f" That calibration is partial: {found['partial']}." if found["partial"] else ""
    other = " Its items were of other questions." if found["judge"]["benchmark"] != questions else ""
    return f"{found['sentence']}{other}{partial} Calibration `{found['folder'][:8]}`."
