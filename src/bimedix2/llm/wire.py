"""The OpenAI chat format: a request to JSON, and JSON to a reply. Knows nothing about HTTP."""

import base64
import io as memory
from collections.abc import Mapping
from typing import Any

from bimedix2 import imaging, io
from bimedix2.errors import DataError, RefusedError
from bimedix2.llm.backend import Reply, Request
from bimedix2.llm.budget import Tokens
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.http import Again
from bimedix2.records import ImagePart, Message, Part

SHOWN = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""What is sent as it is. Everything else becomes PNG, which also leaves a DICOM header behind."""


def body_of(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """Return the JSON body of a chat request.

    Raises:
        DataError: an image is not there, or is another one.
        ImageError: an image cannot be opened.
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [message_of(message, request.images) for message in request.messages],
        endpoint.limit_name: sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if request.schema and endpoint.send_schema:
        answer = {"name": "answer", "strict": True, "schema": io.parse_json(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": answer}
    return {name: value for name, value in (body | endpoint.body).items() if value is not None}


def message_of(message: Message, images: Mapping[str, bytes]) -> dict[str, Any]:
    """Return one message: a plain text where it is one, else its parts."""
    if not message.images:
        return {"role": message.role, "content": message.text}
    return {"role": message.role, "content": [_part(part, images) for part in message.content]}


def _part(part: Part, images: Mapping[str, bytes]) -> dict[str, Any]:
    if not isinstance(part, ImagePart):
        return {"type": "text", "text": part.text}
    data = picture_of(part, images)
    kind = next((kind for magic, kind in SHOWN.items() if data.startswith(magic)), "")
    if not kind:
        buffer = memory.BytesIO()
        imaging.read(data, "the image").image.save(buffer, "PNG")
        kind, data = "image/png", buffer.getvalue()
    url = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": url}}


def picture_of(part: ImagePart, images: Mapping[str, bytes]) -> bytes:
    """Return the image file that a part names.

    Raises:
        DataError: it is not there, or is another one.
    """
    data = images.get(part.image)
    if data is None:
        raise DataError(f"the request names image {part.image[:12]} but does not bring it; send its bytes")
    if io.sha256_bytes(data) != part.image:
        raise DataError(f"the bytes sent as image {part.image[:12]} are another file's; read it again")
    return data


def value_of(data: bytes) -> dict[str, Any]:
    """Parse an answer that must be a JSON object.

    Raises:
        Again: it is none, so it was cut or broken on the way.
    """
    try:
        value = io.parse_json(data.decode("utf-8"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Again("the answer is no JSON object", sent=True)
    return value


def reply_of(endpoint: Endpoint, value: Mapping[str, Any], bound: Tokens) -> Reply:
    """Read a chat completion.

    Args:
        endpoint: whose it is.
        value: the JSON object.
        bound: the tokens that stand in the reply where the endpoint does not count.

    Raises:
        Again: it is no chat completion.
        RefusedError: the model or a filter declined to answer.
    """
    try:
        choice = value["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        if isinstance(text, list):
            text = "".join(part.get("text", "") for part in text)
        declined = message.get("refusal") or choice.get("finish_reason") == "content_filter"
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Again("the answer holds no message", sent=True) from None
    if declined:
        raise RefusedError(f"{endpoint.host} declined to answer a request; look at that record")
    if not isinstance(text, str):
        raise Again("the answer's message is no text", sent=True)
    prompt, completion = usage_of(value, bound)
    model = value.get("model")
    by = f"{model}@{endpoint.host}" if isinstance(model, str) and model else endpoint.name
    guard = value.get("safeguard")  # of `bimedix2 serve`: a rule answered in the model's place
    if isinstance(guard, dict):
        by += f", safeguard {guard.get('rule')}"
    return Reply(
        text=text,
        model=by,
        finish="length" if choice.get("finish_reason") in ("length", "max_tokens") else "stop",
        prompt_tokens=prompt,
        completion_tokens=completion,
    )


def usage_of(value: Mapping[str, Any], bound: Tokens) -> tuple[int, int]:
    """Prompt and completion tokens of an answer; the most that they can be where the endpoint gives none."""
    usage = value.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    found = []
    for name, most in (("prompt_tokens", bound.most), ("completion_tokens", bound.answer)):
        count = counts.get(name)
        found.append(count if isinstance(count, int) and count >= 0 else most)
    return found[0], found[1]
