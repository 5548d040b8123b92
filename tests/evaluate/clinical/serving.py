"""An endpoint on a real socket: a tiny real model behind it, log-probabilities in vLLM's format.

Fields of a conversation as in vLLM's ``chat_completion/protocol.py`` (0.15); those of completions with
``echo`` from memory, but for ``max_tokens: 0``, which vLLM's ``completion/protocol.py`` takes.
vLLM itself has not answered here.
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from bimedix2.model import checkpoint


class Brain:
    """Token ids and log-probabilities of a checkpoint, as a server has them."""

    def __init__(self, model: str) -> None:
        loaded = checkpoint.load(model)
        self._model: Any = loaded.model
        self._processor = loaded.prompter.processor
        self._tokenizer = loaded.prompter.tokenizer
        self._lock = threading.Lock()

    def ids(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer(text)["input_ids"]
        return found

    def talk(self, messages: list[dict[str, str]], body: dict[str, Any]) -> list[int]:
        text = self._processor.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=body["add_generation_prompt"],
            continue_final_message=body["continue_final_message"],
        )
        found: list[int] = self._tokenizer(text, add_special_tokens=False)[
            "input_ids"
        ]  # they are in the text
        return found

    def word(self, token: int) -> str:
        return str(self._tokenizer.decode([token]))

    def scores(self, ids: list[int]) -> list[tuple[float, int, int, float]]:
        """Of every token but the first: log-probability, rank, and the likeliest token with its own."""
        with self._lock, torch.inference_mode():
            states = self._model.model.language_model(input_ids=torch.tensor([ids])).last_hidden_state[0, :-1]
            logs = torch.log_softmax(self._model.lm_head(states).float(), dim=-1)
        out = []
        for row, token in zip(logs, ids[1:], strict=True):
            best = int(row.argmax())
            rank = int((row > row[token]).sum()) + 1
            out.append((float(row[token]), rank, best, float(row[best])))
        return out


class Server(ThreadingHTTPServer):
    """Args:
    brain: gives log-probabilities; ``None``: a server that has none.
    answer: a question's words -> what is written.
    deaf: it takes ``echo`` and does not heed it.
    fail_after: so many answers, then only errors.
    refuse: a prompt that holds these words is refused.
    """

    def __init__(
        self,
        brain: Brain | None = None,
        answer: Callable[[str], str] = lambda _: "A",
        *,
        deaf: bool = False,
        fail_after: int | None = None,
        refuse: str = "\0",
    ) -> None:
        self.brain, self.answer, self.deaf, self.fail_after, self.refuse = (
            brain,
            answer,
            deaf,
            fail_after,
            refuse,
        )
        self.bodies: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def endpoint(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        return {"base_url": url, "model": "m", "concurrency": 2, "tries": 1, "backoff": 0.01}

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        """As completions with ``echo`` and no new token."""
        assert self.brain is not None
        if self.deaf:
            tops = [{" It": -0.1}]
            logs = {"tokens": [" It"], "token_logprobs": [-0.1], "top_logprobs": tops, "text_offset": [0]}
            return {"choices": [{"index": 0, "text": " It", "logprobs": logs, "finish_reason": "length"}]}
        ids = self.brain.ids(body["prompt"])
        scores = self.brain.scores(ids)
        tops = [
            {self.brain.word(t): s[0], self.brain.word(s[2]): s[3]}
            for t, s in zip(ids[1:], scores, strict=True)
        ]
        logs = {
            "tokens": [self.brain.word(token) for token in ids],
            "token_logprobs": [None, *(one[0] for one in scores)],
            "top_logprobs": [None, *tops],
            "text_offset": [0] * len(ids),
        }
        return {
            "choices": [{"index": 0, "text": body["prompt"], "logprobs": logs, "finish_reason": "length"}]
        }

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        said = self.answer(body["messages"][-1]["content"])
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        value: dict[str, Any] = {"model": "m-1", "choices": [choice]}
        if self.brain is not None and not self.deaf and "prompt_logprobs" in body:
            ids = self.brain.talk(body["messages"], body)
            entries: list[Any] = [None]
            for token, (own, rank, best, top) in zip(ids[1:], self.brain.scores(ids), strict=True):
                entry = {str(best): {"logprob": top, "rank": 1}}
                entries.append(entry | {str(token): {"logprob": own, "rank": rank}})
            value["prompt_logprobs"] = entries
        return value


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        if server.fail_after is not None and len(server.bodies) >= server.fail_after:
            return self._say(500, {"error": {"message": "down"}})
        server.bodies.append(body)
        if server.refuse in json.dumps(body, ensure_ascii=False):
            return self._say(400, {"error": {"message": "the prompt is too long"}})
        if self.path == "/v1/chat/completions":
            return self._say(200, server.chat(body))
        if server.brain is None:
            return self._say(404, {"error": {"message": "no such path"}})
        return self._say(200, server.completion(body))

    def _say(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass
