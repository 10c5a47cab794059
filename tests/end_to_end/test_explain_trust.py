"""A node's gradients held against finite differences and float64, without disturbing the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.protocol.event import TrustChecked, TrustPart
from tests.end_to_end.driving import Driver

SAMPLES = Path(__file__).parents[2] / "resources" / "samples"
FINITE, WIDER, DEVICES = "finite difference", "float32 against float64", "CPU against CUDA"


def check(driver: Driver, node: int) -> TrustChecked:
    """The answer about this node. Raises: LookupError, with the message of the child."""
    session = driver.session
    session.explained.pop("trust", None)
    session.fetch_errors.pop("trust", None)
    session.explain("trust", "trust", node)
    driver.until(lambda: "trust" in session.explained or "trust" in session.fetch_errors)
    if "trust" in session.fetch_errors:
        raise LookupError(session.fetch_errors["trust"])
    told = session.explained["trust"]
    assert isinstance(told, TrustChecked) and told.node == node
    return told


def part(told: TrustChecked, method: str = FINITE, name: str = "") -> TrustPart:
    return next(p for p in told.checks if p.method == method and name in ("", p.input))


def at_end(driver: Driver, path: Path, body: str) -> None:
    driver.open(path, "import torch\nfrom torch.nn import functional as F\n" + body)
    driver.step()
    driver.step("end")


@pytest.mark.parametrize("sample", ["convolutional_net", "sequential", "quickstart"])
def test_every_node_of_a_right_program_agrees(driver: Driver, sample: str) -> None:
    driver.open(SAMPLES / f"{sample}.py")
    driver.step()
    driver.step("end")
    verdicts = {}
    for node in driver.session.graph.nodes:
        if node.kind != "op":
            continue
        told = check(driver, node.id)
        verdicts[f"{node.name} {node.id}"] = told.verdict
        checked = [p for p in told.checks if p.method == FINITE and p.checked]
        assert checked, told.sentence
        assert part(told, WIDER).verdict == "agrees"
        assert part(told, DEVICES).verdict == "not checked"
    assert len(verdicts) >= 3 and "differs" not in verdicts.values(), verdicts
    kinks = {name.split()[0] for name, verdict in verdicts.items() if verdict == "not differentiable"}
    assert kinks <= {"MaxPool2DWithIndicesBackward0", "ReluBackward0"}


def test_a_wrong_backward_is_found_with_where_it_is_wrong(driver: Driver) -> None:
    driver.open(SAMPLES / "wrong_function.py")
    driver.step()
    driver.step("end")
    node = driver.node("SwishBackward")
    told = check(driver, node)
    assert told.verdict == "differs" and "6 of 12 elements differ" in told.sentence
    found = part(told)
    assert found.what == "trust:0" and found.checked == 12
    error = driver.tensor(node, found.what)
    # The inputs are linspace(-3, 3, 12) times the identity: the first six lie below zero.
    assert error.shape == (3, 4)
    assert (error.reshape(-1)[:6] > 1e-3).all() and (error.reshape(-1)[6:] < 1e-6).all()
    x = np.linspace(-3, 3, 12)
    s = 1 / (1 + np.exp(-x))
    right, given = s + x * s * (1 - s), s
    expected = np.abs(given - right) / np.maximum(np.abs(given), np.abs(right))
    assert np.allclose(error.reshape(-1)[:6], expected[:6], rtol=1e-3)
    assert all(check(driver, driver.node(n)).verdict == "agrees" for n in ("MmBackward0", "PowBackward0"))


def test_the_error_of_an_unchecked_node_is_not_there(driver: Driver) -> None:
    driver.open(SAMPLES / "wrong_function.py")
    driver.step()
    with pytest.raises(LookupError, match="has not been checked"):
        driver.tensor(driver.node("SwishBackward"), "trust:0")


@pytest.mark.parametrize(
    ("body", "name", "count"),
    [
        ("x = torch.tensor([1.0, 0.0, -2.0, 0.0], requires_grad=True)\nx.relu().sum().backward()", "Relu", 2),
        ("x = torch.tensor([1.0, 0.0, -2.0], requires_grad=True)\nx.abs().sum().backward()", "Abs", 1),
        ("x = torch.tensor([1.0, 3.0, 3.0], requires_grad=True)\nx.max().backward()", "Max", 2),
        ("x = torch.tensor([1.2, 2.5, 3.5], requires_grad=True)\nx.round().sum().backward()", "Round", 2),
        ("x = torch.tensor([1.0, 0.5, 2.0], requires_grad=True)\nx.clamp(0, 1).sum().backward()", "Clamp", 1),
        (
            "x = torch.tensor([[[1.0, 1.0, 2.0, 0.0]]], requires_grad=True)\n"
            "F.max_pool1d(x, 2).sum().backward()",
            "MaxPool2DWithIndices",
            2,
        ),
    ],
)
def test_points_without_a_slope_are_said_to_be_such(
    driver: Driver, tmp_path: Path, body: str, name: str, count: int
) -> None:
    at_end(driver, tmp_path / "a.py", body)
    node = next(n.id for n in driver.session.graph.nodes if n.name.startswith(name))
    told = check(driver, node)
    assert told.verdict == "not differentiable"
    assert part(told).text.startswith(f"{count} of ")


def test_a_smooth_extremum_is_no_kink(driver: Driver, tmp_path: Path) -> None:
    at_end(
        driver,
        tmp_path / "a.py",
        "x = torch.zeros(3, requires_grad=True)\n((x ** 2).sum() + x.cos().sum()).backward()",
    )
    assert check(driver, driver.node("PowBackward0")).verdict == "agrees"
    assert check(driver, driver.node("CosBackward0")).verdict == "agrees"


def test_a_random_mask_is_checked_as_it_was_drawn(driver: Driver, tmp_path: Path) -> None:
    at_end(
        driver,
        tmp_path / "a.py",
        "torch.manual_seed(0)\nx = torch.randn(20, requires_grad=True)\n"
        "y = F.dropout(x, 0.5)\n(y * 2).sum().backward()",
    )
    masked = [n.id for n in driver.session.graph.nodes if n.name == "MulBackward0"]
    assert [check(driver, n).verdict for n in masked] == ["agrees", "agrees"]


def test_what_draws_anew_is_not_checked_and_says_why(driver: Driver, tmp_path: Path) -> None:
    at_end(
        driver,
        tmp_path / "a.py",
        "class Noisy(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        return x + torch.rand(3)\n    @staticmethod\n    def backward(ctx, g):\n        return g\n"
        "x = torch.ones(3, requires_grad=True)\nNoisy.apply(x).sum().backward()",
    )
    told = check(driver, driver.node("NoisyBackward"))
    assert told.verdict == "not checked" and "random" in told.sentence


def test_an_input_that_was_overwritten_is_made_again(driver: Driver, tmp_path: Path) -> None:
    at_end(
        driver,
        tmp_path / "a.py",
        "x = torch.randn(4, requires_grad=True)\ny = x * 2\ny.relu_()\ny.sum().backward()",
    )
    assert check(driver, driver.node("ReluBackward0")).verdict == "agrees"


def test_an_input_that_was_changed_later_is_not_checked(driver: Driver, tmp_path: Path) -> None:
    at_end(
        driver,
        tmp_path / "a.py",
        "x = torch.ones(4, requires_grad=True)\ny = x * 2\nz = y + x\nwith torch.no_grad():\n    y.zero_()\n"
        "z.sum().backward()",
    )
    told = check(driver, driver.node("AddBackward0"))
    assert told.verdict == "not checked" and "were changed since the forward" in told.sentence


def test_a_gradient_that_cancels_out_is_not_held_against_its_rounding(driver: Driver, tmp_path: Path) -> None:
    # A softmax sums to 1, so that the gradient of its sum is 0 but for rounding.
    at_end(
        driver,
        tmp_path / "a.py",
        "torch.manual_seed(0)\nx = torch.randn(5, 7, requires_grad=True)\nx.softmax(1).sum().backward()",
    )
    assert check(driver, driver.node("SoftmaxBackward0")).verdict == "agrees"


def test_float32_that_loses_its_digits_is_told_in_ulp(driver: Driver, tmp_path: Path) -> None:
    # Its backward subtracts two numbers of the size 1e8 whose difference is 1: float32 cannot.
    at_end(
        driver,
        tmp_path / "a.py",
        "class Lossy(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        return x * 1\n    @staticmethod\n    def backward(ctx, g):\n"
        "        return (g + 1e8) - 1e8\n"
        "x = torch.ones(3, requires_grad=True)\nLossy.apply(x).sum().backward()",
    )
    told = check(driver, driver.node("LossyBackward"))
    assert part(told, FINITE).verdict == "agrees"  # in float64 the formula is right
    assert told.verdict == "differs" and part(told, WIDER).verdict == "differs"
    assert part(told, WIDER).ulp == pytest.approx(2**23, rel=1e-3)  # all of it: 0 instead of 1


def test_before_a_gradient_arrives_a_made_up_one_is_used_and_said(driver: Driver, tmp_path: Path) -> None:
    driver.open(
        tmp_path / "a.py", "import torch\nx = torch.ones(3, requires_grad=True)\nx.exp().sum().backward()\n"
    )
    driver.step()
    told = check(driver, driver.node("ExpBackward0"))
    assert told.verdict == "agrees" and "no gradient has arrived yet" in told.sentence


def test_a_leaf_computes_nothing(driver: Driver) -> None:
    driver.open(SAMPLES / "mean_of_products.py")
    driver.step()
    leaf = next(n.id for n in driver.session.graph.nodes if n.kind == "leaf")
    with pytest.raises(LookupError, match="A leaf computes nothing"):
        check(driver, leaf)


DISTURBED = """import random
import numpy
import torch
calls = []
class Loud(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        print("forward")
        random.random()
        numpy.random.rand()
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        print("backward")
        (x,) = ctx.saved_tensors
        return 2 * x * g
torch.manual_seed(3)
random.seed(3)
numpy.random.seed(3)
w = torch.randn(4, requires_grad=True)
norm = torch.nn.BatchNorm1d(2)
for i in range(3):
    y = Loud.apply(w)
    y.register_hook(lambda g: calls.append(1))
    z = torch.nn.functional.dropout(y, 0.5).sum() + (norm(y.view(2, 2)) * w.view(2, 2)).sum()
    w.grad = None
    z.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
print(w.tolist(), w._version, torch.rand(2).tolist(), random.random(), numpy.random.rand(), len(calls))
print(norm.running_mean.tolist(), norm.running_var.tolist())
"""


def test_checking_every_node_leaves_the_run_as_it_was(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", DISTURBED)
    session.run()
    driver.to_stop()
    alone = session.console.text()
    session = driver.open(tmp_path / "a.py", DISTURBED)
    driver.step()
    before = driver.all_tensors()
    for stop in range(3):
        for node in session.graph.nodes:
            if node.kind == "op":
                assert check(driver, node.id).verdict in ("agrees", "not differentiable")
        if stop == 0:
            after = {k: v for k, v in driver.all_tensors().items() if not k[1].startswith("trust")}
            assert after == before
        driver.step("iteration" if stop else "node")
    session.run()
    driver.to_stop()
    assert session.console.text() == alone
