"""Answers to “why”, made by hand for the made run, and a child that gives them. Numbers are invented."""

from __future__ import annotations

import numpy as np

from app.session.session import Session
from engine.protocol import event as happened
from engine.protocol import request as ask

from .made_run import FILE, MadeChild, digest

ADDMM, BIAS, TURN, WEIGHT = 1, 2, 3, 4
FILES = {"reproduction.py": b"import torch\n", "inputs.npz": b"PK"}


def gradient(tag: str, node: int) -> happened.GradientExplained:
    """A gradient that is small for two reasons."""
    return happened.GradientExplained(
        tag,
        node,
        "linear.weight",
        "small",
        "The gradient of linear.weight has norm 3.1e-07, a millionth of what left the loss.",
        (
            happened.ReasonPart(
                "dead units",
                "93 % of the units of this ReLU are zero for every row; no gradient passes.",
                FILE,
                21,
                ADDMM,
                0.93,
                "Try a smaller learning rate, or leaky_relu.",
            ),
            happened.ReasonPart("shrunk", "Each mean divides by its count.", FILE, 37, 0, 4.2e-5),
        ),
    )


def accumulation(tag: str, node: int) -> happened.AccumulationTold:
    """Three contributions of two backward calls, which largely cancel."""
    parts = (
        happened.ContributionPart(3, 0, 39, 4, digest((6, 5), 2.0), digest((6, 5), 2.0)),
        happened.ContributionPart(3, 0, 40, 4, digest((6, 5), 1.5), digest((6, 5), 0.9)),
        happened.ContributionPart(1, 2, 40, 5, digest((6, 5), 0.8), digest((6, 5), 0.4)),
    )
    words = "Two calls of backward() added to linear.weight.grad; nothing cleared it between them."
    return happened.AccumulationTold(tag, node, "linear.weight", words, parts)


def versions(tag: str, node: int) -> happened.VersionsTold:
    """A tensor that was saved, then changed, then refused."""
    parts = (
        happened.VersionPart(0, "made", "addmm", "", FILE, 21, ADDMM),
        happened.VersionPart(0, "saved", "sigmoid", "its backward needs the result", FILE, 22, 0),
        happened.VersionPart(0, "viewed", "view", "", FILE, 23),
        happened.VersionPart(1, "changed", "add_", "in place, by the script", FILE, 24),
        happened.VersionPart(1, "refused", "SigmoidBackward0", "it saved version 0", FILE, 41, 0),
    )
    words = "SigmoidBackward0 saved this tensor at version 0; add_ changed it at line 24."
    return happened.VersionsTold(tag, node, "h", words, parts, ("h.view(-1)", "y"))


def trust(tag: str, node: int) -> happened.TrustChecked:
    """One input that differs, one that agrees, one that has a kink."""
    checks = (
        happened.TrustPart(
            "mat1", "finite difference", "differs", 0.31, 0.0, 10, "off by a factor of 2", "error:mat1"
        ),
        happened.TrustPart("mat1", "float32 against float64", "agrees", 6.1e-8, 1.2, 10),
        happened.TrustPart("self", "finite difference", "agrees", 2.2e-10, 0.0, 6),
        happened.TrustPart("mat2", "finite difference", "not differentiable", 0.0, 0.0, 1, "a kink at 0"),
    )
    return happened.TrustChecked(
        tag, node, "differs", "One of three gradients is not what finite differences give.", checks
    )


def nan(tag: str) -> happened.NanTraced:
    """A log of zero that forks: one way is masked, one reaches the loss."""
    bad = happened.Digest((2, 6), "float32", 1.0, -1.0, 1.0, 0.0, 0, 0, 2, 1)
    causes = (
        happened.CausePart(
            "produced", "forward", "log", "log of 0 is −∞: 3 of 12 elements are 0", FILE, 21, ADDMM, (), bad
        ),
        happened.CausePart("passed on", "forward", "mul", "−∞ times 0 is NaN", FILE, 22, TURN, (0,), bad),
        happened.CausePart("masked", "forward", "where", "the mask leaves them out", FILE, 23, -1, (1,)),
        happened.CausePart("passed on", "forward", "sum", "", FILE, 24, 0, (1,), bad),
        happened.CausePart("reached", "forward", "loss", "the loss is NaN", FILE, 41, 0, (3,), bad),
        happened.CausePart("reached", "backward", "linear.bias", "", FILE, 41, BIAS, (4,), bad),
    )
    return happened.NanTraced(tag, "log(0) at line 21 made the first −∞.", causes, dict(FILES))


class Answering(MadeChild):
    """The made child, which also explains; hold: answers wait until `let_go`."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.hold = False
        self.held: list[ask.Explain] = []

    @property
    def asked(self) -> list[ask.Explain]:
        """What the panel that says why has asked so far."""
        return [r for r in self.requests if isinstance(r, ask.Explain) and r.topic != "rule"]

    def send(self, request: ask.Request) -> None:
        """Answer a request."""
        if isinstance(request, ask.Explain):
            self.requests.append(request)
            if self.hold:
                self.held.append(request)
            else:
                self.session.apply([self.answer(request)])
        elif isinstance(request, ask.Fetch) and request.what.startswith("error:"):
            self.requests.append(request)
            values = np.abs(np.random.default_rng(2).standard_normal((2, 5))).astype("<f4")
            values[1, 3] = 9
            self.session.apply(
                [happened.TensorFetched(request.tag, (2, 5), "float32", values.tobytes(), None, request.what)]
            )
        else:
            super().send(request)

    def let_go(self) -> None:
        """Give the answers that were held back."""
        held, self.held, self.hold = self.held, [], False
        self.session.apply([self.answer(request) for request in held])

    def answer(self, request: ask.Explain) -> happened.Event:
        """The made answer on this topic."""
        if request.what == "nothing":
            return happened.RequestFailed(request.tag, "“nothing” is not known here.")
        if request.topic == "rule":
            return happened.RequestFailed(request.tag, "No rule was made.")
        if request.topic == "nan":
            return nan(request.tag)
        made = {"gradient": gradient, "accumulation": accumulation, "versions": versions, "trust": trust}
        return made[request.topic](request.tag, request.node)
