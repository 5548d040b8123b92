"""One wrong answer to its class: the grader's reasons where there are some, else the words compared."""

from dataclasses import dataclass

from bimedix2.evaluate.errors.classes import UNSURE, Fault, named_by, of_reason
from bimedix2.evaluate.errors.compare import compare
from bimedix2.evaluate.sheets.rows import Answer

UNTOLD = Fault("other", "differs from the reference in words that no list knows", UNSURE)


@dataclass(frozen=True)
class Judged:
    """A wrong answer, the fault that it is named by, and all that were found."""

    answer: Answer
    named: Fault
    faults: tuple[Fault, ...]


def unfit(answer: Answer) -> str | None:
    """Why an answer has no place among right and wrong ones; ``None`` where it has one."""
    if answer.right is None:
        return "is not judged right or wrong"
    if not answer.right and not answer.reference.strip() and not answer.reasons:
        return "is wrong, but has neither a reference nor a reason"
    return None


def classify(answer: Answer) -> Judged:
    """The class of a wrong answer.

    The reasons of ``evaluate.grade`` are read where an answer has them. Of answers that have none, and of
    those whose reasons name no class, the words are compared with the reference's.
    """
    faults = [of_reason(reason) for reason in answer.reasons]
    if all(fault.name in ("other", "language", "malformed") for fault in faults) and not answer.facts:
        tongue = answer.language
        told = {fault.name for fault in faults}
        compared = compare(answer.answer, answer.reference, "ar" if tongue == "ar" else "en")
        faults += [fault for fault in compared if fault.name not in told]
    named = named_by(faults) or UNTOLD
    return Judged(answer, named, tuple(faults) or (UNTOLD,))
