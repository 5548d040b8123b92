"""How many injected translation errors the critical-entity checks find, and how often they are wrong.

Pairs lie in `translation_pairs/`, errors are made by `translation_mutations.py`, which was committed before
any check and imports none. An error counts as found "by name" when a check that speaks of its category fails
and did not fail on the correct translation, and as found "at all" when any such check does. A false alarm is
a correct translation that fails. The checks were tuned on `development`, and on every other set after its
first measurement; those figures stand in docs/translate.md. Sets with their errors recorded were written by
people who had not read the checks (`translation_pairs/README.md`).

    python benchmarks/translation_checks.py [--half development|held_out|both|unseen|unseen_3|...|unseen_10]
                                            [--seed 0] [--misses]
"""

import argparse
import importlib.util
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

from bimedix2.language.checks import check_translation
from bimedix2.stats.exact import clopper_pearson

NAMES = {
    "laterality": {"laterality"},
    # "not more than" without its "not" is the opposite bound, and is reported as one.
    "negation": {"negation", "comparisons"},
    "number": {"numbers"},
    "unit": {"units"},
    "dose": {"doses", "numbers"},
    "level": {"levels"},
    "option": {"options"},
    "placeholder": {"placeholders"},
    "drug": {"drugs"},
    "site": {"sites"},
    "gender": {"gender"},
    "omission": {"sentences", "options", "turns"},
    "addition": {"sentences", "options", "turns"},
    "english": {"english", "language"},
    "comparison": {"comparisons"},
    "range": {"ranges", "numbers"},
    "dialect": {"dialect"},
}
"""Category of an injected error -> the checks whose name says it."""
TARGETS = {
    **dict.fromkeys(("laterality", "number", "unit", "level", "option", "placeholder"), 0.98),
    **dict.fromkeys(("negation", "drug", "site"), 0.90),
    **dict.fromkeys(("gender", "dialect", "omission", "addition"), 0.80),
}
ALARMS = 0.02
RECORDED = (
    "unseen",
    "unseen_3",
    "unseen_4",
    "unseen_5",
    "unseen_6",
    "unseen_7",
    "unseen_8",
    "unseen_9",
    "unseen_10",
)
"""Sets whose errors lie beside them."""


def load() -> ModuleType:
    """The file that makes the errors, which is in no package."""
    path = Path(__file__).with_name("translation_mutations.py")
    spec = importlib.util.spec_from_file_location("translation_mutations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def measure(half: str, seed: int, misses: bool) -> bool:
    """Print the tables of one half; tell whether every target was reached."""
    mutations = load()
    pairs = mutations.read_pairs(mutations.PAIRS / f"{half}.jsonl")
    if half in RECORDED:
        errors = mutations.read_mutations(mutations.PAIRS / f"{half}_mutations.jsonl")
    else:
        errors = list(mutations.every(pairs, seed))
    start = time.perf_counter()
    clean = {
        pair["id"]: [f.check for f in check_translation(pair["source"], pair["target"])] for pair in pairs
    }
    sources = {pair["id"]: pair["source"] for pair in pairs}
    total: Counter[str] = Counter()
    named: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for mutation in errors:
        failures = Counter(f.check for f in check_translation(sources[mutation.id], mutation.target))
        new = failures - Counter(clean[mutation.id])
        total[mutation.category] += 1
        named[mutation.category] += bool(NAMES[mutation.category] & set(new))
        found[mutation.category] += bool(new)
        if misses and not NAMES[mutation.category] & set(new):
            print(
                f"MISSED {mutation.category}/{mutation.how} {mutation.id}: {mutation.target!r} ({dict(new)})"
            )
    seconds = time.perf_counter() - start
    checked = len(pairs) + total.total()
    print(
        f"{half}: {len(pairs)} pairs, {total.total()} errors, seed {seed}, "
        f"{1000 * seconds / checked:.1f} ms a pair ({platform.machine()}, {os.cpu_count()} cores)"
    )
    print("| error | found by name | | found at all | target |\n|---|---|---|---|---|")
    reached = True
    for name in mutations.CATEGORIES:
        if total[name]:
            share, target = named[name] / total[name], TARGETS.get(name)
            reached &= target is None or share >= target
            goal = f"{target:.0%}" if target else ""
            print(f"| {name} | {named[name]} of {total[name]} | {share:.1%} | {found[name]} | {goal} |")
    alarms = {name: failures for name, failures in clean.items() if failures}
    low, high = clopper_pearson(len(alarms), len(pairs))
    print(
        f"false alarms: {len(alarms)} of {len(pairs)} correct pairs ({len(alarms) / len(pairs):.1%}, "
        f"95 % interval {low:.1%} to {high:.1%})\n"
        f"by check: {dict(Counter(c for checks in alarms.values() for c in set(checks)).most_common())}\n"
    )
    if misses:
        print("\n".join(f"ALARM {name}: {', '.join(checks)}" for name, checks in alarms.items()))
    return reached and len(alarms) <= ALARMS * len(pairs)


def main() -> None:
    """Measure the halves that are asked for; exit with 1 where a target was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--half", choices=("development", "held_out", "both", *RECORDED), default="development"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--misses", action="store_true", help="print what was missed")
    args = parser.parse_args()
    if args.half in RECORDED and args.seed:
        parser.error(f"the errors of {args.half} are recorded, made with seed 0: leave out --seed")
    halves = ("development", "held_out") if args.half == "both" else (args.half,)
    reached = [measure(half, args.seed, args.misses) for half in halves]
    sys.exit(0 if all(reached) else 1)


if __name__ == "__main__":
    main()
