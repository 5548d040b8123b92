"""RadFact's questions to a judge: a report to statements, and whether the other report entails each.

The steps are those of github.com/microsoft/RadFact (report to phrases, filtering of negatives, entailment of
one phrase); prompts and examples are ours (``prompts``, ``examples.yaml``), and their hash stands in the
signature. Stricter than there: the sentences that a judge copies must stand in the report, statements keep
the report's script, and evidence must be a statement of the other report. What breaks a rule is asked for
again and then counted, never dropped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

import yaml

from bimedix2 import io
from bimedix2.evaluate.mbench.prompts import Prompt, parse
from bimedix2.evaluate.metrics.radfact.scores import ENTAILED, NOT_ENTAILED, Negatives, Study
from bimedix2.llm.backend import Backend, Reply, Request, Sampling
from bimedix2.llm.structured import Accepted, Answer, Rejected, Rules, as_asked, ask_structured
from bimedix2.llm.structured import read as read_reply
from bimedix2.records import DataClass, Message
from bimedix2.text.arabic import normalise, script
from bimedix2.text.fold import fold

Step = Literal["split", "negatives", "entailment"]
STEPS: tuple[Step, ...] = ("split", "negatives", "entailment")
STUDIES: dict[Study, str] = {"cxr": "chest X-ray", "ct": "CT scan"}
MAX_TOKENS: dict[Step, int] = {"split": 2048, "negatives": 1024, "entailment": 512}
TOGETHER = 256
"""Pairs judged in one go; each reply is in the cache by itself."""
UNPARSED, REFUSED = "unparsed", "refused by the judge"


class Sentence(Answer):
    """A sentence of a report and its statements."""

    orig: str
    new: list[str]


class Split(Answer):
    """A report, sentence by sentence."""

    sentences: list[Sentence]


class Kept(Answer):
    """The statements that are no negative ones."""

    phrases: list[str]


class Verdict(Answer):
    """Whether a reference entails a statement, and by which of its own."""

    status: Literal["entailment", "not_entailment"]
    evidence: list[str]


@dataclass(frozen=True)
class Plan:
    """How reports are judged. ``before`` hears of each step's requests before they are sent."""

    study: Study
    negatives: Negatives
    tries: int
    data_class: DataClass
    before: Callable[[Sequence[Request]], object] = len


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _prompt(step: Step) -> Prompt:
    return parse(step, _read(f"prompts/{step}.md"))


@cache
def _examples() -> dict[str, dict[str, dict[str, list[dict[str, Any]]]]]:
    found: dict[str, dict[str, dict[str, list[dict[str, Any]]]]] = yaml.safe_load(_read("examples.yaml"))
    return found


@cache
def version() -> str:
    """Of all prompts and examples together, as it stands in a signature."""
    whole = "".join([*(_read(f"prompts/{step}.md") for step in STEPS), _read("examples.yaml")])
    return f"radfact@{io.sha256_bytes(whole.encode())[:8]}"


def _lines(statements: Iterable[str]) -> str:
    return "\n".join(f"- {one}" for one in statements)


_ASKED: dict[Step, Callable[[Mapping[str, Any]], dict[str, str]]] = {
    "split": lambda case: {"report": case["report"]},
    "negatives": lambda case: {"statements": _lines(case["statements"])},
    "entailment": lambda case: {"reference": _lines(case["reference"]), "statement": case["statement"]},
}
"""What a case puts into a step's prompt."""
_TOLD: dict[Step, tuple[str, ...]] = {
    "split": ("sentences",),
    "negatives": ("phrases",),
    "entailment": ("status", "evidence"),
}
"""What an example's answer is made of."""


def request(
    step: Step, case: Mapping[str, Any], language: str, study: Study, data_class: DataClass
) -> Request:
    """The judge's request for one case of a step, examples before it.

    Args:
        step: which question.
        case: what it is about.
        language: of the examples.
        study: what the reports are of.
        data_class: of the reports.
    """
    system, asked = _prompt(step).fill(study=STUDIES[study], **_ASKED[step](case))
    shown: list[Message] = []
    for example in _examples()[study][language][step]:
        _, turn = _prompt(step).fill(study=STUDIES[study], **_ASKED[step](example))
        answer = io.canonical_json({key: example[key] for key in _TOLD[step]})
        shown += [turn, Message.of("assistant", answer)]
    messages = (system, *shown, asked)
    return Request(messages, {}, Sampling(max_tokens=MAX_TOKENS[step]), data_class, prompt=version())


# What a schema cannot say


def _plain(text: str) -> str:
    """Text as copies are compared: signs, marks, case and blanks folded."""
    return " ".join(fold(text, letters=False).text.casefold().split())


