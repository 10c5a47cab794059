"""Events of a small run, as a child sends them."""

from __future__ import annotations

from engine.protocol.event import (
    BackwardEnded,
    BackwardStarted,
    Digest,
    EdgePart,
    Event,
    GradAccumulated,
    GradFlowed,
    GraphDefined,
    NodeEntered,
    NodePart,
    RunEnded,
    RunStarted,
    ScalarLogged,
    TextPrinted,
)

ONE = Digest((2,), "float32", 1.0)
GRAPH = GraphDefined(
    "h",
    (NodePart("op", "SumBackward0"), NodePart("op", "MulBackward0"), NodePart("leaf", "w", shape=(2,))),
    (EdgePart(1, 0, 0, 0, (2,)), EdgePart(2, 1, 0, 0, (2,))),
    (),
    (0, 1, 2),
)


def walked(number: int, loss: float) -> list[Event]:
    """One backward of GRAPH, every node told."""
    return [
        BackwardStarted(number, "h", 0, "loss", loss, 7, "a.py"),
        ScalarLogged("loss", number, loss, 7),
        NodeEntered(number, 0, 0, 3),
        GradFlowed(number, 0, 0, (ONE,), (ONE,)),
        GradFlowed(number, 1, 1, (ONE,), (ONE,)),
        GradAccumulated(number, 2, 2, ONE, ONE, number == 0),
        BackwardEnded(number),
    ]


def run(backwards: int = 3) -> list[list[Event]]:
    """Batches of a whole run."""
    begun: list[Event] = [RunStarted("a.py", (), "print(1)\n", 0.0), GRAPH, TextPrinted("stdout", "1\n")]
    return [begun, *(walked(k, 2.0 / (k + 1)) for k in range(backwards)), [RunEnded(0, 0.5)]]
