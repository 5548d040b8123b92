"""What is learned: the answers' tokens, equal to what transformers computes, packed or not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from bimedix2 import imaging
from bimedix2.model import checkpoint, presets
from bimedix2.records import Message, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.train.features import Features
from bimedix2.train.packing import Sample, rows_of, thin
from bimedix2.train.samples import answers_kept, images_needed, instruct_samples
from bimedix2.train.step import Runner


class Bench:
    """The tiny model, its samples of the squares, and a runner."""

    def __init__(self, squares: Path, folder: Path) -> None:
        self.loaded = checkpoint.load("tiny-base")
        self.prompter = self.loaded.prompter
        self.store = ImageStore(squares / "images")
        self.records: dict[str, Record] = {r.id: r for r in read_records(squares)}
        records = [r for r in self.records.values() if r.provenance.source == "squares"]
        self.samples = instruct_samples(records, self.prompter, 1, 4, 0)
        features = Features(folder, images_needed(self.samples))
        features.make(self.loaded.model, self.loaded.processor, self.store)
        self.runner = Runner(self.loaded.model, features)

    def alone(self, sample: Sample) -> tuple[torch.Tensor, float]:
        """Summed cross-entropy of a sample by Llava's own forward pass on its pixels; and how many tokens."""
        plain = checkpoint.load("tiny-base")
        record = self.records[sample.id]
        pictures = [imaging.read(self.store.read(p.image), "x").image for p in record.images]
        pixels = plain.processor.image_processor(pictures, return_tensors="pt")["pixel_values"]
        ids = torch.tensor([sample.ids])
        logits = plain.model(input_ids=ids, pixel_values=pixels).logits[0]
        target = torch.tensor(sample.target).bool()[1:]
        losses = functional.cross_entropy(logits[:-1], ids[0, 1:], reduction="none")[target]
        return losses.sum(), int(target.sum())


@pytest.fixture
def bench(tiny: Any, squares: Path, tmp_path: Path) -> Iterator[Bench]:
    with torch.no_grad():
        yield Bench(squares, tmp_path / "features")


def test_targets_are_the_assistants_words_and_their_end(bench: Bench) -> None:
    tokenizer = bench.prompter.tokenizer
    for sample in bench.samples:
        learned = [token for token, mark in zip(sample.ids, sample.target, strict=True) if mark]
        answers = [m.text for m in bench.records[sample.id].messages if m.role == "assistant"]
        assert tokenizer.decode(learned) == "".join(f"{answer}<|im_end|>" for answer in answers)


def test_the_loss_is_that_of_transformers_and_packing_changes_nothing(bench: Bench) -> None:
    """Packed: two trees of two questions each, and single conversations, in one row."""
    (row,) = rows_of(bench.samples, 10**6, 4, bench.prompter.image_id)
    assert row.root
    assert any(segment.prefix for segment in row.segments)
    packed = bench.runner.answer(row)
    alone = [bench.alone(sample) for sample in bench.samples]
    weighted = sum(loss / count**0.5 for loss, count in alone)
    expected = weighted / sum(count**0.5 for _, count in alone)
    # Features are kept as float16.
    assert float(packed.loss) == pytest.approx(float(expected), rel=2e-4)
    rows = list(rows_of(bench.samples, 1, 1, bench.prompter.image_id))
    single = {row.samples[0].id: float(bench.runner.answer(row).loss) for row in rows}
    for sample, (loss, count) in zip(bench.samples, alone, strict=True):
        assert single[sample.id] == pytest.approx(float(loss) / count, rel=2e-4)


def test_what_one_branch_says_never_reaches_another(bench: Bench) -> None:
    """The first branch's states are bit for bit the same, whatever the second one says."""
    one, two = [s for s in bench.samples if s.id.startswith("red|") and s.shared][:2]
    changed = Sample(two.id, (*two.ids[:-3], 7, 8, 9), two.target, two.images, two.shared)
    losses = []
    for other in (two, changed):
        (row,) = rows_of([one, other], 10**6, 4, bench.prompter.image_id)
        states = bench.runner.hidden(row)[torch.from_numpy(row.owner) == 0]
        losses.append(states)
    assert torch.equal(losses[0], losses[1])


def test_the_picture_is_used(bench: Bench) -> None:
    red, blue = (next(s for s in bench.samples if s.id == f"{shade}|en") for shade in ("red", "blue"))
    swapped = Sample(red.id, red.ids, red.target, blue.images, red.shared)
    found = []
    for sample in (red, swapped):
        (row,) = rows_of([sample], 10**6, 4, bench.prompter.image_id)
        found.append(float(bench.runner.answer(row).loss))
    assert abs(found[0] - found[1]) > 1e-3


