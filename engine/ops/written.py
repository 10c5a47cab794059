"""out=: which results may be written into which tensors, and PyTorch's words where one may not."""

from __future__ import annotations

import warnings
from typing import Any

from engine.autograd import modes
from engine.core import dtype as dt

SAME_TYPE = frozenset("""
    addmm addmv alias_copy aminmax as_strided_copy baddbmm bmm cross linalg_cross diag diagonal_copy
    expand_copy gather index_add index_copy index_reduce cholesky_ex det eigh eigvalsh inv inv_ex
    ldl_factor ldl_factor_ex ldl_solve lu_factor lu_factor_ex lu_solve matrix_power qr slogdet solve
    solve_ex svd svdvals vector_norm log_softmax lu_unpack mm msort avg_pool2d avg_pool3d linear
    permute_copy renorm scatter scatter_add scatter_reduce slice_scatter softmax sort
    split_with_sizes_copy squeeze_copy t_copy take_along_dim topk transpose_copy triangular_solve tril
    triu unbind_copy unfold_copy unsqueeze_copy view_copy isin argmax argmin
""".split())
"""Ops whose out= has to be of the very type of the result."""

FOUND = frozenset("""
    abs ceil conj_physical floor frac neg gelu hardshrink softplus softshrink round sgn sign trunc
""".split())
"""Those of them that say so in the words of element-wise kernels."""

OWN_WORDS = {
    **dict.fromkeys(("cummax", "cummin", "diff", "logcumsumexp"),
                    "expected scalar_type {r} but found {o}"),
    **dict.fromkeys(("solve_triangular", "mode", "logsigmoid"), "expected scalar type {r} but found {o}"),
    **dict.fromkeys(("dot", "vdot", "inner"), "result dtype {o} does not match input dtype {r}"),
    **dict.fromkeys(("amax", "amin"), "Expected the dtype for input and out to match, but got {r} for "
                                      "input's dtype and {o} for out's dtype."),
    **dict.fromkeys(("masked_select", "index_select"),
                    "{name}(): self and result must have the same scalar type"),
    **dict.fromkeys(("quantile", "nanquantile"),
                    "quantile() out tensor must be same dtype as the input tensor"),
    **dict.fromkeys(("histogram", "histc"), "torch.histogram: input tensor and hist tensor should have the "
                                            "same dtype, but got input {rc} and hist {oc}"),
    **dict.fromkeys(("signbit", "isposinf", "isneginf"), "{name} does not support non-boolean outputs."),
    **dict.fromkeys(("searchsorted", "bucketize"),
                    "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or "
                    "Long(int64) depending on whether out_int32 flag is True, but we got output tensor's "
                    "dtype {o} and out_int32 flag is False"),
    "mv": "addmv input tensors must have the same dtype, but got {o}, {r}, and {r}",
    "kthvalue": "output values must be of same type as input",
    "heaviside": "heaviside is not yet implemented for tensors with different dtypes.",
    "nan_to_num": "nan_to_num: dtype of out: {o} should be same as input: {r}",
    "take": "take(): self and out expected to have the same dtype, but got self.dtype = {r} and out.dtype = "
            "{o}",
    "tensordot": "tensordot: Expected the output tensor to have dtype {r}, but got an output tensor with "
                 "dtype {o}",
    "where": "Expected out type to be {r} but got {o}",
    "multi_dot": "multi_dot(): expected out tensor to have dtype {rc} but got {oc}",
    "multinomial": "multinomial expects Long tensor out, got: {o}",
    "frexp": "torch.frexp() expects mantissa to have dtype {rc} but got {oc}",
    "complex": "Expected object of scalar type {r} but got scalar type {o} for argument 'out'",
    "polar": "Expected object of scalar type {r} but got scalar type {o} for argument 'out'",
}
"""The same demand in an op's own words: {r} is the result's type, {o} that of out=; {rc} and {oc} in C."""

APART = frozenset("""
    gather take masked_select index_select kthvalue mode cat concat stack hstack vstack dstack column_stack
    scatter scatter_add scatter_reduce index_add index_copy index_reduce cummax cummin
""".split())
"""Ops whose out= may share no memory at all with an input; the others' may be an input itself."""

ALIASES = {"maximum": "maximum", "true_divide": "div", "outer": "mul", "float_power": "pow", "square": "pow",
           "norm": "linalg_vector_norm", "msort": "sort", "take_along_dim": "gather"}
"""Whom PyTorch names instead where out= would cut a graph."""

C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "int64": "long int", "int32": "int", "int16": "short int", "int8": "signed char", "bool": "bool",
    "uint8": "unsigned char", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}
