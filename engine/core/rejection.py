"""Samplers that reject: Poisson, binomial and gamma samples, whose number of draws is not known beforehand.

Each loop below reads its uniforms from an array and stops in front of the first sample for which the array
is too short; `_sample` then gives it a longer one. In the end the generator stands behind the last uniform
that was used. The loops are plain Python that numba can compile, which happens once many samples were asked
for.

Source: W. Hoermann, The transformed rejection method for generating Poisson random variables (1993);
W. Hoermann, The generation of binomial random variates (1993); G. Marsaglia, W. W. Tsang, A simple method
for generating gamma variables (2000); https://docs.pytorch.org/docs/stable/generated/torch.poisson.html
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.core.draw import narrow, uniform_doubles
from engine.core.generator import Generator

__all__ = ["binomial", "dirichlet", "gamma", "poisson"]

_WORTH_COMPILING = 50_000
_compiled: dict[str, Callable[..., Any]] = {}
_made = 0


def _poisson(rates: Any, unused: Any, uniforms: Any, state: Any, out: Any) -> int:
    used = int(state[0])
    available = len(uniforms)
    first = int(state[1])
    for i in range(first, len(rates)):
        rate = rates[i]
        at = used
        result = -1.0
        if rate == 0.0:
            result = 0.0
        elif rate >= 10.0:
            root = math.sqrt(rate)
            log_rate = math.log(rate)
            b = 0.931 + 2.53 * root
            a = -0.059 + 0.02483 * b
            inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
            accept = 0.9277 - 3.6224 / (b - 2.0)
            while result < 0.0 and at + 2 <= available:
                u = uniforms[at] - 0.5
                v = uniforms[at + 1]
                at += 2
                side = 0.5 - abs(u)
                k = math.floor((2.0 * a / side + b) * u + rate + 0.43)
                if side >= 0.07 and v <= accept:
                    result = float(k)
                elif k < 0 or (side < 0.013 and v > side):
                    continue
                elif v == 0.0 or (
                    math.log(v) + math.log(inverse_alpha) - math.log(a / (side * side) + b)
                    <= -rate + k * log_rate - math.lgamma(k + 1.0)
                ):
                    result = float(k)
        else:
            limit = math.exp(-rate)
            product = 1.0
            events = 0
            while result < 0.0 and at < available:
                product *= uniforms[at]
                at += 1
                if product > limit:
                    events += 1
                else:
                    result = float(events)
        if result < 0.0:
            state[0], state[1] = used, i
            return i
        out[i] = result
        used = at
    state[0], state[1] = used, len(rates)
    return len(rates)


def _binomial(counts: Any, chances: Any, uniforms: Any, state: Any, out: Any) -> int:
    used = int(state[0])
    available = len(uniforms)
    tail = np.empty(4)
    at_tail = np.empty(4)
    for i in range(int(state[1]), len(counts)):
        count = counts[i]
        given = chances[i]
        at = used
        result = -1.0
        p = given if given <= 0.5 else 1.0 - given
        if count <= 0.0 or given <= 0.0:
            result = 0.0
        elif given >= 1.0:
            result = count
        elif not given <= 0.5 and not given > 0.5:
            result = math.nan
        elif count * p >= 10.0:
            deviation = math.sqrt(count * p * (1.0 - p))
            b = 1.15 + 2.53 * deviation
            a = -0.0873 + 0.0248 * b + 0.01 * p
            c = count * p + 0.5
            accept = 0.92 - 4.2 / b
            odds = p / (1.0 - p)
            alpha = (2.83 + 5.1 / b) * deviation
            m = math.floor((count + 1.0) * p)
            while result < 0.0 and at + 2 <= available:
                u = uniforms[at] - 0.5
                v = uniforms[at + 1]
                at += 2
                side = 0.5 - abs(u)
                k = math.floor((2.0 * a / side + b) * u + c)
                if side >= 0.07 and v <= accept:
                    result = float(k)
                elif k < 0 or k > count:
                    continue
                else:
                    at_tail[0], at_tail[1], at_tail[2], at_tail[3] = m, count - m, k, count - k
                    for j in range(4):
                        x = at_tail[j]
                        square = (x + 1.0) * (x + 1.0)
                        # Stirling's series is not good enough below ten: take the exact remainder there.
                        tail[j] = (
                            (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (x + 1.0)
                            if x > 9
                            else math.lgamma(x + 1.0)
                            + (x + 1.0)
                            - (x + 0.5) * math.log(x + 1.0)
                            - 0.9189385332046727
                        )
                    bound = (
                        (m + 0.5) * math.log((m + 1.0) / (odds * (count - m + 1.0)))
                        + (count + 1.0) * math.log((count - m + 1.0) / (count - k + 1.0))
                        + (k + 0.5) * math.log(odds * (count - k + 1.0) / (k + 1.0))
                        + tail[0]
                        + tail[1]
                        - tail[2]
                        - tail[3]
                    )
                    if v == 0.0 or math.log(v * alpha / (a / (side * side) + b)) <= bound:
                        result = float(k)
        else:
            log_failure = math.log1p(-p)
            trials = 0.0
            events = 0.0
            while result < 0.0 and at < available:
                u = uniforms[at]
                at += 1
                trials += math.ceil(math.log(u) / log_failure) if u > 0.0 else math.inf
                if trials > count:
                    result = events
                else:
                    events += 1.0
        if result < 0.0:
            state[0], state[1] = used, i
            return i
        out[i] = count - result if given > 0.5 and given < 1.0 and count > 0.0 else result
        used = at
    state[0], state[1] = used, len(counts)
    return len(counts)


def _gamma(boosted: Any, powers: Any, uniforms: Any, state: Any, out: Any) -> int:
    used = int(state[0])
    spare = state[2]  # the leftover of a normal pair, NaN where there is none
    available = len(uniforms)
    for i in range(int(state[1]), len(boosted)):
        at = used
        kept = spare
        result = -1.0
        scale = 1.0
        if boosted[i] == 0.0:
            result = 0.0
        elif powers[i] != 0.0 and at < available:
            scale = math.pow(1.0 - uniforms[at], powers[i])
            at += 1
        d = boosted[i]
        c = 1.0 / math.sqrt(9.0 * d) if d > 0.0 else 0.0
        while result < 0.0:
            y = 0.0
            x = 0.0
            while y <= 0.0:
                if not math.isnan(spare):
                    x = spare
                    spare = math.nan
                elif at + 2 <= available:
                    angle = 6.283185307179586 * uniforms[at]
                    radius = math.sqrt(-2.0 * math.log1p(-uniforms[at + 1]))
                    at += 2
                    x = radius * math.cos(angle)
                    spare = radius * math.sin(angle)
                else:
                    break
                y = 1.0 + c * x
            if y <= 0.0 or at >= available:
                break
            v = y * y * y
            u = 1.0 - uniforms[at]
            at += 1
            square = x * x
            # The two constants are single precision ones in PyTorch.
            if u < 1.0 - 0.03310000151395798 * square * square or math.log(u) < 0.5 * square + d * (
                1.0 - v + math.log(v)
            ):
                result = scale * d * v
        if result < 0.0:
            state[0], state[1], state[2] = used, i, kept
            return i
        out[i] = result
        used = at
    state[0], state[1], state[2] = used, len(boosted), spare
    return len(boosted)


def _loop(function: Callable[..., Any], size: int) -> Callable[..., Any]:
    global _made
    _made += size
    name = function.__name__
    if name not in _compiled and _made > _WORTH_COMPILING:
        from numba import njit

        _compiled[name] = njit(cache=True)(function)
    return _compiled.get(name, function)


def _sample(
    generator: Generator, function: Callable[..., Any], first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    out = np.empty(first.size)
    state = np.array([0.0, 0.0, math.nan])
    loop = _loop(function, first.size)
    pending = first.size
    spare = function is _gamma
    while pending:
        if spare:
            state[2] = math.nan if generator.next_normal is None else generator.next_normal
        mark = generator.mark()
        fresh = generator.fresh
        uniforms = uniform_doubles(generator, 8 * pending + 64)
        state[0] = 0.0
        if loop is function:
            function(first.tolist(), second.tolist(), uniforms.tolist(), state, out)
        else:
            loop(first, second, uniforms, state, out)
        generator.return_to(mark)
        generator.fresh = fresh
        generator.skip(2 * int(state[0]))
        if spare:
            generator.next_normal = None if math.isnan(state[2]) else float(state[2])
        pending = first.size - int(state[1])
    return out


def poisson(generator: Generator, rates: np.ndarray) -> np.ndarray:
    """Poisson counts, one per rate.

    Raises: RuntimeError for a negative rate."""
    if not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    flat = rates.reshape(-1).astype(np.float64)
    return narrow(_sample(generator, _poisson, flat, flat), rates.dtype)


def binomial(generator: Generator, counts: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Numbers of successes, one per pair of count and probability."""
    flat = counts.reshape(-1).astype(np.float64)
    return narrow(_sample(generator, _binomial, flat, chances.reshape(-1).astype(np.float64)), counts.dtype)


