"""``bimedix2 score``: the command a user types, its numbers, and what it says of a broken file."""

import json
from pathlib import Path
from typing import Any

import pytest

VQA = [
    {"gold": "yes", "pred": "Yes, there is.", "id": "a"},
    {"gold": "right lower lobe", "pred": "lower lobe"},
    {"gold": "نعم", "pred": "نعم، يوجد كسر."},
]
REPORTS = [
    {"ref": "No acute process.", "hyp": "No acute process."},
    {"ref": "Small left effusion.", "hyp": "Small right effusion."},
]


def write(path: Path, rows: list[Any]) -> str:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_vqa_as_json_has_multimedevals_keys(cli: Any, tmp_path: Path) -> None:
    code, out, _ = cli("score", "vqa", write(tmp_path / "a.jsonl", VQA), "--json")
    found = json.loads(out)
    assert code == 0
    assert out.count("\n") == 1
    assert (found["pairs"], found["closedQuestions"], found["openQuestions"]) == (3, 1, 2)
    assert found["closedQuestionsAccuracy"] == 1
    assert found["recall"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert {"bleu", "F1", "openQuestionsRecall", "openQuestionsAccuracy", "precision"} <= found.keys()
    assert "partial" not in found
    assert found["signature"].split("|")[1:3] == ["scorer:vqa-compat", "weights:none"]


def test_the_arabic_mode_is_another_score_with_another_signature(cli: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", VQA)
    found = json.loads(cli("score", "vqa", path, "--json", "--mode", "arabic")[1])
    assert (found["mode"], found["closedQuestions"], found["closedQuestionsAccuracy"]) == ("arabic", 2, 1)
    assert "scorer:vqa-arabic" in found["signature"]
    assert found["recallLightStem"] == found["recall"]


def test_a_mean_over_no_question_is_no_number_in_the_table(cli: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", VQA[1:])
    assert (
        json.loads(cli("score", "vqa", path, "--json")[1])["closedQuestionsAccuracy"] == 0
    )  # as MultiMedEval
    lines = cli("score", "vqa", path)[1].splitlines()
    assert [line.split() for line in lines if "closedQuestionsAccuracy" in line] == [
        ["closedQuestionsAccuracy", "no", "such", "question"]
    ]


def test_every_pair_in_a_file(cli: Any, tmp_path: Path) -> None:
    path, items = write(tmp_path / "a.jsonl", VQA), tmp_path / "out" / "items.jsonl"
    assert cli("score", "vqa", path, "--per-item", str(items))[0] == 0
    rows = [json.loads(line) for line in items.read_text(encoding="utf-8").splitlines()]
    assert [(row["line"], row.get("id"), row["closed"]) for row in rows] == [
        (1, "a", True),
        (2, None, False),
        (3, None, False),
    ]
    assert rows[1]["openQuestionsRecall"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_partial_result_says_so_in_its_first_line(cli: Any, tmp_path: Path, flags: list[str]) -> None:
    rows = [*VQA, '{"gold": "yes", "pred": NaN}', {"gold": "yes"}, {"gold": "left", "pred": ""}]
    path = write(tmp_path / "a.jsonl", rows)
    code, out, _ = cli("score", "vqa", path, *flags)
    assert code == 0
    assert "partial: 2 of 6 lines of a.jsonl are left out" in out.splitlines()[0]
    assert path in out
    if flags:
        found = json.loads(out)
        assert next(iter(found)) == "partial"
        assert [(fault["file"], fault["line"]) for fault in found["leftOut"]] == [(path, 4), (path, 5)]
        assert [(fault["line"], fault["reason"]) for fault in found["noted"]] == [(6, "'pred' is empty")]
    else:
        assert f"{path} line 4: is not JSON: NaN" in out
        assert f"{path} line 5: has no field 'pred'" in out
        assert f"{path} line 6: 'pred' is empty" in out


def test_many_faults_are_counted_and_some_are_shown(cli: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [*VQA, *[{"gold": "yes"}] * 30])
    out = cli("score", "vqa", path)[1]
    assert "30 x has no field 'pred'" in out
    assert out.count(" line ") == 20
    assert "and 10 more" in out


def test_reports_and_what_is_not_here(cli: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", REPORTS)
    found = json.loads(cli("score", "report", path, "--json")[1])
    assert found["bleu1"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert found["rougeL"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["bleu4"] == 0
    for key in ("f1-radgraph", "CheXBert vector similarity", "f1-bertscore", "radcliq", "green"):
        assert found[key] is None
        assert found["unavailable"][key]
    shown = cli("score", "report", path)[1]
    assert "unavailable: ask for it with --scorer chexbert; it needs chexbert.pth" in shown


def test_reports_in_arabic_mode(cli: Any, tmp_path: Path) -> None:
    rows = [{"ref": "الرئة اليُسرى سليمة.", "hyp": "الرئه اليسرى سليمة"}]
    path = write(tmp_path / "r.jsonl", rows)
    compat = json.loads(cli("score", "report", path, "--json")[1])
    arabic = json.loads(cli("score", "report", path, "--json", "--mode", "arabic")[1])
    assert (compat["rougeL"], arabic["rougeL"], arabic["bleu1"]) == (0, 1, 1)
    assert arabic["unavailable"]["radcliq"] == "it reads English alone"


def test_a_scorer_that_cannot_be_opened_says_how_to_get_it(cli: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", REPORTS)
    missing = tmp_path / "chexbert.pth"
    (tmp_path / "bert-base-uncased").mkdir()
    found = json.loads(cli("score", "report", path, "--json", "--scorer", f"chexbert={missing}")[1])
    assert found["CheXBert vector similarity"] is None
    assert "bert-base-uncased" in found["unavailable"]["CheXBert vector similarity"]
    assert "|weights:none|" in found["signature"]
    assert found["bleu1"] > 0


def hand_written(path: Path) -> str:
    """Replies to RadFact's canaries, and to one pair of reports: half of either side is entailed."""
    from bimedix2.evaluate.metrics.radfact import canary

    lines: list[tuple[str, Any]] = []
    for verdicts in canary.cases().values():
        for verdict, rows in verdicts.items():
            for row in rows:
                evidence = row["reference"][:1] if verdict == "entailment" else []
                lines.append(
                    (f"<statement>\n{row['statement']}\n", {"status": verdict, "evidence": evidence})
                )
    for report, statements in RADFACT.items():
        sentences = [{"orig": report, "new": statements}]
        lines.append((f"<report>\n{report}\n", {"sentences": sentences}))
    lines.append(("<statement>\nالقلب متضخم.\n", {"status": "entailment", "evidence": ["القلب متضخم."]}))
    lines.append(("<statement>\n", {"status": "not_entailment", "evidence": []}))
    rows = [{"contains": words, "answer": json.dumps(one, ensure_ascii=False)} for words, one in lines]
    text = "\n".join(["written by hand", *(json.dumps(row, ensure_ascii=False) for row in rows)])
    path.write_text(text + "\n", encoding="utf-8")
    return str(path)


RADFACT = {
    "القلب متضخم ولا يوجد انصباب.": ["القلب متضخم.", "لا يوجد انصباب."],
    "القلب متضخم مع انصباب.": ["القلب متضخم.", "يوجد انصباب."],
}


def test_radfact_from_replies_needs_no_network(cli: Any, tmp_path: Path) -> None:
    ref, hyp = RADFACT
    pairs = write(tmp_path / "r.jsonl", [{"ref": ref, "hyp": hyp}, {"ref": ref, "hyp": ""}])
    settings = {"replies": hand_written(tmp_path / "replies.jsonl"), "cache": str(tmp_path / "c.sqlite")}
    recipe, items = tmp_path / "radfact.yaml", tmp_path / "items.jsonl"
    recipe.write_text(json.dumps(settings), encoding="utf-8")
    args = ("score", "report", pairs, "--mode", "arabic", "--radfact", str(recipe))
    code, out, _ = cli(*args, "--json", "--per-item", str(items))
    found = json.loads(out)
    assert code == 0
    # The second candidate is blank: no precision, and no recall of what it does not say.
    assert (found["radfact_precision"], found["radfact_recall"]) == (0.5, 0.25)
    assert found["radfact_f1"] == pytest.approx(2 * 0.5 * 0.25 / 0.75)
    assert "|judge:written by hand,radfact@" in found["signature"]
    assert "canaries=10/10,host=file|" in found["signature"]
    assert "radfact: 1 blank reports" in found["notes"]
    assert "partial" not in found
    row = json.loads(items.read_text(encoding="utf-8").splitlines()[0])
    assert row["radfact"]["hyp"]["phrases"][0]["evidence"] == ["القلب متضخم."]
    shown = cli(*args)[1]
    assert "radfact_f1" in shown
    assert ": unavailable: it reads English alone" in shown


def test_radfact_asks_no_host_that_credentialed_reports_may_not_go_to(cli: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", REPORTS)
    recipe = tmp_path / "radfact.yaml"
    recipe.write_text("judge: {base_url: 'https://api.example.org/v1', model: m}\n", encoding="utf-8")
    code, _, err = cli("score", "report", path, "--radfact", str(recipe))
    assert code != 0
    assert "a record of class 'credentialed' may not be sent to api.example.org" in " ".join(err.split())


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["vqa", "{none}"], "does not exist"),
        (["vqa", "{r}"], "has no pair of 'gold' and 'pred'"),
        (["vqa", "{v}", "--scorer", "chexbert"], "--scorer belongs to reports"),
        (["vqa", "{v}", "--radfact", "{none}"], "--radfact belongs to reports"),
        (["report", "{r}", "--radfact", "{none}"], "does not exist"),
        (["report", "{r}", "--scorer", "chexbrt"], "did you mean 'chexbert'?"),
    ],
)
def test_a_users_error_is_one_line(cli: Any, tmp_path: Path, args: list[str], says: str) -> None:
    paths = {
        "{none}": str(tmp_path / "none.jsonl"),
        "{v}": write(tmp_path / "v.jsonl", VQA),
        "{r}": write(tmp_path / "r.jsonl", REPORTS),
    }
    code, out, err = cli("score", *[paths.get(arg, arg) for arg in args])
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert says in err
    assert err.count("\n") == 1


def test_scores_of_zero_are_numbers(cli: Any, tmp_path: Path) -> None:
    """Only a mean over no question is none."""
    path = write(tmp_path / "a.jsonl", [{"gold": "left lung", "pred": "heart"}])
    lines = dict(line.split(None, 1) for line in cli("score", "vqa", path)[1].splitlines()[1:-1])
    assert (lines["bleu"], lines["F1"], lines["openQuestionsRecall"]) == ("0", "0", "0")
    assert lines["closedQuestionsAccuracy"] == "no such question"


def test_the_pairs_are_never_overwritten(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, VQA)
    before = path.read_bytes()
    for same in (path, tmp_path / "." / "a.jsonl"):
        code, _, err = cli("score", "vqa", str(path), "--per-item", str(same))
        assert (code, path.read_bytes()) == (2, before)
        assert "would overwrite the pairs; name another file" in err
    (tmp_path / "file").write_text("x", encoding="utf-8")
    code, out, err = cli("score", "vqa", str(path), "--per-item", str(tmp_path / "file" / "items.jsonl"))
    assert (code, out) == (2, "")
    assert "items.jsonl cannot be written (" in err
    assert "Traceback" not in err
