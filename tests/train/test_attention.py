"""A packed tree gives each branch the hidden states that it has alone."""

import torch
from transformers import LlamaConfig, LlamaModel

from bimedix2.train import attention
from bimedix2.train.packing import Sample, pack, plant


def test_a_packed_row_equals_its_sequences() -> None:
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "vocab_size": 50}
    config = LlamaConfig(**shape, num_attention_heads=4, num_key_value_heads=2)
    model = LlamaModel(config).eval()
    prefix = (1, 2, 9, 9, 9)
    samples = [
        Sample("a", (*prefix, 3, 4, 5), (0,) * 5 + (1,) * 3, ("x",), 5),
        Sample("b", (*prefix, 7), (0,) * 5 + (1,), ("x",), 5),
        Sample("c", (*prefix, 6, 6, 2, 8), (0,) * 5 + (1,) * 4, ("x",), 5),
        Sample("text", (11, 12, 13), (0, 1, 1)),
    ]
    with torch.no_grad():
        alone = [model(input_ids=torch.tensor([s.ids])).last_hidden_state[0] for s in samples]
        packed = pack(plant(samples, 8), 9)
        model.set_attn_implementation(attention.register())
        row = model(
            input_ids=torch.from_numpy(packed.ids)[None],
            position_ids=torch.from_numpy(packed.positions)[None],
            packed=attention.Layout(packed.segments, torch.device("cpu")),
        ).last_hidden_state[0]
    assert torch.allclose(row[:8], alone[0], atol=1e-5)
    assert torch.allclose(row[8:9], alone[1][5:], atol=1e-5)
    assert torch.allclose(row[9:13], alone[2][5:], atol=1e-5)
    assert torch.allclose(row[13:], alone[3], atol=1e-5)
