"""Why a gradient is None, zero or small: planted faults, and the line, kind and share that are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.look.theme import RESOURCES
from app.session.breakpoint import Breakpoint
from tests.end_to_end.driving import Driver

SAMPLES = RESOURCES / "samples"
PAIR = """import torch
w = torch.tensor([1.5, 2.0], requires_grad=True)
v = torch.tensor([3.0], requires_grad=True)
"""


def after_backward(driver: Driver, path: Path, source: str | None = None) -> Any:
    """The session at the end of the script's first backward."""
    session = driver.open(path, source)
    driver.step("iteration")
    driver.step("end")
    assert session.standing.phase == "backward" and session.standing.node == -1
    return session


def line_of(path: Path, words: str) -> int:
    """The one line of a sample that has these words."""
    found = [n for n, line in enumerate(path.read_text().split("\n"), 1) if words in line]
    assert len(found) == 1
    return found[0]


def told(answer: Any) -> list[tuple[str, int]]:
    """Kind and line of each reason."""
    return [(reason.kind, reason.line) for reason in answer.reasons]


# -- the samples ---------------------------------------------------------------------------------------------


def test_the_dead_units_of_the_sample_are_counted_and_their_relu_named(driver: Driver) -> None:
    path = SAMPLES / "dead_relu.py"
    session = after_backward(driver, path)
    answer = driver.explain("gradient", "hidden.weight")
    assert answer.verdict == "present"
    assert told(answer) == [("dead units", line_of(path, "torch.relu"))]
    assert answer.reasons[0].value == 15 / 16
    assert "15 of 16 units (93.8 %)" in answer.reasons[0].text
    assert session.graph.nodes[answer.reasons[0].node].name == "ReluBackward0"


def test_the_detach_of_the_sample_is_named_with_its_line_from_both_sides_of_it(driver: Driver) -> None:
    path = SAMPLES / "detached.py"
    after_backward(driver, path)
    cut = ("detach", line_of(path, "detach()"))
    for name in ("encoder.weight", "encoder.bias", "code"):
        answer = driver.explain("gradient", name)
        assert (answer.verdict, told(answer)) == ("none", [cut])
    assert driver.explain("gradient", "decoder.weight").verdict == "present"


def test_the_integers_of_the_sample_are_named_with_the_line_that_made_them(driver: Driver) -> None:
    path = SAMPLES / "integer_input.py"
    session = after_backward(driver, path)
    answer = driver.explain("gradient", "x")
    assert (answer.verdict, told(answer)) == ("none", [("integer", line_of(path, "[1, 2, 3]"))])
    assert "int64" in answer.reasons[0].text
    number = next(n.id for n in session.graph.nodes if n.name == "x")
    assert told(driver.explain("gradient", node=number)) == told(answer)
    assert driver.explain("gradient", "w").verdict == "present"


# -- paths that were cut -------------------------------------------------------------------------------------

CUTS = {
    "no_grad": ("with torch.no_grad():\n    h = w * 2\n", 5),
    "inference": ("with torch.inference_mode():\n    h = w * 2\nh = h.clone()\n", 5),
    "detach": ("h = (w * 2).detach()\n", 4),
    "data": ("h = (w * 2).data\n", 4),
    "not differentiable": ("h = (w * 2).argmax()\n", 4),
    "integer": ("h = (w * 2).long().float()\n", 4),
    "copied": ("h = torch.tensor(w * 2)\n", 4),
    "number": ("n = (w * w).sum().item()\nh = torch.tensor(n)\n", 4),
}


@pytest.mark.parametrize("kind", CUTS)
def test_a_cut_path_is_named_with_its_kind_and_line(driver: Driver, tmp_path: Path, kind: str) -> None:
    lines, line = CUTS[kind]
    after_backward(driver, tmp_path / "a.py", PAIR + lines + "loss = (h * v).sum()\nloss.backward()\n")
    before = driver.explain("gradient", "w")
    behind = driver.explain("gradient", "h")
    assert before.verdict == behind.verdict == "none"
    assert told(before) == told(behind) == [(kind, line)]
    assert "The path from w to the loss is cut" in before.reasons[0].text


def test_the_line_that_entered_no_grad_is_told_too(driver: Driver, tmp_path: Path) -> None:
    source = (
        PAIR + "@torch.no_grad()\ndef double(x):\n    return x * 2\nh = double(w)\n(h * v).sum().backward()\n"
    )
    after_backward(driver, tmp_path / "a.py", source)
    answer = driver.explain("gradient", "w")
    assert told(answer) == [("no_grad", 6)] and "(entered at line 7)" in answer.reasons[0].text


