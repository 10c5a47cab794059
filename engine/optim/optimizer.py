"""What all optimizers share: groups, state, hooks, state_dict, and the walk over the parameters."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

import engine
from engine.autograd import modes
from engine.autograd.node import RemovableHandle
from engine.optim.arithmetic import ArrayMath, TensorMath, array_of, is_on_cpu, touch

torch: Any = engine


class _Required:
    """The mark of an option that every parameter group has to give itself."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_before_any_step: OrderedDict[int, Callable] = OrderedDict()
_after_any_step: OrderedDict[int, Callable] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """A handle of `hook(optimizer, args, kwargs)`, which from now on runs before every optimizer's step."""
    return _keep(_before_any_step, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """A handle of `hook(optimizer, args, kwargs)`, which from now on runs after every optimizer's step."""
    return _keep(_after_any_step, hook)


def _keep(hooks: OrderedDict, hook: Callable, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _type_name(value: Any) -> str:
    """The name by which error messages call the type of `value`."""
    if isinstance(value, torch.Tensor):
        return value.type()
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ in ("builtins", "")
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _scalar_dtype(fused: bool | None = None) -> Any:
    """The dtype of step counters: float64 where that is the default, else float32."""
    return torch.float64 if not fused and torch.get_default_dtype() == torch.float64 else torch.float32


def _to_scalar(value: Any) -> Any:
    """A one-element tensor as a 0-d one; anything else as it is."""
    return value.squeeze() if isinstance(value, torch.Tensor) and value.dim() != 0 else value


def check_learning_rate(lr: Any, message: str = "Invalid learning rate: {}") -> None:
    """Nothing, if `lr` is a non-negative number or one-element tensor.

    Raises:
        ValueError: it is not.
    """
    if isinstance(lr, torch.Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:
        raise ValueError(message.format(lr))


def check_not_negative(**values: Any) -> None:
    """Nothing, if each value is at least 0; the keyword is the name that the error gives it.

    Raises:
        ValueError: one is below 0.
    """
    for name, value in values.items():
        if not 0.0 <= value:
            raise ValueError(f"Invalid {name} value: {value}")


def check_betas(betas: tuple) -> None:
    """Nothing, if both decay rates lie in [0, 1).

    Raises:
        ValueError: one does not.
    """
    for index in (0, 1):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")


class Optimizer:
    """Parameters in groups, each group with its options, and a state for each parameter.

    Args:
        params: tensors, (name, tensor) pairs, or dicts with "params" and the group's own options.
        defaults: the options of groups that do not give them.
    Source: torch.optim.Optimizer.
    """

    _optimizer_step_pre_hooks: OrderedDict
    _optimizer_step_post_hooks: OrderedDict
    _optimizer_state_dict_pre_hooks: OrderedDict
    _optimizer_state_dict_post_hooks: OrderedDict
    _optimizer_load_state_dict_pre_hooks: OrderedDict
    _optimizer_load_state_dict_post_hooks: OrderedDict

    def __init__(self, params: Iterable, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        self._patch_step_function()
        if isinstance(params, torch.Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                "but got " + _type_name(params)
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        for name in (
            "step_pre",
            "step_post",
            "state_dict_pre",
            "state_dict_post",
            "load_state_dict_pre",
            "load_state_dict_post",
        ):
            self.__dict__.setdefault(f"_optimizer_{name}_hooks", OrderedDict())

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_hooks()
        self._patch_step_function()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        groups = []
        for number, group in enumerate(self.param_groups):
            options = "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            groups.append(f"\nParameter Group {number}\n{options}")
        return f"{type(self).__name__} ({''.join(groups)})"

    # -- hooks

    @staticmethod
    def profile_hook_step(func: Callable) -> Callable:
        """`func`, a step method, with the hooks run before and after it."""

        @functools.wraps(func)
        def step(*args: Any, **kwargs: Any) -> Any:
            self = args[0]
            before = self._optimizer_step_pre_hooks
            if before or _before_any_step:
                for hook in chain(list(_before_any_step.values()), list(before.values())):
                    changed = hook(self, args, kwargs)
                    if changed is None:
                        continue
                    if not (isinstance(changed, tuple) and len(changed) == 2):
                        raise RuntimeError(
                            f"{func} must return None or a tuple of (new_args, new_kwargs), "
                            f"but got {changed}."
                        )
                    args, kwargs = changed
            if modes.observer is not None:
                modes.observer.optimizer_begins(self)
            out = func(*args, **kwargs)
            after = self._optimizer_step_post_hooks
            if after or _after_any_step:
                for hook in chain(list(after.values()), list(_after_any_step.values())):
                    hook(self, args, kwargs)
            if modes.observer is not None:
                modes.observer.optimizer_stepped(self)
            return out

        return step

    def _patch_step_function(self) -> None:
        """See to it that a step method which a script wrote itself runs the hooks too."""
        cls: Any = type(self)
        if not getattr(cls.step, "hooked", False):
            cls.step = self.profile_hook_step(cls.step)
            cls.step.hooked = True

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """A handle of `hook(optimizer, args, kwargs)`, run before each step; it may change both."""
        return _keep(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """A handle of `hook(optimizer, args, kwargs)`, run after each step."""
        return _keep(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """A handle of `hook(optimizer)`, run before `state_dict()` looks at anything."""
        return _keep(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """A handle of `hook(optimizer, state_dict)`, which may change the dict or return another."""
        return _keep(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """A handle of `hook(optimizer, state_dict)`, which may return another dict to load."""
        return _keep(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """A handle of `hook(optimizer)`, run when a state has been loaded."""
        return _keep(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # -- state

    def state_dict(self) -> dict[str, Any]:
        """The state and the groups with numbers in the place of the parameters: what a checkpoint keeps."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        number: dict[int, int] = {}
        start, groups = 0, []
        for group in self.param_groups:
            for position, p in enumerate(group["params"], start):
                number.setdefault(id(p), position)
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [number[id(p)] for p in group["params"]]
            start += len(packed["params"])
            groups.append(packed)
        state = {
            (number[id(key)] if isinstance(key, torch.Tensor) else key): value
            for key, value in self.state.items()
        }
        out = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, out)
            out = out if changed is None else changed
        return out

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the options and the state that `state_dict()` of such an optimizer gave.

        Raises:
            ValueError: its groups do not fit this optimizer's.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved = deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(self.param_groups, saved)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        param_of: dict[Any, Any] = {}
        group_of: dict[Any, dict] = {}
        for live, group in zip(self.param_groups, saved):
            for key, p in zip(group["params"], live["params"]):
                param_of[key] = p
                group_of.setdefault(key, group)
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in param_of:
                state[param_of[key]] = _fit(value, param_of[key], group_of[key])
            else:
                state[key] = value
        for live, group in zip(self.param_groups, saved):
            group["params"] = live["params"]
            if "param_names" in live:
                group.setdefault("param_names", live["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # -- parameters

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros if `set_to_none` is false."""
        if modes.observer is not None:
            modes.tell("grads_cleared", self, set_to_none)
        for group in self.param_groups:
            if set_to_none:
                for p in group["params"]:
                    p.grad = None
                continue
            for p in group["params"]:
                grad = p.grad
                if grad is None:
                    continue
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    def step(self, closure: Callable | None = None) -> Any:
        """The loss of `closure`, if given, after one update of all parameters."""
        raise NotImplementedError

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add one more group of parameters, with the options it names and the defaults for the others.

        Raises:
            TypeError: it is no dict, or holds something else than tensors.
            ValueError: a parameter is no leaf, or is in another group already, or only some have names.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of "
                "tensors in sets will change between runs. Please use a list instead."
            )
        given = [given] if isinstance(given, torch.Tensor) else list(given)
        names = [entry[0] for entry in given if isinstance(entry, tuple)]
        params = [entry[1] if isinstance(entry, tuple) else entry for entry in given]
        param_group["params"] = params
        if names:
            if len(names) != len(params):
                raise ValueError(
                    "all optimizer params should be with/without names. Some param names are missing"
                )
            param_group["param_names"] = names
        for p in params:
            if not isinstance(p, torch.Tensor):
                raise TypeError(
                    "optimizer can only optimize Tensors, but one of the params is " + _type_name(p)
                )
            if not self.defaults.get("differentiable", None) and not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter {name}"
                )
            param_group.setdefault(name, default)
        own = {id(p) for p in params}
        if len(own) != len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will "
                "cause an error; see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                kind = "with names" if "param_names" in param_group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{kind} to the optimizer"
                )
        if any(id(p) in own for group in self.param_groups for p in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)


def _fit(value: Any, param: Any, group: dict, key: Any = None) -> Any:
    """`value` of a loaded state with its tensors in the dtype and on the device of `param`."""
    if isinstance(value, torch.Tensor):
        if key == "step":
            if group.get("capturable", False) or group.get("fused", False):
                return value.to(dtype=torch.float32, device=param.device)
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {k: _fit(v, param, group, k) for k, v in value.items()}
    if isinstance(value, Iterable):
        kind: Any = type(value)
        return kind(_fit(v, param, group) for v in value)
    return value


class Parameterwise(Optimizer):
    """An optimizer that updates each parameter from its own gradient and its own state.

    A subclass says how a state begins (`begin`) and what one update is (`update`), in terms of a small
    arithmetic that works on bare arrays (no graph, the usual case) and on tensors (differentiable or on a
    device) alike.
    """

    sparse_message: str | None = None
    #: options that older checkpoints do not have
    late_options: dict[str, Any] = {}
    capturable_what = "params and state_steps"
    capturable_devices: tuple[str, ...] = ("cuda", "xpu", "hpu", "privateuseone", "xla")

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for key, value in self.late_options.items():
                group.setdefault(key, value)
            for p in group["params"]:
                kept = self.state.get(p, {})
                for key in ("step", "mu_product", "eta", "mu"):
                    if key in kept and not isinstance(kept[key], torch.Tensor):
                        kept[key] = torch.tensor(float(kept[key]), dtype=_scalar_dtype(group.get("fused")))

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """The state of parameter `p` before its first update."""
        return {}

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """Change `p` in place by its gradient `g` (arrays or tensors, whichever arithmetic `m` is)."""
        raise NotImplementedError

    def step(self, closure: Callable | None = None) -> Any:
        """The loss of `closure`, if given, after one update of all parameters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            lr = _to_scalar(group["lr"])
            if isinstance(lr, torch.Tensor) and not (lr.requires_grad and group.get("differentiable")):
                # a scalar of the tensor's own precision, so that what is computed from it rounds as there
                lr = lr.detach().cpu().numpy()[()]
            if group.get("capturable"):
                raise AssertionError(
                    f"If capturable=True, {self.capturable_what} must be on supported devices: "
                    f"{list(self.capturable_devices)}."
                )
            self._walk(group, lr)
        return loss

    def _walk(self, group: dict, lr: Any) -> None:
        states, update = self.state, self.update
        maximize, graph = group.get("maximize", False), group.get("differentiable", False)
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            if grad.is_sparse:
                self.update_sparse(p, grad, group, lr)
                continue
            state = states.get(p)
            if not state:
                state = self.begin(p, group)
                if state:
                    states[p] = state
            if not graph and is_on_cpu(p):
                g = array_of(grad)
                update(ArrayMath, array_of(p), -g if maximize else g, state, group, lr)
                touch(p)
                continue
            with torch.set_grad_enabled(graph):
                g = TensorMath.of(grad)
                rate = lr if isinstance(lr, torch.Tensor) else float(lr)
                update(TensorMath, TensorMath.of(p), -g if maximize else g, state, group, rate)

    def update_sparse(self, p: Any, grad: Any, group: dict, lr: Any) -> None:
        """Change `p` by a gradient that has only a few rows.

        Raises:
            RuntimeError: this optimizer takes dense gradients only.
        """
        raise RuntimeError(self.sparse_message or f"{type(self).__name__} does not support sparse gradients")


def new_step(group: dict) -> Any:
    """A step counter at zero."""
    return torch.tensor(0.0, dtype=_scalar_dtype(group.get("fused")))
