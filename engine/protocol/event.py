"""Events: facts about a run, in the past tense. A recorded run is these same events, kept.

Every struct is encoded as a tagged array; a minor version may only append fields that have defaults.
Node numbers are indices into the nodes of one `GraphDefined`; `backward` counts the calls of backward()
from 0.
"""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, array_like=True, tag=True, tag_field="$kind", frozen=True):
    """Base of all events; the tag is the class name."""


class Part(msgspec.Struct, array_like=True, frozen=True):
    """Base of the parts that events are made of."""


# -- parts ---------------------------------------------------------------------------------------------------


class Digest(Part, frozen=True):
    """What is known of a tensor without sending it. Counts are of elements; NaN and Inf are left out of the
    rest."""

    shape: tuple[int, ...]
    dtype: str
    norm: float = 0.0
    min: float = 0.0
    max: float = 0.0
    mean: float = 0.0
    zeros: int = 0
    negatives: int = 0
    nans: int = 0
    infs: int = 0


class OpEntry(Part, frozen=True):
    """One row of the op catalogue: enough for a reader that has no engine."""

    name: str
    grad_fn: str
    inputs: tuple[str, ...]
    formula: str = ""
    """LaTeX of the forward, in x, y, W, b ..."""
    gradients: dict[str, str] = {}
    """input name -> LaTeX of its derivative, as typeset in the inspector"""
    text: str = ""
    """one sentence of meaning"""
    family: str = ""


class SavedPart(Part, frozen=True):
    """A value that a node keeps for its backward."""

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    text: str = ""
    """the value itself when it is not a tensor"""


class NodePart(Part, frozen=True):
    """One node of a graph. kind: 'op' (a grad_fn), 'leaf' (AccumulateGrad), 'input' (a tensor without
    gradient)."""

    kind: str
    name: str
    """'AddmmBackward0', or a leaf's own name: 'linear.weight', 'input'"""
    op: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    module: int = -1
    """index into the graph's modules, -1 outside any"""
    file: str = ""
    line: int = 0
    saved: tuple[SavedPart, ...] = ()
    text: str = ""


class EdgePart(Part, frozen=True):
    """A value that flows from node `source` into node `target` (the forward's direction).

    slot: position in the target's next_functions; output: which output of the source."""

    source: int
    target: int
    slot: int = 0
    output: int = 0
    shape: tuple[int, ...] = ()


class ModulePart(Part, frozen=True):
    """One call of a module: 'model.0', 'Linear', parent index, a short size line such as '5 → 16'."""

    path: str
    type: str
    parent: int = -1
    detail: str = ""


# -- the run -------------------------------------------------------------------------------------------------


class RunStarted(Event, frozen=True):
    """A script began to run: its text, its arguments, and who runs it."""

    script: str
    argv: tuple[str, ...]
    source: str
    started_s: float
    engine: str = ""
    python: str = ""
    version: tuple[int, int] = (1, 0)


class CatalogueSent(Event, frozen=True):
    """What every op is called, computes and means."""

    ops: tuple[OpEntry, ...]


class WorkProgressed(Event, frozen=True):
    """Something that takes over a second: compiling kernels, downloading, repeating a run."""

    what: str
    done: int
    total: int


class TextPrinted(Event, frozen=True):
    """The script printed something."""

    stream: str
    """'stdout' or 'stderr'"""
    text: str


class InputAsked(Event, frozen=True):
    """The script waits for a line of input()."""

    prompt: str


class GraphDefined(Event, frozen=True):
    """A graph's structure, sent once; later backwards name it by hash.

    order: the nodes in the order in which backward runs them (leaves too, inputs without gradient not)."""

    hash: str
    nodes: tuple[NodePart, ...]
    edges: tuple[EdgePart, ...]
    modules: tuple[ModulePart, ...] = ()
    order: tuple[int, ...] = ()


class OpRan(Event, frozen=True):
    """The forward while it is walked op by op: the op, its grad_fn name, result and line."""

    serial: int
    op: str
    name: str
    line: int
    file: str = ""
    inputs: tuple[int, ...] = ()
    """serials of the ops whose results came in"""
    digest: Digest | None = None
    module: str = ""


