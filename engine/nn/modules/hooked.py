"""HookedCall: the part of a module that registers hooks and runs its forward with them.

Source: torch.nn.Module's hook rules: process-wide hooks first, then the module's own, each in the order of
registering.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import engine
from engine.nn.modules import hook as _hooks
from engine.nn.modules.hook import BackwardHook, RemovableHandle
from engine.nn.modules.tables import Tables

_MIXED = (
    "Cannot use both regular backward hooks and full backward hooks on a "
    "single Module. Please use only one of them."
)


def _tuple(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


class HookedCall(Tables):
    """Registers and runs forward and backward hooks."""

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls hook(module, args) before each forward; what it returns replaces the arguments."""
        table, kwargs_table = self._forward_pre_hooks, self._forward_pre_hooks_with_kwargs
        handle = RemovableHandle(table, extra_dict=kwargs_table)
        table[handle.id] = hook
        if with_kwargs:
            kwargs_table[handle.id] = True
        if prepend:
            table.move_to_end(handle.id, last=False)
        return handle

    def register_forward_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Calls hook(module, args, output) after each forward; what it returns replaces the output."""
        handle = RemovableHandle(
            self._forward_hooks,
            extra_dict=[self._forward_hooks_with_kwargs, self._forward_hooks_always_called],
        )
        self._forward_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_full_backward_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls hook(module, grad_output) before the module's backward."""
        return self._keep_hook(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls hook(module, grad_input, grad_output) once the gradients of the inputs are known."""
        if self._is_full_backward_hook is False:
            raise RuntimeError(_MIXED)
        self._is_full_backward_hook = True
        return self._keep_hook(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable) -> RemovableHandle:
        """The older form of register_full_backward_hook: sees the module's last grad_fn only."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(_MIXED)
        self._is_full_backward_hook = False
        return self._keep_hook(self._backward_hooks, hook, False)

    @staticmethod
    def _keep_hook(table: Any, hook: Callable, prepend: bool) -> RemovableHandle:
        handle = RemovableHandle(table)
        table[handle.id] = hook
        if prepend:
            table.move_to_end(handle.id, last=False)
        return handle

    # -- running ------------------------------------------------------------------------------------------

    def _hooked_call(self, args: tuple, kwargs: dict) -> Any:
        if not (_hooks.forward_hooks_always_called or self._forward_hooks_always_called):
            return self._run_hooked(args, kwargs, set())
        called: set = set()
        try:
            return self._run_hooked(args, kwargs, called)
        except Exception:
            self._run_always_called(args, kwargs, called)
            raise

    def _run_always_called(self, args: tuple, kwargs: dict, called: set) -> None:
        """The always_call hooks that an exception left out; their own exceptions become warnings."""
        for table, always, with_kwargs in (
            (_hooks.forward_hooks, _hooks.forward_hooks_always_called, _hooks.forward_hooks_with_kwargs),
            (self._forward_hooks, self._forward_hooks_always_called, self._forward_hooks_with_kwargs),
        ):
            for key, one in list(table.items()):
                if key not in always or key in called:
                    continue
                try:
                    one(self, args, kwargs, None) if key in with_kwargs else one(self, args, None)
                except Exception as error:
                    scope = "global module" if table is _hooks.forward_hooks else "module"
                    warnings.warn(
                        f"{scope} forward hook with ``always_call=True`` raised an exception "
                        f"that was silenced as another error was raised in forward: {error}",
                        stacklevel=3,
                    )

    def _run_hooked(self, args: tuple, kwargs: dict, called: set) -> Any:
        for one in list(_hooks.forward_pre_hooks.values()):
            changed = one(self, args)
            if changed is not None:
                args = _tuple(changed)
        for key, one in list(self._forward_pre_hooks.items()):
            if key in self._forward_pre_hooks_with_kwargs:
                changed = one(self, args, kwargs)
                if changed is None:
                    continue
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                        f"{changed}."
                    )
                args, kwargs = changed
            else:
                changed = one(self, args)
                if changed is not None:
                    args = _tuple(changed)

        full, partial = self._backward_hook_lists()
        pre = [*_hooks.backward_pre_hooks.values(), *self._backward_pre_hooks.values()]
        boundary = BackwardHook(self, full, pre) if full or pre else None
        if boundary is not None:
            args = boundary.setup_input_hook(args)
        result = self.forward(*args, **kwargs)

        for table, with_kwargs in (
            (_hooks.forward_hooks, _hooks.forward_hooks_with_kwargs),
            (self._forward_hooks, self._forward_hooks_with_kwargs),
        ):
            for key, one in list(table.items()):
                called.add(key)
                changed = one(self, args, kwargs, result) if key in with_kwargs else one(self, args, result)
                if changed is not None:
                    result = changed

        if boundary is not None:
            if isinstance(result, (engine.Tensor, tuple)):
                result = boundary.setup_output_hook(result)
            else:
                warnings.warn(
                    "For backward hooks to be called,"
                    " module output should be a Tensor or a tuple of Tensors"
                    f" but received {type(result)}",
                    stacklevel=3,
                )
        if partial:
            self._hook_last_node(args, result, partial)
        return result

    def _backward_hook_lists(self) -> tuple[list, list]:
        full: list = []
        partial: list = []
        (full if _hooks.is_full_backward_hook is True else partial).extend(_hooks.backward_hooks.values())
        (full if self._is_full_backward_hook is True else partial).extend(self._backward_hooks.values())
        return full, partial

    def _hook_last_node(self, args: tuple, result: Any, partial: list) -> None:
        found = result
        while not isinstance(found, engine.Tensor):
            values = list(found.values()) if isinstance(found, dict) else found
            found = (
                next(v for v in values if isinstance(v, engine.Tensor))
                if isinstance(found, dict)
                else values[0]
            )
        node = found.grad_fn
        if node is None:
            return
        self._maybe_warn_non_full_backward_hook(args, result, node)
        for one in partial:
            node.register_hook(lambda grad_input, grad_output, one=one: one(self, grad_input, grad_output))

    def _maybe_warn_non_full_backward_hook(self, inputs: Any, result: Any, grad_fn: Any) -> None:
        """Says where an old backward hook will not see what its arguments promise."""
        results = result if isinstance(result, tuple) else (result,)
        given = inputs if isinstance(inputs, tuple) else (inputs,)
        if not all(isinstance(one, engine.Tensor) for one in results):
            _warn_of_old_hook(
                "non-full backward hooks on a Module that does not return a single Tensor or a tuple of "
                "Tensors",
                "some of the grad_output",
            )
            return
        if not all(isinstance(one, engine.Tensor) for one in given):
            _warn_of_old_hook(
                "non-full backward hooks on a Module that does not take as input "
                "a single Tensor or a tuple of Tensors",
                "some of the grad_input",
            )
            return
        if len(results) > 1 and len({one.grad_fn for one in results}) > 1:
            _warn_of_old_hook(
                "a non-full backward hook when outputs are generated by different autograd Nodes",
                "some grad_output",
            )
            return
        leaves = {one.grad_fn for one in given if one.grad_fn is not None}
        reached = {following for following, _ in grad_fn.next_functions}
        if leaves != reached and not leaves >= reached:
            _warn_of_old_hook(
                "a non-full backward hook when the forward contains multiple autograd Nodes",
                "some grad_input",
            )


def _warn_of_old_hook(what: str, missing: str) -> None:
    warnings.warn(
        f"Using {what} is deprecated and will be removed in future versions. "
        f"This hook will be missing {missing}. "
        "Please use register_full_backward_hook to get the documented behavior.",
        FutureWarning,
        stacklevel=5,
    )
