"""Samples of each distribution, in PyTorch's order of draws and to its last bit.

Every function takes a generator and a count and gives a flat array; `store` lays such an array out in a
tensor's memory the way PyTorch visits it. Shapes: (count,) unless said otherwise.

Source: https://docs.pytorch.org/docs/stable/torch.html#random-sampling
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.core.box_muller import normals_from_words
from engine.core.fused import fused_multiply_add
from engine.core.generator import Generator

__all__ = [
    "bernoulli",
    "bernoulli_of",
    "categories",
    "cauchy",
    "exponential",
    "geometric",
    "integers",
    "log_normal",
    "narrow",
    "normal",
    "permutation",
    "standard_normal_doubles",
    "store",
    "truncated_normal",
    "uniform",
    "uniform_doubles",
    "whole_range",
]

_MANTISSA = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
_SERIAL = 16  # fewer normals than this, or scattered ones, are drawn one by one
_LARGE_PERMUTATION = 0xFFFFFFFF // 20
_ALL = 0xFFFFFFFFFFFFFFFF


def store(out: np.ndarray, values: np.ndarray) -> None:
    """Write flat values into an array in order of memory: the axis of smallest stride runs fastest."""
    if out.flags.c_contiguous:
        out[...] = values.reshape(out.shape)
        return
    axes = sorted(range(out.ndim), key=lambda axis: -abs(out.strides[axis]))
    view = out.transpose(axes)
    view[...] = values.reshape(view.shape)


def narrow(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Double samples in another type; the half types are reached through single precision."""
    if dtype.itemsize == 2 and dtype.name in _MANTISSA:
        return values.astype(np.float32).astype(dtype)
    return values.astype(dtype, copy=False)


def _each(function: Callable[[float], float], values: np.ndarray) -> np.ndarray:
    # The C library's own functions: numpy's vector versions differ from them in the last bit.
    return np.fromiter(map(function, values.tolist()), np.float64, values.size)


def _log(values: np.ndarray) -> np.ndarray:
    return _each(lambda value: math.log(value) if value > 0 else -math.inf, values)


# -- uniform ------------------------------------------------------------------------
def uniform_doubles(generator: Generator, count: int) -> np.ndarray:
    """Doubles in [0, 1) of 53 bits, two words each."""
    return (generator.long_words(count) & np.uint64(0x1FFFFFFFFFFFFF)) * 2.0**-53


def _uniform_singles(generator: Generator, count: int) -> np.ndarray:
    words = generator.words(count)
    words &= np.uint32(0xFFFFFF)
    values = words.view(np.int32).astype(np.float32)  # signed integers convert in one instruction
    values *= np.float32(2.0**-24)
    return values


def uniform(
    generator: Generator, count: int, dtype: np.dtype, low: float = 0.0, high: float = 1.0
) -> np.ndarray:
    """Samples in [low, high): scaled and shifted with one rounding."""
    if dtype == np.float64:
        values = uniform_doubles(generator, count)
        first: Any = np.float64(low)
        last: Any = np.float64(high)
    else:
        values = _uniform_singles(generator, count)
        first, last = np.float32(low), np.float32(high)
    if low != 0 or high != 1:
        values = fused_multiply_add(values, last - first, first)
    elif values.dtype == dtype:
        return values
    values = narrow(values, dtype)
    # Rounding can reach the excluded upper end; PyTorch turns that into the lower one.
    values[values == last.astype(dtype)] = first.astype(dtype)
    return values


# -- normal -------------------------------------------------------------------------
def standard_normal_doubles(generator: Generator, count: int) -> np.ndarray:
    """Standard normal doubles, drawn in pairs; an odd one is kept for the next call."""
    values = np.empty(count + 1)
    begin = 0
    if generator.next_normal is not None and count:
        values[0], generator.next_normal = generator.next_normal, None
        begin = 1
    pairs = (count - begin + 1) // 2
    if pairs:
        uniforms = uniform_doubles(generator, 2 * pairs)
        angle = (2.0 * math.pi) * uniforms[0::2]
        radius = np.sqrt(-2.0 * _each(math.log1p, -uniforms[1::2]))
        end = begin + 2 * pairs
        values[begin:end:2] = radius * _each(math.cos, angle)
        values[begin + 1 : end : 2] = radius * _each(math.sin, angle)
        if end > count:
            generator.next_normal = float(values[count])
    return values[:count]


