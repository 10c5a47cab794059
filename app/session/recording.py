"""A recorded run: read once for its outline; the inside of each backward is read when it is looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.session.graph import Graph
from app.session.history import find_kept
from app.session.timeline import Backward
from app.session.walk import Walk
from engine.protocol import event as happened
from engine.protocol.framing import CorruptError, RunFile

_INSIDE = (
    happened.NodeEntered,
    happened.GradFlowed,
    happened.GradAccumulated,
    happened.WalkedBack,
    happened.ValuesSampled,
    happened.TensorKept,
)
_CACHED_BACKWARDS = 16


class Recording:
    """A recorded run. message: what is wrong with the file's end, in words, or ''.

    Raises: OSError, ProtocolError where nothing of it can be read."""

    def __init__(self, path: str | Path) -> None:
        self._file = RunFile(path)
        self.path = Path(path)
        self.backwards: list[Backward] = []
        self._definitions: dict[str, happened.GraphDefined] = {}
        self._frames: dict[int, list[int]] = {}
        self._outline: list[happened.Event] = []
        self._cache: OrderedDict[int, list[happened.Event]] = OrderedDict()
        self._walk: Walk | None = None
        self._index()

    @property
    def message(self) -> str:
        """What is wrong with the end of the file, in words, or ''."""
        return self._file.message

    def events(self) -> Iterator[happened.Event]:
        """All events but those inside backwards, in order."""
        return iter(self._outline)

    def definition(self, hash: str) -> happened.GraphDefined | None:
        """The structure with this hash."""
        return self._definitions.get(hash)

    def details(self, backward: int) -> Sequence[happened.Event]:
        """The events inside this backward, in order, without what was walked back over."""
        found = self._cache.get(backward)
        if found is None:
            found = []
            for frame in self._frames.get(backward, ()):
                for event in self._file.events(frame):
                    if not isinstance(event, _INSIDE) or event.backward != backward:
                        continue
                    if isinstance(event, happened.WalkedBack):
                        position = event.position
                        found = [e for e in found if getattr(e, "position", -1) < position]
                    else:
                        found.append(event)
            self._cache[backward] = found
            if len(self._cache) > _CACHED_BACKWARDS:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(backward)
        return found

    def kept(self, backward: int, node: int, what: str) -> happened.TensorKept | None:
        """The tensor kept of this slot, if there is one."""
        return find_kept(self.details(backward), node, what)

    def graph_at(self, backward: int, position: int) -> Graph:
        """The graph as it stood with `position` nodes of this backward done. Raises: KeyError."""
        walk = self._walk
        if walk is None or walk.backward != backward:
            entry = next((b for b in self.backwards if b.number == backward), None)
            if entry is None or entry.graph not in self._definitions:
                raise KeyError(f"The recording has no backward {backward}.")
            walk = Walk(self._definitions[entry.graph], backward, entry.root)
            for event in self.details(backward):
                walk.learn(event)
            self._walk = walk
        walk.standing = True
        walk.move(position)
        return walk.graph

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _index(self) -> None:
        number = 0
        over = False
        while number < len(self._file):
            try:
                events = self._file.events(number)
            except CorruptError as error:
                self._file.cut(number, f"{error} Shown up to there.")
                break
            for event in events:
                if isinstance(event, _INSIDE):
                    frames = self._frames.setdefault(event.backward, [])
                    if not frames or frames[-1] != number:
                        frames.append(number)
                    continue
                self._outline.append(event)
                if isinstance(event, happened.GraphDefined):
                    self._definitions[event.hash] = event
                elif isinstance(event, happened.BackwardStarted):
                    definition = self._definitions.get(event.graph)
                    count = len(definition.order) if definition else 0
                    self.backwards.append(
                        Backward(
                            event.backward,
                            event.graph,
                            event.root,
                            event.variable,
                            event.value,
                            event.file,
                            event.line,
                            count,
                        )
                    )
                elif isinstance(event, (happened.RunEnded, happened.RunFailed)):
                    over = True
            number += 1
        if not over and not self._file.message:
            self._file.message = f"{self.path.name} ends before the run's end; shown up to there."
