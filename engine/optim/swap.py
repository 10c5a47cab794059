"""Other parameters and another state in an optimizer, for the length of a `with` block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WHO = "swap_in_optimizer_params_and_state requires"


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Any, swapin_parameters: dict[str, Any], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """The optimizer with other parameters and the state of a `state_dict()`; its own come back.

    Raises:
        RuntimeError: the state does not fit the optimizer's groups.
    """
    if not optimizer.state:
        raise RuntimeError(f"{_WHO} initialized optimizer state.")
    if not isinstance(swapin_optim_state, dict):
        raise RuntimeError(f"{_WHO} a DCP-style optimizer state_dict.")
    state, groups = swapin_optim_state.get("state"), swapin_optim_state.get("param_groups")
    if not isinstance(state, dict):
        raise RuntimeError(
            f"{_WHO} swapin_optim_state['state'] to be a dict mapping packed parameter ids to "
            f"per-param state dicts, got {type(state).__name__}."
        )
    if not isinstance(groups, list):
        raise RuntimeError(
            f"{_WHO} swapin_optim_state['param_groups'] to be a list of param-group dicts, got "
            f"{type(groups).__name__}."
        )
    live = optimizer.param_groups
    if len(live) != len(groups):
        raise RuntimeError(
            "swapin_optim_state has a different number of parameter groups than the live optimizer."
        )
    given = list(swapin_parameters.values())
    new_state: defaultdict[Any, Any] = defaultdict(dict)
    new_groups, start = [], 0
    for index, (group, other) in enumerate(zip(live, groups)):
        count = len(group["params"])
        if len(other["params"]) != count:
            raise RuntimeError(
                f"swapin_optim_state param group {index} has a different number of params than the "
                "live optimizer param group."
            )
        if set(other) != set(group):
            raise RuntimeError(
                f"{_WHO} optimizer.state_dict()-style param group keys to exactly match the live optimizer "
                "group "
                f"keys for group {index}. Keys only in swap-in: {[k for k in other if k not in group]}. Keys "
                "only "
                f"in live: {[k for k in group if k not in other]}."
            )
        params = given[start : start + count]
        if len(params) != count:
            raise RuntimeError(
                f"{_WHO} the explicit parameter state to match optimizer.param_groups ordering."
            )
        start += count
        new_groups.append({**other, "params": params})
        for key, p in zip(other["params"], params):
            if key in state:
                new_state[p] = state[key]
    kept_groups, kept_state = [dict(group) for group in live], optimizer.state
    for group, new in zip(live, new_groups):
        group.clear()
        group.update(new)
    optimizer.state = new_state
    try:
        yield
    finally:
        for group, kept in zip(live, kept_groups):
            group.clear()
            group.update(kept)
        optimizer.state = kept_state
