"""Source of the compiled convolution kernels, written out for one width of the window.

Rows are treated as one run: a place q of the output stands for row q // width and column q % width of
the padded
input, and the last columns of each row are computed for nothing and dropped. So the inner loop is long
and without
branches whatever the size of the image. Shapes: x (n, c, height * width) padded, y (n, o, rows, columns).
"""

from __future__ import annotations


def direct(taps: int) -> str:
    """Forward and weight gradient for windows of this width, stride 1, for few channels."""

    def sums(who: str) -> str:
        return " + ".join(f"{who}{j} * xx[q + {j}]" for j in range(taps))

    loads = "\n".join(
        f"                    u{j} = w[o, k, i, {j}]\n                    v{j} = w[o1, k, i, {j}]"
        for j in range(taps)
    )
    zero = " = ".join([f"s{j}" for j in range(taps)] + [f"t{j}" for j in range(taps)]) + " = zero"
    add = "\n".join(
        f"                        s{j} += a * xx[q + {j}]\n                        t{j} += b * xx[q + {j}]"
        for j in range(taps)
    )
    keep = "\n".join(
        f"                    gw[o, k, i, {j}] += s{j}\n"
        f"                    if o1 != o:\n                        gw[o1, k, i, {j}] += t{j}"
        for j in range(taps)
    )
    return f"""
@njit(cache=True, fastmath=True, nogil=True)
def forward(xs, w, bias, y, height, width, rows, columns):
    n, o_count, c = xs.shape[0], w.shape[0], w.shape[1]
    reach = w.shape[2]
    span = (rows - 1) * width + columns
    plane = height * width
    first = np.empty(span, xs.dtype)
    second = np.empty(span, xs.dtype)
    for m in range(n):
        x = xs[m]
        for o in range(0, o_count, 2):
            o1 = min(o + 1, o_count - 1)
            f0, f1 = bias[o], bias[o1]
            for q in range(span):
                first[q] = f0
                second[q] = f1
            for k in range(c):
                for i in range(reach):
                    base = k * plane + i * width
                    xx = x[base:base + span + {taps - 1}]
{loads}
                    for q in range(span):
                        first[q] += {sums("u")}
                        second[q] += {sums("v")}
            for r in range(rows):
                for q in range(columns):
                    y[m, o, r, q] = first[r * width + q]
                    y[m, o1, r, q] = second[r * width + q]


@njit(cache=True, fastmath=True, nogil=True)
def weight_gradient(g, xs, gw, height, width):
    n, o_count, rows, columns = g.shape
    c, reach = gw.shape[1], gw.shape[2]
    span = (rows - 1) * width + columns
    plane = height * width
    zero = g.dtype.type(0)
    wide = np.zeros((o_count, rows * width), g.dtype)
    for m in range(n):
        x = xs[m]
        for o in range(o_count):
            for r in range(rows):
                for q in range(columns):
                    wide[o, r * width + q] = g[m, o, r, q]
        for o in range(0, o_count, 2):
            o1 = min(o + 1, o_count - 1)
            ga, gb = wide[o], wide[o1]
            for k in range(c):
                for i in range(reach):
                    base = k * plane + i * width
                    xx = x[base:base + span + {taps - 1}]
                    {zero}
                    for q in range(span):
                        a = ga[q]
                        b = gb[q]
{add}
{keep}
"""


PLAIN = '''
@njit(cache=True, nogil=True)
def columns(x, out, kh, kw, sh, sw, ph, pw, dh, dw):
    """One image's windows as columns. Shapes: x (c, height, width), out (c * kh * kw, rows, columns)."""
    c, height, width = x.shape
    rows, across = out.shape[1], out.shape[2]
    for k in range(c):
        for i in range(kh):
            for j in range(kw):
                at = (k * kh + i) * kw + j
                low = max(0, -(-(pw - j * dw) // sw))
                high = min(across, (width - 1 + pw - j * dw) // sw + 1)
                for r in range(rows):
                    h = r * sh - ph + i * dh
                    if h < 0 or h >= height or high <= low:
                        for q in range(across):
                            out[at, r, q] = 0
                        continue
                    for q in range(low):
                        out[at, r, q] = 0
                    begin = j * dw - pw
                    if sw == 1:
                        for q in range(low, high):
                            out[at, r, q] = x[k, h, begin + q]
                    else:
                        for q in range(low, high):
                            out[at, r, q] = x[k, h, begin + q * sw]
                    for q in range(high, across):
                        out[at, r, q] = 0


@njit(cache=True, nogil=True)
def add_back(shares, x, kh, kw, sh, sw, ph, pw, dh, dw):
    """Columns added back to the places of one image. Shapes: as in columns."""
    c, height, width = x.shape
    rows, across = shares.shape[1], shares.shape[2]
    for k in range(c):
        for i in range(kh):
            for j in range(kw):
                at = (k * kh + i) * kw + j
                low = max(0, -(-(pw - j * dw) // sw))
                high = min(across, (width - 1 + pw - j * dw) // sw + 1)
                begin = j * dw - pw
                for r in range(rows):
                    h = r * sh - ph + i * dh
                    if h < 0 or h >= height:
                        continue
                    for q in range(low, high):
                        x[k, h, begin + q * sw] += shares[at, r, q]
'''
