"""What a person says of one item of a trial: the best answer, several that are tied, scores, or nothing."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bimedix2.errors import DataError
from bimedix2.review.judgement import LONGEST, plain
from bimedix2.review.trial.items import Item

Said = Literal["best", "tie", "abstain", "scored"]


class Choice(BaseModel):
    """A person's choice of an item, or scores of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    choice: Said
    labels: tuple[str, ...] = ()
    """The best one; of a tie those that are equally good, and better than the rest; of an abstention none."""
    scores: dict[str, str] = {}
    """Scale -> value, of an item that has scales: all of them."""
    notes: Annotated[str, Field(max_length=LONGEST)] = ""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """How long the item was in view, as the page measured it."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; ``scores`` where there are any."""
        return self.model_dump(mode="json", exclude=None if self.scores else {"scores"})


def parse(value: Any, item: Item) -> Choice:
    """Check a choice from outside against the item that it is of.

    Raises:
        DataError: a field is wrong, a label is none of the item's, or there are too few or too many.
    """
    try:
        chosen = Choice.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "choice"
        raise DataError(f"'{field}': {first['msg']}; choose again") from None
    _check_scores(chosen, item)
    unknown = [label for label in chosen.labels if label not in item.labels]
    if unknown:
        raise DataError(f"there is no answer '{unknown[0]:.10}' to this item; reload the page")
    if len(set(chosen.labels)) < len(chosen.labels):
        raise DataError("an answer is chosen twice; choose again")
    if chosen.choice == "best" and len(chosen.labels) != 1:
        raise DataError("the best answer is one; choose one, or say that there is a tie")
    if chosen.choice == "tie" and len(chosen.labels) < 2:
        raise DataError("a tie is of at least two answers; choose them, or the one that is best")
    if chosen.choice in ("abstain", "scored") and chosen.labels:
        raise DataError("who abstains, or gives scores, chooses no answer; choose again")
    labels = tuple(label for label in item.labels if label in chosen.labels)
    return chosen.model_copy(update={"labels": labels, "notes": plain(chosen.notes).strip()})


def _check_scores(chosen: Choice, item: Item) -> None:
    """Refuse scores that are not one value of each of the item's scales.

    Raises:
        DataError: a scale has no value or a wrong one, or scores are given where none are asked for.
    """
    asked = bool(item.scales)
    if chosen.choice != "abstain" and asked != (chosen.choice == "scored"):
        said = "asks for scores" if asked else "asks for the best answer"
        raise DataError(f"this item {said}; reload the page")
    values = {scale.id: scale.values for scale in item.scales} if chosen.choice == "scored" else {}
    if strange := sorted(chosen.scores.keys() - values.keys()):
        raise DataError(f"no score '{strange[0]:.40}' is asked for; reload the page")
    if missing := [key for key in values if key not in chosen.scores]:
        raise DataError(
            f"{len(missing)} of {len(values)} scores are missing; give them all, or say that you cannot judge"
        )
    for key, value in chosen.scores.items():
        if value not in values[key]:
            raise DataError(f"'{value:.20}' is no value of '{key}' ({', '.join(values[key])}); choose again")
