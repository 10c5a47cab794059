"""A step length along a direction that satisfies the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class _Point(NamedTuple):
    """A step length with the loss, the gradient and the slope along the direction that were found there."""

    rate: Any
    loss: float
    gradient: np.ndarray
    slope: Any


def cubic_minimum(a: _Point, b: _Point, bounds: tuple | None = None) -> Any:
    """Where the cubic through two points and slopes has its minimum, kept within the bounds.

    Source: Nocedal and Wright, Numerical Optimization, equation 3.59.
    """
    low, high = (
        bounds if bounds is not None else ((a.rate, b.rate) if a.rate <= b.rate else (b.rate, a.rate))
    )
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.rate - b.rate)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = np.sqrt(square)
    if a.rate <= b.rate:
        best = b.rate - (b.rate - a.rate) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        best = a.rate - (a.rate - b.rate) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(best, low), high)


def strong_wolfe(
    evaluate: Callable[[Any], tuple[float, np.ndarray]],
    rate: Any,
    direction: np.ndarray,
    loss: float,
    gradient: np.ndarray,
    slope: Any,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[float, np.ndarray, Any, int]:
    """Loss, gradient and step length at a point that is low and flat enough, and how often it looked.

    Source: Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6, with the rules by which
    torch.optim.LBFGS brackets and shrinks.
    """

    def look(t: Any) -> _Point:
        found, g = evaluate(t)
        return _Point(t, found, g, g.dot(direction))

    def too_high(point: _Point) -> bool:
        return point.loss > loss + c1 * point.rate * slope

    longest = np.abs(direction).max()
    before = _Point(0, loss, gradient, slope)
    now = look(rate)
    looks, turns = 1, 0
    bracket: list[_Point] = []
    done = False
    while turns < max_ls:
        if too_high(now) or (turns > 1 and now.loss >= before.loss):
            bracket = [before, now]
            break
        if abs(now.slope) <= -c2 * slope:
            bracket, done = [now], True
            break
        if now.slope >= 0:
            bracket = [before, now]
            break
        nearest, farthest = now.rate + 0.01 * (now.rate - before.rate), now.rate * 10
        following = cubic_minimum(before, now, (nearest, farthest))
        before, now = now, look(following)
        looks += 1
        turns += 1
    if turns == max_ls:
        bracket = [_Point(0, loss, gradient, slope), now]

    stuck = False
    low, high = (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
    while not done and turns < max_ls:
        if abs(bracket[1].rate - bracket[0].rate) * longest < tolerance_change:
            break
        t = cubic_minimum(bracket[0], bracket[1])
        first, last = min(bracket[0].rate, bracket[1].rate), max(bracket[0].rate, bracket[1].rate)
        margin = 0.1 * (last - first)
        if min(last - t, t - first) < margin:
            # too near an end: allowed once, then pushed inwards
            if stuck or t >= last or t <= first:
                t = last - margin if abs(t - last) < abs(t - first) else first + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        now = look(t)
        looks += 1
        turns += 1
        if too_high(now) or now.loss >= bracket[low].loss:
            bracket[high] = now
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
        else:
            if abs(now.slope) <= -c2 * slope:
                done = True
            elif now.slope * (bracket[high].rate - bracket[low].rate) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = now
    best = bracket[low]
    return best.loss, best.gradient, best.rate, looks
