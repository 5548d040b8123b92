"""CheXbert: the labeller's BERT and its 14 heads (Smit et al. 2020).

Of a report it gives the state of CLS before dropout and heads, whose cosine is the vector similarity of
CXR-Report-Metric and MultiMedEval, and from it the class of each condition.
"""

import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2.errors import MissingExtra, ModelError
from bimedix2.evaluate.metrics.chexbert_f1 import CONDITIONS

if TYPE_CHECKING:
    import torch

HUB, FILE = "StanfordAIMI/RRG_scorers", "chexbert.pth"
ENCODER = "bert-base-uncased"
LONGEST = 512
BATCH = 18
HEADS = "linear_heads."
WIDTHS = (*[4] * (len(CONDITIONS) - 1), 2)
"""Classes of each head."""
_SHAPE_ERRORS = (AttributeError, KeyError, RuntimeError, TypeError, ValueError)
"""What reading another file's content as a checkpoint raises."""


def whole_line(text: str) -> str:
    """A report on one line, runs of blanks as one."""
    return re.sub(r"\s+", " ", text.strip())


class CheXbert:
    """The labeller.

    Args:
        location: ``chexbert.pth`` (beside it, or on the hub, the encoder ``bert-base-uncased``), or a folder
            with a plain BERT and its tokenizer, which labels nothing; ``None`` takes the file from the model
            hub.

    Raises:
        MissingExtra: torch or transformers is not installed.
        ModelError: the weights cannot be had, or are something else.
    """

    def __init__(self, location: str | None = None) -> None:
        try:
            import transformers  # noqa: F401
        except ImportError:
            raise MissingExtra("transformers", "model") from None
        self._heads: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._headless = f"'{location}' is a plain BERT without CheXbert's heads; give {FILE} of {HUB}"
        if location is not None and Path(location).is_dir():
            self._open(location)
        else:
            path = Path(location) if location is not None else _download()
            beside = path.parent / ENCODER
            self._open(str(beside) if beside.is_dir() else ENCODER)
            self._fill(path)
        self._model.eval()

    def _open(self, encoder: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(encoder)
            self._model: Any = AutoModel.from_pretrained(encoder, dtype="float32")
        except (OSError, ValueError) as error:
            raise ModelError(
                f"CheXbert's encoder '{encoder}' cannot be loaded ({str(error).splitlines()[0]}); put the "
                f"folder {ENCODER} from the model hub beside {FILE}"
            ) from error
        if self._model.config.model_type != "bert":
            raise ModelError(f"'{encoder}' is a {self._model.config.model_type} model; CheXbert is a BERT")

    def _fill(self, path: Path) -> None:
        """Put the labeller's weights into the encoder; every one must fit, or it is another model."""
        import torch

        try:
            read = torch.load(path, map_location="cpu", weights_only=True)
            saved = {key.removeprefix("module."): value for key, value in read["model_state_dict"].items()}
        except FileNotFoundError:
            raise ModelError(f"{path} does not exist; check the path to {FILE}") from None
        except (OSError, EOFError, pickle.UnpicklingError, *_SHAPE_ERRORS) as error:
            raise ModelError(
                f"{path} is no CheXbert checkpoint ({type(error).__name__}); get {FILE} from {HUB} on the hub"
            ) from error
        weights = {
            key.removeprefix("bert."): value
            for key, value in saved.items()
            if key.startswith("bert.") and not key.endswith("position_ids")
        }
        try:
            missing, unexpected = self._model.load_state_dict(weights, strict=False)
        except RuntimeError:
            raise ModelError(f"the weights of {path} do not fit {ENCODER}; check both") from None
        lacking = [key for key in missing if not key.startswith("pooler.")]
        strange = [key for key in saved if not key.startswith(("bert.", HEADS))]
        if lacking or unexpected or strange:
            name = (*lacking, *unexpected, *strange)[0]
            raise ModelError(
                f"{path} is not CheXbert: '{name}' does not fit {ENCODER}; get {FILE} from {HUB}"
            )
        self._fill_heads(path, saved)

    def _fill_heads(self, path: Path, saved: "dict[str, torch.Tensor]") -> None:
        """Take the heads, or keep why there are none: the vector needs them not."""
        width = self._model.config.hidden_size
        wanted: dict[str, tuple[int, ...]] = {}
        wanted |= {f"{HEADS}{n}.weight": (classes, width) for n, classes in enumerate(WIDTHS)}
        wanted |= {f"{HEADS}{n}.bias": (classes,) for n, classes in enumerate(WIDTHS)}
        there = {key: tuple(value.shape) for key, value in saved.items() if key.startswith(HEADS)}
        wrong = [key for key in sorted(wanted.keys() | there.keys()) if wanted.get(key) != there.get(key)]
        if wrong:
            self._headless = (
                f"{path} has no heads of CheXbert: '{wrong[0]}' is {there.get(wrong[0], 'absent')} and "
                f"should be {wanted.get(wrong[0], 'absent')}; get {FILE} from {HUB}"
            )
            return
        self._heads = [
            (saved[f"{HEADS}{n}.weight"].float(), saved[f"{HEADS}{n}.bias"].float())
            for n in range(len(WIDTHS))
        ]

    def classes(self, vectors: "torch.Tensor") -> list[list[int]]:
        """The class of each condition, in the heads' order; the last one's is 0 or 1.

        Args:
            vectors: CLS states, ``(texts, width)``.

        Raises:
            ModelError: the weights have no heads.
        """
        import torch

        if not self._heads:
            raise ModelError(self._headless)
        each = [torch.nn.functional.linear(vectors, *head).argmax(dim=1) for head in self._heads]
        found: list[list[int]] = torch.stack(each, dim=1).tolist()
        return found

    def vectors(self, texts: Sequence[str]) -> "torch.Tensor":
        """CLS states, ``(texts, width)``, float32."""
        import torch

        found: dict[tuple[int, ...], torch.Tensor] = {}
        ids = [self._ids(text) for text in texts]
        ordered = sorted(set(ids), key=lambda row: (len(row), row))
        pad = self._tokenizer.pad_token_id
        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            width = max(len(row) for row in batch)
            padded = torch.tensor([[*row, *[pad] * (width - len(row))] for row in batch])
            mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch])
            with torch.inference_mode():
                states = self._model(input_ids=padded, attention_mask=mask).last_hidden_state[:, 0]
            found.update(zip(batch, states, strict=True))
        return torch.stack([found[row] for row in ids])

    def _ids(self, text: str) -> tuple[int, ...]:
        """CLS, tokens, SEP; a longer report keeps its first 511 ids."""
        ids = self._tokenizer(whole_line(text), verbose=False)["input_ids"]
        return tuple(ids if len(ids) <= LONGEST else [*ids[: LONGEST - 1], self._tokenizer.sep_token_id])

    def __call__(self, references: Sequence[str], hypotheses: Sequence[str]) -> list[float]:
        """Cosine of each pair."""
        return cosines(self.vectors([*references, *hypotheses]))


def cosines(vectors: "torch.Tensor") -> list[float]:
    """Cosine of each pair.

    Args:
        vectors: of all references, then of all hypotheses, ``(2 * pairs, width)``.
    """
    import torch

    right, ours = vectors.chunk(2)
    return [float(value) for value in torch.nn.functional.cosine_similarity(right, ours, dim=-1)]


def _download() -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(HUB, FILE))
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError, ValueError) as error:
        raise ModelError(
            f"{FILE} cannot be fetched from {HUB} on the model hub ({type(error).__name__}); get it there "
            "and give its path: --scorer chexbert=FILE"
        ) from error
