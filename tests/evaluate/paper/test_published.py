"""The published numbers: whole, sourced, and recomputing exactly as the golden file says they do."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bimedix2.errors import DataError
from bimedix2.evaluate.paper import check
from bimedix2.evaluate.paper.published import load, parse

GOLDEN = Path("../shared/golden/table_checks.json")
"""Derived from the paper's printed numbers by hand-written scripts (specification 2)."""
NUMBERS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 13]


@pytest.fixture
def golden() -> Any:
    if not GOLDEN.is_file():
        pytest.skip("the golden file is not on this machine")
    return json.loads(GOLDEN.read_text())


def test_every_table_of_numbers_is_there_and_says_where_it_was_read() -> None:
    published = load()
    assert [t.number for t in published.tables[:10]] == [f"Table {n}" for n in NUMBERS]
    assert [t.number for t in published.tables[10:]] == ["Figure 4", "Section A.5.1"]
    assert all(t.read.startswith("version 2") for t in published.tables)
    rows = {t.id: len(t.rows) for t in published.tables}
    assert (rows["table-2"], rows["table-3"], rows["table-4"]) == (15, 7, 7)


@pytest.mark.parametrize(
    ("table", "row", "key", "value"),
    [
        ("table-2", "BiMediX2 70B", "average", 84.6),
        ("table-2", "BiMediX2 70B", "usmle", 92.3),
        ("table-2", "GPT 4", "usmle", 83.8),
        ("table-2", "Llama 3.1 70B", "average", 83.8),
        ("table-6", "LLaVA Med", "bleu4_rescaled", 0.520),
        ("table-6", "Dragonfly-Med", "radcliq_rescaled", 0.247),
        ("table-7", "Med-PaLM M", "bleu4_rescaled", 0.115),
        ("table-8", "BiMediX2-8B ENG + Translation (Bing)", "overall", 45.05),
        ("table-13", "BiMediX2-70B", "vram_gb", 170),
        ("figure-4", "Med42", "overall", 53.5),
        ("section-a51", "BiMediX2", "preferred", 76.9),
    ],
)
def test_numbers_that_the_specification_repeats_are_those_of_the_file(
    table: str, row: str, key: str, value: float
) -> None:
    assert load().table(table).value(row, key) == value


def test_values_that_exist_only_in_a_figure_are_empty_with_the_reason() -> None:
    table = load().table("figure-4")
    for row in table.rows:
        for level in range(5):
            assert table.value(row, f"level_{level}") is None
            assert "only as bars of Figure 4" in table.why(row, f"level_{level}")
        assert table.why(row, "overall") == ""


def test_only_the_averages_that_the_golden_file_names_fail_to_recompute(golden: Any) -> None:
    wrong = {(one.table, one.check, one.row): one for one in check.mismatches(load())}
    wanted = golden["table4"]["by_type_mismatch"]
    assert wrong.keys() == {("table-4", "by type", row) for row in wanted}
    for row, (recomputed, printed) in wanted.items():
        one = wrong["table-4", "by type", row]
        assert one.printed == printed
        assert one.recomputed == pytest.approx(recomputed, abs=0.005)


def test_the_weights_are_those_of_the_benchmark(golden: Any) -> None:
    by_domain, by_type = load().table("table-3").checks
    names = {"chest_xray": "cxr", "ct_scan": "ct", "detailed_description": "description"}
    domains = {names.get(k, k): n for k, n in golden["weights"]["domain_first_match"].items()}
    types = {names.get(k, k): n for k, n in golden["weights"]["type"].items()}
    assert (by_domain.weights, by_type.weights) == (domains, types)


def test_what_only_rounding_explains_is_told_apart() -> None:
    close = {(one.table, one.row) for one in check.averages(load()) if one.verdict == "within rounding"}
    assert ("table-7", "BioMedGPT") in close  # 0.1444 against 0.145
    equal = {(one.table, one.row) for one in check.averages(load()) if one.verdict == "equal"}
    assert {row for table, row in equal if table == "table-2"} == set(load().table("table-2").rows)
    assert {row for table, row in equal if table == "table-5"} == set(load().table("table-5").rows)


