"""``python -m bimedix2.evaluate.paper OUT [SCORES ...] [--figures ar] [--radcliq K] [--bleu4 K]``."""

import argparse
import sys
from pathlib import Path

from bimedix2.errors import BiMediX2Error
from bimedix2.evaluate.paper import make
from bimedix2.evaluate.paper.ours import Rescaling


def main() -> None:
    """Write the paper's tables and figures; a user's error is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m bimedix2.evaluate.paper", description=__doc__)
    parser.add_argument("output", type=Path, help="a folder that does not exist yet")
    parser.add_argument("scores", type=Path, nargs="*", help="finished folders of scores, or files of rows")
    parser.add_argument(
        "--figures", choices=("en", "ar"), default="en", help="language of the figures' words"
    )
    parser.add_argument("--bleu4", type=float, default=10.0, help="BLEU-4* is this times BLEU-4")
    parser.add_argument("--radcliq", type=float, default=10.0, help="RadCliQ* is 1 - RadCliQ over this")
    asked = parser.parse_args()
    try:
        print(make(asked.output, asked.scores, Rescaling(asked.bleu4, asked.radcliq), asked.figures))
    except BiMediX2Error as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