ONE_PLACE = ("unsupported operation: {0} single memory location. Please clone() the tensor before "
             "performing the operation.")


def into(out: Any, result: Any, name: str = "", args: tuple = (), differentiable: bool = True) -> Any:
    """Write results into out=, resizing it as PyTorch does. `args` are the op's arguments: none of them may
    share some of out's memory.

    Raises: RuntimeError when the type does not fit, memory is shared, or a graph would be cut."""
    if isinstance(result, (tuple, list)):
        for o, r in zip(out, result):
            into(o, r, name, args, differentiable)
        return type(result)(out) if hasattr(result, "_fields") else tuple(out)
    if differentiable and (out._rg or modes.grad_enabled and result._rg):
        raise RuntimeError(f"{ALIASES.get(name, name) or 'out'}(): functions with out=... arguments don't "
                           "support automatic differentiation, but one of the arguments requires grad.")
    check_type(result._a, out._a, name)
    _check_memory(out, args, name)
    if out._a.shape != result._a.shape:
        if out._a.size:
            warn_resized(out._a.shape, result._a.shape)
        out.resize_(tuple(result._a.shape))
    target = out._array()
    target[...] = result._a
    out._bump()
    return out


def warn_resized(had: Any, needed: Any) -> None:
    """Warn that out= had elements and another shape."""
    warnings.warn(
        f"An output with one or more elements was resized since it had shape {list(had)}, which does not "
        f"match the required output shape {list(needed)}. This behavior is deprecated, and in a future "
        "PyTorch release outputs will not be resized unless they have zero elements. You can explicitly "
        "reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
        UserWarning, stacklevel=5)


def check_castable(source: Any, target: Any) -> None:
    """Raises: RuntimeError when a result of source's type may not be stored in target's."""
    a, b = dt.of(source), dt.of(target)
    if a.category > b.category or a.category == dt.INTEGER and b.category == dt.BOOL:
        raise RuntimeError(f"result type {dt.scalar_type_name(a)} can't be cast to the desired output type "
                           f"{dt.scalar_type_name(b)}")


def check_type(source: Any, target: Any, name: str) -> None:
    """Raises: RuntimeError when this op's result of source's type may not be stored in target's."""
    if source.dtype == target.dtype:
        return
    r, o = dt.of(source), dt.of(target)
    said = OWN_WORDS.get(name)
    if said is not None:
        names = {"r": dt.scalar_type_name(r), "o": dt.scalar_type_name(o), "name": name,
                 "rc": C_NAMES.get(r.name, r.name), "oc": C_NAMES.get(o.name, o.name)}
        raise RuntimeError(said.format(**names))
    if name in SAME_TYPE:
        raise RuntimeError(f"Expected out tensor to have dtype {C_NAMES.get(r.name, r.name)}, but got "
                           f"{C_NAMES.get(o.name, o.name)} instead")
    if name in FOUND:
        raise RuntimeError(f"Found dtype {dt.scalar_type_name(o)} but expected {dt.scalar_type_name(r)}")
    if name in ("cat", "concat", "stack", "hstack", "vstack", "dstack", "column_stack"):
        if r.category > o.category:
            raise TypeError("torch.cat(): input types can't be cast to the desired output type "
                            f"{dt.scalar_type_name(o)}")
    check_castable(source, target)


def _reach(a: Any) -> tuple[int, int] | None:
    """First and last byte of an array without holes; None where it has some."""
    if not a.size:
        return None
    steps = sorted((s, n) for s, n in zip(a.strides, a.shape) if n > 1)
    dense = a.itemsize
    for step, n in steps:
        if step != dense:
            return None
        dense *= n
    start = a.__array_interface__["data"][0]
    return start, start + dense


def _check_memory(out: Any, args: tuple, name: str) -> None:
    a = out._a
    if any(stride == 0 and n > 1 for stride, n in zip(a.strides, a.shape)):
        raise RuntimeError(ONE_PLACE.format("more than one element of the written-to tensor refers to a"))
    mine = _reach(a)
    if mine is None:
        return
    for v in args:
        for t in v if isinstance(v, (tuple, list)) else (v,):
            given = getattr(t, "_a", None)
            theirs = None if given is None else _reach(given)
            if given is None or theirs is None or theirs[1] <= mine[0] or mine[1] <= theirs[0]:
                continue
            if theirs == mine and given.strides == a.strides and name not in APART:
                continue
            raise RuntimeError(ONE_PLACE.format("some elements of the input tensor and the written-to tensor "
                                                "refer to a"))
