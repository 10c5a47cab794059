"""The chain rule card: formula, numbers that flowed, the algebra of shapes, words; all of it typeset."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from app.look.formula import formula_svg
from engine.protocol.event import RuleTold
from tests.end_to_end.driving import Driver

SAMPLES = Path(__file__).parents[2] / "resources" / "samples"


def rule(driver: Driver, node: int, slot: int = 0, index: tuple[int, ...] = ()) -> RuleTold:
    """The card, each of its formulas typeset. Raises: LookupError, with the message of the child."""
    session = driver.session
    session.explained.pop("rule", None)
    session.fetch_errors.pop("rule", None)
    session.explain("rule", "rule", node, "", slot, index)
    driver.until(lambda: "rule" in session.explained or "rule" in session.fetch_errors)
    if "rule" in session.fetch_errors:
        raise LookupError(session.fetch_errors["rule"])
    told = session.explained["rule"]
    assert isinstance(told, RuleTold) and (told.node, told.slot) == (node, slot)
    for latex in (told.formula, told.numbers, *(line for line, _ in told.shapes)):
        if latex:
            assert formula_svg(latex, 17.0, "black")
    return told


def at_end(driver: Driver, path: Path, body: str) -> None:
    driver.open(path, "import torch\n" + body)
    driver.step()
    driver.step("end")


def four(value: float) -> str:
    return f"{value:.4g}"


def numbers_in(latex: str) -> list[float]:
    """The plain decimal numbers of a formula, without indices."""
    return [float(n) for n in re.findall(r"-?\d+\.?\d*", re.sub(r"_\{[^}]*\}", "", latex))]


def test_a_scalar_product_is_told_with_its_numbers(driver: Driver) -> None:
    driver.open(SAMPLES / "one_multiplication.py")
    driver.step()
    driver.step("end")
    told = rule(driver, driver.node("MulBackward0"), 0)
    assert told.formula == r"\partial L/\partial a = (\partial L/\partial y)\,b"
    # y = w * x + b at x = 1, w = 2: dL/dw = 1 * x = 1, dL/dx = 1 * w = 2
    first, second = told.numbers, rule(driver, driver.node("MulBackward0"), 1).numbers
    assert {numbers_in(first)[-1], numbers_in(second)[-1]} == {1.0, 2.0}
    assert r" \cdot " in first


def test_pointwise_numbers_are_those_of_the_largest_gradient_or_the_asked_element(
    driver: Driver, tmp_path: Path
) -> None:
    at_end(
        driver,
        tmp_path / "a.py",
        "x = torch.tensor([[0.5, -1.25], [2.0, 0.1]], requires_grad=True)\n"
        "w = torch.tensor([[1.0, 5.0], [3.0, -2.0]])\n(x.tanh() * w).sum().backward()\n",
    )
    x = np.array([[0.5, -1.25], [2.0, 0.1]])
    w = np.array([[1.0, 5.0], [3.0, -2.0]])
    slope = 1 - np.tanh(x) ** 2
    gradient = w * slope
    node = driver.node("TanhBackward0")
    at = np.unravel_index(np.argmax(np.abs(gradient)), gradient.shape)
    told = rule(driver, node)
    assert told.numbers.startswith(rf"\partial L/\partial x_{{{at[0]},{at[1]}}} = ")
    assert told.numbers.endswith(f"= {four(gradient[at])}")
    asked = rule(driver, node, 0, (1, 0))
    y = np.tanh(2.0)
    expected = (
        rf"\partial L/\partial x_{{1,0}} = 3 \cdot \left(1 - {four(y)}^{{2}}\right) = {four(gradient[1, 0])}"
    )
    assert asked.numbers == expected
    with pytest.raises(LookupError, match="no element"):
        rule(driver, node, 0, (5, 0))


LINEAR = """x = torch.tensor([[0.5, -1.0], [2.0, 1.5], [1.0, 0.25]], requires_grad=True)
w = torch.tensor([[0.3, -0.2], [0.7, 0.4]], requires_grad=True)
b = torch.tensor([0.1, -0.3], requires_grad=True)
g = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
y = torch.nn.functional.linear(x, w, b)
(y * g).sum().backward()
"""
X = np.array([[0.5, -1.0], [2.0, 1.5], [1.0, 0.25]])
W = np.array([[0.3, -0.2], [0.7, 0.4]])
G = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def pmatrix(array: np.ndarray) -> str:
    rows = r" \\ ".join(" & ".join(four(v) for v in row) for row in array)
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


def test_small_matrices_are_written_out_turned_as_they_must_be(driver: Driver, tmp_path: Path) -> None:
    at_end(driver, tmp_path / "a.py", LINEAR)
    node = driver.node("AddmmBackward0")
    for_x, for_w = rule(driver, node, 1), rule(driver, node, 2)
    assert for_x.numbers == rf"\partial L/\partial X = {pmatrix(G)}\,{pmatrix(W)} = {pmatrix(G @ W)}"
    assert (
        for_w.numbers == rf"\partial L/\partial (W^{{T}}) = {pmatrix(X.T)}\,{pmatrix(G)} = {pmatrix(X.T @ G)}"
    )


def test_the_algebra_of_shapes_says_why_it_is_turned_and_summed(driver: Driver, tmp_path: Path) -> None:
    at_end(driver, tmp_path / "a.py", LINEAR)
    node = driver.node("AddmmBackward0")
    latex, words = zip(*rule(driver, node, 2).shapes)
    assert r"\underbrace{X^{T}}_{2 \times 3}\,\underbrace{\partial L/\partial Y}_{3 \times 2}" in latex[1]
    assert "its 3 columns meet the 3 rows of the gradient" in words[1]
    assert "3 rows of the batch: each of them used the same W" in words[2]
    bias = rule(driver, node, 0)
    latex, words = zip(*bias.shapes)
    assert "broadcasting repeated b 3 times, along axis 0" in words[0]
    assert r"3 \times 2 \to 2" in latex[1] and "axis 0 is summed" in words[1]
    assert "b was used 3 times over" in bias.sentence
    assert bias.numbers == r"\partial L/\partial b_{1} = 2 + 4 + 6 = 12"


def test_broadcasting_that_kept_an_axis_is_summed_over_it(driver: Driver, tmp_path: Path) -> None:
    at_end(
        driver,
        tmp_path / "a.py",
        "a = torch.ones(3, 1, requires_grad=True)\nc = torch.tensor([[1.0, 2.0, 3.0, 4.0]])\n"
        "(a * c).sum().backward()\n",
    )
    told = rule(driver, driver.node("MulBackward0"))
    assert "axis 1 is summed, and kept as 1" in told.shapes[1][1]
    assert told.numbers.endswith("= 10")  # 1 + 2 + 3 + 4
    assert told.numbers.count(r"\cdot") >= 3 and r"\cdots" in told.numbers


def test_a_large_product_is_told_as_the_sum_for_one_element(driver: Driver, tmp_path: Path) -> None:
    at_end(
        driver,
        tmp_path / "a.py",
        "x = torch.arange(12.0).reshape(2, 6) / 10\nw = torch.arange(18.0).reshape(6, 3) / 7\n"
        "w.requires_grad_()\ng = torch.tensor([[1.0, -2.0, 0.5], [3.0, 4.0, -1.0]])\n"
        "((x @ w) * g).sum().backward()\n",
    )
    told = rule(driver, driver.node("MmBackward0"), 1, (4, 1))
    # x[0, 4] * g[0, 1] + x[1, 4] * g[1, 1] = 0.4 * -2 + 1.0 * 4
    assert told.numbers == (r"\partial L/\partial B_{4,1} = \left(-2\right) \cdot 0.4 + 4 = 3.2")
    assert "out of 2 results" in told.sentence


def test_the_numbers_of_every_node_are_those_that_flowed(driver: Driver) -> None:
    driver.open(SAMPLES / "convolutional_net.py")
    driver.step()
    driver.step("end")
    told_any = 0
    for node in driver.session.graph.nodes:
        if node.kind != "op":
            continue
        for slot in range(3):
            try:
                card = rule(driver, node.id, slot)
                out = driver.tensor(node.id, f"outgoing:{slot}")
            except LookupError:
                continue
            told_any += 1
            at = np.unravel_index(np.argmax(np.abs(out)), out.shape)
            assert card.numbers.endswith(f"= {_latex(out[at])}"), (node.name, slot, card.numbers)
            assert card.shapes and card.sentence.endswith(".")
    assert told_any >= 20


def _latex(value: float) -> str:
    digits, _, power = four(float(value)).partition("e")
    return rf"{digits} \times 10^{{{int(power)}}}" if power else digits


def test_a_mean_squared_error_is_told_with_its_two_numbers(driver: Driver) -> None:
    driver.open(SAMPLES / "quickstart.py")
    driver.step()
    driver.step("end")
    node = driver.node("MseLossBackward0")
    told = rule(driver, node)
    out = driver.tensor(node, "outgoing:0")
    at = np.unravel_index(np.argmax(np.abs(out)), out.shape)
    x, t = driver.tensor(node, "saved:self")[at], driver.tensor(node, "saved:target")[at]
    shown = four(t) if t >= 0 else rf"\left({four(t)}\right)"
    assert (
        rf"\frac{{2}}{{12}} \cdot \left({four(x)} - {shown}\right) = {four(2 / 12 * (x - t))}" in told.numbers
    )
    assert rule(driver, node, 1).numbers == ""
    assert "wants no gradient" in rule(driver, node, 1).sentence


def test_before_a_gradient_arrives_the_formula_and_the_shapes_are_told(driver: Driver) -> None:
    driver.open(SAMPLES / "quickstart.py")
    driver.step()
    told = rule(driver, driver.node("AddmmBackward0"), 2)
    assert told.formula and told.shapes and told.numbers == ""
    assert "No gradient has arrived here yet." in told.sentence


def test_where_the_walk_stands_the_numbers_are_those_about_to_flow(driver: Driver) -> None:
    driver.open(SAMPLES / "quickstart.py")
    driver.step()
    node = driver.session.here.id
    before = rule(driver, node).numbers
    driver.step()
    assert before and rule(driver, node).numbers == before


def test_a_leaf_adds_what_arrives_to_what_it_had(driver: Driver, tmp_path: Path) -> None:
    driver.open(
        tmp_path / "a.py",
        "import torch\nw = torch.tensor([1.0, -3.0], requires_grad=True)\n"
        "for i in range(2):\n    (w * w).sum().backward()\n",
    )
    driver.step()
    driver.step("iteration")
    driver.step("end")
    told = rule(driver, driver.node("w"))
    assert r"\leftarrow" in told.formula
    assert told.numbers.endswith(r"-6 + \left(-6\right) = -12")
    assert "held an earlier gradient" in told.sentence


def test_a_function_of_ones_own_and_a_missing_input_are_said_so(driver: Driver) -> None:
    driver.open(SAMPLES / "custom_function.py")
    driver.step()
    driver.step("end")
    node = driver.node("MyReLUBackward")
    assert r"\mathrm{MyReLU.backward}" in rule(driver, node).formula
    with pytest.raises(LookupError, match="has no input 7"):
        rule(driver, node, 7)
