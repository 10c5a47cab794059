"""Solving with matrices: inverse, determinant, linear systems, pseudo-inverse, powers; torch.linalg."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.core.shape import broadcast_shapes
from engine.ops.calling import named_tuple
from engine.ops.decomposition import (
    LinAlgError, float_check, inverse_of, lu_of, matrix_check,
    square_check, svd_,
)
from engine.ops.record import composite, kernel


def _inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    square_check(A, "linalg.inv_ex")
    lu, _, info = lu_of(A)
    try:
        y = np.linalg.inv(A)
    except np.linalg.LinAlgError:
        y = np.zeros_like(A)
        for i in np.ndindex(*A.shape[:-2]):
            if not info[i]:
                y[i] = np.linalg.inv(A[i])
    if check_errors and info.any():
        raise _singular(info, "linalg.inv", "inversion could not be completed because the input matrix is "
                                            "singular")
    return y, info


def _singular(info: Any, name: str, what: str) -> LinAlgError:
    at = tuple(np.argwhere(info)[0])
    where = f"(Batch element {at[0]}): " if at else ""
    return LinAlgError(f"{name}: {where}The diagonal element {int(info[at])} is zero, the {what}.")


inv_ex = kernel(
    name="linalg_inv_ex",
    inputs=("A",),
    grad_fn="LinalgInvExBackward0",
    on=(),
    returns=("inverse", "info"),
    nondiff=(1,),
    formula=r"Y = A^{-1}",
    text="The matrix that undoes another.",
    forward=_inv_ex,
    grads={"A": lambda grad, result0: -result0.mH.matmul(grad.matmul(result0.mH))},
)
composite("inv_ex", on=("linalg",))(lambda A, *, check_errors=False: inv_ex(A, check_errors=check_errors))


@composite("inv", on=("linalg",))
def inv(A: Any) -> Any:
    """The inverse of each matrix."""
    return inv_ex(A, check_errors=True)[0]


composite("inverse")(lambda self: inv_ex(self, check_errors=True)[0])


# -- determinants -------------------------------------------------------------------------------------------


def _det_slope(grad: Any, A: Any, det: Any) -> Any:
    if bool((det == 0).any()):
        # The adjugate from the singular values: each times the product of the others.
        u, s, vh = svd_(A, False)
        k = s.shape[-1]
        T = nodes.Tensor
        others = np.stack([np.prod(np.delete(s._a, i, -1), -1) for i in range(k)], -1)
        sign = np.linalg.det(u._a) * np.linalg.det(vh._a)
        g = u.matmul(
            (T._of(others) * T._of(np.asarray(sign.conj())).unsqueeze(-1)).diag_embed().to(u.dtype)
        ).matmul(vh)
        return grad.unsqueeze(-1).unsqueeze(-1) * g
    return (grad * det.conj()).unsqueeze(-1).unsqueeze(-1) * inverse_of(A).mH


det_ = kernel(
    name="linalg_det", inputs=("A",), grad_fn="LinalgDetBackward0", on=(), formula=r"y = \det A",
    text="How much a matrix stretches volume.",
    forward=lambda A: _det(A),
    grads={"A": lambda grad, A, result: _det_slope(grad, A, result)},
)


def _det(A: Any) -> Any:
    square_check(A, "linalg.det")
    return np.linalg.det(A)


composite("det", on=("torch", "Tensor"))(lambda self: det_(self))
composite("det", on=("linalg",))(lambda A: det_(A))


def _slogdet(A: Any) -> Any:
    square_check(A, "linalg.slogdet")
    sign, size = np.linalg.slogdet(A)
    return np.asarray(sign), np.asarray(size)


def _slogdet_slope(grads: tuple, A: Any, sign: Any) -> Any:
    inverse = inverse_of(A).mH
    g = grads[1]
    if A.is_complex():
        turn = (grads[0].conj() * sign)
        g = g - turn.imag * 1j
    return g.unsqueeze(-1).unsqueeze(-1) * inverse


slogdet_ = kernel(
    name="linalg_slogdet",
    inputs=("A",),
    grad_fn="LinalgSlogdetBackward0",
    on=(),
    returns=("sign", "logabsdet"),
    formula=r"y = (\mathrm{sign} \det A, \ln |\det A|)",
    text="Sign and logarithm of the determinant.",
    forward=_slogdet,
    grads={"A": lambda grads, A, result0: _slogdet_slope(grads, A, result0)},
)
_SLOGDET = named_tuple("slogdet", ("sign", "logabsdet"))
composite("slogdet", on=("linalg",))(lambda A: slogdet_(A))
composite("slogdet")(lambda self: _SLOGDET(tuple(slogdet_(self))))


@composite("logdet")
def logdet(self: Any) -> Any:
    """The logarithm of the determinant, NaN where it is negative."""
    from engine import where

    sign, size = slogdet_(self)
    if self.is_complex():
        return sign.log() + size
    return where(sign == -1.0, nodes.Tensor._of(np.asarray(np.nan, size._a.dtype)), size)


# -- systems ------------------------------------------------------------------------------------------------


def is_vector(A: Any, B: Any) -> bool:
    """True when B is a batch of vectors for A, as PyTorch decides."""
    return B.ndim == 1 or A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1])


def _solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:
    square_check(A, "linalg.solve")
    if A.dtype != B.dtype:
        raise RuntimeError(f"linalg.solve: Expected A and B to have the same dtype, but found A of type "
                           f"{dt.scalar_type_name(dt.of(A))} and B of type {dt.scalar_type_name(dt.of(B))} "
                           f"instead")
    vector = is_vector(A, B)
    if vector and not left:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for "
                           "left=False. In "
                           "this case linalg.solve is equivalent to B / A.squeeze(-1)")
    b = B[..., None] if vector else B
    matrix_check(b, "linalg.solve")
    if b.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError("linalg.solve: Incompatible shapes of A and B for the equation "
                           f"{'AX = B' if left else 'XA = B'} ({A.shape[-2]}x{A.shape[-1]} and "
                           f"{b.shape[-2]}x{b.shape[-1]})")
    broadcast_shapes(A.shape[:-2], b.shape[:-2])
    info = lu_of(A)[2]
    if check_errors and info.any():
        raise LinAlgError("torch.linalg.solve: " + ("" if not A.ndim - 2 else f"(Batch element "
                                                                              f"{np.argwhere(info)[0][0]}): ")
                          + "The solver failed because the input matrix is singular.")
    y = (
        np.linalg.solve(A, b)
        if left
        else np.swapaxes(np.linalg.solve(np.swapaxes(A, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)
    )
    return (y[..., 0] if vector else y), info


def _solve_slopes(grad: Any, A: Any, X: Any, B_shape: tuple, left: bool) -> tuple[Any, Any]:
    vector = len(B_shape) == 1 or A.ndim - 1 == len(B_shape) and tuple(B_shape) == tuple(A.shape[:-1])
    g, x = (grad.unsqueeze(-1), X.unsqueeze(-1)) if vector else (grad, X)
    gb = solve_ex(A.mH, g, left=left)[0]
    ga = -gb.matmul(x.mH) if left else -x.mH.matmul(gb)
    return ga, gb.squeeze(-1) if vector else gb


solve_ex = kernel(
    name="_linalg_solve_ex",
    inputs=("A", "B"),
    grad_fn="LinalgSolveExBackward0",
    on=("torch",),
    returns=("result", "info"),
    nondiff=(1,),
    formula=r"A\,X = B",
    text="The X that A turns into B.",
    forward=_solve_ex,
    grads={
        ("A", "B"): lambda grad, A, result0, B_shape, left: _solve_slopes(grad, A, result0, B_shape, left)
    },
)
_SOLVE_EX = named_tuple("linalg_solve_ex", ("result", "info"))
composite("solve", on=("linalg",))(lambda A, B, *, left=True: solve_ex(A, B, left=left, check_errors=True)[0])
composite("solve_ex", on=("linalg",))(lambda A, B, *, left=True, check_errors=False:
                                      _SOLVE_EX(tuple(solve_ex(A, B, left=left, check_errors=check_errors))))


def _triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    square_check(A, "linalg.solve_triangular", False)
    if B.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError("linalg.solve_triangular: Incompatible shapes of A and B for the equation "
                           f"{'AX = B' if left else 'XA = B'} ({A.shape[-2]}x{A.shape[-1]} and "
                           f"{B.shape[-2]}x{B.shape[-1]})")
    a = np.triu(A) if upper else np.tril(A)
    if unitriangular:
        a = a.copy()
        i = np.arange(a.shape[-1])
        a[..., i, i] = 1
    if not left:
        return np.swapaxes(_back(np.swapaxes(a, -1, -2), np.swapaxes(B, -1, -2), not upper), -1, -2)
    return _back(a, B, upper)


def _back(a: Any, b: Any, upper: bool) -> Any:
    import scipy.linalg

    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    y = np.empty(b.shape, b.dtype)
    trtrs = scipy.linalg.lapack.get_lapack_funcs("trtrs", (a, b))
    for i in np.ndindex(*batch):
        y[i] = trtrs(a[i], b[i], lower=not upper)[0] if b.shape[-1] and b.shape[-2] else 0
    return y


def _triangular_slopes(grad: Any, A: Any, X: Any, upper: bool, left: bool, unit: bool) -> tuple[Any, Any]:
    gb = solve_triangular(A.mH, grad, upper=not upper, left=left, unitriangular=unit)
    ga = -gb.matmul(X.mH) if left else -X.mH.matmul(gb)
    ga = ga.triu(int(unit)) if upper else ga.tril(-int(unit))
    return ga, gb


solve_triangular = kernel(
    name="linalg_solve_triangular", inputs=("A", "B"), grad_fn="LinalgSolveTriangularBackward0", on=(),
    formula=r"A\,X = B", text="Solves with a triangle, row by row.",
    forward=_triangular,
    grads={("A", "B"): lambda grad, A, result, upper, left, unitriangular:
           _triangular_slopes(grad, A, result, upper, left, unitriangular)},
)
composite("solve_triangular", on=("linalg",))(
    lambda A, B, *, upper, left=True, unitriangular=False: solve_triangular(A, B, upper=upper, left=left,
                                                                            unitriangular=unitriangular))
_TRIANGULAR = named_tuple("triangular_solve", ("solution", "cloned_coefficient"))


@composite("triangular_solve")
def triangular_solve(
    self: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """Solves A X = self with a triangle A; gives X and a copy of A."""
    a = A.mT if transpose else A
    x = solve_triangular(a, self, upper=upper != transpose, unitriangular=unitriangular)
    batch = broadcast_shapes(tuple(A.shape[:-2]), tuple(self.shape[:-2]))
    return _TRIANGULAR((x, A.expand((*batch, *A.shape[-2:])).clone()))


def _cholesky_solve(self: Any, L: Any, upper: bool = False) -> Any:
    if self.ndim < 2:
        raise RuntimeError(f"b should have at least 2 dimensions, but has {self.ndim} dimensions instead")
    if L.ndim < 2:
        raise RuntimeError(f"u should have at least 2 dimensions, but has {L.ndim} dimensions instead")
    low = np.swapaxes(L, -1, -2).conj() if upper else L
    y = _triangular(low, self, upper=False)
    return _triangular(np.swapaxes(low, -1, -2).conj(), y, upper=True)


def _cholesky_slopes(grad: Any, L: Any, X: Any, upper: bool, self_shape: tuple) -> tuple[Any, Any]:
    gb = cholesky_solve(grad, L, upper)
    both = gb.matmul(X.mH)
    both = both + both.mH
    # The other triangle of L takes part, as it does in PyTorch.
    gl = -(L.matmul(both) if upper else both.matmul(L))
    return gb.sum_to_size(self_shape), gl.sum_to_size(L.shape)


cholesky_solve = kernel(
    name="cholesky_solve", inputs=("self", "L"), grad_fn="CholeskySolveBackward0",
    formula=r"L\,L^H X = B", text="Solves (L L^H) X = self with two triangles.",
    forward=_cholesky_solve,
    grads={("self", "L"): lambda grad, self_shape, L, result, upper:
           _cholesky_slopes(grad, L, result, upper, self_shape)},
)


def _cholesky_inverse(self: Any, upper: bool = False) -> Any:
    if self.ndim < 2 or self.shape[-1] != self.shape[-2]:
        matrix_check(self, "cholesky_inverse")
        square_check(self, "cholesky_inverse")
    one = np.broadcast_to(np.eye(self.shape[-1], dtype=self.dtype), self.shape)
    return _cholesky_solve(one, self, upper)


def _cholesky_inverse_slope(grad: Any, L: Any, result: Any, upper: bool) -> Any:
    both = result.matmul((grad + grad.mH).matmul(result))
    return -(L.matmul(both) if upper else both.matmul(L))


cholesky_inverse = kernel(
    name="cholesky_inverse", inputs=("self",), grad_fn="CholeskyInverseBackward0",
    formula=r"Y = (L\,L^H)^{-1}", text="The inverse of L L^H.",
    forward=_cholesky_inverse,
    grads={"self": lambda grad, self, result, upper: _cholesky_inverse_slope(grad, self, result, upper)},
)


@composite("lu_solve", on=("linalg",))
def linalg_lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Any:
    """Solves with a matrix given by its LU."""
    from engine import lu_unpack

    square_check(LU._a, "torch.linalg.lu_solve")
    p, low, up = lu_unpack(LU, pivots)
    a = p.matmul(low).matmul(up)
    return solve_ex(a.mH if adjoint else a, B, left=left)[0]


composite("lu_solve")(lambda self, LU_data, LU_pivots: linalg_lu_solve(LU_data, LU_pivots, self))


# -- least squares and the pseudo-inverse -------------------------------------------------------------------


def _pinv(A: Any, rcond: Any, hermitian: bool) -> Any:
    matrix_check(A, "linalg.pinv")
    float_check(A, "linalg.pinv")
    if not A.size:
        return np.empty((*A.shape[:-2], A.shape[-1], A.shape[-2]), A.dtype)
    if hermitian:
        values, v = np.linalg.eigh(A)
        sizes = np.abs(values)
        top = sizes.max(-1, keepdims=True)
        cut = np.maximum(np.asarray(rcond[0])[..., None], np.asarray(rcond[1])[..., None] * top)
        shares = np.where(sizes > cut, 1 / np.where(sizes > cut, values, 1), 0).astype(values.dtype)
        return v * shares[..., None, :] @ np.swapaxes(v.conj(), -1, -2)
    u, s, vh = np.linalg.svd(A, full_matrices=False)
    top = s.max(-1, keepdims=True)
    cut = np.maximum(np.asarray(rcond[0])[..., None], np.asarray(rcond[1])[..., None] * top)
    inverse = np.where(s > cut, 1 / np.where(s > cut, s, 1), 0).astype(s.dtype)
    return np.swapaxes(vh.conj(), -1, -2) * inverse[..., None, :] @ np.swapaxes(u.conj(), -1, -2)


def _pinv_slope(grad: Any, A: Any, P: Any) -> Any:
    m, n = A.shape[-2:]
    gh, ph = grad.mH, P.mH
    if m <= n:
        k = gh.matmul(P)
        kph = k.matmul(ph)
        return -(P.matmul(k)).mH + kph - A.matmul(P).matmul(kph) + ph.matmul(P).matmul(gh - k.matmul(A))
    k = P.matmul(gh)
    phk = ph.matmul(k)
    return -(k.matmul(P)).mH + (gh - A.matmul(k)).matmul(P).matmul(ph) + phk - phk.matmul(P).matmul(A)


pinv_ = kernel(
    name="linalg_pinv", inputs=("A",), grad_fn="LinalgPinvBackward0", on=(), formula=r"Y = A^{+}",
    text="The nearest thing to an inverse.",
    forward=lambda A, rcond=(0, 1e-15), hermitian=False: _pinv(A, rcond, hermitian),
    grads={"A": lambda grad, A, result: _pinv_slope(grad, A, result)},
)


@composite("pinv", on=("linalg",))
def pinv(A: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    """The pseudo-inverse of each matrix."""
    return pinv_(A, _cuts(A, atol, rtol if rcond is None else rcond), hermitian)


def _cuts(A: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    if A.dtype.category >= dt.FLOAT and rtol is None:
        eps = np.finfo(A._a.dtype).eps
        given = atol is not None and float(np.max(getattr(atol, "_a", atol))) > 0
        rtol = 0.0 if given else eps * max(A.shape[-2:])
    return (getattr(atol, "_a", atol if atol is not None else 0.0), getattr(rtol, "_a", rtol))


composite("pinverse")(lambda self, rcond=1e-15: pinv_(self, (0.0, rcond), False))


@composite("matrix_rank", on=("linalg",))
def matrix_rank(
    A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Any:
    """How many singular values are not zero."""
    matrix_check(A._a, "linalg.matrix_rank")
    a, r = _cuts(A, tol if tol is not None else atol, 0.0 if tol is not None else rtol)
    s = np.linalg.svd(A._a, compute_uv=False)
    top = s.max(-1, keepdims=True) if s.shape[-1] else s
    cut = np.maximum(np.asarray(a)[..., None], np.asarray(r)[..., None] * top) if s.shape[-1] else 0
    return nodes.Tensor._of(np.asarray((s > cut).sum(-1), np.int64))


# -- powers and exponentials --------------------------------------------------------------------------------


@composite("matrix_power", on=("torch", "Tensor"))
def matrix_power(self: Any, n: int) -> Any:
    """The matrix times itself n times."""
    from engine import eye

    square_check(self._a, "linalg.matrix_power", False)
    if n == 0:
        return self.clone().copy_(eye(self.shape[-1], dtype=self.dtype).expand(self.shape))
    base = self if n > 0 else inv(self)
    n = abs(n)
    if n == 3:
        return base.matmul(base).matmul(base)
    result = None
    while n:
        if n & 1:
            result = base if result is None else result.matmul(base)
        n >>= 1
        if n:
            base = base.matmul(base)
    return result.clone() if result is self else result


composite("matrix_power", on=("linalg",))(lambda A, n: matrix_power(A, n))


def _matrix_exp(self: Any) -> Any:
    import scipy.linalg

    square_check(self, "linalg.matrix_exp")
    return scipy.linalg.expm(self).astype(self.dtype) if self.size else np.array(self)


def _matrix_exp_slope(grad: Any, A: Any) -> Any:
    # exp of [[A^H, G], [0, A^H]] has the gradient in its upper right corner.
    from engine import cat

    n = A.shape[-1]
    ah = A.mH
    top, low = cat([ah, grad], -1), cat([ah * 0, ah], -1)
    return matrix_exp(cat([top, low], -2)).narrow(-2, 0, n).narrow(-1, n, n)


matrix_exp = kernel(
    name="linalg_matrix_exp", inputs=("self",), grad_fn="LinalgMatrixExpBackward0", on=("torch",),
    formula=r"Y = e^{A}", text="The exponential series of a matrix.",
    forward=_matrix_exp, grads={"self": lambda grad, self: _matrix_exp_slope(grad, self)},
)
composite("matrix_exp", on=("torch", "Tensor"))(lambda self: matrix_exp(self))
composite("matrix_exp", on=("linalg",))(lambda A: matrix_exp(A))
