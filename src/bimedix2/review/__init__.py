"""The one room that collects human judgement: of translated pairs, blind and twice, and in blind trials.

A live room: ``open`` imports a finished folder, ``serve`` runs the pages on a database that is working state,
``close`` writes an immutable folder with the corrected records, or the choices, the report and the whole log.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bimedix2.errors import MissingExtra
from bimedix2.review.settings import Config

__all__ = ["VERBS", "Config", "close_batch", "open_batch", "serve_batch"]


def open_batch(config: Config) -> str:
    """Import a finished folder into the store; return what to tell.

    Raises:
        RunError: the input is no finished folder (of a trial: no sealed one), or the store holds a batch.
        DataError: there is nothing to review.
        MissingExtra: SQLAlchemy or the driver is not installed.
    """
    try:
        if config.kind == "trial":
            from bimedix2.review.trial.batch import open_trial as begin
        else:
            from bimedix2.review.opening import open_batch as begin
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "review") from error
    return begin(config)


def serve_batch(config: Config) -> None:
    """Run the pages until Ctrl+C.

    Raises:
        ConfigError: the store, the address or the certificate cannot be had.
        RunError: there is no batch, or another recipe opened it.
        MissingExtra: SQLAlchemy, FastAPI or uvicorn is not installed.
    """
    try:
        from bimedix2.review.app import Server
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "review") from error
    server = Server(config)
    with suppress(KeyboardInterrupt):  # also one that comes before the server listens for it
        print(server.told(), flush=True)
        server.run()


def close_batch(config: Config) -> Path:
    """Close the batch and write its immutable folder.

    Raises:
        RunError: pairs are without a verdict, items without their judgements, or the output exists.
        MissingExtra: SQLAlchemy, scipy or matplotlib is not installed.
    """
    try:
        if config.kind == "trial":
            from bimedix2.review.trial.batch import close_trial as end
        else:
            from bimedix2.review.closing import close_batch as end
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "review") from error
    return end(config)


VERBS: dict[str, Callable[[Config], object]] = {
    "open": open_batch,
    "serve": serve_batch,
    "close": close_batch,
}
