"""The picture's geometry as numpy columns: what canvases draw, and how it travels between processes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields

import numpy as np

_FLOATS = np.float32


def _empty(*shape: int, kind: type = _FLOATS) -> np.ndarray:
    return np.zeros(shape, kind)


@dataclass(slots=True)
class Scene:
    """Items, groups and wires.

    Shapes: rectangles are n×4 (x, y, width, height); `points` is p×2, the cubic chains of all wires one after
    another, wire w having points[point_at[w]:point_at[w + 1]], 3 k + 1 of them, from source to target."""

    hash: str = ""
    downwards: bool = False
    opened: tuple[int, ...] = ()
    item_kind: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.uint8))
    item_ref: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.int32))
    item_group: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.int32))
    """The module that an item stands in, -1 for none."""
    item_host: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.int32))
    item_rect: np.ndarray = field(default_factory=lambda: _empty(0, 4))
    titles: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    group_ref: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.int32))
    """Open modules, outer ones before inner ones."""
    group_depth: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.int32))
    group_rect: np.ndarray = field(default_factory=lambda: _empty(0, 4))
    group_titles: list[str] = field(default_factory=list)
    group_details: list[str] = field(default_factory=list)
    wire_source: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.int32))
    wire_target: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.int32))
    wire_label_at: np.ndarray = field(default_factory=lambda: _empty(0, 2))
    wire_box: np.ndarray = field(default_factory=lambda: _empty(0, 4))
    """Left, top, right and bottom of each wire."""
    wire_labels: list[str] = field(default_factory=list)
    point_at: np.ndarray = field(default_factory=lambda: _empty(1, kind=np.int32))
    points: np.ndarray = field(default_factory=lambda: _empty(0, 2))
    edge_at: np.ndarray = field(default_factory=lambda: _empty(1, kind=np.int32))
    """wire w stands for the graph's edges edges[edge_at[w]:edge_at[w + 1]]."""
    edges: np.ndarray = field(default_factory=lambda: _empty(0, kind=np.int32))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of everything; the scene starts at 0, 0."""
        right = bottom = 0.0
        for rects in (self.item_rect, self.group_rect):
            if len(rects):
                right = max(right, float((rects[:, 0] + rects[:, 2]).max()))
                bottom = max(bottom, float((rects[:, 1] + rects[:, 3]).max()))
        if len(self.wire_box):
            right = max(right, float(self.wire_box[:, 2].max()))
            bottom = max(bottom, float(self.wire_box[:, 3].max()))
        return right, bottom

    def wire_points(self, wire: int) -> np.ndarray:
        """The cubic chain of one wire, a view."""
        return self.points[self.point_at[wire] : self.point_at[wire + 1]]

    def wire_edges(self, wire: int) -> np.ndarray:
        """The graph's edges that one wire stands for, a view."""
        return self.edges[self.edge_at[wire] : self.edge_at[wire + 1]]

    def to_bytes(self) -> bytes:
        """The scene for a pipe: one line of JSON, then the arrays' bytes."""
        head: dict[str, object] = {"arrays": []}
        blocks: list[bytes] = []
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                blocks.append(np.ascontiguousarray(value).tobytes())
                head["arrays"].append([item.name, value.dtype.str, list(value.shape)])  # type: ignore[attr-defined]
            else:
                head[item.name] = value
        return json.dumps(head).encode() + b"\n" + b"".join(blocks)

    @classmethod
    def from_bytes(cls, data: bytes) -> Scene:
        """The scene that `to_bytes` wrote.

        Raises: ValueError where the bytes are not a scene."""
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        at = 0
        for name, kind, shape in head.pop("arrays"):
            dtype = np.dtype(kind)
            size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            head[name] = np.frombuffer(rest[at : at + size], dtype).reshape(shape)
            at += size
        head["opened"] = tuple(head["opened"])
        return cls(**head)
