"""What is told of a tensor without sending it."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.protocol.event import Digest


def dtype_name(kind: Any) -> str:
    """'float32' for NumPy's float32, as PyTorch names it without its 'torch.'."""
    if kind is None:
        return ""
    found = dt.FROM_NUMPY.get(np.dtype(kind))
    return str(found).removeprefix("torch.") if found is not None else np.dtype(kind).name


def digest_of(array: Any) -> Digest | None:
    """The digest of an array or NumPy scalar; None stays None. NaN and Inf are counted and left out of the
    rest."""
    if array is None:
        return None
    a = np.asarray(array)
    shape, name = a.shape, dtype_name(a.dtype)
    if a.size == 0:
        return Digest(shape, name)
    kind = a.dtype.kind
    if kind == "c":
        a = np.abs(a)
    elif kind == "b":
        a = a.view(np.uint8)
    elif kind not in "fiu" or a.dtype.itemsize < 4 and kind == "f":
        a = a.astype(np.float32)
    nans = infs = 0
    total = a.sum(dtype=np.float64)
    if a.dtype.kind == "f" and not np.isfinite(total):
        nans = int(np.isnan(a).sum())
        infs = int(np.isinf(a).sum())
        a = a[np.isfinite(a)]
        if a.size == 0:
            return Digest(shape, name, nans=nans, infs=infs)
        total = a.sum(dtype=np.float64)
    flat = a.reshape(-1).astype(np.float64, copy=False)
    return Digest(
        shape,
        name,
        float(np.sqrt(flat @ flat)),
        float(a.min()),
        float(a.max()),
        float(total / a.size),
        int(a.size - np.count_nonzero(a)),
        int(np.count_nonzero(a < 0)) if a.dtype.kind != "u" else 0,
        nans,
        infs,
    )


def digest_tensor(tensor: Any) -> Digest | None:
    """The digest of an engine Tensor; None stays None."""
    return None if tensor is None else digest_of(tensor._a)


def is_finite(array: Any) -> bool:
    """Whether no element is NaN or Inf; true for integers."""
    a = np.asarray(array)
    return a.dtype.kind not in "fcV" or bool(
        np.isfinite(a.astype(np.float32) if a.dtype.kind == "V" else a).all()
    )