def _standard_gamma(generator: Generator, alpha: np.ndarray) -> np.ndarray:
    flat = alpha.reshape(-1)
    one, third = flat.dtype.type(1), np.float32(1) / np.float32(3)
    small = (flat < 1) & (flat != 0)
    powers = np.zeros(flat.shape)
    powers[small] = one / flat[small]
    d = np.where(flat == 0, flat.dtype.type(0), np.where(small, flat + one, flat) - flat.dtype.type(third))
    return _sample(generator, _gamma, d.astype(np.float64), powers)


def gamma(generator: Generator, alpha: np.ndarray) -> np.ndarray:
    """Gamma samples of rate one, one per concentration; never below the smallest normal number."""
    values = narrow(_standard_gamma(generator, alpha), alpha.dtype)
    return np.maximum(values, np.finfo(alpha.dtype).tiny)


def _row_sums(values: np.ndarray) -> np.ndarray:
    """Sums along the last axis in PyTorch's order: lanes of four, four rows at a time, then the rest."""
    size = values.shape[-1]
    lanes = size // 4
    rows = values[..., : 4 * lanes].reshape(*values.shape[:-1], lanes, 4)
    grouped = lanes // 4
    quads = rows[..., : 4 * grouped, :].reshape(*values.shape[:-1], grouped, 4, 4)
    power = max(4, math.ceil(math.log2(grouped)) // 4 if grouped > 1 else 0)
    levels = [np.zeros(quads.shape[:-3] + (4, 4)) for _ in range(4)]
    for i in range(grouped):
        levels[0] = levels[0] + quads[..., i, :, :]
        done = i + 1
        for level in range(1, 4):
            if done & ((1 << (level * power)) - 1):
                break
            levels[level] = levels[level] + levels[level - 1]
            levels[level - 1] = np.zeros_like(levels[level - 1])
    partial = levels[0] + levels[1] + levels[2] + levels[3]
    first = partial[..., 0, :]
    for i in range(4 * grouped, lanes):
        first = first + rows[..., i, :]
    for i in range(1, 4):
        first = first + partial[..., i, :]
    total = np.zeros(values.shape[:-1])
    for i in range(4 * lanes, size):
        total = total + values[..., i]
    for i in range(4):
        total = total + first[..., i]
    return total[..., None]


def dirichlet(generator: Generator, alpha: np.ndarray) -> np.ndarray:
    """Dirichlet samples along the last axis. Shapes: as alpha."""
    values = _standard_gamma(generator, alpha.astype(np.float64)).reshape(alpha.shape)
    values = narrow(values / _row_sums(values), alpha.dtype)
    limits = np.finfo(alpha.dtype)
    return np.clip(values, limits.tiny, np.nextafter(alpha.dtype.type(1), alpha.dtype.type(0)))
