"""Layers compute, draw and say what PyTorch's do. Expected values: make_nn_data.py."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import engine as torch
from tests.engine import nn_cases, nn_texts

DATA = Path(__file__).parent.parent / "data"
ARRAYS = np.load(DATA / "nn.npz")
STORED = json.loads((DATA / "nn.json").read_text())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", nn_cases.LAYERS)
def test_a_layer_computes_and_draws_what_pytorchs_does(case: str, dtype: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, graph, text = nn_cases.run(torch, case, dtype)
    start = f"{case}|{dtype}|"
    expected = {name[len(start) :]: ARRAYS[name] for name in ARRAYS.files if name.startswith(start)}
    assert list(got) == list(expected)
    close = 2e-5 if dtype == "float32" else 1e-10
    for name, array in expected.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_allclose(got[name], array, rtol=close, atol=close, err_msg=name)
    assert graph == STORED["graphs"][f"{case}/{dtype}"]
    assert text == STORED["reprs"][case]


@pytest.mark.parametrize("case", nn_cases.LAYERS)
def test_a_layer_starts_from_pytorchs_draws_to_the_last_bit(case: str) -> None:
    layer, inputs = nn_cases.built(torch, case)
    layer.eval()
    with torch.no_grad():
        layer(*inputs)
    for name, tensor in layer.state_dict().items():
        if "running" not in name and "num_batches" not in name:
            assert tensor.numpy().tobytes() == ARRAYS[f"{case}|float32|{name}"].tobytes(), name


@pytest.mark.parametrize("name", nn_texts.SAYS)
def test_what_is_said_is_what_pytorch_says(name: str) -> None:
    assert nn_texts.said(torch, name) == STORED["says"][name]
