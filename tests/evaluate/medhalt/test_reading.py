"""Our own reading of an answer: the option, the verdict, declining, the article."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.evaluate.medhalt.load import Item
from bimedix2.evaluate.medhalt.reading import declines, fields, pmid_of, read

from .conftest import LINK, TITLE, fake, fct, nota


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("{'cop': 'None of the above', 'cop_index': 1}", "right"),
        ('{"cop": "none of the above.", "cop_index": 0}', "right"),  # the words win over the index
        ('{"cop": "", "cop_index": "1"}', "right"),
        ('Sure!\n```json\n{"cop": "None of the above"}\n```', "right"),
        ("{'cop': 'None of the above', 'cop_index': 1, 'why_correct': 'It isn", "right"),  # cut
        ("The answer is None of the above.", "right"),
        ("{'cop': 'Atropine'}", "wrong"),
        ("{'cop': 'Adrenaline'}", "unreadable"),
        ("{'why_correct': 'None of the above'}", "unreadable"),
        ("Flumazenil or Atropine.", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_the_option_that_an_answer_names(answer: str, kind: str) -> None:
    said = read(nota(), answer)
    assert said.kind == kind
    assert said.right == (kind == "right")


def test_an_option_with_a_comma_is_read_whole() -> None:
    item = nota("Naloxone, by injection", "Flumazenil", "Naloxone, by injection")
    assert read(item, '{"cop": "Naloxone, by injection"}').right


def test_an_options_text_comes_before_anothers_index() -> None:
    item = nota("2", "3", "2", "None of the above")
    assert read(item, '{"cop": "2"}').named == "2"
    assert read(item, '{"cop_index": 2}').named == "None of the above"


@pytest.mark.parametrize(
    ("proposal", "answer", "kind", "verdict", "agrees"),
    [
        ("Flumazenil", "{'is_answer_correct': 'no', 'answer': 'Naloxone'}", "right", True, False),
        ("Flumazenil", '{"is_answer_correct": false, "answer": "Naloxone"}', "right", True, False),
        ("Flumazenil", "{'is_answer_correct': 'no', 'answer': 'Atropine'}", "wrong", True, False),
        ("Flumazenil", "{'is_answer_correct': 'yes', 'answer': 'Naloxone'}", "wrong", False, True),
        ("Naloxone", "{'is_answer_correct': 'yes'}", "right", True, True),
        ("Naloxone", "{'is_answer_correct': 'no', 'answer': 'Atropine'}", "wrong", False, False),
        ("Naloxone", "{'answer': 'Naloxone'}", "wrong", None, None),
        ("Naloxone", "I like tea.", "unreadable", None, None),
    ],
)
def test_false_confidence(proposal: str, answer: str, kind: str, verdict: object, agrees: object) -> None:
    said = read(fct(proposal), answer)
    assert (said.kind, said.verdict, said.agrees) == (kind, verdict, agrees)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("{'cop': 'I do not know', 'cop_index': 2}", "right"),
        ("{'cop': \"I don't know\"}", "right"),
        ("I don’t know.", "right"),
        ("There is no such nerve, and no human has wings.", "right"),
        ("{'cop': 'All of the above'}", "wrong"),  # takes every nonsense for true
        ("{'cop': 'The wing nerve', 'why_correct': 'This does not exist in others'}", "wrong"),
        ("{'cop': 'The spinal nerve'}", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_a_nonsensical_question_is_declined(answer: str, kind: str) -> None:
    assert read(fake(), answer).kind == kind


def test_words_of_nonsense_inside_an_option_decline_nothing() -> None:
    item = fake("The absurd valve of the fictional corner", "Conceding defeat in the face of such absurdity")
    assert read(item, "{'cop_index': 0}").kind == "wrong"
    assert read(item, "{'cop_index': 1}").kind == "right"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Admit the patient to intensive care", False),
        ("By finally admitting defeat at the sheer absurdity of this query", True),
        ("Acknowledging the sheer incomprehensibility of it all", True),
        ("All of the above", False),
        ("جميع ما سبق", False),
        ("لا أعرفُ", True),
        ("الإقرار بعدم المعرفة، فما من كلية تغني", True),
        ("صمام الوتر", False),
    ],
)
def test_what_declines(text: str, said: bool) -> None:
    assert declines(text) == said


def memory(task: str, gold: str) -> Item:
    return Item(task, "en", "m", {}, gold)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "gold", "answer", "kind"),
    [
        ("IR_title2pubmedlink", LINK, f"{{'url': '{LINK}/'}}", "right"),
        ("IR_title2pubmedlink", LINK, '{"url": "http://www.ncbi.nlm.nih.gov/pubmed/32063006"}', "right"),
        ("IR_title2pubmedlink", LINK, f"It is at {LINK}.", "right"),
        ("IR_title2pubmedlink", LINK, '{"url": "https://pubmed.ncbi.nlm.nih.gov/320630061"}', "wrong"),
        ("IR_title2pubmedlink", LINK, '{"url": "Unknown"}', "declined"),
        ("IR_title2pubmedlink", LINK, '{"url": "https://example.org"}', "unreadable"),
        ("IR_title2pubmedlink", "Unknown", '{"url": "Unknown"}', "right"),
        ("IR_title2pubmedlink", "Unknown", f'{{"url": "{LINK}"}}', "wrong"),
        (
            "IR_pmid2title",
            TITLE,
            '{"paper_title": "Soft-tissue tumors of the hand: imaging features."}',
            "right",
        ),
        ("IR_pmid2title", TITLE, '{"paper_title": "Tumors of the hand"}', "wrong"),
        ("IR_pmid2title", TITLE, "I do not know this article.", "declined"),
        ("IR_pmid2title", TITLE, "", "unreadable"),
    ],
)
def test_an_article_that_is_recalled_unknown_or_made_up(task: str, gold: str, answer: str, kind: str) -> None:
    assert read(memory(task, gold), answer).kind == kind


def test_two_links_are_none() -> None:
    assert pmid_of(f"{LINK} and https://pubmed.ncbi.nlm.nih.gov/1") is None
    assert pmid_of("32063006") == "32063006"


@settings(deadline=None)
@given(st.text())
def test_any_answer_can_be_read(answer: str) -> None:
    for item in (nota(), fct(), fake(), memory("IR_pmid2title", TITLE), memory("IR_title2pubmedlink", LINK)):
        assert read(item, answer).kind in ("right", "wrong", "declined", "unreadable")
    fields("{" + answer + "}")
