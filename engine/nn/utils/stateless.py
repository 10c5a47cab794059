"""A module called with other parameters than its own.

Source: torch.nn.utils.stateless.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from engine.nn.modules.module import Module


def _tied_names(module: Module) -> list[set[str]]:
    """Names that stand for the same parameter or buffer."""
    groups: dict[int, set[str]] = {}
    for named in (
        module.named_parameters(remove_duplicate=False),
        module.named_buffers(remove_duplicate=False),
    ):
        for name, tensor in named:
            groups.setdefault(id(tensor), set()).add(name)
    return [names for names in groups.values() if len(names) > 1]


@contextmanager
def reparametrized(
    module: Module, values: Mapping[str, Any], tie_weights: bool = True, strict: bool = False
) -> Iterator[None]:
    """Inside, the module uses the given tensors; afterwards its own again.

    Raises: RuntimeError when strict and the names do not match."""
    values = dict(values)
    if tie_weights:
        for names in _tied_names(module):
            given = names & set(values)
            if given:
                first = values[sorted(given)[0]]
                for name in names - given:
                    values[name] = first
    own = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    own |= {name for name, _ in module.named_buffers(remove_duplicate=False)}
    if strict:
        missing, unexpected = own - set(values), set(values) - own
        if missing or unexpected:
            said = []
            if unexpected:
                said.append("Unexpected key(s): " + ", ".join(map(repr, sorted(unexpected))) + ".")
            if missing:
                said.append("Missing key(s): " + ", ".join(map(repr, sorted(missing))) + ".")
            raise RuntimeError(
                f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(said)
            )
    kept: list[tuple[dict, str, Any]] = []
    try:
        for path, value in values.items():
            owner_path, _, name = path.rpartition(".")
            if path not in own:
                continue
            owner = module.get_submodule(owner_path)
            table = owner._parameters if name in owner._parameters else owner._buffers
            kept.append((table, name, table[name]))
            table[name] = value
        yield
    finally:
        for table, name, value in reversed(kept):
            table[name] = value


def functional_call(
    module: Module,
    parameters_and_buffers: Any,
    args: Any = None,
    kwargs: dict | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """What the module returns when the given tensors stand for its parameters and buffers.

    Raises: TypeError or ValueError when the arguments are of another form."""
    if isinstance(parameters_and_buffers, Mapping):
        values = dict(parameters_and_buffers)
    elif isinstance(parameters_and_buffers, (tuple, list)):
        values = {}
        for part in parameters_and_buffers:
            if not isinstance(part, Mapping):
                raise TypeError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
            for name, value in part.items():
                if name in values:
                    raise ValueError(
                        f"{name} appears in multiple dictionaries; behavior of functional call is ambiguous"
                    )
                values[name] = value
    else:
        raise TypeError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, "
            f"but got {type(parameters_and_buffers)}"
        )
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with reparametrized(module, values, tie_weights, strict):
        return module(*args, **(kwargs or {}))
