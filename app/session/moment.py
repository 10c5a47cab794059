"""A moment of a run: the digests of all that is shown, cheap enough to be taken at every stop. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.session.graph import Graph
from app.session.walk import Walk
from engine.protocol.event import Digest, EdgePart, GraphDefined, NodePart

if TYPE_CHECKING:
    from app.session.session import Session

Known = tuple[Digest | None, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known at one place of a run: (backward, position) in a phase, and digests by node and edge.

    The structure is shared with the graph's definition, never copied."""

    definition: GraphDefined
    backward: int = -1
    position: int = 0
    phase: str = "backward"
    values: Known = ()
    grads: Known = ()
    edges: Known = ()
    loss: float | None = None

    @property
    def place(self) -> tuple[int, int, str]:
        """Where it was taken: the same place twice is no news."""
        return (self.backward, self.position, self.phase)

    @property
    def hash(self) -> str:
        """The graph's hash."""
        return self.definition.hash

    def node(self, number: int) -> NodePart:
        """One node's structure. Raises: IndexError."""
        return self.definition.nodes[number]

    def edge(self, number: int) -> EdgePart:
        """One edge's structure. Raises: IndexError."""
        return self.definition.edges[number]

    def path(self, number: int) -> str:
        """The path of the module that a node belongs to, '' outside any."""
        module = self.definition.nodes[number].module
        return self.definition.modules[module].path if 0 <= module < len(self.definition.modules) else ""


def moment_of_walk(walk: Walk, phase: str = "backward", loss: float | None = None) -> Moment:
    """The moment at which a walk stands."""
    graph: Graph = walk.graph
    return Moment(
        walk.definition,
        walk.backward,
        walk.position,
        phase,
        tuple([node.value for node in graph.nodes]),
        tuple([node.grad for node in graph.nodes]),
        tuple([edge.grad for edge in graph.edges]),
        loss,
    )


def moment_of(session: Session) -> Moment | None:
    """The moment that a session shows, or None where there is no graph.

    At a stop in the optimizer the leaves have their new values, though the graph is that of the backward
    before."""
    walk = session.walk
    if walk is None:
        return None
    standing = session.standing if session.timeline.following else None
    phase = standing.phase if standing is not None else "backward"
    entry = session.timeline.get(walk.backward)
    moment = moment_of_walk(walk, phase, entry.value if entry is not None else None)
    if phase != "optimizer" or not session.changes:
        return moment
    values = list(moment.values)
    for number, part in enumerate(walk.definition.nodes):
        if part.kind == "leaf" and part.name in session.changes:
            values[number] = session.changes[part.name].after
    return replace(moment, values=tuple(values))


class Moments:
    """The moments of a session as it goes: `now`, the stop `before`, and one that is `pinned`.

    `look` is to be called when the session's cursor changed; it costs nothing while the run goes on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.now: Moment | None = None
        self.before: Moment | None = None
        self.pinned: Moment | None = None
        self.revision = 0
        self._edits = 0

    def look(self) -> bool:
        """Take the moment where the session stands; whether it is another than the last.

        At the same place only what arrived late is added, so that `before` stays the stop before. An edit
        makes a new moment."""
        session = self._session
        stands = session.state != "running" and session.walk is not None and len(session.timeline) > 0
        moment = moment_of(session) if stands else None
        if moment is None:
            return False
        now = self.now
        new = now is None or now.place != moment.place or len(session.edits) != self._edits
        if new:
            self.before = now
        elif now == moment:
            return False
        self._edits = len(session.edits)
        self.now = moment
        self.revision += 1
        return new

    def pin(self) -> None:
        """Keep the present moment to compare later ones with."""
        self.look()
        self.pinned = self.now
        self.revision += 1

    def unpin(self) -> None:
        """Compare with the stop before again."""
        self.pinned = None
        self.revision += 1

    def forget(self) -> None:
        """Another run is shown."""
        self.now = self.before = self.pinned = None
        self._edits = 0
        self.revision += 1
