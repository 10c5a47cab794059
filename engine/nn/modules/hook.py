"""Hooks around a module's forward and backward: the registries that hold for all modules.

Source: torch.nn.modules.module, whose order and return-value rules these follow.
"""

from __future__ import annotations

import functools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import engine
from engine.autograd.node import RemovableHandle as _Handle


class RemovableHandle(_Handle):
    """What a register_* call returns: `remove()` takes the hook off again; also a context manager."""

    __module__ = "torch.nn.modules.module"

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        super().__init__(hooks_dict)
        if extra_dict is None:
            extra_dict = ()
        extras = extra_dict if isinstance(extra_dict, (list, tuple)) else (extra_dict,)
        self._tables = tuple(weakref.ref(table) for table in (hooks_dict, *extras))

    def remove(self) -> None:
        """Takes the hook out of every table it stands in; a second call does nothing."""
        for ref in self._tables:
            table = ref()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self) -> tuple:
        # a copied module's handle must know the copied tables
        return self.id, tuple(ref() for ref in self._tables)

    def __setstate__(self, state: tuple) -> None:
        self.id, tables = state
        self._tables = tuple(weakref.ref(OrderedDict() if table is None else table) for table in tables)


# -- hooks that hold for every module of the process -----------------------------------------------------

forward_pre_hooks: dict[int, Callable] = OrderedDict()
forward_hooks: dict[int, Callable] = OrderedDict()
forward_hooks_with_kwargs: dict[int, bool] = OrderedDict()
forward_hooks_always_called: dict[int, bool] = OrderedDict()
backward_pre_hooks: dict[int, Callable] = OrderedDict()
backward_hooks: dict[int, Callable] = OrderedDict()
buffer_registration_hooks: dict[int, Callable] = OrderedDict()
module_registration_hooks: dict[int, Callable] = OrderedDict()
parameter_registration_hooks: dict[int, Callable] = OrderedDict()

is_full_backward_hook: bool | None = None
"""Whether the process-wide backward hooks are full ones; None while there is none."""

MIXED = (
    "Cannot use both regular backward hooks and full backward hooks as a "
    "global Module hook. Please use only one of them."
)


def _keep(table: dict, hook: Callable) -> RemovableHandle:
    handle = RemovableHandle(table)
    table[handle.id] = hook
    return handle


