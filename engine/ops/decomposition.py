"""Matrix decompositions by LAPACK: Cholesky, QR, SVD, eigenvalues, LU; torch.linalg."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.kernels.singular import decomposed
from engine.ops.formula import OPS
from engine.ops.calling import named_tuple
from engine.ops.record import composite, kernel


def square_check(a: Any, name: str, needs_float: bool = True) -> None:
    """Raises: RuntimeError where `a` is no batch of square matrices of floats."""
    matrix_check(a, name)
    if a.shape[-1] != a.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {a.shape[-2]} by "
                           f"{a.shape[-1]} "
                           "matrices")
    if needs_float:
        float_check(a, name)


def matrix_check(a: Any, name: str) -> None:
    """Raises: RuntimeError where `a` has fewer than two dimensions."""
    if a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")


def float_check(a: Any, name: str) -> None:
    """Raises: RuntimeError where `a` is of a type that LAPACK has not."""
    if a.dtype.kind not in "fc":
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got "
                           f"{dt.scalar_type_name(dt.of(a))}")
    if a.dtype == np.float16 or a.dtype.kind == "V":
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {dt.scalar_type_name(dt.of(a))}")


class LinAlgError(RuntimeError):
    """torch.linalg.LinAlgError: a matrix that the algorithm cannot handle."""

    __module__ = "torch._C"


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"


def each(a: Any, fn: Any, *shapes: tuple[int, ...], kinds: tuple = ()) -> tuple:
    """Apply `fn` to every matrix of a batch; fn returns one array for each of `shapes`."""
    batch = a.shape[:-2]
    outs = [np.empty(batch + s, k) for s, k in zip(shapes, kinds or [a.dtype] * len(shapes))]
    for i in np.ndindex(*batch):
        for out, value in zip(outs, fn(a[i])):
            out[i] = value
    return tuple(outs)


def matters(grad: Any) -> bool:
    """True where a gradient is not 0, or is itself differentiated (forward mode asks with 0)."""
    return grad.requires_grad or bool((grad != 0).any())


def diag_of(t: Any) -> Any:
    """The diagonals of a batch of matrices."""
    return t.diagonal(0, -2, -1)


def halved(t: Any) -> Any:
    """The lower triangle with half the diagonal."""
    low = t.tril()
    return low - diag_of(t).diag_embed() * 0.5


def inverse_of(t: Any) -> Any:
    """The inverse by the record of linalg.inv."""
    return OPS["linalg_inv_ex"](t)[0]


# -- Cholesky -----------------------------------------------------------------------------------------------


def _cholesky_ex(self: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    square_check(self, "linalg.cholesky")
    a = np.tril(self) if not upper else np.conj(np.swapaxes(np.triu(self), -1, -2))
    info = np.zeros(self.shape[:-2], np.int32)

    def one(m: Any) -> tuple[Any, int]:
        import scipy.linalg

        n = len(m)
        if not n:
            return m, 0
        potrf = scipy.linalg.lapack.get_lapack_funcs("potrf", (m,))
        y, bad = potrf(m, lower=1, clean=1)
        return y, bad

    L = np.empty_like(a)
    for i in np.ndindex(*self.shape[:-2]):
        L[i], info[i] = one(a[i])
    if check_errors and info.any():
        raise not_positive(info, "linalg.cholesky")
    return (np.conj(np.swapaxes(L, -1, -2)) if upper else L), info


def not_positive(info: Any, name: str) -> LinAlgError:
    """The error for a matrix that is not positive-definite."""
    at = tuple(np.argwhere(info)[0])
    where = f"(Batch element {at[0]}): " if at else ""
    return LinAlgError(f"{name}: {where}The factorization could not be completed because the input is not "
                       f"positive-definite (the leading minor of order {int(info[at])} is not "
                       f"positive-definite).")


def _cholesky_slope(grad: Any, L: Any, upper: bool) -> Any:
    if upper:
        grad, L = grad.mH, L.mH
    inv = inverse_of(L)
    middle = halved(L.mH.matmul(grad))
    g = inv.mH.matmul(middle).matmul(inv)
    return (g + g.mH) * 0.5


cholesky_ex = kernel(
    name="linalg_cholesky_ex", inputs=("self",), grad_fn="LinalgCholeskyExBackward0", on=(), nondiff=(1,),
    returns=("L", "info"), formula=r"A = L\,L^{H}", text="A positive-definite matrix as a triangle times "
                                                         "itself.",
    forward=_cholesky_ex,
    grads={"self": lambda grad, result0, upper: _cholesky_slope(grad, result0, upper)},
)
composite("cholesky_ex", on=("linalg",))(
    lambda A, *, upper=False, check_errors=False: cholesky_ex(A, upper=upper, check_errors=check_errors))


@composite("cholesky", on=("linalg",))
def linalg_cholesky(A: Any, *, upper: bool = False) -> Any:
    """The triangle L with A = L L^H."""
    return cholesky_ex(A, upper=upper, check_errors=True)[0]


cholesky = kernel(
    name="cholesky", inputs=("self",), grad_fn="CholeskyBackward0", formula=r"A = L\,L^{H}",
    text="A positive-definite matrix as a triangle times itself.",
    forward=lambda self, upper=False: _cholesky_ex(self, upper=upper, check_errors=True)[0],
    grads={"self": lambda grad, result, upper: _cholesky_slope(grad, result, upper)},
)


# -- QR -----------------------------------------------------------------------------------------------------


def _qr(self: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' "
                           f"(default), 'r', or "
                           "'complete'")
    matrix_check(self, "linalg.qr")
    float_check(self, "linalg.qr")
    if mode == "r":
        return np.empty(0, self.dtype), np.linalg.qr(self, "r")
    q, r = np.linalg.qr(self, mode)
    return q, r


def _qr_slope(gq: Any, gr: Any, q: Any, r: Any, mode: str) -> Any:
    if mode == "r":
        raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
                           "Please use "
                           "linalg.qr(A, mode='reduced') if you are going to require gradients.")
    m, n = q.shape[-2], r.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > "
                           "ncols.")
    if m >= n:
        return _tall_slope(gq, gr, q, r)
    from engine import cat

    r1 = r.narrow(-1, 0, m)
    a2 = q.matmul(r.narrow(-1, m, n - m))
    gr2 = gr.narrow(-1, m, n - m)
    left = _tall_slope(gq + a2.matmul(gr2.mH), gr.narrow(-1, 0, m), q, r1)
    return cat([left, q.matmul(gr2)], -1)


def _tall_slope(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    k = (gr.matmul(r.mH) - q.mH.matmul(gq)).triu()
    sym = k + k.mH - (diag_of(k).real if k.is_complex() else diag_of(k)).diag_embed().to(k.dtype)
    if k.is_complex():
        imag = diag_of(k) - diag_of(k).real
        sym = sym + 0 * imag.diag_embed()
    return (gq + q.matmul(sym)).matmul(inverse_of(r.mH))


linalg_qr_ = kernel(
    name="linalg_qr", inputs=("A",), grad_fn="LinalgQrBackward0", on=(), returns=("Q", "R"),
    formula=r"A = Q\,R", text="A matrix as a rotation times a triangle.",
    forward=lambda A, mode="reduced": _qr(A, mode),
    grads={"A": lambda grads, result0, result1, mode: _qr_slope(grads[0], grads[1], result0, result1, mode)},
)
composite("qr", on=("linalg",))(lambda A, mode="reduced": linalg_qr_(A, mode))
_QR = named_tuple("qr", ("Q", "R"))
composite("qr")(lambda self, some=True: _QR(tuple(linalg_qr_(self, "reduced" if some else "complete"))))


# -- singular values ----------------------------------------------------------------------------------------


def _svd(self: Any, full_matrices: bool = False) -> Any:
    matrix_check(self, "linalg.svd")
    float_check(self, "linalg.svd")
    return decomposed(self, full_matrices)


def skew(t: Any) -> Any:
    """t less its adjoint."""
    return t - t.mH


def _svd_slope(gu: Any, gs: Any, gvh: Any, u: Any, s: Any, vh: Any) -> Any:
    m, n, k = u.shape[-2], vh.shape[-1], s.shape[-1]
    u, vh = u.narrow(-1, 0, k), vh.narrow(-2, 0, k)
    gu, gvh = gu.narrow(-1, 0, k), gvh.narrow(-2, 0, k)
    middle = gs.diag_embed().to(u.dtype)
    outer = None
    if matters(gu) or matters(gvh):
        squares = s * s
        from engine import eye

        e = squares.unsqueeze(-2) - squares.unsqueeze(-1) + eye(k, dtype=s.dtype)
        from_u = skew(u.mH.matmul(gu)) / e * s.unsqueeze(-2)
        from_v = s.unsqueeze(-1) * (skew(vh.matmul(gvh.mH)) / e)
        middle = middle + from_u + from_v
        if u.is_complex():
            phase = diag_of(skew(u.mH.matmul(gu))) / (2 * s)
            middle = middle + phase.diag_embed()
        if m > k:
            inside = gu / s.unsqueeze(-2)
            outer = (inside - u.matmul(u.mH.matmul(inside))).matmul(vh)
        if n > k:
            inside = gvh / s.unsqueeze(-1)
            right = u.matmul(inside - inside.matmul(vh.mH).matmul(vh))
            outer = right if outer is None else outer + right
    g = u.matmul(middle).matmul(vh)
    return g if outer is None else g + outer


svd_ = kernel(
    name="_linalg_svd",
    inputs=("A",),
    grad_fn="LinalgSvdBackward0",
    on=("torch",),
    returns=("U", "S", "Vh"),
    out=False,
    formula=r"A = U\,\Sigma\,V^{H}",
    text="A matrix as a rotation, a stretch, and a rotation.",
    forward=lambda A, full_matrices=False: _svd(A, full_matrices),
    grads={"A": lambda grads, result0, result1, result2: _svd_slope(*grads, result0, result1, result2)},  # type: ignore[call-arg]
)
_LINALG_SVD, _SVD = named_tuple("linalg_svd", ("U", "S", "Vh")), named_tuple("svd", ("U", "S", "V"))
composite("svd", on=("linalg",))(
    lambda A, full_matrices=True, *, driver=None: _LINALG_SVD(tuple(svd_(A, full_matrices)))
)
composite("svdvals", on=("linalg",))(lambda A, *, driver=None: svd_(A, False)[1])


@composite("svd")
def svd(self: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """U, S and V (not its adjoint) with self = U diag(S) V^H."""
    u, s, vh = svd_(self, not some)
    if not compute_uv:
        from engine import zeros

        batch = tuple(self.shape[:-2])
        return _SVD((zeros(*batch, self.shape[-2], self.shape[-2], dtype=self.dtype), s,
                     zeros(*batch, self.shape[-1], self.shape[-1], dtype=self.dtype)))
    return _SVD((u, s, vh.mH))


# -- eigenvalues --------------------------------------------------------------------------------------------


def _eigh(self: Any, UPLO: str = "L", compute_v: bool = True) -> Any:
    square_check(self, "linalg.eigh")
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    w, v = np.linalg.eigh(self, UPLO.upper())
    return w, v


def _eigh_slope(gl: Any, gv: Any, values: Any, v: Any) -> Any:
    inner, part = gl.diag_embed().to(v.dtype), None
    if gv is not None and matters(gv):
        from engine import eye

        vgv = v.mH.matmul(gv)
        e = values.unsqueeze(-2) - values.unsqueeze(-1)
        part = vgv / (e + eye(values.shape[-1], dtype=values.dtype))
        inner = inner + part - diag_of(part).diag_embed()
    g = v.matmul(inner).matmul(v.mH)
    return (g + g.mH) / 2 if part is not None else g


eigh_ = kernel(
    name="_linalg_eigh", inputs=("A",), grad_fn="LinalgEighBackward0", on=("torch",), out=False,
    returns=("eigenvalues", "eigenvectors"), formula=r"A = V\,\Lambda\,V^{H}",
    text="The directions that a symmetric matrix only stretches, and by how much.",
    forward=lambda A, UPLO="L": _eigh(A, UPLO),
    grads={"A": lambda grads, result0, result1: _eigh_slope(grads[0], grads[1], result0, result1)},
)
_EIGH = named_tuple("linalg_eigh", ("eigenvalues", "eigenvectors"))
composite("eigh", on=("linalg",))(lambda A, UPLO="L": _EIGH(tuple(eigh_(A, UPLO))))
composite("eigvalsh", on=("linalg",))(lambda A, UPLO="L": eigh_(A, UPLO)[0])


def _eig(self: Any) -> Any:
    square_check(self, "linalg.eig")
    if not np.isfinite(self).all():
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
    kind = np.complex64 if self.dtype in (np.float32, np.complex64) else np.complex128
    w, v = np.linalg.eig(self)
    return w.astype(kind), v.astype(kind)


def _eig_slope(gl: Any, gv: Any, values: Any, v: Any) -> Any:
    from engine import eye

    inner = gl.diag_embed()
    if matters(gv):
        vgv = v.mH.matmul(gv)
        diag_re = diag_of(vgv).real.unsqueeze(-2)
        result = vgv - v.mH.matmul(v * diag_re)
        e = (values.unsqueeze(-2) - values.unsqueeze(-1)).conj() + eye(values.shape[-1], dtype=values.dtype)
        part = result / e
        inner = inner + part - diag_of(part).diag_embed()
    return inverse_of(v.mH).matmul(inner).matmul(v.mH)


eig_ = kernel(
    name="linalg_eig",
    inputs=("self",),
    grad_fn="LinalgEigBackward0",
    on=(),
    returns=("eigenvalues", "eigenvectors"),
    formula=r"A = V\,\Lambda\,V^{-1}",
    text="The directions that a matrix only stretches, and by how much.",
    forward=_eig,
    grads={"self": lambda grads, result0, result1: _eig_slope(grads[0], grads[1], result0, result1)},
)
composite("eig", on=("linalg",))(lambda A: eig_(A))
composite("eigvals", on=("linalg",))(lambda A: eig_(A)[0])


# -- LU -----------------------------------------------------------------------------------------------------


def lu_of(a: Any) -> tuple[Any, Any, Any]:
    """(LU in one matrix, pivots counted from 1, info) of a batch."""
    import scipy.linalg

    m, n = a.shape[-2:]
    k = min(m, n)
    batch = a.shape[:-2]
    lu, pivots, info = np.empty(a.shape, a.dtype), np.empty((*batch, k), np.int32), np.zeros(batch, np.int32)
    getrf = scipy.linalg.lapack.get_lapack_funcs("getrf", (a,))
    for i in np.ndindex(*batch):
        if k:
            lu[i], p, info[i] = getrf(a[i])
            pivots[i] = p + 1
    return lu, pivots, info


def permutation_of(pivots: Any, m: int) -> Any:
    """Which row of A each row of LU is, from LAPACK's swaps."""
    batch = pivots.shape[:-1]
    order = np.empty((*batch, m), np.int64)
    for i in np.ndindex(*batch):
        rows = np.arange(m)
        for j, p in enumerate(pivots[i]):
            rows[[j, p - 1]] = rows[[p - 1, j]]
        order[i] = rows
    return order


