"""Inject errors of known kinds into correct Arabic translations, to measure the critical-entity checks with.

The pairs lie in `translation_pairs/`, the words in `translation_mutations.json`. This file imports no check
and was committed before one existed. `held_out.jsonl` is opened only by the final run of the benchmark:
nobody who writes or tunes a check reads it. Only the Arabic side is changed, and every change alters what it
says (or, for `dialect`, its register). It prints how many mutations of each category a file of pairs gives,
and writes them to a file where one is named:

    python benchmarks/translation_mutations.py benchmarks/translation_pairs/development.jsonl [SEED=0] [OUT]
"""

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

CATEGORIES = (
    *("laterality", "negation", "number", "unit", "dose", "level", "option", "placeholder", "drug", "site"),
    *("gender", "omission", "addition", "english", "comparison", "range", "dialect"),
)
PAIRS = Path(__file__).parent / "translation_pairs"
WORDS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
MARKS = "\u064b-\u0652\u0670"
BEFORE, AFTER = rf"(?<![\w{MARKS}])", rf"(?![\w{MARKS}])"
DIGITS = "0-9٠-٩"
NUMBER = rf"[{DIGITS}]+(?:[.,٫٬][{DIGITS}]+)*"
ALONE = re.compile(rf"(?<![\w.,٫٬:/^×-])-?(?P<n>{NUMBER})(?![\w^:])(?![.,٫٬][{DIGITS}])")
RANGE = re.compile(rf"(?<![\w.,٫٬-])(?P<low>{NUMBER})(?P<between>[-–]| إلى | و)(?P<high>{NUMBER})(?![\w^-])")
LEVEL = re.compile(
    r"(?<![A-Za-z])(?<!بزمن )(?<!المتممة )(?P<letter>[CTLS])(?P<n>\d\d?)(?![0-9A-Za-z])(?! الحر)"
)
OPTION = re.compile(r"^(?P<open>\(?)(?P<label>[أبجدABCD])(?=[.)] )", re.MULTILINE)
ANSWER = re.compile(r"(?<=الإجابة: )(?P<label>[أبجدABCD])\b")
IMAGE = re.compile(r"<image>")
BREAK = re.compile(r"(?<=[.؟?!])(?<!^[أبجدABCD]\.)(?<!\n[أبجدABCD]\.)[ \n]+", re.MULTILINE)
SPINE = [
    f"{letter}{n}" for letter, last in (("C", 8), ("T", 12), ("L", 5), ("S", 5)) for n in range(1, last + 1)
]
EASTERN = str.maketrans("0123456789.,", "٠١٢٣٤٥٦٧٨٩٫٬")
WESTERN = str.maketrans("٠١٢٣٤٥٦٧٨٩٫٬", "0123456789.,")
NEGATOR = re.compile(r"^[وف]?(?:لا|لم|لن|ألا|غير|ليس|ليست|دون|عدم|هل)$")
DOUBLE = re.compile(r" (?:ألا|عدم|أن لا) ")
FEMALE = re.compile(
    r"\b(?:woman|female|girl|lady|madam|mother|wife|daughter|she|her|herself)\b", re.IGNORECASE
)
MALE = re.compile(r"\b(?:man|male|boy|gentleman|sir|father|husband|son|he|his|him|himself)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Mutation:
    """A wrong translation of the pair ``id``: the kind of error in ``target``, and how it was made."""

    id: str
    category: str
    how: str
    target: str


@dataclass(frozen=True)
class Edit:
    """Text that takes the place of a span of the target."""

    start: int
    end: int
    text: str


Maker = Callable[[str, str, random.Random], str | None]


def mutate(pair: Mapping[str, str], seed: int = 0) -> list[Mutation]:
    """Return every mutation that can be made of a pair, at most one of each category and way."""
    found = []
    for category, how, make in MAKERS:
        rng = random.Random(f"{seed}/{pair['id']}/{category}/{how}")
        target = make(pair["source"], pair["target"], rng)
        if target is not None and target != pair["target"]:
            found.append(Mutation(pair["id"], category, how, target))
    return found


def read_pairs(path: Path) -> list[dict[str, str]]:
    """Read pairs with the fields id, kind, source and target from a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_mutations(path: Path) -> list[Mutation]:
    """Read mutations that `write_mutations` wrote."""
    return [Mutation(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def write_mutations(made: list[Mutation], path: Path) -> None:
    """Write mutations as JSON Lines."""
    lines = (json.dumps(asdict(m), ensure_ascii=False) + "\n" for m in made)
    path.write_text("".join(lines), encoding="utf-8")


@cache
def word(phrase: str, prefix: str = "[وفبلك]?") -> re.Pattern[str]:
    """A pattern of an Arabic phrase as whole words, vowel marks or not; group 1 is what is attached."""
    letters = (r"\s+" if c == " " else re.escape(c) + f"[{MARKS}]*" for c in re.sub(f"[{MARKS}]", "", phrase))
    return re.compile(BEFORE + f"({prefix})" + "".join(letters) + AFTER)


def spots(target: str, table: list[list[str]], prefix: str = "[وفبلك]?") -> list[Edit]:
    """Every exchange that a table of words allows; of two that overlap the longer one."""
    edits: list[Edit] = []
    for old, new in sorted(table, key=lambda row: -len(row[0])):
        for match in word(old, prefix).finditer(target):
            if not any(e.start < match.end() and match.start() < e.end for e in edits):
                edits.append(Edit(match.start(), match.end(), match[1] + new))
    return sorted(edits, key=lambda e: e.start)


def apply(target: str, edits: list[Edit]) -> str:
    """The target with edits made; they must not overlap."""
    for edit in sorted(edits, key=lambda e: -e.start):
        target = target[: edit.start] + edit.text + target[edit.end :]
    return target


def one(target: str, edits: list[Edit], rng: random.Random) -> str | None:
    """The target with one of the edits made, or None where there are none."""
    return apply(target, [rng.choice(edits)]) if edits else None


def exchange(table: str, prefix: str = "[وفبلك]?") -> Maker:
    """A maker that exchanges one of the words of a table."""
    return lambda _source, target, rng: one(target, spots(target, WORDS[table], prefix), rng)


def deny(_source: str, target: str, rng: random.Random) -> str | None:
    """Take a negation away."""
    edits = []
    for edit in spots(target, WORDS["negation_removed"], "[وفب]?"):
        following = target[edit.end :]
        if re.match(rf" (?:سن |[{DIGITS}])", following) or following.startswith((" ثبات", " انتظام")):
            continue  # "below", and names of conditions
        bare = edit.text in ("", "و", "ف", "ب")
        edits.append(Edit(edit.start, edit.end + bare, edit.text))
    verb = rf"(?!(?:ي|ت)(?:قل|زيد|تجاوز|زال) )(?=[يتأ][\w{MARKS}]+)"
    for match in re.finditer(rf"{BEFORE}([وف]?)لا {verb}", target):
        if not any(e.start <= match.start() < e.end for e in edits):
            edits.append(Edit(match.start(), match.end(), match[1]))
    edits += [
        Edit(m.start(), m.end(), "نعم") for m in re.finditer(r"(?<=: )لا(?=،)|(?<=؟ )لا(?=[،.])", target)
    ]
    return one(target, edits, rng)


def affirm(_source: str, target: str, rng: random.Random) -> str | None:
    """Deny what the source affirms."""
    edits = []
    for edit in spots(target, WORDS["negation_added"], "[وف]?"):
        before, after = re.split(r"[.؟!،:\n]", target[: edit.start])[-1].split(), target[edit.end :]
        if "هل" not in before and not any(map(NEGATOR.match, before[-2:])) and not DOUBLE.match(after):
            edits.append(edit)
    return one(target, edits, rng)


def value(text: str) -> Decimal:
    """The value of a number in either script of digits."""
    return Decimal(text.translate(WESTERN).replace(",", ""))


def written(number: Decimal, like: str) -> str:
    """A number in the digits, the decimal places and the grouping of another."""
    western = like.translate(WESTERN)
    places = len(western.partition(".")[2])
    text = f"{number:,f}" if "," in western else f"{number:f}"
    if "." in text:
        whole, _, part = text.partition(".")
        text = whole + "." + part.rstrip("0").ljust(places, "0") if part.strip("0") or places else whole
    eastern = like != western
    point = "." if "." in like or not eastern else "٫"
    return text.translate(EASTERN).replace("٫", point) if eastern else text


def ranges(source: str, target: str) -> list[re.Match[str]]:
    """The ranges of the target; a change "from one value to another" is none."""
    found = []
    for match in RANGE.finditer(target):
        low, high = (re.escape(match[k].translate(WESTERN)) for k in ("low", "high"))
        said = rf"(?:between {low} and {high}|(?<!from )\b{low}(?:-|–| to ){high})"
        if value(match["low"]) < value(match["high"]) and re.search(said, source):
            found.append(match)
    return found


def new_end(source: str, target: str, rng: random.Random) -> str | None:
    """Change one end of a range, which stays a range."""
    edits = []
    for match in ranges(source, target):
        low, high = value(match["low"]), value(match["high"])
        step = max(high - low, Decimal(1).scaleb(min(low.as_tuple().exponent, high.as_tuple().exponent)))
        if rng.random() < 0.5 and low > step / 2:
            near = low - (step if low > step else step / 2).quantize(low)
            edits.append(Edit(match.start("low"), match.end("low"), written(near, match["low"])))
        else:
            far = high + (step * rng.choice((1, 2))).quantize(high)
            edits.append(Edit(match.start("high"), match.end("high"), written(far, match["high"])))
    return one(target, [e for e in edits if e.text != target[e.start : e.end]], rng)


def numbers(source: str, target: str) -> list[re.Match[str]]:
    """The numbers of the target that are neither an end of a range nor part of a name such as T2."""
    taken = [match.span() for match in ranges(source, target)]
    return [m for m in ALONE.finditer(target) if not any(a <= m.start("n") < b for a, b in taken)]


def doses(source: str, target: str) -> list[re.Match[str]]:
    """The numbers with a unit of dosing in sentences that name a drug."""
    units = "|".join(sorted(map(re.escape, WORDS["dose_units"]), key=len, reverse=True))
    amount = re.compile(rf" (?:{units})(?![\w/{MARKS}])")
    named = [edit.start for edit, _ in drug_spots(target)]
    bounds = sentences(target)
    found = []
    for match in numbers(source, target):
        a, b = next((s for s in bounds if s[0] <= match.start() < s[1]), (0, 0))
        if amount.match(target, match.end()) and any(a <= at < b for at in named):
            found.append(match)
    return found


def other_number(source: str, target: str, rng: random.Random) -> str | None:
    """Change a digit of a number that is no dose."""
    dosed = {match.span() for match in doses(source, target)}
    edits = []
    for match in numbers(source, target):
        if match.span() not in dosed:
            at = rng.choice([i for i, c in enumerate(match["n"]) if c.isdigit()])
            old = match["n"][at]
            zero = "0" if old in "0123456789" else "٠"
            lead = at == 0
            new = rng.choice([chr(ord(zero) + d) for d in range(lead, 10) if chr(ord(zero) + d) != old])
            start = match.start("n") + at
            edits.append(Edit(start, start + 1, new))
    return one(target, edits, rng)


def other_dose(source: str, target: str, rng: random.Random) -> str | None:
    """Multiply a dose by ten or two, or divide it."""
    edits = []
    for match in doses(source, target):
        factor = rng.choice((Decimal(10), Decimal("0.1"), Decimal(2), Decimal("0.5")))
        edits.append(Edit(match.start("n"), match.end("n"), written(value(match["n"]) * factor, match["n"])))
    return one(target, edits, rng)


def other_unit(_source: str, target: str, rng: random.Random) -> str | None:
    """Change the unit that follows a number, of a quantity or of time."""
    edits: list[Edit] = []
    for old, new in sorted(WORDS["units"], key=lambda row: -len(row[0])):
        after = "" if old in "%٪" else rf"(?![\w/{MARKS}])"
        for match in re.finditer(rf"(?<=[{DIGITS}])(?P<space> ?){re.escape(old)}{after}", target):
            if not any(e.start == match.start() for e in edits):
                edits.append(Edit(match.start(), match.end(), match["space"] + new))
    return one(target, edits, rng)


def other_level(_source: str, target: str, rng: random.Random) -> str | None:
    """Move a vertebra, disc or dermatome by one."""
    edits = []
    for match in LEVEL.finditer(target):
        if match[0] in SPINE:
            at = SPINE.index(match[0])
            near = [SPINE[i] for i in (at - 1, at + 1) if 0 <= i < len(SPINE)]
            fresh = [level for level in near if level not in target]
            edits.append(Edit(match.start(), match.end(), rng.choice(fresh or near)))
    return one(target, edits, rng)


def other_options(_source: str, target: str, rng: random.Random) -> str | None:
    """Exchange the letters of two options, or give one option the letter of another."""
    options = list(OPTION.finditer(target))
    if len(options) < 2:
        return None
    a, b = rng.sample(options, 2)
    edits = [Edit(*a.span("label"), b["label"])]
    if rng.random() < 0.7:
        edits.append(Edit(*b.span("label"), a["label"]))
    return apply(target, edits)


def other_answer(_source: str, target: str, rng: random.Random) -> str | None:
    """Name another option as the answer."""
    labels = [match["label"] for match in OPTION.finditer(target)]
    given = ANSWER.search(target)
    if given is None:
        return None
    return apply(target, [Edit(*given.span(), rng.choice([x for x in labels if x != given["label"]]))])


def drop_image(_source: str, target: str, rng: random.Random) -> str | None:
    """Leave out one placeholder."""
    edits = [
        Edit(m.start(), m.end() + (target[m.end() : m.end() + 1] in (" ", "\n")), "")
        for m in IMAGE.finditer(target)
    ]
    return one(target, edits, rng)


def double_image(_source: str, target: str, rng: random.Random) -> str | None:
    """Write one placeholder twice."""
    return one(target, [Edit(m.start(), m.end(), "<image> <image>") for m in IMAGE.finditer(target)], rng)


ATTACHED = "[وف]?[بلك]?(?:ال)?|[وف]?لل"


def drug_spots(target: str) -> list[tuple[Edit, int]]:
    """Every drug named in the target, its edit being itself, and the number of its class."""
    found: list[tuple[Edit, int]] = []
    rows = [(name, latin, n) for n, group in enumerate(WORDS["drugs"]) for name, latin in group]
    for name, latin, n in sorted(rows, key=lambda row: -len(row[0])):
        pattern = word(name, ATTACHED).pattern + rf"(?: \({latin}\))?"
        for match in re.finditer(pattern, target):
            if not any(e.start < match.end() and match.start() < e.end for e, _ in found):
                found.append((Edit(match.start(), match.end(), name), n))
    return found


def other_drug(_source: str, target: str, rng: random.Random) -> str | None:
    """Name another drug of the same class wherever one is named, its Latin name in brackets included."""
    found = drug_spots(target)
    if not found:
        return None
    chosen, n = rng.choice(sorted(found, key=lambda row: row[0].start))
    rows = [(name, latin) for name, latin in WORDS["drugs"][n] if " " not in name and name not in target]
    if not rows:
        return None
    name, latin = rng.choice(rows)
    edits = []
    for edit, _ in found:
        if edit.text == chosen.text:
            old = target[edit.start : edit.end]
            attached = old[: old.index(chosen.text)]
            edits.append(
                Edit(edit.start, edit.end, attached + name + (f" ({latin})" if old.endswith(")") else ""))
            )
    return apply(target, edits)


def site_spots(target: str) -> list[tuple[re.Match[str], str, list[str]]]:
    """Every anatomical site in the target, its English name and the Arabic names that could replace it."""
    found = []
    for group in WORDS["sites"]:
        for name, latin in group:
            rest = [other for other, _ in group if other != name and (len(group) == 2 or other not in target)]
            for match in word(name, ATTACHED).finditer(target) if rest else ():
                if not name.endswith("ي") or match[1].endswith("ال"):  # without the article it says "my"
                    found.append((match, latin, rest))
    return sorted(found, key=lambda row: row[0].start())


def other_site(_source: str, target: str, rng: random.Random) -> str | None:
    """Name another anatomical site, or the opposite one."""
    edits = [Edit(m.start(), m.end(), m[1] + rng.choice(rest)) for m, _, rest in site_spots(target)]
    return one(target, edits, rng)


def other_gender(source: str, target: str, _rng: random.Random) -> str | None:
    """Change the gender of the person where the source states one, with the words that agree."""
    female, male = FEMALE.search(source), MALE.search(source)
    if bool(female) == bool(male):
        return None
    side = "f" if female else "m"
    persons = spots(target, WORDS[f"gender_{side}"])
    if not persons:
        return None
    taken = {edit.start for edit in persons}
    agreeing = [e for e in spots(target, WORDS[f"agreement_{side}"], "[وف]?") if e.start not in taken]
    return apply(target, persons + agreeing)


def sentences(target: str) -> list[tuple[int, int]]:
    """Spans of the sentences of a text."""
    ends = [match.start() for match in BREAK.finditer(target)]
    starts = [match.end() for match in BREAK.finditer(target)]
    return list(zip([0, *starts], [*ends, len(target)], strict=True))


def omit(_source: str, target: str, rng: random.Random) -> str | None:
    """Leave out a sentence of at least four words that holds no option and no placeholder."""
    spans = sentences(target)
    if len(spans) < 2:
        return None
    edits = []
    for start, end in spans:
        text = target[start:end]
        if len(text.split()) >= 4 and "\n" not in text and not OPTION.search(text) and not IMAGE.search(text):
            edits.append(Edit(start, min(end + 1, len(target)), ""))
    shorter = one(target, edits, rng)
    return shorter and shorter.strip()


def add(_source: str, target: str, rng: random.Random) -> str | None:
    """Put in a sentence that the source does not say."""
    more = rng.choice(WORDS["additions"])
    if OPTION.search(target):
        return f"{target}\n{more}"
    at = rng.choice([end for start, end in sentences(target) if IMAGE.sub("", target[start:end]).strip()])
    return apply(target, [Edit(at, at, f" {more}")])


def untranslated(source: str, target: str, rng: random.Random) -> str | None:
    """Leave a whole sentence in English."""
    english, arabic = sentences(source), sentences(target)
    if len(english) != len(arabic):
        return None
    edits = []
    for (a, b), (start, end) in zip(english, arabic, strict=True):
        if "\n" not in source[a:b] and "<image>" not in source[a:b] and len(source[a:b].split()) >= 3:
            edits.append(Edit(start, end, source[a:b]))
    return one(target, edits, rng)


def untranslated_term(_source: str, target: str, rng: random.Random) -> str | None:
    """Leave the name of an anatomical site in English."""
    edits = []
    for match, latin, _ in site_spots(target):
        attached = re.sub("ال$", "", match[1].replace("لل", "ل"))
        edits.append(Edit(match.start(), match.end(), f"{attached} {latin}".strip()))
    return one(target, edits, rng)


def dialect(_source: str, target: str, rng: random.Random) -> str | None:
    """Write all words that a dialect would say otherwise as it says them, where there are at least two."""
    versions = []
    for table in WORDS["dialects"].values():
        edits = spots(target, table, "[وف]?")
        if len(edits) >= 2:
            versions.append(apply(target, edits))
    return rng.choice(versions) if versions else None


MAKERS: tuple[tuple[str, str, Maker], ...] = (
    ("laterality", "swapped", exchange("laterality")),
    ("negation", "removed", deny),
    ("negation", "added", affirm),
    ("number", "digit", other_number),
    ("number", "word", exchange("number_words", "[وف]?")),
    ("unit", "changed", other_unit),
    ("dose", "factor", other_dose),
    ("dose", "frequency", exchange("frequencies", "[وف]?")),
    ("level", "moved", other_level),
    ("option", "letters", other_options),
    ("option", "answer", other_answer),
    ("placeholder", "dropped", drop_image),
    ("placeholder", "doubled", double_image),
    ("drug", "replaced", other_drug),
    ("site", "replaced", other_site),
    ("gender", "changed", other_gender),
    ("omission", "sentence", omit),
    ("addition", "sentence", add),
    ("english", "sentence", untranslated),
    ("english", "term", untranslated_term),
    ("comparison", "inverted", exchange("comparison", "[وف]?")),
    ("range", "end", new_end),
    ("dialect", "words", dialect),
)


def every(pairs: list[dict[str, str]], seed: int = 0) -> Iterator[Mutation]:
    """All mutations of all pairs."""
    for pair in pairs:
        yield from mutate(pair, seed)


def main(path: Path, seed: int, out: Path | None = None) -> None:
    """Print the number of mutations of each category, and of each way to make one."""
    pairs = read_pairs(path)
    mutations = list(every(pairs, seed))
    if out:
        write_mutations(mutations, out)
    made = Counter((m.category, m.how) for m in mutations)
    print(f"{len(pairs)} pairs, {sum(made.values())} mutations, seed {seed}")
    for category in CATEGORIES:
        ways = {how: n for (name, how), n in made.items() if name == category}
        print(f"{category:12} {sum(ways.values()):4}  " + ", ".join(f"{how} {n}" for how, n in ways.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int((sys.argv[2:] or ["0"])[0]), Path(sys.argv[3]) if sys.argv[3:] else None)
