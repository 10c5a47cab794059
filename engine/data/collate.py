"""How samples become a batch, and arrays become tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

import engine

torch: Any = engine

_REFUSED = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _rebuilt(like: Any, parts: Any) -> Any:
    """A container of the kind of `like` with new contents; a plain dict or list where its type refuses."""
    made: Any
    try:
        if isinstance(like, MutableMapping):
            made = copy.copy(like)
            made.update(parts)
        elif isinstance(like, MutableSequence):
            made = copy.copy(like)
            for i, part in enumerate(parts):
                made[i] = part
        else:
            made = type(like)(parts)
    except TypeError:
        return parts
    return made


def default_convert(data: Any) -> Any:
    """`data` with each numpy array and scalar in it as a tensor; the loader's way without batches."""
    if isinstance(data, torch.Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)) and not isinstance(data, np.str_):
        if isinstance(data, np.ndarray) and data.dtype.kind in "SUO":
            return data
        return torch.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuilt(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(d) for d in data))
    if isinstance(data, tuple):
        return [default_convert(d) for d in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt(data, [default_convert(d) for d in data])
    return data


def collate(batch: Sequence, *, collate_fn_map: dict | None = None) -> Any:
    """One batch of the samples: what the map says for their type, containers element by element.

    Raises:
        TypeError: a type that neither the map nor the containers cover.
        RuntimeError: lists of different lengths.
    """
    elem = batch[0]
    kind = type(elem)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for covered, function in collate_fn_map.items():
            if isinstance(elem, covered):
                return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(elem, Mapping):
        return _rebuilt(
            elem, {key: collate([d[key] for d in batch], collate_fn_map=collate_fn_map) for key in elem}
        )
    if isinstance(elem, tuple) and hasattr(elem, "_fields"):
        return kind(*(collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)))
    if isinstance(elem, Sequence):
        if any(len(sample) != len(elem) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)]
        return columns if isinstance(elem, tuple) else _rebuilt(elem, columns)
    raise TypeError(_REFUSED.format(kind))


def collate_tensor_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Any:
    """The tensors stacked along a new first dimension."""
    return torch.stack(list(batch), 0)


def collate_numpy_array_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Any:
    """The arrays, as tensors, stacked.

    Raises:
        TypeError: arrays of text or objects.
    """
    if batch[0].dtype.kind in "SUO":
        raise TypeError(_REFUSED.format(batch[0].dtype))
    return collate([torch.as_tensor(b) for b in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Any:
    """A vector of numpy scalars."""
    return torch.as_tensor(np.asarray(batch))


def collate_float_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Any:
    """A float64 vector of Python numbers."""
    return torch.tensor(batch, dtype=torch.float64)


def collate_int_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Any:
    """A vector of Python integers."""
    return torch.tensor(batch)


def collate_str_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Any:
    """Texts as they are."""
    return batch


default_collate_fn_map: dict[Any, Callable] = {
    torch.Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Sequence) -> Any:
    """A batch: tensors and arrays stacked, numbers as a vector, containers element by element."""
    return collate(batch, collate_fn_map=default_collate_fn_map)
