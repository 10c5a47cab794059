"""Views, joins and their graphs: against real PyTorch, stored by make_values.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engine as torch
from tests.engine.programs import graph_of

GRAPHS = json.loads((Path(__file__).parents[1] / "data" / "graphs.json").read_text("utf-8"))


@pytest.mark.parametrize("case", GRAPHS, ids=lambda c: c["expression"])
@pytest.mark.filterwarnings("ignore")
def test_graph_shape_and_strides_are_pytorchs(case):
    assert graph_of(torch, case["expression"]) == case["result"]


def test_a_view_shares_memory_and_version():
    x = torch.zeros(2, 3)
    row = x[1]
    row += 1
    assert x.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert x._version == row._version == 1
    assert row._base is x


def test_reshape_copies_only_where_it_must():
    x = torch.arange(6).view(2, 3)
    assert x.reshape(3, 2).data_ptr() == x.data_ptr()
    assert x.t().reshape(6).data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        x.t().view(6)


@pytest.mark.parametrize("make, error, said", [
    (lambda x: x.view(4), RuntimeError, r"shape '\[4\]' is invalid for input of size 6"),
    (lambda x: x.permute(0), RuntimeError, "number of dimensions"),
    (lambda x: x.transpose(0, 2), IndexError, "Dimension out of range"),
    (lambda x: x.select(0, 5), IndexError, r"select\(\): index 5 out of range"),
    (lambda x: x.narrow(1, 2, 2), RuntimeError, "exceeds dimension size"),
    (lambda x: x.expand(2, 4), RuntimeError, r"must match the existing size \(3\) at non-singleton dimension "
     r"1"),
    (lambda x: torch.cat([x, torch.ones(2, 4)]), RuntimeError, "Sizes of tensors must match except in "
     "dimension 0"),
    (lambda x: torch.stack([x, torch.ones(2)]), RuntimeError, "stack expects each tensor to be equal size"),
    (lambda x: x.unflatten(0, (3,)), RuntimeError, "don't multiply up to the size of dim 0"),
])
def test_what_does_not_fit_is_said_in_pytorchs_words(make, error, said):
    with pytest.raises(error, match=said):
        make(torch.ones(2, 3))


def test_ranges_are_rounded_as_pytorchs_vector_loop_rounds_them():
    # Stored from PyTorch 2.13: torch.arange(0.1, 2.1, 0.1)[[3, 11, 17]] and linspace(0, 1, 7)[[1, 5]],
    # float32 bits.
    x = torch.arange(0.1, 2.1, 0.1)
    assert x.numpy().view("u4")[[3, 11, 17]].tolist() == [1053609165, 1067030937, 1072064102]
    assert torch.linspace(0, 1, 7).numpy().view("u4")[[1, 5]].tolist() == [1042983595, 1062557013]


def test_range_includes_its_end_and_warns():
    with pytest.warns(UserWarning, match="torch.range is deprecated"):
        assert torch.range(1, 4).tolist() == [1, 2, 3, 4]


def test_out_is_resized():
    out = torch.empty(0)
    torch.eye(2, out=out)
    assert out.tolist() == [[1, 0], [0, 1]]


def test_arange_of_an_old_script_takes_tensors():
    assert torch.arange(torch.tensor(3)).tolist() == [0, 1, 2]
