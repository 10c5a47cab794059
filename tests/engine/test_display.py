"""How tensors print: against the texts of real PyTorch, stored by make_values.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engine as torch
from engine.display import options, printoptions, set_printoptions
from tests.engine.programs import display_array

CASES = json.loads((Path(__file__).parents[1] / "data" / "display.json").read_text("utf-8"))


@pytest.fixture(autouse=True)
def _default_options():
    yield
    set_printoptions(profile="default")


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['dtype']}-{c['seed']}")
@pytest.mark.filterwarnings("ignore")
def test_a_tensor_prints_as_pytorch_prints_it(case):
    set_printoptions(profile="default")
    set_printoptions(**case["options"])
    assert repr(torch.tensor(display_array(case)).to(getattr(torch, case["dtype"]))) == case["text"]


def test_a_result_names_its_grad_fn_and_a_leaf_says_that_it_requires_grad():
    x = torch.ones(2, requires_grad=True)
    assert repr(x) == "tensor([1., 1.], requires_grad=True)"
    assert repr(x + 1) == "tensor([2., 2.], grad_fn=<AddBackward0>)"
    assert repr((x * 2).sum()) == "tensor(4., grad_fn=<SumBackward0>)"


def test_a_parameter_says_what_it_is():
    p = torch.nn.Parameter(torch.zeros(2))
    assert repr(p) == "Parameter containing:\ntensor([0., 0.], requires_grad=True)"


def test_an_empty_tensor_shows_its_size():
    assert repr(torch.zeros(0, 3)) == "tensor([], size=(0, 3))"
    assert repr(torch.tensor([], dtype=torch.int64)) == "tensor([], dtype=torch.int64)"


def test_the_suffix_follows_the_default_type():
    try:
        torch.set_default_dtype(torch.float64)
        assert repr(torch.tensor(1.5)) == "tensor(1.5000)"
        assert repr(torch.ones(1, dtype=torch.float32)) == "tensor([1.], dtype=torch.float32)"
    finally:
        torch.set_default_dtype(torch.float32)


def test_print_options_of_a_with_block_end_with_it():
    with printoptions(precision=2):
        assert repr(torch.tensor(1.23456)) == "tensor(1.23)"
    assert options.precision == 4


def test_a_subclass_prints_under_its_own_name():
    class Image(torch.Tensor):
        pass

    image = torch.zeros(1).as_subclass(Image) if hasattr(torch.Tensor, "as_subclass") else None
    if image is not None:
        assert repr(image) == "Image([0.])"
