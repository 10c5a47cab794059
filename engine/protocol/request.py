"""Requests: what the app asks of the child process, in the imperative. The answer, if any, is an event."""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, array_like=True, tag=True, tag_field="$kind", frozen=True):
    """Base of all requests; the tag is the class name."""


class Run(Request, frozen=True):
    """Start (or go on) running the script at full speed."""


class Pause(Request, frozen=True):
    """Stop at the next place where one can stand: before the first node of the next backward, or the next
    node."""


class Step(Request, frozen=True):
    """One stride. kind: 'node', 'back', 'over' (a module), 'end' (of this backward), 'start' (of this
    backward),
    'iteration' (to the first node of the next backward), 'op' (one forward op; a composite is one), 'into' (a
    composite op: its first part; else as 'op' or 'node'), 'out' (of a composite or module), 'optimizer'."""

    kind: str = "node"


class RunTo(Request, frozen=True):
    """Go on until this node (of the graph that is shown), line, or iteration.

    phase: with `backward`, stand before its first node ('backward') or after the first op of its forward
    ('forward'), or at an optimizer's step after it ('optimizer'). position: with `backward`, stand after so
    many of its nodes, or skip so many steps of optimizers. op: stand after the op of the forward with this
    serial (`OpRan.serial`, counted from the start of the run). depth: with `op`, only outside of more
    composites than this, so that one that ends with the op is told as one; -1: at the op itself."""

    node: int = -1
    line: int = 0
    file: str = ""
    backward: int = -1
    phase: str = "backward"
    position: int = 0
    op: int = -1
    depth: int = -1


class Stop(Request, frozen=True):
    """End the run now."""


class Watch(Request, frozen=True):
    """Nodes on the screen: their values and gradients are sampled; hz 0 stops sampling."""

    nodes: tuple[int, ...]
    hz: float = 15.0


class Fetch(Request, frozen=True):
    """Send a tensor. what: 'value', 'grad', 'incoming:0', 'outgoing:1', 'saved:self', 'leaf_grad'.

    A newer request with the same tag replaces the older. index: leading indices to take; limit: elements."""

    tag: str
    node: int
    what: str
    index: tuple[int, ...] = ()
    limit: int = 1 << 20


class SetValue(Request, frozen=True):
    """Put a value in place: expression ('grad * 0.1', 'zeros') or, with index, one element's number."""

    tag: str
    node: int
    what: str
    expression: str
    index: tuple[int, ...] = ()


class Evaluate(Request, frozen=True):
    """Tell the value of an expression in the terms of the screen, as seen from a node (-1: where the walk
    stands)."""

    tag: str
    expression: str
    node: int = -1


class Explain(Request, frozen=True):
    """Tell why something is as it is, where the run stands. The answer is the event named here.

    topic: 'gradient' (GradientExplained: why it is None, zero or small; of a node, or of the variable
    `what`), 'nan' (NanTraced), 'trust' (TrustChecked, of a node), 'versions' (VersionsTold, of a node's value
    or the variable `what`), 'accumulation' (AccumulationTold, of a node or leaf), 'rule' (RuleTold, of a
    node's input `slot`; index: the element whose numbers are put in)."""

    tag: str
    topic: str
    node: int = -1
    what: str = ""
    slot: int = 0
    index: tuple[int, ...] = ()


class SetBreakpoints(Request, frozen=True):
    """Replace all breakpoints. Each: (kind, place, condition, hits), kind in 'node' 'op' 'module' 'parameter'
    'line' 'iteration' 'nan'."""

    breakpoints: tuple[tuple[str, str, str, int], ...]


class SetBudget(Request, frozen=True):
    """How much memory one backward may keep for going back; beyond it the walk is repeated to get there."""

    size_bytes: int


class Say(Request, frozen=True):
    """A line for the script's input()."""

    text: str
