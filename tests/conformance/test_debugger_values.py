"""What the debugger tells of every node of a backward is what hooks on the real PyTorch's nodes tell."""

from __future__ import annotations

import ast
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.link.child import ROOT
from app.session.graph import Node
from engine.protocol.event import Digest
from tests.end_to_end.driving import Driver

pytest.importorskip("torch")

SAMPLES = ROOT / "resources" / "samples"
FRAGMENTS = ROOT / "tests" / "end_to_end" / "fragments"
SCRIPTS = [
    *(SAMPLES / f"{name}.py" for name in (
        "adam", "convolutional_net", "custom_function", "dead_relu", "detached", "exploding_rnn",
        "forgotten_zero_grad", "learning_rate", "log_of_zero", "masked_division", "mean_of_products",
        "no_grad", "one_linear_layer", "one_multiplication", "quickstart", "sequential", "tensor_tour",
        "tensors_by_hand", "two_layer_module", "wrong_function", "digits_mlp",
    )),
    *(FRAGMENTS / f"{name}.py" for name in (
        "intro_quickstart", "notes_autograd", "notes_network", "tutorial_by_hand",
        "tutorial_function", "tutorial_module", "tutorial_optim", "tutorial_sequential",
    )),
]
BACKWARDS = 2
SMALL = 64


@pytest.fixture
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    assert made.link.close(), "a child or its threads were left behind"


def seeded(script: Path, folder: Path) -> Path:
    """A copy that draws the same random numbers every time; the script itself where it sees to that, or
    imports its neighbours."""
    text = script.read_text(encoding="utf-8")
    if "manual_seed" in text or "import digits" in text:
        return script
    first = next(n for n in ast.parse(text).body if not isinstance(n, ast.Expr))
    lines = text.splitlines(keepends=True)
    lines.insert(first.lineno - 1, "import torch; torch.manual_seed(11)\n")
    copy = folder / script.name
    copy.write_text("".join(lines), encoding="utf-8")
    return copy


def without_the_undefined(grads: tuple[Any, ...]) -> tuple[Any, ...]:
    """Gradients without those of outputs that have none (indices, counts): PyTorch does not list them."""
    while len(grads) > 1 and grads[-1] is None:
        grads = grads[:-1]
    return grads


def flowed_in_pytorch(script: Path, out: Path) -> list[list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("hooked.py")), str(script), str(out), str(BACKWARDS)],
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = json.loads(out.read_text()) if out.exists() else []
    assert found, done.stderr[-2000:]
    return found


def tolerance(real: dict[str, Any], arrived: float) -> float:
    """What two ways of rounding may differ by, where the largest gradient that arrived is so large."""
    return 2e-4 * max(abs(real["min"]), abs(real["max"])) + 1e-5 * arrived + 1e-9


def compare(told: Digest | None, real: dict[str, Any] | None, arrived: float, what: str) -> None:
    assert (told is None) == (real is None), what
    if told is None or real is None:
        return
    assert list(told.shape) == real["shape"] and told.dtype == real["dtype"], what
    # Where numbers overflow, inf - inf and inf · 0 come one addition sooner or later.
    assert (told.nans + told.infs > 0) == (real["nans"] + real["infs"] > 0), what
    if real["nans"] + real["infs"] > 0:
        return
    near = tolerance(real, arrived)
    for name, size in (("norm", math.sqrt(math.prod(told.shape))), ("min", 1), ("max", 1), ("mean", 1)):
        ours, theirs = getattr(told, name), real[name]
        assert math.isclose(ours, theirs, rel_tol=2e-4, abs_tol=near * size), (
            f"{what}, {name}: the debugger tells {ours}, PyTorch {theirs}"
        )


def compare_values(
    driver: Driver, node: Node, what: str, real: dict[str, Any] | None, arrived: float
) -> int:
    """Hold a small tensor of a node against PyTorch's; how many were."""
    if real is None or real["values"] is None or real["nans"] + real["infs"] > 0:
        return 0
    told = driver.tensor(node.id, what).astype(np.float64).reshape(-1)
    near = tolerance(real, arrived)
    assert np.allclose(told, real["values"], rtol=2e-4, atol=near), (node.name, what)
    return 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_gradient_of_a_walk_is_pytorchs(driver: Driver, tmp_path: Path, script: Path) -> None:
    script = seeded(script, tmp_path)
    real = flowed_in_pytorch(script, tmp_path / "flowed.json")
    session = driver.open(script)
    for number, expected in enumerate(real):
        driver.step("iteration")
        assert session.state == "paused" and session.timeline.backward == number, session.failure
        driver.step("end")
        order = [session.graph.nodes[i] for i in session.graph.order]
        names = ["AccumulateGrad" if n.kind == "leaf" else n.name for n in order]
        assert names == [entry["name"].removeprefix("torch::autograd::") for entry in expected]
        compared = 0
        for position, (node, entry) in enumerate(zip(order, expected)):
            where = f"backward {number}, node {position}, {node.name}"
            assert len(without_the_undefined(node.incoming)) == len(
                without_the_undefined(tuple(entry["incoming"]))
            ), where
            size = max((abs(g[k]) for g in entry["incoming"] if g for k in ("min", "max")), default=0.0)
            told = [("incoming", node.incoming, entry["incoming"])]
            if node.kind == "leaf":
                compare(node.grad, entry["total"], size, f"{where}, .grad")
                compared += compare_values(driver, node, "leaf_grad", entry["total"], size)
            else:
                assert len(node.outgoing) == len(entry["outgoing"]), where
                told.append(("outgoing", node.outgoing, entry["outgoing"]))
            for name, ours, theirs in told:
                for slot, grad in enumerate(theirs):
                    compare(ours[slot], grad, size, f"{where}, {name} {slot}")
                    compared += compare_values(driver, node, f"{name}:{slot}", grad, size)
        assert compared > 0