class BackwardStarted(Event, frozen=True):
    """A call of backward() began, at this root of this graph."""

    backward: int
    graph: str
    root: int
    variable: str = ""
    value: float | None = None
    line: int = 0
    file: str = ""


class ValuesSampled(Event, frozen=True):
    """Digests of what is watched: node -> value and node -> gradient arriving there."""

    backward: int
    values: dict[int, Digest] = {}
    grads: dict[int, Digest] = {}


class NodeEntered(Event, frozen=True):
    """The walk stands before this node. position counts the nodes of this backward from 0, of `count`."""

    backward: int
    node: int
    position: int
    count: int


class GradFlowed(Event, frozen=True):
    """Node `node` ran; along each edge (by slot) this gradient left it, None where there was none."""

    backward: int
    node: int
    position: int
    incoming: tuple[Digest | None, ...] = ()
    outgoing: tuple[Digest | None, ...] = ()
    duration_ns: int = 0


class GradAccumulated(Event, frozen=True):
    """A leaf's .grad after this contribution was added; first: there was none before."""

    backward: int
    node: int
    position: int
    contribution: Digest | None = None
    total: Digest | None = None
    first: bool = True


class WalkedBack(Event, frozen=True):
    """The walk returned to before `node`; what was done from there on is undone."""

    backward: int
    node: int
    position: int


class BackwardEnded(Event, frozen=True):
    """A call of backward() ended."""

    backward: int
    duration_ns: int = 0
    saved_bytes: int = 0


class ParameterStepped(Event, frozen=True):
    """An optimizer's step changed these parameters."""

    optimizer: str
    step: int
    names: tuple[str, ...] = ()
    lr: tuple[float, ...] = ()


class ParameterChanged(Event, frozen=True):
    """What an optimizer's step did to one parameter, told when one stops there."""

    optimizer: str
    step: int
    name: str
    lr: float = 0.0
    before: Digest | None = None
    grad: Digest | None = None
    after: Digest | None = None
    change: Digest | None = None
    """new value minus old"""
    state: dict[str, Digest] = {}


class ScalarLogged(Event, frozen=True):
    """A number that is drawn as a curve."""

    name: str
    step: int
    value: float
    line: int = 0


class RunPaused(Event, frozen=True):
    """why: 'pause', 'step', 'breakpoint', 'entry', 'end of backward', 'nan', 'input'. phase: 'forward',
    'backward' or 'optimizer'."""

    why: str
    phase: str = "backward"
    backward: int = 0
    node: int = -1
    position: int = 0
    file: str = ""
    line: int = 0
    text: str = ""


class RunResumed(Event, frozen=True):
    """A stopped run goes on."""


class TensorFetched(Event, frozen=True):
    """The answer to a `Fetch`: C-ordered little-endian bytes of the asked window."""

    tag: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    data: bytes = b""
    whole: Digest | None = None
    name: str = ""


class TensorKept(Event, frozen=True):
    """A small tensor kept in a recording: what the node's slot held at this backward (and position)."""

    backward: int
    node: int
    what: str
    shape: tuple[int, ...]
    dtype: str
    data: bytes


class ValueSet(Event, frozen=True):
    """A value was put in place by hand; the run is an edited one from here."""

    backward: int
    node: int
    what: str
    text: str


class ValueEvaluated(Event, frozen=True):
    """The answer to an `Evaluate`: the value in words, and its digest where it is a tensor."""

    tag: str
    expression: str
    text: str
    digest: Digest | None = None


class RequestFailed(Event, frozen=True):
    """A request could not be met, and why."""

    tag: str
    message: str


class RunFailed(Event, frozen=True):
    """The script raised: the error's type, words, traceback and line."""

    type: str
    message: str
    traceback: str
    file: str = ""
    line: int = 0


class RunEnded(Event, frozen=True):
    """The script came to its end."""

    exit_status: int
    duration_s: float = 0.0


class UnknownEvent(Event, frozen=True):
    """A kind this reader does not know (a newer minor version): kept and shown by name."""

    kind: str
    fields: str
