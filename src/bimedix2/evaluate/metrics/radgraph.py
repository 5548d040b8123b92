"""RadGraph F1: overlap of the entities that an information extractor finds in two reports (Jain et al. 2021).

The reward is computed here, from annotations as the ``radgraph`` package gives them; the extractor is that
package's. Tokens keep their case: "Effusion" is not "effusion", as in MultiMedEval. The reward levels are
those of ``radgraph`` 0.1.18, whose ``all`` is the three of them.
"""

import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from bimedix2 import io
from bimedix2.errors import MissingExtra, ModelError
from bimedix2.model.build import cache_folder

Level = Literal["simple", "partial", "complete"]
Entities = Mapping[str, Mapping[str, Any]]
"""Number of an entity -> ``tokens``, ``label`` and ``relations`` (pairs of kind and number)."""

MODEL, REPOSITORY, ARCHIVE = "radgraph", "StanfordAIMI/RRG_scorers", "radgraph.tar.gz"
FILES = ("config.json", "weights.th", "vocabulary")
BLANK = "Invalid Response"
"""What stands for a blank report: the extractor gives nothing for one, and MultiMedEval 1.0.0 fails there."""


def facts(entities: Entities, level: Level = "partial") -> set[tuple[Any, ...]]:
    """What is compared of one report.

    ``simple``: words and label. ``partial``: also whether the entity has a relation to another. ``complete``:
    each of its relations, with the other's words; there alone, and of related entities alone, the package
    puts words in lower case.
    """
    found: set[tuple[Any, ...]] = set()
    for entity in entities.values():
        one = (entity["tokens"], entity["label"])
        relations = entity["relations"]
        if level == "simple" or not relations:
            found.add(one)
        elif level == "partial":
            found.add((*one, True))
        else:
            words = entity["tokens"].lower()
            found.update(
                (words, entity["label"], kind, entities[other]["tokens"].lower()) for kind, other in relations
            )
    return found


def related(entities: Entities) -> set[tuple[Any, ...]]:
    """Pairs of related entities, by words and label, with the kind of relation."""
    named = {number: (one["tokens"], one["label"]) for number, one in entities.items()}
    return {
        (named[number], named[other], kind)
        for number, one in entities.items()
        for kind, other in one["relations"]
    }


def f1(ours: set[tuple[Any, ...]], theirs: set[tuple[Any, ...]]) -> float:
    """F1 of two sets; 0 where they share nothing."""
    shared = len(ours & theirs)
    return 2 * shared / (len(ours) + len(theirs)) if shared else 0.0


def reward(hypothesis: Entities, reference: Entities, level: Level = "partial") -> float:
    """F1 of two reports' facts; 0 where either has none."""
    return f1(facts(hypothesis, level), facts(reference, level))


def entities_and_relations(hypothesis: Entities, reference: Entities) -> float:
    """The mean of entity and relation F1, as CXR-Report-Metric and RadEval's ``radgraph_radcliq`` take it."""
    return (reward(hypothesis, reference, "simple") + f1(related(hypothesis), related(reference))) / 2


class Extractor:
    """The ``radgraph`` package's model, version 1 (``model_type="radgraph"``).

    Args:
        location: ``radgraph.tar.gz`` or the folder of what is in it; ``None`` lets the package fetch it from
            the model hub. Its ``config.json`` names the encoder, which comes from the hub or its cache.

    Raises:
        MissingExtra: the package is not installed.
        ModelError: the weights cannot be had.
    """

    def __init__(self, location: str | None = None) -> None:
        try:
            from radgraph import RadGraph
        except ImportError:
            raise MissingExtra("radgraph", "radgraph") from None
        where = {} if location is None else {"model_cache_dir": str(_folder(Path(location)).parent)}
        try:
            self._model: Any = RadGraph(model_type=MODEL, **where)
        except Exception as error:  # the package wraps whatever the hub or the archive raises in a bare one
            raise ModelError(
                f"RadGraph cannot be opened ({' '.join(str(error).split())[:200] or 'no reason'}); get "
                f"{ARCHIVE} from {REPOSITORY} on the model hub and give its path: --scorer radgraph=FILE"
            ) from error

    def __call__(self, reports: Sequence[str]) -> list[Entities]:
        """Entities of each report; equal reports are read once."""
        texts = [report if report.strip() else BLANK for report in reports]
        different = list(dict.fromkeys(texts))
        found = self._model(different)
        by_text: dict[str, Entities] = {
            text: found.get(str(number), {}).get("entities", {}) for number, text in enumerate(different)
        }
        return [by_text[text] for text in texts]


def _folder(path: Path) -> Path:
    """A folder named ``radgraph`` with the model's files, as the package looks for it."""
    if path.is_file():
        path = _unpacked(path)
    absent = [name for name in FILES if not (path / name).exists()]
    if absent:
        raise ModelError(
            f"{path} has no {absent[0]}; give {ARCHIVE} of {REPOSITORY}, or the folder of its files"
        )
    if path.name == MODEL:
        return path
    link = cache_folder() / "radgraph" / io.sha256_bytes(str(path.resolve()).encode())[:16] / MODEL
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve(), target_is_directory=True)
    return link


def _unpacked(archive: Path) -> Path:
    """The archive's files in the cache, unpacked once."""
    target = cache_folder() / "radgraph" / io.sha256_file(archive)[:16] / MODEL
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as staging:
            whole = Path(staging) / MODEL
            with tarfile.open(archive) as files:
                files.extractall(whole, filter="data")
            whole.rename(target)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ModelError(
            f"{archive} is no archive of RadGraph ({type(error).__name__}); get {ARCHIVE} from {REPOSITORY}"
        ) from error
    return target