def permutation_matrix(pivots: Any, m: int, kind: Any) -> Any:
    """P with A = P L U."""
    order = permutation_of(pivots, m)
    p = np.zeros((*order.shape, m), kind)
    np.put_along_axis(p, order[..., None], 1, -1)
    return np.swapaxes(p, -1, -2)


def triangles(lu: Any) -> tuple[Any, Any]:
    """(L with ones on its diagonal, U) from LU in one matrix."""
    m, n = lu.shape[-2:]
    k = min(m, n)
    low = np.tril(lu[..., :, :k], -1)
    i = np.arange(k)
    low[..., i, i] = 1
    return low, np.triu(lu[..., :k, :])


def _lu_slope(gl: Any, gu: Any, L: Any, U: Any) -> Any:
    """The gradient of P^T A, from those of L and U. Source: PyTorch's behaviour for wide, square and tall
    A."""
    from engine import cat

    m, n = L.shape[-2], U.shape[-1]
    k = min(m, n)
    l1, u1 = L.narrow(-2, 0, k), U.narrow(-1, 0, k)
    gl1, gu1 = gl.narrow(-2, 0, k), gu.narrow(-1, 0, k)
    li, ui = inverse_of(l1).mH, inverse_of(u1).mH
    extra = None
    if m < n:
        extra = li.matmul(gu.narrow(-1, k, n - k))
        gl1 = gl1 - extra.matmul(U.narrow(-1, k, n - k).mH)
    elif m > n:
        extra = gl.narrow(-2, k, m - k).matmul(ui)
        gu1 = gu1 - L.narrow(-2, k, m - k).mH.matmul(extra)
    g = li.matmul(l1.mH.matmul(gl1).tril(-1) + gu1.matmul(u1.mH).triu()).matmul(ui)
    if extra is not None:
        g = cat([g, extra], -1 if m < n else -2)
    return g