def split_problem(value: Split, report: str) -> str:
    """What is wrong with a split, in words for the judge; empty if nothing is."""
    whole = _plain(report)
    if not value.sentences:
        return "'sentences' is empty; list every sentence of the report"
    for sentence in value.sentences:
        if not sentence.orig.strip() or _plain(sentence.orig) not in whole:
            return f"'orig' {sentence.orig[:60]!r} does not stand in the report; copy its words exactly"
        written = script(sentence.orig)
        for one in sentence.new:
            if not one.strip():
                return "a statement of 'new' is empty; leave it out"
            if written and script(one) not in ("", written):
                return f"the statement {one[:60]!r} is not in the language of its sentence"
    return ""


def kept_problem(value: Kept, statements: Sequence[str]) -> str:
    """What is wrong with a choice of statements."""
    given = {normalise(one) for one in statements}
    strange = [one for one in value.phrases if normalise(one) not in given]
    return f"{strange[0][:60]!r} is none of the statements; copy them exactly" if strange else ""


def verdict_problem(value: Verdict, reference: Sequence[str]) -> str:
    """What is wrong with a verdict."""
    given = {normalise(one) for one in reference}
    strange = [one for one in value.evidence if normalise(one) not in given]
    if strange:
        return f"the evidence {strange[0][:60]!r} is no statement of the reference; copy one exactly"
    if value.status == ENTAILED and not value.evidence:
        return "'evidence' is empty; an entailed statement needs at least one statement of the reference"
    return ""


def _rules(step: Step, case: Mapping[str, Any], tries: int) -> Rules[Any]:
    if step == "split":
        return Rules(Split, check=lambda value: split_problem(value, case["report"]), tries=tries)
    if step == "negatives":
        return Rules(Kept, check=lambda value: kept_problem(value, case["statements"]), tries=tries)
    return Rules(Verdict, check=lambda value: verdict_problem(value, case["reference"]), tries=tries)


# Asking

K = TypeVar("K")


@dataclass(frozen=True)
class Asked:
    """What came of one question: a value, or why there is none; ``replies``, wrong ones first."""

    value: Any
    failure: str
    replies: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"failure": self.failure, "replies": list(self.replies)}


def ask_step(
    backend: Backend, step: Step, cases: Mapping[K, tuple[Mapping[str, Any], str]], plan: Plan
) -> dict[K, Asked]:
    """Ask one step's question of every case (and its examples' language)."""
    requests = [
        request(step, case, language, plan.study, plan.data_class) for case, language in cases.values()
    ]
    rules = [_rules(step, case, plan.tries) for case, _ in cases.values()]
    plan.before([as_asked(asked, rule) for asked, rule in zip(requests, rules, strict=True)])
    found: dict[K, Asked] = {}
    for key, outcome in zip(cases, ask_structured(backend, requests, rules), strict=True):
        found[key] = _asked(outcome, plan.tries)
    return found


def _asked(outcome: Accepted[Any] | Rejected, tries: int) -> Asked:
    before = tuple(one.text for one in outcome.attempts)
    if isinstance(outcome, Rejected):
        return Asked(None, UNPARSED if len(before) >= tries else REFUSED, before)
    return Asked(outcome.value, "", (*before, outcome.reply.text))


def language_of(text: str) -> str:
    """Whose examples are shown: the script that most letters are in, English where there is none."""
    return script(text) or "en"


def _statements(value: Split) -> list[str]:
    return [one.strip() for sentence in value.sentences for one in sentence.new]


def _kept(value: Kept, statements: Sequence[str]) -> list[str]:
    """The chosen statements as they were given, in their order."""
    chosen = {normalise(one) for one in value.phrases}
    return [one for one in statements if normalise(one) in chosen]


def _sides(backend: Backend, texts: Sequence[str], plan: Plan) -> dict[str, dict[str, Any]]:
    """Report -> its side of a detail, verdicts still to come. A blank one is not asked about."""
    there = [text for text in dict.fromkeys(texts) if text.strip()]
    split = ask_step(backend, "split", {t: ({"report": t}, language_of(t)) for t in there}, plan)
    whole = {t: None if one.value is None else _statements(one.value) for t, one in split.items()}
    chosen: dict[str, Asked] = {}
    if plan.negatives == "drop":
        cases = {t: ({"statements": all_}, language_of(t)) for t, all_ in whole.items() if all_}
        chosen = ask_step(backend, "negatives", cases, plan)
    found = {text: _blank() for text in texts if not text.strip()}
    for text, statements in whole.items():
        choice = chosen.get(text)
        kept = statements
        if statements and choice is not None and choice.value is not None:
            kept = _kept(choice.value, statements)
        found[text] = {
            **_blank(),
            "blank": False,
            "split": split[text].to_json(),
            "negatives": None if choice is None else choice.to_json(),
            "unfiltered": choice is not None and choice.value is None,
            "dropped": [one for one in statements or () if one not in (kept or ())],
            "phrases": None if kept is None else [{"text": one} for one in kept],
        }
    return found


