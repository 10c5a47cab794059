"""What the canvas says of a gradient that has arrived."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.canvases.marks import Marks
from app.layout.compose import compose
from app.layout.outline import modules_open_at, outline_of
from engine.protocol.event import Digest
from tests.app import graphs


def norms_of(grad: Digest) -> list[float]:
    """The norm at every wire of a chain whose first edge carries this gradient."""
    graph = graphs.chain(3)
    graph.edges[0].grad = grad
    outline = outline_of(graph)
    marks = Marks(compose(outline, modules_open_at(outline, 9), False), graph)
    return marks.norm[~np.isnan(marks.norm) | (marks.gradient == 2)].tolist()


def test_a_wire_tells_the_norm_of_its_gradient() -> None:
    assert norms_of(Digest((2,), "float32", 5.0)) == [5.0]


@pytest.mark.parametrize("name", ["nans", "infs"])
def test_a_gradient_that_is_not_finite_is_not_told_as_zero(name: str) -> None:
    (norm,) = norms_of(Digest((2,), "float32", 0.0, **{name: 2}))
    assert math.isnan(norm) if name == "nans" else norm == math.inf
