"""Two-stage training: ``align`` (the projector alone) and ``instruct`` (LoRA and the projector)."""

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from bimedix2.config import Settings
from bimedix2.errors import DataError, ModelError
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.model.device import Device
from bimedix2.records import Language, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.train.samples import (
    Stage,
    answers_kept,
    caption_samples,
    images_needed,
    instruct_samples,
    keep_samples,
    lead_and_rest,
    picture_kind,
)

if TYPE_CHECKING:
    from bimedix2.model.checkpoint import Loaded
    from bimedix2.train.packing import Sample


class Config(Settings):
    """One stage of training."""

    input: Path
    """A finished dataset folder."""
    output: Path
    stage: Stage
    model: str = "nano"
    """A preset."""
    start: Path | None = None
    """The checkpoint to start from: the finished ``align`` folder, for ``instruct``."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Peak rate of the adapter; of the projector in ``align``."""
    projector_rate: float = Field(default=7e-4, gt=0)
    """Peak rate of the projector in ``instruct``."""
    words_rate: float = Field(default=5e-4, gt=0)
    """Peak rate of new tokens' rows; slower than the adapter's, since a row begins with its word's meaning,
    and a word that training shows rarely has nothing else."""
    alpha: float = Field(default=2.0, gt=0)
    """LoRA's alpha as a multiple of its rank; the rank is the preset's."""
    prealign_steps: int = Field(default=0, ge=0)
    """Steps of the projector's head start before ``align`` (see ``prealign.py``); 0 leaves it out."""
    anchor_weight: float = Field(default=0.0, ge=0)
    """Weight of that same loss in every step of either stage; 0 leaves it out."""
    kinds: bool = False
    """Whether that loss also tells pictures of one modality and region from those of others."""
    epochs: int = Field(default=1, ge=1)
    row_tokens: int = Field(default=1100, ge=16)
    """Tokens of a packed row."""
    accumulate: int = Field(default=1, ge=1)
    """Rows an optimiser step."""
    branches: int = Field(default=4, ge=1)
    """Questions that share one picture in a row."""
    variants: int = Field(default=6, ge=1)
    """Augmented variants of each picture, the picture itself among them."""
    patch_dropout: float = Field(default=0.0, ge=0, lt=1)
    """The largest share of a picture's tokens that is left out of a row (``packing.thin``)."""
    lead: dict[Language, Annotated[float, Field(gt=0, le=1)]] = {}
    """Language -> the share of its samples that are learned before all others. English costs a base that
    spells Arabic byte by byte less than half the tokens, and what it learns to see, it says in Arabic too."""
    keep_every: int = Field(default=0, ge=0)
    """Steps between two in which the base's text is held; 0 never."""
    keep_sources: list[str] = []
    """Sources whose text is held as the base has it (``step.Runner.keep``), instead of learned."""
    keep_weight: float = Field(default=1.0, ge=0)
    warmup: int = Field(default=8, ge=1)
    clip: float = Field(default=1.0, gt=0)
    save_every: int = Field(default=50, ge=1)
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What the frozen language model computes in; what learns is float32 always. ``bfloat16`` is the faster
    one where the processor multiplies it (AVX512-BF16, AMX, a GPU), and the slower one elsewhere."""
    device: Device = "auto"
    """``auto`` (a GPU where torch sees one), ``cpu``, ``cuda`` or ``cuda:N``."""
    threads: int | None = Field(default=None, ge=1)
    """Torch threads; ``None`` leaves torch's own choice. Losses repeat exactly at an equal count."""
    seed: int = 0

    @model_validator(mode="after")
    def _stage_fits(self) -> "Config":
        if self.stage == "instruct" and self.start is None:
            raise ValueError("stage 'instruct' needs 'start', the finished folder of 'align'")
        return self


def run(config: Config) -> Path:
    """Train one stage; the finished folder is a checkpoint with its log and loss curve."""
    read_manifest(config.input)
    inputs = {"input": config.input} | ({"start": config.start} if config.start else {})
    with RunFolder(config.output, "train", config.model_dump(mode="json"), inputs) as out:
        import torch

        if config.threads:
            torch.set_num_threads(config.threads)
        counts, extra = _train(config, out.path)
        return out.publish(counts, extra)


