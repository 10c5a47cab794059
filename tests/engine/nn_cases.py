"""Layers and situations that tests compare with what PyTorch stored: values, graphs, text, messages."""

from __future__ import annotations

from typing import Any

import numpy as np

LAYERS: dict[str, tuple[str, tuple, dict, list[tuple[int, ...]]]] = {
    "linear": ("Linear", (4, 3), {}, [(2, 4)]),
    "linear of 3-D": ("Linear", (4, 3), {}, [(2, 5, 4)]),
    "linear without bias": ("Linear", (4, 3), {"bias": False}, [(2, 5, 4)]),
    "bilinear": ("Bilinear", (3, 4, 2), {}, [(5, 3), (5, 4)]),
    "conv1d": ("Conv1d", (2, 3, 2), {"padding": 1}, [(2, 2, 5)]),
    "conv2d same": ("Conv2d", (2, 4, 3), {"padding": "same", "groups": 2}, [(2, 2, 5, 5)]),
    "conv2d circular": ("Conv2d", (2, 3, 3), {"padding": 1, "padding_mode": "circular"}, [(1, 2, 4, 4)]),
    "conv3d": ("Conv3d", (1, 2, 2), {"bias": False}, [(1, 1, 3, 3, 3)]),
    "transposed conv": ("ConvTranspose2d", (2, 3, 2), {"stride": 2, "output_padding": 1}, [(1, 2, 3, 3)]),
    "batch norm": ("BatchNorm2d", (3,), {}, [(2, 3, 4, 4)]),
    "batch norm without bias": ("BatchNorm1d", (3,), {"bias": False, "momentum": None}, [(4, 3)]),
    "instance norm": ("InstanceNorm1d", (3,), {"affine": True, "track_running_stats": True}, [(2, 3, 4)]),
    "layer norm": ("LayerNorm", ((3, 4),), {}, [(2, 3, 4)]),
    "group norm": ("GroupNorm", (2, 4), {}, [(2, 4, 3)]),
    "rms norm": ("RMSNorm", (4,), {}, [(2, 4)]),
    "local response norm": ("LocalResponseNorm", (2,), {}, [(2, 4, 3)]),
    "prelu": ("PReLU", (3,), {}, [(2, 3, 4)]),
    "softmax": ("Softmax", (1,), {}, [(2, 3, 4)]),
    "glu": ("GLU", (1,), {}, [(2, 4)]),
    "max pool": ("MaxPool2d", (2,), {}, [(1, 2, 4, 4)]),
    "power pool": ("LPPool1d", (2, 2), {}, [(1, 2, 4)]),
    "adaptive pool": ("AdaptiveAvgPool2d", ((2, None),), {}, [(1, 2, 4, 3)]),
    "upsample": ("Upsample", (), {"scale_factor": 2, "mode": "bilinear"}, [(1, 1, 3, 3)]),
    "pixel shuffle": ("PixelShuffle", (2,), {}, [(1, 4, 2, 2)]),
    "channel shuffle": ("ChannelShuffle", (2,), {}, [(1, 4, 2)]),
    "unfold": ("Unfold", (2,), {}, [(1, 2, 3, 3)]),
    "reflection pad": ("ReflectionPad2d", (1,), {}, [(1, 1, 3, 3)]),
    "cosine similarity": ("CosineSimilarity", (), {}, [(3, 4), (3, 4)]),
    "pairwise distance": ("PairwiseDistance", (), {}, [(3, 4), (3, 4)]),
    "rnn": ("RNN", (3, 4), {}, [(5, 2, 3)]),
    "rnn relu": ("RNN", (3, 4, 2), {"nonlinearity": "relu", "bidirectional": True}, [(4, 2, 3)]),
    "lstm": ("LSTM", (3, 4), {"batch_first": True}, [(2, 5, 3)]),
    "lstm deep": ("LSTM", (3, 4, 2), {"bidirectional": True, "bias": False}, [(5, 2, 3)]),
    "lstm projected": ("LSTM", (3, 4), {"proj_size": 2}, [(5, 2, 3)]),
    "lstm of one": ("LSTM", (3, 4), {}, [(5, 3)]),
    "gru": ("GRU", (3, 4, 2), {"batch_first": True}, [(2, 5, 3)]),
    "rnn cell": ("RNNCell", (3, 4), {}, [(2, 3)]),
    "lstm cell": ("LSTMCell", (3, 4), {}, [(2, 3)]),
    "gru cell": ("GRUCell", (3, 4), {"bias": False}, [(2, 3)]),
    "attention": ("MultiheadAttention", (8, 2), {}, [(3, 2, 8)] * 3),
    "attention with all": (
        "MultiheadAttention",
        (8, 2),
        {"kdim": 4, "vdim": 5, "add_bias_kv": True, "add_zero_attn": True, "batch_first": True},
        [(2, 3, 8), (2, 6, 4), (2, 6, 5)],
    ),
    "encoder layer": ("TransformerEncoderLayer", (8, 2, 6, 0.0), {}, [(3, 2, 8)]),
    "encoder layer norm first": (
        "TransformerEncoderLayer",
        (8, 2, 6, 0.0),
        {"norm_first": True, "activation": "gelu", "batch_first": True},
        [(3, 2, 8)],
    ),
    "decoder layer": ("TransformerDecoderLayer", (8, 2, 6, 0.0), {}, [(3, 2, 8), (4, 2, 8)]),
    "transformer": ("Transformer", (8, 2, 1, 1, 6, 0.0), {}, [(3, 2, 8), (4, 2, 8)]),
    "lazy linear": ("LazyLinear", (3,), {}, [(2, 4)]),
    "lazy conv": ("LazyConv2d", (3, 2), {}, [(1, 2, 3, 3)]),
}
"""Name -> class, its arguments, the shapes of its inputs."""


