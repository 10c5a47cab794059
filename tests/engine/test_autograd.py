"""Differentiation: the user's own functions, views changed in place, versions, higher derivatives, deep
graphs."""

from __future__ import annotations

import gc
import weakref

import pytest

import engine as torch
from engine.autograd import Function, functional, gradcheck, gradgradcheck
from engine.autograd.function import once_differentiable
from engine.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap


class Scaled(Function):
    """exp(x) times a number."""

    @staticmethod
    def forward(ctx, x, factor):
        result = x.exp() * factor
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        result, = ctx.saved_tensors
        return grad_output * result, None


def leaf(*values):
    """A leaf of doubles that requires grad."""
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


# -- Function ------------------------------------------------------------------------------------------------


def test_a_function_is_a_node_of_its_own_name():
    x = leaf(0.0, 1.0)
    y = Scaled.apply(x, 2)
    assert type(y.grad_fn).__name__ == "ScaledBackward"
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_a_function_may_set_up_its_context_apart():
    class Product(Function):
        @staticmethod
        def forward(x, y):
            return x * y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * y, g * x

    x, y = leaf(2.0), leaf(5.0)
    Product.apply(x, y).sum().backward()
    assert (x.grad.item(), y.grad.item()) == (5, 2)
    assert gradgradcheck(Product.apply, (x, y))


def test_missing_gradients_come_as_zeros_unless_asked_otherwise():
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x, keep):
            ctx.set_materialize_grads(keep)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append(b)
            return a * 2, None

    for keep in (True, False):
        Two.apply(leaf(1.0), keep)[0].sum().backward()
    assert seen[0].tolist() == [0] and seen[1] is None


