"""The tensors of a node by their names: value, grad, incoming:0, outgoing:1, saved:self, leaf_grad, trust:0
(the error of each element, once checked)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.autograd.node import FREED, AccumulateGrad, Node, SavedTensor
from engine.protocol.event import TensorFetched
from engine.recorders.digest import digest_of, dtype_name
from engine.recorders.recorder import value_of
from engine.recorders.walk import BackwardWalk, Flow

Undo = Callable[[], None]


class SlotError(Exception):
    """Why there is no such tensor, in words."""


def read(walk: BackwardWalk, number: int, what: str) -> Any:
    """The array in this slot as the walk stands. Raises: SlotError."""
    nodes = walk.structure.nodes
    kind, _, detail = what.partition(":")
    if kind == "value":
        return _there(value_of(walk, number), "The value is not kept for this node.")
    if not 0 <= number < len(nodes):
        raise SlotError(f"There is no node {number} with gradients in this graph.")
    node = nodes[number]
    slot = int(detail) if detail.isdigit() else 0
    if kind == "saved":
        return saved(node, detail)
    if kind == "trust":
        return _there(walk.errors.get((number, slot)), "This gradient has not been checked here.")
    if isinstance(node, AccumulateGrad) and kind in ("grad", "leaf_grad"):
        return _there(_array(node.variable.__dict__.get("grad")), "This leaf has no gradient yet.")
    if kind in ("grad", "incoming"):
        grads = incoming_of(walk, node)
        return _there(_array(grads[slot]) if slot < len(grads) else None, "No gradient has arrived here.")
    if kind == "outgoing":
        flow = _flow(walk, node)
        if flow is None:
            raise SlotError("This node has not run yet, so nothing has left it.")
        out = flow.out
        return _there(_array(out[slot]) if slot < len(out) else None, "No gradient leaves along this edge.")
    raise SlotError(f"“{what}” names no tensor of a node.")


def write(walk: BackwardWalk, number: int, what: str, new: np.ndarray) -> Undo:
    """Put this array in the slot; what is given back puts the old one there again. Raises: SlotError."""
    from engine.tensor import Tensor

    old = read(walk, number, what)
    kind, _, detail = what.partition(":")
    node = walk.structure.nodes[number] if number < len(walk.structure.nodes) else None
    value = np.ascontiguousarray(np.broadcast_to(new, np.shape(old))).astype(old.dtype)
    if kind == "saved" and node is not None:
        return _write_saved(node, detail, Tensor._of(value))
    if (
        kind in ("grad", "incoming")
        and node is not None
        and not (isinstance(node, AccumulateGrad) and kind == "grad")
    ):
        buffer = walk.run.buffers.get(node)
        slot = int(detail) if detail.isdigit() else 0
        if buffer is None or slot >= len(buffer):
            raise SlotError("The gradient here is used already; step back to before this node.")
        before = buffer[slot]
        buffer[slot] = Tensor._of(value)

        def undo_buffer() -> None:
            now = walk.run.buffers.get(node)
            if now is not None:
                now[slot] = before

        return undo_buffer
    if kind == "trust":
        raise SlotError("How far a gradient is off is found, not set.")
    if kind == "outgoing":
        raise SlotError("A gradient that has left is changed where it arrives: as incoming of the next node.")
    holder = _holder(node, kind)
    if holder is not None:
        old = holder._array()
    if not isinstance(old, np.ndarray):
        raise SlotError("This value is not kept in memory that can be changed.")
    kept = old.copy()
    old[...] = value

    def undo_memory() -> None:
        old[...] = kept

    return undo_memory


def window(tag: str, name: str, array: Any, index: tuple[int, ...], limit: int) -> TensorFetched:
    """The asked part of a tensor, at most `limit` elements of it. Raises: SlotError."""
    whole = np.asarray(array)
    try:
        part = whole[tuple(index)]
    except IndexError:
        raise SlotError(f"{list(index)} lies outside a tensor of shape {list(whole.shape)}.") from None
    part = np.asarray(part)
    place = 0
    while part.size > max(1, limit) and place < part.ndim:
        row = part.size // part.shape[place]
        part = part[(slice(None),) * place + (slice(0, max(1, limit // max(1, row))),)]
        place += 1
    told = dtype_name(part.dtype)
    if part.dtype.kind not in "fciub" or part.dtype.name == "bfloat16":
        part = part.astype(np.float32)
        told = "float32"
    if part.dtype.byteorder == ">":
        part = part.astype(part.dtype.newbyteorder("<"))
    return TensorFetched(tag, part.shape, told, np.ascontiguousarray(part).tobytes(), digest_of(whole), name)


def saved(node: Node, name: str) -> Any:
    """The array that a node keeps under this name. Raises: SlotError."""
    if node.saved is FREED:
        raise SlotError("The saved tensors of this node have been freed.")
    if name not in node.saved:
        raise SlotError(f"{node.name()} keeps nothing called {name}.")
    value = node.saved[name]
    if isinstance(value, SavedTensor):
        value = value.tensor if value.unpack_hook is None else value.unpack(node)
    if isinstance(value, list):
        value = value[0].tensor if value and isinstance(value[0], SavedTensor) else None
    array = _array(value)
    if array is None and isinstance(value, (int, float, bool)):
        array = np.asarray(value)
    return _there(array, f"{name} is not a tensor.")


def _write_saved(node: Node, name: str, tensor: Any) -> Undo:
    before = node.saved[name]
    if not isinstance(before, SavedTensor):
        raise SlotError(f"{name} is not a tensor.")
    node.saved[name] = SavedTensor(tensor)

    def undo_saved() -> None:
        if node.saved is not FREED:
            node.saved[name] = before

    return undo_saved


def _holder(node: Node | None, kind: str) -> Any:
    if isinstance(node, AccumulateGrad):
        return node.variable.__dict__.get("grad") if kind in ("grad", "leaf_grad") else node.variable
    return None


def incoming_of(walk: BackwardWalk, node: Node) -> list[Any]:
    """The gradients that came, or have come so far, to this node: one (or None) for each output."""
    if node is walk.node:
        return walk.run.incoming()
    flow = _flow(walk, node)
    if flow is not None:
        return flow.grads
    return walk.run.buffers.get(node, [])


def _flow(walk: BackwardWalk, node: Node) -> Flow | None:
    """What flowed at this node, if it has run; worked out again where it was let go of."""
    order, number = walk.structure.definition.order, walk.structure.index[node]
    position = order.index(number) if number in order else -1
    flow = walk.recall(position) if 0 <= position < walk.position else None
    if flow is not None and flow.node is node:
        return flow
    for flow in walk.flows.values():
        if flow.node is node:
            return flow
    return None


def _array(tensor: Any) -> Any:
    return getattr(tensor, "_a", None)


def _there(array: Any, message: str) -> Any:
    if array is None:
        raise SlotError(message)
    return array if isinstance(array, (np.ndarray, np.generic)) else np.asarray(array)
