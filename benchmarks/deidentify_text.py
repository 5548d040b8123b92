"""How many identifiers of sentences that the finder was not written on are replaced, by kind.

python benchmarks/deidentify_text.py [FILE.yaml ...]

Without a file, both that stand beside this one. An identifier counts as found when none of its words is left
where it stood. What is missed is printed, and so is what was replaced beside the identifiers.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from bimedix2.text.deidentify import find

FILES = ("deidentify_text.yaml", "deidentify_unseen.yaml")


def main() -> None:
    """Measure each file of sentences."""
    given = [Path(name) for name in sys.argv[1:]]
    for file in given or [Path(__file__).with_name(name) for name in FILES]:
        print(f"# {file.name}")
        measure(yaml.safe_load(file.read_text("utf-8")))


def measure(rows: list[dict[str, Any]]) -> None:
    """Print found / hidden by kind, then every miss and every false alarm."""
    there: Counter[str] = Counter()
    found: Counter[str] = Counter()
    lines = []
    for row in rows:
        text, spans = row["text"], find(row["text"])
        covered = {place for span in spans for place in range(span.start, span.end)}
        wanted: set[int] = set()
        for kind, values in row["hidden"].items():
            for value in values:
                at = text.index(value)
                places = {at + n for n, c in enumerate(value) if c.isalnum()}
                wanted |= set(range(at, at + len(value)))
                there[kind] += 1
                found[kind] += places <= covered
                if not places <= covered:
                    lines.append(f"missed {kind}: {value}  in  {text}")
        lines += [
            f"false alarm {span.kind}: {text[span.start : span.end]}  in  {text}"
            for span in spans
            if not wanted & set(range(span.start, span.end))
        ]
    for kind, count in sorted(there.items()):
        print(f"{kind:8} {found[kind]} of {count}")
    print(f"all      {sum(found.values())} of {sum(there.values())} in {len(rows)} sentences")
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
