"""Switches that ops read: is the graph recorded, is somebody watching.

Ops read the module-level names directly (one load, one test): `modes.grad_enabled`, `modes.observer`.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

grad_enabled: bool = True
inference: bool = False
anomaly: bool = False
saved_hooks: list = []
"""Stack of (pack, unpack) of saved_tensors_hooks."""

observer: Any = None
"""Who watches, or None. Called as observer.op_ran(op, arguments, result), observer.drive(run) (instead of
run.finish()), observer.composite_entered(name), observer.composite_left(name, parameters, args, kwargs,
result), observer.module_entered(module, args), observer.module_left(module, result),
observer.optimizer_begins(optimizer), observer.optimizer_stepped(optimizer)."""


def tell(what: str, *facts: Any) -> None:
    """Tell the observer, if it listens to that: 'left_graph' (kind, op, source, result), 'tensor_made' (op,
    tensor, data), 'grad_switched' (entered), 'grads_cleared' (owner, to_none), 'version_raised' (cell,
    function, file, line)."""
    told = getattr(observer, what, None)
    if told is not None:
        told(*facts)


class _Switch:
    """A context manager and decorator that sets grad mode and puts it back."""

    __module__ = "torch"
    mode = False

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        global grad_enabled
        self._before.append(grad_enabled)
        grad_enabled = self.mode
        if observer is not None:
            tell("grad_switched", True)

    def __exit__(self, *exc: object) -> None:
        global grad_enabled
        grad_enabled = self._before.pop()
        if observer is not None:
            tell("grad_switched", False)

    def clone(self) -> _Switch:
        """A fresh switch of this kind, for one use as a decorator."""
        return type(self)()

    def __call__(self, fn: Any) -> Any:
        if inspect.isgeneratorfunction(fn):
            @functools.wraps(fn)
            def generator(*args: Any, **kwargs: Any) -> Any:
                gen = fn(*args, **kwargs)
                try:
                    with self.clone():
                        item = gen.send(None)
                    while True:
                        sent = yield item
                        with self.clone():
                            item = gen.send(sent)
                except StopIteration as stop:
                    return stop.value

            return generator

        @functools.wraps(fn)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return fn(*args, **kwargs)

        return wrapped


class no_grad(_Switch):
    """Inside, no graph is recorded. Also a decorator, with or without parentheses."""

    def __new__(cls, fn: Any = None) -> Any:
        made = super().__new__(cls)
        if fn is not None:
            made.__init__()  # type: ignore[misc]
            return made(fn)
        return made

    def __init__(self, fn: Any = None) -> None:
        super().__init__()


class enable_grad(no_grad):
    """Inside, the graph is recorded again."""

    mode = True


class set_grad_enabled(_Switch):
    """Sets grad mode at once; as a context manager, puts it back at the end."""

    def __init__(self, mode: bool) -> None:
        global grad_enabled
        super().__init__()
        self._at_init = grad_enabled
        self.mode = bool(mode)
        grad_enabled = self.mode
        if observer is not None:
            tell("grad_switched", True)

    def __enter__(self) -> None:
        global grad_enabled
        grad_enabled = self.mode

    def __exit__(self, *exc: object) -> None:
        global grad_enabled
        grad_enabled = self._at_init
        if observer is not None:
            tell("grad_switched", False)

    def __call__(self, fn: Any) -> Any:
        global grad_enabled
        grad_enabled = self._at_init
        if observer is not None:
            tell("grad_switched", False)
        return super().__call__(fn)

    def clone(self) -> set_grad_enabled:
        return set_grad_enabled(self.mode)


class inference_mode(no_grad):
    """no_grad whose results may not enter a graph later."""

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls, None if isinstance(mode, bool) else mode)

    def __init__(self, mode: Any = True) -> None:
        _Switch.__init__(self)
        self.mode = not mode if isinstance(mode, bool) else False

    def clone(self) -> inference_mode:
        return inference_mode(not self.mode)

    def __enter__(self) -> None:
        global inference
        super().__enter__()
        self._inference, inference = inference, not self.mode

    def __exit__(self, *exc: object) -> None:
        global inference
        super().__exit__()
        inference = self._inference


def is_grad_enabled() -> bool:
    """True where ops record a graph."""
    return grad_enabled


def is_inference_mode_enabled() -> bool:
    """True inside inference_mode."""
    return inference


class set_anomaly_enabled:
    """detect_anomaly as a switch that takes its mode."""

    def __init__(self, mode: bool = True, check_nan: bool = True) -> None:
        global anomaly
        self._before, anomaly = anomaly, mode

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        global anomaly
        anomaly = self._before


class detect_anomaly(set_anomaly_enabled):
    """Inside, a NaN in backward is an error that names the forward line."""

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True)
