"""Source of compiled kernels over images and batches: max pooling and batch normalization."""

from __future__ import annotations

SOURCE = '''
@njit(cache=True, nogil=True)
def maximum(x, best, where, kh, kw, sh, sw, ph, pw, dh, dw):
    """Shapes: x (planes, height, width), best and where (planes, rows, columns)."""
    planes, height, width = x.shape
    rows, columns = best.shape[1], best.shape[2]
    for m in range(planes):
        for r in range(rows):
            h0 = r * sh - ph
            while h0 < 0:
                h0 += dh
            h1 = min(r * sh - ph + (kh - 1) * dh + 1, height)
            for q in range(columns):
                w0 = q * sw - pw
                while w0 < 0:
                    w0 += dw
                w1 = min(q * sw - pw + (kw - 1) * dw + 1, width)
                top = x[m, h0, w0]
                at = h0 * width + w0
                for h in range(h0, h1, dh):
                    for w in range(w0, w1, dw):
                        v = x[m, h, w]
                        if v > top or v != v:
                            top = v
                            at = h * width + w
                best[m, r, q] = top
                where[m, r, q] = at


@njit(cache=True, nogil=True)
def maximum_of_four(x, best, where):
    """Windows of 2 x 2 side by side. Shapes: as in maximum."""
    planes, width = x.shape[0], x.shape[2]
    rows, columns = best.shape[1], best.shape[2]
    for m in range(planes):
        for r in range(rows):
            upper = x[m, 2 * r]
            lower = x[m, 2 * r + 1]
            at = 2 * r * width
            for q in range(columns):
                top = upper[2 * q]
                step = 0
                v = upper[2 * q + 1]
                better = (v > top) | (v != v)
                top = v if better else top
                step = 1 if better else step
                v = lower[2 * q]
                better = (v > top) | (v != v)
                top = v if better else top
                step = width if better else step
                v = lower[2 * q + 1]
                better = (v > top) | (v != v)
                top = v if better else top
                step = width + 1 if better else step
                best[m, r, q] = top
                where[m, r, q] = at + 2 * q + step


@njit(cache=True, nogil=True)
def scatter(g, where, out):
    """Shapes: g and where (planes, places), out (planes, size) of zeros."""
    for m in range(g.shape[0]):
        for i in range(g.shape[1]):
            out[m, where[m, i]] += g[m, i]


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def normalize(x, weight, bias, y, mean, var, invstd, eps, train):
    """Shapes: x and y (n, c, l); weight, bias, mean, var, invstd (c,)."""
    n, c, l = x.shape
    zero = x.dtype.type(0)
    count = x.dtype.type(max(1, n * l))
    for k in range(c):
        if train:
            s = zero
            for m in range(n):
                row = x[m, k]
                for i in range(l):
                    s += row[i]
            mu = s / count
            s = zero
            for m in range(n):
                row = x[m, k]
                for i in range(l):
                    d = row[i] - mu
                    s += d * d
            mean[k] = mu
            var[k] = s / count
        mu = mean[k]
        invstd[k] = 1 / math.sqrt(var[k] + eps)
        scale = invstd[k] * weight[k]
        shift = bias[k] - mu * scale
        for m in range(n):
            row = x[m, k]
            out = y[m, k]
            for i in range(l):
                out[i] = row[i] * scale + shift


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def normalize_back(g, x, weight, mean, invstd, gx, gw, gb, train):
    """Shapes: g, x and gx (n, c, l); the others (c,)."""
    n, c, l = x.shape
    zero = x.dtype.type(0)
    count = x.dtype.type(max(1, n * l))
    for k in range(c):
        mu, inv = mean[k], invstd[k]
        total = zero
        along = zero
        for m in range(n):
            row = x[m, k]
            up = g[m, k]
            for i in range(l):
                total += up[i]
                along += up[i] * (row[i] - mu)
        along *= inv
        gb[k] = total
        gw[k] = along
        scale = inv * weight[k]
        a = zero
        b = zero
        if train:
            a = total / count
            b = along * inv / count
        for m in range(n):
            row = x[m, k]
            up = g[m, k]
            out = gx[m, k]
            for i in range(l):
                out[i] = (up[i] - a - (row[i] - mu) * b) * scale
'''
