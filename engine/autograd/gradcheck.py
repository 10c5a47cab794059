"""Gradients against finite differences: torch.autograd.gradcheck."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.backward import grad


class GradcheckError(RuntimeError):
    """A gradient that does not agree with finite differences."""

    __module__ = "torch.autograd.gradcheck"


def _tensors(inputs: Any) -> list:
    return [t for t in inputs if isinstance(t, nodes.Tensor) and t.requires_grad]


def _outputs(result: Any) -> list:
    listed = list(result) if isinstance(result, (tuple, list)) else [result]
    return [o for o in listed if isinstance(o, nodes.Tensor) and (o.is_floating_point() or o.is_complex())]


def _numerical(fn: Callable, inputs: tuple, x: Any, eps: float) -> list[np.ndarray]:
    """For each output the derivative by each element of x, by central differences: [outputs][x.numel(),
    o.numel()]."""
    a = x._array()
    columns: list[list] = []
    directions = (eps, 1j * eps) if a.dtype.kind == "c" else (eps,)
    for at in np.ndindex(a.shape):
        was = a[at].copy()
        found = []
        for d in directions:
            with modes.no_grad():
                a[at] = was + d
                up = [np.array(o._a) for o in _outputs(fn(*inputs))]
                a[at] = was - d
                down = [np.array(o._a) for o in _outputs(fn(*inputs))]
                a[at] = was
            found.append([((u - w) / (2 * eps)).reshape(-1) for u, w in zip(up, down)])
        if len(found) == 2:
            columns.append([f + 1j * g if f.dtype.kind != "c" else (f, g) for f, g in zip(*found)])
        else:
            columns.append(found[0])
    return [np.array([c[k] for c in columns]) for k in range(len(columns[0]))] if columns else []


def _analytical(output: Any, x: Any) -> np.ndarray:
    """The derivative of each element of an output by each of x: [x.numel(), o.numel()], by backward."""
    rows = []
    zero = np.zeros(output._a.shape, output._a.dtype)
    for at in np.ndindex(output._a.shape):
        v = zero.copy()
        v[at] = 1
        g, = grad(output, [x], nodes.Tensor._of(v), retain_graph=True, allow_unused=True)
        rows.append(np.zeros(x._a.size, x._a.dtype) if g is None else np.array(g._a).reshape(-1))
    return np.array(rows).T if rows else np.zeros((x._a.size, 0))


def gradcheck(func: Callable, inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
              raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
              check_grad_dtypes: bool = False, check_batched_grad: bool = False,
              check_batched_forward_grad: bool = False,
              check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False,
              masked: bool | None = None) -> bool:
    """True when the gradients of `func` agree with finite differences.

    Raises: GradcheckError where they do not, or where no input requires grad (ValueError)."""
    inputs = (inputs,) if isinstance(inputs, nodes.Tensor) else tuple(inputs)
    wanted = _tensors(inputs)
    if not wanted:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them "
                         "have "
                         "requires_grad=True.")
    for i, t in enumerate(inputs):
        if isinstance(t, nodes.Tensor) and t.requires_grad and t._a.dtype not in (np.float64, np.complex128):
            warnings.warn(f"Input #{i} requires gradient and is not a double precision floating point or "
                          "complex. This "
                          "check will likely fail if all the inputs are not of double precision floating "
                          "point or "
                          "complex. ", stacklevel=2)
    try:
        with modes.enable_grad():
            outputs = _outputs(func(*inputs))
        live = [o for o in outputs if o.requires_grad]
        if not live:
            raise GradcheckError("Backward is not differentiable: no output of the function requires grad")
        for n, x in enumerate(wanted):
            measured = _numerical(func, inputs, x, eps)
            for k, o in enumerate(outputs):
                if not o.requires_grad:
                    continue
                exact = _analytical(o, x)
                seen = measured[k] if measured else exact
                if seen.dtype == object or seen.ndim == 3 or (x._a.dtype.kind == "c"
                                                              or o._a.dtype.kind == "c"):
                    exact, seen = _complex_pair(seen, exact, x, o)
                if not np.allclose(exact, seen, rtol, atol, equal_nan=True):
                    raise GradcheckError(f"Jacobian mismatch for output {k} with respect to input {n},\n"
                                         f"numerical:{nodes.Tensor._of(seen)}\nanalytical:{nodes.Tensor._of(exact)}\n")
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _complex_pair(seen: np.ndarray, exact: np.ndarray, x: Any, o: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both in PyTorch's convention for complex numbers: what backward gives for a gradient of 1."""
    if x._a.dtype.kind == "c" and o._a.dtype.kind == "c":
        by_real, by_imag = seen[:, 0], seen[:, 1]
        return exact, np.conj(0.5 * (by_real - 1j * by_imag)) * 1 + 0.5 * (by_real + 1j * by_imag)
    if o._a.dtype.kind == "c":
        return exact, seen.real
    return exact, seen


def gradgradcheck(func: Callable, inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6,
                  atol: float = 1e-5,
                  rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
                  nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
                  check_batched_grad: bool = False, check_fwd_over_rev: bool = False,
                  check_rev_over_rev: bool = True,
                  fast_mode: bool = False, masked: bool = False) -> bool:
    """True when the second derivatives of `func` agree with finite differences of the first."""
    inputs = (inputs,) if isinstance(inputs, nodes.Tensor) else tuple(inputs)
    if grad_outputs is None:
        from engine.core.generator import default_generator

        state = default_generator.state_bytes()
        rng = np.random.default_rng(0)
        grad_outputs = []
        for o in _outputs(func(*inputs)):
            v = rng.standard_normal(o._a.shape)
            grad_outputs.append(nodes.Tensor._of(np.asarray(v).astype(o._a.dtype)).requires_grad_())
        default_generator.load_state_bytes(state)
    given = (grad_outputs,) if isinstance(grad_outputs, nodes.Tensor) else tuple(grad_outputs)
    at = [i for i, t in enumerate(inputs) if isinstance(t, nodes.Tensor) and t.requires_grad]

    def first(*everything: Any) -> tuple:
        ins, weights = list(everything[:len(inputs)]), everything[len(inputs):]
        with modes.enable_grad():
            fresh = [t.detach().requires_grad_() if i in at and not t.requires_grad else t for i,
                     t in enumerate(ins)]
            outs = _outputs(func(*fresh))
            live = [(o, w) for o, w in zip(outs, weights) if o.requires_grad]
            found = grad([o for o, _ in live], [fresh[i] for i in at], [w for _, w in live],
                         create_graph=True,
                         allow_unused=True)
        return tuple(fresh[i].new_zeros(fresh[i].shape) if g is None else g for i, g in zip(at, found))

    return gradcheck(first, (*inputs, *given), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)


def get_numerical_jacobian(fn: Callable, inputs: Any, target: Any = None, eps: float = 1e-3) -> Any:
    """The derivative by central differences, one matrix for each input."""
    inputs = (inputs,) if isinstance(inputs, nodes.Tensor) else tuple(inputs)
    return tuple(nodes.Tensor._of(_numerical(lambda *a: fn(a if len(a) > 1 else a[0]), inputs, t, eps)[0])
                 for t in _tensors(inputs))
