"""The injected errors are errors, come out the same every time, and reach every category in both halves."""

import ast
import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
HALVES = ("development", "held_out")
Pair = dict[str, str]


def load() -> ModuleType:
    """The file of benchmarks/, which is no package."""
    spec = importlib.util.spec_from_file_location("mutations", FOLDER / "translation_mutations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


mutations = load()


@pytest.fixture(scope="module")
def halves() -> dict[str, list[Pair]]:
    return {half: mutations.read_pairs(mutations.PAIRS / f"{half}.jsonl") for half in HALVES}


def pair(source: str, target: str, name: str = "x") -> Pair:
    return {"id": name, "kind": "radiology", "source": source, "target": target}


def made(source: str, target: str, category: str, seed: int = 0) -> list[str]:
    found = mutations.mutate(pair(source, target), seed)
    return [m.target for m in found if m.category == category]


def test_the_file_imports_the_standard_library_alone() -> None:
    tree = ast.parse((FOLDER / "translation_mutations.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_every_mutation_differs_and_comes_out_the_same(halves: dict[str, list[Pair]]) -> None:
    targets = {p["id"]: p["target"] for pairs in halves.values() for p in pairs}
    first = [m for pairs in halves.values() for m in mutations.every(pairs)]
    again = [m for pairs in halves.values() for m in mutations.every(pairs)]
    assert first == again
    assert all(m.target.strip() and m.target != targets[m.id] for m in first)
    assert first != [m for pairs in halves.values() for m in mutations.every(pairs, 1)]


@pytest.mark.parametrize("half", HALVES)
def test_every_category_is_there_in_numbers(half: str, halves: dict[str, list[Pair]]) -> None:
    made = list(mutations.every(halves[half]))
    counts = Counter(m.category for m in made)
    assert set(counts) == set(mutations.CATEGORIES)
    assert min(counts.values()) >= 20
    assert len({(m.id, m.category, m.how) for m in made}) == len(made)


def test_halves_share_no_id_and_no_text(halves: dict[str, list[Pair]]) -> None:
    both = [p for half in HALVES for p in halves[half]]
    for field in ("id", "source", "target"):
        assert len({p[field] for p in both}) == len(both)
    sentences = [
        {s for p in halves[half] for s in re.split(r"(?<=[.?])\s+", p["source"]) if len(s.split()) > 6}
        for half in HALVES
    ]
    assert not sentences[0] & sentences[1]


@pytest.mark.parametrize("half", HALVES)
def test_pairs_are_whole(half: str, halves: dict[str, list[Pair]]) -> None:
    kinds = Counter(p["kind"] for p in halves[half])
    assert len(halves[half]) >= 130
    assert min(kinds.values()) >= 10
    for p in halves[half]:
        assert set(p) == {"id", "kind", "source", "target"}
        assert 15 <= len(p["source"].split()) <= 120, p["id"]
        assert p["source"].count("<image>") == p["target"].count("<image>"), p["id"]
        assert p["source"].count("\n") == p["target"].count("\n"), p["id"]
        assert len(re.findall(r"[\u0621-\u064a]", p["target"])) > 20, p["id"]


@pytest.mark.parametrize("half", HALVES)
def test_numbers_in_digits_agree(half: str, halves: dict[str, list[Pair]]) -> None:
    """A number of the target stands in the source too: a slip in a pair would count as a false alarm."""
    for p in halves[half]:
        western = p["target"].translate(mutations.WESTERN)
        for number in re.findall(r"(?<![\w.,])\d+(?:\.\d+)?(?![\w.,]*\d)", western):
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", p["source"].replace(",", "")), (
                p["id"],
                number,
            )


def test_one_side_is_swapped() -> None:
    out = made("The right lung.", "الرئة اليمنى.", "laterality")
    assert out == ["الرئة اليسرى."]


def test_a_negation_goes_or_comes() -> None:
    assert made("No effusion.", "ولا يوجد انصباب.", "negation") == ["ويوجد انصباب."]
    assert made("There is effusion.", "يوجد انصباب.", "negation") == ["لا يوجد انصباب."]
    assert made("At least 5.", "لا يقل عن 5.", "negation") == []


def test_a_new_number_keeps_the_script() -> None:
    for seed in range(20):
        (out,) = made("It is 10.8 cm.", "يبلغ ١٠٫٨ سم.", "number", seed)
        assert re.fullmatch(r"يبلغ [٠-٩]{2}٫[٠-٩] سم\.", out)


def test_names_with_digits_are_no_numbers() -> None:
    assert made("T2-weighted, L4, HbA1c.", "مرجحة بزمن T2، والفقرة L4، وHbA1c.", "number") == []


def test_sequences_of_mri_and_complement_are_no_levels() -> None:
    assert made("T2-weighted MRI.", "صورة مرجحة بزمن T2.", "level") == []
    assert made("C3 is low.", "المتممة C3 منخفضة.", "level") == []
    assert made("Disc L5.", "القرص L5.", "level")[0] in {"القرص L4.", "القرص S1."}


def test_a_range_stays_a_range() -> None:
    for seed in range(20):
        (out,) = made("Give 5-10 mg.", "أعطِ 5-10 ملغ.", "range", seed)
        low, high = (int(n) for n in re.findall(r"\d+", out))
        assert 0 < low < high
        assert (low, high) != (5, 10)
    assert made("It fell from 10 to 5.", "انخفض من 10 إلى 5.", "range") == []
    assert made("It rose from 5 to 10.", "ارتفع من 5 إلى 10.", "range") == []


def test_a_dose_is_scaled_where_a_drug_is_named() -> None:
    doses = {made("Metformin 500 mg.", "ميتفورمين 500 ملغ.", "dose", seed)[0] for seed in range(20)}
    assert doses == {f"ميتفورمين {n} ملغ." for n in (50, 250, 1000, 5000)}
    assert made("Glucose 500 mg.", "غلوكوز 500 ملغ.", "dose") == []


def test_a_drug_takes_its_latin_name_along() -> None:
    (out,) = made("Take warfarin.", "تناول الوارفارين (warfarin).", "drug")
    latin = re.fullmatch(r"تناول ال\w+ \((\w+)\)\.", out)
    assert latin is not None
    assert latin[1] != "warfarin"


def test_gender_changes_only_where_the_source_states_it() -> None:
    assert made("A woman has pain.", "امرأة لديها ألم.", "gender") == ["رجل لديه ألم."]
    assert made("A patient has pain.", "مريض لديه ألم.", "gender") == []
    assert made("A woman and a man.", "امرأة ورجل.", "gender") == []


def test_letters_of_options_change_and_texts_stay() -> None:
    target = "أي دواء؟\nأ. وارفارين\nب. أسبرين\nالإجابة: ب"
    for out in made("Which?\nA. warfarin\nB. aspirin\nAnswer: B", target, "option"):
        assert out != target
        assert re.sub(r"(?m)^[أب]|[أب]$", "", out) == re.sub(r"(?m)^[أب]|[أب]$", "", target)


def test_a_dialect_needs_two_words() -> None:
    assert made("Now.", "الآن.", "dialect") == []
    (out,) = made("There is pain now.", "يوجد ألم الآن.", "dialect")
    assert "الآن" not in out
    assert "يوجد" not in out


def test_counts_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    mutations.main(mutations.PAIRS / "development.jsonl", 0)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+ pairs, \d+ mutations, seed 0", lines[0])
    assert [line.split()[0] for line in lines[1:]] == list(mutations.CATEGORIES)
