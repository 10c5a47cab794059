"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.core.shape import broadcast_shapes, wrap_dim
from engine.ops.record import composite, kernel
from engine.ops.shape import turned


def _names(*arrays: Any) -> list[str]:
    return [dt.of(a).name for a in arrays]


def _check_mm(a: Any, b: Any, first: str = "self") -> None:
    if a.ndim != 2:
        raise RuntimeError(f"{first} must be a matrix")
    if b.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and "
                           f"{b.shape[0]}x{b.shape[1]})")
    if a.dtype != b.dtype:
        raise RuntimeError("expected m1 and m2 to have the same dtype, but got: "
                           f"{_spelled(a)} != {_spelled(b)}")


def _spelled(a: Any) -> str:
    return {"float32": "float", "float64": "double", "int64": "long long", "int32": "int", "bool": "bool",
            "float16": "c10::Half", "bfloat16": "c10::BFloat16", "complex64": "c10::complex<float>",
            "complex128": "c10::complex<double>", "uint8": "unsigned char", "int8": "signed char",
            "int16": "short"}[dt.of(a).name]


def product(a: Any, b: Any) -> Any:
    """a @ b; types that BLAS has not are computed in float32 and rounded once."""
    if a.dtype.kind == "V" or a.dtype == np.float16:
        return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)
    if a.dtype == np.float32 and a.ndim == 2 and a.shape[1] > 2 and a.size * b.shape[-1] <= 256:
        # every BLAS adds so few products in an order of its own; rounded once is nearest to all of them
        return np.matmul(a, b, dtype=np.float64).astype(np.float32)
    return np.matmul(a, b)


def _mm(self: Any, mat2: Any) -> Any:
    _check_mm(self, mat2)
    return product(self, mat2)


def _added(self: Any, y: Any, beta: Any, alpha: Any, name: str) -> Any:
    """beta * self + alpha * y, where self spreads to y's shape."""
    if self.dtype != y.dtype:
        raise RuntimeError(f"self and mat2 must have the same dtype, but got "
                           f"{dt.scalar_type_name(dt.of(self))} and "
                           f"{dt.scalar_type_name(dt.of(y))}")
    if alpha != 1:
        y = y * (y.dtype.type(alpha) if y.dtype.kind != "b" else bool(alpha))
    if beta == 0:
        return y
    try:
        if self.ndim > y.ndim:
            raise ValueError
        return y + (self if beta == 1 else self * y.dtype.type(beta)) if y.ndim >= 0 else y
    except ValueError:
        raise RuntimeError(_cannot_spread(self.shape, y.shape)) from None


def _cannot_spread(have: tuple, want: tuple) -> str:
    if len(have) > len(want):
        return (f"expand({{{list(have)}}}, size={list(want)}): the number of sizes provided ({len(want)}) "
                f"must be greater "
                f"or equal to the number of dimensions in the tensor ({len(have)})")
    for i in range(1, len(have) + 1):
        if have[-i] not in (1, want[-i]):
            return (f"The expanded size of the tensor ({want[-i]}) must match the existing size "
                    f"({have[-i]}) at "
                    f"non-singleton dimension {len(want) - i}.  Target sizes: {list(want)}.  Tensor sizes: "
                    f"{list(have)}")
    return "shapes do not fit"


