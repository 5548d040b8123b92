"""What an installed package brings: every file beside the code is named in ``pyproject.toml``."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "bimedix2"


def test_every_file_beside_the_code_is_part_of_the_package() -> None:
    """A kind of file that no pattern names is in the repository and in no wheel."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["bimedix2"]
    packed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    files = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    code = {path for path in files if path.suffix == ".py"}
    assert sorted(path.relative_to(PACKAGE).as_posix() for path in files - code - packed) == []
    assert {PACKAGE / "web" / "static" / "icons.svg", PACKAGE / "serve" / "nano.yaml"} <= packed


def test_all_code_stands_in_packages() -> None:
    """A folder of modules without ``__init__.py`` would be left out of a wheel."""
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").is_file()) == []
