"""Variable: the old name of a tensor that takes part in differentiation."""

from __future__ import annotations

import warnings
from typing import Any

from engine.autograd import node as nodes


class VariableMeta(type):
    """isinstance(t, Variable) is true of every Tensor."""

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, nodes.Tensor)


class Variable(metaclass=VariableMeta):
    """Variable(tensor, requires_grad=False): the tensor itself, as PyTorch has it since 0.4."""

    __module__ = "torch.autograd.variable"

    def __new__(cls, data: Any = None, requires_grad: bool | None = None, volatile: bool | None = None,
                **kwargs: Any) -> Any:
        if volatile:
            warnings.warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                          UserWarning,
                          stacklevel=2)
        if data is None:
            from engine.ops.creation import empty

            data = empty(0)
        if not isinstance(data, nodes.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        made = data.detach()
        if requires_grad:
            made.requires_grad_()
        return made
