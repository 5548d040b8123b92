"""``bimedix2 demo`` and the examples that the page offers too."""

from typing import Any

from bimedix2.serve.examples import example_scans, examples


def test_four_questions_two_in_each_language_on_scans_that_are_here(cli: Any, echo: Any) -> None:
    listed = examples()
    assert sorted(example.language for example in listed) == ["ar", "ar", "en", "en"]
    assert {example.image for example in listed} == example_scans().keys()
    code, out, err = cli("demo")
    assert code == 0
    for number, example in enumerate(listed, 1):
        assert f"[{number}] {example.caption}\n{example.text}\n    1. {example.text} [1 of 1]\n" in out
    assert [line.strip() for line in out.splitlines() if "own header" in line] == [
        "(the file's own header: CT, HEAD)",
        "(the file's own header: MR, ABDOMEN)",
    ] * 2
    assert err.count("echo@1") == 4
    assert err.count("For research only") == 4


def test_an_unknown_model_is_one_sentence(cli: Any) -> None:
    code, _, err = cli("demo", "--model", "nanno")
    assert (code, err.count("\n")) == (2, 1)
    assert "did you mean 'nano'?" in err
