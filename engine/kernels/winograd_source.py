"""Source of the transforms of Winograd's convolution F(4x4, 3x3): 36 products do the work of 144.

Tiles of 6 x 6 inputs give 4 x 4 outputs. Channels are innermost and taken 16 at a time, so every line is
one vector.
Shapes: x (n, height, width, c) padded, v (36, tiles, c), m (36, tiles, o), y (n, o, rows, columns).

Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks (2015).
"""

from __future__ import annotations

import numpy as np

LANES = 16
INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
WEIGHT = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def weight_table(kind: np.dtype) -> np.ndarray:
    """The (36, 9) table that takes a 3 x 3 window of weights to its 36 products."""
    g = np.array(WEIGHT)
    return np.kron(g, g).astype(kind)


def _combined(row: tuple, name: str, places: list[int]) -> str:
    parts = []
    for factor, at in zip(row, places):
        if factor:
            value = f"{name}[{at * LANES} + l]"
            parts.append(value if factor == 1 else f"-{value}" if factor == -1 else f"k({factor}) * {value}")
    return " + ".join(parts).replace("+ -", "- ")


def _stages(table: tuple, indent: str) -> str:
    """Both sides of a transform of a 6 x 6 block: table @ block @ table.T, from `a` through `b` to `a`."""
    rows = len(table)
    lines = []
    for j in range(6):
        for i in range(rows):
            lines.append(
                f"b[{(i * 6 + j) * LANES} + l] = {_combined(table[i], 'a', [r * 6 + j for r in range(6)])}"
            )
    lines.append("")
    for i in range(rows):
        for j in range(rows):
            lines.append(
                f"a[{(i * rows + j) * LANES} + l] = {_combined(table[j], 'b', [i * 6 + r for r in range(6)])}"
            )
    first, second = "\n".join(lines).split("\n\n")
    out = []
    for part in (first, second):
        out.append(f"{indent}for l in range({LANES}):")
        out.extend(f"{indent}    {line}" for line in part.strip().split("\n"))
    return "\n".join(out)


def source() -> str:
    """Transforms of input and output, and the change between channels first and last."""
    return f'''
@njit(cache=True, nogil=True)
def channels_last(x, out, top, left):
    """x (n, c, h, w) into the inside of out (n, height, width, c), 16 x 16 at a time."""
    n, c, h, w = x.shape
    block = np.empty((16, 16), x.dtype)
    for m in range(n):
        for r in range(h):
            for k0 in range(0, c, 16):
                k1 = min(k0 + 16, c)
                for q0 in range(0, w, 16):
                    q1 = min(q0 + 16, w)
                    for k in range(k0, k1):
                        for q in range(q0, q1):
                            block[q - q0, k - k0] = x[m, k, r, q]
                    for q in range(q0, q1):
                        for k in range(k0, k1):
                            out[m, r + top, q + left, k] = block[q - q0, k - k0]


@njit(cache=True, nogil=True, fastmath=True)
def input_tiles(x, v, down, across):
    n, height, width, c = x.shape
    k = x.dtype.type
    a = np.empty(36 * {LANES}, x.dtype)
    b = np.empty(36 * {LANES}, x.dtype)
    for m in range(n):
        for r in range(down):
            for q in range(across):
                t = (m * down + r) * across + q
                for c0 in range(0, c, {LANES}):
                    for i in range(6):
                        for j in range(6):
                            part = x[m, 4 * r + i, 4 * q + j, c0:c0 + {LANES}]
                            at = (i * 6 + j) * {LANES}
                            for l in range({LANES}):
                                a[at + l] = part[l]
{_stages(INPUT, " " * 20)}
                    for i in range(36):
                        part = v[i, t, c0:c0 + {LANES}]
                        for l in range({LANES}):
                            part[l] = a[i * {LANES} + l]


@njit(cache=True, nogil=True, fastmath=True)
def output_tiles(p, bias, y, down, across):
    n, o, rows, columns = y.shape
    k = p.dtype.type
    a = np.empty(36 * {LANES}, p.dtype)
    b = np.empty(36 * {LANES}, p.dtype)
    for m in range(n):
        for o0 in range(0, o, {LANES}):
            for r in range(down):
                for q in range(across):
                    t = (m * down + r) * across + q
                    for i in range(36):
                        part = p[i, t, o0:o0 + {LANES}]
                        for l in range({LANES}):
                            a[i * {LANES} + l] = part[l]
{_stages(OUTPUT, " " * 20)}
                    for l in range({LANES}):
                        f = bias[o0 + l]
                        for i in range(min(4, rows - 4 * r)):
                            for j in range(min(4, columns - 4 * q)):
                                y[m, o0 + l, 4 * r + i, 4 * q + j] = a[(i * 4 + j) * {LANES} + l] + f
'''
