"""`Session`: all that is known of one script or recording, and the requests it sends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from app.session.breakpoint import Breakpoint
from app.session.console import ConsoleText
from app.session.curve import Curve
from app.session.failure import Failure
from app.session.finding import Findings
from app.session.graph import Edge, Graph, Node
from app.session.history import History, Past
from app.session.receipt import Receipt
from app.session.recording import Recording
from app.session.rule import RuleBook
from app.session.signal import Signal
from app.session.optimizer_walk import OptimizerWalk
from app.session.timeline import Backward, Timeline
from app.session.travel import Travel
from app.session.undo import Undo
from app.session.waiting import waiting_for
from app.session.walk import Walk
from engine.protocol import event as happened
from engine.protocol import request as ask

WHOLE_NODES_MAX = 4000
"""A graph of more nodes is sampled only where it is in view."""
STATES = ("empty", "ready", "running", "paused", "ended", "failed", "lost")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected: kind '' (nothing), 'node' (leaves too), 'edge' or 'module', and its index in the
    graph."""

    kind: str = ""
    id: int = -1


@dataclass(slots=True)
class NodeInfo:
    """A node with what belongs to it: its op in the catalogue, the edges into and out of it."""

    node: Node
    op: happened.OpEntry | None
    inputs: list[Edge] = field(default_factory=list)
    outputs: list[Edge] = field(default_factory=list)


