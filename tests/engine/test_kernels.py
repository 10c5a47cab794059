"""Kernels: what is compiled for the CPU and written for CUDA computes what NumPy computes."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import engine as torch
from engine.kernels import (
    compiled_convolution,
    compiled_image,
    compiler,
    convolution,
    pointwise,
    pooling,
    reduction,
)
from tests.engine import kernel_cases as cases

FORMULAS = {name: (op, which, made) for name, op, which, made in cases.formulas()}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    before = os.environ.get("GRADWALK_CACHE")
    os.environ["GRADWALK_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["GRADWALK_CACHE"]
    else:
        os.environ["GRADWALK_CACHE"] = before


@cache
def cuda():
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "engine" / "kernel_cases.py")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
    )
    return json.loads(done.stdout)


def expected(op, which, arrays, names):
    """The record's own lambda on NumPy arrays."""
    given = dict(zip(names, arrays))
    settings = {p.name: p.default for p in op.signature.parameters.values()} | cases.settings_of(op)
    if which:
        wanted = next(n for covers, _, n in op.plan if covers == (which,))
        return op.grads[which](*[given[n] if n in given else settings[n] for n in wanted])
    return op.forward(*[given[p] if p in given else settings[p] for p in op.parameters])


def by_loop(made, arrays):
    """The CPU twin, run by Python line for line as numba would compile it."""
    space = {"np": np, "math": math, "njit": lambda **_: lambda fn: fn}
    exec(made.cpu("float64"), space)
    out = np.zeros(cases.COUNT, bool if made.is_truth else np.float64)
    space["run"](*arrays, out)
    return out


def test_most_pointwise_records_are_formulas():
    assert len(FORMULAS) > 200
    for name in (
        "tanh.self",
        "sigmoid.self",
        "relu.self",
        "gelu.forward",
        "gelu.self",
        "add.forward",
        "mul.other",
        "hardtanh.forward",
        "silu.self",
        "exp.forward",
        "div.other",
        "maximum.forward",
    ):
        assert name in FORMULAS, name


@pytest.mark.parametrize("name", FORMULAS)
def test_the_cpu_and_the_cuda_twin_compute_what_the_record_says(name):
    op, which, made = FORMULAS[name]
    arrays = cases.samples(op, made)
    want = np.asarray(expected(op, which, arrays, made.arrays))
    here = by_loop(made, arrays)
    np.testing.assert_allclose(here, np.broadcast_to(want, here.shape), rtol=1e-9, atol=1e-12)
    there = cuda()[name]
    if there:
        np.testing.assert_allclose(there, here, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["tanh.self", "leaky_relu.forward", "hardtanh.self", "gelu.self"])
def test_a_compiled_kernel_computes_what_its_source_says(name):
    op, which, made = FORMULAS[name]
    arrays = [a.astype(np.float32) for a in cases.samples(op, made)]
    out = np.empty(cases.COUNT, np.float32)
    compiler.load(made.cpu("float32")).run(*arrays, out)
    np.testing.assert_allclose(out, expected(op, which, arrays, made.arrays), rtol=1e-5)


def test_the_sum_has_a_twin_for_blocks_of_threads():
    out = np.zeros(1, np.float32)
    compiler.load(reduction.CPU_SUM).total(np.arange(1, 151, dtype=np.float32), out)
    assert out[0] == 150 * 151 / 2 == cuda()["sum"][0]


def test_a_kernel_is_read_from_disk_the_second_time():
    made = FORMULAS["tanh.self"][2]
    module = compiler.load(made.cpu("float32"))
    assert Path(module.__file__).parent == compiler.cache_folder()
    assert compiler.load(made.cpu("float32")) is module


def test_without_a_writable_cache_kernels_still_compile(monkeypatch, tmp_path):
    blocked = tmp_path / "a_file"
    blocked.write_text("")
    monkeypatch.setenv("GRADWALK_CACHE", str(blocked))
    source = reduction.CPU_SUM.replace("Adds a up", "Adds all of a up")
    out = np.zeros(1)
    compiler.load(source).total(np.ones(5), out)
    assert out[0] == 5


def test_large_arrays_take_the_fused_kernel_and_agree_with_numpy(monkeypatch):
    monkeypatch.setattr(pointwise, "ENOUGH", 0)
    x = torch.linspace(-2, 2, 20_000, requires_grad=True)
    y = torch.tanh(x)
    y.backward(torch.ones(20_000))
    assert any(key[0] == "tanh" and key[1] == "self" for key in pointwise._kernels)
    np.testing.assert_allclose(x.grad.numpy(), 1 - np.tanh(x.detach().numpy()) ** 2, rtol=1e-5, atol=1e-7)


SHAPES = [
    (2, 3, 9, 5, 3, 1, 1, 1),
    (2, 32, 10, 32, 3, 1, 1, 1),
    (2, 32, 12, 20, 3, 2, 1, 1),
    (2, 24, 12, 20, 3, 1, 2, 2),
    (2, 3, 20, 8, 7, 2, 3, 1),
    (2, 32, 6, 20, 1, 1, 0, 1),
    (2, 5, 12, 20, 5, 1, 2, 1),
]


@pytest.mark.parametrize("n, c, size, o, k, stride, padding, dilation", SHAPES)
def test_compiled_convolutions_agree_with_windows_and_products(
    monkeypatch, n, c, size, o, k, stride, padding, dilation
):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n, c, size, size))
    w, b = rng.standard_normal((o, c, k, k)), rng.standard_normal(o)
    settings = ((stride,) * 2, (padding,) * 2, (dilation,) * 2, 1)

    def all_three():
        y = convolution.forward(x, w, b, *settings)
        g = np.cos(np.arange(y.size)).reshape(y.shape)
        return (
            y,
            convolution.input_gradient(g, w, (size, size), *settings),
            convolution.weight_gradient(g, x, (k, k), *settings),
        )

    monkeypatch.setattr(compiled_convolution, "ENOUGH", math.inf)
    plain = all_three()
    monkeypatch.setattr(compiled_convolution, "ENOUGH", 0)
    for got, want in zip(all_three(), plain):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * np.abs(want).max())


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_compiled_max_pooling_finds_the_same_places(monkeypatch, ceil_mode):
    x = np.random.default_rng(2).standard_normal((2, 3, 11, 9))
    x[0, 0, 3, 3] = np.nan
    settings = ((3, 2), (2, 2), (1, 1), (1, 2), ceil_mode)
    monkeypatch.setattr(compiled_image, "ENOUGH", math.inf)
    plain = pooling.maximum(x, *settings)
    monkeypatch.setattr(compiled_image, "ENOUGH", 0)
    for got, want in zip(pooling.maximum(x, *settings), plain):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("training", [True, False])
def test_compiled_batch_norm_agrees_with_numpy(monkeypatch, training):
    rng = np.random.default_rng(3)
    x, g = rng.standard_normal((2, 4, 3, 6, 5))

    def once():
        t, w = (
            torch.from_numpy(x).requires_grad_(),
            torch.linspace(1, 2, 3, dtype=torch.float64).requires_grad_(),
        )
        mean, var = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
        y = torch.nn.functional.batch_norm(t, mean, var, w, None, training)
        y.backward(torch.from_numpy(g))
        return [v.detach().numpy().copy() for v in (y, mean, var, t.grad, w.grad)]

    monkeypatch.setattr(compiled_image, "ENOUGH", math.inf)
    plain = once()
    monkeypatch.setattr(compiled_image, "ENOUGH", 0)
    for got, want in zip(once(), plain):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
