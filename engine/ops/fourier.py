"""Fourier transforms by pocketfft (through NumPy); torch.fft."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.core.shape import wrap_dim, wrap_dims
from engine.ops.record import composite, kernel

BACKWARD, ORTHO, FORWARD = 0, 1, 2
"""How a transform is scaled: not at all, by the root of its length, by its length."""


def _scale(a: Any, dims: tuple[int, ...], normalization: int, shape: tuple[int, ...] | None = None) -> Any:
    n = 1
    for d in dims:
        n *= (shape or a.shape)[d]
    if normalization == ORTHO:
        return a / a.real.dtype.type(np.sqrt(n))
    return a / a.real.dtype.type(n) if normalization == FORWARD else a


def _c2c(self: Any, dim: Any, normalization: int, forward: bool) -> Any:
    y = self
    for d in dim:
        y = np.fft.fft(y, axis=d) if forward else np.fft.ifft(y, axis=d, norm="forward")
    return _scale(y, dim, normalization).astype(self.dtype, copy=False)


def _r2c(self: Any, dim: Any, normalization: int, onesided: bool) -> Any:
    y = np.fft.rfft(self, axis=dim[-1]) if onesided else np.fft.fft(self, axis=dim[-1])
    for d in reversed(dim[:-1]):
        y = np.fft.fft(y, axis=d)
    kind = np.complex64 if self.dtype == np.float32 else np.complex128
    return _scale(y, dim, normalization, self.shape).astype(kind, copy=False)


def _c2r(self: Any, dim: Any, normalization: int, last_dim_size: int) -> Any:
    y = self
    for d in dim[:-1]:
        y = np.fft.ifft(y, axis=d, norm="forward")
    y = np.fft.irfft(y, last_dim_size, axis=dim[-1], norm="forward")
    return _scale(y, dim, normalization).astype(
        np.float32 if self.dtype == np.complex64 else np.float64, copy=False
    )


def _r2c_slope(grad: Any, shape: tuple[int, ...], dim: Any, normalization: int, onesided: bool) -> Any:
    if onesided:
        n = shape[dim[-1]]
        missing = n - grad.shape[dim[-1]]
        if missing:
            from engine import cat, zeros

            sizes = list(grad.shape)
            sizes[dim[-1]] = missing
            grad = cat([grad, zeros(sizes, dtype=grad.dtype)], dim[-1])
    return c2c(grad, dim, normalization, False).real


def _c2r_slope(grad: Any, dim: Any, normalization: int) -> Any:
    g = r2c(grad, dim, normalization, True)
    last = dim[-1]
    double = grad.shape[last] - g.shape[last]
    if double > 0:
        weights = np.ones([g.shape[i] if i == last else 1 for i in range(g.ndim)], grad._a.dtype)
        weights[tuple(slice(1, 1 + double) if i == last else slice(None) for i in range(g.ndim))] = 2
        g = g * nodes.Tensor._of(weights)
    return g


c2c = kernel(
    name="_fft_c2c", inputs=("self",), grad_fn="FftC2CBackward0", on=("torch",), out=False,
    formula=r"Y_k = \sum_n x_n e^{-2 \pi i k n / N}", text="A signal as the waves it is made of.",
    forward=_c2c,
    grads={"self": lambda grad, dim, normalization, forward: c2c(grad, dim, normalization, not forward)},
)
r2c = kernel(
    name="_fft_r2c", inputs=("self",), grad_fn="FftR2CBackward0", on=("torch",), out=False,
    formula=r"Y_k = \sum_n x_n e^{-2 \pi i k n / N}", text="A real signal as the waves it is made of.",
    forward=_r2c,
    grads={"self": lambda grad, self_shape, dim, normalization, onesided:
           _r2c_slope(grad, self_shape, dim, normalization, onesided)},
)
c2r = kernel(
    name="_fft_c2r", inputs=("self",), grad_fn="FftC2RBackward0", on=("torch",), out=False,
    formula=r"y_n = \frac{1}{N} \sum_k X_k e^{2 \pi i k n / "
            r"N}", text="Waves put together into a real "
                                                                      "signal.",
    forward=_c2r,
    grads={"self": lambda grad, dim, normalization: _c2r_slope(grad, dim, normalization)},
)


def _normalization(norm: str | None, forward: bool) -> int:
    if norm is None or norm == "backward":
        return BACKWARD if forward else FORWARD
    if norm == "forward":
        return FORWARD if forward else BACKWARD
    if norm == "ortho":
        return ORTHO
    raise RuntimeError(f'Invalid normalization mode: "{norm}"')


def _promoted(t: Any, need_complex: bool) -> Any:
    kind = t.dtype
    if kind.category < dt.FLOAT:
        kind = dt.default.dtype
    if kind in (dt.float16, dt.bfloat16):
        raise RuntimeError(f"Unsupported dtype {kind.name.capitalize() if kind is dt.bfloat16 else 'Half'}")
    return t.to(kind.to_complex() if need_complex else kind)


def _resized(t: Any, dims: list[int], sizes: list[int]) -> Any:
    """Cut or padded with zeros at the end, so that each dim has its size; -1 keeps it."""
    from engine.nn.functional import pad

    padding = [0] * (2 * t.ndim)
    change = False
    for d, n in zip(dims, sizes):
        if n < 0:
            continue
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
        have = t.shape[d]
        if n < have:
            t = t.narrow(d, 0, n)
        elif n > have:
            padding[2 * (t.ndim - 1 - d) + 1] = n - have
            change = True
    return pad(t, padding) if change else t


def _one(t: Any, n: int | None, dim: int) -> tuple[int, int]:
    d = wrap_dim(dim, t.ndim)
    if not t.ndim:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    size = t.shape[d] if n is None else n
    if size < 1:
        raise RuntimeError(f"Invalid number of data points ({size}) specified")
    return d, size


def _several(t: Any, s: Any, dim: Any) -> tuple[list[int], list[int]]:
    if dim is not None:
        given = [dim] if isinstance(dim, int) else list(dim)
        if given and not t.ndim:
            raise IndexError(f"Dimension specified as {given[0]} but tensor has no dimensions")
        dims = list(wrap_dims(given, t.ndim))
        if not (dim if not isinstance(dim, int) else [dim]):
            dims = []
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    if s is not None:
        s = [s] if isinstance(s, int) else list(s)
        if dim is not None and len(dims) != len(s):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(s) > t.ndim:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {t.ndim} "
                               f"dimensions.")
        if dim is None:
            dims = list(range(t.ndim - len(s), t.ndim))
        sizes = [t.shape[d] if n == -1 else n for d, n in zip(dims, s)]
    else:
        if dim is None:
            dims = list(range(t.ndim))
        sizes = [t.shape[d] for d in dims]
    for n in sizes:
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return dims, sizes


def _transform(name: str) -> Any:
    return composite(name, on=("fft",))


@_transform("fft")
def fft(self: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The transform along one dimension."""
    d, size = _one(self, n, dim)
    if self.is_complex():
        return c2c(_resized(self, [d], [size]), (d,), _normalization(norm, True), True)
    return r2c(_resized(_promoted(self, False), [d], [size]), (d,), _normalization(norm, True), False)