def _linalg_lu(A: Any, *, pivot: bool = True) -> Any:
    matrix_check(A, "linalg.lu")
    float_check(A, "linalg.lu")
    lu, pivots, _ = lu_of(A)
    low, up = triangles(lu)
    return permutation_matrix(pivots, A.shape[-2], A.dtype), low, up


linalg_lu = kernel(
    name="linalg_lu",
    inputs=("A",),
    grad_fn="LinalgLuBackward0",
    on=(),
    returns=("P", "L", "U"),
    nondiff=(0,),
    formula=r"A = P\,L\,U",
    text="A matrix as a permutation and two triangles.",
    forward=_linalg_lu,
    grads={
        "A": lambda grads, result0, result1, result2: result0.matmul(
            _lu_slope(grads[1], grads[2], result1, result2)
        )
    },
)
composite("lu", on=("linalg",))(lambda A, *, pivot=True: linalg_lu(A, pivot=pivot))


def _lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> Any:
    matrix_check(A, "torch.lu_factor")
    float_check(A, "torch.lu_factor")
    return lu_of(A)


def _factor_slope(grad: Any, lu: Any, pivots: Any) -> Any:
    m, n = lu.shape[-2:]
    k = min(m, n)
    from engine import eye

    low = lu.narrow(-1, 0, k).tril(-1) + eye(m, k, dtype=lu.dtype)
    p = nodes.Tensor._of(permutation_matrix(pivots._a, m, lu._a.dtype))
    return p.matmul(_lu_slope(grad.narrow(-1, 0, k).tril(-1), grad.narrow(-2, 0, k).triu(), low,
                              lu.narrow(-2, 0, k).triu()))


