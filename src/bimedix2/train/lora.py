"""LoRA in one step each way, instead of peft's chain of casts and products.

peft computes ``W x`` in the frozen weight's type and ``scale * B(A(x))`` in float32, with a copy of ``x`` in
float32 for every one of 210 small modules. Here both are one autograd function in the type of ``x``; the
adapter's own weights, their gradients and the optimiser stay float32. In float32 the numbers are peft's to
rounding.
"""

from functools import partial
from typing import Any

import torch


class _Adapted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, a: Any, b: Any, scale: float) -> Any:
        flat = x.reshape(-1, x.shape[-1])
        a, b = a.to(x.dtype), (b * scale).to(x.dtype)
        low = flat @ a.T
        out = (flat @ weight.T).addmm_(low, b.T)
        ctx.save_for_backward(flat, weight, a, b, low)
        ctx.scale = scale
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        flat, weight, a, b, low = ctx.saved_tensors
        shape = grad.shape
        grad = grad.reshape(-1, shape[-1])
        grad_low = grad @ b
        grad_x = (grad @ weight).addmm_(grad_low, a).view(*shape[:-1], -1)
        grad_a = (grad_low.T @ flat).float()
        grad_b = (grad.T @ low).float() * ctx.scale
        return grad_x, None, grad_a, grad_b, None


def _forward(module: Any, x: torch.Tensor) -> torch.Tensor:
    if module.disable_adapters:
        out: torch.Tensor = module.base_layer(x)
        return out
    (name,) = module.active_adapters
    a, b = module.lora_A[name].weight, module.lora_B[name].weight
    adapted: torch.Tensor = _Adapted.apply(  # type: ignore[no-untyped-call]
        x, module.base_layer.weight, a, b, module.scaling[name]
    )
    return adapted


def fuse(model: Any) -> int:
    """Let the adapter's modules compute in one step, in place; return how many do.

    One that peft would compute otherwise (bias, dropout, a variant of LoRA, merged weights) is left to it.

    Args:
        model: peft's wrapper, whose adapter has float32 weights.
    """
    from peft.tuners.lora import Linear

    fused = 0
    for module in model.modules():
        if not isinstance(module, Linear) or module.merged or module.base_layer.bias is not None:
            continue
        (name,) = module.active_adapters
        dropped = not isinstance(module.lora_dropout[name], torch.nn.Identity)
        if dropped or module.use_dora[name] or module.lora_bias[name] or module.fan_in_fan_out:
            continue
        module.forward = partial(_forward, module)
        fused += 1
    return fused
