"""Our rows beside the published ones: completed, signed, partial results first, three formats, figures."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.config import build
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.evaluate import paper
from bimedix2.evaluate.paper import figures, ours, tables
from bimedix2.evaluate.paper.published import load
from bimedix2.manifest import RunFolder, read_manifest, verify

TEN = [c.key for c in load().table("table-2").columns if c.key != "average"]
DOMAINS = ("cxr", "mri", "histology", "gross", "ct")


def row(table: str, values: dict[str, float], **more: Any) -> ours.OurRow:
    return ours.OurRow(**{"table": table, "model": "nano", "values": values, "signature": "s|g", **more})


def clinical(**more: Any) -> ours.OurRow:
    return row("table-2", {key: 20.0 + place for place, key in enumerate(TEN)}, **more)


def reports(**more: float) -> ours.OurRow:
    raw = {"rougeL": 0.2, "bleu1": 0.1, "bleu4": 0.03, "f1-radgraph": 0.1, "radcliq": 2.0, "chexbert": 0.4}
    return row("table-7", {**raw, "meteor": 0.2, **more})


def arranged(*rows: ours.OurRow) -> ours.Rows:
    return ours.arrange(rows, load())


def test_an_average_is_completed_from_whole_rows_alone() -> None:
    (whole,) = arranged(clinical()).of("table-2")
    assert whole.values["average"] == pytest.approx(24.5)
    (part,) = arranged(row("table-2", {"medqa": 30.0})).of("table-2")
    assert "average" not in part.values  # never the mean of one column


def test_an_average_that_its_cells_do_not_give_is_refused() -> None:
    with pytest.raises(DataError, match=r"'average' is 30\.0, but its cells give 24\.5"):
        arranged(row("table-2", {**clinical().values, "average": 30.0}))
    # Of a weighted one some items may be missing.
    values = {**dict.fromkeys(DOMAINS, 50.0), "overall": 49.0}
    assert arranged(row("table-3", values)).of("table-3")[0].values["overall"] == 49.0


def test_raw_values_are_rescaled_and_stand_beside() -> None:
    (one,) = arranged(reports()).of("table-7")
    assert one.values["bleu4_rescaled"] == pytest.approx(0.3)
    assert one.values["radcliq_rescaled"] == pytest.approx(0.8)
    assert one.values["average"] == pytest.approx((0.1 + 0.1 + 0.3 + 0.2 + 0.8 + 0.4 + 0.2) / 7)
    (two,) = ours.arrange([reports()], load(), ours.Rescaling(radcliq=13)).of("table-7")
    assert two.values["radcliq_rescaled"] == pytest.approx(1 - 2 / 13)
    (worst,) = arranged(reports(radcliq=11.6, bleu4=0.5)).of("table-7")
    assert (worst.values["radcliq_rescaled"], worst.values["bleu4_rescaled"]) == (0.0, 1.0)
    text = tables.markdown(load().table("table-7"), load(), arranged(reports()))
    assert "| not in the paper | BLEU-4, raw | - | - | - | - | - | - | - | 0.030 |" in text
    assert "must not be ranked together" in text


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (row("table-2", {"medqu": 1.0}), "did you mean 'medqa'"),
        (row("table-1", {"x": 1.0}), "no table 'table-1'"),
        (row("table-5", {"rad.bleu": 55.0}), "shares from 0 to 1; divide by 100"),
        (row("table-2", {"medqa": float("nan")}), "'medqa' is nan"),
        (row("table-2", {"medqa": -1.0}), "below 0"),
        (row("table-2", {"medqa": 1.0}, intervals={"medqa": (0.0, float("inf"))}), "'medqa' is inf"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(bad: ours.OurRow, message: str) -> None:
    with pytest.raises(DataError, match=message):
        arranged(bad)


def test_a_model_stands_once_in_a_table() -> None:
    with pytest.raises(DataError, match="row 'nano' is given twice"):
        arranged(clinical(), clinical())


def test_markdown_has_the_papers_rows_then_ours_with_interval_and_signature() -> None:
    rows = arranged(clinical(intervals={"medqa": (25.0, 29.0)}))
    text = tables.markdown(load().table("table-2"), load(), rows)
    lines = text.splitlines()
    assert lines[0] == "# Table 2: Clinical LLM Evaluation Benchmark"
    body = [line for line in lines if line.startswith("| ")]
    assert body[0].startswith("| Model | MMLU: Cli-KG | MMLU: C-Bio |")
    assert body[2].startswith("| BioMedGPT-LM-7B | 49.4 |")
    assert body[-2].startswith("| BiMediX2 70B | 86.8 |")
    assert body[-1].startswith("| nano (run here, 1) | 20.0 |")
    assert "27.0 [25.0, 29.0]" in body[-1]
    assert "1. nano: `s|g`" in text
    assert "arXiv 2412.07769v2" in text


def test_metrics_go_down_where_the_paper_has_models_across() -> None:
    text = tables.markdown(load().table("table-5"), load(), arranged(row("table-5", {"rad.F1": 0.4})))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert lines[0].startswith("| Dataset | Metric | RadFM | LLaVA Med |")
    assert lines[2].startswith("| Rad-VQA | BLEU-1↑ | 0.475 |")
    assert lines[3].startswith("|  | closed Q accuracy↑ | 0.577 |")
    assert lines[7].endswith("| 0.569 | 0.400 |")
    assert lines[-1].startswith("|  | Average | 0.461 |")
    assert lines[-1].endswith("| 0.611 | - |")


@pytest.mark.parametrize("table", load().tables, ids=lambda t: t.id)
def test_a_partial_result_is_the_first_line_of_every_format(table: Any) -> None:
    key = table.columns[0].key
    rows = arranged(row(table.id, {key: 0.5}, partial="7 of 193 items have no score"))
    texts = [
        tables.markdown(table, load(), rows),
        tables.comma_separated(table, rows),
        tables.latex(table, load(), rows),
    ]
    for text in texts:
        assert "artial" in text.splitlines()[0]
        assert "nano: 7 of 193 items have no score" in text.splitlines()[0]
    whole = arranged(row(table.id, {key: 0.5}))
    assert "artial" not in tables.markdown(table, load(), whole).splitlines()[0]
    assert "artial" not in tables.latex(table, load(), whole)


def test_csv_reads_back_with_full_values_and_signatures() -> None:
    values = {**clinical().values, "medqa": 27.123456}
    text = tables.comma_separated(load().table("table-2"), arranged(row("table-2", values)))
    read = list(csv.DictReader(StringIO(text)))
    assert read[-1]["Model"] == "nano (run here, 1)"
    assert read[-1]["MedQA"] == "27.123456"
    assert read[-1]["signature"] == "s|g"
    assert read[0]["signature"] == ""
    assert float(read[8]["Average"]) == 82.9
    across = list(csv.reader(StringIO(tables.comma_separated(load().table("table-9"), arranged(
        row("table-9", {"clinical": 24.5}))))))  # fmt: skip
    assert across[0] == ["Evaluation", "Baseline", "Stage-1", "Stage-2", "nano (run here, 1)"]
    assert across[-1] == ["signature", "", "", "", "s|g"]
    assert {len(line) for line in across} == {5}


def test_an_empty_cell_is_empty_in_csv_and_has_its_reason_in_markdown() -> None:
    table = load().table("table-6")
    read = list(csv.reader(StringIO(tables.comma_separated(table, arranged()))))
    assert read[3][-1] == ""
    text = tables.markdown(table, load(), arranged())
    assert "of Med-PaLM M: the paper prints no number there" in text


def test_latex_balances_and_escapes() -> None:
    rows = arranged(clinical(model="my_model & 50% #1", signature="a_b|c"))
    text = tables.latex(load().table("table-2"), load(), rows)
    assert r"my\_model \& 50\% \#1 (run here, 1)" in text
    assert r"\multicolumn{6}{c}{MMLU}" in text
    assert r"\cmidrule(lr){2-7}" in text
    lines = text.splitlines()
    spec = next(line for line in lines if "begin{tabular}" in line).split("{")[-1].rstrip("}")
    for line in lines:
        if line.startswith("BioMed") or line.startswith("Model"):
            assert line.count(" & ") + 1 == len(spec) == 12
    first = next(n for n, line in enumerate(lines) if line.startswith(r"my\_model"))
    assert lines[first - 1] == r"\midrule"  # ours stand apart
    across = tables.latex(load().table("table-6"), load(), arranged())
    assert r"ROUGE-L$\uparrow$ & 0.185" in across
    assert across.count(r"\begin") == across.count(r"\end")


def test_rows_are_read_from_finished_folders_and_from_files(tmp_path: Path) -> None:
    line = clinical().model_dump()
    io.write_jsonl(tmp_path / "rows.jsonl", [line])
    with RunFolder(tmp_path / "scores", "evaluate", {}) as out:
        io.write_jsonl(out.path / ours.ROWS, [{**line, "model": "peer"}])
        folder = out.publish({})
    assert [r.model for r in ours.read([tmp_path / "rows.jsonl", folder])] == ["nano", "peer"]
    with RunFolder(tmp_path / "other", "evaluate", {}) as out:
        other = out.publish({})
    with pytest.raises(DataError, match="holds no score that the paper has a table for"):
        ours.read([other])
    with pytest.raises(RunError, match="is not a folder"):
        ours.read([tmp_path / "none"])


@pytest.mark.parametrize(
    ("change", "message"),
    [({"signature": ""}, "line 1: 'signature'"), ({"values": {}}, "'values'"), ({"colour": 1}, "'colour'")],
)
def test_a_row_without_a_signature_is_no_row(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    io.write_jsonl(tmp_path / "rows.jsonl", [{**clinical().model_dump(), **change}])
    with pytest.raises(DataError, match=message):
        ours.read([tmp_path / "rows.jsonl"])


# Figures


def mbench(table: str, **more: Any) -> ours.OurRow:
    return row(table, {key: 30.0 + place for place, key in enumerate(DOMAINS)}, **more)


def _labels(figure: Any) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_the_radar_has_the_papers_six_systems_and_ours_of_both_languages() -> None:
    both = arranged(mbench("table-3"), mbench("table-4"), mbench("table-3", model="english alone"))
    figure = figures.radar(load(), both)
    assert _labels(figure) == [
        "BiomedGPT", "LLaVA-pp", "MiniGPT-Med", "LLaVA-Med", "Dragonfly-Med", "BiMediX2 8B",
        "nano (run here)",
    ]  # fmt: skip
    (axes,) = figure.axes
    line = axes.lines[-2].get_ydata().tolist()  # BiMediX2 8B: CT, MRI, CXR, histology, gross; then in Arabic
    assert line == [58.9, 56.8, 71.7, 62.5, 61.4, 50.8, 44.6, 61.4, 51.5, 43.5, 58.9]


def test_the_clinical_bars_are_stacked_to_the_average() -> None:
    figure = figures.clinical(load(), arranged(clinical()))
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == "nano (run here)"  # sorted by average
    assert names[-1] == "BiMediX2 70B"
    assert len(names) == 12 + 1
    ends = [bar.get_x() + bar.get_width() for bar in axes.containers[-1]]
    assert ends[-1] == pytest.approx(84.55)
    assert [text.get_text() for text in axes.texts][-1] == "84.6"


def test_uphill_shows_levels_of_systems_run_here_alone() -> None:
    values = {f"level_{n}": 60.0 - 10 * n for n in range(5)}
    figure = figures.uphill(load(), arranged(row("figure-4", values)))
    (axes,) = figure.axes
    counts = [len(container) for container in axes.containers]
    assert counts == [1, 1, 1, 1, 1, 6]  # five published systems have the overall value alone
    assert "exist only in the paper's figure" in axes.get_xlabel()
    spots = [bar.get_y() + bar.get_height() / 2 for bar in axes.containers[-1]]
    assert spots[:5] == pytest.approx(range(5))  # a single bar stands beside its name
    levels = [container[0].get_y() for container in axes.containers[:5]]
    assert levels == sorted(levels, reverse=True)
    (alone,) = figures.uphill(load(), arranged()).axes
    assert alone.get_legend_handles_labels()[1] == ["Overall"]  # no level stands there without a bar


def test_a_partial_result_stands_in_the_figures_title() -> None:
    figure = figures.clinical(load(), arranged(clinical(partial="100 questions")))
    assert figure.axes[0].get_title().startswith("partial, no result\nnano: 100 questions\n")


def test_arabic_words_are_drawn_as_they_are_typed() -> None:
    """No letter is in a presentation form and none is reversed: matplotlib shapes them."""
    assert figures.WORDS["en"].keys() == figures.WORDS["ar"].keys()
    for text in figures.WORDS["ar"].values():
        assert not any("\ufb50" <= letter <= "\ufdff" or "\ufe70" <= letter <= "\ufeff" for letter in text)
    figure = figures.radar(load(), arranged(), "ar")
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels[:2] == ["تصوير مقطعي محوسب", "رنين مغناطيسي"]
    assert labels[5] == "تصوير مقطعي محوسب (بالعربية)"


def test_the_whole_is_one_finished_folder_and_the_same_each_time(tmp_path: Path) -> None:
    io.write_jsonl(tmp_path / "rows.jsonl", [clinical().model_dump()])
    done = [paper.make(tmp_path / name, [tmp_path / "rows.jsonl"]) for name in ("one", "two")]
    names = set(read_manifest(done[0])["files"])
    assert {f"tables/{t.id}.{kind}" for t in load().tables for kind in ("md", "csv", "tex")} <= names
    assert {f"figures/figure-{n}.{kind}" for n in (1, 4, 6) for kind in ("png", "svg")} <= names
    assert {"check.md", "tables/table-1.md"} <= names
    verify(done[0])
    assert read_manifest(done[0])["files"] == read_manifest(done[1])["files"]
    assert "<svg" in (done[0] / "figures" / "figure-1.svg").read_text()
    assert (done[0] / "figures" / "figure-6.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((done[0] / "manifest.json").read_text())["counts"]["tables"] == 13


def test_arabic_figures_are_written_without_a_missing_letter(tmp_path: Path) -> None:
    """A glyph that the font lacks is a warning, and warnings fail."""
    figures.write(tmp_path, load(), arranged(), "ar")
    assert (tmp_path / "figure-1.png").stat().st_size > 10_000


def test_a_recipe_makes_the_folder(tmp_path: Path) -> None:
    io.write_jsonl(tmp_path / "rows.jsonl", [clinical().model_dump(mode="json")])
    wanted = {"scores": [str(tmp_path / "rows.jsonl")], "radcliq": 13}
    settings = build(evaluate.Config, {"output": tmp_path / "paper", "paper": wanted})
    done = evaluate.run(settings, lambda *_: pytest.fail("a model was opened"))
    verify(done)
    assert "| nano (run here, 1) | 20.0 |" in (done / "tables" / "table-2.md").read_text(encoding="utf-8")
    assert "1 - RadCliQ-v1 / 13" in (done / "tables" / "table-7.md").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match=r"unknown key 'paper\.score'; did you mean 'scores'"):
        build(evaluate.Config, {"output": tmp_path / "paper", "paper": {"score": []}})
