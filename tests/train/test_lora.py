"""The adapter in one step: peft's numbers, its gradients, and the base where it is switched off."""

import copy
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from bimedix2.train.lora import fuse


class Two(torch.nn.Module):
    """A module with two linear layers, the second with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(24, 40, bias=False)
        self.second = torch.nn.Linear(40, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.second(torch.nn.functional.silu(self.first(x)))
        return out


@pytest.fixture
def pair() -> tuple[Any, Any]:
    """The same adapted module by peft and fused, its adapter no longer zero."""
    torch.manual_seed(0)
    model = Two().requires_grad_(False)
    plain = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["first", "second"]))
    for name, parameter in plain.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    fused = copy.deepcopy(plain)
    assert fuse(fused) == 1
    return plain, fused


def _run(model: Any, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    x = x.clone().requires_grad_()
    out = model(x)
    (out.float() ** 2).sum().backward()
    assert x.grad is not None
    return out.detach(), x.grad, [p.grad for p in model.parameters() if p.requires_grad]


def test_what_it_computes_is_what_peft_computes(pair: tuple[Any, Any]) -> None:
    x = torch.randn(2, 5, 24)
    (out, grad, grads), (out2, grad2, grads2) = (_run(model, x) for model in pair)
    torch.testing.assert_close(out2, out)
    torch.testing.assert_close(grad2, grad)
    assert len(grads) == 4
    for one, other in zip(grads, grads2, strict=True):
        assert one.abs().max() > 0
        torch.testing.assert_close(other, one)


def test_in_bfloat16_the_adapter_learns_in_float32(pair: tuple[Any, Any]) -> None:
    x = torch.randn(2, 5, 24)
    for model in pair:
        for name, parameter in model.named_parameters():
            if "lora_" not in name:
                parameter.data = parameter.data.bfloat16()
    (_, _, grads), (out, _, grads2) = (_run(model, x.bfloat16()) for model in pair)
    assert out.dtype is torch.bfloat16
    for one, other in zip(grads, grads2, strict=True):
        assert other.dtype is torch.float32
        assert (one - other).norm() < 0.02 * one.norm()


def test_switched_off_it_is_the_base(pair: tuple[Any, Any]) -> None:
    _, fused = pair
    x = torch.randn(3, 24)
    with fused.disable_adapter():
        off = fused(x)
    base = fused.get_base_model()
    plain = base.second.base_layer(torch.nn.functional.silu(base.first.base_layer(x)))
    assert torch.equal(off, plain)
    assert not torch.allclose(fused(x), off)
