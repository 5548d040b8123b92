"""vLLM in bulk through Ray Data: engines of one's own, started for a call and ended with it.

Ray Data hands the engines their work, keeps them full, and starts one again that died. The prompt is written
here, by the chat template that lies with the weights, and reaches the engine as token ids: Ray's own stages
would tokenise a rendered template once more with special tokens, and Llama 3 would begin twice.
Names and columns as in Ray 2.60 (``ray.data.llm``) and vLLM's ``SamplingParams``.
"""

import importlib.util
import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from bimedix2 import imaging
from bimedix2.errors import (
    DataClassError,
    EndpointError,
    MissingExtra,
    ModelError,
    NotServedError,
    RefusedError,
)
from bimedix2.llm.backend import UNWATCHED, Loglikelihood, Reply, Request, Watch, all_answered
from bimedix2.llm.endpoint import LOCAL, PROTECTED, Endpoint
from bimedix2.llm.ray_folder import end_all, ray_folder
from bimedix2.llm.wire import picture_of
from bimedix2.records import ImagePart, Message

NEEDED = ("ray", "aiohttp", "vllm", "transformers")
"""Packages without which nothing starts."""
SAMPLED = ("max_tokens", "temperature", "top_p", "seed", "stop")
TEMPLATE = "chat_template_kwargs"
"""A key of ``body`` that is the chat template's and not the sampler's, as vLLM's server has it."""
ERROR = "__inference_error__"
"""Ray's column of what went wrong with one row."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "VLLM_NO_USAGE_STATS": "1"}
"""Variables of the engines' processes: neither project is told what runs here."""
_ONE = threading.Lock()
"""Ray is one of a process, and so is the GPU memory that two calls would both want."""


