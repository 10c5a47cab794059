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


class ReasonPart(Part, frozen=True):
    """One reason why a gradient is as it is. kind: 'detach', 'no_grad', 'not a leaf', 'not used', 'integer',
    'not yet', 'dead units', 'saturated', 'zero factor', 'shrunk', 'masked' ...

    value: a share or a factor."""

    kind: str
    text: str
    file: str = ""
    line: int = 0
    node: int = -1
    value: float | None = None
    advice: str = ""


class CausePart(Part, frozen=True):
    """One value in the story of a NaN or Inf. verdict: 'produced', 'passed on', 'masked' or 'reached' (the
    end of the story); phase as in `RunPaused`; parents: places in the same story that it came from."""

    verdict: str
    phase: str
    name: str
    text: str
    file: str = ""
    line: int = 0
    node: int = -1
    parents: tuple[int, ...] = ()
    digest: Digest | None = None


class TrustPart(Part, frozen=True):
    """One check of one gradient of a node. method: 'finite difference', 'float32 against float64' or 'CPU
    against CUDA'; verdict: 'agrees', 'differs', 'not differentiable' or 'not checked'; error: the largest
    relative error; ulp: the same in units in the last place; what: the slot of `Fetch` with the error of
    each element, '' where there is none."""

    input: str
    method: str
    verdict: str
    error: float = 0.0
    ulp: float = 0.0
    checked: int = 0
    text: str = ""
    what: str = ""


class VersionPart(Part, frozen=True):
    """One moment in the life of a tensor's memory. what: 'made', 'changed', 'saved', 'viewed' or 'refused'
    (a backward that needed an older version); version: the counter after it."""

    version: int
    what: str
    op: str
    text: str = ""
    file: str = ""
    line: int = 0
    node: int = -1


class ContributionPart(Part, frozen=True):
    """One gradient that is added where several meet: from which node and slot, when, and the sum after it.

    backward: the call of backward() that brought it; position: its place in that backward's order."""

    source: int
    slot: int
    backward: int
    position: int
    grad: Digest | None = None
    total: Digest | None = None
    text: str = ""


# -- the run -------------------------------------------------------------------------------------------------


class RunStarted(Event, frozen=True):
    """A script began to run: its text, its arguments, and who runs it."""

    script: str
    argv: tuple[str, ...]
    source: str
    started_s: float
    engine: str = ""
    python: str = ""
    version: tuple[int, int] = (1, 1)


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
    depth: int = 0
    """how many composite ops it is a part of"""
    composites: tuple[str, ...] = ()
    """the names of those, outermost first"""
    starts: tuple[int, ...] = ()
    """for each of them, the serial before its first part"""
    parts: int = 1
    """how many ops it was made of: a composite or a module's call is told as one, by its last op's serial"""


class BackwardStarted(Event, frozen=True):
    """A call of backward() began, at this root of this graph."""

    backward: int
    graph: str
    root: int
    variable: str = ""
    value: float | None = None
    line: int = 0
    file: str = ""
    serial: int = -1
    """how many ops of the forward had run"""


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
    serial: int = -1
    """how many ops of the forward had run"""


class ParameterChanged(Event, frozen=True):
    """What an optimizer's step did to one parameter, told when one stops there, and now and then while
    somebody watches."""

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
    serial: int = -1
    """how many ops of the forward had run"""


class ScriptBusy(Event, frozen=True):
    """Nothing was told for a while since the script is at work in this line of its own (a long call, a sleep)
    for so many seconds."""

    line: int
    file: str = ""
    busy_s: float = 0.0


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


class GradientExplained(Event, frozen=True):
    """The answer to `Explain('gradient')`. verdict: 'none', 'zero', 'small', 'large' or 'present'."""

    tag: str
    node: int
    name: str
    verdict: str
    sentence: str
    reasons: tuple[ReasonPart, ...] = ()


class NanTraced(Event, frozen=True):
    """The answer to `Explain('nan')`: the story from the first producer on, and files that show it again in a
    few lines ('reproduction.py' and its inputs)."""

    tag: str
    sentence: str
    causes: tuple[CausePart, ...] = ()
    files: dict[str, bytes] = {}


class TrustChecked(Event, frozen=True):
    """The answer to `Explain('trust')`: the node's gradients held against other ways to compute them."""

    tag: str
    node: int
    verdict: str
    sentence: str
    checks: tuple[TrustPart, ...] = ()


class VersionsTold(Event, frozen=True):
    """The answer to `Explain('versions')`: the life of a tensor's memory, and who else shares it."""

    tag: str
    node: int
    name: str
    sentence: str
    versions: tuple[VersionPart, ...] = ()
    sharing: tuple[str, ...] = ()


class AccumulationTold(Event, frozen=True):
    """The answer to `Explain('accumulation')`: what meets at a node or in a leaf's .grad, in order."""

    tag: str
    node: int
    name: str
    sentence: str
    contributions: tuple[ContributionPart, ...] = ()


class RuleTold(Event, frozen=True):
    """The answer to `Explain('rule')`: the derivative of a node's input `slot` as LaTeX, the same with the
    numbers of this moment, and the algebra of shapes as (LaTeX, words) lines."""

    tag: str
    node: int
    slot: int
    formula: str
    numbers: str = ""
    shapes: tuple[tuple[str, str], ...] = ()
    sentence: str = ""


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
