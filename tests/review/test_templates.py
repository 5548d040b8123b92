"""Every word of the review pages comes from the strings, in both languages."""

import re
from typing import get_args

from bimedix2.review.entry import Words
from bimedix2.review.judgement import Category, Verdict
from bimedix2.review.trial.items import WORDS as VALUES
from bimedix2.review.trial.items import Name
from bimedix2.review.trial.pages import WORDS
from bimedix2.web import shell

PREFIXES = {
    "review_lead_": ("review", "revise", "discuss", "adjudicate"),
    "review_submit_": ("review", "revise", "discuss", "adjudicate"),
    "review_keys_": ("review", "revise", "discuss", "adjudicate"),
    "review_state_": ("open", "conflict", "conflict_wording", "left_out", "settled"),
    "review_role_": ("user", "assistant", "system"),
    "review_verdict_": tuple(verdict.value for verdict in Verdict),
    "review_hint_": tuple(verdict.value for verdict in Verdict),
    "review_": tuple(category.value for category in Category),
    "review_trial_": ("done", "mine"),
    "review_trial_lead_": ("choose", "score", "revise"),
    "review_trial_submit_": ("choose", "revise"),
    "review_trial_said_": ("best", "tie", "abstain", "scored"),
    "review_trial_scale_": get_args(Name),
    "review_trial_value_": VALUES,
}
SCRIPTS = [shell.STATIC / name for name in ("desk.js", "review.js", "trial.js")]


def test_the_templates_and_the_script_ask_only_for_words_that_exist() -> None:
    words = shell.strings()["en"].keys()
    used: set[str] = set()
    for path in (shell.HERE / "templates").glob("review_*.html"):
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'data-t(?:-\w+)?="(\w+)"', text)) | set(re.findall(r"\bt\.(\w+)", text))
        used |= set(re.findall(r'word\("(\w+)"\)', text))
    used |= {*Words(), *WORDS}
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8")
        used |= set(re.findall(r'(?:\bt|word|problem)\("(\w+)"', text))
        used |= set(re.findall(r'"(review_trial_\w+)"', text))
    assert len(used) > 50
    assert used <= words, used - words


def test_words_whose_names_are_put_together_exist() -> None:
    for prefix, ends in PREFIXES.items():
        for end in ends:
            assert prefix + end in shell.strings()["ar"], prefix + end
    for kind in ("queue", "mine"):
        assert f"review_{kind}_empty" in shell.strings()["ar"]


def test_no_word_of_the_review_is_left_over() -> None:
    review = shell.HERE.parent / "review"
    sources = [*(shell.HERE / "templates").glob("review_*.html"), *SCRIPTS]
    sources += [review / "entry.py", review / "trial" / "pages.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    made = {prefix + end for prefix, ends in PREFIXES.items() for end in ends}
    made |= {f"review_{kind}{end}" for kind in ("queue", "mine") for end in ("", "_empty")} | {"review_done"}
    for key in shell.strings()["en"]:
        if key.startswith("review_"):
            assert key in made or key in text, f"{key} is never shown"
