"""Checkpointing: a part of a network forgets its activations and computes them again in backward."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import engine

torch: Any = engine

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "checkpoint",
    "checkpoint_sequential",
    "set_checkpoint_early_stop",
]

_early_stop = True


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function saved other tensors than the first."""


class _Enough(Exception):
    """All that backward needs has been computed again."""


class set_checkpoint_early_stop:
    """Inside, whether the second run may end as soon as all saved tensors are there."""

    def __init__(self, enable: bool) -> None:
        self._enable = enable

    def __enter__(self) -> None:
        global _early_stop
        self._before, _early_stop = _early_stop, self._enable

    def __exit__(self, *exc: object) -> None:
        global _early_stop
        _early_stop = self._before


class _Frame:
    """One run of a function whose saved tensors are only counted, and computed again when asked for."""

    def __init__(
        self, function: Callable, args: tuple, kwargs: dict, keep_stream: bool, check: bool
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.state = torch.get_rng_state() if keep_stream else None
        self.early = _early_stop
        self.check = check
        self.shapes: list[tuple] = []
        self.again: dict[int, Any] = {}

    def pack(self, t: Any) -> int:
        """The number of a tensor that is not kept."""
        self.shapes.append((tuple(t.shape), t.dtype))
        return len(self.shapes) - 1

    def unpack(self, number: int) -> Any:
        """The tensor of this number, computed again."""
        if number not in self.again:
            self._run()
        if number not in self.again:
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward "
                "and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.shapes)}\n"
                f"Number of tensors saved during recomputation: {len(self.again)}."
            )
        return self.again.pop(number)

    def _run(self) -> None:
        found: list[Any] = []

        def keep(t: Any) -> Any:
            found.append(t.detach())
            if self.early and len(found) == len(self.shapes):
                raise _Enough
            return t

        before = torch.get_rng_state() if self.state is not None else None
        if self.state is not None:
            torch.set_rng_state(self.state)
        try:
            with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
                self.function(*self.args, **self.kwargs)
        except _Enough:
            pass
        finally:
            if before is not None:
                torch.set_rng_state(before)
        for number, t in enumerate(found):
            known = self.shapes[number] if number < len(self.shapes) else None
            if self.check and known is not None and known != (tuple(t.shape), t.dtype):
                raise CheckpointError(
                    "torch.utils.checkpoint: Recomputed values for the following tensors have different "
                    "metadata "
                    f"than during the forward pass.\ntensor at position {number}:\nsaved metadata: {known}\n"
                    f"recomputed metadata: {(tuple(t.shape), t.dtype)}"
                )
            self.again[number] = t


class CheckpointFunction(torch.autograd.Function):
    """The older way: one node for the whole part, which runs it again and walks backward through that."""

    @staticmethod
    def forward(ctx: Any, function: Callable, keep_stream: bool, *args: Any) -> Any:
        """What the function gives, without a graph."""
        ctx.function = function
        ctx.state = torch.get_rng_state() if keep_stream else None
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, torch.Tensor)]
        ctx.others = [None if isinstance(a, torch.Tensor) else a for a in args]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        with torch.no_grad():
            return function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradients of the inputs, after a second run."""
        args = list(ctx.others)
        for place, t in zip(ctx.places, ctx.saved_tensors):
            args[place] = t.detach()
            args[place].requires_grad_(t.requires_grad)
        before = torch.get_rng_state() if ctx.state is not None else None
        if ctx.state is not None:
            torch.set_rng_state(ctx.state)
        with torch.enable_grad():
            outputs = ctx.function(*args)
        if before is not None:
            torch.set_rng_state(before)
        outputs = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
        pairs = [(o, g) for o, g in zip(outputs, grads) if isinstance(o, torch.Tensor) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        torch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
        return (None, None, *(a.grad if isinstance(a, torch.Tensor) else None for a in args))


def checkpoint(
    function: Callable,
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """What `function(*args)` gives; its activations are computed again in backward.

    Args:
        use_reentrant: False is the way to go; True makes one node of the part.
        preserve_rng_state: whether the second run draws the same random numbers.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in "
            "PyTorch "
            "2.9, calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is "
            "recommended, but if you need to preserve the current default behavior, you can pass "
            "use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not None or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        if torch.is_grad_enabled() and not any(
            isinstance(a, torch.Tensor) and a.requires_grad for a in args
        ):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    if not torch.is_grad_enabled():
        return function(*args, **kwargs)
    frame = _Frame(function, args, kwargs, preserve_rng_state, determinism_check != "none")
    frame.early = frame.early and early_stop
    with torch.autograd.graph.saved_tensors_hooks(frame.pack, frame.unpack):
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """What the functions give one after the other, in parts; all parts but the last are checkpointed."""
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed "
            "explicitly. "
            "In version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False "
            "is "
            "recommended, but if you need to preserve the current default behavior, you can pass "
            "use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    parts = list(functions.children()) if isinstance(functions, torch.nn.Sequential) else list(functions)
    size = len(parts) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(
            _chain(parts[start : start + size]),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )
    return _chain(parts[size * (segments - 1) :])(input)


def _chain(parts: list) -> Callable:
    def run(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return run
