"""A run made by hand, as events: one linear layer, a loss, a few backwards. Numbers are invented."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from app.session.session import Session
from engine.protocol import event as happened
from engine.protocol import request as ask

QUICKSTART = Path(__file__).resolve().parents[2] / "resources" / "samples" / "quickstart.py"
FILE = str(QUICKSTART)
HASH = "made"

CATALOGUE = happened.CatalogueSent(
    (
        happened.OpEntry(
            "addmm",
            "AddmmBackward0",
            ("self", "mat1", "mat2"),
            r"y = b + A B",
            {
                "self": r"\sum_{\mathrm{batch}} \partial L/\partial y",
                "mat1": r"(\partial L/\partial y)\, B^{T}",
                "mat2": r"A^{T}\, (\partial L/\partial y)",
            },
            "A matrix product plus a bias: the heart of a linear layer.",
            "kernel",
        ),
        happened.OpEntry(
            "mse_loss",
            "MseLossBackward0",
            ("self", "target"),
            r"L = \frac{1}{n} \sum (x - t)^2",
            {"self": r"\frac{2}{n} (x - t)"},
            "The mean of the squared differences.",
            "reduction",
        ),
        happened.OpEntry(
            "t",
            "TBackward0",
            ("self",),
            r"y = x^{T}",
            {"self": r"(\partial L/\partial y)^{T}"},
            "Turns rows into columns.",
            "view",
        ),
    )
)

GRAPH = happened.GraphDefined(
    HASH,
    (
        happened.NodePart(
            "op",
            "MseLossBackward0",
            "mse_loss",
            (),
            "float32",
            -1,
            FILE,
            37,
            (
                happened.SavedPart("self", (2, 6), "float32"),
                happened.SavedPart("target", (2, 6), "float32"),
                happened.SavedPart("reduction", text="1"),
            ),
            "",
        ),
        happened.NodePart(
            "op",
            "AddmmBackward0",
            "addmm",
            (2, 6),
            "float32",
            1,
            FILE,
            20,
            (happened.SavedPart("mat1", (2, 5), "float32"), happened.SavedPart("mat2", (5, 6), "float32")),
        ),
        happened.NodePart("leaf", "linear.bias", "", (6,), "float32", 1, FILE, 16),
        happened.NodePart("op", "TBackward0", "t", (5, 6), "float32", 1, FILE, 20),
        happened.NodePart("leaf", "linear.weight", "", (6, 5), "float32", 1, FILE, 16),
        happened.NodePart("input", "input", "", (2, 5), "float32", -1, FILE, 31),
        happened.NodePart("input", "label", "", (2, 6), "float32", -1, FILE, 33),
    ),
    (
        happened.EdgePart(1, 0, 0, 0, (2, 6)),
        happened.EdgePart(2, 1, 0, 0, (6,)),
        happened.EdgePart(5, 1, 1, 0, (2, 5)),
        happened.EdgePart(3, 1, 2, 0, (5, 6)),
        happened.EdgePart(4, 3, 0, 0, (6, 5)),
        happened.EdgePart(6, 0, 1, 0, (2, 6)),
    ),
    (happened.ModulePart("", "DummyModel"), happened.ModulePart("linear", "Linear", 0, "5 → 6")),
    (0, 1, 2, 3, 4),
)


def digest(shape: tuple[int, ...], norm: float) -> happened.Digest:
    """A digest with this norm."""
    count = max(1, math.prod(shape))
    reach = norm / math.sqrt(count)
    return happened.Digest(shape, "float32", norm, -1.7 * reach, 1.9 * reach, 0.1 * reach, 0, count // 2)


def loss_at(k: int) -> float:
    """A loss that falls with some swings."""
    return 2.78 * math.exp(-0.07 * k) * (1 + 0.35 * math.cos(0.7 * k)) + 1e-4


def backward(k: int, position: int = 5) -> list[happened.Event]:
    """The events of backward k, up to this position."""
    norm = 0.3 * math.sqrt(loss_at(k))
    steps: list[happened.Event] = [
        happened.GradFlowed(k, 0, 0, (digest((), 1.0),), (digest((2, 6), norm), None), 1200),
        happened.GradFlowed(
            k,
            1,
            1,
            (digest((2, 6), norm),),
            (digest((6,), 1.3 * norm), None, digest((5, 6), 2.1 * norm)),
            3100,
        ),
        happened.GradAccumulated(k, 2, 2, digest((6,), 1.3 * norm), digest((6,), 1.3 * norm)),
        happened.GradFlowed(k, 3, 3, (digest((5, 6), 2.1 * norm),), (digest((6, 5), 2.1 * norm),), 600),
        happened.GradAccumulated(k, 4, 4, digest((6, 5), 2.1 * norm), digest((6, 5), 2.1 * norm)),
    ]
    return [happened.BackwardStarted(k, HASH, 0, "loss", loss_at(k), 41, FILE), *steps[:position]]


def beginning() -> list[happened.Event]:
    """The start of the run: script, catalogue, some text, the graph."""
    source = QUICKSTART.read_text(encoding="utf-8")
    return [
        happened.RunStarted(FILE, (FILE,), source, 0.0, "made", "3.11"),
        CATALOGUE,
        happened.TextPrinted(
            "stdout",
            "model = DummyModel(\n  (linear): Linear(in_features=5, out_features=6, "
            "bias=True)\n)\n训练数据\n",
        ),
        GRAPH,
    ]


def whole_run(count: int = 100) -> list[happened.Event]:
    """A run of `count` backwards to its end."""
    events = beginning()
    for k in range(count):
        events += backward(k)
        events += [
            happened.BackwardEnded(k, 42_000, 224),
            happened.ScalarLogged("loss", k, loss_at(k), 41),
            happened.TextPrinted("stdout", f"epoch: {k}, loss: {loss_at(k):.5f}\n"),
        ]
    return [*events, happened.RunEnded(0, 1.4)]


def paused_run(k: int = 40, position: int = 1) -> list[happened.Event]:
    """A run that stands in backward k, `position` nodes done."""
    events = beginning()
    for n in range(k):
        events += backward(n)
        events += [
            happened.BackwardEnded(n, 42_000, 224),
            happened.ScalarLogged("loss", n, loss_at(n), 41),
            happened.TextPrinted("stdout", f"epoch: {n}, loss: {loss_at(n):.5f}\n"),
        ]
    events += backward(k, position)
    events += [happened.ScalarLogged("loss", k, loss_at(k), 41)]
    node = GRAPH.order[position]
    return [
        *events,
        happened.NodeEntered(k, node, position, 5),
        happened.RunPaused("step", "backward", k, node, position, FILE, GRAPH.nodes[node].line),
    ]


class MadeChild:
    """Stands in for a child process: answers fetches, steps and runs with events of the made run."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.requests: list[ask.Request] = []
        self.k, self.position = 0, 0
        session.send = self.send
        session.launch = lambda: session.apply(beginning())
        session.abandon = lambda: None
        self._random = np.random.default_rng(1)

    def stand(self, k: int = 40, position: int = 1) -> None:
        """Let the run stand there."""
        self.k, self.position = k, position
        self.session.apply(paused_run(k, position))

    def send(self, request: ask.Request) -> None:
        """Answer a request."""
        self.requests.append(request)
        if isinstance(request, ask.Fetch):
            self.session.apply([self._fetched(request)])
        elif isinstance(request, ask.Step):
            self._step(request.kind)
        elif isinstance(request, ask.Run):
            self.session.apply([happened.RunResumed()])
        elif isinstance(request, ask.Pause):
            self._enter()
        elif isinstance(request, ask.Stop):
            self.session.apply([happened.RunEnded(1, 0.5)])

    def _enter(self) -> None:
        node = GRAPH.order[self.position]
        self.session.apply(
            [
                happened.NodeEntered(self.k, node, self.position, 5),
                happened.RunPaused("step", "backward", self.k, node, self.position, FILE, 20),
            ]
        )

    def _step(self, kind: str) -> None:
        if kind == "back" and self.position:
            self.position -= 1
            node = GRAPH.order[self.position]
            self.session.apply(
                [
                    happened.WalkedBack(self.k, node, self.position),
                    happened.RunPaused("step", "backward", self.k, node, self.position, FILE, 20),
                ]
            )
        elif kind == "node" and self.position < 4:
            self.session.apply(backward(self.k)[self.position + 1 : self.position + 2])
            self.position += 1
            self._enter()
        elif kind == "iteration":
            self.k, self.position = self.k + 1, 0
            self.session.apply(backward(self.k, 0))
            self._enter()

    def _fetched(self, request: ask.Fetch) -> happened.Event:
        node = GRAPH.nodes[request.node]
        shape = node.shape
        kind, _, place = request.what.partition(":")
        if kind == "outgoing":
            shape = next(e.shape for e in GRAPH.edges if e.target == request.node and e.slot == int(place))
        elif kind == "saved":
            shape = next(s.shape for s in node.saved if s.name == place)
        values = self._random.standard_normal(shape or (1,)).astype("<f4")
        if request.what == "saved:mat1":
            values = np.maximum(values, 0)
        whole = happened.Digest(
            shape,
            "float32",
            float(np.linalg.norm(values)),
            float(values.min()),
            float(values.max()),
            float(values.mean()),
            int((values == 0).sum()),
        )
        return happened.TensorFetched(request.tag, shape, "float32", values.tobytes(), whole, request.what)
