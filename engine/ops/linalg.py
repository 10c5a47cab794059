"""The rest of torch.linalg: norms of matrices, condition, cross products, tensors as matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.core.shape import wrap_dim
from engine.ops.decomposition import each, float_check, matrix_check, square_check, svd_
from engine.ops.calling import named_tuple
from engine.ops.record import composite, kernel, without_derivative
from engine.ops.solving import inv
from engine.ops.statistic import vector_norm


@composite("norm", on=("linalg",))
def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """A norm of vectors or matrices, by what dim and ord say."""
    if dim is not None and not isinstance(dim, int) and len(dim) not in (1, 2) and ord is not None:
        raise RuntimeError("linalg.norm: If dim is specified, it must be of length 1 or 2. Got "
                           f"{list(dim)}")
    if dim is None and ord is not None and A.ndim not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                           f"{A.ndim}D.")
    if ord is not None and (
        dim is not None and not isinstance(dim, int) and len(dim) == 2 or dim is None and A.ndim == 2
    ):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.vector_norm: Order {ord} not supported.")
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


@composite("matrix_norm", on=("linalg",))
def matrix_norm(
    A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Any:
    """A norm of matrices: 'fro', 'nuc', 1, 2, inf and their negatives."""
    matrix_check(A._a, "linalg.matrix_norm")
    float_check(A._a, "linalg.matrix_norm") if dtype is None else None
    dim = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    d0, d1 = (wrap_dim(d, A.ndim) for d in dim)
    if d0 == d1:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if isinstance(ord, str):
        if ord == "fro":
            return vector_norm(A, 2, (d0, d1), keepdim, dtype=dtype)
        if ord != "nuc":
            raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    elif abs(ord) not in (1, 2, float("inf")):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    a = A if dtype is None else A.to(dtype)
    if ord == "nuc" or abs(ord) == 2:
        s = svd_(a.permute([i for i in range(a.ndim) if i not in (d0, d1)] + [d0, d1]), False)[1]
        y = s.sum(-1) if ord == "nuc" else s.amax(-1) if ord > 0 else s.amin(-1)
        if keepdim:
            for d in sorted((d0, d1)):
                y = y.unsqueeze(d)
        return y
    if abs(ord) == float("inf"):
        d0, d1 = d1, d0
    sums = vector_norm(a, 1, d0, keepdim)
    if d1 > d0 and not keepdim:
        d1 -= 1
    return sums.amax(d1, keepdim) if ord > 0 else sums.amin(d1, keepdim)


@composite("cond", on=("linalg",))
def cond(A: Any, p: Any = None) -> Any:
    """How much errors grow when solving with A."""
    matrix_check(A._a, "linalg.cond")
    if p is None or p in (2, -2):
        s = svd_(A, False)[1]
        first, last = s.narrow(-1, 0, 1), s.narrow(-1, s.shape[-1] - 1, 1)
        return (last / first if p == -2 else first / last).squeeze(-1)
    square_check(A._a, "linalg.cond")
    if A.numel() == 0:
        from engine import zeros

        return zeros(tuple(A.shape[:-2]), dtype=A.dtype.to_real())
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


def _cross(self: Any, other: Any, *, dim: int = -1) -> Any:
    if self.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = wrap_dim(dim, self.ndim)
    if self.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {self.shape[d]} "
                           f"and "
                           f"{other.shape[d]}")
    a, b = np.moveaxis(self, d, -1), np.moveaxis(other, d, -1)
    a, b = np.broadcast_arrays(a, b)
    y = np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        -1,
    )
    return np.ascontiguousarray(np.moveaxis(y, -1, d))


cross_ = kernel(
    name="linalg_cross", inputs=("self", "other"), grad_fn="LinalgCrossBackward0", on=(), promote="default",
    formula=r"y = a \times b", text="The direction that stands upright on two.",
    forward=_cross,
    grads={"self": lambda grad, other, dim: cross_(other.conj(), grad, dim=dim),
           "other": lambda grad, self, dim: cross_(grad, self.conj(), dim=dim)},
)
composite("cross", on=("linalg",))(lambda input, other, *, dim=-1: cross_(input, other, dim=dim))


@composite("cross")
def cross(self: Any, other: Any, dim: int | None = None) -> Any:
    """The cross product along dim, by default the first of size 3."""
    if dim is None:
        found = [i for i, n in enumerate(self.shape) if n == 3]
        if not found:
            raise RuntimeError("no dimension of size 3 in input")
        dim = found[0]
    return cross_(self, other, dim=dim)


@composite("vecdot", on=("linalg",))
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """Sums of products along dim, the first conjugated."""
    return (x.conj() * y).sum(dim)


composite("diagonal", on=("linalg",))(lambda A, *, offset=0, dim1=-2, dim2=-1: A.diagonal(offset, dim1, dim2))


@composite("multi_dot", on=("linalg",))
def multi_dot(tensors: Any) -> Any:
    """The product of several matrices, in the cheapest order."""
    ts = list(tensors)
    if len(ts) < 2:
        raise RuntimeError("multi_dot(): expected at least 2 tensors but got " + str(len(ts)))
    for i, t in enumerate(ts):
        if i in (0, len(ts) - 1):
            if t.ndim not in (1, 2):
                raise RuntimeError(f"multi_dot(): the {'first' if i == 0 else 'last'} tensor must be 1D or "
                                   f"2D but got "
                                   f"{t.ndim}D")
        elif t.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {t.ndim}D")
    shape = []
    if ts[0].ndim == 1:
        ts[0] = ts[0].unsqueeze(0)
    else:
        shape.append(ts[0].shape[0])
    if ts[-1].ndim == 1:
        ts[-1] = ts[-1].unsqueeze(-1)
    else:
        shape.append(ts[-1].shape[1])
    for i in range(1, len(ts)):
        if ts[i].shape[0] != ts[i - 1].shape[1]:
            raise RuntimeError(f"multi_dot(): tensors {i - 1} and {i} with shapes {list(ts[i - 1].shape)} "
                               f"and "
                               f"{list(ts[i].shape)} cannot be multiplied")
    return _chain(ts).view(shape)


def _chain(ts: list) -> Any:
    n = len(ts)
    sizes = [t.shape[0] for t in ts] + [ts[-1].shape[1]]
    cost = [[0] * n for _ in range(n)]
    cut = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            best = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
            cost[i][j], cut[i][j] = best

    def go(i: int, j: int) -> Any:
        return ts[i] if i == j else go(i, cut[i][j]).mm(go(cut[i][j] + 1, j))

    return go(0, n - 1)


@composite("vander", on=("linalg",))
def vander(x: Any, *, N: int | None = None) -> Any:
    """The powers of each element, as rows."""
    from engine import cat, ones

    x = x if x.ndim else x.unsqueeze(-1)
    n = x.shape[-1] if N is None else N
    if n <= 1:
        raise RuntimeError("N must be greater than 1.")
    t = x if x.dtype is not dt.bool_ else x.to(dt.int64)
    kind = dt.int64 if t.dtype.category < dt.FLOAT else t.dtype
    run = t.unsqueeze(-1).expand((*t.shape, n - 1)).cumprod(-1)
    return cat([ones((*t.shape, 1), dtype=kind), run], -1)


@composite("tensorinv", on=("linalg",))
def tensorinv(A: Any, ind: int = 2) -> Any:
    """The inverse of a tensor read as a matrix."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    back, front = A.shape[ind:], A.shape[:ind]
    rows, cols = int(np.prod(front, dtype=int)), int(np.prod(back, dtype=int))
    if rows != cols:
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[ind:]) == "
                           "prod(self.shape[:ind]), but "
                           f"got {cols} != {rows}")
    return inv(A.reshape((rows, cols))).reshape((*back, *front))