def _double_blocks(uniforms: np.ndarray) -> np.ndarray:
    blocks = uniforms.reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * _each(math.log, (1.0 - blocks[:, 0]).reshape(-1)))
    angle = ((2.0 * math.pi) * blocks[:, 1]).reshape(-1)
    values = np.empty_like(blocks)
    values[:, 0] = (radius * _each(math.cos, angle)).reshape(-1, 8)
    values[:, 1] = (radius * _each(math.sin, angle)).reshape(-1, 8)
    return values.reshape(-1)


def normal(
    generator: Generator,
    count: int,
    dtype: np.dtype,
    mean: float = 0.0,
    std: float = 1.0,
    contiguous: bool = True,
) -> np.ndarray:
    """Normal samples; from 16 contiguous ones on in blocks of 16, the last drawn anew where it overlaps."""
    if count < _SERIAL or not contiguous:
        values = standard_normal_doubles(generator, count)
        if mean != 0 or std != 1:
            values = fused_multiply_add(values, float(std), float(mean))
        return narrow(values, dtype)
    whole = count - count % 16
    if dtype == np.float64:
        uniforms = uniform_doubles(generator, count)
        values = np.empty(count)
        values[:whole] = _double_blocks(uniforms[:whole])
        if count != whole:
            values[-16:] = _double_blocks(uniform_doubles(generator, 16))
        return fused_multiply_add(values, float(std), float(mean)) if mean != 0 or std != 1 else values
    # Single precision first draws a word for every element, half precision only for those of whole blocks.
    words = generator.words(count if dtype == np.float32 else whole)
    values = np.empty(count, dtype=np.float32)
    normals_from_words(words[:whole], mean, std, values[:whole])
    if count != whole:
        normals_from_words(generator.words(16), mean, std, values[-16:])
    return values if dtype == np.float32 else values.astype(dtype)


def truncated_normal(
    generator: Generator,
    count: int,
    dtype: np.dtype,
    mean: float,
    std: float,
    low: float,
    high: float,
    contiguous: bool = True,
) -> np.ndarray:
    """Normal samples in [low, high], by drawing again what falls outside.

    Where the interval holds less than three tenths of the distribution, uniform samples are accepted by the
    density instead."""
    share = (
        math.erf((high - mean) / std / math.sqrt(2.0)) - math.erf((low - mean) / std / math.sqrt(2.0))
    ) / 2.0
    if share > 0.3:
        values = normal(generator, count, dtype, mean, std, contiguous)
        least, most = narrow(np.array([low, high], dtype=np.float64), dtype)
        while (outside := (values < least) | (values > most)).any():
            values = np.where(outside, normal(generator, count, dtype, mean, std, contiguous), values)
        return values
    peak = -0.5 * ((max(low, min(mean, high)) - mean) / std) ** 2
    single = np.float64 if dtype == np.float64 else np.float32
    values = np.empty(count, dtype=dtype)
    pending = np.ones(count, dtype=np.bool_)
    while True:
        tried = uniform(generator, count, dtype, low, high)
        values = np.where(pending, tried, values)
        log_density = tried.astype(single)
        for step in (
            lambda x: x - single(mean),
            lambda x: x / single(std),
            lambda x: x * x,
            lambda x: x * single(-0.5),
            lambda x: x - single(peak),
        ):
            log_density = step(log_density).astype(dtype).astype(single)
        chance = uniform(generator, count, dtype).astype(np.float64)
        pending = pending & np.greater(narrow(np.log(chance), dtype).astype(single), log_density)
        if not pending.any():
            return values


def log_normal(
    generator: Generator, count: int, dtype: np.dtype, mean: float = 1.0, std: float = 2.0
) -> np.ndarray:
    """Samples whose logarithm is normal."""
    values = standard_normal_doubles(generator, count)
    return narrow(_each(_exp, fused_multiply_add(values, float(std), float(mean))), dtype)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


# -- integers -----------------------------------------------------------------------
def _representable(low: int, high: int, dtype: np.dtype) -> tuple[int, int]:
    """The bounds moved inwards to the next numbers that a floating type holds."""
    digits = _MANTISSA[dtype.name]

    def nearest(value: int) -> int:
        rounded = int(narrow(np.array([value], dtype=np.float64), dtype)[0])
        return rounded if rounded < 1 << 63 else -(1 << 63)

    above, below = nearest(low + 1), nearest(high - 1)
    if above < low:
        low = above + (1 << (abs(low + 1).bit_length() - digits))
    if below >= high:
        high = below - (1 << (abs(high - 1).bit_length() - digits))
    return low, high