class Bulked:
    """A ``WatchedBackend`` whose every call starts its engines, a minute or more, and answers as they do.

    Args:
        endpoint: the model, and how its engines run.

    Raises:
        MissingExtra: Ray or vLLM is not installed.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        for package in NEEDED:
            if importlib.util.find_spec(package) is None:
                raise MissingExtra(package, "bulk")
        self.endpoint = endpoint
        self._writer: _Writer | None = None

    @property
    def name(self) -> str:
        """Model and host."""
        return self.endpoint.name

    @property
    def identity(self) -> str:
        """Hash of the model, its ``version``, and the settings of engine and sampler."""
        return self.endpoint.identity

    def close(self) -> None:
        """Nothing is left to close between two calls."""

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request.

        Raises:
            RefusedError: one was refused, after all others were answered.
            EndpointError: the engines do not start, or end.
            DataClassError: one may not be sent to that cluster; nothing was.
            DataError: an image is not there, or is another one.
            ModelError: there is no such model, or its chat template does not take the conversation.
        """
        return all_answered(self.attempt(requests, UNWATCHED))

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """Refuse: ``vllm serve`` gives log-probabilities of prompts."""
        return all_answered(self.score(pairs, UNWATCHED))

    def score(
        self,
        pairs: Sequence[tuple[Request, str]],  # noqa: ARG002
        watch: Watch,  # noqa: ARG002
    ) -> list[Loglikelihood | RefusedError]:
        """Refuse: ``vllm serve`` gives log-probabilities of prompts."""
        raise NotServedError("bulk gives no likelihoods; start 'vllm serve' and name it in base_url for them")

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with errors in the places of refused requests."""
        for request in requests:
            self.endpoint.allow(request.data_class)
        self._writer = self._writer or _Writer(self.endpoint)
        outcomes: dict[int, Reply | RefusedError] = {}

        def answered(number: int, outcome: Reply | RefusedError) -> None:
            outcomes[number] = outcome
            watch.answered(number, outcome)

        rows: list[dict[str, Any]] = []
        for number, request in enumerate(requests):
            watch.sending(number)
            row = self._writer.row(number, request)
            if isinstance(row, RefusedError):
                answered(number, row)
            else:
                rows.append(row)
        if rows:
            for number, outcome in self._run(rows, requests):
                answered(number, outcome)
        lost = len(requests) - len(outcomes)
        if lost:
            raise EndpointError(
                f"Ray returned no answer to {lost} of {len(requests)} requests; the others are kept, "
                "start the run again"
            )
        return [outcomes[number] for number in range(len(requests))]

    def _run(
        self, rows: list[dict[str, Any]], requests: Sequence[Request]
    ) -> Iterator[tuple[int, Reply | RefusedError]]:
        """Yield each row's number and outcome as soon as its batch is done."""
        quiet = any(request.data_class in PROTECTED for request in requests)
        with _ONE, _session(self.endpoint) as ray:
            _check_nodes(ray, self.endpoint, requests)
            _check_resources(ray, self.endpoint)
            batches = -(-len(rows) // self.endpoint.bulk_rows)
            try:
                dataset = ray.data.from_items(rows, override_num_blocks=batches)
                for row in processor_of(self.endpoint)(dataset).iter_rows():
                    number = int(row["number"])
                    yield number, self._outcome(row, requests[number])
            except (ray.exceptions.RayError, OSError, ValueError, RuntimeError, ImportError) as error:
                # Whatever vLLM raises at its start comes as itself; its words may hold a row.
                words = "" if quiet else f": {_line(_last(str(error)))}"
                raise EndpointError(
                    f"the engines of {self.name} ended ({type(error).__name__}{words}); answers that came "
                    "before are kept, start the run again when that is corrected"
                ) from None

    def _outcome(self, row: Mapping[str, Any], request: Request) -> Reply | RefusedError:
        error = row.get(ERROR)
        if error:
            said = "" if request.data_class in PROTECTED else f" ({_line(str(error))})"
            return RefusedError(f"{self.name} refused a request{said}; look at that record")
        prompt, completion = int(row["num_input_tokens"]), int(row["num_generated_tokens"])
        # Ray leaves vLLM's finish_reason out. An answer that ends by itself at the very limit counts as cut.
        cut = completion >= request.sampling.max_tokens
        cut = cut or prompt + completion >= self.endpoint.bulk_engine["max_model_len"]
        return Reply(str(row["generated_text"]), self.name, "length" if cut else "stop", prompt, completion)


class _Writer:
    """Writes conversations as the model's tokens."""

    def __init__(self, endpoint: Endpoint) -> None:
        from transformers import AutoProcessor

        self.endpoint = endpoint
        engine = endpoint.bulk_engine
        source = engine.get("tokenizer", endpoint.model)
        try:
            self._processor: Any = AutoProcessor.from_pretrained(
                source,
                revision=engine.get("tokenizer_revision", engine.get("revision")),
                trust_remote_code=bool(engine.get("trust_remote_code", False)),
            )
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{source} has no tokenizer that can be read ({_line(str(error))}); set 'model' to a "
                "folder of weights or their name on the model hub"
            ) from None
        self._tokenizer: Any = getattr(self._processor, "tokenizer", self._processor)
        self._sees = hasattr(self._processor, "image_processor")

    def row(self, number: int, request: Request) -> dict[str, Any] | RefusedError:
        """Return what Ray carries of a request, or a refusal of one that is too long."""
        pictures = [
            picture_of(part, request.images) for message in request.messages for part in message.images
        ]
        if pictures and not self._sees:
            raise ModelError(
                f"{self.endpoint.model} takes no images; ask it about text, or name another model"
            )
        ids = self._ids(request.messages)
        most = self.endpoint.bulk_engine["max_model_len"]
        if len(ids) >= most:
            return RefusedError(
                f"{self.endpoint.name} refused a request ({len(ids)} tokens, and max_model_len is {most}); "
                "shorten that record or raise max_model_len"
            )
        return {
            "number": number,
            "ids": ids,
            "pictures": pictures,
            "sampling": json.dumps(  # not a struct of Arrow's: see Whole
                sampling_of(self.endpoint, request)
            ),
        }

    def _ids(self, messages: Sequence[Message]) -> list[int]:
        from jinja2 import TemplateError

        conversation = [
            {"role": message.role, "content": _parts(message) if self._sees else message.text}
            for message in messages
        ]
        try:
            text = self._processor.apply_chat_template(
                conversation,
                tokenize=False,
                add_generation_prompt=True,
                **(self.endpoint.body.get(TEMPLATE) or {}),
            )
        except (TemplateError, ValueError) as error:
            raise ModelError(
                f"the chat template of {self.endpoint.model} takes no such conversation "
                f"({_line(str(error))}); put another chat_template.jinja beside the weights"
            ) from None
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _parts(message: Message) -> list[dict[str, str]]:
    """A message's parts as templates of models with images read them."""
    return [
        {"type": "image"} if isinstance(part, ImagePart) else {"type": "text", "text": part.text}
        for part in message.content
    ]


