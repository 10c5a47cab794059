"""Functions of torch.nn.functional that take `inplace=` and choose between a record's two forms."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from engine.ops.record import place


def switchable(
    name: str, plain: Callable, changing: Callable | None = None, keep: tuple[str, ...] | None = None
) -> Callable:
    """Place `nn.functional.NAME(input, ..., inplace=False)`; `keep` names the parameters shown, all if
    not given."""
    changing = changing or plain.op.inplace_function  # type: ignore[attr-defined]
    own = list(inspect.signature(plain).parameters.values())[1:]
    own = [p for p in own if keep is None or p.name in keep]
    defaults: dict[str, Any] = {"plain": plain, "changing": changing}
    parts = ["input"]
    for p in own:
        if p.default is p.empty:
            parts.append(p.name)
        else:
            defaults["_" + p.name] = p.default
            parts.append(f"{p.name}=_{p.name}")
    passed = ", ".join(["input", *(p.name for p in own)])
    function = eval(
        f"lambda {', '.join(parts)}, inplace=False: changing({passed}) if inplace else plain({passed})",
        defaults,
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = plain.__doc__
    place(function, name, ("nn.functional",))
    if name + "_" not in FUNCTIONAL_ONLY:
        place(changing, name + "_", ("nn.functional",))
    return function


FUNCTIONAL_ONLY = {"silu_", "mish_", "hardsigmoid_", "hardswish_", "relu6_"}
"""In-place forms that torch.nn.functional does not offer by name."""