def _train(config: Config, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    from bimedix2.model import checkpoint
    from bimedix2.model.build import ensure_base
    from bimedix2.train import curve, loop
    from bimedix2.train.features import Features
    from bimedix2.train.prealign import CaptionWords, prealign
    from bimedix2.train.step import Runner

    loaded = checkpoint.load(f"{config.model}{checkpoint.BASE_SUFFIX}", device=config.device)
    if loaded.preset is None:
        raise ModelError(f"'{config.model}' is no preset; training starts from one")
    records = [record for record in read_records(config.input) if record.split is Split.TRAIN]
    kind_of = {record.id: picture_kind(record) for record in records}
    phases, keep = _samples(config, loaded, records)
    _check_start(config, loaded)
    samples = [sample for phase in phases for sample in phase]
    features = Features(folder / loop.STATE, images_needed(samples))
    features.make(loaded.model, loaded.processor, ImageStore(config.input / "images"))
    model, groups = _learn(config, loaded, features)
    projector = loaded.model.model.multi_modal_projector
    anchor = None
    if config.prealign_steps or config.anchor_weight:
        captions = caption_samples(records, loaded.prompter, config.variants)
        captions = [sample for sample in captions if sample.images[0] in features.rows]
        if not captions:
            raise DataError(
                f"{config.input} has no captions of the pictures that are learned; set anchor_weight=0"
            )
        kinds = [kind_of[sample.id] for sample in captions] if config.kinds else []
        words = CaptionWords(model.get_input_embeddings().weight, captions, features, config.seed, kinds)
        if config.anchor_weight:
            anchor = partial(words.loss, projector)
        if config.stage == "align" and not (folder / loop.STATE / loop.SAVED).exists():
            prealign(projector, words, config.prealign_steps)
    ids = list(kind_of)
    del records  # their words are in the samples, and training lasts
    plan = loop.Plan(
        **{name: getattr(config, name) for name in loop.Plan.__dataclass_fields__},
    )
    steps = loop.order(phases, plan, loaded.prompter.image_id)
    runner = Runner(model, features, answers_kept(keep))
    trainer = loop.Trainer(runner, groups, plan, folder, anchor)
    trainer.run(steps, loop.keep_rows(keep, plan, loaded.prompter.image_id))
    log = list(loop.read_log(folder / "log.jsonl"))
    curve.draw(log, folder / "loss.png", f"{config.model}, {config.stage}")
    checkpoint.save(model, folder, loaded.preset, config.stage, ensure_base(loaded.preset.name))
    shutil.rmtree(folder / loop.STATE)
    used = {
        "seconds": round(sum(line["seconds"] for line in log)),
        "device": loaded.model.device.type,
        "threads": torch.get_num_threads(),
        "steps": len(log),
        "tokens": sum(line["tokens"] for line in log),
    }
    return _counts(config, ids, [*samples, *keep]), {"training": used}


def _counts(config: Config, ids: list[str], samples: "list[Sample]") -> dict[str, Any]:
    """Training records in, and those that the stage learns or holds; a caption may be many samples."""
    used = {sample.id for sample in samples}
    left = sum(name not in used for name in ids)
    why = "not one picture with its caption" if config.stage == "align" else "a caption, for align"
    removed = {why: left} if left else {}
    return {"in": len(ids), "kept": len(ids) - left, "removed": removed, "samples": len(samples)}


def _check_start(config: Config, loaded: "Loaded") -> None:
    """Refuse a start that would fail after hours, or be taken for what it is not.

    Raises:
        RunError: it is half written.
        ModelError: it is no checkpoint, of another preset or base, or holds an adapter, which would be lost.
    """
    from bimedix2.model import checkpoint

    if config.start is None:
        return
    read_manifest(config.start)
    chosen = checkpoint.describe(str(config.start))[0]
    if chosen != loaded.preset:
        name = chosen.name if chosen else "a plain model"
        raise ModelError(f"{config.start} is of {name}, not of '{config.model}'; give one of its own 'align'")
    if checkpoint.read_stamp(config.start)["stage"] != "align":
        raise ModelError(
            f"{config.start} is not of 'align': its adapter would be lost; give the folder of 'align'"
        )


def _samples(
    config: Config, loaded: "Loaded", records: list[Record]
) -> "tuple[list[list[Sample]], list[Sample]]":
    """What is learned, phase after phase, and what is held."""
    held = set(config.keep_sources)
    texts = [r for r in records if r.provenance.source in held]
    records = [r for r in records if r.provenance.source not in held]
    if config.stage == "align":
        phases, keep = [caption_samples(records, loaded.prompter, config.variants)], []
    else:
        shape = (config.variants, config.branches, config.seed)
        parts = lead_and_rest(records, config.lead, config.seed)
        phases = [instruct_samples(part, loaded.prompter, *shape) for part in parts]
        keep = keep_samples(texts, loaded.prompter)
    if not any(phases):
        raise DataError(f"{config.input} has no training records for stage '{config.stage}'")
    if config.keep_every and config.stage == "instruct" and not keep:
        raise DataError(
            f"{config.input} has no training records of keep_sources {sorted(held)}; "
            "name a source that has, or set keep_every=0"
        )
    return phases, keep


def _learn(config: Config, loaded: "Loaded", features: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Say of every part whether it learns, and at which rate."""
    import torch

    from bimedix2.model import checkpoint
    from bimedix2.train import lora
    from bimedix2.train.features import fold_standardisation

    model: Any = loaded.model
    model.requires_grad_(False)
    for frozen in (model.model.language_model, model.lm_head):
        frozen.to(getattr(torch, config.dtype))
    projector = model.model.multi_modal_projector
    if config.start is None:
        fold_standardisation(projector, *features.statistics())
    else:
        checkpoint.load_projector(model, config.start)
    projector.requires_grad_(True)
    if config.stage == "align":
        return model, [{"params": list(projector.parameters()), "lr": config.learning_rate}]
    assert loaded.preset is not None
    model = checkpoint.add_adapter(model, loaded.preset, config.alpha, config.seed)
    lora.fuse(model)
    adapter = {name: one for name, one in model.named_parameters() if one.requires_grad}
    rows = [one for name, one in adapter.items() if checkpoint.ROWS in name]
    lora_weights = [one for name, one in adapter.items() if checkpoint.ROWS not in name]
    projector.requires_grad_(True)
    return model, [
        {"params": lora_weights, "lr": config.learning_rate},
        *([{"params": rows, "lr": config.words_rate}] if rows else []),
        {"params": list(projector.parameters()), "lr": config.projector_rate},
    ]