def _blank() -> dict[str, Any]:
    return {
        "blank": True,
        "split": None,
        "negatives": None,
        "unfiltered": False,
        "dropped": [],
        "phrases": [],
    }


Pair = tuple[dict[str, Any], dict[str, Any]]


def _texts(side: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(phrase["text"] for phrase in side["phrases"])


def _judge_phrases(backend: Backend, pairs: Sequence[Pair], plan: Plan) -> None:
    """Give every statement its verdict; against a report without statements none is asked, and of a pair with
    an unsplit report there is none."""
    cases: dict[tuple[tuple[str, ...], str], tuple[dict[str, Any], str]] = {}
    there = [pair for pair in pairs if all(side["phrases"] is not None for side in pair)]
    for pair in there:
        for side, other in (pair, pair[::-1]):
            reference = _texts(other)
            for text in _texts(side) if reference else ():
                case = {"reference": list(reference), "statement": text}
                cases.setdefault((reference, text), (case, language_of(text)))
    verdicts = ask_step(backend, "entailment", cases, plan)
    for pair in there:
        for side, other in (pair, pair[::-1]):
            reference = _texts(other)
            for phrase in side["phrases"]:
                if not reference:
                    phrase |= {"status": NOT_ENTAILED, "evidence": [], "judge": None}
                    continue
                one = verdicts[reference, phrase["text"]]
                status = None if one.value is None else one.value.status
                evidence = [] if one.value is None else list(one.value.evidence)
                phrase |= {"status": status, "evidence": evidence, "judge": one.to_json()}


def judge_pairs(backend: Backend, pairs: Sequence[tuple[str, str]], plan: Plan) -> list[dict[str, Any]]:
    """Judge pairs of reports, the details that ``scores`` reads.

    Args:
        backend: the judge, behind a cache if the run is to resume.
        pairs: ``(reference, candidate)``.
        plan: how.

    Raises:
        EndpointError: the judge cannot be reached; what it answered is in its cache.
        DataClassError: the reports may not be sent to its host; none was.
    """
    found = []
    for start in range(0, len(pairs), TOGETHER):
        part = pairs[start : start + TOGETHER]
        sides = _sides(backend, [text for pair in part for text in pair], plan)
        copies = [tuple(_copy(sides[text]) for text in pair) for pair in part]
        _judge_phrases(backend, [(ref, hyp) for ref, hyp in copies], plan)
        found += [{"ref": ref, "hyp": hyp} for ref, hyp in copies]
    return found


def _copy(side: Mapping[str, Any]) -> dict[str, Any]:
    """A side of one pair: the same report may stand in several, with other verdicts."""
    phrases = side["phrases"]
    return {**side, "phrases": None if phrases is None else [dict(phrase) for phrase in phrases]}


# Reading kept replies again


def _again(step: Step, case: Mapping[str, Any], kept: Mapping[str, Any] | None) -> Any:
    """The value that a kept question's last reply gives; ``None`` where it failed or was not asked."""
    if kept is None or kept["failure"]:
        return None
    value, _ = read_reply(Reply(kept["replies"][-1], "", "stop", 0, 0), _rules(step, case, 1))
    return value


def differs(detail: Mapping[str, Any], reference: str, candidate: str) -> str:
    """What of a kept detail its replies and texts do not give, in words; empty where all fits."""
    for name, text, other in (("ref", reference, "hyp"), ("hyp", candidate, "ref")):
        side = detail[name]
        if side["blank"] != (not text.strip()):
            return f"'{name}' is{'' if side['blank'] else ' not'} blank"
        if side["blank"]:
            continue
        value = _again("split", {"report": text}, side["split"])
        statements = None if value is None else _statements(value)
        if statements is not None and side["negatives"] is not None:
            choice = _again("negatives", {"statements": statements}, side["negatives"])
            statements = statements if choice is None else _kept(choice, statements)
        kept = None if side["phrases"] is None else list(_texts(side))
        if statements != kept:
            return f"the statements of '{name}'"
        against = detail[other]["phrases"]
        for phrase in (side["phrases"] or ()) if against else ():
            case = {"reference": list(_texts(detail[other])), "statement": phrase["text"]}
            verdict = _again("entailment", case, phrase["judge"])
            if (None if verdict is None else verdict.status) != phrase["status"]:
                return f"the verdict on {phrase['text']!r}"
    return ""
