"""``python -m bimedix2.evaluate.mbench RECIPE.yaml [key=value ...]``: judge answers to BiMed-MBench."""

import sys
from pathlib import Path

from bimedix2 import config
from bimedix2.errors import BiMediX2Error
from bimedix2.evaluate.mbench.folder import Config, run


def main() -> None:
    """Judge, and print the finished folder; a user's error is one line and exit code 2."""
    if len(sys.argv) < 2:
        print("usage: python -m bimedix2.evaluate.mbench RECIPE.yaml [key=value ...]", file=sys.stderr)
        sys.exit(2)
    try:
        print(run(config.load(Config, Path(sys.argv[1]), sys.argv[2:])))
    except BiMediX2Error as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
