"""Attention and what is built of it."""

from __future__ import annotations

import math
from typing import Any

Program = tuple[Any, list]


def attention_by_hand(torch: Any) -> Program:
    q, k, v = (torch.nn.Linear(6, 6) for _ in range(3))
    x = torch.randn(2, 4, 6)
    scores = q(x) @ k(x).transpose(-2, -1) / math.sqrt(6)
    mask = torch.tril(torch.ones(4, 4)) == 0
    weights = scores.masked_fill(mask, float("-inf")).softmax(-1)
    return (weights @ v(x)).sum(), [p for m in (q, k, v) for p in m.parameters()]


def scaled_dot_product_attention(torch: Any) -> Program:
    q, k, v = (torch.randn(1, 2, 4, 3, requires_grad=True) for _ in range(3))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v).sum(), [q, k, v]


def causal_attention(torch: Any) -> Program:
    q, k, v = (torch.randn(1, 2, 4, 3, requires_grad=True) for _ in range(3))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).sum(), [q, k, v]


def masked_attention(torch: Any) -> Program:
    q, k, v = (torch.randn(1, 2, 4, 3, requires_grad=True) for _ in range(3))
    mask = torch.ones(4, 4, dtype=torch.bool).tril()
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask).sum(), [q, k, v]


def multihead_attention(torch: Any) -> Program:
    m = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.randn(1, 3, 8)
    y, w = m(x, x, x)
    return y.sum() + w.sum(), list(m.parameters())


def multihead_attention_across(torch: Any) -> Program:
    m = torch.nn.MultiheadAttention(8, 2, kdim=5, vdim=6, dropout=0.1)
    y, _ = m(torch.randn(3, 2, 8), torch.randn(4, 2, 5), torch.randn(4, 2, 6), need_weights=False)
    return y.sum(), list(m.parameters())


def encoder_layer(torch: Any) -> Program:
    m = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return m(torch.randn(2, 3, 8)).sum(), list(m.parameters())


def encoder_of_two_layers_norm_first(torch: Any) -> Program:
    nn = torch.nn
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, activation="gelu", norm_first=True)
    m = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    return m(torch.randn(3, 2, 8), mask=mask).pow(2).mean(), list(m.parameters())


def decoder_layer(torch: Any) -> Program:
    m = torch.nn.TransformerDecoderLayer(8, 2, 16)
    return m(torch.randn(3, 1, 8), torch.randn(4, 1, 8)).sum(), list(m.parameters())


def whole_transformer(torch: Any) -> Program:
    m = torch.nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    return m(torch.randn(1, 4, 8), torch.randn(1, 3, 8)).sum(), list(m.parameters())


def small_gpt(torch: Any) -> Program:
    nn, F = torch.nn, torch.nn.functional
    tokens, places = nn.Embedding(7, 8), nn.Embedding(5, 8)
    norm, joined, out, head = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8), nn.Linear(8, 7, bias=False)
    x = tokens(torch.tensor([[1, 2, 3, 4, 5]])) + places(torch.arange(5))
    q, k, v = joined(norm(x)).split(8, dim=2)
    q, k, v = (t.view(1, 5, 2, 4).transpose(1, 2) for t in (q, k, v))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + out(y.transpose(1, 2).contiguous().view(1, 5, 8))
    loss = F.cross_entropy(head(x).view(-1, 7), torch.tensor([2, 3, 4, 5, 6]), ignore_index=-1)
    return loss, [p for m in (tokens, places, norm, joined, out, head) for p in m.parameters()]


def vision_transformer(torch: Any) -> Program:
    nn = torch.nn
    patch, cls = nn.Conv2d(1, 8, 4, 4), nn.Parameter(torch.zeros(1, 1, 8))
    place = nn.Parameter(torch.randn(1, 5, 8))
    layer, head = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), nn.Linear(8, 3)
    x = patch(torch.randn(2, 1, 8, 8)).flatten(2).transpose(1, 2)
    x = torch.cat([cls.expand(2, -1, -1), x], dim=1) + place
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)(head(layer(x)[:, 0]), torch.tensor([0, 2]))
    return loss, [cls, place, *patch.parameters(), *layer.parameters(), *head.parameters()]


def rotary_positions(torch: Any) -> Program:
    x = torch.randn(1, 4, 6, requires_grad=True)
    angle = torch.outer(torch.arange(4.0), 1.0 / 10 ** (torch.arange(0, 6, 2).float() / 6))
    turned = torch.view_as_complex(x.reshape(1, 4, 3, 2)) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).flatten(2).pow(3).sum(), [x]
