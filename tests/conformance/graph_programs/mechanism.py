"""The machinery of autograd: functions of one's own, hooks, checkpoints, higher derivatives, closures."""

from __future__ import annotations

import warnings
from typing import Any

Program = tuple[Any, list]


def custom_function(torch: Any) -> Program:
    class MyReLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, given: Any) -> Any:
            ctx.save_for_backward(given)
            return given.clamp(min=0)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (given,) = ctx.saved_tensors
            return grad * (given > 0)

    x = torch.randn(4, requires_grad=True)
    return (MyReLU.apply(x) * MyReLU.apply(x * 2)).sum(), [x]


def custom_function_of_two_results(torch: Any) -> Program:
    class SumAndProduct(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any, factor: float) -> Any:
            ctx.save_for_backward(a, b)
            ctx.factor = factor
            return a + b, a * b * factor

        @staticmethod
        def backward(ctx: Any, gs: Any, gp: Any) -> Any:
            a, b = ctx.saved_tensors
            return gs + gp * b * ctx.factor, gs + gp * a * ctx.factor, None

    a, b = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)
    s, p = SumAndProduct.apply(a, b, 2.0)
    return (p * s).sum() + p.mean(), [a, b]


def custom_function_differentiated_twice(torch: Any) -> Program:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x * x * grad

    x = torch.randn(3, requires_grad=True)
    (g,) = torch.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    return g.sum(), [x]


def straight_through(torch: Any) -> Program:
    x = torch.randn(4, requires_grad=True)
    hard = (x > 0).float()
    y = hard - x.detach() + x
    return (y * torch.nn.functional.gumbel_softmax(x, hard=True)).sum(), [x]


def checkpointed_block(torch: Any) -> Program:
    from importlib import import_module

    checkpoint = import_module(f"{torch.__name__}.utils.checkpoint").checkpoint
    nn = torch.nn
    m = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    x = torch.randn(2, 3, requires_grad=True)
    return (checkpoint(m, x, use_reentrant=True) + checkpoint(m, x, use_reentrant=False)).sum(), [
        x,
        *m.parameters(),
    ]


def second_derivative_of_a_network(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Sequential(nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 1))
    x = torch.randn(3, 2, requires_grad=True)
    (g,) = torch.autograd.grad(m(x).sum(), x, create_graph=True)
    (gg,) = torch.autograd.grad(g[:, 0].sum(), x, create_graph=True)
    return (g.pow(2).sum() + gg.sum()), [x, *m.parameters()]


def second_derivative_of_a_convolution(torch: Any) -> Program:
    F = torch.nn.functional
    x, w = torch.randn(1, 1, 5, 5, requires_grad=True), torch.randn(2, 1, 3, 3, requires_grad=True)
    y = F.max_pool2d(F.softplus(F.conv2d(x, w, padding=1)), 2)
    gx, gw = torch.autograd.grad(y.pow(2).sum(), [x, w], create_graph=True)
    return gx.pow(2).sum() + gw.sum(), [x, w]


def second_derivative_of_losses(torch: Any) -> Program:
    F = torch.nn.functional
    x = torch.randn(3, 4, requires_grad=True)
    y = F.cross_entropy(x, torch.tensor([0, 1, 2])) + F.mse_loss(x.tanh(), torch.ones(3, 4))
    (g,) = torch.autograd.grad(
        y + F.binary_cross_entropy_with_logits(x, torch.ones(3, 4)), x, create_graph=True
    )
    return g.abs().sum(), [x]


def second_derivatives_of_shapes_and_sums(torch: Any) -> Program:
    x = torch.randn(3, 4, requires_grad=True)
    y = (
        (x.t() @ x).sum(0).cumsum(0).exp().mean()
        + torch.cat([x, x * x])[1:4].prod()
        + x.std()
        + x.max(1)[0].sum()
    )
    (g,) = torch.autograd.grad(
        y + x.gather(1, torch.tensor([[0], [1], [2]])).pow(3).sum(), x, create_graph=True
    )
    return (g * g).sum(), [x]


def second_derivative_of_a_batch_norm(torch: Any) -> Program:
    m = torch.nn.BatchNorm1d(3)
    x = torch.randn(4, 3, requires_grad=True)
    (g,) = torch.autograd.grad(m(x).pow(3).sum(), x, create_graph=True)
    return g.sum(), [x, *m.parameters()]


