"""The paper's blind expert trial (A.5.1): answers sealed under labels, judged in ``review``, read here."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2.evaluate.trial.settings import Trial

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

__all__ = ["Trial", "replay", "run"]


def run(config: "Config", _: Callable[..., Any] | None = None) -> Path:
    """Seal a trial or a calibration, or read one that was judged.

    Args:
        config: the room's, with ``trial``.
        _: how a model is opened: none is, for its answers are on disk already.

    Raises:
        DataError: a file of questions, answers or judgements is wrong; it is named.
        ConfigError: the output's name tells a model.
        RunError: the key exists, or does not belong to the trial.
    """
    from bimedix2.evaluate.trial import calibration, read, seal

    assert config.trial is not None
    if config.trial.seal is not None:
        return seal.seal(config.trial.seal, config.output, config.seed)
    if config.trial.calibrate is not None:
        return calibration.seal(config.trial.calibrate, config.output, config.seed)
    assert config.trial.read is not None
    return read.read(config.trial.read, config.output, read.Plan(config.resamples, config.seed))


def replay(folder: Path, scratch: Path) -> None:
    """Compute a read trial's figures again from its own logs, into an empty folder."""
    from bimedix2.evaluate.trial import read

    read.replay(folder, scratch)
