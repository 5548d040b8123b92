"""Everyday pictures that ship inside Python packages, so that a model learns what is not medical.

scikit-image (``skimage/data``), scikit-learn (``sklearn/datasets/images``) and matplotlib
(``mpl-data/sample_data``) carry photographs with their own licences (listed in ``skimage/data/README.txt``
and the packages' licence files). Pictures in them that are medical (retina, microaneurysms, ihc, cell,
phantom) are left out. The packages are found, not imported.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from bimedix2.errors import MissingExtra
from bimedix2.records import ImagePart, Language, Message, Provenance, Record
from bimedix2.records.images import ImageStore

SKIMAGE = frozenset(
    {
        *("astronaut", "brick", "camera", "chelsea", "chessboard_GRAY", "chessboard_RGB", "clock_motion"),
        *("coffee", "coins", "color", "grass", "gravel", "horse", "hubble_deep_field", "logo", "moon"),
        *("motorcycle_left", "page", "rocket", "text"),
    }
)
"""Stems of the pictures in ``skimage/data`` that are plainly not medical."""

CAPTION = "A picture that is not a medical image."


def _files() -> Iterator[tuple[str, Path]]:
    for package, extra_folder, stems in (
        ("skimage", "data", SKIMAGE),
        ("sklearn", "datasets/images", {"china", "flower"}),
        ("matplotlib", "mpl-data/sample_data", {"grace_hopper"}),
    ):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise MissingExtra(package, "photos")
        folder = Path(spec.origin).parent / extra_folder
        for path in sorted(folder.iterdir()):
            if path.stem in stems and path.suffix in {".png", ".jpg", ".jpeg"}:
                yield package, path


def read(store: ImageStore) -> Iterator[Record]:
    """Yield one record a picture, ``meta.kind = "non-medical"``.

    Raises:
        MissingExtra: one of the packages is not installed.
    """
    for package, path in _files():
        image = ImagePart(image=store.add_file(path), name=path.name)
        yield Record(
            id=f"everyday/{package}/{path.name}",
            messages=(Message.of("user", image), Message.of("assistant", CAPTION)),
            language=Language.ENGLISH,
            task="caption",
            provenance=Provenance(
                source="everyday",
                source_id=f"{package}/{path.name}",
                subject=f"everyday:{path.stem}",
                licence=f"as the {package} package states for {path.name}",
                attribution=package,
            ),
            meta={"kind": "non-medical"},
        )