@_transform("ifft")
def ifft(self: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The inverse of fft."""
    d, size = _one(self, n, dim)
    if self.is_complex():
        return c2c(_resized(self, [d], [size]), (d,), _normalization(norm, False), False)
    return r2c(_resized(_promoted(self, False), [d], [size]), (d,), _normalization(norm, False), False).conj()


@_transform("rfft")
def rfft(self: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The transform of a real signal, the half that says it all."""
    if self.is_complex():
        raise RuntimeError(f"rfft expects a real input tensor, but got {dt.scalar_type_name(self.dtype)}")
    d, size = _one(self, n, dim)
    return r2c(_resized(_promoted(self, False), [d], [size]), (d,), _normalization(norm, True), True)


@_transform("irfft")
def irfft(self: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The inverse of rfft."""
    t = _promoted(self, True)
    d = wrap_dim(dim, t.ndim)
    size = 2 * (t.shape[d] - 1) if n is None else n
    if size < 1:
        raise RuntimeError(f"Invalid number of data points ({size}) specified")
    return c2r(_resized(t, [d], [size // 2 + 1]), (d,), _normalization(norm, False), size)


@_transform("hfft")
def hfft(self: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The transform of a Hermitian signal, which is real."""
    t = _promoted(self, True)
    d = wrap_dim(dim, t.ndim)
    size = 2 * (t.shape[d] - 1) if n is None else n
    if size < 1:
        raise RuntimeError(f"Invalid number of data points ({size}) specified")
    return c2r(_resized(t, [d], [size // 2 + 1]).conj(), (d,), _normalization(norm, True), size)


@_transform("ihfft")
def ihfft(self: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The inverse of hfft."""
    if self.is_complex():
        raise RuntimeError(f"ihfft expects a real input tensor, but got {dt.scalar_type_name(self.dtype)}")
    d, size = _one(self, n, dim)
    return r2c(_resized(_promoted(self, False), [d], [size]), (d,), _normalization(norm, False), True).conj()


def _fftn(self: Any, s: Any, dim: Any, norm: str | None, forward: bool) -> Any:
    dims, sizes = _several(self, s, dim)
    t = _resized(_promoted(self, True), dims, sizes)
    return c2c(t, tuple(dims), _normalization(norm, forward), forward) if dims else t


@_transform("fftn")
def fftn(self: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """The transform along several dimensions."""
    return _fftn(self, s, dim, norm, True)


@_transform("ifftn")
def ifftn(self: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """The inverse of fftn."""
    return _fftn(self, s, dim, norm, False)


@_transform("rfftn")
def rfftn(self: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """rfft along several dimensions."""
    if self.is_complex():
        raise RuntimeError(f"rfftn expects a real-valued input tensor, but got "
                           f"{dt.scalar_type_name(self.dtype)}")
    dims, sizes = _several(self, s, dim)
    if not dims:
        raise RuntimeError("rfftn must transform at least one axis")
    return r2c(_resized(_promoted(self, False), dims, sizes), tuple(dims), _normalization(norm, True), True)


def _half_sizes(t: Any, s: Any, dim: Any, name: str) -> tuple[list[int], list[int], int]:
    dims, sizes = _several(t, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    last = 2 * (t.shape[dims[-1]] - 1) if s is None or list(s)[-1] == -1 else sizes[-1]
    if last < 1:
        raise RuntimeError(f"Invalid number of data points ({last}) specified")
    sizes[-1] = last // 2 + 1
    return dims, sizes, last


@_transform("irfftn")
def irfftn(self: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """The inverse of rfftn."""
    t = _promoted(self, True)
    dims, sizes, last = _half_sizes(t, s, dim, "irfftn")
    return c2r(_resized(t, dims, sizes), tuple(dims), _normalization(norm, False), last)


@_transform("hfftn")
def hfftn(self: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """hfft along several dimensions."""
    t = _promoted(self, True)
    dims, sizes, last = _half_sizes(t, s, dim, "hfftn")
    t = _resized(t, dims, sizes)
    if len(dims) > 1:
        t = c2c(t, tuple(dims[:-1]), _normalization(norm, True), True)
    return c2r(t.conj(), (dims[-1],), _normalization(norm, True), last)


@_transform("ihfftn")
def ihfftn(self: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """The inverse of hfftn."""
    if self.is_complex():
        raise RuntimeError(f"ihfftn expects a real-valued input tensor, but got "
                           f"{dt.scalar_type_name(self.dtype)}")
    dims, sizes = _several(self, s, dim)
    if not dims:
        raise RuntimeError("ihfftn must transform at least one axis")
    t = _resized(_promoted(self, False), dims, sizes)
    y = r2c(t, (dims[-1],), _normalization(norm, False), True).conj()
    return c2c(y, tuple(dims[:-1]), _normalization(norm, False), False) if len(dims) > 1 else y


def _two(name: str, whole: Any) -> None:
    def function(self: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Any:
        return whole(self, s, dim, norm)

    function.__doc__ = f"{name} along two dimensions."
    composite(name + "2", on=("fft",))(function)


for _name, _whole in (("fft", fftn), ("ifft", ifftn), ("rfft", rfftn), ("irfft", irfftn), ("hfft", hfftn),
                      ("ihfft", ihfftn)):
    _two(_name, _whole)


@composite("fftshift", on=("fft",))
def fftshift(self: Any, dim: Any = None) -> Any:
    """The zero frequency moved to the middle."""
    dims = wrap_dims(dim, self.ndim)
    return self.roll([self.shape[d] // 2 for d in dims], list(dims)) if self.ndim else self.clone()


@composite("ifftshift", on=("fft",))
def ifftshift(self: Any, dim: Any = None) -> Any:
    """The inverse of fftshift."""
    dims = wrap_dims(dim, self.ndim)
    return self.roll([(self.shape[d] + 1) // 2 for d in dims], list(dims)) if self.ndim else self.clone()


def _frequencies(values: np.ndarray, dtype: Any, requires_grad: bool) -> Any:
    t = nodes.Tensor._of(values.astype((dtype or dt.default.dtype).numpy))
    t.requires_grad = requires_grad
    return t


@composite("fftfreq", on=("fft",))
def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None,
            requires_grad: bool = False) -> Any:
    """The frequency of each entry of fft."""
    return _frequencies(np.fft.fftfreq(n, d), dtype, requires_grad)


@composite("rfftfreq", on=("fft",))
def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False) -> Any:
    """The frequency of each entry of rfft."""
    return _frequencies(np.fft.rfftfreq(n, d), dtype, requires_grad)