def _addmm(self: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    _check_mm(mat1, mat2, "mat1")
    y = product(mat1, mat2)
    if alpha == 1 and beta == 1 and self.dtype is y.dtype and self.ndim == 1 and self.shape[0] == y.shape[1]:
        y += self
        return y
    return _added(self, y, beta, alpha, "addmm")


def scaled(t: Any, by: Any) -> Any:
    """`t` times a number, or `t` itself where the number is 1."""
    return t if by == 1 else t * (by.conjugate() if isinstance(by, complex) else by)


def of_left_factor(grad: Any, right: Any, columns: bool) -> Any:
    """The gradient of A in A B, laid out in memory as A is: G B^H, or the transpose of conj(B) G^T."""
    if not columns:
        return grad.mm(adjoint(right))
    return turned((right.conj() if right._a.dtype.kind == "c" else right).mm(turned(grad)))


def of_right_factor(grad: Any, left: Any, columns: bool) -> Any:
    """The gradient of B in A B, laid out in memory as B is: A^H G, or the transpose of G^T conj(A)."""
    if not columns:
        return adjoint(left).mm(grad)
    return turned(turned(grad).mm(left.conj() if left._a.dtype.kind == "c" else left))


def adjoint(t: Any) -> Any:
    """The conjugate transpose of a matrix or a batch of them."""
    turned = t.t() if t.ndim <= 2 else t.transpose(-2, -1)
    return turned.conj() if t._a.dtype.kind == "c" else turned


mm = kernel(
    name="mm",
    inputs=("self", "mat2"),
    grad_fn="MmBackward0",
    formula=r"Y = A\,B",
    text="Multiplies two matrices: each output is a row of the first times a column of the second.",
    forward=_mm,
    grads={
        "self": lambda grad, mat2, self_columns: of_left_factor(grad, mat2, self_columns),
        "mat2": lambda grad, self, mat2_columns: of_right_factor(grad, self, mat2_columns),
    },
)
addmm = kernel(
    name="addmm", inputs=("self", "mat1", "mat2"), grad_fn="AddmmBackward0", inplace=True,
    formula=r"Y = b + X\,W^{T}",
    text="A linear layer in one step: a matrix product plus a bias that is spread over the rows.",
    forward=_addmm,
    grads={
        "self": lambda grad, beta: scaled(grad, beta),
        "mat1": lambda grad, mat2, mat1_columns, alpha: scaled(
            of_left_factor(grad, mat2, mat1_columns), alpha),
        "mat2": lambda grad, mat1, mat2_columns, alpha: scaled(
            of_right_factor(grad, mat1, mat2_columns), alpha),
    },
)


def _bmm(self: Any, mat2: Any) -> Any:
    if self.ndim != 3 or mat2.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor" if self.ndim != 3 else "batch2 must be a 3D tensor")
    if self.shape[0] != mat2.shape[0] or self.shape[2] != mat2.shape[1]:
        raise RuntimeError("Expected size for first two dimensions of batch2 tensor to be: "
                           f"[{self.shape[0]}, {self.shape[2]}] but got: [{mat2.shape[0]}, {mat2.shape[1]}].")
    if self.dtype != mat2.dtype:
        raise RuntimeError(f"expected scalar type {dt.scalar_type_name(dt.of(self))} but found "
                           f"{dt.scalar_type_name(dt.of(mat2))}")
    return product(self, mat2)


bmm = kernel(
    name="bmm",
    inputs=("self", "mat2"),
    grad_fn="BmmBackward0",
    formula=r"Y_b = A_b\,B_b",
    text="Multiplies matrices pair by pair.",
    forward=_bmm,
    grads={
        "self": lambda grad, mat2: grad.bmm(adjoint(mat2)),
        "mat2": lambda grad, self: adjoint(self).bmm(grad),
    },
)
baddbmm = kernel(
    name="baddbmm",
    inputs=("self", "batch1", "batch2"),
    grad_fn="BaddbmmBackward0",
    inplace=True,
    formula=r"Y_b = C_b + A_b\,B_b",
    text="Multiplies matrices pair by pair and adds.",
    forward=lambda self, batch1, batch2, *, beta=1, alpha=1: _added(
        self, _bmm(batch1, batch2), beta, alpha, "baddbmm"
    ),
    grads={
        "self": lambda grad, beta: scaled(grad, beta),
        "batch1": lambda grad, batch2, alpha: scaled(grad.bmm(adjoint(batch2)), alpha),
        "batch2": lambda grad, batch1, alpha: scaled(adjoint(batch1).bmm(grad), alpha),
    },
)
addbmm = kernel(
    name="addbmm", inputs=("self", "batch1", "batch2"), grad_fn="AddbmmBackward0", inplace=True,
    formula=r"Y = C + \sum_b "
            r"A_b\,B_b", text="Multiplies matrices pair by pair, sums over the batch, and "
                                             "adds.",
    forward=lambda self, batch1, batch2, *, beta=1, alpha=1:
    _added(self, _bmm(batch1, batch2).sum(0, dtype=batch1.dtype), beta, alpha, "addbmm"),
    grads={"self": lambda grad, beta: scaled(grad, beta),
           "batch1": lambda grad, batch1_shape, batch2, alpha: scaled(
               grad.unsqueeze(0).expand((batch1_shape[0], *grad.shape)).bmm(adjoint(batch2)), alpha),
           "batch2": lambda grad, batch1, alpha: scaled(
               adjoint(batch1).bmm(grad.unsqueeze(0).expand((batch1.shape[0], *grad.shape))), alpha)},
)


def _mv(self: Any, vec: Any) -> Any:
    if self.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {self.ndim}, {vec.ndim}")
    if self.shape[1] != vec.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({self.shape[0]}), mat "
                           f"({self.shape[0]}x{self.shape[1]}), vec "
                           f"({vec.shape[0]})")
    if self.dtype != vec.dtype:
        raise RuntimeError(f"expected scalar type {dt.scalar_type_name(dt.of(self))} but found "
                           f"{dt.scalar_type_name(dt.of(vec))}")
    return product(self, vec)


