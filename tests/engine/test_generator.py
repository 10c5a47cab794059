"""The random stream is PyTorch's, bit for bit. Expected values: make_random_data.py."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.core import draw
from engine.core.box_muller import _by_arrays
from engine.core.fused import fused_multiply_add
from engine.core.generator import Generator
from tests.engine.random_cases import CASES, SEEDS, parts

STORED = np.load(Path(__file__).parent.parent / "data" / "random_stream.npz")


@pytest.mark.parametrize("name", CASES)
def test_a_seed_gives_the_very_numbers_of_pytorch(name: str) -> None:
    for seed in SEEDS:
        engine.manual_seed(seed)
        for part, tensor in enumerate(parts(CASES[name](engine))):
            expected, got = STORED[f"{name}/{seed}/{part}"], np.ascontiguousarray(tensor.detach()._array())
            if got.nbytes > 4000:
                assert zlib.crc32(got.tobytes()) == expected
            else:
                assert got.dtype == expected.dtype
                assert got.shape == expected.shape
                assert got.tobytes() == np.ascontiguousarray(expected).tobytes()


def test_a_saved_state_brings_the_stream_back() -> None:
    engine.manual_seed(3)
    engine.randn(3)
    state = engine.get_rng_state()
    first = [engine.randn(5), engine.rand(700), engine.randperm(9)]
    engine.set_rng_state(state)
    again = [engine.randn(5), engine.rand(700), engine.randperm(9)]
    assert all((a._array() == b._array()).all() for a, b in zip(first, again))


def test_a_clone_goes_its_own_way_from_the_same_place() -> None:
    one = Generator().manual_seed(9)
    one.words(1000)
    two = one.clone_state()
    assert (one.words(50) == two.words(50)).all()
    one.words(1)
    assert (one.words(50) != two.words(50)).any()


def test_fork_rng_leaves_the_stream_as_it_was() -> None:
    engine.manual_seed(5)
    expected = engine.rand(4)._array().copy()
    engine.manual_seed(5)
    with engine.random.fork_rng():
        engine.rand(100)
    assert (engine.rand(4)._array() == expected).all()


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_a_seed_of_more_than_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        engine.manual_seed(seed)


def test_a_negative_seed_counts_back_from_two_to_the_64() -> None:
    engine.manual_seed(-5)
    assert engine.initial_seed() == 2**64 - 5


def test_a_state_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(RuntimeError, match="size 5056"):
        Generator().load_state_bytes(np.zeros(3, np.uint8))


def test_the_compiled_twin_gives_the_same_normals() -> None:
    from engine.core.box_muller_kernel import fill

    words = Generator().manual_seed(1).words(1 << 16)
    words[:16] = [0, 0xFFFFFF, 1, 0x800000, 0x4AFB0D, 2, 3, 0xFFFFFE] * 2
    one, two = np.empty(words.size, np.float32), np.empty(words.size, np.float32)
    for mean, std in ((0.0, 1.0), (0.3, 1.7)):
        scale: Any = np.float32(std)
        fill(words, np.float32(mean), scale, one)  # type: ignore[arg-type]
        _by_arrays(words, np.float32(mean), scale, two)
        assert one.tobytes() == two.tobytes()


def test_a_fused_multiply_add_rounds_once() -> None:
    from fractions import Fraction

    numbers = np.random.default_rng(0)
    a, b, c = (numbers.standard_normal(300) * 10.0 ** numbers.integers(-3, 3, 300) for _ in range(3))
    got = fused_multiply_add(a, b, c)
    exact = [float(Fraction(x) * Fraction(y) + Fraction(z)) for x, y, z in zip(a, b, c)]
    assert got.tolist() == exact


def test_a_fused_multiply_add_of_floats_rounds_once_where_a_double_is_halfway() -> None:
    # 1 + 2**-24 lies between two floats; the product lifts it by less than a double resolves.
    a, b = np.float32([1 + 2.0**-23, 1.0]), np.float32(2.0**-24)
    low = np.float32(2.0**-77)
    got = fused_multiply_add(np.float32([low, -low]), np.float32(1), np.array([1 + 2.0**-24, 1 + 2.0**-24]))
    assert got.tolist() == [1 + 2.0**-23, 1.0]
    assert fused_multiply_add(a, b, np.float32(1)).tolist() == [1 + 2.0**-23, 1.0]


def test_values_are_stored_in_order_of_memory() -> None:
    base = np.zeros((2, 3))
    draw.store(base.T, np.arange(6.0))
    assert base.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_importing_the_engine_does_not_load_numba() -> None:
    code = "import sys, engine; engine.rand(3); engine.randn(100); sys.exit('numba' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == 0


def test_a_sample_passes_no_gradient() -> None:
    x = (engine.arange(1, 3) / 4).requires_grad_()
    y = engine.bernoulli(x)
    assert type(y.grad_fn).__name__ == "BernoulliBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_dropout_scales_the_gradient_by_its_own_mask() -> None:
    engine.manual_seed(0)
    x = engine.ones(40, requires_grad=True)
    y = engine.nn.functional.dropout(x, 0.4, True)
    assert type(y.grad_fn).__name__ == "MulBackward0"
    y.sum().backward()
    assert (x.grad._array() == y.detach()._array()).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: t.normal_(0, -1), "normal expects std >= 0.0, but found std -1"),
        (
            lambda t: t.uniform_(2, 1),
            r"uniform_ expects to return a \[from, to\) range, but found from=2 > to=1",
        ),
        (lambda t: t.exponential_(0), "exponential_ expects lambda > 0.0, but found lambda=0"),
        (lambda t: t.geometric_(1.5), r"geometric_ expects p to be in \(0, 1\), but got p=1.5"),
        (lambda t: t.random_(5, 3), "random_ expects 'from' to be less than 'to', but got from=5 >= to=3"),
        (lambda t: t.bernoulli_(2), r"bernoulli_ expects p to be in \[0, 1\], but got p=2"),
    ],
)
def test_a_parameter_out_of_range_is_refused_in_pytorchs_words(call, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        call(engine.zeros(3))
