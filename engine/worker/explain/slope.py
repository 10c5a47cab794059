"""Slopes by finite differences in float64: what a gradient is held against."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.shape import sum_to
from engine.worker.explain.repetition import Input, Repetition

STEP = 1e-5
"""The first step, in parts of an element's size; its square is the error of a central difference."""
CLOSE = 1e-3
"""The second step, in parts of the first: a kink looks the same from there, a curve looks straighter."""
TOLERANCE = 1e-5
"""How far a slope may be from the gradient, relative to the larger of them."""
NOISE = 64 * 2.220446049250313e-16
"""Rounding of a difference, relative to what is subtracted."""
DIRECTIONS = 4
SINGLE_MAX = 4096
"""More elements than these are never looked at one by one."""


@dataclass(slots=True)
class Findings:
    """One edge's gradient held against slopes, element by element (flat); error: NaN where nothing was
    checked."""

    error: np.ndarray
    kinked: np.ndarray
    wrong: np.ndarray
    slope: np.ndarray
    directions: tuple[int, int] = (0, 0)
    """random directions along which the whole gradient was compared, and along how many it was wrong"""

    @property
    def checked(self) -> int:
        """How many elements could be compared, those at a kink included."""
        return int(np.count_nonzero(~np.isnan(self.error) | self.kinked))


