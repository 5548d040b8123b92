"""Which pictures may stand in for which."""

from bimedix2.evaluate.tasks import TASKS
from bimedix2.records import Record

from .conftest import CHEST_EN, question


def _image(number: int) -> str:
    return f"{number:064x}"


def _record(number: int, modality: str, region: str, type_: str = "modality", form: str = "single") -> Record:
    made = question(
        number,
        "Q?",
        CHEST_EN,
        _image(number),
        tongue="en",
        type=type_,
        expect={"region": region} if type_ == "region" else {"modality": modality, "region": region},
    )
    return made.model_copy(update={"meta": {**made.meta, "form": form}})


def _shown(records: list[Record]) -> dict[str, set[str]]:
    """Record id -> pictures shown in place of its own, over ten seeds."""
    out: dict[str, set[str]] = {}
    for seed in range(10):
        for sample in TASKS["canary"].select(records, seed):
            out.setdefault(sample.record.id, set()).add(sample.messages[-1].images[0].image)
    return out


def test_a_mammogram_and_a_radiograph_are_not_swapped() -> None:
    records = [
        _record(1, "radiograph", "chest"),
        _record(2, "mammography", "breast"),
        _record(3, "ct", "chest"),
    ]
    shown = _shown(records)
    assert shown["seen/1"] == {_image(3)}
    assert shown["seen/2"] == {_image(3)}
    assert shown["seen/3"] == {_image(1), _image(2)}


def test_regions_are_swapped_only_where_they_share_nothing() -> None:
    region = _record(1, "ct", "chest", type_="region")
    same_picture = _record(1, "ct", "chest").model_copy(update={"id": "seen/1b"})
    others = [_record(2, "mri", "heart"), _record(3, "mri", "brain"), _record(4, "ct", "brain")]
    # The heart lies in the chest, and picture 4 is of the same modality.
    assert _shown([region, same_picture, *others])["seen/1"] == {_image(3)}


def test_only_single_questions_of_pictures_with_a_known_modality_are_swapped() -> None:
    late = _record(1, "ct", "chest", form="late")
    yes_no = _record(2, "mri", "brain", type_="is_study")
    assert _shown([late, yes_no]) == {}


def test_the_same_seed_swaps_the_same_pictures() -> None:
    records = [_record(n, m, "brain") for n, m in enumerate(["ct", "mri", "pet", "fundus", "ultrasound"])]
    one, two = (TASKS["canary"].select(records, 3) for _ in range(2))
    assert [s.messages for s in one] == [s.messages for s in two]
    assert len({s.notes["shown"] for s in one}) > 1
