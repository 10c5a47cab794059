"""What one step of an optimizer does to each parameter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.protocol.event import Digest, ParameterChanged
from engine.recorders.digest import digest_of, is_finite
from engine.recorders.name import ModuleNames


class StepBefore:
    """The parameters of an optimizer as they were before its step, copied."""

    def __init__(self, optimizer: Any, names: ModuleNames) -> None:
        self._optimizer = optimizer
        self._parameters: list[tuple[str, Any, np.ndarray, float]] = []
        for group in optimizer.param_groups:
            for tensor in group["params"]:
                name = names.parameter(tensor) or f"parameter {len(self._parameters)}"
                rate = group.get("lr", 0.0)
                self._parameters.append((name, tensor, np.array(tensor._a), float(rate)))

    def changes(self) -> Iterator[ParameterChanged]:
        """One event for each parameter, to be asked for after the step."""
        optimizer = self._optimizer
        for name, tensor, before, rate in self._parameters:
            state = optimizer.state.get(tensor, {})
            grad = tensor.__dict__.get("grad")
            step = state.get("step", 0)
            digests = {k: d for k, v in state.items() if (d := _digest(v)) is not None}
            change = np.asarray(tensor._a, np.float64) - before.astype(np.float64)
            yield ParameterChanged(
                type(optimizer).__name__,
                int(np.asarray(getattr(step, "_a", step))),
                name,
                rate,
                digest_of(before),
                None if grad is None else digest_of(grad._a),
                digest_of(tensor._a),
                digest_of(change.astype(np.float32)),
                digests,
            )

    def made_nan(self) -> list[str]:
        """The names of parameters that the step made NaN or Inf of, from finite numbers and gradients."""
        found = []
        for name, tensor, before, _ in self._parameters:
            grad = tensor.__dict__.get("grad")
            if not is_finite(tensor._a) and is_finite(before) and (grad is None or is_finite(grad._a)):
                found.append(name)
        return found

    def names(self) -> dict[str, Any]:
        """The values as an expression can name them: 'linear.weight', '.before', '.change', '.grad',
        '.momentum_buffer' ..."""
        found: dict[str, Any] = {}
        for name, tensor, before, _ in self._parameters:
            found[name] = tensor
            found[f"{name}.before"] = before
            found[f"{name}.change"] = np.asarray(tensor._a) - before
            found[f"{name}.grad"] = tensor.__dict__.get("grad")
            for key, value in self._optimizer.state.get(tensor, {}).items():
                found[f"{name}.{key}"] = value
        return found


def _digest(value: Any) -> Digest | None:
    array = getattr(value, "_a", None)
    return digest_of(array) if array is not None and np.ndim(array) > 0 else None