@composite("tensorsolve", on=("linalg",))
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:
    """Solves with a tensor read as a matrix."""
    from engine import linalg

    a = A
    if dims is not None:
        keep = [i for i in range(A.ndim) if i not in [wrap_dim(d, A.ndim) for d in dims]]
        a = A.permute(keep + [wrap_dim(d, A.ndim) for d in dims])
    shape = a.shape[B.ndim:]
    rows, cols = B.numel(), int(np.prod(shape, dtype=int))
    if rows != cols or a.numel() != rows * cols:
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
                           f"prod(self.shape[:other.ndim]), but got {cols} != {rows}")
    return linalg.solve(a.reshape((rows, cols)), B.flatten()).reshape(shape)


# -- LDL ----------------------------------------------------------------------------------------------------

ldl_factor_ex_ = kernel(
    name="linalg_ldl_factor_ex",
    inputs=("self",),
    grad_fn="NotImplemented",
    on=(),
    returns=("LD", "pivots", "info"),
    nondiff=(1, 2),
    formula=r"A = L\,D\,L^{H}",
    text="A symmetric matrix as triangles and blocks.",
    forward=lambda self, *, hermitian=False: _ldl(self, hermitian),
    grads={"self": without_derivative("linalg_ldl_factor_ex")},
)


def _ldl(self: Any, hermitian: bool) -> Any:
    import scipy.linalg

    square_check(self, "torch.linalg.ldl_factor_ex")
    n = self.shape[-1]
    name = "hetrf" if hermitian and self.dtype.kind == "c" else "sytrf"
    fn = scipy.linalg.lapack.get_lapack_funcs(name, (self,))

    def one(a: Any) -> tuple:
        if not n:
            return a, np.empty(0), 0
        ldu, piv, info = fn(np.tril(a), lower=1)
        return np.tril(ldu), piv, info

    ld, pivots, info = each(self, one, (n, n), (n,), (), kinds=(self.dtype, np.int32, np.int32))
    return ld, pivots, info


