"""Errors as OpenAI's API words them: a status, and one sentence that names the next action."""

from dataclasses import dataclass, field
from typing import Any

from bimedix2.errors import BiMediX2Error, ContextError, DataError, ImageError, MissingExtra


@dataclass
class Fault(Exception):
    """A refusal: the HTTP status, the sentence, OpenAI's code and parameter, and extra headers."""

    status: int
    message: str
    code: str = "invalid_value"
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON that OpenAI's clients read."""
        kinds = {401: "authentication_error", 429: "rate_limit_error"}
        kind = kinds.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def fault_of(error: BaseException) -> Fault:
    """Turn any failure into a refusal; what the user did not cause says nothing of its inside."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, ImageError):
        return Fault(400, str(error), "invalid_image", "messages")
    if isinstance(error, ContextError):
        return Fault(400, str(error), "context_length_exceeded", "messages")
    if isinstance(error, DataError):
        return Fault(400, str(error), "invalid_value", "messages")
    if isinstance(error, MissingExtra):
        return Fault(501, str(error), "not_installed")
    if isinstance(error, BiMediX2Error):
        return Fault(500, str(error), "server_error")
    sentence = "the server failed on this request and goes on serving; its log says where"
    return Fault(500, sentence, "server_error")