lu_factor_ex = kernel(
    name="linalg_lu_factor_ex", inputs=("A",), grad_fn="LinalgLuFactorExBackward0", on=(),
    returns=("LU", "pivots", "info"), nondiff=(1, 2), formula=r"A = P\,L\,U", text="LU in one matrix, with "
                                                                                   "its swaps.",
    forward=_lu_factor_ex,
    grads={"A": lambda grad, result0, result1: _factor_slope(grad, result0, result1)},
)
composite("lu_factor_ex", on=("linalg",))(
    lambda A, *, pivot=True, check_errors=False: lu_factor_ex(A, pivot=pivot, check_errors=check_errors))
_FACTOR = named_tuple("linalg_lu_factor", ("LU", "pivots"))
composite("lu_factor", on=("linalg",))(
    lambda A, *, pivot=True: _FACTOR(tuple(lu_factor_ex(A, pivot=pivot))[:2])
)


@composite("lu")
def lu(self: Any, pivot: bool = True, get_infos: bool = False) -> Any:
    """LU in one matrix, pivots, and with get_infos the success of each."""
    factored, pivots, info = lu_factor_ex(self, pivot=pivot)
    return (factored, pivots, info) if get_infos else (factored, pivots)


lu_unpack = kernel(
    name="lu_unpack", inputs=("LU_data",), on=("torch",), returns=("P", "L", "U"), nondiff=(0,),
    formula=r"LU \to P, L, U", text="The parts of LU in one matrix.",
    forward=lambda LU_data, LU_pivots, unpack_data=True, unpack_pivots=True:
    _unpack(LU_data, LU_pivots, unpack_data, unpack_pivots),
    grads={"LU_data": lambda grads, LU_data_shape: _unpack_slope(grads, LU_data_shape)},
)


def _unpack(data: Any, pivots: Any, unpack_data: bool, unpack_pivots: bool) -> Any:
    if unpack_pivots and pivots.dtype != np.int32:
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 "
                           "dtype.\n"
                           "Note: this function is intended to be used with the output produced by "
                           "torch.linalg.lu_factor")
    none = np.empty(0, data.dtype)
    low, up = triangles(data) if unpack_data else (none, none)
    return (permutation_matrix(pivots, data.shape[-2], data.dtype) if unpack_pivots else none), low, up


def _unpack_slope(grads: tuple, shape: tuple[int, ...]) -> Any:
    from engine.nn.functional import pad

    m, n = shape[-2:]
    low, up = grads[1].tril(-1), grads[2].triu()
    if m < n:
        low = pad(low, [0, n - m])
    elif m > n:
        up = pad(up, [0, 0, 0, m - n])
    return low + up