def third_derivative(torch: Any) -> Program:
    x = torch.tensor(0.7, requires_grad=True)
    y = torch.sin(x) * x**3
    for _ in range(3):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
    return y, [x]


def unrolled_learning(torch: Any) -> Program:
    F = torch.nn.functional
    w, rate = torch.randn(3, 1, requires_grad=True), torch.tensor(0.1, requires_grad=True)
    x, y = torch.randn(4, 3), torch.randn(4, 1)
    fast = w
    for _ in range(2):
        (g,) = torch.autograd.grad(F.mse_loss(x @ fast, y), fast, create_graph=True)
        fast = fast - rate * g
    return F.mse_loss(x @ fast, y), [w, rate]


def hooks(torch: Any) -> Program:
    m = torch.nn.Linear(3, 3)
    m.register_forward_hook(lambda layer, given, result: result * 2)
    m.register_full_backward_hook(lambda layer, grads, results: None)
    x = torch.randn(2, 3, requires_grad=True)
    h = x * 2
    h.register_hook(lambda g: g * 3)
    h.retain_grad()
    return m(h).sum(), [x, *m.parameters()]


def no_grad_and_detach(torch: Any) -> Program:
    x = torch.randn(3, requires_grad=True)
    y = x * 2
    with torch.no_grad():
        z = y * 5
    with torch.set_grad_enabled(False):
        z = z + x
    w = y.detach().requires_grad_()
    return (y * z + y.data + w * y).sum(), [x, w]


def functional_call(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    given = {k: v.detach().clone().requires_grad_() for k, v in m.named_parameters()}
    y = torch.func.functional_call(m, given, (torch.randn(4, 2),))
    return y.square().mean(), list(given.values())


def closure_of_lbfgs(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Linear(2, 1)
    x, y = torch.randn(5, 2), torch.randn(5, 1)
    optimizer = torch.optim.LBFGS(m.parameters(), max_iter=3)
    seen = []

    def closure() -> Any:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(m(x), y)
        loss.backward()
        seen.append(loss)
        return loss

    optimizer.step(closure)
    return seen[-1], list(m.parameters())


def loop_after_steps(torch: Any) -> Program:
    nn = torch.nn
    m = nn.Sequential(nn.Linear(3, 4), nn.PReLU(), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(m.parameters(), lr=0.01)
    for _ in range(3):
        loss = nn.functional.cross_entropy(m(torch.randn(4, 3)), torch.tensor([0, 1, 1, 0]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        optimizer.step()
    return loss, list(m.parameters())


def frozen_layers_and_shared_weights(torch: Any) -> Program:
    nn = torch.nn
    frozen, a, b = nn.Linear(3, 3).requires_grad_(False), nn.Linear(3, 3), nn.Linear(3, 3)
    b.weight = a.weight
    return b(a(frozen(torch.randn(2, 3)))).sum(), [a.weight, a.bias, b.bias]


def averages_of_weights(torch: Any) -> Program:
    a, b = torch.randn(3, 3, requires_grad=True), torch.randn(3, 3, requires_grad=True)
    flat = torch.nn.utils.parameters_to_vector([a, b])
    return flat.norm() + torch.stack([p.norm() for p in (a, b)]).norm() + sum(
        p.abs().sum() for p in (a, b)
    ), [a, b]


def lists_of_tensors(torch: Any) -> Program:
    xs = [torch.randn(2, requires_grad=True) for _ in range(4)]
    total = sum(x.sum() for x in xs)
    for x in reversed(xs):
        total = total + torch.prod(x) * xs[0].mean()
    return total / len(xs), xs


def jacobian_by_rows(torch: Any) -> Program:
    x = torch.randn(3, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        j = torch.autograd.functional.jacobian(lambda t: t.exp() * t.sum(), x, create_graph=True)
    return j.sum(), [x]


def tangent_by_double_backward(torch: Any) -> Program:
    x = torch.randn(3, requires_grad=True)
    _, t = torch.autograd.functional.jvp(lambda v: v.sin() * v, x, torch.ones(3), create_graph=True)
    return t.sum(), [x]


def saved_tensors_packed(torch: Any) -> Program:
    x = torch.randn(3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach(), lambda t: t):
        y = (x * x).exp() * x
    return y.sum(), [x]