def test_mark_dirty_rebases_the_input():
    class Doubled(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(1.0, 2.0)
    y = x.clone()
    z = Doubled.apply(y)
    assert z is y and type(y.grad_fn).__name__ == "DoubledBackward"
    (z * z).sum().backward()
    assert x.grad.tolist() == [8, 16]


def test_non_differentiable_outputs_have_no_grad_fn():
    class WithMask(Function):
        @staticmethod
        def forward(ctx, x):
            mask = x > 1
            ctx.mark_non_differentiable(mask)
            return x * 2, mask

        @staticmethod
        def backward(ctx, g, of_mask):
            return g * 2

    y, mask = WithMask.apply(leaf(1.0, 2.0))
    assert y.requires_grad and not mask.requires_grad


@pytest.mark.parametrize("given, said", [
    (lambda g: (g, g), r"returned an incorrect number of gradients \(expected 1, got 2\)"),
    (lambda g: g.sum().expand(3), r"returned an invalid gradient at index 0 - got \[3\] but expected shape"),
    (lambda g: 3, r"expected Variable or None \(got int\)"),
])
def test_a_wrong_backward_is_named(given, said):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return given(g)

    with pytest.raises(RuntimeError, match=said):
        Wrong.apply(leaf(1.0, 2.0)).sum().backward()


def test_once_differentiable_refuses_the_second_time():
    class Squared(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return 2 * x * g

    x = leaf(3.0)
    first, = torch.autograd.grad((Squared.apply(x) ** 2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice a function that was marked with "
                       "@once_differentiable"):
        first.sum().backward()


def test_a_functions_node_is_let_go_with_its_output():
    y = Scaled.apply(leaf(1.0), 2)
    node = weakref.ref(y.grad_fn)
    del y
    gc.collect()
    assert node() is None


# -- in place ------------------------------------------------------------------------------------------------


def test_a_changed_view_gives_its_base_new_history():
    x = leaf(1.0, 2.0, 3.0)
    y = x.clone()
    y[0].mul_(10)
    assert type(y.grad_fn).__name__ == "CopySlices"
    (y * y).sum().backward()
    assert x.grad.tolist() == [200, 4, 6]


def test_a_changed_base_gives_its_view_new_history():
    x = leaf(1.0, 2.0, 3.0)
    y = x.clone()
    view = y[1:]
    y.mul_(3)
    assert type(view.grad_fn).__name__ == "AsStridedBackward0"
    view.sum().backward()
    assert x.grad.tolist() == [0, 3, 3]


def test_a_saved_tensor_that_was_changed_is_noticed():
    x = leaf(1.0, 2.0)
    y = x.clone()
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation.*version 1; expected version 0"):
        z.sum().backward()


def test_a_leaf_that_requires_grad_may_not_be_changed():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place "
                       "operation"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        x[0] = 1
    with torch.no_grad():
        x.add_(1)
    assert x.item() == 2


def test_data_changes_unseen():
    x = leaf(1.0)
    y = x * x
    x.data.sub_(0.5)
    y.sum().backward()
    assert x.grad.item() == 1.0 and x._version == 0


def test_an_assignment_into_zeros_carries_the_gradient():
    x = leaf(1.0, 2.0)
    rows = torch.zeros(3, 2, dtype=torch.float64)
    rows[1] = x * 2
    (rows * rows).sum().backward()
    assert x.grad.tolist() == [8, 16]


# -- more than one derivative --------------------------------------------------------------------------------


@pytest.mark.parametrize("fn", [
    lambda x: x[1:] * x[:-1], lambda x: x.view(2, 2).t() @ x.view(2, 2), lambda x: torch.cat([x, x * x]),
    lambda x: torch.stack([x, x.exp()]), lambda x: x[[0, 0, 3]] ** 2, lambda x: x.unfold(0, 2, 1) ** 2,
    lambda x: x.as_strided((3,), (1,), 1) ** 2, lambda x: x.view(2, 2).diagonal() ** 2,
                                lambda x: x.flip(0) * x,
    lambda x: x.roll(1) * x, lambda x: x.repeat(2) ** 2,
                                lambda x: x.index_select(0, torch.tensor([1, 1])) ** 2,
    lambda x: x.gather(0, torch.tensor([3, 0])) ** 2,
                                lambda x: x.masked_fill(torch.tensor([True, False] * 2), 2) ** 3,
    lambda x: torch.where(x > 2, x, x * x), lambda x: x.view(2, 2).tril() ** 2, lambda x: x.expand(3, 4) ** 2,
    lambda x: x.scatter(0, torch.tensor([1]), x[:1] * 2) ** 2, lambda x: x.unbind()[2] * x,
                                lambda x: x.diag() @ x,
    lambda x: x.scatter_reduce(0, torch.tensor([0, 0, 1]), x[:3], "amax") ** 2,
    lambda x: x.scatter_reduce(0, torch.tensor([0, 0, 1]), x[:3], "prod"),
], ids=lambda f: "")
def test_first_and_second_derivatives_agree_with_finite_differences(fn):
    x = leaf(0.7, 1.9, 2.3, 3.1)
    assert gradcheck(fn, (x,))
    assert gradgradcheck(fn, (x,))


def test_gradcheck_notices_a_wrong_gradient():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(Wrong.apply, (leaf(1.0),))


def test_jacobians_and_hessians_of_a_product():
    a, b = torch.tensor([2.0, 3.0]), torch.tensor([5.0, 7.0])
    by_a, by_b = functional.jacobian(lambda a, b: a * b, (a, b))
    assert by_a.tolist() == [[5, 0], [0, 7]] and by_b.tolist() == [[2, 0], [0, 3]]
    (aa, ab), _ = functional.hessian(lambda a, b: (a * a * b).sum(), (a, b))
    assert aa.tolist() == [[10, 0], [0, 14]] and ab.tolist() == [[4, 0], [0, 6]]
    assert functional.jvp(lambda a: a * a, a, torch.ones(2))[1].tolist() == [4, 6]
    assert functional.vhp(lambda a: (a ** 3).sum(), a, torch.ones(2))[1].tolist() == [12, 18]


def test_func_transforms_compose():
    x = torch.tensor([0.5, 2.0])
    cube = lambda x: (x ** 3).sum()
    assert grad(cube)(x).tolist() == [0.75, 12]
    assert grad(lambda x: grad(cube)(x).sum())(x).tolist() == [3, 12]
    assert hessian(cube)(x).tolist() == jacfwd(jacrev(cube))(x).tolist() == [[3, 0], [0, 12]]
    assert vmap(grad(cube))(torch.stack([x, x])).tolist() == [[0.75, 12]] * 2
    assert vjp(lambda x: x * x, x)[1](torch.ones(2))[0].tolist() == [1, 4]
    assert jvp(lambda x: x * x, (x,), (torch.ones(2),))[1].tolist() == [1, 4]
    assert not grad(cube)(x).requires_grad


def test_functional_call_leaves_the_module_as_it_was():
    layer = torch.nn.Linear(2, 1)
    before = layer.weight
    got = functional_call(layer, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)},
                          torch.tensor([1.0, 2.0]))
    assert got.item() == 3 and layer.weight is before


def test_a_dual_number_carries_its_tangent():
    import engine.autograd.forward_ad as forward

    with forward.dual_level():
        x = forward.make_dual(torch.tensor(3.0), torch.tensor(1.0))
        assert forward.unpack_dual(x * x).tangent.item() == 6
    with pytest.raises(RuntimeError, match="no level exists"):
        forward.make_dual(torch.tensor(3.0), torch.tensor(1.0))


# -- what is kept, and for how long --------------------------------------------------------------------------


def test_the_gradient_of_a_result_is_none_and_warns():
    x = leaf(1.0)
    y = x * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert y.grad is None
    y.retain_grad()
    (y * 3).sum().backward()
    assert y.grad.item() == 3 and x.grad.item() == 6


def test_backward_a_second_time_needs_the_graph_kept():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


def test_saved_tensors_pass_through_hooks():
    kept = []

    def pack(t):
        kept.append(tuple(t.shape))
        return t.tolist()

    x = leaf(1.0, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda v: torch.tensor(v, dtype=torch.float64)):
        y = (x * x).sum()
    y.backward()
    assert x.grad.tolist() == [2, 4] and kept == [(2,), (2,)]


def test_a_graph_of_200000_nodes_is_walked_and_let_go():
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(200_000):
        y = y + 0.0
    y.backward()
    assert x.grad.item() == 1
    y = x
    for _ in range(200_000):
        y = y * 1.0
    del y  # frees the chain without running out of stack


def test_volatile_is_accepted_with_a_warning():
    with pytest.warns(UserWarning, match="volatile was removed"):
        v = torch.autograd.Variable(torch.ones(2), volatile=True)
    assert isinstance(v, torch.autograd.Variable) and type(v) is torch.Tensor


def test_a_view_made_without_grad_may_not_be_changed_with_it():
    x = leaf(1.0, 2.0)
    with torch.no_grad():
        view = x[:1]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        view.mul_(2)


def test_one_of_several_views_may_not_be_changed_in_place():
    first, _ = leaf(1.0, 2.0).clone().split(1)
    with pytest.raises(RuntimeError, match="Output 0 of Split is a view and is being modified inplace"):
        first.mul_(2)


def test_an_expanded_tensor_may_not_be_changed_in_place():
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        torch.ones(2).expand(3, 2).add_(1)


def test_a_view_learns_that_its_base_was_given_history():
    x = leaf(1.0, 2.0)
    zeros = torch.zeros(3, 2, dtype=torch.float64)
    row = zeros[1]
    zeros.add_(x)
    (row * 5).sum().backward()
    assert x.grad.tolist() == [5, 5]


def test_an_assigned_gradient_must_be_a_tensor_of_the_leafs_type_and_size():
    w = torch.ones(2, requires_grad=True)
    w.grad = torch.tensor([3.0, 4.0])
    assert w.grad.tolist() == [3.0, 4.0]
    w.grad = None
    assert w.grad is None
    for wrong, kind, words in (
        (3, TypeError, "assigned grad expected to be a Tensor or None but got grad of type int"),
        (torch.ones(3), RuntimeError, r"of size '\[3\]' to a tensor of size '\[2\]'"),
        (torch.ones(2).double(), RuntimeError, "dtype 'double' to a tensor with grad_dtype 'Float'"),
        (w, RuntimeError, "can't assign Variable as its own grad"),
    ):
        with pytest.raises(kind, match=words):
            w.grad = wrong
    assert w.grad is None
