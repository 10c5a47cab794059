"""out=: what PyTorch 2.13 says where a result may not be written."""

from __future__ import annotations

import warnings

import pytest

import engine as torch

A = torch.arange(6.0).reshape(2, 3)


def test_out_of_another_size_is_resized_with_a_warning():
    out = torch.zeros(4)
    with pytest.warns(UserWarning, match=r"since it had shape \[4\], which does not match the required "
                                         r"output shape \[2, 3\]"):
        assert torch.exp(A, out=out) is out
    assert out.shape == (2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.exp(A, out=torch.empty(0))


@pytest.mark.parametrize("run, said", [
    (lambda: torch.add(A, A, out=torch.zeros(2, 3, dtype=torch.int64)),
     "result type Float can't be cast to the desired output type Long"),
    (lambda: torch.mm(A, A.t(), out=torch.zeros(2, 2, dtype=torch.float64)),
     "Expected out tensor to have dtype float, but got double instead"),
    (lambda: torch.gather(A, 1, torch.zeros(2, 3).long(), out=torch.zeros(2, 3, dtype=torch.int64)),
     "Expected out tensor to have dtype float, but got long int instead"),
    (lambda: torch.abs(A, out=torch.zeros(2, 3, dtype=torch.float64)),
     "Found dtype Double but expected Float"),
    (lambda: torch.zeros(2, dtype=torch.float32, out=torch.zeros(2, dtype=torch.int64)),
     r"dtype Float does not match dtype of out parameter \(Long\)"),
])
def test_a_type_that_does_not_fit_is_refused_in_pytorchs_words(run, said):
    with pytest.raises(RuntimeError, match=said):
        run()


def test_cat_refuses_with_a_type_error():
    with pytest.raises(TypeError, match="input types can't be cast to the desired output type Long"):
        torch.cat([A, A], out=torch.zeros(4, 3, dtype=torch.int64))


def test_memory_shared_in_part_is_refused_and_an_input_itself_is_not():
    x = torch.arange(6.0)
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to"):
        torch.add(x[:4], 1, out=x[1:5])
    assert torch.add(x, 1, out=x).tolist() == [1, 2, 3, 4, 5, 6]
    with pytest.raises(RuntimeError, match="some elements of the input tensor"):
        torch.take(x, torch.zeros(6, dtype=torch.int64), out=x)


def test_one_place_for_many_elements_is_refused():
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers"):
        torch.neg(A, out=torch.zeros(3).expand(2, 3))


def test_out_cuts_no_graph():
    with pytest.raises(RuntimeError, match=r"exp\(\): functions with out=... arguments don't support"):
        torch.exp(A.clone().requires_grad_(), out=torch.zeros(2, 3))
    out = torch.zeros(2, 3)
    with torch.no_grad():
        torch.exp(A.clone().requires_grad_(), out=out)
    assert not out.requires_grad