def test_cells_that_are_printed_twice_agree() -> None:
    found = check.agreements(load())
    assert len(found) == 9
    assert all(one.same for one in found)


def test_cells_that_no_number_of_right_answers_gives() -> None:
    """The specification's list: eight cells, none of them the authors' own."""
    found = {(row, key) for row, key, _ in check.impossible(load().table("table-2"))}
    wanted = {
        ("GPT 4", "usmle"),
        ("GPT 3.5", "usmle"),
        ("OpenBioLLM-70B", "college_medicine"),
        ("Dragonfly-Med", "usmle"),
        ("Dragonfly-Med", "clinical_knowledge"),
        ("Dragonfly-Med", "professional_medicine"),
        ("BioMedGPT-LM-7B", "college_medicine"),
        ("BioMedGPT-LM-7B", "professional_medicine"),
    }
    assert wanted <= found
    assert not any(row.startswith("BiMediX2") for row, _ in found)
    # Rows of version 2 that the specification does not speak of may have more.
    assert {row for row, _ in found - wanted} <= {"Apollo-7B", "Apollo-72B", "BiMediXv1"}


def test_the_share_of_closed_questions_is_the_one_that_the_columns_imply(golden: Any) -> None:
    """recall = w closed accuracy + (1 - w) open recall for a terse model."""
    table = load().table("table-5")
    names = {"rad": "vqa_rad", "slake": "slake_en", "path": "path_vqa"}
    for key, name in names.items():
        share = float(golden["vqa_closed_share_implied"][name].split()[0])
        closed, opened, recall = (
            table.value("BiMediX2 8B", f"{key}.{metric}")
            for metric in ("closedQuestionsAccuracy", "openQuestionsRecall", "recall")
        )
        assert share * closed + (1 - share) * opened == pytest.approx(recall, abs=0.0015)  # type: ignore[operator]


def test_a_correct_paper_has_nothing_to_report() -> None:
    text = check.report(load())
    assert "4 differ." in text.splitlines()[2]
    assert "| table-4 | BiMediX2 8B | by type | 50.5 | 49.61" in text
    assert "All 9 pairs agree." in text
    assert "GPT 4, usmle: 83.8" in text


BASE: dict[str, Any] = {
    "paper": "p",
    "read": "r",
    "tables": [
        {
            "id": "table-1",
            "title": "t",
            "read": "here",
            "unit": "percent",
            "decimals": 1,
            "layout": "models_down",
            "columns": [{"key": "a", "label": "A"}, {"key": "mean", "label": "Mean"}],
            "rows": {"x": [1.0, 1.0]},
            "checks": [{"name": "c", "column": "mean", "mean": ["a"]}],
        }
    ],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": {"x": [1.0]}}, "row 'x' has 1 cells for 2 columns"),
        ({"rows": {"x": [None, 1.0]}}, "an empty 'a' and a reason go together"),
        ({"empty": [{"columns": ["a"], "why": "w"}]}, "an empty 'a' and a reason go together"),
        ({"empty": [{"columns": ["b"], "why": "w"}]}, "has no column 'b'"),
        ({"checks": [{"name": "c", "column": "mean", "mean": ["b"]}]}, "has no column 'b'"),
        ({"checks": [{"name": "c", "column": "mean"}]}, "either 'mean' or 'weights'"),
        ({"columns": [{"key": "a", "label": "A"}] * 2}, "key is written twice"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(change: dict[str, Any], message: str) -> None:
    text = yaml.safe_dump({**BASE, "tables": [{**BASE["tables"][0], **change}]})
    with pytest.raises(DataError, match=message):
        parse(text, "numbers.yaml")


def test_a_column_is_named_by_the_nearest_one() -> None:
    with pytest.raises(DataError, match=r"no column 'medqu'; did you mean 'medqa'\?"):
        load().table("table-2").column("medqu")
    with pytest.raises(DataError, match="no table 'table-1'"):
        load().table("table-1")
