"""Order among equal elements: where PyTorch 2.13 says that they stood (values printed by it on the CPU)."""

from __future__ import annotations

import numpy as np
import pytest

import engine as torch
from engine.kernels import selection

TWO = [0, 1] * 9


def test_up_to_sixteen_equal_elements_stay_in_their_order():
    assert torch.tensor([1, 0] * 8).sort()[1].tolist() == [*range(1, 16, 2), *range(0, 16, 2)]


def test_equal_elements_of_longer_rows_stand_where_pytorchs_sort_leaves_them():
    found = torch.tensor(TWO).sort()[1].tolist()
    assert found == [2, 16, 4, 6, 14, 8, 0, 10, 12, 9, 17, 15, 13, 11, 7, 5, 3, 1]
    found = torch.tensor([True, False, False] * 7).sort()[1].tolist()
    assert found == [10, 20, 19, 17, 16, 14, 13, 11, 8, 7, 5, 4, 2, 1, 9, 0, 12, 6, 15, 3, 18]


def test_a_stable_sort_keeps_their_order_both_ways():
    t = torch.tensor(TWO)
    assert t.sort(stable=True)[1].tolist() == [*range(0, 18, 2), *range(1, 18, 2)]
    assert t.sort(descending=True, stable=True)[1].tolist() == [*range(1, 18, 2), *range(0, 18, 2)]


def test_the_most_frequent_value_names_the_place_that_pytorch_names():
    assert [int(v) for v in torch.tensor(TWO).mode()] == [0, 12]
    assert [int(v) for v in torch.tensor([1, 2, 2, 1, 1, 2] * 4).mode()] == [1, 15]
    assert [int(v) for v in torch.tensor([3.0] * 17).mode()] == [3, 1]


WAYS = [selection.ORDERED, selection.FIRST_IN_ORDER, selection.PLACED, selection.PICKED]


@pytest.mark.parametrize("way", WAYS)
def test_selection_brings_the_right_values_to_their_places(way):
    a = np.random.RandomState(3).randint(0, 9, (4, 200))
    at = selection.arranged(a, np.argsort(a, -1, kind="stable"), way, 70)
    assert (np.sort(at, -1) == np.arange(200)).all()
    there, right = np.take_along_axis(a, at, -1), np.sort(a, -1)
    if way == selection.ORDERED:
        assert (there == right).all()
    elif way == selection.FIRST_IN_ORDER:
        assert (there[:, :70] == right[:, :70]).all()
    else:
        assert (there[:, 70] == right[:, 70]).all() and (there[:, :70] <= there[:, 70:71]).all()


def test_the_compiled_selection_does_what_its_source_does(monkeypatch):
    a = np.random.RandomState(4).randint(0, 6, (3, 130))
    order = np.argsort(a, -1, kind="stable")
    slow = selection.arranged(a, order, selection.ORDERED)
    monkeypatch.setattr(selection, "LONG", 1)
    assert (selection.arranged(a, order, selection.ORDERED) == slow).all()
    assert (slow != order).any()