_LDL, _LDL_EX = named_tuple("linalg_ldl_factor", ("LD", "pivots")), named_tuple(
    "linalg_ldl_factor_ex", ("LD", "pivots", "info"))
composite("ldl_factor", on=("linalg",))(
    lambda A, *, hermitian=False: _LDL(tuple(ldl_factor_ex_(A, hermitian=hermitian))[:2]))
composite("ldl_factor_ex", on=("linalg",))(lambda A, *, hermitian=False, check_errors=False: _LDL_EX(
    tuple(ldl_factor_ex_(A, hermitian=hermitian))))


@composite("ldl_solve", on=("linalg",))
def ldl_solve(LD: Any, pivots: Any, B: Any, *, hermitian: bool = False) -> Any:
    """Solves with a matrix given by its LDL."""
    import scipy.linalg

    name = "hetrs" if hermitian and LD._a.dtype.kind == "c" else "sytrs"
    fn = scipy.linalg.lapack.get_lapack_funcs(name, (LD._a,))
    batch = np.broadcast_shapes(LD._a.shape[:-2], B._a.shape[:-2])
    a = np.broadcast_to(LD._a, batch + LD._a.shape[-2:])
    p = np.broadcast_to(pivots._a, batch + pivots._a.shape[-1:])
    b = np.broadcast_to(B._a, batch + B._a.shape[-2:])
    y = np.empty(b.shape, b.dtype)
    for i in np.ndindex(*batch):
        y[i] = fn(a[i], p[i], b[i], lower=1)[0] if b[i].size else 0
    return nodes.Tensor._of(y)


def _check_weights(name: str, given: Any, observations: int) -> None:
    """Raises: RuntimeError in PyTorch's words when cov's weights do not fit."""
    if given.ndim > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
                           f"{given.ndim} dimensions")
    integral = given.dtype.category == dt.INTEGER
    if integral != (name == "fweights") or given.dtype is dt.bool_:
        wanted = "integral" if name == "fweights" else "floating point"
        raise RuntimeError(f"cov(): expected {name} to have {wanted} dtype but got {name} with "
                           f"{dt.scalar_type_name(given.dtype)} dtype")
    if given.numel() != observations:
        raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the "
                           f"input but got {given.numel()} != {observations}")
    if given.numel() and bool((given < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@composite("cov")
def cov(self: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """How the rows vary together."""
    if self.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with "
                           f"{self.ndim} "
                           "dimensions")
    if self.dtype is dt.bool_:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    t = self if self.ndim == 2 else self.reshape((1, -1))
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is not None:
            _check_weights(name, given, t.shape[1])
    weights = fweights
    if aweights is not None:
        weights = aweights if weights is None else weights * aweights
    kind = dt.promote_types(t.dtype, weights.dtype) if weights is not None else t.dtype
    kind = kind if kind.category >= dt.FLOAT else dt.default.dtype
    n = t.shape[1]
    total = n if weights is None else weights.sum()
    if weights is None:
        average = t.sum(1) / n
        norm_factor: Any = n - correction
    else:
        average = (t * weights).sum(1) / total
        if aweights is None:
            norm_factor = total - correction
        elif correction == 0:
            norm_factor = total
        else:
            norm_factor = total - correction * (weights * aweights).sum() / total
    off = t - average.unsqueeze(1)
    right = (off * weights if weights is not None else off).t().conj()
    if hasattr(norm_factor, "_a"):
        norm_factor = norm_factor.clamp(min=0) if float(norm_factor) < 0 else norm_factor
    else:
        norm_factor = max(norm_factor, 0)
    return off.to(kind).mm(right.to(kind)).true_divide(norm_factor).squeeze()


@composite("corrcoef")
def corrcoef(self: Any) -> Any:
    """How the rows vary together, from -1 to 1."""
    if self.ndim > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got an input "
                           f"with {self.ndim} "
                           "dimensions")
    c = cov(self)
    if not c.ndim:
        return c / c
    spread = c.diagonal().real.sqrt() if c.is_complex() else c.diagonal().sqrt()
    y = c / spread.view(-1, 1) / spread.view(1, -1)
    return y if y.is_complex() else y.clamp(-1, 1)
