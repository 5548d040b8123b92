"""``bimedix2 ask``: one question, with images or without, and its answer."""

import sys
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Option(help="A preset (see 'bimedix2 models'), or a checkpoint's folder.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="The longest answer, in tokens.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Torch threads; left out, torch chooses.")]
Device = Annotated[
    str, typer.Option(help="auto (a GPU where torch sees one), cpu, cuda or cuda:N.", metavar="NAME")
]
Safeguards = Annotated[
    bool,
    typer.Option(
        "--safeguards/--no-safeguards",
        help="Fixed answers on self-harm, emergencies and doses in the model's place.",
    ),
]


def ask(
    question: Annotated[str, typer.Argument(help="In Arabic or English.")],
    image: Annotated[
        list[Path] | None, typer.Option(help="PNG, JPEG, TIFF, DICOM or NIfTI; may be given again.")
    ] = None,
    model: Model = "nano",
    window: Annotated[
        str | None, typer.Option(help="Of a CT: lung, bone, brain, ... or centre/width, as -600/1500.")
    ] = None,
    frame: Annotated[
        int | None, typer.Option(min=0, help="Of a file with several, counted from 0; the middle one if not.")
    ] = None,
    max_tokens: MaxTokens = 256,
    threads: Threads = None,
    device: Device = "auto",
    safeguards: Safeguards = True,
) -> None:
    """Ask one question, about images or without one. Research only, no medical advice.

    The answer goes to stdout; who wrote it, and what was chosen to show the image, to stderr.

    Examples:

    bimedix2 ask "What kind of image is this?" --image scan.dcm --window lung

    bimedix2 ask "ما نوع هذه الصورة؟" --image photo.png
    """
    from bimedix2.errors import ConfigError
    from bimedix2.llm.backend import Sampling
    from bimedix2.verbs.talk import Conversation, check_question, open_image, open_model, print_answer

    check_question(question)
    if not image and (window is not None or frame is not None):
        raise ConfigError("--window and --frame belong to an image; add --image FILE")
    shown = [(path.name, open_image(path, frame, window)) for path in image or []]
    for name, opened in shown:
        for note in opened.notes:
            print(f"{name}: {note}", file=sys.stderr)
    talk = Conversation(open_model(model, threads, device), Sampling(max_tokens=max_tokens), safeguards)
    for _, opened in shown:
        talk.attach(opened)
    print_answer(talk.ask(question), max_tokens)
