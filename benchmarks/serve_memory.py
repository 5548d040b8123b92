"""Print the peak memory of `bimedix2 serve`: image turns, streams, both languages, 4 conversations at once.

    python benchmarks/serve_memory.py [model=nano] [threads=1] [tokens=48]

The figure is VmHWM of the server's process (Linux), pages of the weights' file included. The server is
started as a user starts it, and asked over its API with images of pydicom; nothing is sent to another host.
"""

import base64
import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

QUESTIONS = (
    "What kind of image is this, and which part of the body does it show?",
    "ما نوع هذه الصورة، وأي جزء من الجسم يظهر فيها؟",
)
SCANS = (
    "CT_small",
    "MR_small",
    "J2K_pixelrep_mismatch",
    "examples_ybr_color",
    "JPGExtended",
    "examples_overlay",
)
MIB = 1024


def peak(pid: int) -> float:
    """VmHWM of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / MIB


def part(scan: str) -> dict[str, Any]:
    """A scan of pydicom as a content part."""
    data = (files("pydicom") / "data" / "test_files" / f"{scan}.dcm").read_bytes()
    return {
        "type": "image_url",
        "image_url": {"url": "data:application/dicom;base64," + base64.b64encode(data).decode()},
    }


class Client:
    """Asks one server, and counts what it answered."""

    def __init__(self, address: str, model: str, tokens: int) -> None:
        self.address, self.model, self.tokens = address, model, tokens
        self.answers = self.written = 0
        self._lock = threading.Lock()

    def ask(self, messages: list[dict[str, Any]]) -> str:
        """Stream one answer."""
        body = {"model": self.model, "messages": messages, "stream": True, "max_tokens": self.tokens}
        body["stream_options"] = {"include_usage": True}
        words, count = "", 0
        with httpx.stream("POST", f"{self.address}/v1/chat/completions", json=body, timeout=600) as response:
            if response.status_code != 200:
                raise SystemExit(f"error: {response.read().decode()}")
            for line in response.iter_lines():
                if not line.startswith("data: {"):
                    continue
                event = json.loads(line.removeprefix("data: "))
                words += "".join(choice["delta"].get("content") or "" for choice in event["choices"])
                count = (event.get("usage") or {}).get("completion_tokens", count)
        with self._lock:
            self.answers += 1
            self.written += count
        return words

    def conversation(self, scans: tuple[str, ...]) -> None:
        """A question and its answer about each scan, in turns, the languages in turns too."""
        messages: list[dict[str, Any]] = []
        for number, scan in enumerate(scans):
            text = {"type": "text", "text": QUESTIONS[number % 2]}
            messages.append({"role": "user", "content": [part(scan), text]})
            messages.append({"role": "assistant", "content": self.ask(messages) or "-"})


def wait(address: str, process: subprocess.Popen[str]) -> None:
    """Wait until the model is loaded."""
    while process.poll() is None:
        try:
            if httpx.get(f"{address}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit("error: the server ended; its message stands above")


def machine() -> str:
    """Processor, cores, memory and versions."""
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    processor = f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, {total:.0f} GiB"
    return f"{processor}; Python {platform.python_version()}, {versions}"


def main() -> None:
    """Start, ask, print."""
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    model, tokens = options.get("model", "nano"), int(options.get("tokens", "48"))
    command = [sys.executable, "-m", "bimedix2", "serve", "port=0", f"model={model}"]
    command.append(f"threads={options.get('threads', '1')}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.findall(r"http://\S+(?=;)", process.stdout.readline())[0]
            wait(address, process)
            rows = [("model loaded", peak(process.pid))]
            client = Client(address, Path(model).name, tokens)
            client.conversation(SCANS)
            rows.append((f"a conversation of {len(SCANS)} image turns", peak(process.pid)))
            threads = [
                threading.Thread(target=client.conversation, args=(SCANS[n : n + 3],)) for n in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            rows.append(("4 conversations of 3 image turns at once", peak(process.pid)))
        finally:
            process.terminate()
    print(f"{machine()}\n{model}: {client.answers} streamed answers, {client.written} tokens")
    for what, size in rows:
        print(f"{size:8.0f} MiB peak after: {what}")


if __name__ == "__main__":
    main()
