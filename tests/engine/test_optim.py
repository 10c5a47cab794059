"""Optimizers and schedulers do what PyTorch's do. Expected values: make_optim_data.py, or worked by hand."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine as torch
from engine.autograd import modes
from tests.engine.optim_cases import CASES, run

STORED = np.load(Path(__file__).parent.parent / "data" / "optim.npz")
# PyTorch's own root of float32 vectors is off by one unit in the last place for one in six values
EXACT = ("sgd", "sgd momentum", "sgd nesterov", "adamax", "asgd", "rprop", "muon")


def parameter(*values: float) -> Any:
    return torch.nn.Parameter(torch.tensor(values))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_twenty_steps_end_where_pytorch_ends(case: str, dtype: str) -> None:
    got, expected = run(torch, case, dtype), STORED[f"{case} {dtype}"]
    if case in EXACT:
        assert got.tobytes() == expected.tobytes()
    else:
        close = 3e-5 if dtype == "float32" else 1e-10
        np.testing.assert_allclose(got, expected, rtol=close, atol=close)


def test_the_compiled_loops_give_the_bits_of_the_plain_ones() -> None:
    from engine.optim import arithmetic

    random = np.random.RandomState(0)
    for dtype in (np.float32, np.float64):
        a, b, c = (random.standard_normal(5000).astype(dtype) for _ in range(3))
        for name, *args in (
            ("add_", b, 0.37),
            ("lerp_", b, 0.1),
            ("lerp_", b, 0.8),
            ("addcmul_", b, c, 0.7),
            ("addcdiv_", b, c, -0.3),
        ):
            function = getattr(arithmetic.ArrayMath, name)
            fast = function(a.copy(), *args)
            # a strided array is left to numpy
            spread = np.zeros((5000, 2), dtype)
            spread[:, 0] = a
            slow = function(spread[:, 0], *args)
            assert fast.tobytes() == slow.tobytes(), (name, dtype)


def test_adam_in_one_pass_gives_the_bits_of_adam_in_six() -> None:
    from engine.optim.arithmetic import ArrayMath as m

    random = np.random.RandomState(1)
    p, g, average, square = (random.standard_normal(5000).astype(np.float32) for _ in range(4))
    square = np.abs(square)
    whole = [p.copy(), g.copy(), average.copy(), square.copy()]
    assert m.adam_(*whole, 0.9, 0.999, 0.7, 1e-8, 0.01)
    m.lerp_(average, g, 1 - 0.9)
    m.addcmul_(m.mul_(square, 0.999), g, g, value=1 - 0.999)
    m.addcdiv_(p, average, m.add_(m.div_(m.sqrt(square), 0.7), 1e-8), value=-0.01)
    assert whole[0].tobytes() == p.tobytes()


def test_momentum_in_one_pass_gives_the_bits_of_momentum_in_three() -> None:
    from engine.optim.arithmetic import ArrayMath as m

    random = np.random.RandomState(1)
    p, g, buffer = (random.standard_normal(5000).astype(np.float32) for _ in range(3))
    whole = [p.copy(), g.copy(), buffer.copy()]
    assert m.momentum_(*whole, 0.9, 0.7, -0.01)
    m.add_(p, m.add_(m.mul_(buffer, 0.9), g, alpha=0.7), alpha=-0.01)
    assert whole[0].tobytes() == p.tobytes()


def test_a_group_keeps_its_own_options_and_the_text_shows_them() -> None:
    optimizer = torch.optim.SGD(
        [{"params": [parameter(1.0)]}, {"params": [parameter(2.0)], "lr": 0.5}], lr=0.1
    )
    assert (
        repr(optimizer)
        == """SGD (
Parameter Group 0
    dampening: 0
    differentiable: False
    foreach: None
    fused: None
    lr: 0.1
    maximize: False
    momentum: 0
    nesterov: False
    weight_decay: 0

Parameter Group 1
    dampening: 0
    differentiable: False
    foreach: None
    fused: None
    lr: 0.5
    maximize: False
    momentum: 0
    nesterov: False
    weight_decay: 0
)"""
    )


def test_wrong_arguments_are_told_in_pytorchs_words() -> None:
    p = parameter(1.0)
    cases = [
        (lambda: torch.optim.SGD([], lr=0.1), ValueError, "optimizer got an empty parameter list"),
        (lambda: torch.optim.SGD(p, lr=0.1), TypeError, "params argument given to the optimizer should be an "
        "iterable "
         "of Tensors or dicts, but got torch.FloatTensor"),
        (lambda: torch.optim.SGD([1], lr=0.1), TypeError, "optimizer can only optimize Tensors, but one of "
        "the params "
         "is int"),
        (lambda: torch.optim.SGD([p * 2], lr=0.1), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: torch.optim.SGD([{"params": {p}}]), TypeError, "optimizer parameters need to be organized "
        "in ordered "
         "collections, but the ordering of tensors in sets will change between runs. Please use a list "
         "instead."),
        (lambda: torch.optim.Adam([p], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda: torch.optim.Adam([p], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: "
        "1.0"),
        (lambda: torch.optim.SGD([p], nesterov=True), ValueError, "Nesterov momentum requires a momentum and "
        "zero "
         "dampening"),
        (lambda: torch.optim.SGD([{"params": [p]}, {"params": [p]}]), ValueError, "some parameters appear in "
        "more than "
         "one parameter group"),
        (lambda: torch.optim.Muon([p]), ValueError, "Muon only supports 2D parameters whereas we found a "
        "parameter "
         "with size: torch.Size([1])"),
    ]  # fmt: skip
    for make, kind, message in cases:
        with pytest.raises(kind) as caught:
            make()
        assert str(caught.value) == message


def test_a_loaded_state_goes_on_as_if_nothing_had_happened() -> None:
    def steps(optimizer: Any, p: Any, count: int) -> None:
        for k in range(count):
            p.grad = torch.tensor([0.3 + k, -0.2])
            optimizer.step()

    p, q = parameter(1.0, 2.0), parameter(1.0, 2.0)
    one, two = torch.optim.Adam([p], lr=0.1), torch.optim.Adam([q], lr=0.9)
    steps(one, p, 3)
    q.data.copy_(p.data)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    steps(one, p, 2)
    steps(two, q, 2)
    assert p.tolist() == q.tolist()
    again = pickle.loads(pickle.dumps(one))
    assert repr(again) == repr(one)


def test_hooks_stand_around_the_step_and_can_be_taken_away() -> None:
    heard: list[str] = []
    p = parameter(1.0)
    optimizer = torch.optim.SGD([p], lr=1.0)
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: heard.append("before"))
    optimizer.register_step_post_hook(lambda o, args, kwargs: heard.append("after"))
    optimizer.step()
    before.remove()
    optimizer.step()
    assert heard == ["before", "after", "after"]


def test_an_optimizer_of_the_scripts_own_has_hooks_too() -> None:
    class Halving(torch.optim.Optimizer):
        def step(self, closure: Any = None) -> None:
            with torch.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.mul_(0.5)

    p, heard = parameter(4.0), []
    optimizer = Halving([p], {})
    optimizer.register_step_post_hook(lambda *_: heard.append(p.item()))
    optimizer.step()
    assert heard == [2.0]


def test_an_observer_is_told_of_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    class Watcher:
        seen: list = []

        def optimizer_begins(self, optimizer: Any) -> None:
            self.seen.append((optimizer, p.item()))

        def optimizer_stepped(self, optimizer: Any) -> None:
            self.seen.append((optimizer, p.item()))

    watcher, p = Watcher(), parameter(1.0)
    optimizer = torch.optim.SGD([p], lr=0.5)
    p.grad = torch.ones(1)
    monkeypatch.setattr(modes, "observer", watcher)
    optimizer.step()
    monkeypatch.setattr(modes, "observer", None)
    assert watcher.seen == [(optimizer, 1.0), (optimizer, 0.5)]
    assert p.item() == 0.5


def test_a_step_counts_as_a_change_in_place() -> None:
    p = parameter(2.0)
    y = (p * p).sum()
    p.grad = torch.ones(1)
    torch.optim.SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_zero_grad_drops_gradients_or_fills_them_with_zeros() -> None:
    p = parameter(2.0)
    optimizer = torch.optim.SGD([p], lr=0.1)
    p.grad = torch.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_a_differentiable_step_passes_gradients_to_the_rate() -> None:
    rate = torch.tensor(0.5, requires_grad=True)
    start = torch.tensor([3.0], requires_grad=True)
    p = start.clone()
    p.grad = torch.tensor([2.0])
    torch.optim.SGD([p], lr=rate, differentiable=True).step()
    p.sum().backward()
    assert (p.item(), rate.grad.item(), start.grad.item()) == (2.0, -2.0, 1.0)


def test_a_step_of_a_sparse_gradient_touches_its_rows_only() -> None:
    p = torch.nn.Parameter(torch.ones(3, 2))
    p.grad = torch.sparse_coo_tensor([[1]], [[1.0, -1.0]], (3, 2))
    torch.optim.SparseAdam([p], lr=0.1).step()
    assert p[0].tolist() == p[2].tolist() == [1.0, 1.0]
    assert p[1].tolist() == pytest.approx([0.9, 1.1], abs=1e-6)  # Adam's first step is lr * sign(g)


def test_an_embedding_may_give_its_gradient_as_rows() -> None:
    table = torch.nn.Embedding(4, 2, sparse=True)
    table.weight.data.fill_(1.0)
    table(torch.tensor([1, 1])).sum().backward()
    assert table.weight.grad.is_sparse
    assert table.weight.grad.coalesce().indices().tolist() == [[1]]
    assert table.weight.grad.coalesce().values().tolist() == [[2.0, 2.0]]
    torch.optim.SGD(table.parameters(), lr=0.25).step()
    assert table.weight.tolist() == [[1.0, 1.0], [0.5, 0.5], [1.0, 1.0], [1.0, 1.0]]
    with pytest.raises(
        RuntimeError, match="Adam does not support sparse gradients, please consider SparseAdam"
    ):
        torch.optim.Adam(table.parameters()).step()


def test_step_lr_falls_every_third_epoch() -> None:
    optimizer = torch.optim.SGD([parameter(1.0)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, gamma=0.5)
    rates = []
    for _ in range(7):
        optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_a_scheduler_warns_where_it_steps_before_the_optimizer() -> None:
    optimizer = torch.optim.SGD([parameter(1.0)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()


def test_an_averaged_model_is_the_mean_of_what_it_was_shown() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    averaged = torch.optim.swa_utils.AveragedModel(model)
    for value in (1.0, 2.0, 6.0):
        model.weight.data.fill_(value)
        averaged.update_parameters(model)
    assert averaged.module.weight.item() == pytest.approx(3.0)
    assert averaged.n_averaged.item() == 3


def test_a_quickstart_prints_the_losses_of_its_document() -> None:
    shown = {
        0: 2.78025,
        1: 1.22228,
        2: 0.14918,
        3: 0.56846,
        4: 1.42182,
        5: 1.39428,
        6: 0.64793,
        7: 0.2631,
        8: 0.60053,
    }
    shown |= {
        9: 0.95843,
        10: 0.72269,
        15: 0.4925,
        20: 0.25056,
        40: 0.01546,
        50: 0.00616,
        90: 0.0,
        98: 6e-05,
        99: 2e-05,
    }
    torch.manual_seed(1)
    model = torch.nn.Linear(5, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, label = torch.randn(2, 5), torch.randn(2, 6)
    losses = []
    for _ in range(100):
        loss = torch.nn.MSELoss()(model(x), label)
        losses.append(round(loss.item(), 5))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert {epoch: losses[epoch] for epoch in shown} == shown
