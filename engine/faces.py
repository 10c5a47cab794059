"""Fills PyTorch's faces from the records: torch.*, Tensor.*, torch.nn.functional.* and the rest."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

import engine.ops
from engine.autograd.node import Node
from engine.ops.formula import OPS
from engine.ops.record import NAMESPACES
from engine.tensor import Tensor


def load_records() -> None:
    """Import every file of engine/ops: a record counts from the moment its file is there."""
    for module in pkgutil.iter_modules(engine.ops.__path__):
        importlib.import_module(f"engine.ops.{module.name}")


def fill_tensor() -> None:
    """Give Tensor the methods and operators of the records."""
    for name, fn in NAMESPACES.get("Tensor", {}).items():
        if name not in Tensor.__dict__:
            setattr(Tensor, name, fn)
    for operator, (op, turned) in OPERATORS.items():
        if op in OPS and operator not in Tensor.__dict__:
            setattr(Tensor, operator, _operator(op, turned))
    for operator, op in IN_PLACE_OPERATORS.items():
        if op in OPS:
            setattr(Tensor, operator, _in_place_operator(op))


OPERATORS = {
    "__add__": ("add", False),
    "__radd__": ("add", True),
    "__sub__": ("sub", False),
    "__rsub__": ("sub", True),
    "__mul__": ("mul", False),
    "__rmul__": ("mul", True),
    "__truediv__": ("div", False),
    "__rtruediv__": ("div", True),
    "__rdiv__": ("div", True),
    "__floordiv__": ("floor_divide", False),
    "__rfloordiv__": ("floor_divide", True),
    "__mod__": ("remainder", False),
    "__rmod__": ("remainder", True),
    "__pow__": ("pow", False),
    "__rpow__": ("pow", True),
    "__matmul__": ("matmul", False),
    "__rmatmul__": ("matmul", True),
    "__and__": ("bitwise_and", False),
    "__rand__": ("bitwise_and", True),
    "__or__": ("bitwise_or", False),
    "__ror__": ("bitwise_or", True),
    "__xor__": ("bitwise_xor", False),
    "__rxor__": ("bitwise_xor", True),
    "__lt__": ("lt", False),
    "__le__": ("le", False),
    "__gt__": ("gt", False),
    "__ge__": ("ge", False),
    "__eq__": ("eq", False),
    "__ne__": ("ne", False),
    "__lshift__": ("bitwise_left_shift", False),
    "__rlshift__": ("bitwise_left_shift", True),
    "__rshift__": ("bitwise_right_shift", False),
    "__rrshift__": ("bitwise_right_shift", True),
    "__neg__": ("neg", None),
    "__pos__": ("positive", None),
    "__abs__": ("abs", None),
    "__invert__": ("bitwise_not", None),
}
IN_PLACE_OPERATORS = {
    "__iadd__": "add_",
    "__isub__": "sub_",
    "__imul__": "mul_",
    "__itruediv__": "div_",
    "__ifloordiv__": "floor_divide_",
    "__imod__": "remainder_",
    "__ipow__": "pow_",
    "__iand__": "bitwise_and_",
    "__ior__": "bitwise_or_",
    "__ixor__": "bitwise_xor_",
    "__ilshift__": "bitwise_left_shift_",
    "__irshift__": "bitwise_right_shift_",
}
REVERSED = {op: name for name, (op, turned) in OPERATORS.items() if turned}
NUMBERS = (int, float, complex, bool)


def _operator(op: str, turned: bool | None) -> Any:
    function = OPS[op]
    if turned is None:
        def method(self: Any) -> Any:
            return function(self)
    elif not turned:
        if hasattr(function, "op"):  # past the binding of arguments, which an operator does not need
            call = function.op.call
            rest = [p.default for p in [*function.op.signature.parameters.values()][2:]]
            if rest:
                def function(self: Any, other: Any, rest: tuple = tuple(rest)) -> Any:
                    return call(self, other, *rest)
            else:
                function = call

        def method(self: Any, other: Any) -> Any:  # type: ignore[misc]
            try:
                return function(self, other)
            except TypeError:
                if isinstance(other, (Tensor, *NUMBERS)) or hasattr(other, "__array__"):
                    raise
                return NotImplemented
    elif op in ("add", "mul", "bitwise_and", "bitwise_or", "bitwise_xor"):
        # Past the binding of arguments too; asked for by its name, it takes Tensors alone.
        call, name = function, REVERSED[op]
        rest = ()  # type: ignore[assignment]
        if hasattr(function, "op"):
            call = function.op.call
            rest = tuple(p.default for p in [*function.op.signature.parameters.values()][2:])  # type: ignore

        def method(self: Any, other: Any) -> Any:  # type: ignore[misc]
            if not isinstance(self, Tensor):
                raise TypeError(f"descriptor '{name}' for 'torch._C.TensorBase' objects doesn't apply to a "
                                f"'{type(self).__name__}' object")
            return call(self, other, *rest)
    elif op == "sub":
        def method(self: Any, other: Any) -> Any:  # type: ignore[misc]
            return OPS["rsub"](self, other)
    elif op == "div":
        def method(self: Any, other: Any) -> Any:  # type: ignore[misc]
            return self.reciprocal() * other
    else:
        def method(self: Any, other: Any) -> Any:  # type: ignore[misc]
            from engine.ops.creation import as_tensor

            return function(other if isinstance(other, Tensor) or op == "pow" else as_tensor(other), self)
    method.__doc__ = f"Operator form of {op}."
    return method


def _in_place_operator(op: str) -> Any:
    function = OPS[op]

    def method(self: Any, other: Any) -> Any:
        return function(self, other)

    return method


def fill(namespace: dict, where: str) -> None:
    """Put the records' functions of one face into a module's globals, without hiding what stands there."""
    for name, fn in NAMESPACES.get(where, {}).items():
        if isinstance(namespace.get(name), ModuleType):  # engine/tensor.py is not torch.tensor
            namespace[name] = fn
        namespace.setdefault(name, fn)


def grad_fn_types() -> dict[str, type[Node]]:
    """All node classes by PyTorch's name."""
    from engine.autograd.node import _classes

    return _classes
