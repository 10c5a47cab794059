"""Tables: what every module keeps, named once for the parts that Module is put together from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Tables:
    """The tables of a module, by name; Module.__init__ makes them."""

    training: bool
    _version: int
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _backward_pre_hooks: Any
    _backward_hooks: Any
    _is_full_backward_hook: bool | None
    _forward_hooks: Any
    _forward_hooks_with_kwargs: Any
    _forward_hooks_always_called: Any
    _forward_pre_hooks: Any
    _forward_pre_hooks_with_kwargs: Any
    _state_dict_hooks: Any
    _state_dict_pre_hooks: Any
    _load_state_dict_pre_hooks: Any
    _load_state_dict_post_hooks: Any
    children: Callable[..., Any]
    forward: Callable[..., Any]
