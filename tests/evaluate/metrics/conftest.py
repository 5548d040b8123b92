"""Golden files: what the original programs gave (each file names their versions)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

GOLDEN = Path("../shared/golden")


@pytest.fixture(scope="session")
def golden_folder(lacking: Callable[[str], NoReturn]) -> Path:
    return GOLDEN if GOLDEN.is_dir() else lacking(f"{GOLDEN} is not here")


@pytest.fixture(scope="session")
def golden(golden_folder: Path) -> Callable[[str], Any]:
    """Read a golden file; NaN stands in one of them by design."""

    def read(name: str) -> Any:
        return json.loads((golden_folder / f"{name}.json").read_text(encoding="utf-8"))

    return read


@pytest.fixture
def threads() -> None:
    """One torch thread, as everywhere in the tests."""
    import torch

    torch.set_num_threads(1)