class Session:
    """What is known of a run. Four signals tell that something changed; views then look for themselves.

    graph: another structure is shown. selection: another thing is selected. cursor: the walk moved, the run's
    state changed, values, curves or text arrived (console.revision, fetch_revision tell which).
    replaced: another script or recording was opened, or the run began anew.

    send(request) hands a request to the child; launch() starts one (both are put in by the link)."""

    def __init__(self, send: Callable[[ask.Request], object] | None = None) -> None:
        self.graph_changed = Signal()
        self.selection_changed = Signal()
        self.cursor_changed = Signal()
        self.replaced = Signal()
        self.send: Callable[[ask.Request], object] = send or (lambda request: None)
        self.launch: Callable[[], object] = lambda: None
        self.abandon: Callable[[], object] = lambda: None
        self.path: Path | None = None
        self.source = ""
        self.argv: tuple[str, ...] = ()
        self.breakpoints: list[Breakpoint] = []
        self.budget_bytes: int | None = None
        self.watches: list[str] = []
        self.undo = Undo()
        self.past: Past | None = None
        self.rules = RuleBook()
        self.travel = Travel(self)
        self._receipt = Receipt(self)
        self._watched: tuple[tuple[int, ...], float] = ((), 0.0)
        self._in_view: tuple[tuple[int, ...], float] = ((), 15.0)
        self._whole: set[str] = set()
        self._forget()
        self.state = "empty"

    def _forget(self) -> None:
        self.state = "ready"
        self.started: happened.RunStarted | None = None
        self.ended: happened.RunEnded | None = None
        self.failure: Failure | None = None
        self.standing: happened.RunPaused | None = None
        self.work: happened.WorkProgressed | None = None
        self.input_asked: happened.InputAsked | None = None
        self.said: list[str] = []
        """The lines that were given to input(), in order."""
        self.lines: deque[str] = deque()
        """Lines that are given to the next input() at once: those of the run that is repeated."""
        self.message = ""
        self.waiting = ""
        """What is being waited for while nothing arrives, in words."""
        self.busy: happened.ScriptBusy | None = None
        self.edited = False
        self.expected: dict[int, float | None] = {}
        self.diverged: int | None = None
        self.console = ConsoleText()
        self.curves: dict[str, Curve] = {}
        self.timeline = Timeline()
        self.history = History()
        self.head: Walk | None = None
        self.walk: Walk | None = None
        self.graph = Graph()
        self.selection = Selection()
        self.catalogue: dict[str, happened.OpEntry] = {}
        self.forward: list[happened.OpRan] = []
        self.fetched: dict[str, happened.TensorFetched] = {}
        self.fetch_errors: dict[str, str] = {}
        self.evaluated: dict[str, happened.ValueEvaluated] = {}
        self.explained: dict[str, happened.Event] = {}
        self.findings = Findings()
        self.fetch_revision = 0
        self.optimizer: happened.ParameterStepped | None = None
        self.trained: dict[str, None] = {}
        """The names of all parameters that an optimizer of this run has."""
        self.leaves: set[str] = set()
        """The names of all leaves in the graphs of this run."""
        self.changes: dict[str, happened.ParameterChanged] = {}
        """What an optimizer did to each parameter when it was last told."""
        self.optimizer_walk: OptimizerWalk | None = None
        """Where one stands among the parameters, while the run stands at an optimizer's step."""
        self.unknown: dict[str, int] = {}
        self.edits: list[happened.ValueSet] = []

    # -- what is open ----------------------------------------------------------------------------------------

    @property
    def is_recording(self) -> bool:
        """Whether a recorded run is shown, so that nothing can be run."""
        return self.past is not None

    @property
    def is_live(self) -> bool:
        """Whether a child process is at work or stands."""
        return self.state in ("running", "paused")

    @property
    def can_run(self) -> bool:
        """Whether `run` would start or go on."""
        return not self.is_recording and self.state in ("ready", "paused", "ended", "failed", "lost")

    @property
    def can_step(self) -> bool:
        """Whether `step` would do something."""
        return self.state in ("ready", "paused") or (self.state != "running" and len(self.timeline) > 0)

    def open_script(self, path: str | Path, source: str | None = None) -> None:
        """Show a script, ready to run. Raises OSError or UnicodeDecodeError where it cannot be read."""
        path = Path(path).absolute()
        text = path.read_text(encoding="utf-8") if source is None else source
        self.abandon()
        if path != self.path:
            self.undo.forget()
        self.path, self.source, self.past = path, text, None
        self._forget()
        self.replaced.emit()

    def open_recording(self, recording: Recording) -> None:
        """Show a recorded run at the beginning of its last backward's walk."""
        self.abandon()
        self.path, self.past = recording.path, recording
        self._forget()
        self.source = ""
        self.apply(recording.events(), quiet=True)
        self.timeline.following = False
        self.source = self.started.source if self.started else ""
        if self.state in ("ready", "running", "paused"):
            self.state = "ended"
        self.message = recording.message
        self.replaced.emit()
        last = self.timeline.last
        if last is not None:
            self.show(last.number, last.count)

    def close(self) -> None:
        """End the child if there is one, and show nothing."""
        self.abandon()
        self._forget()
        self.path, self.source, self.past, self.state = None, "", None, "empty"
        self.replaced.emit()

    # -- what arrives ----------------------------------------------------------------------------------------

    def apply(self, batch: Iterable[happened.Event], quiet: bool = False) -> None:
        """Take a batch of events, then tell the views once. quiet: do not tell."""
        graph, selection, restarted = self.graph, self.selection, self.started
        any_event = False
        for event in batch:
            any_event = True
            self._receipt.take(event)
        if quiet or not any_event:
            return
        if self.started is not restarted:
            self.replaced.emit()
        if self.graph is not graph:
            self.graph_changed.emit()
        if self.selection != selection:
            self.selection_changed.emit()
        self.cursor_changed.emit()

    def child_gone(self, message: str) -> None:
        """The child process ended without saying so; all that was received stays."""
        if not self.is_live:
            return
        self.state = "lost"
        self.waiting = ""
        self.failure = Failure("", message)
        self.work = self.input_asked = None
        self.message = message
        if self.head is not None:
            self.head.leave()
        self.cursor_changed.emit()

    def note_silence(self, silent_s: float, owes_s: float) -> None:
        """Nothing has arrived for so long; an answer has been owed for so long (0: none is owed)."""
        state = "starting" if self.state == "running" and self.started is None else self.state
        waiting = waiting_for(state, self.busy, silent_s, owes_s)
        if self.input_asked is not None or self.work is not None:
            waiting = ""
        if waiting != self.waiting:
            self.waiting = waiting
            self.cursor_changed.emit()

    # -- requests --------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start the script, or go on from where it stands."""
        if self.can_run:
            self.travel.run()

    def pause(self) -> None:
        """Ask the running script to stop at the next place where one can stand."""
        if self.state == "running":
            self.send(ask.Pause())

    def step(self, kind: str = "node") -> None:
        """One stride (kinds as in the request `Step`): of the live run where it stands, else of the
        playhead."""
        self.travel.step(kind)

    def run_to(
        self,
        node: int = -1,
        line: int = 0,
        file: str = "",
        backward: int = -1,
        phase: str = "backward",
        position: int = 0,
        op: int = -1,
    ) -> None:
        """Go on until this goal (as in the request `RunTo`) is reached; a moment that is past is reached by
        repeating the run. A playhead on the past is moved to a node."""
        self.travel.run_to(ask.RunTo(node, line, file, backward, phase, position, op))

    def say_of_stride(self, message: str) -> None:
        """Tell why a stride was not made."""
        self._receipt.take(happened.RequestFailed("step", message))
        self.cursor_changed.emit()

    def go_back_in_training(self, backward: int, phase: str = "forward") -> None:
        """Repeat the run at full speed up to this backward, and stand there.

        Where its losses are not those of the first time, `diverged` is the first backward that differs."""
        self.travel.repeat_to(ask.RunTo(backward=backward, phase=phase))

    def stop(self) -> None:
        """End the run now."""
        if self.is_live:
            self.send(ask.Stop())

    def say(self, text: str) -> None:
        """Give the script's input() a line."""
        self.input_asked = None
        self.said.append(text)
        self.send(ask.Say(text))
        self.cursor_changed.emit()

    def watch(self, nodes: Iterable[int], hz: float = 15.0) -> None:
        """Have the values and gradients of these nodes sampled while the script runs."""
        self._in_view = (tuple(nodes), hz)
        self._watch()

    def watch_whole(self, who: str, yes: bool) -> None:
        """As long as somebody wants it, every node is sampled and not only those in view; not in a graph of
        more than `WHOLE_NODES_MAX` nodes."""
        (self._whole.add if yes else self._whole.discard)(who)
        self._watch()

    def _watch(self) -> None:
        nodes, hz = self._in_view
        count = len(self.graph.nodes)
        if self._whole and hz > 0 and 0 < count <= WHOLE_NODES_MAX:
            nodes = tuple(range(count))
        wanted = (nodes, hz)
        if wanted != self._watched:
            self._watched = wanted
            if self.is_live:
                self.send(ask.Watch(*wanted))

    def fetch(
        self, tag: str, node: int, what: str, index: tuple[int, ...] = (), limit: int = 1 << 20
    ) -> None:
        """Ask for a tensor (`what` as in the request `Fetch`); the answer comes as fetched[tag] or
        fetch_errors[tag]."""
        if self.is_live and self.timeline.following:
            self.send(ask.Fetch(tag, node, what, index, limit))
            return
        past = self.past or self.history
        kept = past.kept(self.timeline.backward, node, what) if self.timeline.current else None
        if kept is None and what == "grad":
            kept = past.kept(self.timeline.backward, node, "leaf_grad") or past.kept(
                self.timeline.backward, node, "incoming:0"
            )
        if kept is None:
            self._receipt.take(
                happened.RequestFailed(tag, "This tensor was not kept; run again to see its numbers.")
            )
        else:
            self._receipt.take(happened.TensorFetched(tag, kept.shape, kept.dtype, kept.data, None, what))
        self.cursor_changed.emit()

    def set_value(self, tag: str, node: int, what: str, expression: str, index: tuple[int, ...] = ()) -> None:
        """Put a value in place at a stop."""
        if self.state == "paused":
            self.travel.edit(ask.SetValue(tag, node, what, expression, index))

    def evaluate(self, tag: str, expression: str, node: int = -1) -> None:
        """Ask for the value of an expression; the answer comes as evaluated[tag] or fetch_errors[tag]."""
        if self.is_live:
            self.send(ask.Evaluate(tag, expression, node))

    def explain(
        self,
        tag: str,
        topic: str,
        node: int = -1,
        what: str = "",
        slot: int = 0,
        index: tuple[int, ...] = (),
    ) -> None:
        """Ask why something is as it is (topics as in `Explain`); the answer comes as explained[tag] or
        fetch_errors[tag]."""
        if self.state == "paused" and self.timeline.following:
            self.send(ask.Explain(tag, topic, node, what, slot, index))
            return
        self._receipt.take(
            happened.RequestFailed(tag, "This can be answered where the run stands; go there first.")
        )
        self.cursor_changed.emit()

    def set_breakpoints(self, breakpoints: Iterable[Breakpoint]) -> None:
        """Replace all breakpoints."""
        before, after = list(self.breakpoints), list(breakpoints)
        if before != after:
            put = self._put_breakpoints
            self.undo.note("breakpoints", lambda: put(before), lambda: put(after))
        self._put_breakpoints(after)

    def _put_breakpoints(self, breakpoints: list[Breakpoint]) -> bool:
        self.breakpoints = list(breakpoints)
        if self.is_live and not self.travel.repeating:
            self.send_breakpoints()
        self.cursor_changed.emit()
        return True

    def set_budget(self, size_bytes: int) -> None:
        """How much memory one backward may keep for going back; told to this child and every later one."""
        self.budget_bytes = size_bytes
        if self.is_live:
            self.send(ask.SetBudget(size_bytes))

    def toggle_breakpoint(self, kind: str, place: str, condition: str = "") -> None:
        """Set a breakpoint there, or take away the one that is there."""
        kept = [b for b in self.breakpoints if (b.kind, b.place) != (kind, place)]
        if len(kept) == len(self.breakpoints):
            kept.append(Breakpoint(kind, place, condition))
        self.set_breakpoints(kept)

    def set_watches(self, watches: Iterable[str]) -> None:
        """Replace the watch expressions, which are evaluated at every stop."""
        before, after = list(self.watches), list(watches)
        if before != after:
            self.undo.note("watches", lambda: self._put_watches(before), lambda: self._put_watches(after))
        self._put_watches(after)

    def _put_watches(self, watches: list[str]) -> bool:
        self.watches = list(watches)
        self.ask_watches()
        self.cursor_changed.emit()
        return True

    # -- the playhead ----------------------------------------------------------------------------------------

    def show(self, backward: int, position: int) -> None:
        """Put the playhead on an earlier backward (or the current one), `position` nodes done."""
        entry = self.timeline.get(backward)
        if entry is None:
            return
        before = self.graph
        head = self.head
        at_head = head is not None and self.is_live and backward == head.backward
        self.timeline.following = at_head and head is not None and position == head.position
        if self.timeline.following:
            self.walk = head
        elif self.walk is None or self.walk is head or self.walk.backward != backward:
            self.walk = self._walk_of(entry)
        walk = self.walk
        if walk is None:
            return
        if walk is not head:
            walk.standing = True
            walk.move(position)
            self.timeline.backward, self.timeline.position = backward, walk.position
        else:
            self.timeline.backward, self.timeline.position = walk.backward, walk.position
        self.graph = walk.graph
        if self.graph is not before:
            if before.hash != self.graph.hash:
                self.selection = Selection()
                self.selection_changed.emit()
            self.graph_changed.emit()
        self.cursor_changed.emit()

    def follow(self) -> None:
        """Put the playhead back to where the live run is."""
        if self.head is not None and self.is_live:
            self.show(self.head.backward, self.head.position)

    def _walk_of(self, entry: Backward) -> Walk | None:
        past = self.past or self.history
        definition = past.definition(entry.graph)
        if definition is None:
            return None
        walk = Walk(definition, entry.number, entry.root)
        for event in past.details(entry.number):
            walk.learn(event)
        return walk

    # -- selection and look-ups ------------------------------------------------------------------------------

    def select_node(self, id: int) -> None:
        """Select a node or leaf; -1 selects nothing."""
        self._select(Selection("node", id) if 0 <= id < len(self.graph.nodes) else Selection())

    def select_edge(self, id: int) -> None:
        """Select an edge; -1 selects nothing."""
        self._select(Selection("edge", id) if 0 <= id < len(self.graph.edges) else Selection())

    def select_module(self, id: int) -> None:
        """Select a module's call; -1 selects nothing."""
        self._select(Selection("module", id) if 0 <= id < len(self.graph.modules) else Selection())

    def _select(self, selection: Selection) -> None:
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()

    @property
    def selected_node(self) -> Node | None:
        """The selected node, if a node is selected."""
        return self.node(self.selection.id) if self.selection.kind == "node" else None

    @property
    def here(self) -> Node | None:
        """The node that the walk stands before, if it stands."""
        if self.walk is None or not self.walk.standing or self.walk.node < 0:
            return None
        return self.graph.nodes[self.walk.node]

    def node(self, id: int) -> Node | None:
        """The node with this id in the shown graph."""
        return self.graph.nodes[id] if 0 <= id < len(self.graph.nodes) else None

    def op_entry(self, name: str) -> happened.OpEntry | None:
        """The catalogue's row for an op's name or a grad_fn name."""
        return self.catalogue.get(name)

    def node_info(self, id: int) -> NodeInfo | None:
        """A node with its op, the edges into it and out of it."""
        node = self.node(id)
        if node is None:
            return None
        op = self.op_entry(node.op) or self.op_entry(node.name)
        return NodeInfo(node, op, self.graph.edges_into(id), self.graph.edges_from(id))

    # -- parts of the above ----------------------------------------------------------------------------------

    def begin_anew(self) -> None:
        """Launch a child on the script; nothing of an earlier run is known any more."""
        watched = self._watched
        self._forget()
        self._watched = watched
        self.launch()
        self.state = "running"
        self.replaced.emit()
        if self.budget_bytes is not None:
            self.send(ask.SetBudget(self.budget_bytes))
        if watched[0]:
            self.send(ask.Watch(*watched))

    def send_breakpoints(self) -> None:
        """Tell the child which breakpoints there are."""
        wire = tuple(b.wire() for b in self.breakpoints if b.enabled)
        self.send(ask.SetBreakpoints(wire))

    def ask_watches(self) -> None:
        """Have every watch expression evaluated where the run stands."""
        if self.state == "paused":
            for expression in self.watches:
                self.send(ask.Evaluate("watch:" + expression, expression))
