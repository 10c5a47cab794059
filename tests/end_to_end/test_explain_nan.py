"""Where a NaN came from: the line that made it, what masks it, what it reaches, a script that shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.session.breakpoint import Breakpoint
from engine.protocol.event import CausePart, NanTraced
from tests.end_to_end.driving import Driver

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "resources" / "samples"


def trace(driver: Driver, node: int = -1) -> NanTraced:
    """The story as it is told where the run stands. Raises: LookupError, with the message of the child."""
    session = driver.session
    session.explained.pop("nan", None)
    session.fetch_errors.pop("nan", None)
    session.explain("nan", "nan", node)
    driver.until(lambda: "nan" in session.explained or "nan" in session.fetch_errors)
    if "nan" in session.fetch_errors:
        raise LookupError(session.fetch_errors["nan"])
    told = session.explained["nan"]
    assert isinstance(told, NanTraced)
    for place, cause in enumerate(told.causes):
        assert all(parent < place for parent in cause.parents)
    return told


def reproduce(told: NanTraced, folder: Path) -> str:
    """What the reproduction prints on the engine, run as a person would run it."""
    for name, data in told.files.items():
        (folder / name).write_bytes(data)
    ran = subprocess.run(
        [sys.executable, "-m", "engine", str(folder / "reproduction.py")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def verdicts(told: NanTraced) -> list[tuple[str, str, str]]:
    return [(c.verdict, c.phase, c.name) for c in told.causes]


def first(told: NanTraced, verdict: str, phase: str) -> CausePart:
    return next(c for c in told.causes if (c.verdict, c.phase) == (verdict, phase))


def stop_at_nan(driver: Driver) -> None:
    driver.session.set_breakpoints([Breakpoint("nan", "")])
    driver.session.run()
    driver.to_stop()


def test_the_logarithm_of_zero_is_named_with_its_line_and_the_zero(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(SAMPLES / "log_of_zero.py")
    stop_at_nan(driver)
    assert (session.standing.why, session.standing.phase, session.standing.line) == ("nan", "forward", 17)
    told = trace(driver)
    made = first(told, "produced", "forward")
    assert (made.name, made.line) == ("LogBackward0", 17)
    assert "at [2] x = 0" in told.sentence and "line 17" in told.sentence
    assert "-inf" in reproduce(told, tmp_path)


def test_at_the_end_of_backward_the_story_goes_from_the_logarithm_to_the_weight(
    driver: Driver, tmp_path: Path
) -> None:
    driver.open(SAMPLES / "log_of_zero.py")
    driver.step()
    driver.step("end")
    told = trace(driver)
    made = first(told, "produced", "forward")
    loss = first(told, "reached", "forward")
    assert (made.line, loss.name) == (17, "loss")
    assert [c.name for c in told.causes if c.verdict == "passed on" and c.phase == "forward"] == [
        "MeanBackward0",
        "NegBackward0",
    ]
    ends = [c.name for c in told.causes if c.verdict == "reached" and c.phase == "backward"]
    assert ends == ["weight.grad"]
    # Inf times a probability of 0 is the NaN: softmax's backward makes it out of the logarithm's Inf.
    assert ("produced", "backward", "SoftmaxBackward0") in verdicts(told)


def test_a_masked_division_is_told_as_masked_and_its_gradient_is_made_again(
    driver: Driver, tmp_path: Path
) -> None:
    driver.open(SAMPLES / "masked_division.py")
    driver.step()
    driver.step("end")
    told = trace(driver)
    assert verdicts(told) == [
        ("produced", "forward", "DivBackward0"),
        ("masked", "forward", "WhereBackward0"),
        ("produced", "backward", "DivBackward0"),
        ("reached", "backward", "hits.grad"),
    ]
    assert [c.parents for c in told.causes] == [(), (0,), (0,), (2,)]
    assert {c.line for c in told.causes if c.name == "DivBackward0"} == {12}
    assert "keeps it from the loss, not from the gradients" in told.sentence
    printed = reproduce(told, tmp_path)
    assert "gradient of x" in printed and "nan" in printed


def test_a_mask_that_also_keeps_the_gradient_clean_is_told_so(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nx = torch.tensor([4.0, -1.0], requires_grad=True)\n"
        "y = x.detach().requires_grad_().sqrt()\nz = torch.where(x > 0, y.detach(), x) * x\n"
        "w = torch.nan_to_num(y, 0.0)\nloss = z.sum() + (w * 0).sum()\nloss.backward()\n"
    )
    driver.open(tmp_path / "a.py", source)
    driver.step()
    told = trace(driver)
    assert told.causes[0].verdict == "produced" and told.causes[0].name == "SqrtBackward0"
    assert ("masked", "forward", "NanToNumBackward0") in verdicts(told)
    assert not [c for c in told.causes if c.verdict == "reached"]
    assert "reaches neither the loss nor a gradient" in told.sentence


def test_an_exploding_recurrence_is_found_in_its_line_and_told_in_few_words(
    driver: Driver, tmp_path: Path
) -> None:
    session = driver.open(SAMPLES / "exploding_rnn.py")
    stop_at_nan(driver)
    assert (session.standing.phase, session.standing.line) == ("forward", 18)
    session.set_breakpoints([])
    driver.step("iteration")
    driver.step("end")
    told = trace(driver)
    made = first(told, "produced", "forward")
    assert (made.name, made.line) == ("MvBackward0", 18)
    assert len(told.causes) < 20
    ends = {c.name for c in told.causes if c.verdict == "reached"}
    assert ends == {"loss", "recurrent.grad", "entering.grad"}
    assert set(told.files) == {"reproduction.py", "inputs.pt"}
    assert "inf" in reproduce(told, tmp_path)


@pytest.mark.parametrize(
    ("body", "line", "name"),
    [
        # 0.5 / sqrt(0) is Inf; the gradient that came in was 0 there: 0 * Inf.
        ("y = x.sqrt()\nz = torch.where(x > 0, y, x)\nz.sum().backward()\n", 3, "SqrtBackward0"),
        ("y = (x * 1e30).pow(2)\ny.sum().backward()\n", 3, "PowBackward0"),
        ("y = x * 2\ny.log_()\nz = y + 1\nz.sum().backward()\n", 4, "LogBackward0"),
        (
            "m = torch.tensor([True, True])\ns = x.masked_fill(m, float('-inf'))\n"
            "p = s.softmax(0)\np.sum().backward()\n",
            5,
            "SoftmaxBackward0",
        ),
    ],
)
def test_the_producer_is_named_not_those_that_pass_it_on(
    driver: Driver, tmp_path: Path, body: str, line: int, name: str
) -> None:
    driver.open(tmp_path / "a.py", "import torch\nx = torch.tensor([4.0, 0.0], requires_grad=True)\n" + body)
    driver.step()
    driver.step("end")
    told = trace(driver)
    assert f"{name} (line {line})" in told.sentence
    printed = reproduce(told, tmp_path)
    assert "nan" in printed or "inf" in printed


def test_the_breakpoint_stops_where_a_gradient_first_becomes_nan(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nx = torch.tensor([4.0, 0.0], requires_grad=True)\ny = x * 1\nr = y.sqrt()\n"
        "z = torch.where(x > 0, r, torch.zeros_like(r))\nloss = (z * 2).sum()\nloss.backward()\n"
    )
    session = driver.open(tmp_path / "a.py", source)
    stop_at_nan(driver)
    assert (session.standing.phase, session.standing.line) == ("backward", 4)
    assert session.graph.nodes[session.standing.node].name == "SqrtBackward0"
    session.run()
    driver.to_stop()
    assert session.state == "ended"  # the multiplication and the leaf only pass it on


def test_the_breakpoint_stops_at_a_hook_that_makes_inf(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 2\n"
        "y.register_hook(lambda g: g / 0)\nz = (y * 3).sum()\nz.backward()\n"
    )
    session = driver.open(tmp_path / "a.py", source)
    stop_at_nan(driver)
    assert "from a hook" in session.standing.text
    assert session.graph.nodes[session.standing.node].name == "MulBackward0" and session.standing.line == 3
    told = trace(driver)
    assert "a hook put Inf in 2 of 2 elements in place of what came" in told.sentence


def test_a_sum_of_gradients_that_is_too_large_is_a_producer(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 1\n"
        "a = y * 3e38\nb = y * 3e38\nloss = (a * 0.1).sum() + (b * 0.1).sum()\n"
        "a.backward(torch.ones(2), retain_graph=True)\nx.grad = None\n"
        "torch.autograd.backward([a, b], [torch.ones(2), torch.ones(2)])\n"
    )
    session = driver.open(tmp_path / "a.py", source)
    stop_at_nan(driver)
    assert "a sum of gradients that is too large" in session.standing.text
    assert session.graph.nodes[session.standing.node].name == "MulBackward0" and session.standing.line == 3
    driver.step("end")
    told = trace(driver)
    assert "the sum of 2 gradients is too large for float32" in first(told, "produced", "backward").text


def test_an_infinite_learning_rate_is_found_at_the_optimizers_step(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nw = torch.nn.Parameter(torch.tensor([1.0, 2.0]))\n"
        "optimizer = torch.optim.SGD([w], lr=float('inf'))\n"
        "for i in range(2):\n    loss = (w ** 2).sum()\n    optimizer.zero_grad()\n    loss.backward()\n"
        "    optimizer.step()\n"
    )
    session = driver.open(tmp_path / "a.py", source)
    stop_at_nan(driver)
    assert (session.standing.why, session.standing.phase, session.standing.line) == ("nan", "optimizer", 8)
    told = trace(driver)
    made = first(told, "produced", "optimizer")
    assert "SGD" in made.text and "lr = inf" in made.text
    assert "inf" in reproduce(told, tmp_path)
    session.set_breakpoints([])
    driver.step("iteration")
    later = trace(driver)
    assert later.causes[0].phase == "optimizer" and "lr = inf" in later.causes[0].text
    assert "the loss is not finite since iteration 1" in later.causes[0].text


def test_weights_that_are_nan_from_an_earlier_gradient_are_told_from_the_step(
    driver: Driver, tmp_path: Path
) -> None:
    source = (
        "import torch\nw = torch.nn.Parameter(torch.tensor([1.0, 0.0]))\n"
        "optimizer = torch.optim.SGD([w], lr=0.1)\n"
        "for i in range(2):\n    loss = w.sqrt().sum()\n    optimizer.zero_grad()\n    loss.backward()\n"
        "    optimizer.step()\n"
    )
    driver.open(tmp_path / "a.py", source)
    driver.step()
    driver.step("optimizer")
    told = trace(driver)
    made = first(told, "produced", "backward")
    assert (made.name, made.line) == ("SqrtBackward0", 5)
    step = first(told, "passed on", "optimizer")
    assert step.line == 8 and told.causes[step.parents[0]].name.endswith(".grad")


def test_an_op_without_gradient_is_told_where_it_ran(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(
        tmp_path / "a.py", "import torch\nx = torch.tensor([1.0, 0.0])\ny = x.log()\nz = y * 2\n"
    )
    stop_at_nan(driver)
    assert session.standing.line == 3
    told = trace(driver)
    assert verdicts(told) == [("produced", "forward", "log")] and told.causes[0].line == 3
    assert "-inf" in reproduce(told, tmp_path)


def test_data_that_came_in_nan_is_named_as_the_variable(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nw = torch.ones(2, requires_grad=True)\n"
        "data = torch.tensor([1.0, float('nan')])\nloss = (w * data).sum()\nloss.backward()\n"
    )
    driver.open(tmp_path / "a.py", source)
    driver.step()
    told = trace(driver)
    assert (told.causes[0].verdict, told.causes[0].name) == ("produced", "data")
    assert "NaN in 1 of 2 elements" in told.causes[0].text


def test_a_function_of_ones_own_is_reproduced_with_its_source(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nclass Root(torch.autograd.Function):\n    @staticmethod\n"
        "    def forward(ctx, x):\n        ctx.save_for_backward(x)\n        return x.sqrt()\n"
        "    @staticmethod\n    def backward(ctx, grad):\n        (x,) = ctx.saved_tensors\n"
        "        return grad / (2 * x.sqrt())\nv = torch.zeros(3, requires_grad=True)\n"
        "r = Root.apply(v)\n(r * 0).sum().backward()\n"
    )
    driver.open(tmp_path / "a.py", source)
    driver.step()
    driver.step("end")
    told = trace(driver)
    assert "RootBackward (line 12)" in told.sentence
    assert "nan" in reproduce(told, tmp_path)


def test_only_what_leads_to_a_node_is_told_when_one_is_asked_for(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nx = torch.tensor([1.0, 0.0], requires_grad=True)\na = x.log()\nb = 1 / x\n"
        "c = x * 2\nloss = a.sum() + b.sum() + c.sum()\nloss.backward()\n"
    )
    driver.open(tmp_path / "a.py", source)
    driver.step()
    told = trace(driver, driver.node("LogBackward0"))
    assert {c.name for c in told.causes} == {"LogBackward0"}
    with pytest.raises(LookupError, match="Nothing is NaN or Inf at this node"):
        trace(driver, driver.node("x"))


def test_a_nan_in_a_deep_net_is_told_in_few_words(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nfrom torch import nn\nlayers = [nn.Linear(3, 3) for _ in range(40)]\n"
        "x = torch.ones(2, 3)\nx[0, 0] = float('nan')\nmodel = nn.Sequential(*layers)\n"
        "loss = model(x).sum()\nloss.backward()\n"
    )
    driver.open(tmp_path / "a.py", source)
    driver.step()
    driver.step("end")
    told = trace(driver)
    assert len(told.causes) <= 20 and told.causes[0].name == "x"
    # A product's input keeps its NaN for the gradient of each of the forty weights; no bias has one.
    assert told.causes[-1].name == "33 more gradients" and told.causes[-1].parents
    assert "39.weight.grad" in told.sentence and "bias" not in told.sentence


def test_where_all_is_finite_that_is_said(driver: Driver) -> None:
    driver.open(SAMPLES / "mean_of_products.py")
    driver.step()
    with pytest.raises(LookupError, match="No NaN or Inf is in sight"):
        trace(driver)
