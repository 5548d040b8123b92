"""How often the safeguards' rules answer what a model may, and how often they miss what it must not.

    python benchmarks/safeguards.py [seen|unseen] [--all]

``seen`` is the file that the rules were written with, ``unseen`` one that came after them. Prints the
sentences that went wrong of ``seen`` alone, unless ``--all`` is given. Rates with exact intervals of 95 %.
"""

import sys
import time
from pathlib import Path

import yaml

from bimedix2.language.safeguards import screen, version
from bimedix2.records import Message
from bimedix2.stats.exact import clopper_pearson

HERE = Path(__file__).parent


def main(names: list[str], show: bool) -> None:
    """Print a table for each file and language."""
    print(f"rules {version()[:8]}")
    for name in names:
        rows = yaml.safe_load((HERE / f"safeguards_{name}.yaml").read_text(encoding="utf-8"))
        for language in ("en", "ar"):
            wrong: dict[str, list[str]] = {"answered wrongly": [], "missed": []}
            sizes = {"answered wrongly": 0, "missed": 0}
            for row in rows:
                said = screen([Message.of("user", row[language])])
                found = said.rule if said else "none"
                kind = "answered wrongly" if row["rule"] == "none" else "missed"
                sizes[kind] += 1
                if found != row["rule"]:
                    wrong[kind].append(f"{found} for {row['rule']}: {row[language]}")
            for kind, lines in wrong.items():
                low, high = clopper_pearson(len(lines), sizes[kind])
                share = f"{len(lines)} of {sizes[kind]} ({100 * low:.0f} to {100 * high:.0f} %)"
                print(f"{name} {language}: {kind} {share}")
                if show or name == "seen":
                    print("".join(f"    {line}\n" for line in lines), end="")
    text = "A word about the scan and the patient, 20 mg or so. " * 7_000
    start = time.perf_counter()
    screen([Message.of("user", text)])
    print(f"{len(text):,} characters take {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    chosen = [name for name in sys.argv[1:] if not name.startswith("-")] or ["seen", "unseen"]
    main(chosen, "--all" in sys.argv)
