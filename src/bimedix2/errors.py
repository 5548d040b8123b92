"""Every error that a user can cause, each one sentence that names the thing and the next action.

BiMediX2Error            base; the command line prints it and exits with 2
+- ConfigError           a recipe or an override is wrong
+- DataError             a record, a row or a file of data is wrong
|  +- ImageError         an image cannot be opened, or must not be
+- RunError              a run folder is missing, half written or already finished
+- ModelError            weights, presets or checkpoints
|  +- ContextError       a conversation is longer than the model's context
+- EndpointError         a language model's endpoint cannot be reached, or gives no usable answer
|  +- RefusedError       it refused this one request; others may be answered
|  +- NotServedError     it has no such path, model or log-probabilities; another way of asking may do
+- BudgetError           the next request could cost more than is left of the budget
+- DataClassError        a record may not be sent to that host
+- MissingExtra          an optional dependency is absent; carries the exact pip install
"""

import traceback


class BiMediX2Error(Exception):
    """Base of every error whose message is meant for a user."""


class ConfigError(BiMediX2Error):
    """A recipe, a key or an override is wrong."""


class DataError(BiMediX2Error):
    """A record, a row or a data file is wrong."""


class ImageError(DataError):
    """An image cannot be opened, or must not be."""


class RunError(BiMediX2Error):
    """A run folder is missing, half written, locked, or already finished."""


class ModelError(BiMediX2Error):
    """Weights, presets or checkpoints cannot be had or do not fit."""


class ContextError(ModelError):
    """A conversation does not fit in the model's context."""


class EndpointError(BiMediX2Error):
    """A language model's endpoint cannot be reached, refuses everything, or gives no usable answer."""


class RefusedError(EndpointError):
    """An endpoint refused one request for what is in it; another request may be answered."""


class NotServedError(EndpointError):
    """An endpoint does not have what is asked for: a path, a model, or log-probabilities of prompts."""


class BudgetError(BiMediX2Error):
    """The next request could cost more than is left of the budget."""


class DataClassError(BiMediX2Error):
    """A record of this data class may not be sent to that host."""


class MissingExtra(BiMediX2Error):
    """An optional dependency is not installed.

    Args:
        package: the import that failed, for example ``pydicom``.
        extra: the extra of this package that brings it, for example ``imaging``.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'bimedix2[{extra}]'")
        self.package = package
        self.extra = extra


def where(error: BaseException) -> str:
    """Say what failed and in which lines, without the message: it could hold a patient's words."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames[-6:]))
    return f"{type(error).__name__} at {lines or 'an unknown place'}"
