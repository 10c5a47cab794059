"""What is drawn from the stream in test_generator.py: each case is a function of a torch-like module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SEEDS = (0, 42, -5, 123456789012)


def _like(T: Any, *values: float) -> Any:
    return T.tensor([float(v) for v in values])


def _after(T: Any, *draws: Callable) -> list:
    return [draw() for draw in draws]


CASES: dict[str, Callable[[Any], Any]] = {
    "state bytes at the start": lambda T: T.get_rng_state(),
    "state bytes after an odd normal": lambda T: (T.randn(3), T.get_rng_state())[1],
    "state bytes after 624 words": lambda T: (T.rand(624), T.get_rng_state())[1],
    "uniform between bounds, one rounding": lambda T: T.empty(33).uniform_(-2, 5),
    "uniform doubles between bounds": lambda T: T.empty(33, dtype=T.float64).uniform_(0.1, 0.3),
    "uniform never reaches the upper end": lambda T: T.empty(400, dtype=T.float16).uniform_(0.1, 0.3),
    "uniform on a transposed view": lambda T: T.empty(4, 6).t().uniform_(),
    "normal one by one": lambda T: T.empty(15).normal_(2, 3),
    "normal in blocks": lambda T: T.empty(48).normal_(2, 3),
    "normal in blocks with a remainder": lambda T: T.empty(37).normal_(0.3, 1.7),
    "normal doubles": lambda T: T.empty(37, dtype=T.float64).normal_(0.3, 1.7),
    "normal halves": lambda T: T.empty(37, dtype=T.float16).normal_(0.3, 1.7),
    "normal scattered": lambda T: T.empty(5, 8).t().normal_(0.3, 1.7),
    "normal complex": lambda T: T.randn(9, dtype=T.complex64),
    "normal large": lambda T: T.randn(70001),
    "a leftover normal survives": lambda T: _after(
        T,
        lambda: T.randn(1),
        lambda: T.rand(1),
        lambda: T.randn(20),
        lambda: T.randn(2),
        lambda: T.randn(1),
    ),
    "normal of tensors": lambda T: T.normal(_like(T, 1, 2, 3), _like(T, 0.5, 0.25, 3)),
    "integers of one word": lambda T: T.randint(-5, 5, (37,)),
    "integers just below 2**28": lambda T: T.randint(0, 2**28 - 1, (20,)),
    "integers from 2**28 on take two words": lambda T: T.randint(0, 2**28, (20,)),
    "integers of 63 bits": lambda T: T.randint(-(2**62), 2**62, (20,)),
    "random_ without bounds": lambda T: [
        T.zeros(9, dtype=d).random_()
        for d in (T.uint8, T.int8, T.int16, T.int32, T.int64, T.float16, T.float32, T.float64)
    ],
    "permutation": lambda T: T.randperm(100),
    "permutation large": lambda T: T.randperm(30001),
    "exponential": lambda T: T.empty(40).exponential_(1.5),
    "exponential doubles": lambda T: T.empty(40, dtype=T.float64).exponential_(1.3),
    "geometric": lambda T: T.empty(40).geometric_(0.3),
    "cauchy": lambda T: T.empty(40, dtype=T.float64).cauchy_(0.4, 1.3),
    "log normal": lambda T: T.empty(40, dtype=T.float64).log_normal_(0.4, 1.3),
    "bernoulli by number": lambda T: T.empty(50).bernoulli_(0.3),
    "bernoulli by single tensor": lambda T: T.bernoulli(_like(T, *(i / 40 for i in range(40)))),
    "bernoulli by double tensor": lambda T: T.bernoulli(_like(T, *(i / 40 for i in range(40))).double()),
    "poisson": lambda T: T.poisson(_like(T, 0, 0.5, 3, 9.9, 10, 55, 1e4)),
    "binomial": lambda T: T.binomial(_like(T, 5, 40, 400, 7, 0), _like(T, 0.3, 0.6, 0.1, 1, 0.5)),
    "multinomial once": lambda T: T.multinomial(_like(T, 0.1, 0.2, 0.3, 0.4), 1),
    "multinomial without putting back": lambda T: T.multinomial(_like(T, 0.1, 0.2, 0.3, 0.4), 3),
    "multinomial with putting back": lambda T: T.multinomial(
        _like(T, 0.1, 0.2, 0.3, 0.4), 25, replacement=True
    ),
    "a generator of its own": lambda T: T.rand(5, generator=T.Generator().manual_seed(7)),
    "dropout": lambda T: T.nn.functional.dropout(T.ones(30), 0.3, True),
    "dropout of channels": lambda T: T.nn.functional.dropout2d(T.ones(3, 6, 2, 2), 0.5, True),
    "alpha dropout": lambda T: T.nn.functional.alpha_dropout(T.ones(30), 0.5, True),
    "rrelu": lambda T: T.nn.functional.rrelu(-T.ones(20), training=True),
    "xavier": lambda T: T.nn.init.xavier_uniform_(T.empty(6, 5)),
    "kaiming": lambda T: T.nn.init.kaiming_normal_(T.empty(6, 5), nonlinearity="relu"),
    "truncated normal": lambda T: T.nn.init.trunc_normal_(T.empty(60), std=0.5, a=-0.5, b=0.6),
    "truncated normal in a narrow interval": lambda T: T.nn.init.trunc_normal_(T.empty(60), a=1.0, b=3.0),
    "sparse": lambda T: T.nn.init.sparse_(T.empty(6, 5), 0.3),
}


def parts(result: Any) -> list:
    """The tensors of a case's result."""
    return list(result) if isinstance(result, (list, tuple)) else [result]