def sampling_of(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """Return the arguments of vLLM's ``SamplingParams``."""
    sampling = request.sampling
    values: dict[str, Any] = {name: getattr(sampling, name) for name in SAMPLED}
    values["stop"] = list(sampling.stop)
    schema = request.schema if endpoint.send_schema else ""
    if schema:
        values["structured_outputs"] = {"json": schema}
    more = {name: value for name, value in endpoint.body.items() if name != TEMPLATE}
    return {name: value for name, value in (values | more).items() if value is not None}


class Whole:
    """What Arrow cannot hold: its row is pickled then, and arrives as it was.

    Arrow would give every row the union of all keys, and of a seed beside none make a float, on which vLLM
    hangs.
    """


def engine_row(row: dict[str, Any]) -> dict[str, Any]:
    """Make the engine's columns of what Ray carries; runs in Ray's workers, many at once."""
    from PIL import Image

    pictures: list[Image.Image] = []
    for data in row["pictures"]:
        pictures.append(imaging.read(bytes(data), "an image of a request").image)
    return {
        "tokenized_prompt": [int(one) for one in row["ids"]],
        "sampling_params": json.loads(row["sampling"]),
        "multimodal_data": {"image": pictures} if pictures else None,
        "ids": [],
        "pictures": [],
        ERROR: "",  # Ray takes an absent one for an error where another row has one
        "whole": Whole(),
    }


def answer_row(row: dict[str, Any]) -> dict[str, Any]:
    """Keep what an outcome needs."""
    kept = ("number", "generated_text", "num_input_tokens", "num_generated_tokens")
    return {name: row[name] for name in kept}


def processor_of(endpoint: Endpoint) -> Any:
    """Return Ray's processor: a dataset of rows to a dataset of answers."""
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    placement = {"bundle_per_worker": endpoint.bulk_resources} if endpoint.bulk_resources else None
    config = vLLMEngineProcessorConfig(
        model_source=endpoint.model,
        engine_kwargs=dict(endpoint.bulk_engine),
        batch_size=endpoint.bulk_rows,
        concurrency=(endpoint.bulk_engines, endpoint.bulk_engines),
        placement_group_config=placement,
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        should_continue_on_error=True,
        log_engine_metrics=False,
    )
    return build_processor(config, preprocess=engine_row, postprocess=answer_row)


# Ray itself


@contextmanager
def _session(endpoint: Endpoint) -> Iterator[Any]:
    """Start Ray on this machine, or join a cluster; leave nothing behind.

    Ray listens on every address of the machine, whatever it is told; from 2.60 on its ports ask for a token.
    """
    import ray
    import ray.data

    if ray.is_initialized():
        raise EndpointError("Ray runs in this process already; call ray.shutdown() before a bulk call")
    here = endpoint.bulk_address == LOCAL
    os.environ.update(QUIET)
    logging.getLogger("ray").setLevel(logging.ERROR)
    with ray_folder() if here else nullcontext("") as folder:
        local: dict[str, Any] = {"include_dashboard": False, "_temp_dir": folder}
        try:
            _start(ray, endpoint, local if here else {})
            logging.getLogger("ray.data").setLevel(logging.ERROR)
            context = ray.data.DataContext.get_current()
            context.enable_progress_bars = False
            context.execution_options.preserve_order = False
            yield ray
        except (ConnectionError, TimeoutError) as error:
            raise EndpointError(
                f"no Ray cluster answers at {endpoint.bulk_address} ({_line(str(error))}); check bulk_address"
            ) from None
        finally:
            ray.shutdown()


def _start(ray: Any, endpoint: Endpoint, more: dict[str, Any]) -> None:
    try:
        ray.init(address=endpoint.bulk_address, log_to_driver=False, logging_level=logging.ERROR, **more)
    except Exception as error:
        if not (type(error) is Exception or isinstance(error, ray.exceptions.RayError)):
            raise
        # What does not start in time Ray says with an exception of no kind, and leaves what did start.
        if "_temp_dir" in more:
            end_all(Path(more["_temp_dir"]))
        raise EndpointError(
            f"Ray did not start at {endpoint.bulk_address} ({_line(str(error))}); see that the machine has "
            "time for it, and start the run again"
        ) from None


def _check_nodes(ray: Any, endpoint: Endpoint, requests: Sequence[Request]) -> None:
    """Let protected records go to a cluster only if every machine of it is listed."""
    if endpoint.bulk_address == LOCAL:
        return
    for node in ray.nodes():
        if node["Alive"]:
            one = endpoint.model_copy(update={"bulk_address": f"{node['NodeManagerAddress']}:0"})
            for data_class in {request.data_class for request in requests}:
                try:
                    one.allow(data_class)
                except DataClassError as error:
                    raise DataClassError(f"a machine of the cluster: {error}") from None


def _check_resources(ray: Any, endpoint: Endpoint) -> None:
    """Say at once what Ray would wait for without end; a cluster may grow."""
    engine = endpoint.bulk_engine
    workers = engine.get("tensor_parallel_size", 1) * engine.get("pipeline_parallel_size", 1)
    workers *= endpoint.bulk_engines
    there = ray.cluster_resources()
    for name, each in (endpoint.bulk_resources or {"GPU": 1}).items():
        if endpoint.bulk_address == LOCAL and there.get(name, 0) < each * workers:
            raise EndpointError(
                f"the engines need {each * workers:g} {name} and this machine has "
                f"{there.get(name, 0):g}; lower bulk_engines or tensor_parallel_size, or set bulk_resources"
            )


def _last(words: str) -> str:
    """The end of an error that brings its traceback: what raised it says why."""
    return " ".join([line for line in words.splitlines() if line.strip()][-3:])


def _line(words: str) -> str:
    """The first words of somebody else's error."""
    return " ".join(words.split())[:200].rstrip(".;: ")
