"""What a module promises beyond its layers' values. Expected: PyTorch's documentation, or worked by hand."""

from __future__ import annotations

import copy
import io
from typing import Any

import numpy as np
import pytest

import engine as torch
from engine import nn
from engine.autograd import modes
from engine.nn.utils import clip_grad_norm_, clip_grad_value_, fuse_conv_bn_eval, parameters_to_vector
from engine.nn.utils import vector_to_parameters


def model() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def test_a_cast_keeps_the_parameters_the_same_objects() -> None:
    m = model()
    before = list(m.parameters())
    m.double()
    assert all(a is b for a, b in zip(before, m.parameters()))
    assert before[0].dtype is torch.float64
    assert m[1].num_batches_tracked.dtype is torch.int64


def test_a_deep_copy_shares_nothing_with_the_original() -> None:
    m = model()
    c = copy.deepcopy(m)
    c[0].weight.data.fill_(7)
    assert not (m[0].weight == 7).any()
    assert type(c[0].weight) is nn.Parameter and c[0].weight.requires_grad


def test_a_copied_lazy_layer_finds_its_shape_by_itself() -> None:
    lazy = nn.LazyLinear(3)
    other = copy.deepcopy(lazy)
    lazy(torch.ones(1, 2))
    other(torch.ones(1, 5))
    assert lazy.weight.shape == (3, 2) and other.weight.shape == (3, 5)
    assert type(other) is nn.Linear and not other._forward_pre_hooks


def test_a_whole_module_comes_back_from_a_file() -> None:
    m = nn.Sequential(model(), nn.LSTM(2, 3), nn.TransformerEncoderLayer(4, 2))
    file = io.BytesIO()
    torch.save(m, file)
    file.seek(0)
    back = torch.load(file, weights_only=False)
    assert repr(back) == repr(m)
    assert all((a == b).all() for a, b in zip(m.state_dict().values(), back.state_dict().values()))


def test_a_buffer_that_is_not_persistent_is_moved_but_not_saved() -> None:
    m = nn.Module()
    m.register_buffer("quiet", torch.zeros(2), persistent=False)
    m.kept = nn.Buffer(torch.ones(2))
    assert list(m.state_dict()) == ["kept"]
    assert m.double().quiet.dtype is torch.float64


def test_extra_state_travels_with_the_state_dict() -> None:
    class Counter(nn.Module):
        count = 0

        def get_extra_state(self) -> int:
            return self.count

        def set_extra_state(self, state: int) -> None:
            self.count = state

    one, other = nn.Sequential(Counter()), nn.Sequential(Counter())
    one[0].count = 5
    other.load_state_dict(one.state_dict())
    assert other[0].count == 5


def test_zero_grad_forgets_or_fills() -> None:
    m = model()
    m(torch.ones(4, 3)).sum().backward()
    m.zero_grad(set_to_none=False)
    assert (m[0].weight.grad == 0).all()
    m.zero_grad()
    assert m[0].weight.grad is None


def test_the_observer_is_told_of_every_call_in_order() -> None:
    class Watcher:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def module_entered(self, module: Any, args: tuple) -> None:
            self.seen.append("+" + type(module).__name__)

        def module_left(self, module: Any, result: Any) -> None:
            self.seen.append("-" + type(module).__name__)

        def op_ran(self, *args: Any) -> None:
            pass

        composite_entered = composite_left = op_ran

    m, watcher = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), Watcher()
    modes.observer = watcher
    try:
        m(torch.ones(1, 2))
        with pytest.raises(RuntimeError):
            m(torch.ones(1, 9))
    finally:
        modes.observer = None
    once = ["+Sequential", "+Linear", "-Linear"]
    assert watcher.seen == [*once, "+Tanh", "-Tanh", "-Sequential", *once, "-Sequential"]


def test_a_fused_lstm_differentiates_twice_as_the_written_out_one_does() -> None:
    torch.manual_seed(0)
    fused = nn.LSTM(3, 4, 2, bidirectional=True)
    plain = nn.LSTM(3, 4, 2, bidirectional=True).double()
    plain.load_state_dict(fused.state_dict())
    x = torch.randn(5, 2, 3)

    def second(m: Any, x: Any) -> list:
        x = x.requires_grad_()
        over = [x, *m.parameters()]
        first = torch.autograd.grad((m(x)[0] ** 2).sum(), over, create_graph=True)
        return list(torch.autograd.grad(sum((g * g).sum() for g in first), over))

    for a, b in zip(second(fused, x), second(plain, x.detach().double())):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-4)


def test_clipping_scales_to_the_norm_and_cuts_at_the_value() -> None:
    p = nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([3.0, 4.0])
    assert float(clip_grad_norm_([p], 1.0)) == 5.0
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-5)
    clip_grad_value_([p], 0.7)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.7], rtol=1e-5)


def test_parameters_go_into_a_vector_and_back() -> None:
    m = nn.Linear(2, 3)
    vector = parameters_to_vector(m.parameters())
    assert vector.shape == (9,)
    vector_to_parameters(torch.arange(9.0), m.parameters())
    assert m.weight.tolist() == [[0, 1], [2, 3], [4, 5]] and m.bias.tolist() == [6, 7, 8]


def test_a_fused_convolution_does_what_both_layers_did() -> None:
    torch.manual_seed(0)
    conv, bn = nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)
    x = torch.randn(4, 2, 5, 5)
    bn(conv(x))
    conv.eval(), bn.eval()
    np.testing.assert_allclose(
        fuse_conv_bn_eval(conv, bn)(x).detach().numpy(), bn(conv(x)).detach().numpy(), rtol=1e-4, atol=1e-5
    )


def test_what_torch_names_is_found_at_torchs_paths() -> None:
    from engine.nn.modules.activation import MultiheadAttention
    from engine.nn.modules.conv import LazyConv2d, _ConvNd
    from engine.nn.modules.pooling import LPPool2d
    from engine.nn.modules.rnn import LSTMCell

    for cls, path in (
        (MultiheadAttention, "activation"), (LazyConv2d, "conv"), (_ConvNd, "conv"), (LPPool2d, "pooling"),
        (LSTMCell, "rnn"), (nn.MarginRankingLoss, "loss"), (nn.Module, "module"),
    ):
        assert repr(cls) == f"<class 'torch.nn.modules.{path}.{cls.__name__}'>"
    assert repr(type(nn.Linear(1, 1).weight)) == "<class 'torch.nn.parameter.Parameter'>"


def test_one_optimizer_step_lowers_the_loss_of_every_recurrent_kind() -> None:
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        torch.manual_seed(1)
        m = kind(3, 4)
        optimizer = torch.optim.SGD(m.parameters(), lr=0.05)
        x = torch.randn(6, 2, 3)
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = (m(x)[0] - 0.3).pow(2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses == sorted(losses, reverse=True)


def test_an_encoder_fills_padded_places_with_zeros_only_where_no_gradient_is_asked_for() -> None:
    torch.manual_seed(0)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    x, padding = torch.randn(2, 3, 8), torch.tensor([[False, False, True], [False, False, False]])
    with torch.no_grad():
        quiet = encoder(x, src_key_padding_mask=padding)
    learning = encoder(x, src_key_padding_mask=padding).detach()
    assert (quiet[0, 2] == 0).all() and (learning[0, 2] != 0).all()
    np.testing.assert_allclose(quiet[1].numpy(), learning[1].numpy(), rtol=1e-5, atol=1e-6)
