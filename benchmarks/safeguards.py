"""How often the safeguards' rules answer what a model may, and how often they miss what it must not.

    python benchmarks/safeguards.py [seen] [unseen] [unseen_2] [unseen_3] [unseen_4] [--all]
    python benchmarks/safeguards.py questions FILE...

``seen`` is the file that the rules were written with, the others came after them (docs/safety.md says for
which of them the rules were mended since). Prints the sentences that went wrong of ``seen`` alone, unless
``--all`` is given. Rates with exact intervals of 95 %.
``questions`` counts what the rules hold back of files that nobody wrote for this: every text under a key
``question`` or ``QUESTION`` in JSON or JSON Lines.
"""

import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bimedix2.language.safeguards import screen, version
from bimedix2.records import Message
from bimedix2.stats.exact import clopper_pearson

HERE = Path(__file__).parent
SETS = ["seen", "unseen", "unseen_2", "unseen_3", "unseen_4"]


def main(names: list[str], show: bool) -> None:
    """Print a table for each file and language."""
    print(f"rules {version()[:8]}; {platform.machine()}, {os.cpu_count()} cores")
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


def questions(value: Any) -> Iterator[str]:
    """Every question in a JSON value."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key.lower() == "question" and isinstance(one, str):
                yield one
            else:
                yield from questions(one)
    elif isinstance(value, list):
        for one in value:
            yield from questions(one)


def count(paths: list[str]) -> None:
    """Print what is held back of each file."""
    for path in paths:
        text = Path(path).read_text(encoding="utf-8-sig")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = [json.loads(line) for line in text.splitlines() if line.strip()]
        asked = list(questions(value))
        rules = [said.rule for one in asked if (said := screen([Message.of("user", one)]))]
        print(f"{path}: {len(rules)} of {len(asked)} questions held back {dict(Counter(rules))}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["questions"]:
        count(sys.argv[2:])
        sys.exit()
    chosen = [name for name in sys.argv[1:] if not name.startswith("-")] or SETS
    main(chosen, "--all" in sys.argv)
