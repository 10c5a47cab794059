"""Which tensor a refused backward needed: found by asking where the run stands before that backward."""

from __future__ import annotations

import re

from app.session.graph import Graph
from app.session.session import Session
from engine.protocol.event import VersionsTold

ASKED_MAX = 64
_SAVER = re.compile(r"(\w+) saved it at (?:.*?):(\d+)\.")


def candidates(graph: Graph, message: str) -> list[int]:
    """Nodes whose value it may be, the likelier first: what the node named in the message keeps, else what
    any node keeps."""
    named = _SAVER.search(message)
    ops = [n.id for n in graph.nodes if n.kind == "op"]
    savers = [i for i in ops if graph.nodes[i].saved]
    if named is not None:
        alike = [i for i in ops if graph.nodes[i].name == named[1]]
        savers = [i for i in alike if graph.nodes[i].line == int(named[2])] or alike or savers
    found: dict[int, None] = {}
    for saver in savers:
        found[saver] = None
        for edge in graph.edges_into(saver):
            found[edge.source] = None
    return list(found)[:ASKED_MAX]


class Refusal:
    """Asks for the life of each candidate; `found` is the node whose value was changed too late, -1 where
    none is known yet or there is none."""

    def __init__(self, session: Session, message: str) -> None:
        self.session = session
        self.found = -1
        self._waiting: dict[str, int] = {}
        for node in candidates(session.graph, message):
            self._waiting[f"refusal:{node}"] = node
        for tag, node in list(self._waiting.items()):
            session.explain(tag, "versions", node)

    @property
    def is_over(self) -> bool:
        """Whether all have answered, or one was found."""
        return self.found >= 0 or not self._waiting

    def look(self) -> None:
        """Take over what was answered."""
        session = self.session
        for tag, node in list(self._waiting.items()):
            told = session.explained.pop(tag, None)
            if told is not None or session.fetch_errors.pop(tag, None) is not None:
                del self._waiting[tag]
            if isinstance(told, VersionsTold) and any(part.what == "refused" for part in told.versions):
                self.found = node if self.found < 0 else self.found
