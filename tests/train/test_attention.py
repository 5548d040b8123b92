"""A packed tree gives each branch the hidden states that it has alone."""

import pytest
import torch
from transformers import LlamaConfig, LlamaModel

from bimedix2.train import attention
from bimedix2.train.packing import Sample, Segment, pack, plant


@pytest.mark.parametrize("root", [0, 9])
def test_a_packed_row_equals_its_sequences(root: int) -> None:
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "vocab_size": 50}
    config = LlamaConfig(**shape, num_attention_heads=4, num_key_value_heads=2)
    model = LlamaModel(config).eval()
    before = tuple(range(20, 20 + root))
    prefix = (*before, 1, 2, 9, 9, 9)
    size = len(prefix)
    samples = [
        Sample("a", (*prefix, 3, 4, 5), (0,) * size + (1,) * 3, ("x",), size),
        Sample("b", (*prefix, 7), (0,) * size + (1,), ("x",), size),
        Sample("c", (*prefix, 6, 6, 2, 8), (0,) * size + (1,) * 4, ("x",), size),
        Sample("text", (*before, 11, 12, 13), (0,) * root + (0, 1, 1)),
    ]
    with torch.no_grad():
        alone = [model(input_ids=torch.tensor([s.ids])).last_hidden_state[0] for s in samples]
        packed = pack(plant(samples, 8), 9)
        model.set_attn_implementation(attention.register())
        row = model(
            input_ids=torch.from_numpy(packed.ids)[None],
            position_ids=torch.from_numpy(packed.positions)[None],
            packed=attention.Layout(packed.segments, torch.device("cpu"), packed.root),
        ).last_hidden_state[0]
    assert packed.root == root
    assert torch.allclose(row[: size + 3], alone[0], atol=1e-5)
    assert torch.allclose(row[size + 3 : size + 4], alone[1][size:], atol=1e-5)
    assert torch.allclose(row[size + 4 : size + 8], alone[2][size:], atol=1e-5)
    assert torch.allclose(row[size + 8 :], alone[3][root:], atol=1e-5)


@pytest.mark.parametrize("root", [0, 7])
@pytest.mark.parametrize("scaling", [None, 0.2])
def test_plain_products_give_what_the_fused_attention_gives(
    root: int, scaling: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bfloat16, forward and backward, as near to float32 as the fused one; trees, text, grouped heads."""
    segments = (Segment(root, 20, (6, 1, 9)), Segment(root + 36, 0, (13,)), Segment(root + 49, 8, (4,)))
    length = segments[-1].end
    torch.manual_seed(0)
    parts = [torch.randn(1, heads, length, 16) for heads in (6, 2, 2)]
    grad = torch.randn(1, length, 6, 16)

    def found(dtype: torch.dtype, short: int) -> list[torch.Tensor]:
        monkeypatch.setattr(attention, "SHORT", short)
        leaves = [part.detach().to(dtype).requires_grad_() for part in parts]
        layout = attention.Layout(segments, torch.device("cpu"), root)
        out, _ = attention.attend(torch.nn.Module(), *leaves, None, scaling, packed=layout)
        out.backward(grad.to(dtype))  # type: ignore[no-untyped-call]
        return [out.detach().float(), *(leaf.grad.float() for leaf in leaves if leaf.grad is not None)]

    exact, fused, plain = found(torch.float32, 0), found(torch.bfloat16, 0), found(torch.bfloat16, 600)
    assert len(plain) == 4
    assert not torch.equal(fused[0], plain[0])  # another way was taken
    for right, one, other in zip(exact, fused, plain, strict=True):
        far = float((one - right).norm() / right.norm())
        assert float((other - right).norm() / right.norm()) < 1.5 * far + 1e-3