mv = kernel(
    name="mv",
    inputs=("self", "vec"),
    grad_fn="MvBackward0",
    formula=r"y = A\,x",
    text="Multiplies a matrix with a vector.",
    forward=_mv,
    grads={
        "self": lambda grad, vec: grad.outer(vec.conj()),
        "vec": lambda grad, self: adjoint(self).mv(grad),
    },
)
addmv = kernel(
    name="addmv",
    inputs=("self", "mat", "vec"),
    grad_fn="AddmvBackward0",
    inplace=True,
    formula=r"y = b + A\,x",
    text="Multiplies a matrix with a vector and adds.",
    forward=lambda self, mat, vec, *, beta=1, alpha=1: _added(self, _mv(mat, vec), beta, alpha, "addmv"),
    grads={
        "self": lambda grad, beta: scaled(grad, beta),
        "mat": lambda grad, vec, alpha: scaled(grad.outer(vec.conj()), alpha),
        "vec": lambda grad, mat, alpha: scaled(adjoint(mat).mv(grad), alpha),
    },
)


def _addr(self: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    if vec1.ndim != 1 or vec2.ndim != 1:
        which, v = ("vec1", vec1) if vec1.ndim != 1 else ("vec2", vec2)
        raise RuntimeError(f"addr: Expected 1-D argument {which}, but got {v.ndim}-D")
    y = np.multiply.outer(vec1, vec2)
    kind = np.result_type(self.dtype, y.dtype)
    return _added(self.astype(kind), y.astype(kind), beta, alpha, "addr")


addr = kernel(
    name="addr",
    inputs=("self", "vec1", "vec2"),
    grad_fn="AddrBackward0",
    inplace=True,
    formula=r"Y = C + a\,b^{T}",
    text="Adds an outer product.",
    forward=_addr,
    grads={
        "self": lambda grad, beta: scaled(grad, beta),
        "vec1": lambda grad, vec2, alpha: scaled(grad.mv(vec2.conj()), alpha),
        "vec2": lambda grad, vec1, alpha: scaled(grad.t().mv(vec1.conj()), alpha),
    },
)


def _dot(self: Any, tensor: Any) -> Any:
    if self.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {self.ndim}D and {tensor.ndim}D tensors")
    if self.dtype != tensor.dtype:
        raise RuntimeError("dot : expected both vectors to have same dtype, but found "
                           f"{dt.scalar_type_name(dt.of(self))} and {dt.scalar_type_name(dt.of(tensor))}")
    if self.shape != tensor.shape:
        raise RuntimeError(f"inconsistent tensor size, expected tensor [{self.shape[0]}] and src "
                           f"[{tensor.shape[0]}] to "
                           f"have the same number of elements, but got {self.shape[0]} and "
                           f"{tensor.shape[0]} elements "
                           "respectively")
    return product(self, tensor)


dot = kernel(
    name="dot",
    inputs=("self", "tensor"),
    grad_fn="DotBackward0",
    formula=r"y = \sum_i a_i b_i",
    text="Sums the products of two vectors.",
    forward=_dot,
    grads={
        "self": lambda grad, tensor: grad * tensor.conj(),
        "tensor": lambda grad, self: grad * self.conj(),
    },
)
vdot = kernel(
    name="vdot", inputs=("self", "other"), grad_fn="VdotBackward0", formula=r"y = \sum_i \bar{a}_i b_i",
    text="dot with the first conjugated.", forward=lambda self, other: _dot(np.conj(self), other),
    grads={"self": lambda grad, other: grad.conj() * other, "other": lambda grad, self: grad * self},
)


@composite("outer", aliases=("ger",))
def outer(self: Any, vec2: Any) -> Any:
    """Every product of an element of the first with one of the second."""
    for name, v in (("self", self), ("vec2", vec2)):
        if v.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {v.ndim}-D")
    return self.reshape((self.shape[0], 1)) * vec2


def _folds(t1: Any, t2: Any, first: Any) -> bool:
    """PyTorch's choice between one big product and a batch of small ones."""
    if t2.requires_grad:
        return True
    if first.ndim == 2:
        return False
    if t1.numel() == 0:
        return True
    strides, sizes = t1.stride(), t1.shape
    return all(strides[i] == strides[i + 1] * sizes[i + 1] for i in range(t1.ndim - 2))


@composite("matmul", aliases=("__matmul__",))
def matmul(self: Any, other: Any) -> Any:
    """The matrix product of vectors, matrices or batches of them."""
    a, b = self.ndim, other.ndim
    if a == 0 or b == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    if a == 2 and b == 2:
        return mm(self, other)
    if a == 1 and b == 1:
        return dot(self, other)
    if a == 2 and b == 1:
        return mv(self, other)
    if a == 1 and b == 2:
        return mm(self.unsqueeze(0), other).squeeze_(0)
    turned = a < b
    if (min(a, b) <= 2) and max(a, b) >= 3:
        t1 = other.mT if turned else self
        t2 = (self.t() if a == 2 else self) if turned else other
        if _folds(t1, t2, self):
            return _folded(t1, t2, turned)
    return _batched(self, other)


composite("matmul", on=("linalg",))(lambda input, other: matmul(input, other))


def _folded(t1: Any, t2: Any, turned: bool) -> Any:
    sizes = t1.shape[:-1]
    rows = 1
    for n in sizes:
        rows *= n
    flat = t1.reshape((rows, t1.shape[-1]))
    if t2.ndim == 2:
        y = mm(flat, t2)._unsafe_view((*sizes, t2.shape[1]))
        return y.mT.contiguous() if turned else y
    return mv(flat, t2)._unsafe_view(tuple(sizes))


def _batched(t1: Any, t2: Any) -> Any:
    a, b = t1.ndim, t2.ndim
    n = t1.shape[-2] if a > 1 else 1
    batch1 = tuple(t1.shape[:-2]) if a > 1 else ()
    batch2 = tuple(t2.shape[:-2]) if b > 1 else ()
    p = t2.shape[-1] if b > 1 else 1
    m1, m2 = t1.shape[-1], t2.shape[-2] if b > 1 else t2.shape[0]
    batch = broadcast_shapes(batch1, batch2)
    count = 1
    for s in batch:
        count *= s
    left = t1.expand((*batch, n, m1)).reshape((count, n, m1))
    column = t2.unsqueeze(1) if b == 1 else t2
    right = column.expand((*batch, m2, p)).reshape((count, m2, p))
    sizes = list(batch)
    if a > 1:
        sizes.append(n)
    if b > 1:
        sizes.append(p)
    if b == 1:
        return left.bmm(right).squeeze_(-1)._unsafe_view(tuple(sizes))
    return left.bmm(right)._unsafe_view(tuple(sizes))


@composite("inner")
def inner(self: Any, other: Any) -> Any:
    """Sums the products along the last dimensions."""
    if self.ndim == 0 or other.ndim == 0:
        return self * other
    if self.shape[-1] != other.shape[-1]:
        raise RuntimeError("inner() the last dimension must match on both input tensors but got shapes "
                           f"{list(self.shape)} and {list(other.shape)}")
    return tensordot(self, other, [[-1], [-1]])


@composite("tensordot")
def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Contracts pairs of dimensions."""
    if hasattr(dims, "_a"):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        first, second = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    first, second = [wrap_dim(d, a.ndim) for d in first], [wrap_dim(d, b.ndim) for d in second]
    for i, j in zip(first, second):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(f"contracted dimensions need to match, but first has size {a.shape[i]} in "
                               f"dim {i} and second "
                               f"has size {b.shape[j]} in dim {j}")
        if a.shape[i] != b.shape[j]:
            a, b = (a.sum(i, keepdim=True), b.sum(j, keepdim=True))
    keep_a = [i for i in range(a.ndim) if i not in first]
    keep_b = [j for j in range(b.ndim) if j not in second]
    size = 1
    for i in first:
        size *= a.shape[i]
    shape = [a.shape[i] for i in keep_a] + [b.shape[j] for j in keep_b]
    rows = int(np.prod([a.shape[i] for i in keep_a], dtype=np.int64))
    cols = int(np.prod([b.shape[j] for j in keep_b], dtype=np.int64))
    left = a.permute(keep_a + first).reshape((rows, size))
    right = b.permute(second + keep_b).reshape((size, cols))
    return left.mm(right).reshape(shape)


@composite("kron")
def kron(self: Any, other: Any) -> Any:
    """Every element of the first times the whole second, in blocks."""
    n = max(self.ndim, other.ndim)
    a = (1,) * (n - self.ndim) + tuple(self.shape)
    b = (1,) * (n - other.ndim) + tuple(other.shape)
    left = self._unsafe_view(tuple(s for x in a for s in (x, 1)))
    right = other._unsafe_view(tuple(s for x in b for s in (1, x)))
    return (left * right)._unsafe_view(tuple(x * y for x, y in zip(a, b)))


@composite("chain_matmul")
def chain_matmul(*matrices: Any) -> Any:
    """The product of several matrices."""
    from engine import linalg

    return matrices[0] if len(matrices) == 1 else linalg.multi_dot(list(matrices))


@composite("einsum")
def einsum(equation: Any, *operands: Any) -> Any:
    """Sums of products named by letters: einsum('ij,jk->ik', a, b)."""
    if not isinstance(equation, str):
        given = (equation, *operands)
        pairs = [(given[i], given[i + 1]) for i in range(0, len(given) - 1, 2)]
        out = list(given[-1]) if len(given) % 2 else None
        equation = ",".join(_letters(s) for _, s in pairs) + ("->" + _letters(out) if out is not None else "")
        operands = tuple(t for t, _ in pairs)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    from engine.ops.contraction import contract

    return contract(equation, list(operands))


def _letters(sublist: Any) -> str:
    return "".join("..." if s is Ellipsis else chr(65 + s if s < 26 else 71 + s) for s in sublist)
