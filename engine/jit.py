"""torch.jit: scripted and traced functions are the functions themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The function or module itself."""
    return obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
    """The function or module itself."""
    return func


def _itself(fn: Any = None, *args: Any, **kwargs: Any) -> Any:
    return fn if callable(fn) else (lambda f: f)


ignore = unused = export = script_if_tracing = interface = script_method = _itself


def is_scripting() -> bool:
    """False: nothing is compiled."""
    return False


is_tracing = is_scripting


def freeze(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """The module itself."""
    return mod


optimize_for_inference = freeze


def save(m: Any, f: Any, *args: Any, **kwargs: Any) -> None:
    """Raises: NotImplementedError, for there is no compiled form to write."""
    raise NotImplementedError("torch.jit.save: this engine has no TorchScript; torch.save writes modules and "
                              "state_dicts")


def load(f: Any, *args: Any, **kwargs: Any) -> Any:
    """Raises: NotImplementedError, for compiled programs cannot be run."""
    raise NotImplementedError("torch.jit.load: this engine has no TorchScript; torch.load reads modules and "
                              "state_dicts")


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


def fork(func: Callable, *args: Any, **kwargs: Any) -> Any:
    """The result of the function, run at once."""
    return func(*args, **kwargs)


def wait(future: Any) -> Any:
    """The result of fork()."""
    return future


class ScriptModule:
    """Base of compiled modules: nothing is one."""


class ScriptFunction:
    """Compiled functions: nothing is one."""
