"""One level of items that is to be placed, and the same when placed.

Coordinates are (along, across): along the flow of data and across it. Left to right, along is x."""

from __future__ import annotations

from dataclasses import dataclass, field

Point = tuple[float, float]


@dataclass(slots=True)
class Arc:
    """A connection from vertex `source` to `target`.

    out_at, in_at: where it leaves and arrives, measured across from the vertex's edge; None lets the layout
    spread them. label_px: room that its label needs along the flow; 0 for none."""

    source: int
    target: int
    out_at: float | None = None
    in_at: float | None = None
    label_px: float = 0.0


@dataclass(slots=True)
class Level:
    """Vertices as columns, and arcs. `start` and `stop` bound the part of a vertex that arcs touch."""

    along: list[float] = field(default_factory=list)
    across: list[float] = field(default_factory=list)
    middle: list[float] = field(default_factory=list)
    reach: list[float] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    stop: list[float] = field(default_factory=list)
    arcs: list[Arc] = field(default_factory=list)
    first: set[int] = field(default_factory=set)
    last: set[int] = field(default_factory=set)
    least_px: float = 0.0
    """Least length along the flow."""
    number_px: float = 40.0
    """Room along the flow for a gradient's number, where several arcs end at one vertex."""
    lane_px: float = 22.0
    """Room across between two arcs that pass beside each other."""

    def add(self, along: float, across: float, middle: float | None = None, reach: float = 0.0,
            start: float = 0.0, stop: float | None = None) -> int:
        """Number of a new vertex."""
        self.along.append(along)
        self.across.append(across)
        self.middle.append(across / 2 if middle is None else middle)
        self.reach.append(reach)
        self.start.append(start)
        self.stop.append(along if stop is None else stop)
        return len(self.along) - 1


@dataclass(slots=True)
class PlacedLevel:
    """Where the vertices of a level stand, and its arcs as chains of cubic curves (3 k + 1 points each)."""

    along_at: list[float]
    across_at: list[float]
    paths: list[list[Point]]
    labels: list[Point]
    """For each arc the point of the curve that its label stands at."""
    length: float
    breadth: float
    crossings: int = 0