class Slopes:
    """The slopes of sum(grads * outputs) along one input of a node's op, to be held against its gradient."""

    def __init__(
        self,
        again: Repetition,
        edge: Input,
        values: list[Any],
        grads: list[Any],
        base: list[Any],
        expected: float = 0.0,
    ) -> None:
        self._expected = expected
        self.directions = DIRECTIONS
        self._again, self._edge, self._values, self._base = again, edge, values, base
        self._grads = [None if g is None else np.asarray(g) for g in grads]
        self.x = np.array(again.at(values, edge), np.float64)
        size = np.abs(self.x)
        finite = size[np.isfinite(size)]
        typical = float(np.sqrt(np.mean(finite**2))) if finite.size else 1.0
        self._size = np.maximum(np.maximum(size, 0.1 * typical), 1e-30 if typical else 1.0)
        self._own_size = np.where(size > 0, size, self._size)
        self.one_by_one = not self._is_pointwise()

    def hold_against(self, gradient: np.ndarray, deadline_s: float) -> Findings:
        """Compare each element, or as many as there is time for (the largest and some by chance first) and
        the rest together along random directions."""
        g = np.asarray(gradient, np.float64).reshape(-1)
        n = g.size
        found = Findings(np.full(n, np.nan), np.zeros(n, bool), np.zeros(n, bool), np.full(n, np.nan))
        places = self._order(g)
        now = time.perf_counter()
        first = self._quotients(places, self._size.reshape(-1) * STEP, now + 0.6 * (deadline_s - now))
        if first is None:
            return found
        places = places[: len(first.up)]
        self._judge(found, g, places, first, deadline_s)
        if len(places) < n:
            found.directions = self._along_directions(g.reshape(self.x.shape))
        return found

    # -- judging ---------------------------------------------------------------------------------------------

    def _judge(
        self, found: Findings, g: np.ndarray, places: np.ndarray, first: _Sides, deadline_s: float
    ) -> None:
        mine = g[places]
        scale = max(float(np.abs(g[np.isfinite(g)]).max(initial=0.0)), self._expected)
        central = first.central
        good = _agree(central, mine, first.noise, scale)
        bent = first.bend > 1e-3 * np.maximum(np.abs(first.up), np.abs(first.down)) + first.noise
        usable = np.isfinite(central) & np.isfinite(mine)
        edgy = ~usable & np.isfinite(self.x.reshape(-1)[places])
        found.slope[places] = central
        found.error[places] = np.where(usable, _relative(central, mine, scale), np.nan)
        doubtful = np.flatnonzero((usable & (~good | bent)) | edgy)
        few = 8 if self.one_by_one else max(1, len(doubtful))
        for begin in range(0, len(doubtful), few):
            at = doubtful[begin : begin + few]
            if begin and time.perf_counter() > deadline_s:
                found.error[places[doubtful[begin:]]] = np.nan  # no time to tell a kink from an error
                return
            for size, share in ((self._size, CLOSE), (self._own_size, 1.0), (self._own_size, CLOSE)):
                if at.size:
                    steps = size.reshape(-1) * STEP * share
                    at = self._look_closer(found, mine, places, first, at, steps, scale)
            found.wrong[places[at]] = usable[at] & ~good[at]

    def _look_closer(
        self,
        found: Findings,
        mine: np.ndarray,
        places: np.ndarray,
        first: _Sides,
        at: np.ndarray,
        steps: np.ndarray,
        scale: float,
    ) -> np.ndarray:
        """Look again with another step at those in doubt; those that are still in doubt."""
        closer = self._quotients(places[at], steps, np.inf)
        if closer is None:
            return at
        g = mine[at]
        larger = np.maximum(np.abs(closer.up), np.abs(closer.down))
        still = closer.bend > 0.5 * first.bend[at]
        kinked = still & (closer.bend > 1e-2 * np.maximum(larger, np.abs(g)) + 2 * closer.noise)
        one_sided = np.isfinite(closer.up) != np.isfinite(closer.down)
        kinked |= one_sided & ~np.isfinite(g)
        central = closer.central
        agrees = ~kinked & np.isfinite(central) & _agree(central, g, closer.noise, scale)
        where = places[at]
        found.kinked[where[kinked]] = True
        found.error[where[kinked]] = np.nan
        found.slope[where[agrees]] = central[agrees]
        found.error[where[agrees]] = np.minimum(
            np.nan_to_num(found.error[where[agrees]], nan=np.inf), _relative(central, g, scale)[agrees]
        )
        return at[~kinked & ~agrees]

    def _order(self, g: np.ndarray) -> np.ndarray:
        n = g.size
        if not self.one_by_one:
            return np.arange(n)
        chance = np.random.RandomState(n % 1000)
        if n <= SINGLE_MAX:
            mixed = chance.permutation(n)
            largest = np.argsort(-np.abs(np.nan_to_num(g)), kind="stable")[: n // 4]
        else:
            mixed = chance.randint(0, n, SINGLE_MAX)
            largest = np.argpartition(-np.abs(np.nan_to_num(g)), 64)[:64]
        both = np.empty(len(largest) * 2, int)
        both[::2], both[1::2] = largest, mixed[: len(largest)]
        joined = np.concatenate([both, mixed[len(largest) :]])
        return joined[np.sort(np.unique(joined, return_index=True)[1])]

    # -- differences -----------------------------------------------------------------------------------------

    def _quotients(self, places: np.ndarray, steps: np.ndarray, deadline_s: float) -> _Sides | None:
        if not self.one_by_one:
            return self._all_at_once(places, steps)
        rows: list[tuple[float, float, float]] = []
        for at in places:
            if rows and time.perf_counter() > deadline_s:
                break
            rows.append(self._one(int(at), float(steps[at])))
        return _Sides(*(np.array(column) for column in zip(*rows))) if rows else None

    def _one(self, at: int, step: float) -> tuple[float, float, float]:
        x = self.x
        place = np.unravel_index(at, x.shape)
        sides, noise = [], 0.0
        for sign in (1.0, -1.0):
            other = x.copy()
            other[place] += sign * step
            exact = float(other[place] - x[place])
            if not exact:
                return 0.0, 0.0, np.inf
            change, moved = self._change(other)
            sides.append(change / exact)
            noise = max(noise, NOISE * moved / abs(exact))
        return sides[0], sides[1], noise

    def _change(self, other: np.ndarray) -> tuple[float, float]:
        """How sum(grads * outputs) changes with this input, and the size of what has changed."""
        total = moved = 0.0
        outputs = self._again.outputs(self._again.replaced(self._values, self._edge, other))
        with np.errstate(all="ignore"):
            for y, base, g in zip(outputs, self._base, self._grads):
                if y is None or g is None or base is None:
                    continue
                change = y - base
                touched = change != 0
                part = g[touched]
                total += float(np.real(np.sum(np.conj(part) * change[touched])))
                moved += float(np.sum(np.abs(part) * np.abs(base[touched])))
        return total, moved

    def _along_directions(self, g: np.ndarray) -> tuple[int, int]:
        """The whole gradient against a few random directions: (compared, wrong). One that crosses a kink
        says nothing."""
        chance = np.random.RandomState(2)
        seen = wrong = 0
        for _ in range(self.directions):
            step = np.where(chance.rand(*g.shape) < 0.5, -1.0, 1.0) * self._size * STEP
            up, moved = self._change(self.x + step)
            down, _ = self._change(self.x - step)
            said, size = float(np.sum(g * step)), float(np.sqrt(np.sum((g * step) ** 2)))
            if not np.isfinite(up - down) or not np.isfinite(said):
                continue
            good = abs((up - down) / 2 - said) <= 1e-4 * size + NOISE * moved
            if not good:  # the nearer, the fewer kinks lie between
                near = CLOSE * step
                up, moved = self._change(self.x + near)
                down, _ = self._change(self.x - near)
                said, size = said * CLOSE, size * CLOSE
                good = abs((up - down) / 2 - said) <= 1e-4 * size + NOISE * moved
                if not good and abs(up + down) > 1e-3 * size:
                    continue
            seen += 1
            wrong += not good
        return seen, wrong

    def _all_at_once(self, places: np.ndarray, steps: np.ndarray) -> _Sides:
        x, g, base = self.x, self._grads[0], self._base[0]
        assert g is not None and base is not None
        h = steps.reshape(x.shape)
        found = []
        noise = np.zeros(x.size)
        with np.errstate(all="ignore"):
            for sign in (1.0, -1.0):
                other = x + sign * h
                exact = np.broadcast_to(other - x, base.shape)
                y = self._again.outputs(self._again.replaced(self._values, self._edge, other))[0]
                each = np.where((y == base) | (g == 0), 0.0, g * (y - base) / exact)
                found.append(np.asarray(sum_to(each, x.shape)).reshape(-1))
            size = np.abs(g) * np.abs(base) / np.broadcast_to(h, base.shape)
            noise = NOISE * np.asarray(sum_to(np.nan_to_num(size), x.shape)).reshape(-1)
        return _Sides(found[0][places], found[1][places], noise[places])

    def _is_pointwise(self) -> bool:
        """Whether each output depends on the one element of the input at its place: by the op's kind, or by
        trying."""
        if len(self._base) != 1 or self._base[0] is None or self._grads[0] is None:
            return False
        base, x = self._base[0], self.x
        if base.dtype.kind == "c" or x.size == 0:
            return False
        try:
            if np.broadcast_shapes(base.shape, x.shape) != base.shape:
                return False
        except ValueError:
            return False
        if self._again.node.op is not None and self._again.node.op.family == "pointwise":
            return True
        chance = np.random.RandomState(0)
        h = self._size * STEP
        for _ in range(8):
            mask = chance.rand(*x.shape) < 0.5
            y = self._again.outputs(self._again.replaced(self._values, self._edge, x + mask * h))[0]
            if y is None or y.shape != base.shape:
                return False
            with np.errstate(all="ignore"):
                moved = ~((y == base) | (np.isnan(y) & np.isnan(base)))
            if (moved & ~np.broadcast_to(mask, base.shape)).any():
                return False
        return x.size > 1


@dataclass(slots=True)
class _Sides:
    """Difference quotients to both sides, and how much of them may be rounding."""

    up: np.ndarray
    down: np.ndarray
    noise: np.ndarray

    @property
    def central(self) -> np.ndarray:
        return (self.up + self.down) / 2

    @property
    def bend(self) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.nan_to_num(np.abs(self.up - self.down), nan=np.inf)


def _agree(slope: np.ndarray, gradient: np.ndarray, noise: np.ndarray, scale: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        larger = np.maximum(np.abs(slope), np.abs(gradient))
        return np.abs(slope - gradient) <= TOLERANCE * larger + noise + 1e-11 * scale


def _relative(slope: np.ndarray, gradient: np.ndarray, scale: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        larger = np.maximum(np.maximum(np.abs(slope), np.abs(gradient)), 1e-3 * scale)
        return np.where(larger > 0, np.abs(slope - gradient) / larger, 0.0)
