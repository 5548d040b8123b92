"""What a person says of one item of a trial: the best answer, several that are tied, or nothing."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bimedix2.errors import DataError
from bimedix2.review.judgement import LONGEST, plain
from bimedix2.review.trial.items import Item


class Choice(BaseModel):
    """A person's choice of an item."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    choice: Literal["best", "tie", "abstain"]
    labels: tuple[str, ...] = ()
    """The best one; of a tie those that are equally good, and better than the rest; of an abstention none."""
    notes: Annotated[str, Field(max_length=LONGEST)] = ""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """How long the item was in view, as the page measured it."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.model_dump(mode="json")


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
    unknown = [label for label in chosen.labels if label not in item.labels]
    if unknown:
        raise DataError(f"there is no answer '{unknown[0]:.10}' to this item; reload the page")
    if len(set(chosen.labels)) < len(chosen.labels):
        raise DataError("an answer is chosen twice; choose again")
    if chosen.choice == "best" and len(chosen.labels) != 1:
        raise DataError("the best answer is one; choose one, or say that there is a tie")
    if chosen.choice == "tie" and len(chosen.labels) < 2:
        raise DataError("a tie is of at least two answers; choose them, or the one that is best")
    if chosen.choice == "abstain" and chosen.labels:
        raise DataError("who abstains chooses no answer; choose again")
    labels = tuple(label for label in item.labels if label in chosen.labels)
    return chosen.model_copy(update={"labels": labels, "notes": plain(chosen.notes).strip()})
