"""Functions of torch.nn.functional that take `inplace=` and choose between a record's two forms."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from engine.ops.calling import binder
from engine.ops.record import place

FUNCTIONAL_ONLY = {"silu_", "mish_", "hardsigmoid_", "hardswish_", "relu6_"}
"""In-place forms that torch.nn.functional does not offer by name."""


def switchable(
    name: str, plain: Callable, changing: Callable | None = None, keep: tuple[str, ...] | None = None
) -> Callable:
    """Place `nn.functional.NAME(input, ..., inplace=False)`; `keep` names the parameters shown (else all)."""
    in_place: Callable = changing or plain.op.inplace_function  # type: ignore[attr-defined]
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = [
        p for p in list(inspect.signature(plain).parameters.values())[1:] if keep is None or p.name in keep
    ]
    signature = inspect.Signature(
        [
            inspect.Parameter("input", either),
            *own,
            inspect.Parameter("inplace", either, default=False),
        ]
    )
    bind = binder(signature)

    def function(*args: Any, **kwargs: Any) -> Any:
        *given, inplace = bind(*args, **kwargs)
        return in_place(*given) if inplace else plain(*given)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = plain.__doc__
    function.__signature__ = signature  # type: ignore[attr-defined]
    place(function, name, ("nn.functional",))
    if name + "_" not in FUNCTIONAL_ONLY:
        place(in_place, name + "_", ("nn.functional",))
    return function
