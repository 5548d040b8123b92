"""A benchmark of six questions on three pictures in the published layout, invented, and a judge by rule.

Layout (field names, pretty-printed English stream, Arabic JSON Lines, translated type, English context): as
published with BiMed-MBench; no row of it is here.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.text.arabic import script

FLAGS = ("chest_xray", "mri", "ct_scan", "histology", "gross")
ENGLISH = [
    ("What kind of picture is this?", "This is an invented radiograph of a chest with a round nodule."),
    ("Where is the nodule?", "The nodule is in the upper lobe on the left side."),
    ("Describe the following picture in detail.", "An invented slide with purple nuclei in rows of glands."),
    ("Which stain was used?", "Haematoxylin and eosin colour the slide pink and purple."),
    ("What does the arrow show?", "The arrow shows an invented bright lesion of the brainstem."),
    ("Which plane is it?", "It is the sagittal plane through the middle of the head."),
]
ARABIC = [
    ("ما نوع هذه الصورة؟", "هذه صورة أشعة سينية مخترعة للصدر تُظهر عقيدة مستديرة."),
    ("أين تقع العقيدة؟", "تقع العقيدة في الفص العلوي من الجهة اليسرى."),
    ("صف الصورة التالية بالتفصيل.", "شريحة نسيجية مخترعة تظهر فيها نوى بنفسجية في صفوف من الغدد."),
    ("ما الصبغة المستخدمة؟", "تلوّن صبغة الهيماتوكسيلين والإيوزين الشريحة بالوردي والبنفسجي."),
    ("إلى ماذا يشير السهم؟", "يشير السهم إلى آفة ساطعة مخترعة في جذع الدماغ."),
    ("ما مستوى الصورة؟", "إنه المستوى السهمي المار بمنتصف الرأس."),
]
TRUE = [
    ("chest_xray",),
    ("chest_xray", "ct_scan"),
    ("histology", "gross"),
    ("histology",),
    ("mri",),
    ("mri",),
]
MENTION = {"tokens": "Figure 1 shows it .", "entities": [{"type": "figure", "entity_id": "1"}]}


def rows(language: str) -> list[dict[str, Any]]:
    """Six rows: 0 and 1, 2 and 3, 4 and 5 share a picture; 2 is a description; 5 has no mention."""
    found = []
    for number, (question, answer) in enumerate(ENGLISH if language == "en" else ARABIC):
        mentions = [] if number == 5 else [MENTION]
        if language == "ar" and number not in (4, 5):
            mentions = [{**MENTION, "tokens": "يظهر ذلك في الشكل 1 ."}]
        found.append(
            {
                "question_id": number,
                "image": f"invented_{number // 2}.jpg",
                "pair_id": f"invented_{number // 2}",
                "text": question + ("\n<image>" if language == "en" else ""),
                "gpt4_answer": answer,
                "fig_caption": "An invented figure." if language == "en" else "شكل مخترع.",
                "in_text_mention": mentions,
                "domain": {flag: flag in TRUE[number] for flag in FLAGS},
                "type": "detailed_description" if number == 2 else "conversation",
                "fig_label": "Figure 1" if language == "en" else "الشكل 1",
                "qid": number,
                "in_text_mention_tokens": "",
            }
        )
    if language == "ar":
        found[2]["type"] = "وصف تفصيلي"
    return found


def write_stream(path: Path, values: Sequence[Any]) -> Path:
    """Pretty-printed objects, one after the other."""
    path.write_text("\n".join(json.dumps(v, indent=4, ensure_ascii=False) for v in values), encoding="utf-8")
    return path


def write_lines(path: Path, values: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values), encoding="utf-8")
    return path


@pytest.fixture
def english_file(tmp_path: Path) -> Path:
    return write_stream(tmp_path / "en.jsonl", rows("en"))


@pytest.fixture
def arabic_file(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "ar.jsonl", rows("ar"))


REFERENCES = dict([*ENGLISH, *ARABIC])


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def likeness(answer: str, reference: str) -> float:
    """Share of the reference's words in the answer, 0 in another language."""
    if script(answer) != script(reference):
        return 0.0
    return len(_words(answer) & _words(reference)) / len(_words(reference))


class Judge:
    """Scores by words in common; what it answers instead can be set by the test.

    ``say`` gets the prompt's text and the request and may return a reply; ``None`` leaves it to the rule.
    """

    def __init__(self, say: Callable[[str, Request], str | None] | None = None, name: str = "rule@1") -> None:
        self.say = say
        self._name = name
        self.requests: list[Request] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def identity(self) -> str:
        return f"identity of {self._name}"

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        found = []
        for request in requests:
            self.requests.append(request)
            text = request.messages[-1].text
            said = self.say(text, request) if self.say else None
            found.append(Reply(said if said is not None else self._rule(request), self.name, "stop", 9, 9))
        return found

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise AssertionError("a judge is not asked for likelihoods")

    def _rule(self, request: Request) -> str:
        text = request.messages[1].text
        if request.prompt.startswith("geval"):
            return self._form(text)
        if request.prompt.startswith("facts"):
            return json.dumps({"facts": ["The first thing that the reference states.", "The second thing."]})
        if request.prompt.startswith("rubric"):
            return self._marks(text)
        first, second = (re.search(rf"\[Assistant {n}\]\n(.*?)\n\n\[End", text, re.S) for n in (1, 2))
        assert first
        assert second
        question = text.split("[Question]\n")[1].split("\n")[0]
        scores = [1 + 9 * likeness(part[1], REFERENCES[question]) for part in (first, second)]
        return f"{scores[0]:.1f} {scores[1]:.1f}\nBecause of the words."

    def _form(self, text: str) -> str:
        reference, answer = text.split("Reference answer: ")[1].split("\n")[0], text.split("\nAnswer: ")[1]
        answer = answer.split("\n\nForm")[0]
        if text.startswith("A user") and "Dimension: language" in text:
            return "5" if script(answer) == script(reference) else "1"
        return str(round(1 + 4 * likeness(answer, reference)))

    def _marks(self, text: str) -> str:
        question = text.split(" asked: ")[1].split("\n")[0]
        answer = text.split("\nAnswer:\n")[1].split("\n\n1. For each")[0]
        good = likeness(answer, REFERENCES[question]) > 0.5
        here = script(answer) in ("", script(REFERENCES[question]))
        claims = (
            []
            if answer == "(no answer)"
            else [{"claim": "it", "verdict": "supported" if good else "unknown"}]
        )
        marks = ["present" if good else "absent"] * 2
        return json.dumps({"facts": marks, "claims": claims, "in_language": here, "harmful": False})


@pytest.fixture
def judge_type() -> type[Judge]:
    """The judge by rule, for tests that change what it says."""
    return Judge
