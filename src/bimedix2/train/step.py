"""One packed row through the model: loss at the answer's positions, and the share of exact answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from bimedix2.train.attention import Layout, register
from bimedix2.train.features import Features
from bimedix2.train.packing import Array, Packed


@dataclass(frozen=True)
class Result:
    """Of one row: the loss to learn from, and what the log says."""

    loss: torch.Tensor
    samples: int
    exact: int
    """Samples whose every answer token is the most likely one, the earlier ones given."""
    tokens: int


class Runner:
    """Runs packed rows through a Llava model, with or without an adapter.

    Args:
        model: ``LlavaForConditionalGeneration``, or peft's wrapper of one.
        features: of the images in the rows.
        answers: the tokens that the held answers begin with (``samples.answers_kept``).
    """

    def __init__(self, model: Any, features: Features, answers: Sequence[int] = ()) -> None:
        self.outer = model
        self.llava = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.language = self.llava.model.language_model
        self.features = features
        self.answers = list(answers)
        self.device = self.llava.device
        self.language.config._attn_implementation = register()

    def _put(self, numbers: Array) -> torch.Tensor:
        return torch.from_numpy(numbers).to(self.device)

    def states(self, row: Packed) -> torch.Tensor:
        """Last hidden states of a row: ``(T, D)``."""
        ids = self._put(row.ids)
        embeds = self.language.embed_tokens(ids)
        if row.images:
            seen = self.features.take(row.images).to(self.device).flatten(0, 1)
            projected = self.llava.model.multi_modal_projector(seen[self._put(row.image_tokens)])
            where = self._put(row.image_rows)
            embeds = embeds.index_put((where,), projected.to(embeds.dtype))
        states: torch.Tensor = self.language(
            inputs_embeds=embeds[None],
            position_ids=self._put(row.positions)[None],
            use_cache=False,
            packed=Layout(row.segments, embeds.device, row.root),
        ).last_hidden_state[0]
        return states

    def hidden(self, row: Packed) -> torch.Tensor:
        """Last hidden states at the rows that predict a learned token: ``(A, D)``."""
        return self.states(row)[self._put(row.predict)]

    def logits(self, row: Packed) -> torch.Tensor:
        """Logits of the learned tokens, float32 whatever the model computes in: ``(A, V)``."""
        logits: torch.Tensor = self.llava.lm_head(self.hidden(row)).float()
        return logits

    def answer(self, row: Packed) -> Result:
        """Cross-entropy at the answers' tokens, each weighted by 1 / sqrt(its answer's length).

        So a long Arabic answer, spelled byte by byte, counts more than a short one, but not by its length.
        """
        logits = self.logits(row)
        labels, owner = self._put(row.labels), self._put(row.owner)
        lengths = np.bincount(row.owner, minlength=len(row.samples))
        weight = self._put(lengths[row.owner]).float().rsqrt()
        losses = functional.cross_entropy(logits, labels, reduction="none")
        missed = torch.zeros(len(row.samples), device=self.device).index_add_(
            0, owner, (logits.detach().argmax(-1) != labels).float()
        )
        loss = (losses * weight).sum() / weight.sum()
        return Result(loss, len(row.samples), int((missed == 0).sum()), len(row.ids))

    def keep(self, row: Packed) -> Result:
        """How far this model is from the untrained one on a row of text, the mean over its samples.

        Of each sample the mean KL divergence (nats a token). Of an answer also the squared error of what the
        answers weigh against each other (their logits less their mean): a divergence hardly feels that an
        answer of a hundredth has become one of a thousandth, and that is what says whether another question
        is answered with no.
        """
        with torch.no_grad(), self.outer.disable_adapter():
            base = self.logits(row)
        now = self.logits(row)
        owner = self._put(row.owner)
        logs = now.log_softmax(-1), base.log_softmax(-1)
        drift = functional.kl_div(*logs, log_target=True, reduction="none")
        lengths = self._put(np.bincount(row.owner, minlength=len(row.samples)))
        loss = (drift.sum(-1) / lengths[owner]).sum()
        first = [
            int(np.argmax(row.owner == number))
            for number, sample in enumerate(row.samples)
            if sample.loss == "keep_answer"
        ]
        if first and len(self.answers) > 1:
            gap = (now - base)[first][:, self.answers]
            loss = loss + (gap - gap.mean(-1, keepdim=True)).square().mean(-1).sum()
        return Result(loss / len(row.samples), len(row.samples), 0, len(row.ids))
