"""How tensors print: PyTorch's text, character for character.

Source: https://pytorch.org/docs/stable/generated/torch.set_printoptions.html
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.core import dtype as dt


@dataclass
class PrintOptions:
    """What set_printoptions sets. Units: linewidth in characters."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


options = PrintOptions()
PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(precision: int | None = None, threshold: float | None = None,
                     edgeitems: int | None = None,
                     linewidth: int | None = None, profile: str | None = None,
                     sci_mode: bool | None = None) -> None:
    """Set how tensors print: digits, when to leave out the middle, and when to write powers of ten."""
    chosen: dict[str, Any] = PROFILES.get(profile or "", {})
    for name, value in chosen.items():
        setattr(options, name, value)
    for name, value in (("precision", precision), ("threshold", threshold), ("edgeitems", edgeitems),
                        ("linewidth", linewidth)):
        if value is not None:
            setattr(options, name, value)
    options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The print options as a dictionary."""
    return asdict(options)


@contextlib.contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """Print options that hold inside a with block."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


class NumberFormat:
    """One format for all numbers of a tensor: whole numbers, decimals or powers of ten, and how wide."""

    def __init__(self, values: np.ndarray) -> None:
        self.floating = values.dtype.kind == "f"
        self.whole, self.sci, self.width = True, False, 1
        digits = options.precision
        if not self.floating:
            self.width = max((len(str(v)) for v in values.ravel().tolist()), default=1)
            return
        wide = values.astype(np.float64).ravel()
        shown = wide[np.isfinite(wide) & (wide != 0)]
        if not shown.size:
            return
        size = np.abs(shown)
        largest, smallest = float(size.max()), float(size.min())
        self.whole = bool((shown == np.ceil(shown)).all())
        self.sci = largest / smallest > 1000 or largest > 1e8 or (not self.whole and smallest < 1e-4)
        if options.sci_mode is not None:
            self.sci = options.sci_mode
        if self.sci:
            texts = [f"{v:.{digits}e}" for v in shown.tolist()]
        elif self.whole:
            texts = [f"{v:.0f}." for v in shown.tolist()]
        else:
            texts = [f"{v:.{digits}f}" for v in shown.tolist()]
        self.width = max(len(t) for t in texts)

    def text(self, value: Any) -> str:
        """One number, filled up on the left."""
        if not self.floating:
            found = str(value)
        elif self.sci:
            found = f"{value:.{options.precision}e}"
        elif self.whole:
            found = f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"
        else:
            found = f"{value:.{options.precision}f}"
        return found.rjust(self.width)


class ComplexFormat:
    """The format of complex numbers: one for each part."""

    def __init__(self, values: np.ndarray) -> None:
        self.real, self.imag = NumberFormat(values.real), NumberFormat(values.imag)
        self.width = self.real.width + self.imag.width + 1

    def text(self, value: complex) -> str:
        """One number as real+imagj."""
        imag = self.imag.text(value.imag).lstrip() + "j"
        return self.real.text(value.real) + (imag if imag[0] in "+-" else "+" + imag)


def _edges(a: np.ndarray) -> np.ndarray:
    """The elements that are printed when the middle of each dimension is left out."""
    n = options.edgeitems
    for d in range(a.ndim):
        if a.shape[d] > 2 * n:
            at = [*range(n), *range(a.shape[d] - n, a.shape[d])]
            a = a.take(at, axis=d)
    return a


def _row(a: np.ndarray, indent: int, leave_out: bool, how: Any) -> str:
    n = options.edgeitems
    per_line = max(1, (options.linewidth - indent) // (how.width + 2))
    if leave_out and not n:
        items = ["..."]
    elif leave_out and a.shape[0] > 2 * n:
        items = [how.text(v) for v in a[:n].tolist()] + [" ..."] + [how.text(v) for v in a[-n:].tolist()]
    else:
        items = [how.text(v) for v in a.tolist()]
    lines = [", ".join(items[i:i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _block(a: np.ndarray, indent: int, leave_out: bool, how: Any) -> str:
    if a.ndim == 0:
        return how.text(a.item())
    if a.ndim == 1:
        return _row(a, indent, leave_out, how)
    n = options.edgeitems
    if leave_out and a.shape[0] > 2 * n:
        parts = [_block(x, indent + 1, leave_out, how) for x in a[:n]]
        parts.append("...")
        parts += [_block(x, indent + 1, leave_out, how) for x in a[len(a) - n:]]
    else:
        parts = [_block(x, indent + 1, leave_out, how) for x in a]
    return "[" + ("," + "\n" * (a.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def numbers_text(a: np.ndarray, indent: int = 0) -> str:
    """An array's numbers in brackets, without the word tensor around them."""
    if not a.size:
        return "[]"
    if a.dtype.kind == "V" or a.dtype == np.float16:
        a = a.astype(np.float32)
    leave_out = a.size > options.threshold
    seen = _edges(a) if leave_out else a
    return _block(a, indent, leave_out, ComplexFormat(seen) if a.dtype.kind == "c" else NumberFormat(seen))


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    out = [text]
    length = len(text) - text.rfind("\n") + 1
    for s in suffixes:
        if length + len(s) + 2 > options.linewidth:
            out.append(",\n" + " " * indent + s)
            length = indent + len(s)
        else:
            out.append(", " + s)
            length += len(s) + 2
    return "".join(out) + ")"


def is_default(d: dt.dtype) -> bool:
    """True for the types that print without a dtype= suffix."""
    usual = dt.default.dtype
    return d in (usual, dt.int64, dt.bool_, dt.complex128 if usual is dt.float64 else dt.complex64)


def tensor_text(t: Any, contents: str | None = None) -> str:
    """The repr of a tensor."""
    kind = type(t)
    prefix = "tensor(" if kind.__module__ == "torch" or t._is_param and kind.__name__ == "Parameter" \
        else f"{kind.__name__}("
    a = t._array()
    suffixes = []
    if not a.size:
        if a.ndim != 1:
            suffixes.append(f"size={tuple(a.shape)}")
        if t.dtype is not dt.default.dtype:
            suffixes.append(f"dtype={t.dtype}")
    elif not is_default(t.dtype):
        suffixes.append(f"dtype={t.dtype}")
    body = contents if contents is not None else numbers_text(a, len(prefix))
    try:
        fn = t.grad_fn
    except RuntimeError:
        suffixes.append("grad_fn=<Invalid>")
    else:
        if fn is not None:
            suffixes.append(f"grad_fn=<{type(fn).__name__}>")
        elif t.requires_grad:
            suffixes.append("requires_grad=True")
    tangent = t.__dict__.get("_tangent")
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")
    return _with_suffixes(prefix + body, suffixes, len(prefix))
