"""Vision features, computed once for every variant of every training image and kept on disk.

The tower is frozen in both stages, so what it makes of a picture never changes during a run.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import track

from bimedix2 import io
from bimedix2.records.images import ImageStore
from bimedix2.train.augment import Way, variant

if TYPE_CHECKING:
    import torch

BATCH = 8
"""Pictures a pass of the tower: 8 took 0.9 of the time of 32 on a 2-core machine, whose caches they fit."""


def feature_key(image: str, number: int, way: Way = "") -> str:
    """The key of a variant's features: the image's hash, the variant's number, how freely it is varied."""
    return f"{image}#{number}{way}"


def parse_key(key: str) -> tuple[str, int, Way]:
    """What ``feature_key`` was made of."""
    image, _, rest = key.partition("#")
    number = rest.rstrip("fsw")
    way: Way = rest[len(number) :]  # type: ignore[assignment]
    return image, int(number), way


class Features:
    """Features of many image variants in one memory-mapped array of shape ``(N, n, D)``, float16.

    Args:
        folder: where the array lies, or will lie.
        keys: ``sha256#variant`` of each row, and after it how freely it is varied (``augment.Way``).
    """

    def __init__(self, folder: Path, keys: Sequence[str]) -> None:
        self.folder = folder
        self.rows = {key: row for row, key in enumerate(keys)}
        self._array: Any = None

    def make(self, model: Any, processor: Any, store: ImageStore) -> None:
        """Compute what is not on disk yet; a killed run goes on after its last whole batch."""
        keys = list(self.rows)
        if not keys:
            return
        config = model.config
        shape = (len(keys), config.image_seq_length, config.vision_config.hidden_size)
        file, note = self.folder / "features.npy", self.folder / "features.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {"keys": io.sha256_bytes("\n".join(keys).encode()), "done": 0}
        if file.exists() and note.exists() and io.read_json(note)["keys"] == state["keys"]:
            state = io.read_json(note)
            self._array = np.lib.format.open_memmap(file, mode="r+")
        else:
            self._array = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=shape)
        done = int(state["done"])
        starts = range(done, len(keys), BATCH)
        for start in track(starts, description="vision features", transient=True):
            batch = keys[start : start + BATCH]
            self._array[start : start + len(batch)] = tower_features(model, processor, store, batch)
            if (start // BATCH) % 8 == 7 or start + BATCH >= len(keys):
                self._array.flush()
                io.write_json(note, {**state, "done": start + len(batch)})

    def take(self, keys: Sequence[str]) -> "torch.Tensor":
        """Features ``(len(keys), n, D)``, float32."""
        import torch

        rows = [self.rows[key] for key in keys]
        # Converted by torch, whose memory is aligned: a matrix product of memory that numpy placed may differ
        # in the last bit from run to run.
        return torch.from_numpy(np.asarray(self._array[rows])).float()

    def statistics(self) -> "tuple[torch.Tensor, torch.Tensor]":
        """Mean and standard deviation of each of the ``D`` dimensions over all rows and tokens."""
        import torch

        count = 0
        total = square = 0.0
        for start in range(0, len(self.rows), 256):
            part = np.asarray(self._array[start : start + 256], dtype=np.float64)
            part = part.reshape(-1, part.shape[-1])
            count += len(part)
            total = total + part.sum(axis=0)
            square = square + (part**2).sum(axis=0)
        mean = np.asarray(total) / count
        deviation = np.sqrt(np.maximum(np.asarray(square) / count - mean**2, 1e-12))
        return torch.from_numpy(mean).float(), torch.from_numpy(deviation).float()


def tower_features(model: Any, processor: Any, store: ImageStore, keys: Sequence[str]) -> Any:
    """What the projector will read of each variant: ``(len(keys), n, D)``, the class token left out."""
    import torch

    from bimedix2 import imaging

    pictures = []
    for key in keys:
        image, number, way = parse_key(key)
        picture = imaging.read(store.read(image), image[:12]).image
        pictures.append(variant(picture, image, number, way))
    pixels = processor.image_processor(pictures, return_tensors="pt")["pixel_values"]
    layer = model.config.vision_feature_layer
    pixels = pixels.to(model.device)
    with torch.inference_mode():
        states = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[layer]
    return states[:, 1:].cpu().numpy()


def fold_standardisation(projector: Any, mean: "torch.Tensor", deviation: "torch.Tensor") -> None:
    """Put ``(x - mean) / deviation`` into the projector's first layer, in place.

    The tower's raw states differ by orders of magnitude between dimensions, which slows learning.
    """
    import torch

    with torch.no_grad():
        first = projector.linear_1
        first.weight.div_(deviation.to(first.weight))
        first.bias.sub_(first.weight @ mean.to(first.weight))
