"""Table 1: the paper's marks as printed, and no mark of ours without a test that exists."""

import csv
from pathlib import Path

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.paper.capabilities import comma_separated, latex, linked, load, markdown, parse

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("key", load().columns)
def test_a_cell_of_ours_names_a_test_that_exists_or_what_is_missing(key: str) -> None:
    cell = load().ours[key]
    if cell.test:
        file, _, name = cell.test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
    else:
        assert len(cell.why) > 10


def test_the_paper_gives_itself_every_mark_and_v1_no_images() -> None:
    rows = load().rows
    assert set(rows["BiMediX2 (the paper's)"].values()) == {"y"}
    assert [key for key, mark in rows["BiMediXv1"].items() if mark == "y"] == ["MTC", "RS", "Bil"]
    assert set(rows["MAIRA-2"].values()) == {None}
    assert len(rows) == 12


def test_the_page_says_what_code_means() -> None:
    text = markdown(load())
    assert "| this software | code | code | code | code |" in text
    assert "| Meditron | no | no | no | no | no | no | no | - | no | no |" in text
    assert "that a trained model does it well, no test shows" in text


def test_the_docs_link_each_cell_of_ours_to_the_file_of_its_test() -> None:
    page = ROOT / "docs" / "paper.md"
    assert linked(load(), "..") in page.read_text(encoding="utf-8")
    for cell in load().ours.values():
        if cell.test:
            assert (page.parent / ".." / cell.test.partition("::")[0]).is_file()


def test_it_is_written_as_csv_and_latex_too() -> None:
    head, *rows = csv.reader(comma_separated(load()).splitlines())
    assert head == ["Model", *load().columns]
    marks = {row[0]: row[1:] for row in rows}
    assert marks["this software"] == ["code"] * 10
    assert marks["Meditron"][7] == ""  # unknown
    assert marks["this software, shown by"] == [cell.test for cell in load().ours.values()]
    text = latex(load())
    assert text.count(r" \\") == 1 + 12 + 1
    assert r"Med42 & \checkmark & \checkmark & $\times$" in text
    assert r"\begin{tabular}{lcccccccccc}" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Rad: {test:", "Rad: {why: x, test:", "has a 'test' that shows it, or says 'why' not"),
        ("  Med42: {MTC: y,", "  Med42: {MTC: maybe,", "'maybe' is no mark"),
        ("  Med42: {MTC: y, ", "  Med42: {", "row 'Med42' does not have the columns"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(old: str, new: str, message: str) -> None:
    source = ROOT / "src/bimedix2/evaluate/paper/capabilities.yaml"
    with pytest.raises(DataError, match=message):
        parse(source.read_text(encoding="utf-8").replace(old, new, 1), "table")
