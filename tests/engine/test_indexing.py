"""x[...] and x[...] = y: against real PyTorch, stored by make_values.py; and what is special."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engine as torch
from tests.engine.programs import index_result

CASES = json.loads((Path(__file__).parents[1] / "data" / "indexing.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES,
                         ids=lambda c: f"{c['case']['way']}-{c['case']['shape']}-{c['case']['parts']}")
def test_values_graph_and_gradient_of_an_index_are_pytorchs(case):
    assert index_result(torch, case["case"]) == case["result"]


def test_a_position_picked_twice_gets_both_gradients():
    x = torch.zeros(3, requires_grad=True)
    (x[[0, 0, 2]] * torch.tensor([1.0, 2.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [3, 0, 4]


def test_a_tensor_without_dimensions_is_a_list_index():
    assert ["a", "b", "c"][torch.tensor(1)] == "b"


def test_the_error_names_the_index_and_the_size():
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 3"):
        torch.zeros(3)[5]
    with pytest.raises(IndexError, match="too many indices for tensor of dimension 1"):
        torch.zeros(3)[0, 0]
    with pytest.raises(IndexError, match="invalid index of a 0-dim tensor"):
        torch.tensor(1.0)[0]
    with pytest.raises(ValueError, match="step must be greater than zero"):
        torch.zeros(3)[::-1]
    with pytest.raises(TypeError, match="can't assign a str to a torch.FloatTensor"):
        torch.zeros(3)[0] = "x"


def test_gather_and_scatter_undo_each_other():
    x = torch.arange(6.0).view(2, 3)
    order = torch.tensor([[2, 0, 1], [1, 2, 0]])
    assert torch.zeros(2, 3).scatter(1, order, x.gather(1, order)).tolist() == x.tolist()


def test_scatter_add_sums_what_falls_on_one_place():
    got = torch.zeros(3).scatter_add(0, torch.tensor([0, 0, 2]), torch.tensor([1.0, 2.0, 3.0]))
    assert got.tolist() == [3, 0, 3]


def test_masked_assignment_of_a_gradient_as_relu_backward_writes_it():
    given, x = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([-1.0, 0.0, 1.0])
    given[x < 0] = 0
    assert given.tolist() == [0, 2, 3]


def test_unique_counts_and_inverts():
    values, inverse, counts = torch.unique(torch.tensor([3, 1, 3]), return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3], [1, 0, 1], [1, 2])
    assert torch.unique_consecutive(torch.tensor([1, 1, 2, 1])).tolist() == [1, 2, 1]


def test_where_with_one_argument_gives_the_places():
    rows, columns = torch.where(torch.tensor([[True, False], [False, True]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1])


def test_searchsorted_takes_either_side():
    steps = torch.tensor([1, 3, 5])
    assert torch.searchsorted(steps, torch.tensor([3])).tolist() == [1]
    assert torch.searchsorted(steps, torch.tensor([3]), right=True).tolist() == [2]
    assert torch.bucketize(torch.tensor([0, 4, 9]), steps).tolist() == [0, 2, 3]