def register_module_forward_pre_hook(hook: Callable) -> RemovableHandle:
    """Calls hook(module, args) before the forward of every module."""
    return _keep(forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Callable, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Calls hook(module, args, output) after the forward of every module."""
    handle = RemovableHandle(
        forward_hooks, extra_dict=[forward_hooks_with_kwargs, forward_hooks_always_called]
    )
    forward_hooks[handle.id] = hook
    if with_kwargs:
        forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        forward_hooks_always_called[handle.id] = True
    return handle


def register_module_full_backward_pre_hook(hook: Callable) -> RemovableHandle:
    """Calls hook(module, grad_output) before the backward of every module."""
    return _keep(backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Callable) -> RemovableHandle:
    """Calls hook(module, grad_input, grad_output) once the gradients of a module's inputs are known."""
    global is_full_backward_hook
    if is_full_backward_hook is False:
        raise RuntimeError(MIXED)
    is_full_backward_hook = True
    return _keep(backward_hooks, hook)


def register_module_backward_hook(hook: Callable) -> RemovableHandle:
    """The older form of register_module_full_backward_hook, on the last grad_fn of each module only."""
    global is_full_backward_hook
    if is_full_backward_hook is True:
        raise RuntimeError(MIXED)
    is_full_backward_hook = False
    return _keep(backward_hooks, hook)


def register_module_buffer_registration_hook(hook: Callable) -> RemovableHandle:
    """Calls hook(module, name, buffer) whenever a buffer is registered; a result replaces it."""
    return _keep(buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Callable) -> RemovableHandle:
    """Calls hook(module, name, submodule) whenever a submodule is registered; a result replaces it."""
    return _keep(module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Callable) -> RemovableHandle:
    """Calls hook(module, name, param) whenever a parameter is registered; a result replaces it."""
    return _keep(parameter_registration_hooks, hook)


# -- full backward hooks ---------------------------------------------------------------------------------


@functools.cache
def _boundary() -> Any:
    """The identity whose node marks where a module begins or ends in the graph."""

    class BackwardHookFunction(engine.autograd.Function):
        """Passes its tensors on unchanged."""

        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            """The tensors themselves; those that need no gradient still need none."""
            ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
            return tensors

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            """The gradients themselves."""
            return grads

    return BackwardHookFunction


def _as_tuple(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


class BackwardHook:
    """Hooks of one call of a module: sees gradients that enter at its outputs and leave at its inputs."""

    def __init__(self, module: Any, user_hooks: list, user_pre_hooks: list) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: tuple | None = None
        self.n_inputs = self.n_outputs = -1
        self.input_places: list[int] | None = None
        self.output_places: list[int] | None = None

    def _mark(self, values: tuple, on_node: Callable[[Any], None]) -> tuple[tuple, list[int] | None]:
        """Values with a boundary node behind their tensors, and the places of those tensors."""
        places = [i for i, v in enumerate(values) if isinstance(v, engine.Tensor)]
        needs = engine.is_grad_enabled() and any(values[i].requires_grad for i in places)
        if not needs:
            return values, None
        marked = _boundary().apply(*[values[i] for i in places])
        marked = _as_tuple(marked)
        nodes = [t.grad_fn for t in marked if t.grad_fn is not None]
        if not nodes:
            raise RuntimeError("Error while setting up backward hooks: no tensor got a grad_fn.")
        on_node(nodes[0])
        result = list(values)
        for place, tensor in zip(places, marked):
            result[place] = tensor
        if hasattr(values, "_fields"):
            return type(values)(*result), places
        return tuple(result), places

    @staticmethod
    def _spread(places: list[int], values: tuple, size: int) -> tuple:
        full: list[Any] = [None] * size
        for place, value in zip(places, values):
            full[place] = value
        return tuple(full)

    def _run_pre_hooks(self, grad_outputs: tuple) -> tuple:
        for hook in self.user_pre_hooks:
            changed = hook(self.module, grad_outputs)
            if changed is None:
                continue
            changed = _as_tuple(changed)
            if len(changed) != len(grad_outputs):
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(changed)}, but expected {len(grad_outputs)}"
                )
            grad_outputs = changed
        return grad_outputs

    def setup_input_hook(self, args: tuple) -> tuple:
        """The module's arguments, marked so that the gradients leaving through them are seen."""

        def on_node(node: Any) -> None:
            def leaving(grad_input: tuple, _: tuple) -> tuple:
                if self.grad_outputs is None:
                    # the module's outputs took no part in this backward
                    return grad_input
                current = self._spread(self.input_places or [], grad_input, self.n_inputs)
                for hook in self.user_hooks:
                    changed = hook(self.module, current, self.grad_outputs)
                    if changed is None:
                        continue
                    changed = _as_tuple(changed)
                    if len(changed) != len(current):
                        raise RuntimeError(
                            "Backward hook returned an invalid number of grad_input, "
                            f"got {len(changed)}, but expected {len(current)}"
                        )
                    current = changed
                self.grad_outputs = None
                return tuple(current[i] for i in self.input_places or [])

            node.register_hook(leaving)

        self.n_inputs = len(args)
        marked, self.input_places = self._mark(args, on_node)
        return marked

    def setup_output_hook(self, result: Any) -> Any:
        """The module's result, marked so that the gradients entering through it are seen."""

        def on_node(node: Any) -> None:
            def entering(grad_output: tuple) -> tuple | None:
                grads = self._spread(self.output_places or [], grad_output, self.n_outputs)
                grads = self._run_pre_hooks(grads)
                self.grad_outputs = grads
                if self.user_hooks and self.input_places is None:
                    warnings.warn(
                        "Full backward hook is firing when gradients are computed "
                        "with respect to module outputs since no inputs require gradients.",
                        stacklevel=2,
                    )
                if self.input_places is None:
                    nothing = (None,) * self.n_inputs
                    for hook in self.user_hooks:
                        changed = hook(self.module, nothing, grads)
                        if changed is not None and not (
                            isinstance(changed, tuple) and all(one is None for one in changed)
                        ):
                            raise RuntimeError(
                                "Backward hook for Modules where no input requires "
                                "gradient should always return None or None for all gradients."
                            )
                    self.grad_outputs = None
                if not self.user_pre_hooks:
                    return None
                return tuple(grads[i] for i in self.output_places or [])

            node.register_prehook(entering)

        whole = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(whole)
        marked, self.output_places = self._mark(whole, on_node)
        return marked if isinstance(result, tuple) else marked[0]