def test_exact_counts_whole_answers(bench: Bench) -> None:
    """Teach nothing: let the answer be what the model says anyway, then spoil one token."""
    sample = next(s for s in bench.samples if s.id == "red|en")
    start = sample.target.index(1)
    ids = list(sample.ids[:start])
    for _ in range(3):
        probe = Sample("probe", (*ids, 5), (0,) * len(ids) + (1,), sample.images, sample.shared)
        (row,) = rows_of([probe], 10**6, 1, bench.prompter.image_id)
        logits = bench.runner.llava.lm_head(bench.runner.hidden(row))
        ids.append(int(logits[-1].argmax()))
    target = (0,) * start + (1,) * 3
    for last, exact in ((ids[-1], 1), ((ids[-1] + 1) % 400, 0)):
        said = Sample("said", (*ids[:-1], last), target, sample.images, sample.shared)
        (row,) = rows_of([said], 10**6, 1, bench.prompter.image_id)
        assert bench.runner.answer(row).exact == exact


def held(bench: Bench, loss: str, text: str, answer: str) -> Sample:
    messages = (Message.of("user", text), Message.of("assistant", answer))
    encoded = bench.prompter.encode(messages)
    return Sample(text, encoded.ids, encoded.target, loss=loss)  # type: ignore[arg-type]


def test_held_text_is_measured_against_the_untrained_model_sample_by_sample(bench: Bench) -> None:
    """By hand: KL a token, of an answer also the squared error of the answers' logits against each other."""
    model: Any = checkpoint.add_adapter(checkpoint.load("tiny-base").model, presets.PRESETS["tiny"], 8.0, 0)
    base = checkpoint.load("tiny-base").model
    torch.manual_seed(1)
    for name, one in model.named_parameters():
        if "lora_B" in name:
            one.normal_(std=0.3)
    samples = [
        held(bench, "keep_answer", "Is it so?", "yes"),
        held(bench, "keep", "What are these words for?", "no more than to be held"),
        held(bench, "keep_answer", "And is this one so as well?", "no"),
    ]
    answers = answers_kept(samples)
    assert len(answers) == 2
    runner = Runner(model, bench.runner.features, answers)
    (row,) = rows_of(samples, 10**6, 1, bench.prompter.image_id)
    expected = 0.0
    for sample in samples:
        ids = torch.tensor([sample.ids])
        where = torch.tensor(sample.target).bool()[1:]
        now, was = (one(input_ids=ids).logits[0, :-1][where] for one in (model.get_base_model(), base))
        kl = functional.kl_div(now.log_softmax(-1), was.log_softmax(-1), log_target=True, reduction="none")
        expected += float(kl.sum(-1).mean())
        if sample.loss == "keep_answer":
            yes, no = (now - was)[0, list(answers)]
            expected += float(((yes - no) / 2) ** 2)
    assert expected > 1e-3
    assert float(runner.keep(row).loss) == pytest.approx(expected / 3, rel=1e-3)
    for name, one in model.named_parameters():
        if "lora_B" in name:
            one.zero_()
    assert float(runner.keep(row).loss) == pytest.approx(0, abs=1e-6)


def test_a_thinned_row_is_the_conversations_without_some_of_the_pictures_tokens(bench: Bench) -> None:
    """By hand: each conversation alone, the tokens that are left at the positions that they had."""
    samples = [
        sample for sample in bench.samples if "late" not in sample.id
    ]  # a picture stands once in the row
    (whole,) = rows_of(samples, 10**6, 4, bench.prompter.image_id)
    row = thin(whole, 0.9, (0, 1))
    lost = len(whole.ids) - len(row.ids)
    assert 0 < lost < len(whole.image_rows)
    assert (row.ids[row.image_rows] == bench.prompter.image_id).all()
    assert (thin(whole, 0.9, (0, 1)).ids == row.ids).all()
    width = len(whole.image_rows) // len(whole.images)
    llava: Any = checkpoint.load("tiny-base").model
    shown = [
        set((row.image_tokens[row.image_tokens // width == n] % width).tolist())
        for n in range(len(row.images))
    ]
    total = weights = 0.0
    for sample in row.samples:
        embeds = llava.get_input_embeddings()(torch.tensor(sample.ids)).clone()
        left, at = [], 0
        for place, token in enumerate(sample.ids):
            if token != bench.prompter.image_id:
                left.append(place)
                continue
            (image,) = sample.images
            (number,) = {n for n, key in enumerate(row.images) if key == image}
            feature = bench.runner.features.take((image,))[0, at]
            embeds[place] = llava.model.multi_modal_projector(feature[None].float())[0]
            left += [place] if at in shown[number] else []
            at += 1
        out = llava.model.language_model(
            inputs_embeds=embeds[left][None],
            position_ids=torch.tensor(left)[None],
            # Without a mask transformers takes a gap between positions for the start of another sequence.
            attention_mask=torch.ones(1, len(left), dtype=torch.long),
            use_cache=False,
        )
        logits = llava.lm_head(out.last_hidden_state[0])
        learned = [n for n, place in enumerate(left) if sample.target[place]]
        labels = torch.tensor([sample.ids[left[n]] for n in learned])
        losses = functional.cross_entropy(logits[[n - 1 for n in learned]], labels, reduction="sum")
        total += float(losses) / len(learned) ** 0.5
        weights += len(learned) ** 0.5
    assert float(bench.runner.answer(row).loss) == pytest.approx(total / weights, rel=2e-4)