def walk(root: Any) -> list:
    """The graph from a node: every node's name and its edges, in the order of next_functions."""
    index, nodes, stack = {root: 0}, [[type(root).__name__, []]], [root]
    while stack:
        node = stack.pop()
        fresh = []
        for following, nr in node.next_functions:
            if following is not None and following not in index:
                index[following] = len(nodes)
                nodes.append([type(following).__name__, []])
                fresh.append(following)
            nodes[index[node]][1].append([None if following is None else index[following], nr])
        stack += reversed(fresh)
    return nodes


def built(torch: Any, case: str, dtype: str = "float32") -> tuple[Any, list]:
    """The layer of a case, freshly drawn, and its inputs, which require grad."""
    name, args, kwargs, shapes = LAYERS[case]
    torch.manual_seed(3)
    layer = getattr(torch.nn, name)(*args, **kwargs).to(getattr(torch, dtype))
    random = np.random.RandomState(7)
    drawn = [
        torch.tensor(random.standard_normal(shape).astype(dtype), requires_grad=True) for shape in shapes
    ]
    return layer, drawn


def flat(value: Any) -> list:
    """All tensors in a layer's result."""
    if isinstance(value, (tuple, list)):
        return [tensor for part in value for tensor in flat(part)]
    return [] if value is None else [value]


def run(torch: Any, case: str, dtype: str) -> tuple[dict[str, np.ndarray], list, str]:
    """What a layer computes (results, gradients, state), the graph it draws, and its text."""
    layer, inputs = built(torch, case, dtype)
    results = flat(layer(*inputs))
    loss = sum((part * part).sum() for part in results)
    graph = [walk(part.grad_fn) for part in results]
    loss.backward()
    arrays = {f"result {i}": part.detach().numpy() for i, part in enumerate(results)}
    arrays |= {f"input {i} grad": t.grad.numpy() for i, t in enumerate(inputs) if t.grad is not None}
    arrays |= {f"{name} grad": p.grad.numpy() for name, p in layer.named_parameters() if p.grad is not None}
    arrays |= {name: t.detach().numpy() for name, t in layer.state_dict().items()}
    return arrays, graph, repr(layer)