def integers(generator: Generator, count: int, dtype: np.dtype, low: int, high: int) -> np.ndarray:
    """Integers of [low, high): one word each, or two where the range is 2**28 or more."""
    floating = dtype.name in _MANTISSA
    if floating:
        low, high = _representable(low, high, dtype)
    span = high - low
    if span >= 1 << 64:
        values = generator.long_words(count)
    elif span >= 1 << 28:
        values = generator.long_words(count) % np.uint64(span) + np.uint64(low & _ALL)
    else:
        values = (generator.words(count) % np.uint32(span)).astype(np.uint64) + np.uint64(low & _ALL)
    values = values.view(np.int64)
    return (
        values.astype(np.float32).astype(dtype)
        if floating and dtype.itemsize == 2
        else values.astype(dtype)
    )


def whole_range(generator: Generator, count: int, dtype: np.dtype) -> np.ndarray:
    """Integers from 0 to the largest that the type holds exactly, as ``random_()`` without bounds."""
    if dtype == np.bool_:
        return (generator.words(count) & np.uint32(1)).astype(np.bool_)
    largest = 1 << _MANTISSA[dtype.name] if dtype.name in _MANTISSA else int(np.iinfo(dtype).max)
    if dtype.itemsize == 8:
        values = generator.long_words(count)
    else:
        values = generator.words(count)
    if largest + 1 < 1 << (8 * values.itemsize):
        values = values % values.dtype.type(largest + 1)
    return narrow(values.astype(np.float64), dtype) if dtype.name in _MANTISSA else values.astype(dtype)


def permutation(generator: Generator, count: int) -> np.ndarray:
    """The numbers below count in random order, as int64."""
    if count < _LARGE_PERMUTATION:
        if count < 2:
            return np.arange(count)
        places = np.arange(count - 1, dtype=np.int64)
        places += generator.words(count - 1) % np.arange(count, 1, -1, dtype=np.uint32)
        order = list(range(count))
        for here, there in enumerate(places.tolist()):
            order[here], order[there] = order[there], order[here]
        return np.array(order, dtype=np.int64)
    result = np.arange(count)
    for here in range(count):
        there = generator.long_word() % (here + 1)
        result[here] = result[there]
        result[there] = here
    return result


# -- by inversion -------------------------------------------------------------------
def exponential(generator: Generator, count: int, dtype: np.dtype, rate: float = 1.0) -> np.ndarray:
    """Exponential samples."""
    return narrow((-1.0 / rate) * _each(math.log1p, -uniform_doubles(generator, count)), dtype)


def geometric(generator: Generator, count: int, dtype: np.dtype, p: float) -> np.ndarray:
    """Counts of trials up to the first success, from 1."""
    logs = _log(uniform_doubles(generator, count))
    if p == 1:
        return narrow(np.ceil(-0.0 * logs), dtype)
    return narrow(np.ceil(logs / math.log1p(-p)), dtype)


def cauchy(
    generator: Generator, count: int, dtype: np.dtype, median: float = 0.0, sigma: float = 1.0
) -> np.ndarray:
    """Cauchy samples."""
    tangents = _each(math.tan, math.pi * (uniform_doubles(generator, count) - 0.5))
    return narrow(fused_multiply_add(tangents, float(sigma), float(median)), dtype)


# -- bernoulli ----------------------------------------------------------------------
def bernoulli(generator: Generator, count: int, p: float) -> np.ndarray:
    """Booleans, each True with the one probability p; two words each."""
    threshold = math.ceil(p * 2.0**53)
    words = generator.words(2 * count)
    upper = words[0::2] & np.uint32(0x1FFFFF)
    limit = np.uint32(threshold >> 32)
    chosen = upper < limit
    ties = upper == limit  # one in two million: only then the lower word matters
    if ties.any():
        chosen[ties] = words[1::2][ties] < np.uint32(threshold & 0xFFFFFFFF)
    return chosen


def bernoulli_of(generator: Generator, p: np.ndarray) -> np.ndarray:
    """Booleans, each True with its own probability: two words each for doubles, one otherwise."""
    flat = p.reshape(-1)
    if p.dtype == np.float64:
        return uniform_doubles(generator, flat.size) < flat
    return _uniform_singles(generator, flat.size) < flat.astype(np.float32)


def categories(generator: Generator, weights: np.ndarray, count: int) -> np.ndarray:
    """Row by row, count numbers of columns drawn with replacement by weight.

    Shapes: (rows, columns) -> (rows, count)."""
    result = np.empty((len(weights), count), dtype=np.int64)
    for row, out in zip(weights, result):
        cumulative = np.cumsum(row, dtype=np.float64 if row.dtype == np.float64 else np.float32)
        cumulative = cumulative / cumulative[-1]
        cumulative[-1] = 1
        out[:] = np.searchsorted(
            cumulative.astype(np.float64), uniform_doubles(generator, count), side="left"
        )
    return result