def test_a_list_of_tensors_is_followed_into_the_cut(driver: Driver, tmp_path: Path) -> None:
    source = PAIR + "with torch.no_grad():\n    h = torch.stack([v, w[:1] * 1])\n(h * v).sum().backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    cuts = told(driver.explain("gradient", "h"))
    assert set(cuts) == {("no_grad", 5)}
    assert set(told(driver.explain("gradient", "w"))) == {("no_grad", 5)}


def test_a_parameter_made_of_a_computed_value_is_a_cut(driver: Driver, tmp_path: Path) -> None:
    after_backward(
        driver, tmp_path / "a.py", PAIR + "h = torch.nn.Parameter(w * 2)\n(h * v).sum().backward()\n"
    )
    assert told(driver.explain("gradient", "w")) == [("copied", 4)]
    assert driver.explain("gradient", "h").verdict == "present"


def test_what_the_engine_does_without_grad_on_its_own_is_no_cut(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
from torch import nn
net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
spare = nn.Linear(2, 2)
optimizer = torch.optim.Adam([*net.parameters(), *spare.parameters()])
for step in range(2):
    loss = net(torch.randn(4, 2)).pow(2).sum() + torch.randn(1).sum()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
"""
    session = driver.open(tmp_path / "a.py", source)
    session.run_to(backward=1)
    driver.to_stop()
    assert told(driver.explain("gradient", "spare.weight")) == [("not used", 0)]


def test_a_detached_tensor_that_leads_a_graph_of_its_own_is_a_cut_still(
    driver: Driver, tmp_path: Path
) -> None:
    source = PAIR + "h = (w * 2).detach().requires_grad_()\n(h * v).sum().backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    assert told(driver.explain("gradient", "w")) == [("detach", 4)]
    assert driver.explain("gradient", "h").verdict == "present"


def test_a_detach_that_is_only_printed_is_not_blamed(driver: Driver, tmp_path: Path) -> None:
    source = PAIR + "print(w.detach(), (w * 2).sum().item())\n(w * v).sum().backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    answer = driver.explain("gradient", "w")
    assert (answer.verdict, answer.reasons) == ("present", ())


def test_what_the_loss_does_not_use_is_said_to_be_unused(driver: Driver, tmp_path: Path) -> None:
    after_backward(driver, tmp_path / "a.py", PAIR + "h = w * 2\n(v * 2).sum().backward()\n")
    assert told(driver.explain("gradient", "w")) == [("not used", 0)]
    kinds = [kind for kind, _ in told(driver.explain("gradient", "h"))]
    assert kinds == ["not used", "not a leaf"]


def test_what_leads_only_to_another_value_is_told_with_its_name(driver: Driver, tmp_path: Path) -> None:
    after_backward(driver, tmp_path / "a.py", PAIR + "aux = (w * 2).sum()\n(v * 2).sum().backward()\n")
    answer = driver.explain("gradient", "w")
    assert told(answer) == [("not used", 0)]
    assert "it leads to aux, and the loss does not use that" in answer.reasons[0].text


def test_a_frozen_parameter_is_said_to_be_frozen(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
from torch import nn
net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
net[0].weight.requires_grad_(False)
net(torch.ones(1, 2)).sum().backward()
"""
    after_backward(driver, tmp_path / "a.py", source)
    for name in ("net[0].weight", "0.weight"):
        assert told(driver.explain("gradient", name)) == [("frozen", 3)]
    assert driver.explain("gradient", "net[1].weight").verdict == "present"


def test_a_function_that_returns_none_is_named(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
class Odd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return None
w = torch.ones(2, requires_grad=True)
h = Odd.apply(w * 1)
h.sum().backward()
"""
    after_backward(driver, tmp_path / "a.py", source)
    answer = driver.explain("gradient", "w")
    assert (answer.verdict, told(answer)) == ("none", [("none returned", 10)])


def test_inputs_of_backward_leave_the_others_without_gradient(driver: Driver, tmp_path: Path) -> None:
    after_backward(driver, tmp_path / "a.py", PAIR + "(w * v).sum().backward(inputs=[w])\n")
    assert told(driver.explain("gradient", "v")) == [("not asked for", 0)]
    assert driver.explain("gradient", "w").verdict == "present"


# -- when it is asked ----------------------------------------------------------------------------------------


def test_before_backward_gets_there_it_is_not_yet(driver: Driver, tmp_path: Path) -> None:
    driver.open(tmp_path / "a.py", PAIR + "h = w * 2\nloss = (h * v).sum()\nloss.backward()\n")
    driver.step("iteration")
    answer = driver.explain("gradient", "w")
    assert (answer.verdict, told(answer)) == ("none", [("not yet", 0)])
    # sum, product, v or w's product, and the two leaves: w is the last of five
    assert "(0 of 5 nodes done); this is number 5" in answer.reasons[0].text
    assert [k for k, _ in told(driver.explain("gradient", "h"))] == ["not yet", "not a leaf"]
    driver.step("end")
    assert driver.explain("gradient", "w").verdict == "present"


def test_before_any_backward_it_is_not_yet(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", PAIR + "h = w * 2\nh.sum().backward()\n")
    session.set_breakpoints([Breakpoint("op", "sum")])
    session.run()
    driver.to_stop()
    assert told(driver.explain("gradient", "w")) == [("not yet", 0)]
    assert told(driver.explain("gradient", "h"))[-1] == ("not a leaf", 4)


def test_zero_grad_is_named_when_it_took_the_gradient(driver: Driver, tmp_path: Path) -> None:
    source = (
        PAIR
        + "o = torch.optim.SGD([w], lr=0.1)\n(w * w).sum().backward()\no.zero_grad()\nx = w * 3\nx = x * 2\n"
    )
    session = driver.open(tmp_path / "a.py", source)
    session.set_breakpoints([Breakpoint("line", "8")])
    session.run()
    driver.to_stop()
    answer = driver.explain("gradient", "w")
    assert (answer.verdict, told(answer)) == ("none", [("set to None", 6)])


def test_at_the_optimizer_the_last_backward_can_still_be_asked_about(driver: Driver) -> None:
    path = SAMPLES / "dead_relu.py"
    session = driver.open(path)
    driver.step("iteration")
    driver.step("optimizer")
    assert session.standing.phase == "optimizer"
    answer = driver.explain("gradient", "hidden.weight")
    assert (answer.verdict, told(answer)) == ("present", [("dead units", line_of(path, "torch.relu"))])


def test_a_tensor_that_is_no_leaf_is_told_to_retain(driver: Driver, tmp_path: Path) -> None:
    source = PAIR + "h = w * 2\nk = w * 3\nk.retain_grad()\n(h * k).sum().backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    answer = driver.explain("gradient", "h")
    assert (answer.verdict, told(answer)) == ("present", [("not a leaf", 4)])
    # dloss/dh is k = 3 w: the norm of (4.5, 6) is 7.5
    assert "norm 7.5" in answer.sentence and "retain_grad()" in answer.reasons[0].advice
    assert driver.explain("gradient", "k").reasons == ()


# -- zero and small ------------------------------------------------------------------------------------------

ZEROS = {
    "zero factor": "h = w * torch.zeros(2)\n",
    "zero slope": "h = w.round()\n",
    "clamped": "h = w.clamp(min=5.0)\n",
    "masked": "h = w.masked_fill(torch.tensor([True, True]), 0.0)\n",
    "dead units": "h = torch.relu(w - 9)\n",
}


@pytest.mark.parametrize("kind", ZEROS)
def test_the_node_at_which_a_gradient_becomes_zero_is_named(
    driver: Driver, tmp_path: Path, kind: str
) -> None:
    source = PAIR + ZEROS[kind] + "h = h * 2\nloss = (h + v).sum()\nloss.backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    answer = driver.explain("gradient", "w")
    assert (answer.verdict, told(answer)) == ("zero", [(kind, 4)])
    assert answer.reasons[0].value == 1.0


def test_what_earlier_backwards_left_is_told(driver: Driver) -> None:
    session = driver.open(SAMPLES / "forgotten_zero_grad.py")
    session.run_to(backward=3)
    driver.to_stop()
    driver.step("end")
    answer = driver.explain("gradient", "w")
    assert (answer.verdict, told(answer)) == ("present", [("accumulated", 0)])
    assert "the gradients of 3 earlier backwards" in answer.reasons[0].text


def test_a_pooling_that_picks_is_no_fault_of_the_weights_before_it(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
from torch import nn
torch.manual_seed(0)
conv = nn.Conv2d(1, 2, 3)
h = nn.functional.max_pool2d(torch.tanh(conv(torch.randn(2, 1, 6, 6))), 2)
h.sum().backward()
"""
    after_backward(driver, tmp_path / "a.py", source)
    assert driver.explain("gradient", "conv.weight").reasons == ()


def test_what_dropout_drops_is_told_as_such(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
torch.manual_seed(0)
w = torch.ones(1000, requires_grad=True)
h = torch.nn.functional.dropout(w, 0.9)
h.sum().backward()
zeros = (w.grad == 0).sum().item() / 1000
"""
    after_backward(driver, tmp_path / "a.py", source)
    reason = driver.explain("gradient", "w").reasons[0]
    assert (reason.kind, reason.line) == ("dropped", 4)
    # binomial: 900 of 1000, give or take 3 standard deviations of 9.5
    assert 0.87 < reason.value < 0.93


SHARES = {
    # two of three sigmoids and three of four tanh are at their ends; one of four is the largest
    "saturated sigmoid": (
        "torch.sigmoid(torch.stack([w[0] + 40, w[1] - 40, w[0] - 1.5]))",
        "saturated",
        2 / 3,
    ),
    "saturated tanh": (
        "torch.tanh(torch.stack([w[0] + 9, w[1] + 9, w[0] - 19, w[0] - 1.5]))",
        "saturated",
        3 / 4,
    ),
    "max": ("torch.stack([w[0], w[1], w[0] * 0, w[0] * -1]).max()", "max path", 3 / 4),
    "where": ("torch.where(torch.tensor([True, False]), w * 2, torch.zeros(2))", "masked", 1 / 2),
    "index": ("torch.cat([w, w, w])[:1]", "not picked", 5 / 6),
}


@pytest.mark.parametrize("name", SHARES)
def test_the_share_that_gets_nothing_is_told(driver: Driver, tmp_path: Path, name: str) -> None:
    expression, kind, share = SHARES[name]
    after_backward(driver, tmp_path / "a.py", PAIR + f"h = {expression}\n(h.sum() * v).backward()\n")
    answer = driver.explain("gradient", "w")
    assert answer.verdict == "present"
    assert told(answer)[0] == (kind, 4) and answer.reasons[0].value == pytest.approx(share)


def test_a_dead_channel_of_a_picture_is_one_unit(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
from torch import nn
conv = nn.Conv2d(1, 4, 3)
with torch.no_grad():
    conv.bias[:] = torch.tensor([-50.0, 50.0, -50.0, -50.0])
h = torch.relu(conv(torch.ones(2, 1, 5, 5)))
h.sum().backward()
"""
    after_backward(driver, tmp_path / "a.py", source)
    reason = driver.explain("gradient", "conv.weight").reasons[0]
    assert (reason.kind, reason.line, reason.value) == ("dead units", 6, 3 / 4)


def test_what_shrank_a_gradient_most_is_told_with_its_factor(driver: Driver, tmp_path: Path) -> None:
    source = PAIR + "a = w * 1e-4\nb = a * 0.5\nc = b * 1e-5\nc.sum().backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    answer = driver.explain("gradient", "w")
    assert answer.verdict == "small"
    assert told(answer) == [("shrunk", 6), ("shrunk", 4)]  # 0.5 is no less than half
    assert [r.value for r in answer.reasons] == pytest.approx([1e-5, 1e-4])


def test_what_made_a_gradient_large_is_told_with_its_factor(driver: Driver, tmp_path: Path) -> None:
    source = PAIR + "a = w * 300\nb = a * 0.5\nc = b * 40\nc.sum().backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    answer = driver.explain("gradient", "w")
    assert (answer.verdict, told(answer)) == ("large", [("grown", 4), ("grown", 6)])
    assert [r.value for r in answer.reasons] == pytest.approx([300, 40])


def test_nan_in_a_gradient_is_said_before_all_else(driver: Driver, tmp_path: Path) -> None:
    after_backward(driver, tmp_path / "a.py", PAIR + "((w - 2.0) ** 0.5).sum().backward()\n")
    answer = driver.explain("gradient", "w")  # the root of -0.5 is NaN, and the slope at 0 is infinite
    assert (answer.verdict, told(answer)) == ("large", [("not finite", 0)])
    assert answer.reasons[0].text.startswith("100 %")


def test_a_gradient_that_is_rounded_to_zero_is_told_with_what_shrank_it(
    driver: Driver, tmp_path: Path
) -> None:
    source = PAIR + "a = w * 1e-25\nb = a * 1e-20\nc = b * 1e-10\nc.sum().backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    answer = driver.explain("gradient", "w")  # 1e-10, 1e-30, and 1e-55 is 0 in float32
    assert (answer.verdict, told(answer)) == ("zero", [("underflow", 4), ("shrunk", 5), ("shrunk", 6)])


def test_contributions_that_cancel_are_told(driver: Driver, tmp_path: Path) -> None:
    after_backward(driver, tmp_path / "a.py", PAIR + "(w * 3 - w * 3).sum().backward()\n")
    answer = driver.explain("gradient", "w")
    assert (answer.verdict, told(answer)) == ("zero", [("cancelled", 0)])


def test_a_hook_that_makes_zeros_is_told(driver: Driver, tmp_path: Path) -> None:
    source = PAIR + "h = w * 2\nh.register_hook(lambda g: g * 0)\n(h * v).sum().backward()\n"
    after_backward(driver, tmp_path / "a.py", source)
    assert told(driver.explain("gradient", "w")) == [("hook", 0)]


def test_names_that_lead_nowhere_are_said_so(driver: Driver, tmp_path: Path) -> None:
    after_backward(driver, tmp_path / "a.py", PAIR + "(w * v).sum().backward()\n")
    for name in ("nothing", "w.shape", "torch", "1 +", "w.__class__", "print(1)"):
        with pytest.raises(LookupError, match="no tensor that is known here"):
            driver.explain("gradient", name)
