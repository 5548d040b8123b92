"""``bimedix2 demo``: four questions, two in Arabic and two in English, on real scans that pydicom brings."""

import sys

from bimedix2.verbs.ask import Device, Model, Threads


def demo(model: Model = "nano", threads: Threads = None, device: Device = "auto") -> None:
    """Ask four questions, two in Arabic and two in English, on real DICOM scans that pydicom brings.

    Example: bimedix2 demo
    """
    from bimedix2.errors import MissingExtra
    from bimedix2.llm.backend import Sampling
    from bimedix2.serve.examples import example_scans, examples
    from bimedix2.serve.intake import show
    from bimedix2.verbs.talk import LIMITS, Conversation, open_model, print_answer

    asked = examples()
    if not asked:
        raise MissingExtra("pydicom", "imaging")
    backend = open_model(model, threads, device)
    for number, example in enumerate(asked, 1):
        print(f"\n[{number}] {example.caption}\n{example.text}", flush=True)
        talk = Conversation(backend, Sampling())
        talk.attach(show(example_scans()[example.image], LIMITS, example.caption))
        sys.stdout.write("    ")
        print_answer(talk.ask(example.text), talk.sampling.max_tokens)
        print(f"   (the file's own header: {_header(example_scans()[example.image])})")


def _header(scan: bytes) -> str:
    """Modality and body part as the scanner wrote them, to judge the answer by."""
    from io import BytesIO

    import pydicom

    header = pydicom.dcmread(BytesIO(scan), stop_before_pixels=True)
    return f"{header.get('Modality', '?')}, {header.get('BodyPartExamined', '?')}"
