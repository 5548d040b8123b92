"""One model behind an OpenAI-compatible API and a chat page, on this machine alone unless told otherwise.

Patients' words and images stay in memory: nothing is stored, and nothing of them is logged.
"""

from typing import TYPE_CHECKING

from bimedix2.errors import MissingExtra
from bimedix2.serve.settings import Config

if TYPE_CHECKING:
    from bimedix2.serve.app import OpenBackend

__all__ = ["Config", "run"]


def run(config: Config, open_backend: "OpenBackend") -> None:
    """Serve until Ctrl+C.

    Args:
        config: the settings.
        open_backend: ``open_backend(model, threads, device=...)`` returns the model; called in the worker's
            thread.

    Raises:
        ConfigError: the address, the key or the certificate cannot be had.
        ModelError: the model cannot be opened.
        MissingExtra: FastAPI or uvicorn is not installed.
    """
    try:
        from bimedix2.serve.app import Server
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "serve") from error
    server = Server(config, open_backend)
    print(f"BiMediX2 ({config.model_id}) opens at {server.address}; Ctrl+C ends it.", flush=True)
    server.run()
