"""The engine room: tasks written out for lm-evaluation-harness, and one call of it.

The harness reads local files alone: each task is written with its files' absolute paths, and nothing of it
looks at the network. The written tasks stay in the finished folder, so that ``lm-eval`` can be run on them.
"""

import json
import logging
import os
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bimedix2 import io
from bimedix2.errors import DataError, MissingExtra
from bimedix2.evaluate.clinical import layout
from bimedix2.evaluate.clinical.catalogue import Task, groups, prompt_of

VERSION = "0.4.13"
"""Of the harness: prompts and metrics are its own, and another version may change them."""
LOCAL = {"dataset_path": "json", "dataset_name": None, "training_split": None, "validation_split": None}


@dataclass(frozen=True)
class Ask:
    """How the tasks are put to a model."""

    chat: bool
    """Through the checkpoint's chat template, or as plain text."""
    fewshot: int
    limit: int | None
    seed: int


@contextmanager
def quiet() -> Iterator[None]:
    """The harness and what it imports warn of things that a user of this package cannot change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def require() -> Path:
    """The folder of the harness's own tasks; from here on no dataset is looked for on the network.

    Raises:
        MissingExtra: the harness is not installed, or in another version.
    """
    os.environ["HF_DATASETS_OFFLINE"] = "1"
    os.environ.setdefault("TQDM_DISABLE", "1")  # this package has its own progress display
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from importlib import metadata

    try:
        found = metadata.version("lm-eval")
    except metadata.PackageNotFoundError:
        raise MissingExtra("lm-eval", "clinical") from None
    if found != VERSION:
        raise MissingExtra(f"lm-eval {VERSION} (this is {found})", "clinical")
    with quiet():
        import lm_eval
    return Path(str(lm_eval.__file__)).parent / "tasks"


def write(folder: Path, chosen: Sequence[Task], found: dict[str, Path], few: bool, cache: Path) -> list[str]:
    """Write the tasks' settings, and those of every group that is whole; return the groups.

    Args:
        folder: where to.
        chosen: the tasks.
        found: file name -> path of the data.
        few: examples are shown, from the split ``dev``.
        cache: where the harness may keep its tables.
    """
    theirs = require()
    for task in chosen:
        files = {split: str(found[name].resolve()) for split, name in task.files.items() if name in found}
        own = {"include": str(theirs / task.harness)} if task.harness else prompt_of(task)
        data = {"data_files": files, "cache_dir": str(cache.resolve())}
        if not few:
            own |= {"fewshot_split": None, "fewshot_config": None}
        settings = {**own, **LOCAL, "task": task.name, "test_split": "test", "dataset_kwargs": data}
        io.write_text(folder / f"{task.name}.yaml", yaml.safe_dump(settings, allow_unicode=True))
    names = {task.name for task in chosen}
    whole = [name for name, members in groups().items() if names.issuperset(members)]
    for name in whole:
        settings = {
            "group": name,
            "task": list(groups()[name]),
            "aggregate_metric_list": [{"metric": "acc", "aggregation": "mean", "weight_by_size": False}],
            "metadata": {"version": 1.0},
        }
        io.write_text(folder / f"{name}.yaml", yaml.safe_dump(settings))
    return whole


def _some(task: Task, found: dict[str, Path], ask: Ask) -> list[int] | None:
    """Which questions a limit leaves, by the seed: of a twin the same rows as of its original."""
    total = sum(1 for _ in io.read_jsonl(found[task.files["test"]]))
    if ask.limit is None or ask.limit >= total:
        return None
    return sorted(random.Random(f"{ask.seed}:limit:{task.twin or task.name}").sample(range(total), ask.limit))


def check(chosen: Sequence[Task], found: dict[str, Path]) -> None:
    """Read every question once, so that a broken file is known before a model is loaded.

    Raises:
        DataError: a file holds no question, or a line that is none.
    """
    for task in chosen:
        path = found[task.files["test"]]
        count = 0
        for number, row in io.read_jsonl(path):
            count += 1
            layout.check(row, layout.of(task.files["test"]), f"{path} line {number}")
        if not count:
            raise DataError(f"{path} holds no question; convert its benchmark again")


def hash_of(setups: Any) -> str:
    """Hash of tasks' settings; functions stand there as their source."""
    return io.sha256_bytes(json.dumps(setups, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))


def evaluate(lm: Any, folder: Path, chosen: Sequence[Task], found: dict[str, Path], ask: Ask) -> Any:
    """What the harness found: its results and every sample.

    Args:
        lm: a model of the harness.
        folder: of written tasks.
        chosen: the tasks.
        found: file name -> path of the data.
        ask: how.
    """
    some = {task.name: kept for task in chosen if (kept := _some(task, found, ask)) is not None}
    names = {task.name for task in chosen}
    whole = [name for name, members in groups().items() if names.issuperset(members)]
    inside = {member for name in whole for member in groups()[name]}
    with quiet():
        import datasets
        from lm_eval import simple_evaluate
        from lm_eval.tasks import TaskManager

        datasets.disable_progress_bars()
        return simple_evaluate(
            model=lm,
            tasks=[*whole, *(name for name in names if name not in inside)],
            num_fewshot=ask.fewshot,
            task_manager=TaskManager(verbosity="ERROR", include_path=str(folder), include_defaults=False),
            apply_chat_template=ask.chat,
            samples=some or None,
            bootstrap_iters=0,
            log_samples=True,
            random_seed=ask.seed,
            numpy_random_seed=ask.seed,
            torch_random_seed=ask.seed,
            fewshot_random_seed=ask.seed,
        )
