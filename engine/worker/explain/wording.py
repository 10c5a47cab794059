"""Values in words: how many elements are not finite, what an array holds, why an op gave what it gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd.node import Node
from engine.ops.record import Pointwise

REASONS = {
    **dict.fromkeys(("log", "log2", "log10"), "the logarithm of 0 is -Inf, of less than 0 NaN"),
    "log1p": "the logarithm of 1 + x is -Inf at -1, and NaN below",
    "sqrt": "less than 0 has no root",
    "rsqrt": "the root of 0 is divided by",
    "reciprocal": "1 / 0 is Inf",
    "div": "0 / 0 is NaN, all else / 0 Inf",
    "_over_number": "0 / 0 is NaN, all else / 0 Inf",
    "exp": "the exponential is too large for its type",
    "acos": "outside of -1 to 1 there is no such angle",
    "asin": "outside of -1 to 1 there is no such angle",
    "_softmax": "where a whole row is -Inf, 0 / 0 is left",
    "_log_softmax": "where a whole row is -Inf, nothing is left",
    "std.correction": "of one element there is no deviation",
    "var.correction": "of one element there is no variance",
    "mul": "the product is too large for its type, or 0 times Inf",
    "_times_number": "the product is too large for its type, or 0 times Inf",
    "sub": "Inf less Inf is NaN",
    "add": "the sum is too large for its type, or Inf less Inf",
}
BACKWARD_REASONS = {
    "sqrt": "at 0 the root's slope is Inf, and 0 times Inf is NaN",
    "log": "at 0 the logarithm's slope is Inf, and 0 times Inf is NaN",
    "div": "the slope divides by 0, and 0 / 0 is NaN",
    "pow.scalar": "at 0 the slope is Inf, and 0 times Inf is NaN",
    "pow.tensor": "at 0 the slope is Inf, and 0 times Inf is NaN",
    "linalg_vector_norm": "at 0 the norm has no slope: 0 / 0",
    "std.correction": "where all are equal the deviation has no slope: 0 / 0",
    "exp": "0 times Inf is NaN",
    "rsqrt": "the slope divides by 0",
    "reciprocal": "the slope divides by 0",
}


def how_many(array: Any) -> str:
    """'NaN in 2 of 6 elements and Inf in 1'."""
    a = _plain(array)
    if a.dtype.kind not in "fc":
        return "no NaN"
    nan, inf = int(np.isnan(a).sum()), int(np.isinf(a).sum())
    of = f" of {a.size} elements" if a.size > 1 else ""
    if a.size == 1:
        return "NaN" if nan else _number(a.reshape(-1)[0]) if inf else "a finite number"
    if nan and inf:
        return f"NaN in {nan} and Inf in {inf}{of}"
    if inf and bool((a[np.isinf(a)].real < 0).all()):
        return f"-Inf in {inf}{of}"
    return f"NaN in {nan}{of}" if nan else f"Inf in {inf}{of}"


def words_of(array: Any) -> str:
    """What an array holds: its shape, its range, its zeros and what is not finite."""
    a = _plain(array)
    if a.size == 0:
        return "empty"
    if a.size == 1:
        return _number(a.reshape(-1)[0])
    shape = " x ".join(str(n) for n in a.shape) + (" numbers" if a.ndim == 1 else "")
    if a.dtype.kind not in "fiu":
        return shape
    fine = a[np.isfinite(a)] if a.dtype.kind == "f" else a
    parts = [shape]
    if fine.size:
        parts.append(f"from {_number(fine.min())} to {_number(fine.max())}")
        zeros = int(fine.size - np.count_nonzero(fine))
        if zeros:
            parts.append(f"{zeros} {'zero' if zeros == 1 else 'zeros'}")
    if fine.size < a.size:
        parts.append(how_many(a))
    return ", ".join(parts)


def reason_of(node: Node, result: Any, inputs: dict[str, Any], *, backward: bool) -> str:
    """Why, and at the first element what: ', since 1 / 0 is Inf; at [3] x = 0'; '' where it is not known."""
    op = node.op
    name = "" if op is None else op.name
    said = (BACKWARD_REASONS if backward else REASONS).get(name, "")
    at = ""
    if isinstance(op, Pointwise):
        a = _plain(result)
        bad = np.argwhere(~np.isfinite(a))
        where = tuple(int(i) for i in bad[0]) if len(bad) else ()
        values = []
        for key, array in inputs.items():
            try:
                value = np.broadcast_to(_plain(array), a.shape)[where]
            except ValueError:
                continue
            values.append(f"{key} = {_number(value)}")
        if values:
            place = f"at {list(where)} " if where else ""
            at = f"; {place}{', '.join(values)}"
    return (f": {said}" if said else "") + at


def shown_name(parameter: str) -> str:
    """What a parameter of an op is called in words and scripts: x for self, y for other."""
    return {"self": "x", "input": "x", "other": "y"}.get(parameter, parameter)


def _number(value: Any) -> str:
    if np.iscomplexobj(value):
        return f"{complex(value):.4g}"
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    number = float(value)
    if np.isnan(number):
        return "NaN"
    if np.isinf(number):
        return "Inf" if number > 0 else "-Inf"
    return f"{number:.4g}"


def _plain(array: Any) -> np.ndarray:
    a = np.asarray(array)
    return a.astype(np.float32) if a.dtype.kind == "V" else a
