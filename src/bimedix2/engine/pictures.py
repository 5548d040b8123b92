"""What the language model reads of a picture, made once and kept while there is room."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch

from bimedix2 import imaging
from bimedix2.errors import DataError

ROOM = 128 << 20
"""Bytes of projected pictures that are kept: 910 of nano's."""


class Pictures:
    """Pictures through the tower and the projector, by the hash of their file.

    Args:
        model: ``LlavaForConditionalGeneration``.
        processor: its ``LlavaProcessor``.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self._model = model
        self._processor = processor
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._used = 0

    def see(self, key: str, images: Mapping[str, bytes]) -> torch.Tensor:
        """Return ``(n, D)``.

        Args:
            key: the picture's hash.
            images: hash -> the file's bytes, needed where the picture is new.

        Raises:
            DataError: the picture is new and its bytes are not there.
            ImageError: the bytes are no picture.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in images:
            raise DataError(f"the request names image {key[:12]} but does not bring it; send its bytes")
        picture = imaging.read(images[key], "the image").image
        pixels = self._processor.image_processor([picture], return_tensors="pt")["pixel_values"]
        made = self._model.model.get_image_features(pixel_values=pixels.to(self._model.device))
        features: torch.Tensor = made.pooler_output[0]
        self._kept[key] = features
        self._used += features.nbytes
        while self._used > ROOM and len(self._kept) > 1:
            self._used -= self._kept.popitem(last=False)[1].nbytes
        return features
